"""Figures of the fault tests, a line for each at the end of a session: they are what a release quotes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

Tell = Callable[..., None]


@pytest.fixture
def figures(record_property: Callable[[str, object], None]) -> Tell:
    """Called with what a test has counted: `kills=200, lost=0`."""

    def tell(**counts: object) -> None:
        record_property("figures", counts)

    return tell


def pytest_terminal_summary(terminalreporter: Any) -> None:
    lines = [
        f"{report.nodeid.rpartition('/')[2]}: {json.dumps(value, ensure_ascii=False)}"
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", "") == "call"
        for name, value in report.user_properties
        if name == "figures"
    ]
    if lines:
        terminalreporter.section("what the fault tests have counted")
        for line in sorted(lines):
            terminalreporter.line(line)
