"""Durations: `1h30m` and `PT5M` to seconds, and seconds to words."""

from __future__ import annotations

import re

_NUMBER = r"([0-9]+(?:\.[0-9]+)?)"
_SHORT = re.compile(rf"(?=[0-9])(?:{_NUMBER}d)?(?:{_NUMBER}h)?(?:{_NUMBER}m)?(?:{_NUMBER}s)?")
_ISO = re.compile(
    rf"P(?=[0-9T])(?:{_NUMBER}W)?(?:{_NUMBER}D)?(?:T(?=[0-9])(?:{_NUMBER}H)?(?:{_NUMBER}M)?(?:{_NUMBER}S)?)?"
)
_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_ISO_SECONDS = (604_800, 86_400, 3_600, 60, 1)
LONGEST = 36_500 * 86_400
"""Seconds: a hundred years, after which no run is waited for, and no date leaves the calendar."""


def seconds(text: str) -> float | None:
    """The length of a duration such as `30s`, `1h30m`, `2d` or `PT5M`; None if the text is not one.

    Units descend and stand once each, decimals are allowed. A number alone is no duration, nor is what exceeds LONGEST.
    """
    if match := _SHORT.fullmatch(text):
        return _total(match, tuple(_UNITS.values()))
    if match := _ISO.fullmatch(text):
        return _total(match, _ISO_SECONDS)
    return None


def _total(match: re.Match[str], units: tuple[int, ...]) -> float | None:
    total = sum(float(number) * unit for number, unit in zip(match.groups(), units, strict=True) if number)
    return total if total <= LONGEST else None


def words(seconds: float) -> str:
    """The duration as a person would write it: `1h30m`, `2.5s`, `0s`. Exact to the millisecond."""
    left = round(seconds * 1000)
    parts = []
    for unit, size in _UNITS.items():
        count, left = divmod(left, size * 1000) if unit != "s" else (left / 1000, 0)
        if count:
            parts.append(f"{count:.3f}".rstrip("0").rstrip(".") + unit)
    return "".join(parts) or "0s"
