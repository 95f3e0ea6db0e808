"""Templates: where a `use` finds them, and who uses them."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import NamedTuple, Protocol

from yamldag.compile import documents
from yamldag.compile.constants import Unknowable
from yamldag.compile.documents import File
from yamldag.compile.draft import Draft, Scope
from yamldag.compile.expand import Template, names_a_file
from yamldag.compile.project import Project
from yamldag.compile.seen import Seen
from yamldag.syntax.diagnostic import Diagnostic, Related, at, has_errors
from yamldag.syntax.nearest import nearest
from yamldag.syntax.source import Source
from yamldag.syntax.tree import Map, Node, Scalar

_SEVERAL = ("YD402", "YD416", "YD703", "YD708", "YD809")
"""The codes of which several may be said of one place."""


class Reader(Protocol):
    """Where files come from."""

    project: Project
    seen: Seen

    def read(self, path: str) -> File: ...
    def again(self, file: File) -> File: ...
    def file_of(self, source: Source) -> File: ...


class Lone(NamedTuple):
    name: str
    faulty: set[int]
    found: list[Diagnostic]


class Library:
    """All templates that this compilation has met."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self._known: dict[tuple[str, str, int], Template | Diagnostic | None] = {}
        self.found: list[Diagnostic] = []
        """What is wrong in templates, from the schema's side."""
        self._spans: dict[tuple[str, int], tuple[int, list[Scalar]]] = {}
        """By path and start of a template's document: its end, and the `use` values that name it."""
        self._broken: set[tuple[str, int]] = set()

    def template(self, value: Scalar, scope: Scope) -> Template | Diagnostic | None:
        """The template that a `use` means, checked; or why there is none. None: its file does not parse, which is
        told there."""
        file, name = self._file(value, scope)
        if isinstance(file, Diagnostic):
            return file
        mark = (file.path, name, id(scope.vars) if "vars" in file.source.text else 0)
        if mark not in self._known:
            self._known[mark] = self._check(value, file, name, scope)
        known = self._known[mark]
        if isinstance(known, Template):
            _, uses = self._spans.setdefault((known.source.path, known.root.start), (known.root.end, []))
            if value not in uses:
                uses.append(value)
            return known
        return replace(known, place=at(value)) if known else None

    def lone(self, document: Map) -> Lone:
        """A template looked at by itself. Its tree is the one that its users without vars share."""
        value = document.items["template"][1]
        name = value.text if type(value) is Scalar else ""

        def constant(var: str) -> Node | None:
            if var in self.reader.project.vars:
                return self.reader.project.vars[var]
            raise Unknowable

        checked = documents.checked(document, "template", constant)
        return Lone(name, checked.faulty, checked.found)

    def broken(self, root: Draft) -> bool:
        """Whether a pipeline uses a template that has errors of its own."""
        broken = {path for path, _ in self._broken}
        uses = [group for group in root.groups() if group.kind == "use"]
        return any(use.open or use.inner.source.path in broken for use in uses)

    def with_uses(self, found: list[Diagnostic]) -> list[Diagnostic]:
        """Each mistake once; one inside a template with every `use` of it as a related place."""
        kept: dict[tuple[str, str, int, int, str], Diagnostic] = {}
        for diagnostic in [*found, *self.found]:
            place = diagnostic.place
            # Several things can be missing at one place; what is wrong with one place is said once, through
            # however many aliases or uses it was met.
            what = diagnostic.message if diagnostic.code in _SEVERAL else ""
            mark = (diagnostic.code, place.source.path, place.start, place.end, what)
            if mark not in kept:
                known = {(one.place.source.path, one.place.start) for one in diagnostic.related}
                uses = [use for use in self._uses(diagnostic) if (use.source.path, use.start) not in known]
                related = tuple(Related("the template is used here", at(use)) for use in uses)
                kept[mark] = (
                    replace(diagnostic, related=diagnostic.related + related) if related else diagnostic
                )
        return list(kept.values())

    def _uses(self, diagnostic: Diagnostic) -> list[Scalar]:
        place = diagnostic.place
        if diagnostic.code == "YD302":
            return []  # a ring shows its own uses
        for (path, start), (end, uses) in self._spans.items():
            if path == place.source.path and start <= place.start <= end:
                return uses
        return []

    # Finding

    def _file(self, value: Scalar, scope: Scope) -> tuple[File | Diagnostic, str]:
        if not names_a_file(value.text):
            return self.reader.file_of(scope.source), value.text
        path = os.path.normpath(os.path.join(scope.folder, value.text))
        self.reader.seen.look(path)
        if not os.path.isfile(path):
            message = f"there is no file `{value.text}` to use"
            return Diagnostic("YD207", message, at(value), _near_file(path)), ""
        return self.reader.read(path), ""

    def _check(self, value: Scalar, file: File, name: str, scope: Scope) -> Template | Diagnostic | None:
        self.found += file.found
        if file.found and not file.documents:
            return None
        if "vars" in file.source.text:
            file = self.reader.again(file)
        document = _document(file, name)
        if document is None:
            return _no_template(value, file, name)
        checked = documents.checked(document, "template", scope.constant, scope.vars)
        self.found += checked.found
        if has_errors(checked.found):
            self._broken.add((file.source.path, document.start))
        title = documents.scalar(document, "template")
        return Template(title.text if title else "", file.path, file.source, document, checked.faulty)


def _document(file: File, name: str) -> Map | None:
    for document in file.documents:
        if type(document) is Map and "template" in document.items:
            value = documents.scalar(document, "template")
            if not name or (value is not None and value.text == name):
                return document
    return None


def _no_template(value: Scalar, file: File, name: str) -> Diagnostic:
    if not name:
        return Diagnostic(
            "YD207", f"`{value.text}` holds no template", at(value), "begin it with `template: name`"
        )
    known = [
        one.text for one in (documents.scalar(d, "template") for d in file.documents if type(d) is Map) if one
    ]
    near = nearest(name, known)
    help_ = (
        f"did you mean `{near}`?"
        if near
        else "name a file such as `./templates/load.yml`, or a template of this file"
    )
    return Diagnostic("YD207", f"there is no template `{name}` in this file", at(value), help_)


def _near_file(path: str) -> str | None:
    try:
        beside = os.listdir(os.path.dirname(path))
    except (OSError, ValueError):  # a name with a NUL in it names no folder
        return None
    name = os.path.basename(path)
    if name in beside:
        return "it is a folder: name a file in it"
    near = nearest(name, beside)
    return f"did you mean `{near}`?" if near else None
