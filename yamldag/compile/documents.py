"""One file's way to checked documents: read, parse, check against the schema."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple

from yamldag.compile import keys
from yamldag.compile.constants import fold
from yamldag.compile.draft import Entries
from yamldag.operators import catalog
from yamldag.syntax import check, parse
from yamldag.syntax.diagnostic import Diagnostic, Place, at
from yamldag.syntax.nearest import Known, likely, nearest
from yamldag.syntax.reading import MAX_FILE
from yamldag.syntax.source import Source
from yamldag.syntax.tree import Map, Node, Scalar


class File(NamedTuple):
    """A file as it was read: its documents, and what is wrong with it as YAML."""

    path: str
    source: Source
    documents: list[Node]
    found: list[Diagnostic]


class Checked(NamedTuple):
    """A document that has met its schema; `faulty` are the ids of the nodes that failed."""

    root: Map
    faulty: set[int]
    found: list[Diagnostic]


_schemas: dict[tuple[str, object], check.Check] = {}
"""By kind of document, and the plug-ins whose operators are in it, if they are."""


def read(path: str, shown: str) -> File:
    """Read and parse a file. Never raises: what is wrong is in `found`."""
    if not _is_utf8(os.path.relpath(path)):
        return _unreadable(path, shown, "the file's name is not UTF-8")
    try:
        with open(path, "rb") as opened:
            # A bounded read takes its whole buffer at once, so only what can't tell its size is read that way.
            small = 0 < os.fstat(opened.fileno()).st_size <= MAX_FILE
            data = opened.read() if small else opened.read(MAX_FILE + 1)
    except OSError as error:
        return _unreadable(path, shown, (error.strerror or "unknown reason").lower())
    return from_bytes(path, shown, data)


def _is_utf8(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _unreadable(path: str, shown: str, why: str) -> File:
    source = Source(shown, "")
    return File(
        path, source, [], [Diagnostic("YD113", f"the file can't be read: {why}", Place(source, 0, 0))]
    )


def text_of(path: str, shown: str) -> Source:
    """A file that is no YAML, to point into; empty where it can't be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as opened:
            return Source(shown, opened.read(MAX_FILE))
    except OSError:
        return Source(shown, "")


def from_bytes(path: str, shown: str, data: bytes) -> File:
    source, found = parse.read(shown, data)
    if source is None or found:
        return File(path, source or Source(shown, ""), [], found)
    return from_source(path, source)


def from_source(path: str, source: Source) -> File:
    documents, found = parse.documents(source)
    present = [document for document in documents if document is not None]
    if not present and not found:
        found = [_nothing_in(source)]
    return File(path, source, present, found)


def kind_of(root: Node) -> str | None:
    """`pipeline`, `template`, or None."""
    if type(root) is Map:
        for kind in ("pipeline", "template"):
            if kind in root.items:
                return kind
    return None


def not_a_pipeline(root: Node) -> Diagnostic:
    """Neither `pipeline:` nor `template:`: said at the key that looks like one, else at the first."""
    help_ = "begin it with `pipeline: id`, or `template: name`; name other files in .yamldagignore"
    if type(root) is not Map or not root.items:
        return Diagnostic(
            "YD112", "this is neither a pipeline nor a template: it is no mapping", at(root), help_
        )
    for name, (key, _) in root.items.items():
        near = nearest(name, ("pipeline", "template"))
        if near:
            message = f"this is neither a pipeline nor a template: `{name}` is no key of either"
            return Diagnostic("YD112", message, at(key), f"did you mean `{near}`?")
    first = next(iter(root.items.values()))[0]
    message = "this is neither a pipeline nor a template: it has neither `pipeline:` nor `template:`"
    return Diagnostic("YD112", message, at(first), help_)


def checked(
    root: Map, kind: str, constants: Callable[[str], Node | None] | None, known: Iterable[str] = ()
) -> Checked:
    """Hold a document against its schema. Templates of vars alone, where no template is rendered, are put in:
    `constants` gives a var's node by name; `known` are the names to suggest for one that is not there."""

    def against(plugins: bool) -> check.Checking:
        found: list[Diagnostic] = []
        state = check.Checking(found, set(), lambda node: fold(node, constants, found, known))
        _schema(kind, plugins)(root, None, state)
        return state

    state = against(plugins=(kind, catalog.plugins()) in _schemas)
    # An unknown key may be an operator of a plug-in's, or be meant for one.
    if any(one.code == "YD401" for one in state.report) and keys.look_for_plugins():
        state = against(plugins=True)
    return Checked(root, state.faulty, _explained(root, kind, state.report))


def _explained(root: Map, kind: str, found: list[Diagnostic]) -> list[Diagnostic]:
    if not found:
        return found
    from yamldag.compile import misplaced

    return misplaced.told(root, kind, found)


def _schema(kind: str, plugins: bool) -> check.Check:
    mark = (kind, catalog.plugins() if plugins else None)
    if mark not in _schemas:
        for other in [other for other in _schemas if other[1] not in (None, catalog.plugins())]:
            del _schemas[other]  # of plug-ins as they were
        resolve = partial(catalog.schema, plugins=plugins)
        _schemas[mark] = check.compile_schema(resolve(f"{kind}.schema.json"), resolve)
    return _schemas[mark]


def entries(root: Map, name: str) -> Entries:
    """The items of a mapping below a key; empty where it is missing or something else."""
    found = root.items.get(name)
    return found[1].items if found and type(found[1]) is Map else {}


def misshapen(root: Map, name: str) -> bool:
    """Whether something stands below a key that is no mapping: then nobody knows which names it meant to hold."""
    found = root.items.get(name)
    return found is not None and type(found[1]) is not Map


def misspelt(root: Map, name: str) -> bool:
    """Whether a top-level key that nobody knows is likely to be meant for this one, which is missing."""
    known = catalog.schema("pipeline.schema.json")["properties"]
    unknown = (one for one in root.items if one not in known)
    return name not in root.items and any(likely(one, Known((name,))) for one in unknown)


def strays(root: Map, kind: str) -> frozenset[str]:
    """The names below top-level keys that nobody knows: what they hold may be meant for params, or for vars."""
    known = catalog.schema(f"{kind}.schema.json")["properties"]
    unknown = (value for name, (_, value) in root.items.items() if name not in known)
    return frozenset(name for value in unknown if type(value) is Map for name in value.items)


def scalar(root: Map, name: str) -> Scalar | None:
    found = root.items.get(name)
    return found[1] if found and type(found[1]) is Scalar else None


def nodes(root: Map, name: str) -> dict[str, Node]:
    """The values of a mapping below a key."""
    return {key: value for key, (_, value) in entries(root, name).items()}


def folder(path: str) -> str:
    return os.path.dirname(os.path.abspath(path))


def _nothing_in(source: Source) -> Diagnostic:
    return Diagnostic(
        "YD112", "the file holds no pipeline and no template: it is empty", Place(source, 0, 0),
        "begin it with `pipeline: id`",
    )  # fmt: skip
