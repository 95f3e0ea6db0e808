"""Reads the graph of a dbt project from its files, as far as they say it literally."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from yamldag.compile import documents
from yamldag.compile.dbt import sql
from yamldag.compile.dbt.nodes import Graph, Node, Test
from yamldag.compile.dbt.project import Project, Reader, faults_of, is_rendered, item, listed
from yamldag.compile.dbt.sql import HELP, Said
from yamldag.compile.files import shown
from yamldag.syntax.diagnostic import Diagnostic, Place, Related, at
from yamldag.syntax.nearest import nearest
from yamldag.syntax.source import Source
from yamldag.syntax.tree import Map, Scalar, plain
from yamldag.syntax.tree import Node as Tree

_SECTIONS = {"models": "model", "seeds": "seed", "snapshots": "snapshot"}
_PATHS = {"model": "model-paths", "seed": "seed-paths", "snapshot": "snapshot-paths"}
_READ = ("enabled", "tags", "materialized")
_REF = re.compile(r"""\bref\(\s*(?:(['"])[^'"]*\1\s*,\s*)?(['"])([^'"]+)\2\s*\)""")
"""In an argument of a test, as `to: ref('customers')`."""


@dataclass(slots=True)
class _Config:
    """Tags come together; of the others the nearest counts, which is taken last."""

    enabled: bool = True
    materialized: str = ""
    tags: set[str] = field(default_factory=set)

    def take(self, name: str, value: object) -> None:
        if name == "tags":
            self.tags |= {str(one) for one in (value if isinstance(value, list) else [value])}
        elif name == "enabled":
            self.enabled = value is not False
        elif name == "materialized":
            self.materialized = str(value)


def read(project: Project, reader: Reader) -> Graph:
    """The graph; what can't be told is in its `found`."""
    return _Static(project, reader).graph


class _Static:
    def __init__(self, project: Project, reader: Reader) -> None:
        self.project = project
        self.reader = reader
        self.graph = Graph(found=project.found)
        self._macros: dict[tuple[str, str], Said] = {}
        self._told: dict[tuple[str, str], list[Map]] = {}
        self._asked: list[tuple[dict[str, Place], Said]] = []
        if project.root is None or project.found:
            return
        self._read_packages()
        self._read_macros(project, project.name)
        self._read_properties()
        self._read_models()
        self._read_seeds()
        self._read_snapshots()
        self._read_tests()
        self._resolve()

    # Files

    def _said(self, path: str) -> Said:
        self.reader.seen.look(path)
        return sql.read(documents.text_of(path, shown(path)))

    def _read_packages(self) -> None:
        asking, installed = self.project.packages()
        if asking is not None and not installed:
            message = "what these packages bring can't be told: they are not installed"
            self.graph.found.append(Diagnostic("YD710", message, at(asking), "run `dbt deps`"))
        for folder in installed:
            package = Project(folder, self.reader)
            self._read_macros(package, package.name)
            brings = [*package.files("model-paths", ".sql", ".py"), *package.files("seed-paths", ".csv")]
            if brings and asking is not None:
                message = f"the package `{package.name}` brings models of its own, which are not read here"
                self.graph.found.append(Diagnostic("YD710", message, at(asking), HELP))

    def _read_macros(self, project: Project, package: str) -> None:
        for path in project.files("macro-paths", ".sql"):
            for name, said in self._said(path).blocks.items():
                self._macros[package, name] = said

    def _read_properties(self) -> None:
        for path in self.project.properties():
            file = self.reader.read(path)
            self.graph.found += faults_of(file)
            for document in file.documents:
                if type(document) is Map:
                    self._describe(document)

    def _describe(self, document: Map) -> None:
        for section, kind in _SECTIONS.items():
            for one in listed(item(document, section)):
                name = item(one, "name")
                if type(one) is Map and type(name) is Scalar:
                    self._told.setdefault((kind, name.text), []).append(one)
        for one in listed(item(document, "sources")):
            self._describe_source(one)
        for one in listed(item(document, "unit_tests")):
            name, model = item(one, "name"), item(one, "model")
            if type(name) is Scalar and type(model) is Scalar and _is_on(one):
                self.graph.tests.append(Test(name.text, {model.text: at(model)}, at(name)))

    def _describe_source(self, source: Tree) -> None:
        name = item(source, "name")
        if type(name) is not Scalar or not _is_on(source):
            return
        tags = _texts(item(source, "tags")) | _texts(item(item(source, "config"), "tags"))
        for table in listed(item(source, "tables")):
            its = item(table, "name")
            if type(its) is not Scalar or type(table) is not Map or not _is_on(table):
                continue
            id_ = f"source:{name.text}.{its.text}"
            fqn = (self.project.name, name.text, its.text)
            own = tags | _texts(item(table, "tags")) | _texts(item(item(table, "config"), "tags"))
            path = self.project.inside(its.source.path)
            self.graph.nodes[id_] = Node(id_, "source", path, at(its), fqn, {}, own)
            self._tests_of(table, id_)

    # Nodes

    def _read_models(self) -> None:
        for path in self.project.files("model-paths", ".sql"):
            said = self._said(path)
            self._add("model", _stem(path), path, said)
        for path in self.project.files("model-paths", ".py"):
            source = documents.text_of(path, shown(path))
            message = f"`{_stem(path)}` is written in Python, which is not read here"
            self.graph.found.append(Diagnostic("YD710", message, _first(source), HELP))

    def _read_seeds(self) -> None:
        for path in self.project.files("seed-paths", ".csv"):
            self._add("seed", _stem(path), path, Said(_first(documents.text_of(path, shown(path)))))

    def _read_snapshots(self) -> None:
        for path in self.project.files("snapshot-paths", ".sql"):
            said = self._said(path)
            self.graph.found += said.found
            for name, block in said.blocks.items():
                kind, _, own = name.partition(" ")
                if kind == "snapshot":
                    self._add("snapshot", own, path, block)
        for (kind, name), told in list(self._told.items()):
            if kind == "snapshot" and name not in self.graph.nodes:
                self._add_described_snapshot(name, told[0])

    def _add_described_snapshot(self, name: str, told: Map) -> None:
        relation = item(told, "relation")
        if type(relation) is not Scalar:
            return
        said = Said(at(told.items["name"][1]))
        inner = sql.read(Source("", "{{ " + relation.text + " }}"))
        said.refs = [(one, at(relation)) for one, _ in inner.refs]
        said.sources = [(one, at(relation)) for one, _ in inner.sources]
        if not said.refs and not said.sources:
            message = "what this snapshot is taken of is known only when dbt runs"
            said.found.append(Diagnostic("YD710", message, at(relation), HELP))
        self._add("snapshot", name, os.path.abspath(told.source.path), said)

    def _add(self, kind: str, name: str, path: str, said: Said) -> None:
        fqn = self.project.fqn(_PATHS[kind], path, name)
        told = self._told.get((kind, name), [])
        config = self._config(kind, fqn, told, said)
        if not config.enabled:
            self.graph.disabled.add(name)
            return
        self.graph.found += said.found
        if (other := self.graph.nodes.get(name)) is not None:
            message = f"there is another {other.kind} `{name}`, in `{other.path}`"
            self.graph.found.append(Diagnostic("YD202", message, said.place, "give each its own name"))
            return
        description = next(
            (one.text for one in (item(each, "description") for each in told) if type(one) is Scalar), ""
        )
        node = Node(name, kind, self.project.inside(path), said.place, fqn, {}, frozenset(config.tags))
        node.ephemeral = config.materialized == "ephemeral"
        node.description = "" if "{{" in description else " ".join(description.split())
        if told:
            node.described_in = self.project.inside(os.path.abspath(told[0].source.path))
        self.graph.nodes[name] = node
        self._asked.append((node.parents, said))
        for each in told:
            self._tests_of(each, name)
            if item(each, "versions") is not None:
                where = at(each.items["versions"][0])
                self.graph.found.append(
                    Diagnostic("YD710", "versions of a model are not read here", where, HELP)
                )

    def _config(self, kind: str, fqn: tuple[str, ...], told: list[Map], said: Said) -> _Config:
        config = _Config()
        given = list(self.project.settings(f"{kind}s", fqn))
        for each in told:
            for holder in (each, item(each, "config")):
                given += [(name, one) for name in _READ if (one := item(holder, name)) is not None]
        for name, node in given:
            if name in _READ and is_rendered(node):
                message = f"what `{name}` will be here is known only when dbt runs"
                self.graph.found.append(Diagnostic("YD710", message, at(node), HELP))
            elif name in _READ:
                config.take(name, plain(node))
        for name, value in said.config.items():
            config.take(name, value)
        return config

    # Tests

    def _tests_of(self, told: Map, id_: str) -> None:
        holders = [told, *(one for one in listed(item(told, "columns")) if type(one) is Map)]
        for holder in holders:
            for name in ("tests", "data_tests"):
                for one in listed(item(holder, name)):
                    self._generic(one, id_)

    def _generic(self, one: Tree, id_: str) -> None:
        if type(one) is Scalar:
            self.graph.tests.append(Test(one.text, {id_: at(one)}, at(one)))
            return
        if type(one) is not Map or not one.items:
            return
        key, arguments = next(iter(one.items.values()))
        if not _is_on(arguments):
            return
        parents = {id_: at(key)}
        for scalar in _scalars(arguments):
            for match in _REF.finditer(scalar.text):
                parents.setdefault(match[3], at(scalar))
        self.graph.tests.append(Test(key.text, parents, at(key)))

    def _read_tests(self) -> None:
        for path in self.project.files("test-paths", ".sql"):
            if os.path.basename(os.path.dirname(path)) == "generic":
                continue
            said = self._said(path)
            if said.config.get("enabled") is False:
                continue
            self.graph.found += said.found
            test = Test(_stem(path), {}, said.place, singular=True)
            self._asked.append((test.parents, said))
            self.graph.tests.append(test)

    # Names

    def _resolve(self) -> None:
        for parents, said in self._asked:
            for name, where in self._refs(said):
                parents.setdefault(name, where)
            for name, where in self._sources(said):
                parents.setdefault(f"source:{name}", where)
        self._check()

    def _check(self) -> None:
        """A name that means nothing is told, and left out."""
        graph = self.graph
        graph.tests = [test for test in graph.tests if graph.disabled.isdisjoint(test.parents)]
        for parents in [
            *(node.parents for node in graph.nodes.values()),
            *(test.parents for test in graph.tests),
        ]:
            for name in [name for name in parents if name not in graph.nodes]:
                graph.found.append(unknown(name, parents.pop(name), graph))

    def _refs(self, said: Said) -> Iterator[tuple[str, Place]]:
        yield from said.refs
        for macro, where in self._reached(said):
            yield from ((name, where) for name, _ in macro.refs)

    def _sources(self, said: Said) -> Iterator[tuple[str, Place]]:
        yield from said.sources
        for macro, where in self._reached(said):
            yield from ((name, where) for name, _ in macro.sources)

    def _reached(self, said: Said) -> Iterator[tuple[Said, Place]]:
        """The macros that it calls, and those that they call; where it calls them."""
        seen: set[int] = set()
        waiting = [(call[:2], call[2]) for call in said.calls]
        while waiting:
            (package, name), where = waiting.pop()
            for macro in self._found(package, name):
                if id(macro) in seen:
                    continue
                seen.add(id(macro))
                if macro.found:
                    why = macro.found[0]
                    message = f"what the macro `{name}` asks for is known only when dbt runs"
                    opaque = Diagnostic("YD710", message, where, HELP, (Related(why.message, why.place),))
                    self.graph.found += [opaque] if opaque not in self.graph.found else []
                yield macro, where
                waiting += [(call[:2], where) for call in macro.calls]

    def _found(self, package: str, name: str) -> list[Said]:
        """The macros of that name; one that is of no package is dbt's own, and asks for no model."""
        if package == "*":
            return [one for (_, each), one in self._macros.items() if each.endswith(f"__{name}")]
        macro = self._macros.get((package or self.project.name, name))
        return [] if macro is None else [macro]


def unknown(name: str, where: Place, graph: Graph) -> Diagnostic:
    """Of a `ref` or a `source` that means nothing."""
    if name.startswith("source:"):
        known = [one.id.removeprefix("source:") for one in graph.nodes.values() if one.kind == "source"]
        near = nearest(name.removeprefix("source:"), known)
        message = f"there is no source `{name.removeprefix('source:')}` in the dbt project"
        help_ = (
            f"did you mean `{near}`?"
            if near
            else "declare it under `sources:` in a YAML file beside the models"
        )
        return Diagnostic("YD709", message, where, help_)
    if name in graph.disabled:
        return Diagnostic("YD709", f"`{name}` is disabled, so that nothing can refer to it", where)
    near = nearest(name, [one.id for one in graph.nodes.values() if one.kind != "source"])
    message = f"there is no model, seed or snapshot `{name}` in the dbt project"
    return Diagnostic("YD709", message, where, f"did you mean `{near}`?" if near else None)


def _stem(path: str) -> str:
    return os.path.splitext(os.path.basename(path))[0]


def _first(source: Source) -> Place:
    return Place(source, 0, len(source.line(1)))


def _is_on(node: Tree) -> bool:
    for holder in (node, item(node, "config")):
        given = item(holder, "enabled")
        if type(given) is Scalar and given.value is False:
            return False
    return True


def _texts(node: Tree | None) -> frozenset[str]:
    return frozenset(one.text for one in listed(node) if type(one) is Scalar)


def _scalars(node: Tree) -> Iterator[Scalar]:
    if type(node) is Scalar:
        yield node
    elif type(node) is Map:
        for _, each in node.items.values():
            yield from _scalars(each)
    else:
        for each in listed(node):
            yield from _scalars(each)
