"""The files of a project that are as they were when an earlier scheduler compiled them: their plans were kept."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping

from msgspec import Struct, field

from yamldag.compile.compiler import Compiled, Unit
from yamldag.compile.project import Project
from yamldag.compile.seen import Stamp, stamp
from yamldag.compile.survey import reaches_out
from yamldag.engine.schedule.known import Known, known
from yamldag.operators import catalog
from yamldag.plan.pipeline import from_text, text_hash
from yamldag.shelf import grounds
from yamldag.shelf.project import Leaf, ProjectShelf


class Remembered(Struct):
    """By path. Only files that stand for themselves are here: what their pipelines are is nobody else's affair."""

    project: Project
    pipelines: dict[str, list[Known]] = field(default_factory=dict)
    _shelf: ProjectShelf | None = None
    _leaves: dict[str, Leaf] = field(default_factory=dict)
    _stamps: dict[str, dict[str, Stamp]] = field(default_factory=dict)
    _whole: bool = False
    """Whether all that was kept still holds."""

    @classmethod
    def of(cls, project: Project, paths: Collection[str]) -> Remembered:
        """What was kept of these files, if all that it rests on is as it was."""
        made = cls(project)
        if not project.broken:
            around = project.surroundings
            made._shelf = ProjectShelf.of(project.root, project.file, project.environment, around)
        if made._shelf is not None:
            made._recall(made._shelf.find(project.file), paths)
        return made

    def _recall(self, kept: Mapping[str, Leaf], paths: Collection[str]) -> None:
        read: dict[str, str | None] = {}
        stamps: dict[str, Stamp] = {}
        for path in paths:
            leaf = kept.get(path)
            if leaf is None:
                continue
            for file in leaf.files:  # before they are read: what changes meanwhile has changed since
                if file not in stamps:
                    stamps[file] = stamp(file)
            if grounds.hold(leaf.grounds, read):
                self._leaves[path] = leaf
                self._stamps[path] = {file: stamps[file] for file in leaf.files}
                self.pipelines[path] = [_known(text, path) for text in leaf.plans]
        self._whole = len(kept) == len(self._leaves)

    def __contains__(self, path: str) -> bool:
        return path in self._leaves

    @property
    def names(self) -> set[str]:
        """Of all pipelines in them."""
        return {each.plan.pipeline for those in self.pipelines.values() for each in those}

    def refresh(self, paths: Iterable[str]) -> list[str]:
        """Forget those that have changed or gone, and say which."""
        there, looked = set(paths), dict[str, Stamp]()
        changed = [path for path in self._leaves if path not in there or not self._fresh(path, looked)]
        for path in changed:
            self._forget(path)
        return changed

    def _fresh(self, path: str, looked: dict[str, Stamp]) -> bool:
        for file, then in self._stamps[path].items():
            if file not in looked:
                looked[file] = stamp(file)
            if looked[file] != then:
                return False
        return True

    def clear(self) -> None:
        """All of them are to be compiled: others have a say in what they are."""
        for path in list(self._leaves):
            self._forget(path)

    def _forget(self, path: str) -> None:
        del self._leaves[path], self._stamps[path], self.pipelines[path]
        self._whole = False

    # For the next scheduler

    def keep(self, compiled: Iterable[tuple[str, Compiled]], plans: Mapping[int, Known], since: int) -> None:
        """What was compiled since that moment (in nanoseconds), and what was kept before; `plans` are by the ids of
        their units."""
        if self._shelf is None or catalog.plugins_were_asked():
            return
        results = dict(compiled)
        if any(reaches_out(unit) for result in results.values() for unit in result.units):
            results = {}  # next time all will be compiled again
        fresh = {path: leaf for path, result in results.items() if (leaf := _leaf(result, plans, since))}
        if fresh or not self._whole:
            leaves = [*self._leaves.items(), *fresh.items()]
            self._shelf.keep(self.project.file, self.project.stamp, since, leaves)


def _leaf(result: Compiled, plans: Mapping[int, Known], since: int) -> Leaf | None:
    """None: something has to be said of it, or others have a say in it."""
    known = [plans[id(unit)] for unit in result.units if id(unit) in plans]
    if result.found or result.seen.beyond or len(known) < len(result.units):
        return None
    rests_on = grounds.of(result.seen.files, result.seen.modules, since)
    return None if rests_on is None else Leaf(rests_on, tuple(each.text for each in known))


def _known(text: str, path: str) -> Known:
    return known(from_text(text), text, text_hash(text), os.path.abspath(path))


def mixed(remembered: Remembered, units: Iterable[Unit]) -> bool:
    """Whether pipelines that were compiled have to do with those that were not."""
    names = remembered.names
    return bool(names) and any(unit.name in names or reaches_out(unit) for unit in units)
