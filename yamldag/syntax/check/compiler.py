"""From a schema to a check. Each part is compiled when a document first needs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from yamldag.syntax.check.anything import anything_check
from yamldag.syntax.check.complaint import Owner
from yamldag.syntax.check.mapping import mapping_check
from yamldag.syntax.check.part import Check, Checking, Mode, Part, Schema
from yamldag.syntax.check.scalar import scalar_check
from yamldag.syntax.check.sequence import sequence_check
from yamldag.syntax.tree import Map, Node, Scalar

Resolve: TypeAlias = Callable[[str], Schema]
_MODES: dict[object, Mode] = {True: "template", False: "constant", "never": "never"}
_ANYTHING: Schema = {}
_NOTHING: Schema = {"enum": [], "x-wanted": "left out"}
_SAYS_NOTHING = {"title", "description", "default", "definitions", "examples", "$schema", "$id", "$comment"}


def compile_schema(schema: Schema, resolve: Resolve) -> Check:
    """A check for documents of this schema. A `$ref` may lead into the schema that it stands in
    (`#/definitions/x`) or into another (`operators/http.schema.json`, also with a `#/…`): `resolve` gives the
    schema of that name, which is relative to this schema's folder whichever schema names it."""
    return _Compiler(schema, resolve, {}).check(schema, "constant", in_list=False)


class _Compiler:
    """One schema document. What is compiled is kept, by schema node, mode and whether it is met in a list."""

    def __init__(self, root: Schema, resolve: Resolve, documents: dict[str, _Compiler]) -> None:
        self.root = root
        self._resolve = resolve
        self._documents = documents
        self._checks: dict[tuple[int, Mode, bool], Check] = {}

    def check(self, schema: Schema | bool, mode: Mode, in_list: bool) -> Check:
        """The check of one schema node of this document."""
        if isinstance(schema, bool):
            schema = _ANYTHING if schema else _NOTHING
        token = (id(schema), mode, in_list)
        if token not in self._checks:
            self._checks[token] = self._compile(schema, mode, in_list)
        return self._checks[token]

    def _compile(self, schema: Schema, mode: Mode, in_list: bool) -> Check:
        mode = _MODES[schema["x-template"]] if "x-template" in schema else mode
        if "$ref" not in schema:
            return _node_check(Part(schema, Owner(schema, in_list), mode, self.check, self._followed))
        compiler, target = self._behind(schema["$ref"])
        said = {name: value for name, value in schema.items() if name.startswith("x-") or name == "title"}
        if said:
            return compiler._compile({**target, **said}, mode, in_list)
        return compiler.check(target, mode, in_list)

    def _behind(self, ref: str) -> tuple[_Compiler, Schema]:
        name, _, path = ref.partition("#")
        compiler = self._document(name) if name else self
        target: Any = compiler.root
        for part in path.split("/")[1:]:
            target = target[part.replace("~1", "/").replace("~0", "~")]
        return compiler, target

    def _document(self, name: str) -> _Compiler:
        """A `$ref` between files leads from the folder of all schemas, wherever it stands."""
        if name not in self._documents:
            self._documents[name] = _Compiler(self._resolve(name), self._resolve, self._documents)
        return self._documents[name]

    def _followed(self, schema: Schema) -> Schema:
        compiler = self
        while "$ref" in schema:
            compiler, schema = compiler._behind(schema["$ref"])
        return schema


def _node_check(part: Part) -> Check:
    if all(name in _SAYS_NOTHING or name.startswith("x-") for name in part.schema):
        return anything_check(part)
    good: set[object] = set()
    scalar, mapping, sequence = scalar_check(part, good), mapping_check(part), sequence_check(part)

    def check(node: Node, key: Scalar | None, checking: Checking) -> Node | None:
        if type(node) is Scalar:
            value = node.value
            if (value if type(value) is str else (type(value), value)) in good:
                return None
            put = scalar(node, key, checking)
            return put if put is None else check(put, key, checking) or put
        return mapping(node, key, checking) if type(node) is Map else sequence(node, key, checking)

    return check
