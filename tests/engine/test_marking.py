"""States that a person gives: in a run under way, in one that is over, and across a crash."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.engine.simulation import BAD, plan, scripted, states, task, with_output
from tests.engine.test_clearing import CHAIN, Stored, mapped
from yamldag.engine.clearance import look, plan_clear
from yamldag.engine.outside import clear, settle
from yamldag.engine.step.choice import Unit, Wish
from yamldag.engine.step.world import Asked
from yamldag.store import moves, requests
from yamldag.store.database import Database, open_database
from yamldag.store.invariants import INVARIANTS, broken


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = open_database(database_url)
    moves.begin_runner(opened, moves.Life("local", "here", 1, "/", 1.0))
    yield opened
    assert list(broken(opened.execute, INVARIANTS)) == []
    opened.close()


def mark(stored: Stored, state: str, *units: Unit) -> None:
    """As a command would, in a run under way."""
    wish = Wish(units, mark=state)
    assert clear(stored.database, "r", wish, stored.simulation.now) == "asked"
    [row] = requests.asked_of(stored.database, 1)
    assert row.kind == "mark"
    stored.simulation.step(Asked(row.id, "r", "mark", wish))


def reason(database: Database, name: str) -> tuple[str, str | None]:
    row = database.execute("SELECT state, reason FROM task_instance WHERE task = ?", (name,)).fetchone()
    assert row is not None
    return row[0], row[1]


def test_what_failed_counts_as_done_and_what_it_stopped_goes_on(database: Database) -> None:
    stored = Stored(database, CHAIN, scripted({"b": BAD}))
    stored.end("a")
    stored.end("b", BAD)
    assert states(stored.run) == {"a": "success", "b": "failed", "c": "upstream_failed", "x": "running"}
    mark(stored, "success", ("b", None))
    assert not stored.open()
    assert states(stored.run) == {"a": "success", "b": "success", "c": "running", "x": "running"}
    assert reason(database, "b") == ("success", "it was marked success")
    stored.simulation.finish()
    assert stored.run.state == "success"
    assert stored.rows() == {
        "a": ("success", 1),
        "b": ("success", 1),
        "c": ("success", 1),
        "x": ("success", 1),
    }


def test_what_has_not_begun_is_passed_over(database: Database) -> None:
    stored = Stored(database, CHAIN, scripted({}))
    mark(stored, "success", ("b", None))
    assert states(stored.run)["c"] == "running"
    stored.simulation.finish()
    assert stored.rows()["b"] == ("success", 0)
    assert stored.run.state == "success"


def test_what_runs_is_stopped_first(database: Database) -> None:
    stored = Stored(database, CHAIN, scripted({}))
    mark(stored, "failed", ("a", None))
    assert stored.open()
    assert states(stored.run)["a"] == "running"
    stored.end("a", with_output(1), "exit")
    assert not stored.open()
    assert states(stored.run) == {
        "a": "failed",
        "b": "upstream_failed",
        "c": "upstream_failed",
        "x": "running",
    }
    assert list(database.execute("SELECT value FROM output")) == []
    ends = database.execute("SELECT state, message FROM attempt WHERE ended IS NOT NULL")
    assert list(ends) == [("failed", "it was marked failed")]
    stored.simulation.finish()
    assert stored.run.state == "failed"


def test_what_has_run_below_stays(database: Database) -> None:
    stored = Stored(database, CHAIN, scripted({}))
    stored.end("a")
    stored.end("b")
    mark(stored, "failed", ("a", None))
    assert states(stored.run) == {"a": "failed", "b": "success", "c": "running", "x": "running"}
    stored.simulation.finish()
    assert stored.rows()["c"] == ("success", 1)
    assert stored.run.state == "failed"


def test_a_run_that_is_over_begins_again_with_what_was_stopped(database: Database) -> None:
    stored = Stored(database, CHAIN, scripted({"b": BAD}))
    stored.simulation.finish()
    assert stored.run.state == "failed"
    wish = Wish((("b", None),), mark="success")
    planned = plan_clear(look(database, "r"), wish)
    assert [row.task for row in planned.rows] == ["b", "c"]
    assert clear(database, "r", wish, 5.0) == "queued"
    assert stored.rows() == {"a": ("success", 1), "b": ("success", 1), "c": ("none", 0), "x": ("success", 1)}
    stored.again()
    stored.simulation.finish()
    assert stored.run.state == "success"
    assert stored.rows()["c"] == ("success", 1)
    log = database.execute(
        "SELECT event FROM event JOIN task_instance i ON i.id = event.instance WHERE task = 'b'"
    )
    assert [event for (event,) in log][-3:] == ["fail", "clear", "succeed"]


def test_a_run_in_which_nothing_is_left_to_do_ends_by_its_new_states(database: Database) -> None:
    stored = Stored(database, plan(task("a"), task("b")), scripted({}))
    stored.simulation.finish()
    assert clear(database, "r", Wish((("a", None),), mark="failed"), 5.0) == "queued"
    stored.again()
    assert stored.run.state == "failed"
    assert stored.rows() == {"a": ("failed", 1), "b": ("success", 1)}


def test_one_instance_alone_is_marked(database: Database) -> None:
    stored = Stored(database, mapped(), scripted({"load[1]": BAD}))
    stored.simulation.finish()
    assert stored.rows()["b"] == ("upstream_failed", 0)
    assert clear(database, "r", Wish((("load", 1),), mark="success"), 5.0) == "queued"
    stored.again()
    stored.simulation.finish()
    assert stored.rows() == {
        "a": ("success", 1), "load[0]": ("success", 1), "load[1]": ("success", 1), "load[2]": ("success", 1),
        "b": ("success", 1),
    }  # fmt: skip


def test_all_instances_are_marked_and_keep_their_items(database: Database) -> None:
    stored = Stored(database, mapped(), scripted({"load[0]": BAD, "load[2]": BAD}))
    stored.end("a")
    stored.end("load[0]", BAD)
    mark(stored, "success", ("load", None))
    for index in (1, 2):
        stored.end(f"load[{index}]", BAD, "stopped")
    stored.simulation.finish()
    assert stored.run.state == "success"
    items = database.execute(
        "SELECT map_index, item, state FROM task_instance WHERE task = 'load' ORDER BY id"
    )
    assert list(items) == [(0, "1", "success"), (1, "2", "success"), (2, "3", "success")]


def test_a_mapping_that_has_no_items_yet_is_marked_as_a_whole(database: Database) -> None:
    stored = Stored(database, mapped(), scripted({}))
    mark(stored, "success", ("load", None))
    stored.simulation.finish()
    assert stored.run.state == "success"
    assert stored.rows() == {"a": ("success", 1), "load": ("success", 0), "b": ("success", 1)}


def test_what_is_so_already_is_left_alone(database: Database) -> None:
    stored = Stored(database, CHAIN, scripted({}))
    stored.simulation.finish()
    assert clear(database, "r", Wish((("b", None),), mark="success"), 5.0) == "nothing"
    assert stored.run.state == "success"


def test_a_clear_after_a_mark_that_waits_wins(database: Database) -> None:
    stored = Stored(database, CHAIN, scripted({}))
    mark(stored, "failed", ("a", None))
    assert clear(stored.database, "r", Wish((("a", None),)), stored.simulation.now) == "asked"
    row = requests.asked_of(stored.database, 1)[-1]
    stored.simulation.step(Asked(row.id, "r", "clear", Wish((("a", None),))))
    stored.end("a", BAD, "stopped")
    stored.simulation.finish()
    assert stored.run.state == "success"
    assert stored.rows()["a"] == ("success", 2)


def test_what_was_asked_of_a_run_that_ended_meanwhile_is_done_by_who_looks_next(database: Database) -> None:
    stored = Stored(database, CHAIN, scripted({"x": BAD}))
    assert clear(database, "r", Wish((("x", None),), mark="success"), 1.0) == "asked"
    stored.simulation.finish()
    assert stored.run.state == "failed"
    assert settle(database, 5.0) == ["tasks of run r were marked"]
    assert not stored.open()
    stored.again()
    assert stored.run.state == "success"
