"""What somebody gives by hand: params and moments."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from yamldag.engine.refused import Refused

if TYPE_CHECKING:
    from yamldag.plan.pipeline import Json, Plan


def resolved(plan: Plan, given: Mapping[str, Json], *, as_text: bool = False) -> dict[str, Json]:
    """The value of every param; with `as_text` from texts of a command line. Raises Refused."""
    from yamldag.engine.memory.params import BadParams, resolve

    try:
        return resolve(plan, given, as_text=as_text)
    except BadParams as bad:
        raise Refused("\n  ".join(bad.faults)) from None


def date_given(text: str | None, plan: Plan, option: str = "--date") -> datetime | None:
    """A logical date in the pipeline's zone. Raises Refused."""
    from yamldag.plan.schedule import ENDS, within

    found = moment_given(text, plan, option)
    if found is not None and not within(found):
        raise Refused(f"`{option}` must lie between {ENDS}, found `{text}`")
    return found


def moment_given(
    text: str | None, plan: Plan, option: str = "--date", *, last: bool = False
) -> datetime | None:
    """A date or a time in the pipeline's zone; of a date alone its first moment, or its last. Raises Refused."""
    if text is None:
        return None
    from yamldag.plan.schedule import moment, zone

    known = zone(plan.timezone)
    assert known is not None
    found = moment(text, known, last=last)
    if found is None:
        raise Refused(f"`{option}` wants a date or a time like `2026-01-31T06:00`, found `{text}`")
    return found
