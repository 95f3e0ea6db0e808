"""Ticks on the days on which the clocks change."""

from __future__ import annotations

import csv
from datetime import datetime
from itertools import groupby, islice
from pathlib import Path

import pytest

from yamldag.plan import schedule

ROWS = list(csv.DictReader((Path(__file__).parent / "clock_changes.csv").read_text().splitlines()))
CASES = {
    key: [(row["tick_utc"], row["tick_local"]) for row in rows]
    for key, rows in groupby(ROWS, lambda row: (row["cron"], row["timezone"], row["start_local"]))
}


@pytest.mark.parametrize(("case", "wanted"), CASES.items(), ids=str)
def test_the_table_of_clock_changes(case: tuple[str, str, str], wanted: list[tuple[str, str]]) -> None:
    line, zone, start = case
    assert not schedule.faults(line, zone, start, None)
    read = schedule.read(line, zone, start, None)
    ticks = list(islice(read.intervals(), len(wanted)))
    assert [shown(tick.logical_date) for tick in ticks] == [local for _, local in wanted]
    utc = [f"{tick:%Y-%m-%dT%H:%MZ}" for tick in islice(read.ticks(), len(wanted))]
    assert utc == [moment for moment, _ in wanted]


def shown(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M%z}"
