"""What an operator is to the engine: it says what to start for an attempt, and reads how that ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol, TypeAlias

from msgspec import Struct, field

from yamldag.operators.fenced import Fence

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

Result: TypeAlias = Literal["success", "failed", "skipped"]


class Attempt(Struct, frozen=True):
    """One attempt and its places. Paths are absolute; the engine makes the folders (0700)."""

    run_id: str
    task_id: str
    number: int
    """Which try of its task it is, from 1: `$YAMLDAG_ATTEMPT`."""
    map_index: int | None
    folder: str
    """The folder of the file that the task stands in."""
    cwd: str
    """Where it runs: `working_dir`, or `folder`."""
    run_dir: str
    output_path: str
    """`$YAMLDAG_OUTPUT`: what a shell writes its output to. Not there before the attempt writes it."""
    result_path: str
    """Where the task's own process (python, http) leaves a result that is too long to be told. Not there before."""
    log_path: str
    spec_path: str
    """Where the engine writes the `Work.spec` of a program that is not ours, mode 0600: it may hold secrets."""
    inner: bool = True
    """May it speak to the inner network (loopback, private addresses)? False: where it goes was given from outside."""
    allow_hosts: tuple[str, ...] = ()
    """Hosts and networks that it may speak to in any case."""
    told: dict[str, Any] = field(default_factory=dict)
    """What another tool's operator wants to know of the run, as JSON: see `yamldag.operators.airflow`. Else empty."""
    timeout: float | None = None
    """Seconds that it may take; who started it sees to that."""
    fences: dict[str, Fence] = field(default_factory=dict)
    """By parameter, where its paths may lead that were given from outside."""
    connected: bool = False
    """Its connections are what a guard has looked up, by their ids."""
    notification: int | None = None
    """The id of the notification that it is, and not one of its task's attempts."""

    @property
    def whose(self) -> tuple[str, ...]:
        """What it has in common, in its run, with the other tries of the same and with nothing else."""
        own = () if self.notification is None else (f"notification {self.notification}",)
        return (self.task_id, str(self.map_index), *own)

    @property
    def reach(self) -> dict[str, Json]:
        """What of its spec says where it may go."""
        return {"inner": self.inner, "listed": list(self.allow_hosts)}


class Work(Struct, frozen=True):
    """What is to be started for an attempt."""

    argv: tuple[str, ...]
    env: dict[str, str] = field(default_factory=dict)
    """Put over the attempt's environment."""
    spec: dict[str, Json] | None = None
    """As JSON it is written to `attempt.spec_path` before the start, or, with `warm`, told with the start; unless
    None."""
    warm: tuple[str, ...] = ()
    """Of a process of ours, which gets its spec in place of its last argument: `("fork", operator, folder, module)`,
    it may be a fork of one that has loaded what it needs; `("reuse", …)`, one process may carry out many."""


class Outcome(Struct, frozen=True):
    """How an attempt ended."""

    state: Result
    reason: str = ""
    """Words for a person; empty for a plain success."""
    output: Json = None
    retry: bool = False
    """Of a failure: may `retries` try it again? False for `Fail`, bad output, parameters that cannot be."""


class End(Protocol):
    """The part of an executor's `Ended` that an operator looks at."""

    @property
    def exit(self) -> int: ...
    @property
    def reason(self) -> str: ...
    @property
    def message(self) -> str: ...
    @property
    def result(self) -> str | None:
        """What a process of ours has told, as JSON."""


class Operator(Protocol):
    """How an operator is carried out; ours are modules. What a plug-in brings is simpler: see `plugins`."""

    @property
    def inline(self) -> bool:
        """True: `prepare` gives an Outcome, there is never a process."""

    def prepare(
        self, params: Mapping[str, Json], args: Mapping[str, Json], attempt: Attempt, /
    ) -> Work | Outcome:
        """What to start. Parameters and args are rendered; what keeps its type where text is wanted becomes
        text here. An Outcome means that the attempt is over before anything was started."""

    def outcome(self, ended: End, attempt: Attempt, declared: Mapping[str, Json] | None, /) -> Outcome:
        """How the attempt ended, from its exit and the files that it left. `declared` is the JSON Schema that
        its output must fit. Costs a task that wrote no output one failed look."""


def text(value: Json) -> str:
    """A value where text is wanted: text as it is, anything else as JSON (`true`, `null`, `[1, 2]`)."""
    if isinstance(value, str):
        return value
    import json

    return json.dumps(value, ensure_ascii=False)


def words(values: Sequence[Json]) -> tuple[str, ...]:
    """Each value as text."""
    return tuple(map(text, values))
