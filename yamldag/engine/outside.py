"""What commands and pages do to runs: at once where no engine moves the run, else by asking the one that does."""

from __future__ import annotations

from functools import partial

from yamldag.engine import times
from yamldag.engine.clearance import Clearance, cleared_rows, look, plan_clear
from yamldag.engine.loop.requests import detail_of, newer_of, wish_of
from yamldag.engine.memory.newer import Newer
from yamldag.engine.memory.params import BadParams
from yamldag.engine.memory.reading import Unreadable
from yamldag.engine.memory.reasons import REASONS
from yamldag.engine.step.choice import Wish
from yamldag.store import clears, moves, requests, schedules
from yamldag.store.clears import Requeued
from yamldag.store.database import Database
from yamldag.store.moves import Lost, Version
from yamldag.store.requests import StoredRequest

_TIMES = 5
"""How often a clear is tried whose run is moved in the same moment."""


def cancel(database: Database, run: str, now: float, *, kill: bool = False) -> str:
    """`cancelled` at once, `asked` of the engine that moves it, or `over`: there was nothing to cancel."""

    def work() -> str:
        if clears.cancel_queued(database, run, REASONS["cancel"], now):
            requests.withdraw(database, run, REASONS["cancel"], now)
            return "cancelled"
        state = clears.state_of(database, run)
        if state == "running":
            requests.ask(database, run, "kill" if kill else "cancel", "{}", now)
            return "asked"
        return "over"

    return database.write(work)


def set_paused(database: Database, version: Version, catchup: str, now: float, *, paused: bool) -> bool:
    """Pause a pipeline, or let it go on: all ticks that it has missed are made up for with `catchup: all` alone.
    False: it was so already."""
    skip_to = None if catchup == "all" else times.stored_at(now)

    def work() -> bool:
        moves.add_pipeline(database, version)
        if paused:
            return schedules.pause(database, version.pipeline)
        return schedules.unpause(database, version.pipeline, skip_to, now)

    return database.write(work)


def clear(
    database: Database,
    run: str,
    wish: Wish,
    now: float,
    newer: Newer | None = None,
    backfill: str | None = None,
) -> str:
    """Clear what is wished, or mark it. `queued` if that was done at once, `asked` if its engine was asked to,
    `nothing` if there is nothing to do.

    `newer`: a plan to go on by, which must be recorded. `backfill`: it is to be part of that one. Raises BadParams,
    Lost.
    """
    for _ in range(_TIMES):
        planned = plan_clear(look(database, run), wish, newer)
        if planned.is_empty:
            return "nothing"
        try:
            if planned.run.is_running:
                return _ask(database, planned, now)
            _apply(database, planned, now, backfill=backfill)
        except Lost:
            continue
        return "queued"
    raise Lost


def _ask(database: Database, planned: Clearance, now: float) -> str:
    run, newer, wish = planned.run, planned.newer, planned.wish
    if newer:
        newer.params(run.params)  # it is said now if they do not fit
    detail = detail_of(wish, newer.version if newer else None)

    def work() -> str:
        if clears.state_of(database, run.id) != "running":
            raise Lost
        requests.ask(database, run.id, "clear" if wish.mark is None else "mark", detail, now)
        return "asked"

    return database.write(work)


def _apply(
    database: Database,
    planned: Clearance,
    now: float,
    *,
    backfill: str | None = None,
    owner: int | None = None,
    answers: int | None = None,
) -> None:
    """`owner`: the engine that moves the run up to now. `answers`: the request that this is done for, which is answered
    with it or not at all. Raises BadParams, Lost."""
    run, newer = planned.run, planned.newer
    version = newer.version if newer else run.version
    params = newer.params(run.params) if newer else run.params
    requeued = Requeued(run.id, run.state, version, params, backfill or run.backfill, owner)
    rows = list(cleared_rows(planned))

    def work() -> None:
        clears.requeue(database, requeued, now)
        if answers is not None and not requests.answer(
            database, answers, f"cleared {len(planned.rows)}", now
        ):
            raise Lost
        clears.clear_instances(database, run.id, rows, now)
        if owner is not None and requests.is_to_stop(database, run.id):
            clears.cancel_queued(database, run.id, REASONS["cancel"], now)
        requests.withdraw(database, run.id, "the run was cleared", now)

    database.write(work)


def renew(database: Database, run: str, owner: int, request: int, now: float) -> None:
    """Nothing of a run is under way, and it is to go on by the newer plan that the request names: it waits for room
    with that. Who has asked meanwhile to stop it is heard. Raises BadParams, Lost, Unreadable."""
    row = requests.open_one(database, request)
    if row is None:
        raise Lost
    planned = plan_clear(look(database, run), wish_of(row), newer_of(database, row))
    _apply(database, planned, now, owner=owner, answers=request)


def settle(database: Database, now: float) -> list[str]:
    """Deal with what was asked of runs that have ended meanwhile; words on what was done."""
    told = []
    for row in requests.left_over(database):
        try:
            words = _settle(database, row, now)
        except Lost:  # it moves: who moves it hears of it
            continue
        except Unreadable as unreadable:
            words = str(unreadable)
        except BadParams as bad:
            words = "; ".join(bad.faults)
        if words is None:
            told.append(f"tasks of run {row.run} were {'cleared' if row.kind == 'clear' else 'marked'}")
        else:
            database.write(partial(requests.answer, database, row.id, words, now))
    return told


def _settle(database: Database, row: StoredRequest, now: float) -> str | None:
    """None: it is done and answered. Raises BadParams, Lost, Unreadable."""
    if row.kind in ("clear", "mark"):
        planned = plan_clear(look(database, row.run), wish_of(row), newer_of(database, row))
        if planned.run.is_running:
            raise Lost
        if not planned.is_empty:
            _apply(database, planned, now, answers=row.id)
            return None
    return "the run was over"
