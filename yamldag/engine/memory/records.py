"""What the row of a run begins with: its id and its dates."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import NamedTuple

from yamldag.plan.expression.dates import compact


class Dates(NamedTuple):
    """As the database keeps them."""

    logical_date: str
    data_interval_start: str
    data_interval_end: str


def new_id(kind: str, moment: datetime) -> str:
    """A run's id: it can be read, said aloud in part, and be a folder's name."""
    return f"{kind}-{compact(moment.astimezone(UTC))}-{os.urandom(3).hex()}"
