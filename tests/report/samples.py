"""Diagnostics for the tests of this room."""

from __future__ import annotations

from yamldag.syntax.diagnostic import Diagnostic, Fix, Place, Related
from yamldag.syntax.source import Source


def place(marked: str, path: str = "pipelines/sales.yml") -> Place:
    """A place in a text where `«` and `»` stand around it."""
    start, end = marked.index("«"), marked.index("»") - 1
    return Place(Source(path, marked.replace("«", "").replace("»", "")), start, end)


def unknown_task(marked: str = "needs: [«extrct»]") -> Diagnostic:
    message = "`load` needs `extrct`, but there is no such task"
    return Diagnostic("YD203", message, place(marked), "did you mean `extract`?")


def design() -> Diagnostic:
    return unknown_task("#\n" * 13 + "    needs: [«extrct»]\n    bash: x\n")


def duplicate() -> Diagnostic:
    text = "tasks:\n  load: {}\n" + "  # more\n" * 8 + "  load: {}\n"
    source = Source("pipelines/sales.yml", text)
    first, again = text.index("load"), text.rindex("load")
    related = Related("the first is here", Place(source, first, first + 4))
    return Diagnostic(
        "YD102", "`load` stands here again", Place(source, again, again + 4), related=(related,)
    )


def elsewhere() -> Diagnostic:
    """With related places in another file, and in one as a whole."""
    related = (
        Related("the first is here", place("pipeline: «sales»\n", "pipelines/a.yml")),
        Related("and this file says so too", Place(Source("pipelines/b.yml", ""), 0, 0)),
    )
    at = place("\n\npipeline: «sales»\n")
    return Diagnostic("YD202", "the pipeline `sales` exists already", at, "choose another id", related)


def whole_file() -> Diagnostic:
    return Diagnostic("YD113", "the file can't be opened: no permission", Place(Source("a b.yml", ""), 0, 0))


def warning() -> Diagnostic:
    return Diagnostic("YD801", "the param `limit` is never used", place("params:\n  «limit»: 3\n"))


def fixable() -> Diagnostic:
    at = place('retries: «"3"»\n')
    message = '`retries` must be a whole number, found the text `"3"`'
    return Diagnostic("YD403", message, at, "take the quotes off", fix=Fix("take the quotes off", at, "3"))


def marking(marked: str, message: str = "look here", hint: str | None = None) -> Diagnostic:
    return Diagnostic("YD403", message, place(marked), hint)
