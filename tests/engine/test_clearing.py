"""Clears in a run under way: what runs is ended first, then it begins anew; also across a crash."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.engine.simulation import (
    BAD,
    FATAL,
    OK,
    Script,
    Simulation,
    each,
    plan,
    run_to_end,
    scripted,
    states,
    task,
    with_output,
)
from tests.engine.test_rebuild import new_row, stores
from tests.engine.test_step import any_plan
from yamldag.engine.clearance import look, plan_clear
from yamldag.engine.memory.newer import Newer
from yamldag.engine.memory.rebuild import StoredInstance, rebuild
from yamldag.engine.memory.run import Run
from yamldag.engine.outside import cancel, clear, renew, settle
from yamldag.engine.step.choice import Unit, Wish
from yamldag.engine.step.world import Admit, Asked
from yamldag.plan.pipeline import Plan
from yamldag.plan.state import TaskState
from yamldag.store import moves, requests, views
from yamldag.store.database import Database, open_database
from yamldag.store.invariants import broken


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = open_database(database_url)
    moves.begin_runner(opened, moves.Life("local", "here", 1, "/", 1.0))
    yield opened
    opened.close()


class Stored:
    """A simulation whose steps are stored, with requests as commands write them."""

    def __init__(self, database: Database, of: Plan, script: Script, seed: int = 0) -> None:
        from yamldag.plan.pipeline import text_hash, to_text

        self.database, self.of = database, of
        text = to_text(of)
        self.version = text_hash(text)
        moves.save_version(database, moves.Version("p", "p.yml", self.version, text, 1.0))
        moves.create_run(database, new_row()._replace(version=self.version))
        self.simulation = Simulation(script, seed=seed, on_step=lambda result: stores(database, result))
        self.run = self.simulation.admit(of)

    def ask(self, *units: Unit, **more: Any) -> None:
        """Clear, as a command would."""
        assert clear(self.database, "r", Wish(units, **more), self.simulation.now) == "asked"
        [row] = requests.asked_of(self.database, 1)
        self.simulation.step(Asked(row.id, "r", "clear", Wish(units, **more)))

    def end(self, name: str, outcome: Any = None, reason: str = "exit") -> None:
        [attempt] = [number for number, one in self.simulation.live.items() if one.label == name]
        self.simulation.step(self.simulation.end(attempt, outcome, reason))

    def again(self) -> Run:
        """Let a run that was cleared when it was over begin anew."""
        run, _ = self.read()
        assert moves.start_run(self.database, "r", self.version, 1, self.simulation.now)
        self.run = run
        self.simulation.step(Admit(run, new=False))
        return run

    def go_on_by(self, newer: Newer, now: float = 9.0) -> Run:
        """Renew the run that the engine has let go, as its service does, and begin it."""
        [each] = self.simulation.renewals
        self.simulation.renewals.clear()
        renew(self.database, "r", 1, each.request, now)
        self.of, self.version = newer.plan, newer.version
        return self.again()

    def read(self) -> tuple[Run, bool]:
        with views.reading(self.database.url) as db:
            rows = [StoredInstance._make(row) for row in views.instances(db, "r")]
        run = Run("r", self.of, owner=1, started=self.simulation.now)
        return rebuild(run, rows, self.simulation.ids), not rows

    def rows(self) -> dict[str, tuple[str, int]]:
        """State and attempts of every row."""
        found = self.database.execute(
            "SELECT task, map_index, state, attempts FROM task_instance WHERE run = 'r' ORDER BY id"
        )
        return {
            task if index < 0 else f"{task}[{index}]": (state, attempts)
            for task, index, state, attempts in found
        }

    def open(self) -> bool:
        return requests.is_open(self.database, "r")


CHAIN = plan(task("a"), task("b", "a"), task("c", "b"), task("x"))


def test_what_is_done_runs_again_at_once(database: Database) -> None:
    stored = Stored(database, CHAIN, scripted({}))
    stored.end("x")
    stored.ask(("x", None))
    assert not stored.open()
    assert stored.rows()["x"] == ("running", 2)
    stored.simulation.finish()
    assert {name: attempts for name, (_, attempts) in stored.rows().items()} == {
        "a": 1,
        "b": 1,
        "c": 1,
        "x": 2,
    }


def test_what_runs_is_ended_first_and_costs_no_retry(database: Database) -> None:
    stored = Stored(database, CHAIN, scripted({}))
    stored.end("a")
    stored.ask(("a", None))
    assert stored.open(), "b is still to end"
    stored.end("x")
    assert "a" not in {one.label for one in stored.simulation.live.values()}, "nothing of it starts meanwhile"
    stored.end("b", BAD, "stopped")
    assert not stored.open()
    assert states(stored.run) == {"a": "running", "b": "none", "c": "none", "x": "success"}
    stored.simulation.finish()
    assert stored.rows()["b"] == ("success", 2)
    ends = database.execute(
        "SELECT number, attempt.state, message FROM attempt JOIN task_instance ON "
        "task_instance.id = instance WHERE task = 'b' ORDER BY number"
    )
    assert list(ends) == [(1, "failed", "it was cleared"), (2, "success", None)]


def test_an_attempt_that_ends_well_while_it_is_being_stopped_is_cleared_all_the_same(
    database: Database,
) -> None:
    stored = Stored(database, CHAIN, scripted({}))
    stored.ask(("a", None))
    stored.end("a", with_output(7))
    assert stored.rows()["a"] == ("running", 2)
    assert list(database.execute("SELECT value FROM output")) == []
    stored.simulation.finish()


def test_a_clear_that_is_heard_of_twice_in_one_step_is_obeyed_once(database: Database) -> None:
    """An engine reads what is asked before it takes the step that answers, and may have read it before."""
    stored = Stored(database, CHAIN, scripted({}))
    stored.end("x")
    wish = Wish((("x", None),))
    assert clear(database, "r", wish, stored.simulation.now) == "asked"
    [row] = requests.asked_of(database, 1)
    asked = Asked(row.id, "r", "clear", wish)
    result = stored.simulation.step(asked, asked)
    assert len(result.batches["r"].answers) == 1
    assert stored.rows()["x"] == ("running", 2)
    stored.simulation.finish()
    assert stored.run.state == "success"
    assert stored.rows()["x"] == ("success", 2)


def test_a_clear_that_is_heard_of_again_with_the_end_that_it_waits_for_is_obeyed_once(
    database: Database,
) -> None:
    stored = Stored(database, CHAIN, scripted({}))
    stored.end("x")
    wish = Wish((("a", None),))
    stored.ask(("a", None))
    [row] = requests.asked_of(database, 1)
    [attempt] = stored.simulation.live
    end = stored.simulation.end(attempt, BAD, "stopped")
    result = stored.simulation.step(end, Asked(row.id, "r", "clear", wish))
    assert len(result.batches["r"].answers) == 1
    assert stored.rows()["a"] == ("running", 2)
    stored.simulation.finish()
    assert stored.rows()["a"] == ("success", 2)


def test_retries_start_afresh(database: Database) -> None:
    of = plan(task("a", retries=1, retry_delay=5.0))
    stored = Stored(database, of, scripted({"a": BAD}))
    stored.end("a")
    assert states(stored.run) == {"a": "up_for_retry"}
    stored.ask(("a", None))
    stored.end("a")
    assert states(stored.run) == {"a": "up_for_retry"}, "two tries again, from the second attempt on"
    stored.simulation.finish()
    assert stored.rows() == {"a": ("failed", 3)}


def test_a_cancel_comes_before_a_clear_that_waits(database: Database) -> None:
    stored = Stored(database, CHAIN, scripted({}))
    stored.ask(("a", None))
    stored.simulation.stop(stored.run)
    assert not stored.open()
    for name in ("a", "x"):
        stored.end(name, BAD, "stopped")
    assert stored.run.state == "cancelled"


def test_outputs_go(database: Database) -> None:
    stored = Stored(database, plan(task("a"), task("b", "a")), scripted({"a": with_output(1)}))
    stored.end("a")
    stored.ask(("a", None))
    assert stored.open()
    stored.end("b", BAD, "stopped")
    assert list(database.execute("SELECT value FROM output")) == []
    stored.end("a", with_output(2))
    assert list(database.execute("SELECT value FROM output")) == [("2",)]


def mapped() -> Plan:
    """Of three items, until `set_items` says otherwise."""
    return plan(
        task("a"), task("load", "a", mapped_by="load"), task("b", "load"), mapped={"load": each(1, 2, 3)}
    )


def set_items(of: Plan, *items: int) -> None:
    """What `foreach` gives from now on."""
    given = of.mapped["load"].foreach
    assert isinstance(given, list)
    given[:] = items


def test_items_are_asked_for_again_and_rows_are_used_again(database: Database) -> None:
    of = mapped()
    stored = Stored(database, of, scripted({}))
    stored.end("a")
    for index in range(3):
        stored.end(f"load[{index}]")
    set_items(of, 1, 2)
    stored.ask(("a", None))
    stored.end("b", BAD, "stopped")
    stored.simulation.finish()
    assert stored.rows() == {
        "a": ("success", 2), "load[0]": ("success", 2), "load[1]": ("success", 2), "load[2]": ("removed", 1),
        "b": ("success", 2),
    }  # fmt: skip
    assert clear(database, "r", Wish(), 1.0) == "queued"
    set_items(of, 1, 2, 3, 4)
    stored.again()
    stored.simulation.finish()
    assert {name: row for name, row in stored.rows().items() if name.startswith("load")} == {
        "load[0]": ("success", 3), "load[1]": ("success", 3), "load[2]": ("success", 2), "load[3]": ("success", 1),
    }  # fmt: skip


def test_what_an_end_has_set_going_in_the_step_of_a_clear_is_forgotten(database: Database) -> None:
    """`b[1]` was about to be decided, and is none of the items any more until they are asked for again."""
    of = plan(task("a", mapped_by="g"), task("b", "a", mapped_by="g"), mapped={"g": each(1, 2)})
    stored = Stored(database, of, scripted({}))
    stored.end("a[0]")
    stored.end("b[0]")
    assert clear(database, "r", Wish(), stored.simulation.now) == "asked"
    [row] = requests.asked_of(database, 1)
    [attempt] = stored.simulation.live
    end = stored.simulation.end(attempt, FATAL)
    stored.simulation.step(end, Asked(row.id, "r", "clear", Wish()))
    stored.simulation.finish()
    assert states(stored.run) == {"a[0]": "success", "a[1]": "success", "b[0]": "success", "b[1]": "success"}


def test_a_clear_of_a_later_task_of_a_group_lets_no_more_chains_go_on_than_may(database: Database) -> None:
    of = plan(
        task("a", mapped_by="g"), task("b", "a", mapped_by="g"), mapped={"g": each(1, 2, 3, max_active=1)}
    )
    stored = Stored(database, of, scripted({}))
    stored.simulation.finish()
    assert clear(database, "r", Wish((("b", None),)), 1.0) == "queued"
    stored.again()
    stored.simulation.most = 0
    stored.simulation.finish()
    assert stored.simulation.most == 1
    assert states(stored.run)["b[2]"] == "success"


def test_no_items_any_more(database: Database) -> None:
    of = mapped()
    stored = Stored(database, of, scripted({}))
    stored.simulation.finish()
    assert clear(database, "r", Wish((("load", None),)), 1.0) == "queued"
    assert stored.rows()["load[2]"] == ("none", 1)
    set_items(of)
    stored.again()
    stored.simulation.finish()
    assert {state for name, (state, _) in stored.rows().items() if name.startswith("load")} == {
        "skipped",
        "removed",
    }


def test_one_instance_alone_and_its_attempts_go_on(database: Database) -> None:
    of = mapped()
    stored = Stored(database, of, scripted({}))
    stored.simulation.finish()
    assert clear(database, "r", Wish((("load", 1),)), 1.0) == "queued"
    stored.again()
    stored.simulation.finish()
    assert stored.rows() == {
        "a": ("success", 1), "load[0]": ("success", 1), "load[1]": ("success", 2), "load[2]": ("success", 1),
        "b": ("success", 2),
    }  # fmt: skip


def test_a_run_that_is_over_is_as_new_but_for_its_attempts(database: Database) -> None:
    stored = Stored(database, CHAIN, scripted({"b": [BAD, OK]}))
    stored.simulation.finish()
    assert stored.run.state == "failed"
    planned = plan_clear(look(database, "r"), Wish(failed=True))
    assert [row.task for row in planned.rows] == ["b", "c"]
    assert clear(database, "r", Wish(failed=True), 5.0) == "queued"
    row = database.execute("SELECT state, started, ended, reason, stop, owner FROM run").fetchone()
    assert row == ("queued", None, None, None, None, None)
    assert stored.again().bad == 0
    stored.simulation.finish()
    assert stored.run.state == "success"
    assert stored.rows()["b"] == ("success", 2)
    log = database.execute("SELECT event FROM event WHERE instance IS NULL ORDER BY id")
    assert [event for (event,) in log] == ["fail", "clear", "succeed"]


def test_the_time_limit_begins_anew(database: Database) -> None:
    stored = Stored(database, plan(task("a"), timeout=10.0), scripted({}))
    stored.simulation.finish()
    assert clear(database, "r", Wish(), 1.0) == "queued"
    stored.simulation.now += 8
    stored.again()
    stored.simulation.now += 5
    stored.simulation.step()
    assert stored.run.stop is None, "the alarm of the first time means nothing any more"
    stored.simulation.now += 6
    stored.simulation.step()
    assert stored.run.stop == "timeout"


def test_what_was_asked_of_a_run_that_ended_meanwhile_is_done_by_who_looks_next(database: Database) -> None:
    stored = Stored(database, CHAIN, scripted({}))
    assert clear(database, "r", Wish((("b", None),)), 1.0) == "asked"
    assert cancel(database, "r", 1.0) == "asked"
    stored.simulation.finish()
    assert settle(database, 5.0) == ["tasks of run r were cleared"]
    assert not stored.open()
    assert {name: state for name, (state, _) in stored.rows().items()} == {
        "a": "success", "b": "none", "c": "none", "x": "success",
    }  # fmt: skip
    stored.again()
    stored.simulation.finish()
    assert stored.run.state == "success"


def test_nothing_to_clear_is_said(database: Database) -> None:
    stored = Stored(database, CHAIN, scripted({}))
    stored.simulation.finish()
    assert clear(database, "r", Wish(failed=True), 1.0) == "nothing"
    assert stored.run.state == "success"


@pytest.mark.parametrize("seed", range(12))
def test_any_clears_of_any_run_lead_to_the_states_that_it_has_without(seed: int, database: Database) -> None:
    """Random plans, random clears at random times, of the run under way and of the one that is over."""
    chance = random.Random(seed)
    of, script = any_plan(chance)
    stored = Stored(database, of, scripted(script), seed)
    for turn in range(60):
        if not stored.simulation.world.runs:
            if turn > 40 or clear(database, "r", any_wish(chance, of), 1.0) != "queued":
                break
            stored.again()
        elif chance.random() < 0.3 and not stored.open():
            wish = any_wish(chance, of)
            if clear(database, "r", wish, 1.0) == "asked":
                [row] = requests.asked_of(database, 1)
                stored.simulation.step(Asked(row.id, "r", "clear", wish))
        elif stored.simulation.world.runs:
            stored.simulation.advance()
    stored.simulation.finish()
    plain = run_to_end(of, script)
    assert not stored.open()
    assert states(stored.run) == states(plain)
    assert stored.run.state == plain.state
    assert list(broken(database.execute)) == []
    rows = {name: state for name, (state, _) in stored.rows().items() if state != TaskState.REMOVED}
    assert {first(name, rows): state for name, state in states(plain).items()} == rows
    assert all(counts == list(range(1, len(counts) + 1)) for counts in numbers(database).values())


def any_wish(chance: random.Random, of: Plan) -> Wish:
    units = tuple((chance.choice(of.tasks).id, None) for _ in range(chance.choice([0, 1, 1, 2])))
    return Wish(units, chance.random() < 0.2, chance.random() < 0.7, chance.random() < 0.1)


def first(label: str, rows: Mapping[str, str]) -> str:
    """A task that was cleared and not expanded since stands in the row of its first instance."""
    return label if label in rows else f"{label}[0]"


def numbers(database: Database) -> dict[int, list[int]]:
    """Of each instance the numbers of its attempts."""
    found: dict[int, list[int]] = {}
    for instance, number in database.execute("SELECT instance, number FROM attempt ORDER BY id"):
        found.setdefault(instance, []).append(number)
    return found
