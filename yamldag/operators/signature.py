"""What a Python function takes, read from its source: nothing is imported, no code of the user runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct, field

if TYPE_CHECKING:
    import ast

    Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


class Parameter(Struct, frozen=True):
    name: str
    required: bool
    """Whether it has no default."""
    kind: str = "either"
    """`either`, `positional` (can't be given by name) or `keyword`."""


class Signature(Struct, frozen=True):
    """What a function can be called with."""

    parameters: tuple[Parameter, ...] = ()
    takes_any: bool = False
    """It has a `**name`, which takes every further argument."""
    known: bool = True
    """False where the source doesn't tell: decorated, imported from elsewhere, a class, made by a call."""
    line: int = 0
    """Where it is defined, from 1; 0 where that is not known."""

    def unknown(self, given: Collection[str]) -> list[str]:
        """Those of the arguments given by name that it does not take."""
        if not self.known or self.takes_any:
            return []
        named = {parameter.name for parameter in self.parameters if parameter.kind != "positional"}
        return [name for name in given if name not in named]

    def missing(self, given: Collection[str]) -> list[str]:
        """The parameters that must be given and are not. Positional ones can't be, by name."""
        if not self.known:
            return []
        return [
            parameter.name
            for parameter in self.parameters
            if parameter.required and (parameter.kind == "positional" or parameter.name not in given)
        ]


class Fault(Struct, frozen=True):
    """Why there is no signature."""

    kind: str
    """`unreadable` (the file can't be opened), `syntax` (it is no Python) or `missing` (no such function)."""
    message: str = ""
    """Of `unreadable` and `syntax`: what is wrong, in lower case."""
    line: int = 0
    """Of `syntax`: where, from 1; 0 where that is not known."""
    defined: tuple[str, ...] = field(default=())
    """Of `missing`: the names that the module does define, in the order of the file."""


def read(path: str, function: str) -> Signature | Fault:
    """What `function` (`name`, or `Class.name`) of the module at `path` can be called with."""
    module = _parsed(path)
    if isinstance(module, Fault):
        return module
    outer, _, inner = function.partition(".")
    bound = module.names.get(outer)
    if bound is None:
        return Signature(known=False) if module.open else Fault("missing", defined=tuple(module.names))
    if inner or bound.function is None:
        return Signature(known=False, line=bound.line)
    return _signature(bound.function)


def module_file(folder: str, module: str) -> str | None:
    """The file of a module (`rockets`, `reports.daily`) beside a pipeline: a package goes before a module, as
    in an import. None: there is none."""
    return next((path for path in module_files(folder, module) if os.path.isfile(path)), None)


def module_files(folder: str, module: str) -> tuple[str, ...]:
    """The files that a module of a folder may be in: the first that is there is it."""
    parts = module.split(".")
    if not all(part.isidentifier() for part in parts):
        return ()
    stem = os.path.join(folder, *parts)
    return f"{stem}/__init__.py", f"{stem}.py"


def importable(module: str) -> bool:
    """Whether an import of this module can work, judged by its first part alone: below it a package may make
    modules of its own. Nothing is imported."""
    top = module.partition(".")[0]
    if top in _FOUND or top in sys.stdlib_module_names or top in sys.modules:
        return True
    if not top.isidentifier() or not any(_finds(finder, top) for finder in sys.meta_path):
        return False
    _FOUND.add(top)
    return True


_FOUND: set[str] = set()
"""What was importable before. What wasn't may have been installed since."""


def _finds(finder: object, name: str) -> bool:
    find_spec = getattr(finder, "find_spec", None)
    return find_spec is not None and find_spec(name, None) is not None


class _Bound(Struct, frozen=True):
    """What a name of a module stands for: a plain function, or something else."""

    line: int
    function: Function | None = None


class _Module(Struct, frozen=True):
    names: dict[str, _Bound]
    open: bool
    """Whether it may hold names that its source does not show: `from x import *`, `__getattr__`."""


def _parsed(path: str) -> _Module | Fault:
    try:
        status = os.stat(path)
    except OSError as error:
        return Fault("unreadable", _words(error))
    return _parse(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=1024)
def _parse(path: str, _changed: int, _size: int) -> _Module | Fault:
    """A file's names, read once for each state of the file."""
    import ast
    import warnings

    try:
        with open(path, "rb") as file:
            text = file.read()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the user's source; whoever runs it sees them
            tree = ast.parse(text)
    except OSError as error:
        return Fault("unreadable", _words(error))
    except SyntaxError as error:
        return Fault("syntax", _lower(error.msg), error.lineno or 0)
    except ValueError:
        return Fault("syntax", "the source holds a null byte")
    except (RecursionError, MemoryError):
        return Fault("syntax", "it is nested too deep to be read")
    return _names(tree)


def _words(error: OSError) -> str:
    return _lower(error.strerror or "it can't be read")


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:]


def _names(tree: ast.Module) -> _Module:
    names: dict[str, _Bound] = {}
    for name, bound in _bindings(tree):
        # bound twice: which of the two stands in the end depends on what happens
        names[name] = _Bound(bound.line) if name in names else bound
    stars = names.pop("*", None)
    return _Module(names, open=stars is not None or "__getattr__" in names)


def _bindings(tree: ast.Module) -> Iterator[tuple[str, _Bound]]:
    """The names that a module's own level binds, those under its `if`, `try`, `with`, `for` too."""
    import ast

    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, _Bound(node.lineno, None if node.decorator_list else node)
        elif isinstance(node, ast.ClassDef):
            yield node.name, _Bound(node.lineno)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                yield alias.asname or alias.name.partition(".")[0], _Bound(node.lineno)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, _Bound(node.lineno)
        elif not isinstance(node, ast.Lambda | ast.comprehension):
            waiting += reversed(list(ast.iter_child_nodes(node)))


def _signature(function: Function) -> Signature:
    taken = function.args
    plain = [*taken.posonlyargs, *taken.args]
    first_default = len(plain) - len(taken.defaults)
    parameters = [
        Parameter(each.arg, at < first_default, "positional" if at < len(taken.posonlyargs) else "either")
        for at, each in enumerate(plain)
    ]
    parameters += [
        Parameter(each.arg, default is None, "keyword")
        for each, default in zip(taken.kwonlyargs, taken.kw_defaults, strict=True)
    ]
    return Signature(tuple(parameters), takes_any=taken.kwarg is not None, line=function.lineno)
