"""This project's own database as what commands ask, with its files and its logs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from yamldag.cli import acting, databases, options
from yamldag.cli.main import UsageError
from yamldag.cli.records import exists, find_run, records
from yamldag.plan.state import ATTEMPT_FINAL, FINAL, RUN_FINAL
from yamldag.syntax.nearest import nearest

if TYPE_CHECKING:
    import sqlalchemy as sa

    from yamldag.compile.compiler import Compiled, Unit
    from yamldag.compile.project import Project
    from yamldag.engine.asking.rows import Row
    from yamldag.engine.clearance import Clearance, Found
    from yamldag.engine.memory.newer import Newer
    from yamldag.engine.step.choice import Wish
    from yamldag.store.database import Database

PIECE = 65_536
_PAUSE = 0.2
"""Seconds between two looks at a log that is followed."""


class Here:
    """A `Source`. Its database is opened when it is first written to, and then held."""

    pause = 0.05
    broken: Sequence[Any] = ()

    def __init__(self, project: Project) -> None:
        self.project = project
        self._stack = ExitStack()
        self._database: Database | None = None

    def __enter__(self) -> Here:
        return self

    def __exit__(self, *problem: Any) -> bool | None:
        return self._stack.__exit__(*problem)

    def _writing(self, *, new: bool = False) -> Database:
        if self._database is None:
            self._database = self._stack.enter_context(acting.acting(self.project, new=new))
        return self._database

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        if self._database is None:
            with records(self.project) as db:
                yield db
        else:
            from yamldag.store import views

            with views.reading(self._database.url) as db:
                yield db

    # What there is

    def pipelines(self) -> list[Row]:
        import os

        from yamldag.compile.load import compile_files
        from yamldag.engine.asking.rows import pipeline_row
        from yamldag.store import views

        compiled = compile_files(self.project, self.project.files())
        last = {}
        if exists(self.project):
            with self._reading() as db:
                last = {row["id"]: row for row in views.pipelines(db)}
        self.broken = compiled.found if compiled.broken else []
        rows = [
            pipeline_row(
                None if _has_errors(unit, compiled) else unit.plan(),
                unit.name,
                os.path.relpath(unit.path, unit.project.root),
                last.pop(unit.name, None),
            )
            for unit in compiled.units
        ]
        rows += [
            pipeline_row(None, name, row["file"], row, removed=True)
            for name, row in last.items()
            if row["removed"] is not None
        ]
        return sorted(rows, key=lambda row: str(row["pipeline"]))

    def runs(
        self, pipeline: str | None, state: str | None, limit: int, *, kind: str | None, since: str | None
    ) -> list[Row]:
        from yamldag.engine.asking.rows import run_rows
        from yamldag.store import views

        after = _since(since)
        if not exists(self.project):
            return []
        with self._reading() as db:
            return run_rows(db, views.runs(db, pipeline, state, limit, kind=kind, since=after))

    def a_pipeline(self, name: str) -> str | None:
        from yamldag.compile.load import compile_files
        from yamldag.store import views

        known = [unit.name for unit in compile_files(self.project, self.project.files()).units]
        if exists(self.project):
            with self._reading() as db:
                known += [row["id"] for row in views.pipelines(db)]
        if name in known:
            return None
        near = nearest(name, known)
        hint = f"did you mean `{near}`?" if near else "`yamldag list` names them"
        return f"there is no pipeline `{name}`; {hint}"

    def run(self, name: str) -> Row:
        from yamldag.engine.asking.rows import run_rows

        with self._reading() as db:
            (row,) = run_rows(db, [find_run(db, name)])
            return row

    def tasks(self, run: str) -> list[Row]:
        from yamldag.engine.asking.rows import task_rows

        with self._reading() as db:
            return task_rows(db, find_run(db, run))

    def why(self, name: str, task: str) -> Row:
        from yamldag.engine.asking.rows import why_row

        with self._reading() as db:
            return why_row(db, find_run(db, name), task)

    def versions(self, pipeline: str) -> list[Row]:
        from yamldag.engine.asking.rows import version_rows

        with self._reading() as db:
            return version_rows(db, pipeline)

    def difference(self, pipeline: str, old: str, new: str) -> Row:
        from yamldag.engine.asking.rows import difference_row

        with self._reading() as db:
            return difference_row(db, pipeline, old, new)

    def pools(self) -> list[Row]:
        from yamldag.engine.asking.rows import pool_row, pool_rows
        from yamldag.store.pools import PoolRow

        if exists(self.project):
            with databases.opened(self.project) as database:
                return pool_rows(database, self.project.pools)
        declared = sorted(self.project.pools.items())
        return [pool_row(PoolRow(name, slots, "project", 0), 0) for name, slots in declared]

    def connections(self) -> list[Row]:
        from yamldag.cli.keeping import keys
        from yamldag.engine.asking.secrets import connection_rows

        project = options.sound(self.project)
        return connection_rows(project, keys(project))

    def secrets(self) -> list[Row]:
        from yamldag.cli.keeping import keys
        from yamldag.engine.asking.secrets import secret_rows

        project = options.sound(self.project)
        return secret_rows(project, keys(project))

    def approvals(self) -> list[Row]:
        from yamldag.engine.approving import question_row, questions

        if not exists(self.project):
            return []
        with self._reading() as db:
            return [question_row(each) for each in questions(db)]

    def attempts(self, run: str, task: str) -> list[Row]:
        from yamldag.engine.asking.naming import task_named
        from yamldag.engine.asking.rows import attempt_row
        from yamldag.store import views

        with self._reading() as db:
            meant = task_named(db, run, task)
            return [
                {**attempt_row(meant.task, row), "attempt_id": row["id"], "path": row["log"]}
                for row in views.attempts(db, run, meant.task, meant.instance)
            ]

    def piece(self, _: str, attempt: Row, offset: int) -> tuple[bytes, int]:
        try:
            with open(attempt["path"] or "", "rb") as file:
                file.seek(offset)
                data = file.read(PIECE)
        except FileNotFoundError:  # it wrote nothing, or never started
            return b"", offset
        return data, offset + len(data)

    def follow(self, run: str, task: str) -> Iterator[bytes]:
        done: set[int] = set()
        places: dict[int, int] = {}
        while True:
            over = self._is_over(run, task)
            for attempt in self.attempts(run, task):
                name = attempt["attempt_id"]
                data = b" "
                while name not in done and data:
                    data, places[name] = self.piece(run, attempt, places.get(name, 0))
                    yield data
                if attempt["state"] in ATTEMPT_FINAL:
                    done.add(name)
            if over:
                return
            time.sleep(_PAUSE)

    def _is_over(self, run: str, task: str) -> bool:
        from yamldag.engine.asking.naming import task_named

        with self._reading() as db:
            found, rows = find_run(db, run), task_named(db, run, task).rows
        return found["state"] in RUN_FINAL or bool(rows and all(row.state in FINAL for row in rows))

    def notifications(self, run: str) -> list[Row]:
        from pathlib import Path

        from yamldag.engine.asking.told import notification_rows

        with self._reading() as db:
            return notification_rows(db, find_run(db, run), Path(self.project.state_folder), _text)

    # What is to be done

    def set_pool(self, name: str, slots: int) -> Row:
        from yamldag.engine import orders

        with databases.opened(self.project) as database:
            with _deed(database, "pool.set", name, slots=slots) as told:
                row = orders.set_pool(database, name, slots)
                told("set")
            return row

    def delete_pool(self, name: str) -> Row:
        from yamldag.engine import orders

        with databases.opened(self.project) as database:
            with _deed(database, "pool.delete", name) as told:
                row = orders.delete_pool(database, name, self.project.pools)
                told("deleted")
            return row

    def set_paused(self, pipeline: str, *, paused: bool) -> tuple[str, bool]:
        from yamldag.engine import outside

        plan = acting.known_plan(self.project, pipeline)
        version = acting.version_of(plan)
        database = self._writing(new=True)
        words = "paused" if paused else "unpaused"
        with _deed(database, "pipeline.pause" if paused else "pipeline.unpause", plan.pipeline) as told:
            changed = outside.set_paused(database, version, plan.catchup, time.time(), paused=paused)
            told(words if changed else "unchanged")
        return plan.pipeline, changed

    def trigger(self, pipeline: str, params: Row, date: str | None) -> Row:
        from yamldag.engine import given, orders
        from yamldag.engine.asking.rows import run_row
        from yamldag.store import views

        plan = acting.compiled(self.project, pipeline)
        values = given.resolved(plan, params, as_text=True)
        at = given.date_given(date, plan)
        database = self._writing(new=True)
        with _deed(database, "run.trigger", plan.pipeline) as told:
            row = orders.queue(database, plan, acting.version_of(plan), values, at, time.time())
            told(row.id)
        with views.reading(database.url) as db:
            stored = views.one_run(db, row.id)
            assert stored is not None
            return run_row(stored)

    def cancel(self, run: str, *, kill: bool) -> str:
        from yamldag.engine.outside import cancel

        database = self._writing()
        with _deed(database, "run.cancel", run, kill=kill) as told:
            outcome = cancel(database, run, time.time(), kill=kill)
            told(outcome)
        return outcome

    def clearing(self, name: str, wish: Row) -> Row:
        from yamldag.engine.clearance import told

        self._writing()
        with self._reading() as db:
            run = find_run(db, name)["id"]
        planned, _, _ = self._planned(run, wish)
        outcome = "nothing" if planned.is_empty else "previewed"
        begun = planned.run.plan is not None
        head = {"run_id": run, "state": planned.run.state, "outcome": outcome, "begun": begun}
        return head | told(planned)

    def clear(self, run: str, wish: Row) -> Row:
        from yamldag.engine.clearance import told
        from yamldag.engine.memory.params import BadParams
        from yamldag.engine.outside import clear
        from yamldag.store import moves

        database = self._writing()
        planned, chosen, newer = self._planned(run, wish)
        if newer:
            version = acting.version_of(newer.plan)
            database.write(lambda: moves.save_version(database, version))
        tasks = list(wish.get("tasks") or ())
        detail: Row = {"tasks": tasks, "failed": chosen.failed, "latest": newer is not None}
        if chosen.mark is not None:
            detail = {"tasks": tasks, "state": chosen.mark}
        action = "run.clear" if chosen.mark is None else "run.mark"
        try:
            with _deed(database, action, run, **detail) as told_of:
                outcome = clear(database, run, chosen, time.time(), newer)
                told_of(outcome)
        except BadParams as bad:
            raise UsageError("\n  ".join(bad.faults)) from None
        (state,) = self.states([run])
        return {"run_id": run, "state": state, "outcome": outcome} | told(planned)

    def approve(self, name: str, task: str, said: Row) -> Row:
        from yamldag.cli.identity import deed
        from yamldag.engine.approving import Answer, answer_row, answered, question

        database = self._writing()
        with self._reading() as db:
            asks = question(db, find_run(db, name), task)
        given = Answer(said["yes"], said["value_texts"], as_text=True)
        answered(database, asks, given, deed("task.answer", asks.row.run, task=asks.label), time.time())
        return answer_row(asks, given)

    def _planned(self, run: str, wish: Row) -> tuple[Clearance, Wish, Newer | None]:
        from yamldag.engine.clearance import look, plan_clear, wish_for

        found = look(self._writing(), run)
        newer = self._newest(found) if wish.get("latest") else None
        chosen = wish_for(found, newer, wish)
        return plan_clear(found, chosen, newer), chosen, newer

    def _newest(self, found: Found) -> Newer:
        from yamldag.engine.memory.newer import Newer

        plan = acting.compiled(self.project, found.pipeline)
        return Newer(plan, acting.version_of(plan).hash)

    def backfill(self, pipeline: str, wish: Row) -> Row:
        from yamldag.engine import given, orders

        plan = acting.compiled(self.project, pipeline)
        params = given.resolved(plan, wish["param_texts"], as_text=True)
        found = orders.range_of(plan, wish["from"], wish["to"])
        database = self._writing(new=True)
        chosen = orders.plan_backfill(database, plan, found, wish["reprocess"])
        ticks = orders.backfill_rows(chosen)
        told: Row = {"backfill_id": None, "pipeline": plan.pipeline, "runs": [], "ticks": ticks}
        if wish["dry_run"] or not chosen:
            return told
        how = {"reprocess": wish["reprocess"], "max_active": wish["max_active"]}
        version = acting.version_of(plan)
        with _deed(
            database, "backfill.create", plan.pipeline, first=wish["from"], last=wish["to"]
        ) as outcome:
            name, runs = orders.begin_backfill(database, plan, version, chosen, params, time.time(), **how)
            outcome(name)
        return told | {"backfill_id": name, "runs": [{"run_id": run} for run in runs]}

    def end_backfill(self, name: str) -> list[str]:
        from yamldag.engine import orders

        database = self._writing()
        with _deed(database, "backfill.cancel", name) as told:
            ended = orders.end_backfill(database, name, time.time())
            told("cancelled")
        return ended

    def is_asked(self, run: str) -> bool:
        from yamldag.store import requests

        return requests.is_open(self._writing(), run)

    def states(self, runs: Sequence[str]) -> list[str]:
        return [acting.state_of(self._writing(), run) for run in runs]


def _has_errors(unit: Unit, compiled: Compiled) -> bool:
    """Whether a pipeline can't be run, for what only shows beside others, too: a call of one that is not there."""
    document = unit.root.document
    places = (one.place for one in compiled.found if one.severity == "error")
    return any(
        place.source.path == document.source.path and document.start <= place.start <= document.end
        for place in places
    )


@contextmanager
def _deed(database: Database, action: str, target: str, **detail: Any) -> Iterator[Callable[[str], None]]:
    """What is done within is in the audit log, with the outcome that it tells."""
    from yamldag.cli.identity import deed
    from yamldag.engine.deeds import begun

    with begun(database, deed(action, target, **detail), time.time()) as told:
        yield told


def _since(text: str | None) -> float | None:
    if text is None:
        return None
    from datetime import UTC

    from yamldag.plan.schedule import moment

    found = moment(text, UTC)
    if found is None:
        raise UsageError(f"`--since` wants a date or a time like `2026-01-31T06:00`, found `{text}`")
    return found.timestamp()


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace", newline="") as file:
            return file.read()
    except FileNotFoundError:  # it wrote nothing, or never started
        return ""
