"""A dbt project's own file, and where its others are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Protocol

from yamldag.compile.documents import File
from yamldag.compile.draft import strings
from yamldag.compile.files import shown
from yamldag.compile.seen import Seen
from yamldag.syntax.diagnostic import Diagnostic, Place, at
from yamldag.syntax.nearest import nearest
from yamldag.syntax.tree import Map, Node, Scalar, Seq

FILE = "dbt_project.yml"
MOST_FOLDERS = 10_000
"""That are looked into: `model-paths` may lead anywhere."""
_FOLDERS = {
    "model-paths": "models",
    "seed-paths": "seeds",
    "snapshot-paths": "snapshots",
    "test-paths": "tests",
    "macro-paths": "macros",
}
_YAML = (".yml", ".yaml")


class Reader(Protocol):
    """Where files come from."""

    seen: Seen

    def read(self, path: str) -> File: ...


def missing(folder: str, written: Scalar, seen: Seen) -> Diagnostic | None:
    """Why there is no dbt project in a folder; `written` is what names it."""
    seen.look(folder)
    seen.look(os.path.join(folder, FILE))
    if not os.path.isdir(folder):
        near = nearest(os.path.basename(folder), _folders_beside(folder))
        help_ = f"did you mean `{near}`?" if near else None
        return Diagnostic(
            "YD705", f"there is no folder `{written.text}` beside the pipeline's file", at(written), help_
        )
    if not os.path.isfile(os.path.join(folder, FILE)):
        message = f"there is no `{FILE}` in `{shown(folder)}`"
        return Diagnostic("YD705", message, at(written), "name the folder of the dbt project by `project:`")
    return None


def _folders_beside(folder: str) -> list[str]:
    parent = os.path.dirname(folder)
    try:
        return [name for name in os.listdir(parent) if os.path.isdir(os.path.join(parent, name))]
    except (OSError, ValueError):
        return []


class Project:
    """One that is there. `file` is what was read of its own file."""

    def __init__(self, folder: str, reader: Reader) -> None:
        self.folder = folder
        self.reader = reader
        self.file = reader.read(os.path.join(folder, FILE))
        root = self.file.documents[0] if self.file.documents else None
        self.root = root if type(root) is Map else None
        self.found = faults_of(self.file)
        if self.root is None and not self.found:
            self.found.append(
                Diagnostic("YD403", f"`{FILE}` should be a mapping", Place(self.file.source, 0, 0))
            )
        self.name = self._name()
        self._looked = 0

    def _name(self) -> str:
        given = item(self.root, "name")
        if type(given) is Scalar and isinstance(given.value, str):
            return given.value
        if self.root is not None:
            first = next(iter(self.root.items.values()), None)
            where = at(first[0]) if first else at(self.root)
            self.found.append(Diagnostic("YD402", f"`{FILE}` needs `name`", where))
        return ""

    def files(self, kind: str, *endings: str) -> Iterator[str]:
        """The files of a kind, `model-paths` say, sorted: absolute paths."""
        for folder in self.folders(kind):
            yield from self._below(folder, endings)

    def folders(self, kind: str) -> list[str]:
        given = item(self.root, kind)
        listed = (
            [one.text for one in given.items if type(one) is Scalar]
            if type(given) is Seq
            else [_FOLDERS[kind]]
        )
        return [os.path.normpath(os.path.join(self.folder, one)) for one in listed]

    def properties(self) -> Iterator[str]:
        """The YAML files that describe its nodes."""
        for kind in ("model-paths", "seed-paths", "snapshot-paths"):
            yield from self.files(kind, *_YAML)

    def _below(self, folder: str, endings: tuple[str, ...]) -> Iterator[str]:
        self._looked += 1
        if self._looked > MOST_FOLDERS:
            if self._looked == MOST_FOLDERS + 1:
                message = f"the paths of this dbt project lead to more than {MOST_FOLDERS:,} folders"
                self.found.append(Diagnostic("YD105", message, Place(self.file.source, 0, 0)))
            return
        self.reader.seen.look(folder)
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except (OSError, ValueError):
            return
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from self._below(entry.path, endings)
            elif entry.name.endswith(endings):
                yield entry.path

    def inside(self, path: str) -> str:
        return os.path.relpath(path, self.folder)

    def fqn(self, kind: str, path: str, name: str) -> tuple[str, ...]:
        """The package, the folders below that of the kind, and the name."""
        for folder in self.folders(kind):
            relative = os.path.relpath(os.path.dirname(path), folder)
            if not relative.startswith(".."):
                return (self.name, *(part for part in relative.split(os.sep) if part != "."), name)
        return (self.name, name)

    def settings(self, section: str, fqn: tuple[str, ...]) -> Iterator[tuple[str, Node]]:
        """What the file says of a node below `models:` and the like, the farthest first: name and value."""
        here: Node | None = item(self.root, section)
        for part in ("", *fqn):
            here = item(here, part) if part else here
            if type(here) is not Map:
                return
            for name, (_, value) in here.items.items():
                if name.startswith("+"):
                    yield name[1:], value
                elif name in ("enabled", "tags", "materialized") and type(value) is not Map:
                    yield name, value

    def packages(self) -> tuple[Scalar | None, list[str]]:
        """The key that asks for packages, and the folders of those that are installed."""
        asking = None
        for name in ("packages.yml", "dependencies.yml"):
            path = os.path.join(self.folder, name)
            self.reader.seen.look(path)
            if os.path.isfile(path):
                documents = self.reader.read(path).documents
                root = documents[0] if documents else None
                given = root.items.get("packages") if type(root) is Map else None
                if given is not None and type(given[1]) is Seq and given[1].items:
                    asking = given[0]
        return asking, self._installed()

    def _installed(self) -> list[str]:
        given = item(self.root, "packages-install-path")
        folder = os.path.join(self.folder, given.text if type(given) is Scalar else "dbt_packages")
        self.reader.seen.look(folder)
        try:
            names = sorted(os.listdir(folder))
        except OSError:
            return []
        paths = (os.path.join(folder, name) for name in names)
        return [path for path in paths if os.path.isfile(os.path.join(path, FILE))]


def faults_of(file: File) -> list[Diagnostic]:
    """As YAML. That there is nothing in it is no mistake in a file of dbt."""
    return [one for one in file.found if one.code != "YD112"]


def item(node: Node | None, name: str) -> Node | None:
    entry = node.items.get(name) if type(node) is Map else None
    return entry[1] if entry else None


def listed(node: Node | None) -> list[Node]:
    """The items of a list; one value alone is its only one."""
    if node is None:
        return []
    return list(node.items) if type(node) is Seq else [node]


def is_rendered(node: Node) -> bool:
    """Whether dbt has to render it first."""
    return any(True for _ in strings(node))
