"""The graph of a dbt project as dbt itself has written it, if its files are still those that dbt has read."""

from __future__ import annotations

import hashlib
import json
import os
import re
from typing import Any

from yamldag.compile import documents
from yamldag.compile.dbt.nodes import KINDS, Graph, Node, Test
from yamldag.compile.dbt.project import Project, Reader
from yamldag.compile.files import shown
from yamldag.syntax.diagnostic import Diagnostic, Place, at
from yamldag.syntax.source import Source
from yamldag.syntax.tree import Scalar

_AGAIN = "run `dbt parse` again"
_LARGEST = 1 << 28


def read(project: Project, written: Scalar, base: str, reader: Reader) -> Graph:
    """`written` is the manifest's path, from the folder `base`."""
    path = os.path.normpath(os.path.join(base, written.text))
    reader.seen.look(path)
    if project.found:
        return Graph(found=list(project.found))
    try:
        with open(path, "rb") as file:
            told = json.loads(file.read(_LARGEST))
        return _Manifest(project, told, written, reader).graph
    except OSError:
        message = f"there is no file `{written.text}` beside the pipeline's"
        return Graph(found=[Diagnostic("YD705", message, at(written), "`dbt parse` writes it")])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        message = f"`{written.text}` is no manifest of dbt"
        return Graph(found=[Diagnostic("YD710", message, at(written), _AGAIN)])


class _Manifest:
    def __init__(self, project: Project, told: dict[str, Any], written: Scalar, reader: Reader) -> None:
        self.project = project
        self.written = written
        self.reader = reader
        self.graph = Graph()
        self._sources: dict[str, Source] = {}
        self._ids: dict[str, str] = {}
        nodes = {id_: node for id_, node in told["nodes"].items() if node["resource_type"] in KINDS}
        for id_, node in sorted(nodes.items(), key=lambda item: item[1]["original_file_path"]):
            self._ids[id_] = self._id(node)
        for id_, node in told["sources"].items():
            self._ids[id_] = f"source:{node['source_name']}.{node['name']}"
        for id_ in self._ids:
            self._add(id_, told["nodes"].get(id_) or told["sources"][id_])
        for node in told["nodes"].values():
            if node["resource_type"] == "test":
                self._add_test(node, node["depends_on"]["nodes"], singular="test_metadata" not in node)
        for node in told.get("unit_tests", {}).values():
            self._add_test(
                node, [one for one in node["depends_on"]["nodes"] if one.endswith(f".{node['model']}")]
            )
        disabled = [node for each in told.get("disabled", {}).values() for node in each]
        self._check_age([*nodes.values(), *disabled])

    def _id(self, node: dict[str, Any]) -> str:
        version = node.get("version")
        return str(node["name"]) if version is None else f"{node['name']}.v{version}"

    def _add(self, unique: str, node: dict[str, Any]) -> None:
        id_, source = self._ids[unique], self._source(node)
        parents = {
            self._ids[one]: _where(self._ids[one], source)
            for one in node.get("depends_on", {}).get("nodes", ())
            if one in self._ids
        }
        self.graph.nodes[id_] = Node(
            id_,
            node["resource_type"],
            node["original_file_path"],
            Place(source, 0, len(source.line(1))),
            tuple(node["fqn"]),
            parents,
            frozenset(node.get("tags", ())),
            node.get("config", {}).get("materialized") == "ephemeral",
            " ".join(str(node.get("description") or "").split()),
            str(node.get("patch_path") or "").partition("://")[2] or None,
        )

    def _add_test(self, node: dict[str, Any], parents: list[str], *, singular: bool = False) -> None:
        source = self._source(node)
        where = _where(node["name"] if singular else node.get("test_metadata", node)["name"], source)
        looks_at = {self._ids[one]: where for one in parents if one in self._ids}
        self.graph.tests.append(Test(node["name"], looks_at, where, singular))

    def _source(self, node: dict[str, Any]) -> Source:
        """Its file, to point into."""
        path = self._path(node)
        if path not in self._sources:
            self.reader.seen.look(path)
            self._sources[path] = documents.text_of(path, shown(path))
        return self._sources[path]

    def _path(self, node: dict[str, Any]) -> str:
        if node["package_name"] != self.project.name:
            return os.path.join(
                self.project.folder, "dbt_packages", node["package_name"], node["original_file_path"]
            )
        return os.path.join(self.project.folder, node["original_file_path"])

    def _check_age(self, nodes: list[dict[str, Any]]) -> None:
        """Whether there are other models now, or some with another text."""
        known = {self._path(node): node for node in nodes if node["package_name"] == self.project.name}
        there = {*self.project.files("model-paths", ".sql"), *self.project.files("snapshot-paths", ".sql")}
        for path in self.project.properties():
            self.reader.seen.look(path)
        for path in sorted(there - known.keys()):
            self._is_old(f"it does not know `{self.project.inside(path)}`")
        for path, node in known.items():
            checksum = node.get("checksum") or {}
            if path in there and checksum.get("name") == "sha256" and node["resource_type"] == "model":
                text = documents.text_of(path, shown(path)).text.strip()
                if hashlib.sha256(text.encode()).hexdigest() != checksum["checksum"]:
                    self._is_old(f"`{self.project.inside(path)}` has changed since")
            elif not os.path.exists(path):
                self._is_old(f"`{self.project.inside(path)}` is gone")

    def _is_old(self, why: str) -> None:
        if not self.graph.found:
            message = f"`{self.written.text}` is older than the dbt project: {why}"
            self.graph.found.append(Diagnostic("YD710", message, at(self.written), _AGAIN))


def _where(id_: str, source: Source) -> Place:
    """Where a file names something; its first line, if it does so in other words."""
    word = id_.rpartition(".")[2] if id_.startswith("source:") else id_.partition(".")[0]
    match = re.search(rf"(?<!\w){re.escape(word)}(?!\w)", source.text)
    return Place(source, *match.span()) if match else Place(source, 0, len(source.line(1)))
