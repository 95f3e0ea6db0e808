"""A pipeline in force."""

from __future__ import annotations

from msgspec import Struct

from yamldag.engine.schedule.ticker import rule_of, schedule_of
from yamldag.plan.pipeline import Plan
from yamldag.plan.schedule import Schedule


class Known(Struct, frozen=True):
    """A pipeline in force."""

    plan: Plan
    text: str
    """The plan as it is stored."""
    version: str
    """Its hash."""
    schedule: Schedule
    rule: str
    path: str
    """Absolute, of its file."""
    stale: bool = False
    """Its file has errors now, or says something else by mistake: this is the last good version."""


def known(plan: Plan, text: str, version: str, path: str) -> Known:
    """A pipeline in force, of a plan without errors."""
    rule = rule_of(plan)
    return Known(plan, text, version, schedule_of(rule)[0], rule, path)
