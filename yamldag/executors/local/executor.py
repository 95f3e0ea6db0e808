"""The scheduler's side: an executor whose tasks are processes of this machine."""

from __future__ import annotations

import math
import os
import select
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path

from yamldag.executors.contract import Ended, Start
from yamldag.executors.local import journal, places, recovery
from yamldag.executors.local.children import Children
from yamldag.executors.local.inquiry import Meanwhile
from yamldag.executors.local.launch import launch
from yamldag.executors.local.link import Link
from yamldag.executors.local.orphans import become_subreaper
from yamldag.executors.local.places import delete, lock_owner, new_owner, place, runners
from yamldag.executors.local.protocol import EndRow
from yamldag.executors.local.recovery import Found

_GRACE = 10.0
_FAREWELL = 5.0
"""Seconds that `close` waits for a runner that has nothing left to do."""


PATIENCE = 10.0
"""Seconds for which a dead scheduler's runner may be silent."""


def _nothing() -> None:
    """Nothing is to be done meanwhile."""


class LocalExecutor:
    """An Executor. For one thread, `wake` aside."""

    def __init__(self, folder: Path, *, fork: bool = True) -> None:
        """`folder` (made 0700 if missing) is where a later scheduler finds what this one leaves behind.

        With `fork` this comes before threads, database connections and heavy imports; without, at any time.
        """
        become_subreaper()
        self.folder = folder
        self.id = new_owner(folder)
        """Store it with each attempt before `start`: `recover` asks for it."""
        self._lives = 0
        self._adopted: list[recovery.Adopted] = []
        self._inherited = Children()
        self._pidfds: dict[int, int] = {}
        self._diaries: dict[int, Path] = {}
        """Where inherited attempts write their results: the journals of their runners, which are dead."""
        self._ready: list[EndRow] = []
        self._unstored: set[int] = set()
        """Attempts whose runner is dead and whose end was not acknowledged: its journal is still needed."""
        self._bell = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self.say: Callable[[str], None] = _say_nothing
        """Who is told when something is wrong with the machine, and when it is over."""
        self._trouble = ""
        """Why there is no runner."""
        self._own: Link | None = self._new_runner(fork=fork)
        self._lock = lock_owner(folder, self.id)  # after the fork: the runner must not inherit it
        self._links = [self._own]

    # the contract

    def start(self, batch: Sequence[Start]) -> None:
        """Start attempts; those already started are passed over. Where there can be no runner, they end at once."""
        if self._own is None:
            self._revive()
        if self._own is None:
            now = time.time()
            self._ready += [
                [each.attempt, 126, "unstartable", now, now, self._trouble, None] for each in batch
            ]
            return
        self._own.start(batch)
        self._mind_the_dead()

    def stop(self, attempts: Iterable[int], *, kill: bool = False) -> None:
        """TERM to each attempt's process group, KILL after its grace; with `kill`, KILL at once."""
        wanted = set(attempts)
        for link in self._links:
            if mine := wanted.intersection(link.live):
                link.stop(sorted(mine), kill=kill)
        for attempt in wanted.intersection(self._inherited.live):
            self._inherited.stop(attempt, kill=kill)
        self._mind_the_dead()

    def receive(self, timeout: float | None) -> list[Ended]:
        """The ends that have come, waiting for the first at most `timeout` seconds (None: for ever)."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            woken = self._wait(_shorter(deadline, self._inherited.wait()))
            ends, self._ready = self._ready + self._inherited_ends(), []
            if ends or woken or (deadline is not None and time.monotonic() >= deadline):
                return [Ended(*row) for row in ends]

    def acknowledge(self, attempts: Iterable[int]) -> None:
        """These ends are stored: the executor may forget them."""
        wanted = set(attempts)
        self._unstored -= wanted
        for link in self._links:
            if mine := link.unacknowledged & wanted:
                link.acknowledge(mine)

    def go_on(self, seconds: float | None) -> None:
        """Let all tasks go on for so many seconds, whatever becomes of this process; None: to their ends.

        Past that their runners kill them, as `lost`, and start none, until they hear of it again.
        """
        for link in self._links:
            link.go_on(seconds)
        self._mind_the_dead()

    def wake(self) -> None:
        """Make a `receive` return, from another thread or a signal handler."""
        os.eventfd_write(self._bell, 1)

    def close(self) -> None:
        """No further starts. What still runs is watched by its runner, and found by the next scheduler."""
        for attempt in list(self._inherited.live):
            self._inherited.stop(attempt, kill=True)  # nobody else could watch it
        for link in self._links:
            link.close()
        for link in self._links:
            self._part(link)
        self._forget_own()
        for descriptor in (*self._pidfds, *(each.lock for each in self._adopted), self._lock, self._bell):
            os.close(descriptor)

    def _forget_own(self) -> None:
        if self._unstored or any(link.unacknowledged for link in self._links):
            return
        mine = list(runners(self.folder, self.id))
        for where in mine:
            recovery.forget_runner(where, ())
        if not any(where.journal.exists() for where in mine):
            delete(self.folder / f"{self.id}.owner")

    # after a crash

    def adopt(self, owner: str, lock: int | None = None) -> bool:
        """Mind what the dead executor of this id left. False: it lives, or another one minds it. `lock`: its lock,
        if the caller has it already."""
        if owner == self.id or owner in self.adopted:
            return True
        try:
            held = places.owner_lock(self.folder, owner) if lock is None else lock
        except (BlockingIOError, FileNotFoundError):
            return False
        self._adopted.append(recovery.Adopted(owner, held))
        return True

    def adopt_all(self) -> None:
        """Mind what every dead executor left that nobody else minds."""
        for owner in places.owners(self.folder):
            self.adopt(owner)

    def recover(
        self, running: Mapping[int, str], *, patience: float = PATIENCE, meanwhile: Meanwhile = _nothing
    ) -> dict[int, Found]:
        """What became of attempts that the database believes running: attempt → id of its executor.

        Attempts of adopted executors that still run report their end by `receive` from now on. Orphans of dead
        runners are killed. Ends found here are acknowledged like any other. Once all is stored, call `forget`.
        All runners are asked at once; one that lives but does not answer for `patience` seconds is killed.
        `meanwhile` is called again and again while this waits for them.
        """
        found = recovery.recover(self.folder, self.id, running, self._adopted, patience, meanwhile)
        self._links += [link for each in self._adopted for link in each.links if link not in self._links]
        return found

    def give_up(self, running: Mapping[int, str]) -> dict[int, Found]:
        """Attempts of executors that can't be adopted: what of them can be reached is killed."""
        return recovery.give_up(running)

    def forget(self, running: Collection[int]) -> None:
        """Delete what adopted executors left, but journals that tell of an attempt in `running`."""
        for each in list(self._adopted):
            if recovery.forget_owner(self.folder, each.owner, running):
                self._adopted.remove(each)
                os.close(each.lock)

    @property
    def adopted(self) -> list[str]:
        """The ids of the dead executors whose remains are ours to mind."""
        return [each.owner for each in self._adopted]

    # inside

    def _new_runner(self, *, fork: bool) -> Link:
        where = place(self.folder, self.id, self._lives)
        self._lives += 1
        connection, pid = launch(where, fork=fork)
        return Link(where, connection, pid)

    def _revive(self) -> None:
        """A new runner for the one that died. A machine without room for one may have it at the next start."""
        try:
            self._own = self._new_runner(fork=False)
        except OSError as problem:
            why = (problem.strerror or "unknown reason").lower()
            if not self._trouble:
                self.say(
                    f"the runner died, and there can't be another one: {why}; what is to start fails until then"
                )
            self._trouble = f"there is no runner, and none can be made: {why}"
            return
        self._links.append(self._own)
        if self._trouble:
            self._trouble = ""
            self.say("there is a runner again")

    def _wait(self, seconds: float | None) -> bool:
        """Take what comes within this time; True if it was a call of `wake`."""
        if self._ready:
            seconds = 0
        poll = select.poll()
        poll.register(self._bell, select.POLLIN)
        links = {link.fileno(): link for link in self._links}
        for descriptor in (*links, *self._pidfds):
            poll.register(descriptor, select.POLLIN)
        woken = False
        for descriptor, _ in poll.poll(None if seconds is None else math.ceil(seconds * 1000)):
            if descriptor == self._bell:
                woken = os.eventfd_read(self._bell) > 0
            elif descriptor in links:
                self._hear(links[descriptor])
            else:
                self._reap(descriptor)
        self._mind_the_dead()
        return woken

    def _hear(self, link: Link) -> None:
        for frame in link.receive():
            rows = frame.get("e", [])
            link.ended(rows)
            self._ready += rows

    def _reap(self, pidfd: int) -> None:
        pid = self._pidfds.pop(pidfd)
        os.close(pidfd)
        self._inherited.reaped(*os.waitpid(pid, 0))

    def _mind_the_dead(self) -> None:
        for link in [link for link in self._links if link.broken]:
            self._links.remove(link)
            for each in self._adopted:
                each.links[:] = [kept for kept in each.links if kept is not link]
            self._bury(link)

    def _bury(self, link: Link) -> None:
        """A runner is gone: take its tasks over as far as they are our children now."""
        if link is self._own:
            self._own = None
            self._revive()
        remains = recovery.remains(link)
        self._ready += remains.ends
        self._unstored.update(link.unacknowledged, (end[0] for end in remains.ends))
        for attempt, pid, started in remains.children:
            self._diaries[attempt] = link.place.journal
            self._inherit(attempt, pid, started, link.live[attempt])
        again = [start for start in link.live.values() if start and start.attempt in remains.unstarted]
        if again:
            self.start(again)

    def _inherited_ends(self) -> list[EndRow]:
        ends = self._inherited.take()
        for end in ends:
            recovery.complete(end, journal.read(self._diaries.pop(end[0])))
        return ends

    def _inherit(self, attempt: int, pid: int, started: float, start: Start | None) -> None:
        self._unstored.add(attempt)
        self._pidfds[os.pidfd_open(pid)] = pid
        timeout, grace = (start.timeout, start.grace) if start else (None, _GRACE)
        self._inherited.add(attempt, pid, started, timeout, grace)

    def _part(self, link: Link) -> None:
        """Wait for a runner that has nothing left to do; leave any other alone."""
        if link.live or link.unacknowledged:
            link.leave()
            return
        link.patience(_FAREWELL)
        while not link.broken and link.receive():
            pass
        if link.broken:
            link.hang_up()
        else:
            link.leave()


def _say_nothing(_line: str) -> None:
    pass


def _shorter(deadline: float | None, seconds: float | None) -> float | None:
    left = None if deadline is None else max(0.0, deadline - time.monotonic())
    return min((each for each in (left, seconds) if each is not None), default=None)
