"""Durations: which texts are one, and how one is written back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yamldag.syntax import duration

LENGTHS = {
    "30s": 30,
    "5m": 300,
    "1h30m": 5400,
    "2d": 172_800,
    "1d1h1m1s": 90_061,
    "1.5h": 5400,
    "0.25s": 0.25,
    "90m": 5400,
    "0s": 0,
    "PT5M": 300,
    "P1DT12H": 129_600,
    "P1W": 604_800,
    "PT0.5S": 0.5,
    "PT1H30M": 5400,
    "36500d": 3_153_600_000,
}
NONE = (
    *(
        "",
        " ",
        "5",
        "5.0",
        "-5m",
        "+5m",
        "5 m",
        " 5m",
        "5m\n",
        "5M",
        "5min",
        "1m1h",
        "1h1h",
        "30s5m",
        "m",
        "1w",
        "500ms",
    ),
    *(
        ".5h",
        "1.h",
        "1_000s",
        "1e3s",
        "5,5s",
        "٣m",
        "１m",
        "∞",
        "P",
        "PT",
        "P1",
        "P1M",
        "P1Y",
        "PT1D",
        "P5M",
        "P1DT",
    ),
    *("pt5m", "-PT5M", "h1", "1h-30m", "9" * 400 + "s", "36500d1s", "P36500DT1S"),
)


@pytest.mark.parametrize(("text", "wanted"), LENGTHS.items())
def test_what_a_duration_lasts(text: str, wanted: float) -> None:
    assert duration.seconds(text) == wanted


@pytest.mark.parametrize("text", NONE)
def test_a_text_that_is_no_duration_is_none(text: str) -> None:
    assert duration.seconds(text) is None


@pytest.mark.parametrize(
    ("seconds", "wanted"),
    [
        (0, "0s"),
        (5400, "1h30m"),
        (2.5, "2.5s"),
        (86_400, "1d"),
        (90_061.001, "1d1h1m1.001s"),
        (59.9996, "1m"),
    ],
)
def test_a_duration_in_words(seconds: float, wanted: str) -> None:
    assert duration.words(seconds) == wanted


@given(st.integers(0, 1000 * duration.LONGEST))
def test_words_can_be_read_back(milliseconds: int) -> None:
    assert duration.seconds(duration.words(milliseconds / 1000)) == pytest.approx(milliseconds / 1000)


@given(st.text("0123456789.dhmsPTWDHMS", max_size=12))
def test_any_text_is_a_length_or_none(text: str) -> None:
    length = duration.seconds(text)
    assert length is None or length >= 0
