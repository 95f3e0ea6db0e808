"""Who is told of what: rows in the transaction of the move, sent in order, and when a run is late."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.engine.simulation import BAD, FATAL, OK, SKIP, FakeAsking, Simulation, each, plan, scripted, task
from tests.engine.test_service import Place
from yamldag.engine import times
from yamldag.engine.loop.dispatch import Dispatch
from yamldag.engine.loop.outbox import Outbox
from yamldag.engine.loop.templates import Templates
from yamldag.engine.memory.notices import Notice, of_run, of_task
from yamldag.engine.step.deadline import moment_of
from yamldag.engine.step.errands import MOST, Returned
from yamldag.engine.step.readiness import Refused
from yamldag.engine.step.world import Admit
from yamldag.operators.contract import Outcome
from yamldag.plan.pipeline import Call
from yamldag.store import notifications

CALL = Call("bash", {"script": "true"})
ALL = {"on_failure": (CALL,), "on_success": (CALL, CALL), "on_retry": (CALL,)}
DATE = "2026-01-31T05:00:00.000000Z"


def told(simulation: Simulation) -> list[tuple[str, str, int]]:
    """(label or `run`, cause, position) in order."""
    labels = {instance.id: instance.label for run in simulation.over for instance in run.instances}
    return [
        (labels.get(row.instance, "run"), row.cause, row.position)
        for made in simulation.batches
        for batch in made.values()
        for row in batch.notifications
    ]


def rows(simulation: Simulation) -> list[tuple[int, int, str, int]]:
    return [
        (row.instance, row.attempt, row.cause, row.position)
        for made in simulation.batches
        for batch in made.values()
        for row in batch.notifications
    ]


def test_each_end_of_a_task_is_told_and_retries_and_skips_differ() -> None:
    simulation = Simulation(script=scripted({"bad": [BAD, BAD], "no": SKIP}))
    simulation.admit(
        plan(
            task("good", **ALL),
            task("bad", retries=1, **ALL),
            task("no", **ALL),
            task("below", "bad", **ALL),
            task("quiet"),
        )
    )
    simulation.finish()
    assert sorted(told(simulation)) == [
        ("bad", "failure", 0),
        ("bad", "retry", 0),
        ("good", "success", 0),
        ("good", "success", 1),
    ]
    assert len(set(rows(simulation))) == 4


def test_what_fails_without_an_attempt_is_told_with_an_occasion_of_its_own() -> None:
    simulation = Simulation(asking=FakeAsking({"x": Refused("no")}))
    simulation.admit(plan(task("a", when=("x",), on_failure=(CALL, CALL))))
    first, second = (row for made in simulation.batches for b in made.values() for row in b.notifications)
    assert first.attempt == first.id
    assert first.attempt != second.attempt


def test_each_instance_of_a_mapped_task_is_told() -> None:
    simulation = Simulation(script=scripted({"m[1]": FATAL}))
    simulation.admit(plan(task("m", mapped_by="m", **ALL), mapped={"m": each(1, 2)}))
    simulation.finish()
    assert sorted(told(simulation)) == [
        ("m[0]", "success", 0),
        ("m[0]", "success", 1),
        ("m[1]", "failure", 0),
    ]


@pytest.mark.parametrize(
    ("end", "wanted"),
    [(OK, [("run", "success", 0)]), (FATAL, [("run", "failure", 0), ("run", "failure", 1)])],
)
def test_the_end_of_a_run_is_told(end: Outcome, wanted: list[tuple[str, str, int]]) -> None:
    simulation = Simulation(script=lambda _: end)
    simulation.admit(plan(task("a"), on_failure=(CALL, CALL), on_success=(CALL,)))
    simulation.finish()
    assert told(simulation) == wanted


@pytest.mark.parametrize(("how", "wanted"), [("cancel", 0), ("kill", 0), ("timeout", 1)])
def test_a_cancelled_run_tells_nobody_and_one_that_took_too_long_does(how: str, wanted: int) -> None:
    simulation = Simulation()
    run = simulation.admit(
        plan(task("a", **ALL), task("b", "a", **ALL), on_failure=(CALL,), on_success=(CALL,))
    )
    simulation.stop(run, how)
    (attempt,) = simulation.live
    simulation.step(simulation.end(attempt, Outcome("failed", "stopped"), "stopped"))
    assert len(told(simulation)) == wanted


def test_a_run_that_is_late_is_told_once_and_goes_on() -> None:
    simulation = Simulation()
    of = plan(task("a"), deadline={"after": 5.0}, on_deadline=(CALL, CALL))
    run = simulation.admit(of, logical_date=times.stored(datetime.fromisoformat("1970-01-01T00:16:40Z")))
    assert simulation.world.due() == 1005.0
    simulation.now = 1004.9
    simulation.step()
    assert rows(simulation) == []
    simulation.now = 1005.0
    simulation.step()
    simulation.step()
    assert run.late
    simulation.finish()
    assert [(cause, position) for _, cause, position in told(simulation)] == [
        ("deadline", 0),
        ("deadline", 1),
    ]
    events = [row.event for made in simulation.batches for b in made.values() for row in b.events]
    assert events.count("deadline") == 1
    assert run.state == "success"


def test_a_run_that_was_told_to_be_late_is_not_told_again() -> None:
    simulation = Simulation()
    of = plan(task("a"), deadline={"after": 5.0}, on_deadline=(CALL,))
    run = simulation.new_run(of, logical_date=DATE, late=True)
    simulation.step(Admit(run))
    assert simulation.world.due() is None


def test_a_run_that_ended_in_time_is_not_late() -> None:
    simulation = Simulation()
    of = plan(task("a"), deadline={"after": 5.0}, on_deadline=(CALL,))
    simulation.admit(of, logical_date=times.stored(datetime.fromisoformat("1970-01-01T00:16:40Z")))
    simulation.finish()
    simulation.now = 2000.0
    simulation.step()
    assert told(simulation) == []


@pytest.mark.parametrize(
    ("deadline", "zone", "tick", "wanted"),
    [
        ({"after": 5400.0}, "UTC", "2026-01-31T05:00:00Z", "2026-01-31T06:30:00Z"),
        ({"at": "06:00"}, "UTC", "2026-01-31T05:00:00Z", "2026-01-31T06:00:00Z"),
        ({"at": "6:00"}, "UTC", "2026-01-31T06:00:00Z", "2026-02-01T06:00:00Z"),
        ({"at": "23:59:30"}, "UTC", "2026-12-31T23:59:30.5Z", "2027-01-01T23:59:30Z"),
        ({"at": "06:00"}, "Asia/Seoul", "2026-01-31T20:59:00Z", "2026-01-31T21:00:00Z"),
        # The clock jumps from 2:00 to 3:00, and later from 3:00 back to 2:00.
        ({"at": "02:30"}, "Europe/Berlin", "2026-03-29T00:00:00Z", "2026-03-29T01:30:00Z"),
        ({"at": "02:30"}, "Europe/Berlin", "2026-10-24T22:00:00Z", "2026-10-25T01:30:00Z"),
    ],
)
def test_when_a_run_should_be_over(deadline: dict[str, float], zone: str, tick: str, wanted: str) -> None:
    of = plan(deadline=deadline, timezone=zone)
    found = moment_of(of, times.stored(datetime.fromisoformat(tick)))
    assert found == datetime.fromisoformat(wanted).timestamp()


# Sending


class Office:
    """An outbox over a real database, with one run whose rows are there."""

    def __init__(self, folder: Path) -> None:
        self.place = Place(folder)
        self.service = self.place.service()
        self.engine = self.service.engine
        templates = Templates({})
        self.outbox = Outbox(
            self.place.database, Dispatch(templates, {}, itertools.count(1)), self.engine.runner
        )
        self.simulation = Simulation()
        self.of = plan(task("a"), folder="/", on_failure=(CALL, CALL), on_success=(CALL,))
        database = self.place.database
        database.execute("INSERT INTO pipeline VALUES ('p', 'p.yml', 'v', 0, 1, 1, NULL)")
        database.execute(
            "INSERT INTO run (id, pipeline, type, state, logical_date, data_interval_start, data_interval_end, "
            "params, created) VALUES ('r', 'p', 'manual', 'failed', 'd', 'd', 'd', '{}', 1)"
        )
        self.run = self.simulation.new_run(
            self.of, logical_date=DATE, data_interval_start=DATE, data_interval_end=DATE
        )
        self.run.logs = str(folder / "logs")

    def notice(self, id_: int, cause: str = "failure", position: int = 0, call: Call = CALL) -> Notice:
        made = of_run(id_, self.run, cause, position, call)
        self.place.database.execute(
            "INSERT INTO notification (id, run, instance, attempt, cause, position, state, created, owner) "
            "VALUES (?, 'r', 0, ?, ?, ?, 'waiting', 1, ?)",
            (id_, id_, cause, position, self.engine.runner),
        )
        return made

    def send(self, now: float = 1.0) -> list[int]:
        self.sent = {errand.id: errand for errand in self.outbox.next(now)}
        return sorted(self.sent)

    def back(self, *ids: int, outcome: Outcome = OK) -> None:
        over = [Returned(self.sent[id_], outcome, "exit", 1.0, 1.0) for id_ in ids]
        self.outbox.returned([*over, object()], 2.0)

    def states(self) -> dict[int, str]:
        return dict(self.place.database.execute("SELECT id, state FROM notification").fetchall())

    def events(self) -> list[str]:
        return [
            row[0] for row in self.place.database.execute("SELECT detail FROM event WHERE event = 'notify'")
        ]


@pytest.fixture
def office(tmp_path: Path) -> Iterable[Office]:
    made = Office(tmp_path)
    yield made
    made.place.database.close()


def test_calls_of_one_occasion_go_one_after_another_whatever_comes_of_them(office: Office) -> None:
    office.outbox.add([office.notice(1), office.notice(2, position=1), office.notice(3, "success")], 1.0)
    assert office.send() == [1, 3]
    office.back(1, outcome=Outcome("failed", "no net"))
    assert office.states() == {1: "failed", 2: "waiting", 3: "waiting"}
    assert office.events() == ["on_failure could not be sent by bash: no net"]
    sent = office.sent
    assert office.send() == [2]
    office.back(2)
    office.sent = sent
    office.back(3)
    assert office.outbox.idle
    assert office.states() == {1: "failed", 2: "done", 3: "done"}


def test_what_cannot_be_rendered_has_failed_and_the_next_one_goes(office: Office) -> None:
    broken = Call("bash", {"script": "{{ tasks.a.output.x.y }}"})
    office.outbox.add([office.notice(1, call=broken), office.notice(2, position=1)], 1.0)
    assert office.send() == [2]
    assert office.states() == {1: "failed", 2: "waiting"}


def test_so_many_go_at_once(office: Office) -> None:
    office.outbox.add((office.notice(n, "success") for n in range(1, MOST + 4)), 1.0)
    assert len(office.send()) == MOST
    office.back(1, 2)
    assert office.send() == [MOST + 1, MOST + 2]


def test_giving_up_is_recorded(office: Office) -> None:
    office.outbox.add([office.notice(1), office.notice(2, position=1), office.notice(3, "success")], 1.0)
    office.send()
    office.outbox.give_up("it was interrupted", 3.0)
    assert office.outbox.idle
    assert set(office.states().values()) == {"failed"}


def test_what_another_engine_has_taken_over_is_left_to_it(office: Office) -> None:
    office.outbox.add([office.notice(1)], 1.0)
    office.send()
    other = office.place.service().engine.runner
    notifications.take(office.place.database, other, office.engine.runner)
    office.back(1)
    assert office.states() == {1: "waiting"}
    assert [row.id for row in notifications.waiting(office.place.database, other)] == [1]


def test_a_notice_tells_what_was_so_when_it_was_made(office: Office) -> None:
    (instance,) = office.run.instances
    instance.reason, instance.attempts = "exit code 1", 1
    call = replace(CALL, params={"script": "x", "told": "{{ task.error }} {{ attempt }} {{ run.failed }}"})
    notice = of_task(1, instance, 5, "failure", 0, call)
    instance.reason, instance.attempts = None, 2
    office.outbox.add([notice], 1.0)
    (errand,) = office.outbox.next(1.0)
    assert errand.params["told"] == "exit code 1 1 []"


DIGEST = Call("command", {"argv": ["{{ run.notices | map(attribute='run') | join }}"]}, digest=60.0)


def test_what_comes_within_the_time_of_a_digest_is_one_message(office: Office) -> None:
    office.outbox.add([office.notice(1, call=DIGEST), office.notice(2, call=CALL)], 1.0)
    office.outbox.add([office.notice(3, "retry", call=DIGEST)], 30.0)
    assert office.send(30.0) == [2]
    assert office.outbox.patience(30.0) == 31.0
    office.back(2)
    assert office.states()[1] == "waiting"
    assert office.send(61.0) == [1]
    assert office.sent[1].params["argv"] == ["rr"]
    office.back(1)
    assert office.states() == {1: "done", 2: "done", 3: "done"}
    assert office.outbox.idle
    assert office.outbox.patience(61.0) is None


def test_a_digest_that_can_not_be_sent_is_recorded_for_all_that_it_tells_of(office: Office) -> None:
    office.outbox.add([office.notice(1, call=DIGEST), office.notice(2, "success", call=DIGEST)], 1.0)
    office.send(61.0)
    office.back(1, outcome=Outcome("failed", "no net"))
    assert office.states() == {1: "failed", 2: "failed"}
    assert len(office.events()) == 2


def test_what_comes_while_a_digest_is_under_way_is_the_next_one(office: Office) -> None:
    office.outbox.add([office.notice(1, call=DIGEST)], 1.0)
    assert office.send(61.0) == [1]
    office.outbox.add([office.notice(2, "success", call=DIGEST)], 62.0)
    office.back(1)
    assert office.states() == {1: "done", 2: "waiting"}
    assert office.send(121.0) == []
    assert office.send(122.0) == [2]


def test_other_calls_are_other_digests(office: Office) -> None:
    other = replace(DIGEST, params={"argv": ["x"]})
    office.outbox.add([office.notice(1, call=DIGEST), office.notice(2, "success", call=other)], 1.0)
    assert office.send(61.0) == [1, 2]


def test_nothing_waits_for_others_once_there_will_be_none(office: Office) -> None:
    office.outbox.add([office.notice(1, call=DIGEST)], 1.0)
    office.outbox.hurry()
    assert office.send(1.0) == [1]


def test_a_clock_that_is_set_back_does_not_hold_a_digest(office: Office) -> None:
    office.outbox.add([office.notice(1, call=DIGEST)], 100_000.0)
    assert office.send(1.0) == [1]


def test_giving_up_is_recorded_of_digests_too(office: Office) -> None:
    office.outbox.add([office.notice(1, call=DIGEST), office.notice(2, "success", call=DIGEST)], 1.0)
    office.send(61.0)
    office.outbox.add([office.notice(3, "retry", call=DIGEST)], 62.0)
    office.outbox.give_up("it was interrupted", 63.0)
    assert office.outbox.idle
    assert set(office.states().values()) == {"failed"}
