"""A run under way goes on by a newer plan: what runs ends first, what has ended stays, and nobody does it twice."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from tests.engine.simulation import BAD, OK, each, plan, run_to_end, scripted, states, task, with_output
from tests.engine.test_clearing import Stored, any_wish, database
from tests.faults.plans import any_case
from yamldag.engine.asking.circumstances import circumstances, stored_run
from yamldag.engine.asking.rows import version_rows
from yamldag.engine.asking.wanted import next_version
from yamldag.engine.asking.why import why
from yamldag.engine.clearance import look, plan_clear, told, wish_for
from yamldag.engine.loop.requests import asked_of
from yamldag.engine.memory.newer import Newer
from yamldag.engine.memory.params import BadParams
from yamldag.engine.outside import cancel, clear, renew, settle
from yamldag.engine.refused import Refused
from yamldag.engine.step.choice import Wish
from yamldag.engine.step.world import Admit
from yamldag.plan.pipeline import Param, Plan, text_hash, to_text
from yamldag.plan.state import TaskState
from yamldag.store import moves, requests, views
from yamldag.store.database import Database
from yamldag.store.invariants import broken
from yamldag.store.moves import Lost

__all__ = ["database"]
OLD = plan(task("a"), task("b", "a"), task("gone", "a"), task("d", "b", "gone"))
NEW = plan(task("a"), task("b", "a"), task("d", "b"), task("e", "b"))


def record(database: Database, of: Plan) -> Newer:
    text = to_text(of)
    database.write(
        lambda: moves.save_version(database, moves.Version("p", "p.yml", text_hash(text), text, 2.0))
    )
    return Newer(of, text_hash(text))


def want(stored: Stored, newer: Newer, *tasks: str, **more: Any) -> None:
    """As a command does, and the engine hears of it."""
    wish = Wish(tuple((name, None) for name in tasks), **more)
    assert clear(stored.database, "r", wish, stored.simulation.now, newer) == "asked"
    hear(stored)


def hear(stored: Stored) -> None:
    stored.simulation.step(*asked_of(stored.database, 1, stored.simulation.now))


def begin(database: Database, script: Any = None) -> tuple[Stored, Newer]:
    """`a` has ended, and `b` and `gone` run."""
    stored = Stored(database, OLD, scripted(script or {}))
    stored.end("a")
    return stored, record(database, NEW)


def end_all(stored: Stored) -> None:
    for one in list(stored.simulation.live.values()):
        stored.end(one.label, BAD, "stopped")


def test_what_runs_ends_first_and_what_has_ended_stays(database: Database) -> None:
    stored, newer = begin(database)
    want(stored, newer, "b")
    stored.end("b", BAD, "stopped")
    assert stored.open(), "`gone` is still to end"
    assert not stored.simulation.renewals
    assert {one.label for one in stored.simulation.live.values()} == {"gone"}, "nothing begins meanwhile"
    stored.end("gone", OK)
    run = stored.go_on_by(newer)
    assert not stored.open()
    assert states(run) == {"a": "success", "b": "running", "d": "none", "e": "none"}
    stored.simulation.finish()
    assert stored.rows() == {
        "a": ("success", 1), "b": ("success", 2), "gone": ("removed", 1), "d": ("success", 1), "e": ("success", 1),
    }  # fmt: skip
    assert run.state == "success"
    assert list(broken(database.execute)) == []
    log = database.execute("SELECT event FROM event WHERE instance IS NULL ORDER BY id")
    assert [event for (event,) in log] == ["clear", "succeed"]


def test_the_request_stays_open_with_the_version_in_it(database: Database) -> None:
    stored, newer = begin(database)
    want(stored, newer, "b")
    [(detail, done)] = database.execute("SELECT detail, done FROM request").fetchall()
    assert (json.loads(detail)["version"], done) == (newer.version, None)
    end_all(stored)
    assert stored.open(), "it is answered with the clear, not before"
    stored.go_on_by(newer)
    [(answer, version)] = database.execute(
        "SELECT answer, version FROM request JOIN run ON run.id = request.run"
    ).fetchall()
    assert (answer, version) == ("cleared 2", newer.version)
    stored.simulation.finish()


def test_what_waits_for_a_retry_is_cut_short_and_tells_nobody(database: Database) -> None:
    of = plan(task("a", retries=3, retry_delay=50.0), task("b"))
    stored = Stored(database, of, scripted({}))
    stored.end("a", BAD)
    newer = record(database, plan(task("a", retries=3), task("b"), task("c", "a")))
    want(stored, newer, "b", below=False)
    end_all(stored)
    run = stored.go_on_by(newer)
    assert states(run)["a"] == "running", "its delay is over with the old plan"
    stored.simulation.finish()
    assert stored.rows() == {"a": ("success", 2), "b": ("success", 2), "c": ("success", 1)}


def test_a_crash_before_it_is_renewed_loses_nothing_and_starts_nothing_by_the_old_plan(
    database: Database,
) -> None:
    """The heir hears of what is asked in the step in which it takes the run over."""
    stored, newer = begin(database)
    want(stored, newer, "b")
    end_all(stored)
    assert stored.simulation.renewals.pop().run.id == "r"
    run, new = stored.read()
    asked = asked_of(database, 1, 5.0)
    stored.simulation.step(Admit(run, new), *asked)
    assert not stored.simulation.live
    stored.go_on_by(newer)
    stored.simulation.finish()
    assert stored.rows()["b"] == ("success", 2)


def test_the_end_of_an_attempt_that_was_stopped_before_a_crash_is_no_failure(database: Database) -> None:
    stored, newer = begin(database)
    want(stored, newer, "b")
    ends = [stored.simulation.end(number, BAD, "stopped") for number in list(stored.simulation.live)]
    run, new = stored.read()
    stored.simulation.step(Admit(run, new), *asked_of(database, 1, 5.0), *ends)
    stored.go_on_by(newer)
    stored.simulation.finish()
    told = database.execute("SELECT count(*) FROM event WHERE event IN ('fail', 'retry')").fetchone()
    assert told == (0,)


def test_it_is_not_done_twice(database: Database) -> None:
    stored, newer = begin(database)
    want(stored, newer, "b")
    end_all(stored)
    [each] = stored.simulation.renewals
    stored.go_on_by(newer)
    with pytest.raises(Lost):
        renew(database, "r", 1, each.request, 10.0)
    assert settle(database, 11.0) == []
    assert stored.rows()["b"] == ("running", 2)
    stored.simulation.finish()


def test_another_engine_has_taken_the_run_over(database: Database) -> None:
    stored, newer = begin(database)
    want(stored, newer, "b")
    end_all(stored)
    [each] = stored.simulation.renewals
    database.write(lambda: database.execute("UPDATE run SET owner = NULL"))
    with pytest.raises(Lost):
        renew(database, "r", 1, each.request, 10.0)
    assert stored.open()


def test_a_cancel_comes_first(database: Database) -> None:
    stored, newer = begin(database)
    want(stored, newer, "b")
    stored.simulation.stop(stored.run)
    assert not stored.open()
    end_all(stored)
    assert not stored.simulation.renewals
    assert (stored.run.state, look(database, "r").version) == ("cancelled", stored.version)


def test_a_cancel_in_the_last_moment_is_not_lost(database: Database) -> None:
    stored, newer = begin(database)
    want(stored, newer, "b")
    end_all(stored)
    [each] = stored.simulation.renewals
    assert cancel(database, "r", 8.0) == "asked"
    renew(database, "r", 1, each.request, 9.0)
    assert look(database, "r").state == "cancelled"
    assert not stored.open()
    assert list(broken(database.execute)) == []


def test_what_is_asked_after_it_is_done_after_it(database: Database) -> None:
    stored, newer = begin(database)
    want(stored, newer, "b")
    assert clear(database, "r", Wish((("a", None),)), stored.simulation.now) == "asked"
    hear(stored)
    end_all(stored)
    [each] = stored.simulation.renewals
    renew(database, "r", 1, each.request, 9.0)
    assert settle(database, 10.0) == ["tasks of run r were cleared"]
    assert stored.rows()["a"] == ("none", 1)
    assert [answer for (answer,) in database.execute("SELECT answer FROM request ORDER BY id")] == [
        "cleared 2",
        "cleared 3",
    ]


def test_a_clear_that_was_asked_before_it_is_done_with_it(database: Database) -> None:
    stored, newer = begin(database)
    stored.ask(("b", None))
    want(stored, newer, "d")
    end_all(stored)
    stored.go_on_by(newer)
    assert not stored.open()
    stored.simulation.finish()
    assert stored.rows()["b"] == ("success", 2)


def test_a_run_that_ended_meanwhile_goes_on_by_it_all_the_same_and_once(database: Database) -> None:
    stored, newer = begin(database)
    assert clear(database, "r", Wish((("b", None),)), 3.0, newer) == "asked"
    stored.simulation.finish()
    assert settle(database, 5.0) == ["tasks of run r were cleared"]
    found = look(database, "r")
    assert (found.state, found.version) == ("queued", newer.version)
    assert settle(database, 6.0) == []
    [(clears,)] = database.execute(
        "SELECT count(*) FROM event WHERE instance IS NULL AND event = 'clear'"
    ).fetchall()
    assert clears == 1
    assert stored.rows()["gone"] == ("removed", 1)


def test_a_plan_that_it_has_already_stops_nothing(database: Database) -> None:
    stored, _ = begin(database)
    same = Newer(OLD, stored.version)
    want(stored, same, "d")
    assert not stored.open()
    assert {one.label for one in stored.simulation.live.values()} == {"b", "gone"}


def test_params_that_do_not_fit_the_newer_plan_are_said_at_once(database: Database) -> None:
    stored, _ = begin(database)
    newer = record(database, plan(task("a"), params=(Param("n", {"type": "integer"}),)))
    with pytest.raises(BadParams, match="`n` is required"):
        clear(database, "r", Wish(), 3.0, newer)
    assert not stored.open()


def test_a_run_of_the_command_line_keeps_its_plan(database: Database) -> None:
    _, newer = begin(database)
    with pytest.raises(Refused, match="moved by a `yamldag run`, which keeps its plan"):
        wish_for(look(database, "r"), newer, {})


def test_what_would_be_cleared_is_told_with_what_is_gone_and_new(database: Database) -> None:
    _, newer = begin(database)
    planned = plan_clear(look(database, "r"), Wish((("d", None),)), newer)
    assert told(planned) == {
        "tasks": [
            {"id": "b", "map_index": None, "state": "running"},
            {"id": "d", "map_index": None, "state": "none"},
        ],
        "tasks_removed": ["gone"],
        "tasks_added": ["e"],
    }


def test_meanwhile_why_and_versions_say_so(database: Database) -> None:
    stored, newer = begin(database)
    want(stored, newer, "b")
    with views.reading(database.url) as db:
        row = views.planned_run(db, "r")
        assert row is not None
        assert next_version(db, row) == 2
        assert [(each["version"], each["runs_to_come"]) for each in version_rows(db, "p")] == [(2, 1), (1, 0)]
        run = stored_run(db, row)
        instance = run.nodes["d"].instances[0]
        found = why(run, "running", instance, circumstances(db, row, run, instance))
    [condition] = [each for each in found.conditions if each.what == "clear"]
    assert (
        condition.detail
        == "the run goes on by version 2 of its pipeline, as soon as 2 tasks under way have ended"
    )
    assert not condition.holds
    end_all(stored)
    stored.go_on_by(newer)
    with views.reading(database.url) as db:
        row = views.planned_run(db, "r")
        assert row is not None
        assert next_version(db, row) is None
        assert [each["runs_to_come"] for each in version_rows(db, "p")] == [0, 0]


def test_why_speaks_of_a_clear_of_those_that_it_holds(database: Database) -> None:
    stored, _ = begin(database)
    stored.ask(("b", None))
    with views.reading(database.url) as db:
        row = views.planned_run(db, "r")
        assert row is not None
        run = stored_run(db, row)
        words = {
            name: circumstances(db, row, run, run.nodes[name].instances[0]).held for name in ("d", "gone")
        }
    assert words == {
        "d": "it is to be cleared, as soon as what runs of all that is cleared with it has ended",
        "gone": None,
    }


def test_a_mapped_task_that_is_mapped_no_more_and_the_other_way_round(database: Database) -> None:
    old = plan(task("m", mapped_by="m"), task("n"), task("o", "m", "n"), mapped={"m": each(1, 2)})
    new = plan(task("m"), task("n", mapped_by="n"), task("o", "m", "n"), mapped={"n": each(7, 8)})
    stored = Stored(database, old, scripted({"n": with_output(3)}))
    stored.end("m[0]")
    stored.end("n")
    newer = record(database, new)
    want(stored, newer, "o")
    end_all(stored)
    stored.go_on_by(newer)
    stored.simulation.finish()
    rows = {name: state for name, (state, _) in stored.rows().items()}
    assert rows == {
        "m[0]": "success", "m[1]": "removed", "n[0]": "success", "n[1]": "success", "o": "success",
    }, "what stood for the first item stands for the task"  # fmt: skip
    assert list(broken(database.execute)) == []


@pytest.mark.parametrize("seed", range(8))
def test_any_run_that_goes_on_as_a_whole_ends_as_one_that_began_with_that_plan(
    seed: int, database: Database
) -> None:
    """Random plans, asked at a random moment; the oracle is a run that never had another plan."""
    chance = random.Random(seed)
    while (case := any_case(chance, "p")) and not _is_plain(case.plan, case.newer):
        pass
    script = {task.id: chance.choice([OK, OK, OK, BAD]) for task in (*case.plan.tasks, *case.newer.tasks)}
    stored = Stored(database, case.plan, scripted(script), seed)
    newer = record(database, case.newer)
    for _ in range(chance.randint(0, 4)):
        if stored.simulation.world.runs:
            stored.simulation.advance()
    if chance.random() < 0.3 and stored.simulation.world.runs:
        clear(database, "r", any_wish(chance, case.plan), 1.0)
        hear(stored)
    done = clear(database, "r", Wish(), stored.simulation.now, newer)
    hear(stored)
    while stored.simulation.world.runs and not stored.simulation.renewals:
        stored.simulation.advance()
    if stored.simulation.renewals:
        stored.go_on_by(newer)
    else:
        settle(database, stored.simulation.now)
        stored.of, stored.version = newer.plan, newer.version
        stored.again()
    assert done in ("asked", "queued")
    stored.simulation.finish()
    plain = run_to_end(case.newer, script)
    assert states(stored.run) == states(plain)
    assert stored.run.state == plain.state
    assert list(broken(database.execute)) == []
    here = {one.id for one in case.newer.tasks}
    left = {
        name
        for name, (state, _) in stored.rows().items()
        if name.partition("[")[0] not in here and state != TaskState.REMOVED
    }
    assert not left
    assert not requests.is_open(database, "r")


def _is_plain(*plans: Plan) -> bool:
    """The simulation without a database knows neither waits, pools, caches nor earlier runs, and ends in its own time."""
    tasks = [one for of in plans for one in of.tasks]
    return all(
        one.operator in ("bash", "noop") and not (one.pool or one.cache or one.depends_on_past)
        for one in tasks
    ) and not any(of.timeout for of in plans)
