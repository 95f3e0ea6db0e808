"""Schedules: what is wrong with a written one, and when one ticks. No clock and no state in here."""

from yamldag.plan.schedule.assets import in_words, met, names
from yamldag.plan.schedule.check import Fault, both_days, faults
from yamldag.plan.schedule.model import Schedule, Tick, coming, rows
from yamldag.plan.schedule.reading import read
from yamldag.plan.schedule.times import ENDS, dated, moment, near_zone, within, zone

__all__ = [
    "ENDS",
    "Fault",
    "Schedule",
    "Tick",
    "both_days",
    "coming",
    "dated",
    "faults",
    "in_words",
    "met",
    "moment",
    "names",
    "near_zone",
    "read",
    "rows",
    "within",
    "zone",
]
