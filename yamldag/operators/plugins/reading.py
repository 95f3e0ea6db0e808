"""What can be known of a plug-in without running any of its code: a schema that is written out in its file."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from types import SimpleNamespace

from yamldag.operators.plugins.announced import Announced, Described
from yamldag.operators.plugins.shape import UnfitError, called, described

UNCHECKED = Described(schema={"x-template": True})
"""Of one that says no more: it takes whatever it is given."""
_LONGEST = 1 << 20
"""Bytes of a file that is read."""


def read(plugins: Sequence[Announced]) -> list[Described]:
    """What each says of itself, as far as it can be read."""
    return [_read(each) for each in plugins]


def _read(plugin: Announced) -> Described:
    if plugin.file is None:
        return UNCHECKED
    try:
        with open(plugin.file, "rb") as file:
            module = ast.parse(file.read(_LONGEST))
        schema = _literal(module, "schema")
    except (OSError, SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return UNCHECKED
    function = called(plugin.kind)
    if not any(isinstance(each, ast.FunctionDef) and each.name == function for each in module.body):
        return UNCHECKED
    written = SimpleNamespace(schema=schema, **{"__doc__": ast.get_docstring(module), function: len})
    try:
        return Described(**described(plugin.kind, written))
    except UnfitError as lack:
        return Described(fault=f"`{plugin.origin}` {lack}")


def _literal(module: ast.Module, name: str) -> object:
    """What is assigned to a name once, and nowhere changed in the module's own lines. Raises ValueError."""
    mentioned = [each for each in ast.walk(module) if isinstance(each, ast.Name) and each.id == name]
    assigned = [
        each.value
        for each in module.body
        if isinstance(each, ast.Assign) and [ast.unparse(target) for target in each.targets] == [name]
    ]
    if len(assigned) != 1 or len(mentioned) != 1:
        raise ValueError(name)
    found: object = ast.literal_eval(assigned[0])
    return found
