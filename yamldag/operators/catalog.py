"""Every operator by name, those of plug-ins too, and the JSON Schemas that `schemas/` holds.

Files are read, and plug-ins loaded, when they are first asked for: most commands need a few. Of the words
that the schemas add to draft-07, those that speak of an operator become fields of `Operator` here;
`x-operators` marks a mapping that takes operators as keys, `x-expression` a text that may be an expression
without its `{{ }}`. The others are told in `yamldag.syntax.check`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, lru_cache, partial
from typing import Any, TypeAlias

from msgspec import Struct

from yamldag import shipped
from yamldag.operators.builtin import BUILT_IN
from yamldag.operators.plugins.announced import Described
from yamldag.operators.plugins.registry import Plugins

Schema: TypeAlias = dict[str, Any]

_CALLS = ("calls", "call")
"""The definitions that are notifications."""


class Operator(Struct, frozen=True):
    """What an operator takes and gives. How it runs is told in the file of its name, or by its plug-in."""

    name: str
    schema: Schema
    """Of the value of the operator's key: its parameters as a mapping, or the short form."""
    short: str | None
    """The parameter that the short form sets; None where there is no short form."""
    required: tuple[tuple[str, ...], ...]
    """Alternatives: one of these lists of parameters must be given in full. Empty: nothing must."""
    exclusive: tuple[tuple[str, ...], ...]
    """Of each of these lists of parameters, at most one may be given."""
    output: Schema | None
    """The JSON Schema of the task's output, or None where it is the task's own affair."""
    summary: str
    """One sentence, without its full stop."""


def look_in(root: str | None, modules: Iterable[str] = ()) -> None:
    """From here on the plug-ins of this project count, as they are now. Told by whoever begins to compile or to run."""
    global _plugins  # noqa: PLW0603 - a process has to do with one project at a time
    if not _plugins.are_those_of(root, tuple(modules), run=_run):
        _plugins = Plugins(root, tuple(modules), run=_run)


def run_plugins(run: bool) -> None:
    """Whether plug-ins that are looked in for from here on may be run, to be asked for what they take."""
    global _run  # noqa: PLW0603 - the same
    _run = run


def plugins() -> Plugins:
    """Those that count."""
    return _plugins


def names(*, plugins: bool = False) -> tuple[str, ...]:
    """The built-in operators; with `plugins`, those that are announced as well, without loading them."""
    return (*BUILT_IN, *_plugins.names("operators")) if plugins else BUILT_IN


def operator(name: str) -> Operator | None:
    """The operator or notifier of this name. None: there is none, or its plug-in is `broken`."""
    if name in BUILT_IN:
        return _built_in(name)
    told = _plugins.described(name)
    return None if told is None or told.schema is None else _described(name, told.schema)


def broken(name: str) -> Described | None:
    """Why the plug-in that announces this operator can't be used; None if it can, or if there is none."""
    told = None if name in BUILT_IN else _plugins.described(name)
    return told if told is not None and told.fault is not None else None


def carried_by(name: str) -> str:
    """What `running.runnable` takes for this operator: its name, and of a plug-in's where it is loaded from."""
    if name in BUILT_IN or name == "guarded":
        return name
    found = _plugins.announced(name)
    return f"{name}={found.reference if found else ''}"


def plugins_were_asked() -> bool:
    """Whether plug-ins may have had a say in what this process has made of any file."""
    return _plugins.were_asked


def schema(ref: str, *, plugins: bool = False) -> Schema:
    """The document that a `$ref` leads to: `pipeline.schema.json`, `operators/bash.schema.json`. With a
    fragment, a document of that definition alone. With `plugins`, for each ref on the way, tasks take their
    operators too. The same object each time: not to be changed."""
    file, _, fragment = ref.partition("#")
    if fragment:
        return _fragment(file, fragment, _plugins if plugins else None)
    if plugins and file == "pipeline.schema.json":
        return _with_plugins(_plugins)
    folder, _, name = file.removesuffix(".schema.json").rpartition("/")
    if plugins and folder == "operators" and name not in BUILT_IN:
        brought = operator(name)
        return brought.schema if brought else {"x-template": True}  # broken: whoever compiles says so
    return _read(file)


def bundle(kind: str = "file") -> Schema:
    """`kind` as one draft-07 document that needs no other file, with the operators of plug-ins: `pipeline`,
    `template`, `project`, or `file` for what a pipeline file may hold, pipelines and templates. Unlike the
    files of `schemas/` it lets a template stand wherever the language does. Below a broken plug-in's key all is
    good."""
    from yamldag.operators import bundling

    brought = sorted(_brought())
    _plugins.ask(brought)
    return bundling.bundle(kind, partial(schema, plugins=True), [*BUILT_IN, *brought])


def _brought() -> set[str]:
    return {*_plugins.names("operators"), *_plugins.names("notifiers")}


@lru_cache(maxsize=64)
def _fragment(file: str, fragment: str, plugins: Plugins | None) -> Schema:
    return {"$ref": f"#{fragment}", "definitions": schema(file, plugins=plugins is not None)["definitions"]}


@lru_cache(maxsize=1)
def _with_plugins(plugins: Plugins) -> Schema:
    """The schema of pipelines whose tasks take plug-ins' operators, too; notifiers are taken by notifications alone."""
    document = _read("pipeline.schema.json")
    refs = {name: {"$ref": f"operators/{name}.schema.json"} for name in sorted(_brought())}
    tasks = {name: ref for name, ref in refs.items() if name in plugins.names("operators")}
    definitions = {
        name: {**each, "properties": {**(refs if name in _CALLS else tasks), **each["properties"]}}
        if each.get("x-operators")
        else each
        for name, each in document["definitions"].items()
    }
    return {**document, "definitions": definitions}


@cache
def _read(file: str) -> Schema:
    import json

    with open(shipped.path("schemas", *file.split("/")), encoding="utf-8") as text:
        document: Schema = json.load(text)
    folder = file.rpartition("/")[0]
    if folder:
        _lead_from_top(document, f"{folder}/")
    return document


def _lead_from_top(node: Any, folder: str) -> None:
    """Refs between files start from the file's own folder, as editors read them; here, from `schemas/`."""
    if isinstance(node, dict):
        ref = node.get("$ref")
        if isinstance(ref, str) and not ref.startswith("#"):
            node["$ref"] = folder + ref
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        _lead_from_top(child, folder)


@cache
def _built_in(name: str) -> Operator:
    return _described(name, schema(f"operators/{name}.schema.json"))


def _described(name: str, described: Schema) -> Operator:
    required = described.get("x-required") or ([described["required"]] if "required" in described else [])
    return Operator(
        name=name,
        schema=described,
        short=described.get("x-short"),
        required=_lists(required),
        exclusive=_lists(described.get("x-exclusive", [])),
        output=described.get("x-output"),
        summary=described.get("description", "").partition(". ")[0].removesuffix("."),
    )


def _lists(written: Iterable[Iterable[str]]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(each) for each in written)


_plugins = Plugins(None, ())
_run = True
