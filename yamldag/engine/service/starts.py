"""Begins the runs that are queued and find room, the oldest logical date first."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from msgspec import Struct, field

from yamldag.engine.memory.building import build
from yamldag.engine.memory.params import BadParams, resolve
from yamldag.engine.memory.reading import Unreadable, read_params
from yamldag.engine.memory.run import Run
from yamldag.engine.schedule.catalogue import last_good
from yamldag.engine.schedule.known import Known
from yamldag.engine.service.desk import Desk
from yamldag.engine.step.world import Admit
from yamldag.engine.takeover.stored import stored_run
from yamldag.store import assets, moves, schedules, views
from yamldag.store.schedules import QueuedRun
from yamldag.store.writeoff import write_off

PORTION = 50
"""Runs that are begun, in one transaction, before their tasks are started."""


class Beginning(NamedTuple):
    """A run that is to begin: what it begins with, and who moves it."""

    row: QueuedRun
    known: Known
    params: dict[str, Any]
    owner: int


class Starts(Struct):
    desk: Desk
    _elsewhere: dict[str, Known] = field(default_factory=dict)

    def forget(self) -> None:
        """Others have written to the database: what was read there is old."""
        self._elsewhere = {}

    def start(self, now: float) -> None:
        """A portion of them."""
        agenda, catalogue = self.desk.agenda, self.desk.catalogue
        if not agenda.names:
            agenda.hurries = False
            return
        taken = agenda.take({**self._of_no_file(), **catalogue.pipelines}, PORTION)
        new = [self._prepared(row, known, now) for row, known in taken if row.version is None]
        self._begin([each for each in new if each], now)
        for row, _ in taken:
            if row.version is not None:
                self._begin_again(row, row.version, now)

    def _of_no_file(self) -> dict[str, Known]:
        """The newest versions of pipelines that are in no file, for runs that were asked for by hand."""
        names = self.desk.agenda.elsewhere()
        if names != self._elsewhere.keys():
            self._elsewhere = last_good(self.desk.database, self.desk.catalogue.project.root, names)
        return self._elsewhere

    # For the first time

    def _prepared(self, row: QueuedRun, known: Known, now: float) -> Beginning | None:
        try:
            params = resolve(known.plan, read_params(row.params))
        except BadParams as bad:
            self._refuse(row, "; ".join(bad.faults), now)
            return None
        except Unreadable as unreadable:
            self._refuse(row, str(unreadable), now)
            return None
        return Beginning(row, known, params, self._owner())

    def _refuse(self, row: QueuedRun, words: str, now: float) -> None:
        database = self.desk.database
        if database.write(lambda: schedules.refuse_run(database, row.id, words, now)):
            self.desk.say(f"run {row.id} of {row.pipeline} failed: {words}")

    def _begin(self, beginnings: Sequence[Beginning], now: float) -> None:
        """Fix their plans, and let the engine have them. Who was taken or cancelled meanwhile is not among them."""
        if not beginnings:
            return
        database = self.desk.database

        def fix() -> list[Beginning]:
            return [each for each in beginnings if fixed(each)]

        def fixed(each: Beginning) -> bool:
            if not moves.start_run(database, each.row.id, each.known.version, each.owner, now):
                return False
            schedules.fix_params(database, each.row.id, json.dumps(each.params, ensure_ascii=False))
            return True

        for each in database.write(fix):
            self.desk.agenda.began(each.row.pipeline, each.row.id, each.row.backfill)
            if not self._gave(each.row, each.owner):
                self._admit(each, now)

    def _admit(self, beginning: Beginning, now: float) -> None:
        row, plan, engine = beginning.row, beginning.known.plan, self.desk.engine
        run = Run(row.id, plan, engine.runner, row.type, *row[3:6], params=beginning.params, started=now)
        run.backfill = row.backfill
        run.folder, run.logs = places(self.desk.folder, run.id)
        run.assets = assets.of_run(engine.database, run.id) if row.type == "assets" else []
        engine.tell(Admit(build(run, engine.ids)))
        self.desk.say(f"run {run.id} of {plan.pipeline} started")

    # Once more

    def _begin_again(self, row: QueuedRun, version: str, now: float) -> None:
        """A run of which tasks were cleared goes on by its own plan."""
        engine, database, owner = self.desk.engine, self.desk.database, self._owner()
        if not database.write(lambda: moves.start_run(database, row.id, version, owner, now)):
            return
        self.desk.agenda.began(row.pipeline, row.id, row.backfill)
        if self._gave(row, owner):
            return
        try:
            with views.reading(database.url) as db:
                stored = views.one_run(db, row.id)
                assert stored is not None
                run, new = stored_run(db, stored, database.url, engine.runner, engine.ids, self.desk.folder)
        except Unreadable as unreadable:
            words = str(unreadable)
            database.write(lambda: write_off(database, row.id, owner, words, now))
            engine.given_up[row.id] = words
            return
        engine.tell(Admit(run, new))
        self.desk.say(f"run {run.id} of {run.plan.pipeline} starts again")

    # Whose they are

    def _owner(self) -> int:
        return self.desk.engine.runner if self.desk.peers is None else self.desk.peers.choose()

    def _gave(self, row: QueuedRun, owner: int) -> bool:
        """Whether another scheduler moves it from now on."""
        if self.desk.peers is None or owner == self.desk.engine.runner:
            return False
        self.desk.peers.gave(row.id, row.pipeline)
        self.desk.say(f"run {row.id} of {row.pipeline} is given to scheduler {owner}")
        return True


def places(folder: Path, run: str) -> tuple[str, str]:
    """The scratch folder and the folder of logs of a run, absolute."""
    top = folder.absolute()
    return str(top / "runs" / run), str(top / "logs" / run)
