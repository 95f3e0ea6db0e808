"""Addresses of pages, with what stands in their query."""

from __future__ import annotations

from urllib.parse import urlencode

TABS = ("grid", "graph", "gantt", "calendar", "durations", "code", "schedule")
"""Of a pipeline's page, in the order of their keys 1 … 7. The first has the pipeline's own path."""


def query(path: str, **given: str | int | None) -> str:
    """A path with those of the values that are given and say something."""
    said = {name: value for name, value in given.items() if value not in (None, "")}
    return path + (f"?{urlencode(said)}" if said else "")


def run_link(run: str, task: str | None = None, index: int = -1) -> str:
    """A run, or what one of its tasks wrote."""
    if task is None:
        return f"/runs/{run}"
    return query(f"/runs/{run}", task=task, index=index if index >= 0 else None) + "#log"


def tab_link(pipeline: str, tab: str, **given: str | int | None) -> str:
    """A tab of a pipeline's page."""
    path = f"/pipelines/{pipeline}"
    return query(path if tab == TABS[0] else f"{path}/{tab}", **given)


def code_link(pipeline: str) -> str:
    return tab_link(pipeline, "code")
