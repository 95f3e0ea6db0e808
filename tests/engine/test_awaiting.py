"""Runs that updates of assets start."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engine.simulation import BAD, OK, SKIP, Simulation, each, plan, scripted, task
from tests.engine.test_service import Place
from yamldag.engine import times
from yamldag.engine.schedule.awaiting import moment_met
from yamldag.engine.service import Service
from yamldag.plan.schedule import in_words
from yamldag.store.assets import Update

MAKER = "pipeline: {name}\ntasks:\n  t: {{bash: 'true', produces: [{assets}]}}\n"
TAKER = "pipeline: {name}\nschedule: {schedule}\n{more}tasks:\n  t: {{bash: 'got'}}\n"


class Market(Place):
    """Pipelines that produce, and some that await."""

    def taker(self, name: str, schedule: str, more: str = "") -> None:
        self.write(name, TAKER.format(name=name, schedule=schedule, more=more))

    def update(self, *names: str) -> None:
        """As another process does it."""
        self.clock.time += 1
        run = f"made-{self.clock.time}"
        self.database.add(
            "INSERT INTO pipeline (id, file, version, first_seen, changed) VALUES (?, 'm.yml', 'v', 1, 1)",
            ("m",),
        )
        self.database.execute(
            "INSERT INTO run (id, pipeline, type, state, logical_date, data_interval_start, data_interval_end, "
            "params, created) VALUES (?, 'm', 'manual', 'success', 'd', 'd', 'd', '{}', 1)",
            (run,),
        )
        for name in names:
            self.database.execute(
                "INSERT INTO asset_update (asset, run, task, at) VALUES (?, ?, 't', ?)",
                (name, run, self.clock.time),
            )

    def made(self, name: str) -> list[dict[str, Any]]:
        columns = "id, type, state, logical_date, data_interval_start, data_interval_end, assets"
        rows = self.database.execute(
            f"SELECT {columns} FROM run WHERE pipeline = ? AND type = 'assets' ORDER BY logical_date", (name,)
        )
        return [dict(zip(columns.split(", "), row, strict=True)) for row in rows]

    def used(self, name: str) -> list[list[str]]:
        return [[update["asset"] for update in json.loads(row["assets"])] for row in self.made(name)]

    def at(self, seconds: float) -> str:
        from datetime import UTC, datetime

        return times.stored(datetime.fromtimestamp(seconds, UTC))


@pytest.fixture
def market(tmp_path: Path, database_url: str) -> Iterator[Market]:
    made = Market(tmp_path, database_url)
    yield made
    made.database.close()


def settle(market: Market, service: Service) -> None:
    market.go(service, 3)


def test_a_run_is_made_once_all_assets_were_updated_and_uses_up_all(market: Market) -> None:
    market.taker("p", "{assets: [a, b]}")
    service = market.service()
    settle(market, service)
    market.update("a")
    market.update("a", "x")
    settle(market, service)
    assert market.made("p") == []
    market.update("b")
    met = market.clock.time
    settle(market, service)
    (row,) = market.made("p")
    date = market.at(met)
    assert (row["logical_date"], row["data_interval_start"], row["data_interval_end"]) == (date, date, date)
    assert market.used("p") == [["a", "a", "b"]]
    assert json.loads(row["assets"])[2] == {"asset": "b", "run": f"made-{met}", "task": "t", "at": date}
    assert row["state"] == "success"
    market.update("b")
    settle(market, service)
    market.update("a")
    settle(market, service)
    assert market.used("p") == [["a", "a", "b"], ["b", "a"]]
    assert market.made("p")[1]["data_interval_start"] == date


def test_updates_count_from_when_a_pipeline_was_first_seen_and_wait_while_nobody_schedules(
    market: Market,
) -> None:
    market.update("a")
    market.taker("p", "{assets: a}")
    settle(market, market.service())
    assert market.made("p") == []
    market.update("a")
    market.update("a")
    settle(market, market.service())
    assert market.used("p") == [["a", "a"]]
    settle(market, market.service())
    assert len(market.made("p")) == 1


def test_updates_count_after_all_earlier_ones_were_pruned(market: Market) -> None:
    market.taker("p", "{assets: a}")
    service = market.service()
    settle(market, service)
    market.update("a")
    settle(market, service)
    market.database.execute("DELETE FROM asset_update")
    market.update("a")
    settle(market, service)
    assert market.used("p") == [["a"], ["a"]]


def test_conditions_nest_and_a_clock_may_stand_beside_them(market: Market) -> None:
    market.taker("p", "{assets: [a, {any: [b, c]}], cron: '0 0 1 1 *'}")
    service = market.service()
    settle(market, service)
    market.update("c")
    market.update("a")
    settle(market, service)
    assert market.used("p") == [["c", "a"]]


def test_updates_wait_for_room_under_max_active_runs(market: Market) -> None:
    market.taker("p", "{assets: a}", "max_active_runs: 1\n")
    service = market.service()
    market.hands.automatic = False
    settle(market, service)
    for _ in range(3):
        market.update("a")
        settle(market, service)
    assert market.used("p") == [["a"]]
    market.hands.automatic = True
    market.hands.end(next(iter(market.hands.live)))
    settle(market, service)
    assert market.used("p") == [["a"], ["a", "a"]]


def test_updates_wait_through_a_pause_and_one_run_uses_them_up(market: Market) -> None:
    market.taker("p", "{assets: a}")
    service = market.service()
    settle(market, service)
    market.database.execute("UPDATE pipeline SET paused = 1 WHERE id = 'p'")
    market.update("a")
    market.update("a")
    settle(market, service)
    assert market.made("p") == []
    market.database.execute("UPDATE pipeline SET paused = 0 WHERE id = 'p'")
    settle(market, service)
    assert market.used("p") == [["a", "a"]]


@pytest.mark.parametrize("restart", [False, True], ids=["under way", "over a restart"])
def test_a_file_that_was_put_back_counts_from_then_on(market: Market, *, restart: bool) -> None:
    market.taker("p", "{assets: a}")
    market.taker("q", "{assets: a}", "catchup: all\n")
    service = market.service()
    settle(market, service)
    files = {name: market.root / "pipelines" / f"{name}.yml" for name in "pq"}
    texts = {name: file.read_text() for name, file in files.items()}
    for file in files.values():
        file.unlink()
    settle(market, service)
    market.update("a")
    for name, file in files.items():
        file.write_text(texts[name])
    service = market.service() if restart else service
    settle(market, service)
    assert (market.used("p"), market.used("q")) == ([], [["a"]])
    market.update("a")
    settle(market, service)
    assert (market.used("p"), market.used("q")) == ([["a"]], [["a"], ["a"]])


def test_an_asset_that_is_awaited_anew_counts_from_then_on(market: Market) -> None:
    market.taker("p", "{assets: [a, b]}")
    service = market.service()
    settle(market, service)
    market.update("b")
    settle(market, service)
    market.taker("p", "{assets: [a]}")
    settle(market, service)
    market.taker("p", "{assets: [a, b]}")
    settle(market, service)
    market.update("a")
    settle(market, service)
    assert market.made("p") == []
    market.update("b")
    settle(market, service)
    assert market.used("p") == [["a", "b"]]


def test_a_task_of_the_same_scheduler_starts_a_run_in_the_same_turn(market: Market) -> None:
    market.write(
        "maker", "pipeline: maker\nschedule: {every: 10s}\ntasks:\n  t: {bash: 'true', produces: [a]}\n"
    )
    market.taker("p", "{assets: a}")
    service = market.service()
    began = market.clock.time
    market.hands.automatic = False
    while not market.hands.live and market.clock.time < began + 30:
        service.turn()
    market.hands.automatic = True
    before = market.clock.time
    market.hands.end(next(iter(market.hands.live)))
    service.turn()
    assert market.used("p") == [["a"]]
    assert market.clock.time == before


def test_updates_outside_start_and_end_do_not_count(market: Market) -> None:
    market.taker("p", "{assets: a}", "start: 2999-01-01\n")
    market.taker("q", "{assets: a}", "end: 2001-01-01\n")
    service = market.service()
    settle(market, service)
    market.update("a")
    settle(market, service)
    assert market.made("p") == market.made("q") == []


def test_the_moment_is_that_of_the_update_that_met_the_condition() -> None:
    updates = [Update(n, name, "r", "t", float(n)) for n, name in enumerate("aabab")]
    assert moment_met({"all": ["a", "b"]}, updates) == 2.0
    assert moment_met({"any": ["b", "c"]}, updates) == 2.0
    assert moment_met({"all": ["a", "c"]}, updates) is None


def test_conditions_in_words() -> None:
    assert in_words({"all": ["a", {"any": ["b", {"all": ["c", "d"]}]}]}) == "`a` and (`b` or (`c` and `d`))"
    assert in_words({"all": ["a", {"any": ["b"]}]}) == "`a` and `b`"


def updates_of(simulation: Simulation) -> list[tuple[str, str]]:
    return [
        (row.asset, row.task) for made in simulation.batches for b in made.values() for row in b.asset_updates
    ]


def test_a_success_updates_what_its_task_produces_once() -> None:
    simulation = Simulation(script=scripted({"bad": BAD, "no": SKIP}))
    simulation.admit(
        plan(
            task("good", produces=("x", "y", "x")),
            task("bad", produces=("z",)),
            task("no", produces=("z",)),
            task("never", "bad", produces=("z",)),
        )
    )
    simulation.finish()
    assert updates_of(simulation) == [("x", "good"), ("y", "good")]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("last", "wanted"), [(OK, [("x", "m")]), (SKIP, [("x", "m")]), (BAD, [])])
def test_a_mapped_task_updates_as_a_whole(seed: int, last: Any, wanted: list[tuple[str, str]]) -> None:
    simulation = Simulation(script=scripted({"m[2]": last}), seed=seed)
    simulation.admit(plan(task("m", mapped_by="m", produces=("x",)), mapped={"m": each(1, 2, 3)}))
    simulation.finish()
    assert updates_of(simulation) == wanted


def test_a_mapped_task_without_items_updates_nothing() -> None:
    simulation = Simulation()
    simulation.admit(plan(task("m", mapped_by="m", produces=("x",)), mapped={"m": each()}))
    assert updates_of(simulation) == []
