"""How durations and dates are written."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from yamldag.operators import catalog

LENGTHS = "30s 5m 1h30m 2d 1.5h 1d2h3m4s 0.5s 90m PT5M P1DT2H P2D PT1H30M PT0.5S PT36H"
NO_LENGTHS = "0s 0d 5 5x m 1h30 30m1h 1h1h -5s +5s 5M 1w P PT P1Y P1M P1DT 1.h .5h 1,5h 1h_30m ٣m"


@pytest.mark.parametrize("text", LENGTHS.split(" "))
def test_a_duration_is_read(text: str) -> None:
    timeout = catalog.schema("pipeline.schema.json")["definitions"]["timeout"]
    assert jsonschema.Draft7Validator(timeout).is_valid(text)


@pytest.mark.parametrize("text", [*NO_LENGTHS.split(" "), "1h 30m", "", 5, 1.5])
def test_what_is_no_duration_is_refused(text: Any) -> None:
    timeout = catalog.schema("pipeline.schema.json")["definitions"]["timeout"]
    assert not jsonschema.Draft7Validator(timeout).is_valid(text)


@pytest.mark.parametrize("text", ["0s", "0m", "PT0S"])
def test_only_a_delay_can_be_nothing(text: str) -> None:
    definitions = catalog.schema("pipeline.schema.json")["definitions"]
    assert jsonschema.Draft7Validator(definitions["retry_delay"]).is_valid(text)
    assert not jsonschema.Draft7Validator(definitions["timeout"]).is_valid(text)
    assert not jsonschema.Draft7Validator(definitions["run_timeout"]).is_valid(text)


DATES = [
    *("2026-01-01", "2026-01-01T06:00", "2026-01-01 06:00:30", "2026-01-01T06:00:30.5Z"),
    *("2026-01-01T06:00+09:00", "2026-01-01T06:00:00-0530", "2026-01-01T06:00+09"),
]


@pytest.mark.parametrize("text", DATES)
def test_a_date_is_read(text: str) -> None:
    start = catalog.schema("pipeline.schema.json")["definitions"]["start"]
    assert jsonschema.Draft7Validator(start).is_valid(text)
