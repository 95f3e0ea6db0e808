"""Moments as the database keeps them (UTC, microseconds, `Z`), as people see them, and as templates do."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo


def stored(moment: datetime) -> str:
    """Such texts sort as their moments do."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def stored_at(instant: float) -> str:
    """Unix seconds as such a text."""
    return stored(datetime.fromtimestamp(instant, UTC))


def read(text: str) -> datetime:
    """A stored text, in UTC."""
    return datetime.fromisoformat(text)


def local(text: str, timezone: str) -> datetime:
    """A stored text in a pipeline's zone."""
    return datetime.fromisoformat(text).astimezone(ZoneInfo(timezone))


def shown(instant: float | None) -> str | None:
    """Unix seconds as ISO 8601 in UTC."""
    return None if instant is None else datetime.fromtimestamp(instant, UTC).isoformat()
