"""How much of each test: what a check-in waits for, or with `YAMLDAG_FAULTS=long` (`make faults`) what a release does."""

from __future__ import annotations

import os
from typing import TypeVar

T = TypeVar("T")

LONG = os.environ.get("YAMLDAG_FAULTS") == "long"


def much(short: T, long: T) -> T:
    return long if LONG else short
