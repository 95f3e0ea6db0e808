"""Files that change while one looks: only what a change touches is compiled again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from yamldag.compile.compiler import Compiled, Compiler, Unit
from yamldag.compile.load import across_files
from yamldag.compile.project import Project
from yamldag.compile.seen import Stamp, stamp
from yamldag.operators import catalog


class Kept(NamedTuple):
    """One file's last result, and the stamps of all files that were read for it."""

    result: Compiled
    compiler: Compiler
    stamps: dict[str, Stamp]


class Workspace:
    """The files that `list_paths` names, compiled; `refresh` brings it up to date."""

    def __init__(self, list_paths: Callable[[], list[str]], project: Project, *, lints: bool = False) -> None:
        self.list_paths = list_paths
        self.project = project
        self.lints = lints
        self.paths: list[str] = []
        self._kept: dict[str, Kept] = {}
        self._plugins: object = None

    def refresh(self) -> list[str]:
        """Compile what has changed; the paths that were compiled or have gone."""
        self.paths = self.list_paths()
        there = set(self.paths)
        gone = [path for path in self._kept if path not in there]
        for path in gone:
            del self._kept[path]
        catalog.look_in(self.project.root, self.project.plugins)
        if self._plugins is not catalog.plugins():  # what was no operator may be one now
            self._plugins = catalog.plugins()
            self._kept.clear()
        changed = [path for path in self.paths if not self._fresh(path)]
        for path in changed:
            self._kept[path] = self._compile(path)
        return changed + gone

    def result(self) -> Compiled:
        """Everything together, as if it had been compiled at once."""
        whole = Compiled(files=len(self._kept))
        together = Compiler(self.project, lints=self.lints)
        for kept in self._kept.values():
            together.adopt(kept.compiler)
            whole.units += kept.result.units
            whole.found += kept.result.found
        return across_files(together, whole)

    def results(self) -> Iterable[tuple[str, Compiled]]:
        """Of each file by itself, by its path."""
        return ((path, kept.result) for path, kept in self._kept.items())

    def units(self) -> Iterator[Unit]:
        """Of all files."""
        return (unit for kept in self._kept.values() for unit in kept.result.units)

    def unit(self, path: str) -> list[Unit]:
        return self._kept[path].result.units if path in self._kept else []

    def _fresh(self, path: str) -> bool:
        kept = self._kept.get(path)
        return kept is not None and all(stamp(one) == then for one, then in kept.stamps.items())

    def _compile(self, path: str) -> Kept:
        compiler = Compiler(self.project, lints=self.lints)
        result = Compiled(files=1)
        compiler.file(compiler.read(path), result)
        result = compiler.close(result)
        return Kept(result, compiler, dict(compiler.seen.files))
