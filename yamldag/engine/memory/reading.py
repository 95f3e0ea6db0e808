"""Reads what rows hold as JSON: a row that somebody has spoilt is a fault with words, not an exception of ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from yamldag.plan.pipeline import Json, Plan, UnreadableError, from_text, text_hash

_SPOILT = (
    UnreadableError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    AssertionError,
    RecursionError,
)
"""What JSON of another shape leads to."""


class Unreadable(Exception):  # noqa: N818
    """Something that the database holds can't be read; these words say what."""


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Whatever is wrong with the shape of `what` is said of it."""
    try:
        yield
    except _SPOILT as problem:
        raise Unreadable(
            f"{what} can't be read from the database: it has been changed or damaged"
        ) from problem


def read_plan(text: str | None, version: str) -> Plan:
    """The plan that is stored under that hash. Raises Unreadable."""
    with reading("its plan"):
        if text is None or text_hash(text) != version:
            raise ValueError
        return from_text(text)


def read_params(text: str) -> dict[str, Json]:
    """The params of a run. Raises Unreadable."""
    with reading("its params"):
        return dict(_mapping(json.loads(text)))


def read_only(text: str | None) -> frozenset[str] | None:
    """The tasks that a run was narrowed to. Raises Unreadable."""
    if text is None:
        return None
    with reading("the list of its tasks"):
        found = json.loads(text)
        if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
            raise TypeError
        return frozenset(found)


def _mapping(found: Json) -> dict[str, Json]:
    if not isinstance(found, dict):
        raise TypeError
    return found
