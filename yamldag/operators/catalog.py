"""Every operator by name, those of plug-ins too, and the JSON Schemas that `schemas/` holds.

Files are read, and plug-ins loaded, when they are first asked for: most commands need a few. Of the words
that the schemas add to draft-07, those that speak of an operator become fields of `Operator` here;
`x-operators` marks a mapping that takes operators as keys, `x-expression` a text that may be an expression
without its `{{ }}`. The others are told in `yamldag.syntax.check`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache, partial
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import Struct

from yamldag import shipped

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

Schema: TypeAlias = dict[str, Any]

BUILT_IN = (
    *("bash", "command", "python", "http", "sql", "copy", "docker", "kubernetes", "ssh", "dbt", "pipeline"),
    *("wait", "approval", "branch", "short_circuit", "email", "notify", "airflow", "noop"),
)
ENTRY_POINTS = "yamldag.operators"
"""The group of entry points where plug-ins announce operators: name → an object with `schema` and `run`."""


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
    runs: bool
    """Whether this version runs it, or only checks and draws it."""
    summary: str
    """One sentence, without its full stop."""


def names(*, plugins: bool = False) -> tuple[str, ...]:
    """The built-in operators; with `plugins`, those that are installed as well, without loading them."""
    return (*BUILT_IN, *sorted(_entry_points())) if plugins else BUILT_IN


@cache
def operator(name: str) -> Operator | None:
    """The operator of this name. None: there is none, or its plug-in is `broken`."""
    if name in BUILT_IN:
        return _described(name, schema(f"operators/{name}.schema.json"))
    brought = plugin(name)
    return None if brought is None else _described(name, {"x-template": True, **brought.schema})


def plugin(name: str) -> Any:
    """The object that a plug-in brings under this name, with `schema` and `run`; None where there is none."""
    return _loaded(name)[0]


def broken(name: str) -> str | None:
    """Why the plug-in that announces this operator can't be used; None if it can, or if there is none."""
    return None if name in BUILT_IN else _loaded(name)[1]


def plugins_were_asked() -> bool:
    """Whether plug-ins may have had a say in what this process has made of any file."""
    return _entry_points.cache_info().currsize > 0 and bool(_entry_points())


@cache
def schema(ref: str, *, plugins: bool = False) -> Schema:
    """The document that a `$ref` leads to: `pipeline.schema.json`, `operators/bash.schema.json`. With a
    fragment, a document of that definition alone. With `plugins`, for each ref on the way, tasks take their
    operators too. The same object each time: not to be changed."""
    file, _, fragment = ref.partition("#")
    if fragment:
        return {"$ref": f"#{fragment}", "definitions": schema(file, plugins=plugins)["definitions"]}
    if plugins and file == "pipeline.schema.json":
        return _with_plugins(schema(file))
    folder, _, name = file.removesuffix(".schema.json").rpartition("/")
    if plugins and folder == "operators" and name in _entry_points():
        brought = operator(name)
        return brought.schema if brought else {}  # broken: whoever compiles says so
    return _read(file)


def bundle(kind: str = "file") -> Schema:
    """`kind` as one draft-07 document that needs no other file, with the operators of plug-ins: `pipeline`,
    `template`, `project`, or `file` for what a pipeline file may hold, pipelines and templates. Unlike the
    files of `schemas/` it lets a template stand wherever the language does."""
    from yamldag.operators import bundling

    return bundling.bundle(kind, partial(schema, plugins=True), names(plugins=True))


def _with_plugins(document: Schema) -> Schema:
    brought = {name: {"$ref": f"operators/{name}.schema.json"} for name in sorted(_entry_points())}
    definitions = {
        name: {**each, "properties": {**brought, **each["properties"]}} if each.get("x-operators") else each
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


def _described(name: str, described: Schema) -> Operator:
    required = described.get("x-required") or ([described["required"]] if "required" in described else [])
    return Operator(
        name=name,
        schema=described,
        short=described.get("x-short"),
        required=_lists(required),
        exclusive=_lists(described.get("x-exclusive", [])),
        output=described.get("x-output"),
        runs=described.get("x-runs", True),
        summary=described.get("description", "").partition(". ")[0].removesuffix("."),
    )


def _lists(written: Iterable[Iterable[str]]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(each) for each in written)


@cache
def _entry_points() -> Mapping[str, EntryPoint]:
    """What is installed, by name. Nothing replaces a built-in operator; of two alike the first is taken."""
    from importlib.metadata import entry_points

    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=ENTRY_POINTS):
        if point.name not in BUILT_IN:
            found.setdefault(point.name, point)
    return found


@cache
def _loaded(name: str) -> tuple[Any, str | None]:
    """A plug-in's object, or None and why there is none."""
    point = _entry_points().get(name)
    if point is None:
        return None, None
    try:
        brought = point.load()
    except Exception as fault:  # the border: a plug-in's own code runs here, and may raise anything
        return None, f"`{point.value}` can't be loaded: {fault}"
    lack = _lack(brought)
    return (None, f"`{point.value}` {lack}") if lack else (brought, None)


def _lack(brought: Any) -> str | None:
    if not isinstance(getattr(brought, "schema", None), dict):
        return "has no `schema` that is a mapping"
    if not callable(getattr(brought, "run", None)):
        return "has no `run` that can be called"
    return None
