"""Whether mail says who it is from, as far as that is known before a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from yamldag.compile.connecting import unfit
from yamldag.compile.draft import Entry, merged, strings
from yamldag.compile.project import Project
from yamldag.operators.connections import read
from yamldag.operators.email import sender
from yamldag.operators.guarded import MAIL_SERVER
from yamldag.operators.secrets import UnresolvedError
from yamldag.syntax.diagnostic import Diagnostic, at
from yamldag.syntax.tree import Map, Node, Scalar, plain

_TELLING = ("url", "user", "from", "extra")
"""The settings of a connection that may tell it."""


def faults(key: Scalar, values: Sequence[Entry], project: Project) -> Iterator[Diagnostic]:
    """Of an `email` that stands at `key`, with what it is given, the nearest giver first."""
    given = merged(values, None)
    named = given.get("connection")
    if "from" in given or project.unsure("connections"):
        return
    name = named.node.text if named is not None and type(named.node) is Scalar else MAIL_SERVER
    written = project.written_connection(name)
    if unfit("email", project.kind_of_connection(name)) or _is_faulty(written, project):
        return  # which is told
    if written is not None and _tells_no_sender(name, written):
        message = f"`email` needs a `from`: the connection `{name}` has none"
        yield Diagnostic("YD402", message, at(key), "such as `from: etl@example.org`, here or there")


def _is_faulty(written: Node | None, project: Project) -> bool:
    """Whether something is wrong with a setting of a connection: it may be meant for who mail is from."""
    settings = written.items.values() if type(written) is Map else ()
    return any(id(node) in project.faulty for _, node in settings)


def _tells_no_sender(name: str, written: Node) -> bool:
    """False too where a template may tell."""
    telling = (
        [node for setting, (_, node) in written.items.items() if setting in _TELLING]
        if type(written) is Map
        else [written]
    )
    if any(True for node in telling for _ in strings(node)):
        return False
    try:
        return sender({}, read(name, plain(written))) is None
    except UnresolvedError:
        return False
