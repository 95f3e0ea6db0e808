"""`/metrics`, `/ready`: what they say is what is in the database and in the scheduler's status, to whom it is meant."""

from __future__ import annotations

import re
from dataclasses import replace as copied
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from tests.web.conftest import Hosted, hosted_by
from tests.web.seeds import NOW, Seeded
from yamldag.store.tally import PATIENT, QUICK, Tally
from yamldag.web.address import address_of


def tally(bounds: tuple[float, ...], *times: float) -> Tally:
    made = Tally(bounds)
    for each in times:
        made.add(each)
    return made


def numbers(text: str) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *sorted(f"{key}={value}" for key, value in sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_metrics_are_what_the_database_and_the_scheduler_say(hosted: Hosted) -> None:
    board = hosted.seeded.board
    waits = tally(PATIENT, 0.01, 0.02, 7200.0)
    board.status = replace(board.status, steps=tally(QUICK, *[0.5] * 3), starts=waits, late=2.5)
    answer = hosted.anyone.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    found = numbers(answer.text)
    assert found["yamldag_runs", "pipeline=p000", "state=running"] == 1
    assert sum(value for key, value in found.items() if key[0] == "yamldag_runs") == 15
    assert found["yamldag_tasks", "state=running"] == 1
    assert found["yamldag_schedule_lag_seconds",] == 2.5
    assert (found["yamldag_step_seconds_count",], found["yamldag_step_seconds_sum",]) == (3, 1.5)
    assert found["yamldag_queue_wait_seconds_sum",] == 7200.03
    assert found["yamldag_database_write_seconds_count",] == 0
    within = [
        found["yamldag_queue_wait_seconds_bucket", f"le={bound}"]
        for bound in ("0.01", "0.05", "3600.0", "+Inf")
    ]
    assert within == [1, 2, 2, 3]
    assert (
        found["yamldag_step_seconds_bucket", "le=0.25"],
        found["yamldag_step_seconds_bucket", "le=0.5"],
    ) == (0, 3)
    assert found["yamldag_database_up",] == 1
    assert found["process_open_fds",] > 0


def test_the_docs_tell_every_metric_and_its_type(hosted: Hosted) -> None:
    text = (Path(__file__).parents[2] / "docs/howto/programs.md").read_text()
    told = re.findall(r"^\| `(yamldag_\w+)` \| (\w+) \| (.+) \|$", text, re.MULTILINE)
    shown = re.findall(
        r"^# HELP (yamldag_\w+) (.+)\n# TYPE \1 (\w+)$", hosted.anyone.get("/metrics").text, re.MULTILINE
    )
    by_name = {name: ("info" if name.endswith("_info") else kind, words) for name, words, kind in shown}
    assert {name: (kind, words) for name, kind, words in told} == by_name


@given(st.lists(st.floats(0, 1e5), max_size=30), st.sampled_from([QUICK, PATIENT]))
def test_each_time_is_counted_once_within_its_bound(times: list[float], bounds: tuple[float, ...]) -> None:
    counted = tally(bounds, *times)
    for place, bound in enumerate(bounds, 1):
        assert sum(counted.counts[:place]) == sum(each <= bound for each in times)
    assert sum(counted.counts) == len(times)


def test_metrics_want_a_viewer(hosted: Hosted) -> None:
    hosted.user("mira", "viewer")
    assert hosted.anyone.get("/metrics").status_code == 401
    assert hosted.token("prometheus", "viewer").get("/metrics").status_code == 200


def told(house: Hosted) -> tuple[int, Any]:
    answer = house.anyone.get("/ready")
    return answer.status_code, answer.json()


def test_ready_says_why_not_to_those_who_may_know(hosted: Hosted) -> None:
    assert told(hosted) == (200, {"ready": True, "why": []})
    hosted.seeded.board.status = replace(hosted.seeded.board.status, turned=NOW - 60)
    assert told(hosted) == (503, {"ready": False, "why": ["the scheduler has not turned for 60 s"]})
    hosted.user("mira", "viewer")
    assert told(hosted) == (503, {"ready": False})


def test_while_the_database_is_away_it_is_not_ready_and_numbers_say_so(seeded: Seeded) -> None:
    lost = hosted_by(copied(seeded, url="postgresql://root@127.0.0.1:1/none"), address_of("127.0.0.1", 8080))
    assert told(lost) == (503, {"ready": False})
