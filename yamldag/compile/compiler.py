"""One compilation: the files that it read, and the passes over each pipeline, in order, in `Compiler.pipeline`."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from yamldag.compile import choices, documents, expand, slots, timing
from yamldag.compile.bind import Binding
from yamldag.compile.documents import File
from yamldag.compile.draft import Draft, Entries, Scope
from yamldag.compile.files import shown
from yamldag.compile.library import Library
from yamldag.compile.link import Linking
from yamldag.compile.operators import Operators
from yamldag.compile.project import Project
from yamldag.compile.seen import Seen
from yamldag.operators import catalog
from yamldag.syntax.diagnostic import Diagnostic, Place, Related, at, has_errors, in_order
from yamldag.syntax.source import Source
from yamldag.syntax.tree import Map, Node, Scalar

if TYPE_CHECKING:
    from yamldag.plan.pipeline import Plan

_ANCHOR = re.compile(r"(?:&\S+\s+)?")


@dataclass(slots=True)
class Unit:
    """One pipeline of a file: what was found in it, and its plan once it is asked for."""

    name: str
    path: str
    key: Scalar
    root: Draft
    entries: Entries
    """Its keys in force, those of the project's `pipeline_defaults` among them."""
    project: Project
    sound: bool

    @property
    def value(self) -> Scalar:
        """Where its id is written."""
        node = self.root.document.items["pipeline"][1]
        return node if type(node) is Scalar else self.key

    def plan(self) -> Plan | None:
        """The plan; None if the pipeline has errors."""
        from yamldag.compile import freeze

        return freeze.plan(self.root, self.entries, self.project, self.path) if self.sound else None


@dataclass(slots=True)
class Compiled:
    """All that was compiled together."""

    files: int = 0
    units: list[Unit] = field(default_factory=list)
    found: list[Diagnostic] = field(default_factory=list)
    """In order of file, line, column, code; the project file's among them."""
    seen: Seen = field(default_factory=Seen)

    @property
    def broken(self) -> bool:
        return has_errors(self.found)


class Compiler:
    """The files read so far, and what all of them share."""

    def __init__(self, project: Project, *, lints: bool = False) -> None:
        catalog.look_in(project.root, project.plugins)
        self.project = project
        self.lints = lints
        self.seen = Seen()
        self._files: dict[str, File] = {}
        self._sources: dict[int, File] = {}
        self._library = Library(self)

    def read(self, path: str) -> File:
        """A file, read and parsed once."""
        path = os.path.abspath(path)
        file = self._files.get(path)
        if file is None:
            self.seen.look(path)
            file = self._files[path] = self._keep(documents.read(path, shown(path)))
        return file

    def _keep(self, file: File) -> File:
        self._sources[id(file.source)] = file
        return file

    def file_of(self, source: Source) -> File:
        return self._sources[id(source)]

    def again(self, file: File) -> File:
        """The same file parsed anew: what is put into its tree stays out of the first one."""
        return self._keep(documents.from_source(file.path, file.source))

    def file(self, file: File, result: Compiled) -> None:
        """Compile all documents of a file into `result`."""
        self._keep(file)
        result.found += file.found
        for document in file.documents:
            kind = documents.kind_of(document)
            if kind is None:
                result.found.append(documents.not_a_pipeline(document))
                continue
            assert type(document) is Map
            if kind == "pipeline":
                result.units.append(self.pipeline(document, file, result.found))
            else:
                self._lone_template(document, file, result.found)
        if len(file.documents) > 1:
            result.found += _doubled_templates(file)
        if file.found:
            result.found = [one for one in result.found if not _follows(one, file)]

    def adopt(self, other: Compiler) -> None:
        """Know the files that another one has read."""
        self._sources |= other._sources

    def unread(self) -> list[str]:
        """The texts of the files that may hold pipelines which nobody could find: what they name is not missed."""
        files = self._sources.values()
        lost = (one for one in files if one.found or any(map(_is_lost, one.documents)))
        return [one.source.text for one in lost]

    def close(self, result: Compiled) -> Compiled:
        """Each mistake once, those in templates with their uses."""
        result.seen = self.seen
        if result.found or self._library.found:
            result.found = in_order(self._library.with_uses(result.found))
        return result

    @property
    def files(self) -> list[File]:
        """Those read so far."""
        return [*self._sources.values()]

    # One document

    def pipeline(self, document: Map, file: File, found: list[Diagnostic]) -> Unit:
        """All passes over one pipeline."""
        start = len(found)
        scope = Scope(file.source, documents.folder(file.path))
        scope.vars = _vars(document, self.project)
        scope.open_vars = self.project.unsure("vars") or documents.misshapen(document, "vars")
        scope.open_vars = scope.open_vars or documents.misspelt(document, "vars")
        scope.open_params = documents.misshapen(document, "params")
        scope.strays = documents.strays(document, "pipeline")
        checked = documents.checked(document, "pipeline", scope.constant, scope.vars)
        faulty = checked.faulty | self.project.faulty
        found += checked.found
        scope.vars |= _vars(document, self.project)  # with what was put into them
        entries = _in_force(document, self.project)
        expansion = expand.Expansion(self._library, faulty, found)
        root = expansion.root(document, scope, "pipeline", self.project.layers, ())
        binding = self._graph(root, entries, faulty, found, start)
        timing.check(root, entries, faulty, found)
        slots.check(root, self.project, faulty, found)
        if self.lints:
            from yamldag.compile import lint

            found += lint.advice(root, entries, binding)
        key, value = document.items["pipeline"]
        name = value.text if type(value) is Scalar else ""
        errors = self.project.broken or has_errors([*file.found, *found[start:]])
        sound = not errors and not self._library.broken(root)
        unit = Unit(name, file.path, key, root, entries, self.project, sound)
        if self.lints and (plan := unit.plan()) is not None:
            from yamldag.compile import lint

            found += lint.of_plugins(root, plan, unit.value, self.project)
        return unit

    def _graph(
        self, root: Draft, entries: Entries, faulty: set[int], found: list[Diagnostic], start: int
    ) -> Binding:
        """`found` holds what is wrong with this document from `start` on."""
        linking = Linking(root, faulty, found)
        linking.needs()
        binding = Binding(self.project, linking, faulty, found)
        binding.all(root, entries)
        linking.edges()
        linking.teardowns()
        linking.rings()
        Operators(self.project, faulty, found, self.seen).all(root, entries)
        choices.check(root, faulty, found, sound=not has_errors(found[start:]))
        return binding

    def drafted(self, document: Map, file: File) -> Draft | None:
        """The tasks and names of one document, whatever is wrong with it; None of what is neither a pipeline nor a
        template."""
        self._keep(file)
        kind = documents.kind_of(document)
        if kind == "pipeline":
            return self.pipeline(document, file, []).root
        return self._lone_template(document, file, []) if kind == "template" else None

    def _lone_template(self, document: Map, file: File, found: list[Diagnostic]) -> Draft:
        """A template by itself: what is wrong in it is told even where nobody uses it."""
        start = len(found)
        fresh = self._library.lone(document)
        found += fresh.found
        scope = Scope(file.source, documents.folder(file.path))
        scope.vars = self.project.vars
        scope.open_vars = True
        scope.strays = documents.strays(document, "template")
        itself = expand.Template(fresh.name, file.path, file.source, document, fresh.faulty)
        faulty = fresh.faulty | self.project.faulty
        expansion = expand.Expansion(self._library, faulty, found)
        root = expansion.root(document, scope, "template", self.project.layers, (itself,))
        self._graph(root, document.items, faulty, found, start)
        return root


def _is_lost(document: Node) -> bool:
    """Whether a document is no pipeline, or one whose tasks nobody can find."""
    kind = documents.kind_of(document)
    return (
        type(document) is not Map
        or not kind
        or (kind == "pipeline" and not documents.entries(document, "tasks"))
    )


def _vars(document: Map, project: Project) -> dict[str, Node]:
    return {**project.vars, **documents.nodes(document, "vars"), **project.chosen_vars}


def _in_force(document: Map, project: Project) -> Entries:
    given = project.entries.get("pipeline_defaults")
    if given is None or type(given[1]) is not Map:
        return document.items
    return {**given[1].items, **document.items}


def _follows(diagnostic: Diagnostic, file: File) -> bool:
    """Whether a diagnostic is about what YAML's reader has complained of, or left out, already."""
    place = diagnostic.place
    if place.source is not file.source or any(diagnostic is one for one in file.found):
        return False
    inside = any(one.place.start <= place.start and place.end <= one.place.end for one in file.found)
    return inside or diagnostic.code == "YD307" or _is_of_tagged(place, file)


def _is_of_tagged(place: Place, file: File) -> bool:
    """Whether a place is a whole value whose tag is unknown: nobody knows what that would have made of it."""
    tags = [one.place.start for one in file.found if one.code == "YD104" and place.start <= one.place.start]
    return any(_ANCHOR.fullmatch(file.source.text, place.start, tag) for tag in tags)


def _doubled_templates(file: File) -> list[Diagnostic]:
    first: dict[str, Scalar] = {}
    found = []
    for document in file.documents:
        value = documents.scalar(document, "template") if type(document) is Map else None
        if value is not None and first.setdefault(value.text, value) is not value:
            found.append(doubled("template", value.text, value, first[value.text]))
    return found


def doubled(what: str, name: str, second: Scalar, first: Scalar) -> Diagnostic:
    related = (Related(f"the first `{name}` is here", at(first)),)
    return Diagnostic(
        "YD202", f"there is another {what} `{name}`", at(second), f"give each {what} its own id", related
    )
