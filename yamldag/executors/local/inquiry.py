"""Asks the runners of dead schedulers what became of their attempts: all of them at once, and not for long."""

from __future__ import annotations

import contextlib
import os
import select
import time
from collections.abc import Callable, Collection
from typing import NamedTuple

from yamldag.executors.local import places
from yamldag.executors.local.link import Link
from yamldag.executors.local.places import Place
from yamldag.executors.local.protocol import EndRow

STEP = 0.02
"""Seconds between two looks."""

Meanwhile = Callable[[], None]
"""Called again and again by whoever waits."""


class Answer(NamedTuple):
    """What a living runner has said."""

    link: Link
    live: list[int]
    ended: list[EndRow]


def ask(runners: Collection[Place], patience: float, meanwhile: Meanwhile) -> dict[Place, Answer]:
    """The answers of those that give one within `patience` seconds, from the first question to the last answer.

    One whose lock is free is not waited for: it is dead.
    """
    answers: dict[Place, Answer] = {}
    asked: dict[Place, Link] = {}
    waiting = set(runners)
    deadline = time.monotonic() + patience
    while waiting and time.monotonic() < deadline:
        for place in waiting - asked.keys():
            if link := _connect(place):
                asked[place] = link
            elif _is_dead(place):
                waiting.discard(place)
        for place in _ready(asked, STEP):
            link = asked[place]
            if answer := _read(link):
                answers[place] = answer
            if answer or link.broken:
                waiting.discard(place)
                del asked[place]
                if not answer:
                    link.hang_up()
        meanwhile()
    for link in asked.values():
        link.hang_up()
    return answers


def _connect(place: Place) -> Link | None:
    """Tried again: what holds the lock may be a task before its exec, whose runner is dead."""
    with contextlib.suppress(OSError):
        link = Link(place, places.connect(place.socket), None)
        link.hello()
        return link
    return None


def _is_dead(place: Place) -> bool:
    lock = places.journal_lock(place.journal)
    if lock is not None:
        os.close(lock)
    return lock is not None


def _ready(asked: dict[Place, Link], seconds: float) -> list[Place]:
    """Those that have said something within this time."""
    poll = select.poll()
    by_number = {link.fileno(): place for place, link in asked.items()}
    for number in by_number:
        poll.register(number, select.POLLIN)
    return [by_number[number] for number, _ in poll.poll(seconds * 1000)]


def _read(link: Link) -> Answer | None:
    """The answer, if all of it has come."""
    for frame in link.receive():
        if "hello" in frame:
            return Answer(link, frame["hello"]["live"], frame["hello"]["ended"])
    return None
