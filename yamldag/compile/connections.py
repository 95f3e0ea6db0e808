"""Connections of the project file: each kind has its own settings, and what they say of secrets is declared."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import replace

from yamldag.compile import documents
from yamldag.compile.draft import strings
from yamldag.operators.connections import ALIASES, CHATS, KINDS, UNREADABLE, read
from yamldag.operators.secrets import UnresolvedError
from yamldag.plan.expression.analysis import analyse
from yamldag.syntax.diagnostic import Diagnostic, at
from yamldag.syntax.locate import place
from yamldag.syntax.nearest import nearest
from yamldag.syntax.tree import Map, Node, Scalar, plain, value_at

_LEADING = ("secret_sources", "heartbeat")
"""The other keys whose texts may name secrets."""
SCHEMAS = {"https": "http", "ftps": "ftp", "smtps": "smtp", **dict.fromkeys(CHATS, "webhook")}
"""Kinds that are set as another one is."""


class Connections:
    """What is wrong with them; `faulty` are the ids of the nodes that failed their schema."""

    def __init__(self, secrets: Collection[str] | None) -> None:
        """`secrets`: those that are declared; None: nobody knows."""
        self._secrets = secrets
        self.found: list[Diagnostic] = []
        self.faulty: set[int] = set()

    def all(self, root: Map, faulty: set[int]) -> None:
        """Those of the project, and of each of its environments."""
        for name, node in _declared(root):
            if id(node) not in faulty:
                self._one(name, node)
        for holder in _holders(root):
            for name in _LEADING:
                for scalar in strings(holder.items[name][1]) if name in holder.items else ():
                    self._template(scalar)

    def _one(self, name: str, node: Node) -> None:
        for scalar in strings(node):
            self._template(scalar)
        kind = kind_of(node)
        if type(node) is Map and kind in KINDS:
            checked = documents.checked(node, f"connections/{SCHEMAS.get(kind, kind)}", None)
            self.found += [_inside(name, each) for each in checked.found]
            self.faulty |= checked.faulty
        url = value_at(node, "url") if type(node) is Map else node
        if type(url) is Scalar and url.value is not None and "{{" not in url.text:
            self._of_url(url, alone=url is node)

    def _of_url(self, node: Scalar, *, alone: bool) -> None:
        if "://" not in node.text:
            if not alone:
                return  # of some kinds it is the path of a socket, or a name
            message = f"a connection should be a URL or a mapping, found `{node.text}`"
            help_ = "such as `postgresql://db.example.org/sales`"
            self.found.append(Diagnostic("YD406", message, at(node), help_))
            return
        try:
            read("", node.text)
        except UnresolvedError:  # its words may be a password
            self.found.append(Diagnostic("YD406", "a connection's URL can't be read", at(node), UNREADABLE))

    def _template(self, node: Scalar) -> None:
        analysis = analyse(node.text)
        for fault in analysis.faults:
            self.found.append(
                Diagnostic(fault.code, fault.message, place(node, fault.start, fault.end), fault.help)
            )
        for reference in analysis.references:
            where = place(node, reference.start, reference.end)
            if reference.root != "secrets":
                message = f"`{reference.root}` can't be read here: what leads elsewhere knows `secrets` alone"
                self.found.append(Diagnostic("YD214", message, where))
            elif self._secrets is None:
                continue
            elif reference.path and (name := str(reference.path[0].name)) not in self._secrets:
                near = nearest(name, self._secrets)
                help_ = f"did you mean `{near}`?" if near else "declare it under `secrets:` in yamldag.yml"
                spot = place(node, reference.path[0].start, reference.path[0].end)
                self.found.append(Diagnostic("YD209", f"there is no secret `{name}`", spot, help_))


def given_alone(name: str, text: str, secrets: Collection[str]) -> tuple[str, list[str]]:
    """A connection that no file holds: as it is kept, a URL or JSON, and what is wrong with it. The faults hold no word
    of it that may be secret."""
    file = documents.from_bytes(name, name, text.encode("utf-8", "surrogatepass"))
    if file.found or len(file.documents) != 1 or type(file.documents[0]) not in (Map, Scalar):
        return "", ["a connection is a URL, or a mapping as JSON or YAML"]
    node = file.documents[0]
    checking = Connections(secrets)
    checking._one(name, node)
    kept = node.text if type(node) is Scalar else json.dumps(plain(node), ensure_ascii=False)
    return kept, [each.message.partition(", found ")[0] for each in checking.found]


def kind_of(node: Node) -> str | None:
    """What a connection leads to, as far as the file tells."""
    if type(node) is Scalar:
        return _known(node.text.partition("://")[0]) if "://" in node.text else None
    if type(node) is not Map:
        return None
    for name in ("type", "url"):
        given = node.items[name][1] if name in node.items else None
        if type(given) is Scalar and "{{" not in given.text:
            return _known(given.text if name == "type" else given.text.partition("://")[0])
    return None


def _known(kind: str) -> str:
    return ALIASES.get(kind, kind)


def _inside(name: str, diagnostic: Diagnostic) -> Diagnostic:
    message = diagnostic.message.replace(" at the top level", f" in the connection `{name}`")
    return replace(diagnostic, message=message)


def _holders(root: Map) -> list[Map]:
    """The project, and its environments."""
    return [root, *(node for node in documents.nodes(root, "environments").values() if type(node) is Map)]


def _declared(root: Map) -> Iterator[tuple[str, Node]]:
    for holder in _holders(root):
        yield from documents.nodes(holder, "connections").items()
