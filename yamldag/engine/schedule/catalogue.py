"""The pipelines in force: of each file its last good version, and what is wrong with the files now."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from msgspec import Struct
from msgspec.structs import replace

from yamldag.compile.compiler import Unit
from yamldag.compile.files import shown
from yamldag.compile.project import Project, find
from yamldag.compile.seen import Stamp, stamp
from yamldag.compile.workspace import Workspace
from yamldag.engine.schedule.known import Known, known
from yamldag.engine.schedule.remembered import Remembered, mixed
from yamldag.engine.step.world import Callee
from yamldag.plan.pipeline import UnreadableError, from_text, text_hash, to_text
from yamldag.store import schedules
from yamldag.store.database import Database
from yamldag.syntax.diagnostic import Diagnostic


def last_good(database: Database, root: str, names: Collection[str] | None = None) -> dict[str, Known]:
    """The last good version of each pipeline, or of these, that a scheduler or a run has seen."""
    found = {}
    for name, file, version, text in schedules.known_plans(database):
        if names is None or name in names:
            path = os.path.abspath(os.path.join(root, file))
            # A plan of another version of yamldag may not be readable; then there is no last good one.
            with suppress(UnreadableError, LookupError, TypeError, ValueError, AttributeError):
                found[name] = known(from_text(text), text, version, path)
    return found


def last_in_force(database: Database, root: str) -> dict[str, Known]:
    """The same of those that were not removed: a file that is broken does not bring back what it had lost before."""
    removed = schedules.removed(database)
    return {name: one for name, one in last_good(database, root).items() if name not in removed}


class Broken(Struct, frozen=True):
    """A file with errors: its path as a person writes it, and what is wrong."""

    path: str
    found: tuple[Diagnostic, ...]


@dataclass(slots=True)
class Catalogue:
    """Reads the project's files again when they change."""

    project: Project
    earlier: Callable[[], dict[str, Known]] = dict
    """The last good versions that a former life knew, by pipeline: asked if a file is broken from the start."""
    pipelines: dict[str, Known] = field(default_factory=dict)
    broken: tuple[Broken, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()
    _paths: list[str] = field(default_factory=list)
    """Of all files of the project."""
    _workspace: Workspace = field(init=False)
    """Those that were compiled."""
    _remembered: Remembered = field(init=False)
    """Those that were not: their plans were kept."""
    _stamp: Stamp = field(init=False)
    _units: dict[int, tuple[Unit, Known]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        since = time.time_ns()
        self._adopt(self.project)
        self._compile()
        if self._workspace.result().broken:
            self.pipelines = self.earlier()
        self._read()
        plans = {mark: pair[1] for mark, pair in self._units.items()}
        self._remembered.keep(self._workspace.results(), plans, since)

    def callee(self, name: str) -> Callee | None:
        """The pipeline of that name, as a task calls it: its run waits for room, and fixes its plan then."""
        found = self.pipelines.get(name)
        return Callee(found.plan) if found else None

    def refresh(self) -> bool:
        """Compile what has changed. True: something has."""
        again = self._project_changed()
        changed = self._compile()
        if changed or again:
            self._read()
        return changed or again

    def _compile(self) -> bool:
        """What has changed, and is not remembered. True: something has."""
        self._paths = self.project.files()
        forgotten = self._remembered.refresh(self._paths)
        changed = self._workspace.refresh()
        if changed and mixed(self._remembered, self._workspace.units()):
            self._remembered.clear()
            self._workspace.refresh()
        return bool(changed or forgotten)

    def gone(self, files: Mapping[str, str]) -> list[str]:
        """Of pipelines with their files those that are in force no more: the file is gone, or is there without
        them. What a file that is broken held is not known; one from elsewhere was never ours."""
        there = {os.path.abspath(each) for each in self._paths}
        read = there - {os.path.abspath(each.path) for each in self.broken}
        return [
            name
            for name, file in files.items()
            if name not in self.pipelines and (os.path.abspath(file) in read or not os.path.exists(file))
        ]

    # The project's own file

    def _adopt(self, project: Project) -> None:
        self.project = project
        self._workspace = Workspace(self._not_remembered, project)
        self._remembered = Remembered.of(project, project.files())
        self._stamp = project.stamp

    def _not_remembered(self) -> list[str]:
        return [path for path in self._paths if path not in self._remembered]

    def _project_stamp(self) -> Stamp:
        return stamp(self.project.file) if self.project.file else None

    def _project_changed(self) -> bool:
        if self._stamp == self._project_stamp():
            return False
        new = find(self.project.root, self.project.environment, self.project.surroundings)
        if not new.broken or new.file is None:
            self._units.clear()
            self._adopt(new)
        else:  # the last good one goes on; what is wrong is shown
            self._stamp = self._project_stamp()
            self.project.found = new.found
        return True

    # What is in force

    def _read(self) -> None:
        result = self._workspace.result()
        self.warnings = tuple(each for each in result.found if each.severity == "warning")
        self.broken = tuple(_by_file(each for each in result.found if each.severity == "error"))
        good = {each.plan.pipeline: each for those in self._remembered.pipelines.values() for each in those}
        good |= self._good(result.units)
        self.pipelines = {**self._kept(result.units, good), **good}

    def _good(self, units: list[Unit]) -> Iterator[tuple[str, Known]]:
        """The units without errors; of two with one name the first."""
        seen: set[str] = set()
        units = sorted(units, key=lambda unit: (unit.key.source.path, unit.key.start))
        live: dict[int, tuple[Unit, Known]] = {}
        for unit in units:
            if unit.sound and unit.name not in seen:
                seen.add(unit.name)
                pair = self._units.get(id(unit)) or (unit, _known_of(unit))
                live[id(unit)] = pair
                yield unit.name, pair[1]
        self._units = live

    def _kept(self, units: list[Unit], good: Mapping[str, Known]) -> dict[str, Known]:
        """What the files that are broken now held when they were good."""
        unsound = {unit.path for unit in units if not unit.sound}
        unsound |= {os.path.abspath(broken.path) for broken in self.broken}
        there = {os.path.abspath(path) for path in self._paths}
        return {
            name: replace(one, stale=True)
            for name, one in self.pipelines.items()
            if name not in good and one.path in unsound and one.path in there
        }


def _known_of(unit: Unit) -> Known:
    plan = unit.plan()
    assert plan is not None
    text = to_text(plan)
    return known(plan, text, text_hash(text), os.path.abspath(unit.path))


def _by_file(found: Iterable[Diagnostic]) -> list[Broken]:
    files: dict[str, list[Diagnostic]] = {}
    for each in found:
        files.setdefault(shown(each.place.source.path), []).append(each)
    return [Broken(path, tuple(those)) for path, those in sorted(files.items())]
