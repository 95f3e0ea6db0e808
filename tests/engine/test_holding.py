"""Pauses, files that are gone and backfills: which of the runs that wait may begin."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engine.test_service import Place
from yamldag.engine import times
from yamldag.store import backfills, schedules
from yamldag.store.database import Database, open_database
from yamldag.store.schedules import QueuedRun


@pytest.fixture
def place(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.chdir(tmp_path)
    made = Place(tmp_path, database_url)
    yield made
    made.database.close()


def elsewhere(place: Place, work: Callable[[Database], object]) -> None:
    """What another process writes."""
    other = open_database(place.database.url)
    other.write(lambda: work(other))
    other.close()


def pause(place: Place, name: str) -> None:
    elsewhere(place, lambda database: schedules.pause(database, name))


def unpause(place: Place, name: str, skip_to: float | None) -> None:
    moment = None if skip_to is None else times.stored_at(skip_to)
    elsewhere(place, lambda database: schedules.unpause(database, name, moment, place.clock.time))


def row(name: str, at: float, kind: str = "manual") -> QueuedRun:
    date = times.stored_at(1_800_000_000 + at)
    return QueuedRun(name, "p", kind, date, date, date, "{}", 1_800_000_000.0)


@pytest.mark.parametrize(
    ("catchup", "ticks"), [("all", [10, 20, 30, 40, 50]), ("latest", [10, 50]), ("none", [10, 50])]
)
def test_a_pause_holds_ticks_and_what_comes_after_is_as_catchup_says(
    place: Place, catchup: str, ticks: list[int]
) -> None:
    place.write("p", more=f"catchup: {catchup}\n")
    service = place.service()
    place.go(service, 12)
    pause(place, "p")
    place.go(service, 33)
    assert [at for at, _ in place.ticks("p")] == [10]
    assert service.board.status.paused == {"p"}
    assert "p" not in service.board.status.next
    unpause(place, "p", None if catchup == "all" else place.clock.time)
    place.go(service, 8)
    assert [at for at, _ in place.ticks("p")] == ticks


def test_a_pause_holds_queued_runs_of_the_schedule_and_no_others(place: Place) -> None:
    place.hands.automatic = False
    place.write("p", more="max_active_runs: 1\ncatchup: all\n")
    service = place.service()
    place.go(service, 22)
    assert place.ticks("p") == [(10, "running"), (20, "queued")]
    pause(place, "p")
    elsewhere(place, lambda database: schedules.queue_run(database, row("m", 25)))
    place.go(service, 1)
    place.hands.end(next(iter(place.hands.live)))
    place.go(service, 1)
    assert place.ticks("p") == [(10, "success"), (20, "queued"), (25, "running")]
    unpause(place, "p", None)
    place.hands.end(next(iter(place.hands.live)))
    place.go(service, 1)
    assert place.ticks("p")[1] == (20, "running")


def test_of_a_pipeline_whose_file_is_gone_the_schedule_waits_and_what_was_asked_for_runs(
    place: Place,
) -> None:
    place.hands.automatic = False
    place.write("p", more="max_active_runs: 1\ncatchup: all\n")
    service = place.service()
    place.go(service, 22)
    (place.root / "pipelines" / "p.yml").unlink()
    elsewhere(place, lambda database: schedules.queue_run(database, row("m", 25)))
    place.go(service, 3)
    removed = place.database.execute("SELECT removed FROM pipeline").fetchone()
    assert removed is not None
    assert removed[0] is not None
    place.hands.end(next(iter(place.hands.live)))
    place.go(service, 1)
    assert place.ticks("p") == [(10, "success"), (20, "queued"), (25, "running")]
    place.write("p", more="max_active_runs: 2\ncatchup: all\n")
    place.go(service, 3)
    assert (20, "running") in place.ticks("p")
    assert place.database.execute("SELECT removed FROM pipeline").fetchone() == (None,)


def test_a_backfill_has_a_bound_of_its_own_and_goes_on_after_a_restart(place: Place) -> None:
    place.hands.automatic = False
    place.write("p", more="max_active_runs: 1\ncatchup: none\n")
    place.go(place.service(), 11)
    backfill = backfills.NewBackfill(
        "b", "p", row("x", -40).logical_date, row("x", -10).logical_date, "none", 2, "{}", 1.0
    )
    runs = [row(f"b{at}", at, "backfill") for at in (-40, -30, -20, -10)]
    elsewhere(place, lambda database: backfills.create(database, backfill, runs))

    def states() -> list[str]:
        return [state for at, state in place.ticks("p") if at < 0]

    service = place.service()
    place.go(service, 1)
    assert states() == ["running", "running", "queued", "queued"]
    assert place.ticks("p")[-1] == (10, "running")
    place.hands.end(max(place.hands.live))
    place.go(service, 1)
    assert states().count("running") == 2
    assert states().count("success") == 1
    place.hands.automatic = True
    for attempt in list(place.hands.live):
        place.hands.end(attempt)
    place.go(service, 2)
    assert states() == ["success"] * 4
