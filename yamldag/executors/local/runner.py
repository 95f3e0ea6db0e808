"""The runner: the process that is the parent of all tasks of one scheduler, and outlives it.

It knows neither SQL nor YAML and has one thread. What happens is in its journal before anybody hears of it.
When its scheduler is gone it goes on until its tasks have ended; a new scheduler may connect meanwhile.
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import socket
import time
from typing import Any

from yamldag.executors.local import orphans
from yamldag.executors.local.children import Children
from yamldag.executors.local.journal import Journal, header
from yamldag.executors.local.making import Maker
from yamldag.executors.local.order import Base, Order
from yamldag.executors.local.orphans import become_subreaper, boot
from yamldag.executors.local.protocol import EndRow, Lines, StartRow, encode
from yamldag.executors.local.reuse import Worker
from yamldag.operators.secrets import DECLARED, is_private

_PORTION = 16
"""Processes made before looking again for what has ended."""
_SILENT = "its scheduler has given no sign for so long that others may run it elsewhere"
_DRAIN = 5.0
"""Seconds to wait for the end of a connection whose scheduler was replaced."""


class Runner:
    def __init__(
        self, owner: str, journal: int, path: str, listener: socket.socket, scheduler: socket.socket
    ) -> None:
        """`path`: of the journal, for those that write their results there."""
        self._owner = owner
        self._journal = Journal(journal)
        self._results: dict[int, str] = {}
        """Of attempts that have not ended yet."""
        self._listener = listener
        self._scheduler: socket.socket | None = None
        self._lines = Lines()
        self._out = b""
        self._wake = _wake_on_child()
        self._poll = select.poll()
        self._poll.register(listener, select.POLLIN)
        self._poll.register(self._wake, select.POLLIN)
        self._maker = Maker(journal, path, self._hire)
        self._warm = self._maker.warm
        self._keys = {name: value for name, value in os.environ.items() if is_private(name)}
        """What this machine gives to those who look secrets up: it never goes by the scheduler."""
        self._bases: dict[int, tuple[Base, Base]] = {}
        """By number: for any task, and for those who look secrets up."""
        self._children = Children()
        self._queue: dict[int, StartRow] = {}
        self._known: set[int] = set()
        self._unacknowledged: dict[int, EndRow] = {}
        self._closing = False
        self._until: float | None = None
        """When its tasks are to end unless a scheduler says otherwise before; None: never."""
        self._attach(scheduler)

    def run(self) -> None:
        while not self._over():
            self._wait()
            self._mind_silence()
            self._make_processes()
            self._reap()
            self._say_ends()
            self._send()
        self._warm.close()

    @property
    def forgettable(self) -> bool:
        """Nothing is in the journal that is not stored elsewhere."""
        return not self._unacknowledged

    def _over(self) -> bool:
        if self._queue or self._children.live:
            return False
        return self._scheduler is None or (self._closing and not self._out)

    def _wait(self) -> None:
        ready = self._poll.poll(0 if self._queue else _milliseconds(self._patience()))
        for fd, event in ready:
            if fd == self._wake:
                os.read(fd, 4096)
            elif fd == self._listener.fileno():
                self._welcome(self._listener.accept()[0])
            elif worker := self._warm.reuse.busy.get(fd):
                self._hear_answer(worker)
            elif self._scheduler is not None and event & ~select.POLLOUT:
                self._read()

    def _patience(self) -> float | None:
        self._warm.mind()
        waits = (self._children.wait(), self._warm.wait(), self._silence())
        return min((each for each in waits if each is not None), default=None)

    def _silence(self) -> float | None:
        """Seconds until what runs is to end for it."""
        left = 0.0 if self._until is None else self._until - time.monotonic()
        return left if left > 0 and self._children.live else None

    # the scheduler

    def _attach(self, scheduler: socket.socket) -> None:
        scheduler.setblocking(False)
        self._scheduler, self._lines, self._out, self._bases = scheduler, Lines(), b"", {}
        self._poll.register(scheduler, select.POLLIN)

    def _detach(self) -> None:
        if self._scheduler is not None:
            self._poll.unregister(self._scheduler)
            self._scheduler.close()
            self._scheduler = None

    def _welcome(self, scheduler: socket.socket) -> None:
        """A new scheduler: what the old one had sent comes first."""
        if self._scheduler is not None:
            self._scheduler.settimeout(_DRAIN)
            while self._scheduler is not None:
                self._read()
        self._attach(scheduler)

    def _read(self) -> None:
        """Take what the scheduler has sent; detach from one that is gone."""
        assert self._scheduler is not None
        try:
            frames = self._lines.receive(self._scheduler)
        except BlockingIOError:
            return
        except OSError:
            frames = None
        if frames is None:
            self._detach()
            return
        for frame in frames:
            self._obey(frame)

    def _obey(self, frame: dict[str, Any]) -> None:
        if "until" in frame:
            limit = frame["until"]
            self._until = None if limit is None else time.monotonic() + limit
        for attempt in frame.get("a", ()):
            self._unacknowledged.pop(attempt, None)
        for number, base in frame.get("b", ()):
            if number == 0:
                self._bases = {}
            self._bases[number] = Base(base), Base({**self._keys, **base})
        for start in frame.get("s", ()):
            if start[0] not in self._known:
                self._known.add(start[0])
                start[2] = self._bases[start[2]][DECLARED in start[3]]
                self._queue[start[0]] = start
        for attempt in frame.get("t", ()):
            self._stop(attempt, kill=False)
        for attempt in frame.get("k", ()):
            self._stop(attempt, kill=True)
        if "hello" in frame:
            live = [*self._children.live, *self._queue]
            self._tell({"hello": {"live": live, "ended": list(self._unacknowledged.values())}})
        self._closing = self._closing or "close" in frame

    def _tell(self, frame: dict[str, Any]) -> None:
        if self._scheduler is not None:
            self._out += encode(frame)

    def _send(self) -> None:
        """As much as goes without waiting: a scheduler that sleeps holds up no time-out."""
        if self._scheduler is None or not self._out:
            return
        try:
            self._out = self._out[self._scheduler.send(self._out) :]
        except BlockingIOError:
            pass
        except OSError:
            self._out = b""  # what it had sent before it went is still to be read
        self._poll.modify(self._scheduler, select.POLLIN | (select.POLLOUT if self._out else 0))

    # the tasks

    def _mind_silence(self) -> None:
        """Where there are other machines: end everything before they begin it anew."""
        if self._until is None or time.monotonic() < self._until:
            return
        self._note([_never_began(attempt, "lost", _SILENT) for attempt in self._queue])
        self._queue.clear()
        lost = [attempt for attempt in list(self._children.live) if self._children.lose(attempt, _SILENT)]
        if lost:
            orphans.kill(
                {f"{self._owner}.{attempt}" for attempt in lost}
            )  # those too that have left their group

    def _make_processes(self) -> None:
        if not self._queue:
            return
        if not self._children.live and not self._unacknowledged:
            self._journal.cut()
        elif self._journal.is_long:
            self._journal.tell_again(
                self._children.running, self._results, list(self._unacknowledged.values())
            )
        portion = [self._queue.pop(attempt) for attempt in list(self._queue)[:_PORTION]]
        try:
            self._journal.starting([start[0] for start in portion])
        except OSError:
            words = "the runner's journal cannot be written: is the disk full?"
            self._note([_never_began(start[0], "unstartable", words) for start in portion])
            return
        made, failed = self._maker.make([self._order(start) for start in portion])
        limits = {start[0]: start[6:8] for start in portion}
        for each in made:
            self._children.add(*each, *limits[each.attempt])
        self._journal.started(made)
        self._note(failed)

    def _order(self, start: StartRow) -> Order:
        attempt, argv, base, own, cwd, log, _, _, warm, spec, shared = start
        return Order(attempt, f"{self._owner}.{attempt}", argv, base, own, cwd, log, shared, warm, spec)

    def _hire(self, worker: Worker) -> None:
        self._poll.register(worker.descriptor, select.POLLIN)

    def _hear_answer(self, worker: Worker) -> None:
        """A process that goes on after its attempt has told the exit code, or is gone."""
        attempt, said = worker.attempt, worker.hear()
        if said is not None and self._children.done(attempt, *said):
            self._warm.reuse.free(worker)
            return
        self._poll.unregister(worker.descriptor)
        self._warm.reuse.lose(worker)

    def _stop(self, attempt: int, *, kill: bool) -> None:
        if self._queue.pop(attempt, None):
            self._note([_never_began(attempt, "stopped", "stopped before it began")])
        else:
            self._children.stop(attempt, kill=kill)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if said := self._warm.reuse.last_words(pid):
                self._children.done(*said)
            self._children.reaped(pid, status)

    def _say_ends(self) -> None:
        ends = self._children.take()
        if not ends:
            return
        self._results.update(self._journal.results())
        for end in ends:
            end[-1] = self._results.pop(end[0], None)
            self._maker.ended(end[0])
        if self._results:  # of a task that ended in two processes, the second too late
            self._results = {
                each: said for each, said in self._results.items() if each in self._children.live
            }
        self._note(ends)

    def _note(self, ends: list[EndRow]) -> None:
        if ends:
            self._journal.ended(ends)
            self._unacknowledged.update((end[0], end) for end in ends)
            self._tell({"e": ends})


def _never_began(attempt: int, reason: str, words: str) -> EndRow:
    now = time.time()
    return [attempt, -signal.SIGTERM if reason == "stopped" else 126, reason, now, now, words, None]


def _milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else int(seconds * 1000) + 1


def _wake_on_child() -> int:
    """A descriptor that becomes readable when a child has ended."""
    reader, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    return reader


def main(owner: str, journal: int, listener: int, scheduler: int, files: tuple[str, ...]) -> None:
    """The life of the process. The descriptors become its own, all others are closed. Of `files`, its socket
    and its journal, the second stays if somebody may need it. What should never happen is told beside it."""
    try:
        _settle(journal, listener, scheduler)
        sockets = (socket.socket(fileno=listener), socket.socket(fileno=scheduler))
        runner = Runner(owner, journal, files[1], *sockets)
        runner.run()
        for path in files if runner.forgettable else files[:1]:
            _delete(path)
    except BaseException:
        import traceback

        with open(f"{files[1]}.crash", "w") as file:
            traceback.print_exc(file=file)
        raise


def _settle(journal: int, listener: int, scheduler: int) -> None:
    """Make a process that nothing but its tasks and its scheduler holds to."""
    os.write(journal, header(boot(), os.getpid()))
    os.setsid()
    _keep_only(journal, listener, scheduler)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # it ends by itself, after its tasks
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    become_subreaper()
    gc.disable()


def from_words(words: list[str]) -> None:
    """`main` for a new interpreter: what it takes, as words."""
    owner, journal, listener, scheduler, *files = words
    for descriptor in (journal, listener, scheduler):
        os.set_inheritable(int(descriptor), False)
    main(owner, int(journal), int(listener), int(scheduler), tuple(files))


def _delete(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)


def _keep_only(*descriptors: int) -> None:
    """Whoever waits for the end of a pipe that the scheduler had open must not wait for us."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2 and int(name) not in descriptors:
            with contextlib.suppress(OSError):  # the listing's own
                os.close(int(name))
