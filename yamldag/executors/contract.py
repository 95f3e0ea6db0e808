"""What the engine asks of an executor: start attempts, stop them, say how they ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct, field

_NOTHING: Mapping[str, str] = {}


class Start(Struct, frozen=True):
    """One attempt to start. Everything is resolved: no template, no name is looked up any more."""

    attempt: int
    """Unique in the database; an executor refuses to start the same one twice."""
    argv: tuple[str, ...]
    env: dict[str, str]
    """The environment, over that of `base`."""
    cwd: str
    log: str
    """Path of the file that takes stdout and stderr."""
    timeout: float | None = None
    """Seconds from the start until the whole process group gets TERM."""
    grace: float = 10.0
    """Seconds from TERM to KILL."""
    base: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    """What is below `env` in the environment. The same object for many: it is sent once."""
    warm: tuple[str, ...] = ()
    """How a process that is there already may carry it out, as `operators.contract.Work` has it; an executor
    need not heed it."""
    spec: str | None = None
    """What a process of ours is to carry out, as JSON. It gets that in place of the last word of `argv`; it is in no
    file that has a name."""
    log_is_shared: bool = False
    """Others write to the log too, before, after or meanwhile."""


class Ended(Struct, frozen=True):
    """How an attempt ended. Reported again after each reconnection until it is acknowledged."""

    attempt: int
    exit: int
    """The exit code; minus the signal's number if one ended it."""
    reason: str
    """`exit` (by itself), `timeout`, `stopped` (it was asked to), `unstartable`, `lost` (its end is not known)."""
    started: float
    ended: float
    """Unix times."""
    message: str = ""
    """Words for a person where the reason needs them: why it could not be started."""
    result: str | None = None
    """What a process of ours has told of itself, as JSON. None: it told nothing, or too much, which is in the file
    that its spec names."""


class Executor(Protocol):
    def start(self, batch: Sequence[Start]) -> None:
        """Start attempts; those already started are passed over."""

    def stop(self, attempts: Iterable[int], *, kill: bool = False) -> None:
        """TERM to each attempt's process group, KILL after its grace; with `kill`, KILL at once."""

    def receive(self, timeout: float | None) -> list[Ended]:
        """The ends that have come, waiting for the first at most `timeout` seconds (None: for ever)."""

    def acknowledge(self, attempts: Iterable[int]) -> None:
        """These ends are stored: the executor may forget them."""

    def wake(self) -> None:
        """Make a `receive` that is waiting in another thread, or in this one below a signal handler, return."""

    def close(self) -> None:
        """No further starts. Leaves no process behind that nobody watches."""
