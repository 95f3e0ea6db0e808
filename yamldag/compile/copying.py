"""The two ends of a `copy`: what stands in each goes together, and fits the connection that it names."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from yamldag.compile.draft import Entry, strings
from yamldag.compile.project import Project
from yamldag.operators.connections import CHATS, DATABASES, STORES
from yamldag.operators.sql import FORMATS
from yamldag.syntax.diagnostic import Diagnostic, Related, at
from yamldag.syntax.tree import Map, Node, Scalar, value_at

_TOGETHER = (("table", "query"), ("url", "path"))
"""Of each of these, one may be given."""
_OF_TABLES = ("table", "query", "params", "mode", "key")
_OF_FILES = ("url", "path", "format")
_KNOWN = frozenset((*_OF_TABLES, *_OF_FILES, "connection"))
_NO_TABLES = frozenset({"http", "https", "smtp", "smtps", *CHATS, *STORES})
"""Kinds of connections that lead to no database."""


def faults(entries: Iterable[Entry], faulty: Collection[int], project: Project) -> Iterator[Diagnostic]:
    """Of a task's own value and of the `defaults` that reach it."""
    for entry in entries:
        for name in ("from", "to"):
            end = value_at(entry.node, name)
            if type(end) is Map and id(end) not in faulty:
                yield from _of_end(name, end, faulty, project)
        yield from _of_form(value_at(entry.node, "from"), value_at(entry.node, "to"), faulty)


def _of_form(source: Node | None, target: Node | None, faulty: Collection[int]) -> Iterator[Diagnostic]:
    """Whether the file beside a table tells what it holds."""
    for table, file in ((source, target), (target, source)):
        path = file if type(file) is Scalar else value_at(file, "path")
        told = value_at(file, "format") is not None or type(path) is not Scalar or id(path) in faulty
        if told or not _leads_to_table(table) or type(path) is not Scalar:
            continue
        name = path.text.lower().removesuffix(".gz")
        if "://" not in name and not name.endswith(("}}", *FORMATS)):
            message = f"what `{path.text}` holds can't be told from its name"
            yield Diagnostic(
                "YD707", message, at(path), "give it an ending such as `.csv`, or say its `format`"
            )


def _leads_to_table(end: Node | None) -> bool:
    return value_at(end, "table") is not None or value_at(end, "query") is not None


def _of_end(name: str, end: Map, faulty: Collection[int], project: Project) -> Iterator[Diagnostic]:
    given = sorted((key for key, _ in end.items.values()), key=lambda key: key.start)
    names = [key.text for key in given]
    for pair in (*_TOGETHER, *((table, file) for table in _OF_TABLES for file in _OF_FILES)):
        if set(pair) <= set(names):
            first, second = (key for key in given if key.text in pair)
            related = (Related(f"`{first.text}` is here", at(first)),)
            message = f"`{second.text}` can't stand beside `{first.text}`: `{name}` is a file or a table"
            if pair in _TOGETHER:
                message = f"`{second.text}` can't stand beside `{first.text}`: `{name}` takes one of them"
            yield Diagnostic("YD707", message, at(second), None, related)
            return
    key = next(iter(end.items.values()))[0] if end.items else end
    lack = _lack(name, names)
    if not _KNOWN.issuperset(names):
        return  # which of them is meant is not known
    if lack is not None:
        yield Diagnostic("YD402", lack, at(key))
        return
    yield from _of_mode(end, faulty)
    yield from _of_kind(name, end, project)


def _lack(name: str, names: list[str]) -> str | None:
    if any(each in names for each in _OF_TABLES) and not {"table", "query"} & set(names):
        return f"`{name}` needs a `table`" + (" or a `query`" if name == "from" else "")
    if {"table", "query", "path"} & set(names) and "connection" not in names:
        return f"`{name}` needs a `connection`, which says where that is"
    if not {"table", "query", "url", "path"} & set(names):
        which = "`table`, `query`, `path` or `url`" if name == "from" else "`table`, `path` or `url`"
        return f"`{name}` needs one of {which}"
    return None


def _of_mode(end: Map, faulty: Collection[int]) -> Iterator[Diagnostic]:
    mode = end.items.get("mode")
    if mode is not None and (id(mode[1]) in faulty or any(True for _ in strings(mode[1]))):
        return
    chosen = mode[1].text if mode is not None and type(mode[1]) is Scalar else "append"
    if chosen == "upsert" and "key" not in end.items and mode is not None:
        message = "`mode: upsert` needs a `key`: the columns that tell rows apart"
        yield Diagnostic("YD707", message, at(mode[1]))
    elif chosen != "upsert" and "key" in end.items:
        message = f"`key` is for `mode: upsert`, and the mode is `{chosen}`"
        yield Diagnostic("YD707", message, at(end.items["key"][0]))


def _of_kind(name: str, end: Map, project: Project) -> Iterator[Diagnostic]:
    """Whether the connection leads to a database where a table is wanted, and to none where a file is."""
    given = end.items.get("connection")
    if given is None or type(given[1]) is not Scalar:
        return
    kind = project.kind_of_connection(given[1].text)
    if kind is None:
        return
    wants_table = bool({"table", "query"} & end.items.keys())
    is_database = kind.partition("+")[0] in DATABASES
    if wants_table and kind in _NO_TABLES:
        message = f"`{given[1].text}` leads to `{kind}`, where there are no tables"
        yield Diagnostic("YD707", message, at(given[1]), "give a `path` in place of the table")
    elif not wants_table and is_database:
        message = f"`{given[1].text}` leads to `{kind}`, where there are no files"
        yield Diagnostic("YD707", message, at(given[1]), f"give a `table` in place of the file of `{name}`")
