"""What became of attempts whose scheduler or runner has died. Every journal is read first."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, TypeAlias

from msgspec import Struct, field

from yamldag.executors.contract import Ended
from yamldag.executors.local import journal, orphans, places
from yamldag.executors.local.inquiry import STEP, Answer, Meanwhile, ask
from yamldag.executors.local.journal import Story
from yamldag.executors.local.link import Link
from yamldag.executors.local.places import Place
from yamldag.executors.local.protocol import EndRow

Fate: TypeAlias = Literal["running", "ended", "unstarted", "lost", "watched"]

_PAUSE, _LOOKS = 0.01, 100
_LOST = "its end is not known: the process that watched it died"
_UNBEGUN = "it had not begun when the process that should watch it died"


class Found(Struct, frozen=True):
    """What became of one attempt.

    `running`: it goes on. `ended`, `lost`: as `ended` says; nothing of it is alive. `unstarted`: it never
    began, the same attempt may be started. `watched`: another living scheduler minds it, leave it alone.
    """

    state: Fate
    ended: Ended | None = None


class Adopted(Struct):
    """A dead scheduler's things, ours as long as we hold its lock."""

    owner: str
    lock: int
    links: list[Link] = field(default_factory=list)


class Remains(Struct):
    """What a dead runner of a living scheduler leaves."""

    ends: list[EndRow] = field(default_factory=list)
    children: list[tuple[int, int, float]] = field(default_factory=list)
    """(attempt, process id, started): they are this process's children now."""
    unstarted: set[int] = field(default_factory=set)


def recover(
    folder: Path,
    me: str,
    running: Mapping[int, str],
    adopted: Sequence[Adopted],
    patience: float,
    meanwhile: Meanwhile,
) -> dict[int, Found]:
    """See `LocalExecutor.recover`."""
    found: dict[int, Found] = {}
    known = {link.place for heir in adopted for link in heir.links}
    for link in [link for heir in adopted for link in heir.links]:
        found.update(_of_link(link))
    new = {
        place: heir for heir in adopted for place in places.runners(folder, heir.owner) if place not in known
    }
    answers = ask(new, patience, meanwhile)
    for place, heir in new.items():
        if answer := answers.get(place):
            heir.links.append(answer.link)
            found.update(_of_answer(answer))
        else:
            found.update(_of_silent(place, running, meanwhile))
    ours = {heir.owner for heir in adopted}
    for owner in places.owners(folder):
        if owner not in ours:
            found.update((attempt, Found("watched")) for attempt in _begun(folder, owner))
    watched = {me, *places.owners(folder)} - ours
    untold = {attempt: owner for attempt, owner in running.items() if attempt not in found}
    for attempt, owner in untold.items():
        if owner in watched:
            found[attempt] = Found("watched")  # it is perhaps about to be sent
        elif owner in ours:
            found[attempt] = Found("unstarted")
    # Somebody has deleted the files that could tell, or they are elsewhere.
    found |= give_up({attempt: owner for attempt, owner in untold.items() if attempt not in found})
    return {attempt: found[attempt] for attempt in running}


def give_up(running: Mapping[int, str]) -> dict[int, Found]:
    """See `LocalExecutor.give_up`."""
    if running:
        orphans.kill({f"{owner}.{attempt}" for attempt, owner in running.items()})
    return {attempt: Found("lost", Ended(*_lost(Story(), attempt))) for attempt in running}


def _begun(folder: Path, owner: str) -> Iterator[int]:
    for place in places.runners(folder, owner):
        yield from journal.read(place.journal).begun


def _of_silent(place: Place, running: Collection[int], meanwhile: Meanwhile) -> dict[int, Found]:
    """What is known of one that is dead, or does not answer and has to die."""
    lock = places.journal_lock(place.journal)
    if lock is None:
        lock = _end_runner(place, meanwhile)
    try:
        return _of_dead(place, running)
    finally:
        os.close(lock)


def _of_answer(answer: Answer) -> dict[int, Found]:
    link = answer.link
    link.live.update((attempt, None) for attempt in answer.live)
    link.ended(answer.ended)
    story = journal.read(link.place.journal)
    found = {attempt: _ended(row) for attempt, row in story.ends.items()}
    found.update((row[0], _ended(row)) for row in answer.ended)
    found.update((attempt, Found("running")) for attempt in answer.live)
    return found


def _of_link(link: Link) -> dict[int, Found]:
    """What is known of a runner that was found before."""
    story = journal.read(link.place.journal)
    found = {attempt: _ended(row) for attempt, row in story.ends.items()}
    return found | {attempt: Found("running") for attempt in link.live}


def _end_runner(place: Place, meanwhile: Meanwhile) -> int:
    """The lock of a runner that does not answer: it is killed. The held lock proves that it lives."""
    lock = places.journal_lock(place.journal)
    pid = journal.read(place.journal).runner
    while lock is None:
        if pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(STEP)
        meanwhile()
        lock = places.journal_lock(place.journal)
    return lock


def _of_dead(place: Place, running: Collection[int]) -> dict[int, Found]:
    story = journal.read(place.journal)
    ends = {attempt: _ended(row) for attempt, row in story.ends.items()}
    lost = story.begun.intersection(running) - story.ends.keys()
    if lost and story.boot == orphans.boot():
        orphans.kill({f"{place.owner}.{attempt}" for attempt in lost})
    return ends | {attempt: Found("lost", Ended(*_lost(story, attempt))) for attempt in lost}


def _ended(row: EndRow) -> Found:
    return Found("ended", Ended(*row))


def _lost(story: Story, attempt: int) -> EndRow:
    now = time.time()
    _, started = story.pids.get(attempt, (0, now))
    return [attempt, -signal.SIGKILL, "lost", started, now, _LOST, None]


def complete(end: EndRow, story: Story) -> None:
    """Put what the journal of its runner, which is dead, tells of an attempt into its end."""
    end[-1] = story.results.get(end[0])
    if end[0] in story.refused:
        end[1:3] = [-signal.SIGKILL, "lost"]
        end[5] = _UNBEGUN


def remains(link: Link) -> Remains:
    """Of a runner that died before this process did. Its orphans are our children: we are their subreaper."""
    lock = places.open_journal(link.place.journal)
    if lock is None:  # it had nothing more to tell
        link.hang_up()
        return Remains()
    if link.child:
        with contextlib.suppress(ProcessLookupError):
            os.kill(link.child, signal.SIGKILL)
    link.hang_up()
    fcntl.flock(lock, fcntl.LOCK_EX)  # each orphan has begun its exec
    story = journal.read(link.place.journal)
    left = Remains(unstarted=link.live.keys() - story.begun - story.ends.keys())
    left.ends = [row for attempt, row in story.ends.items() if attempt in link.live]
    pids = _pids(link.place.owner, story, link.live.keys() & story.begun - story.ends.keys())
    for attempt, pid in pids.items():
        started = story.pids.get(attempt, (0, time.time()))[1]
        if pid and _becomes_child(pid):
            left.children.append((attempt, pid, started))
        else:
            orphans.kill({f"{link.place.owner}.{attempt}"})
            left.ends.append(_lost(story, attempt))
    os.close(lock)
    return left


def _pids(owner: str, story: Story, attempts: Collection[int]) -> dict[int, int]:
    """The process of each attempt, 0 if there is none: from the journal, else by its mark."""
    pids = {attempt: story.pids.get(attempt, (0, 0.0))[0] for attempt in attempts}
    unknown = {f"{owner}.{attempt}": attempt for attempt, pid in pids.items() if not pid}
    if unknown:
        for pid, mark in orphans.find(unknown):
            with contextlib.suppress(ProcessLookupError):
                if os.getsid(pid) == pid:
                    pids[unknown[mark]] = pid
    return pids


def _becomes_child(pid: int) -> bool:
    """Whether it is our child, if need be a little later: whoever was between it and the runner is about to end."""
    for _ in range(_LOOKS):
        if _is_child(pid):
            return True
        if not os.path.exists(f"/proc/{pid}"):
            return False
        time.sleep(_PAUSE)
    return False


def _is_child(pid: int) -> bool:
    try:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def forget_owner(folder: Path, owner: str, running: Collection[int]) -> bool:
    """Delete what a dead scheduler left, whose lock is ours, but journals that tell of an attempt in `running`
    and those of living runners. True: nothing of it is left."""
    gone = [forget_runner(place, running) for place in places.runners(folder, owner)]
    if all(gone):
        places.delete(folder / f"{owner}.owner")
    return all(gone)


def forget_runner(place: Place, running: Collection[int]) -> bool:
    """Delete a dead runner's files, unless they tell of an attempt in `running`. True: they are gone."""
    lock = places.journal_lock(place.journal)
    if lock is None:
        return False
    over = journal.read(place.journal).begun.isdisjoint(running)
    if over:
        places.delete(place.socket, place.journal)
    os.close(lock)
    return over
