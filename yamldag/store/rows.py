"""Rows as the driver takes them: each is the parameters of the statement of its name, in order."""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct, field


class NewRun(NamedTuple):
    id: str
    pipeline: str
    version: str | None
    type: str
    state: str
    logical_date: str
    data_interval_start: str
    data_interval_end: str
    tick: str | None
    params: str
    only_tasks: str | None
    created: float
    started: float | None
    owner: int | None
    caller: int | None = None


class RunMove(NamedTuple):
    state: str
    ended: float | None
    reason: str | None
    stop: str | None
    id: str
    was: str
    owner: int


class NewInstance(NamedTuple):
    id: int
    run: str
    task: str
    map_index: int
    item: str | None
    state: str
    attempts: int
    tries: int
    attempt: int | None
    ready: float | None
    retry_at: float | None
    started: float | None
    ended: float | None
    reason: str | None


class Expansion(NamedTuple):
    """An instance that stood for no item yet gets one: what stood for the whole mapped task is its first."""

    map_index: int
    item: str
    id: int


class InstanceMove(NamedTuple):
    state: str
    attempts: int
    tries: int
    attempt: int | None
    ready: float | None
    retry_at: float | None
    started: float | None
    ended: float | None
    reason: str | None
    id: int
    was: str
    attempts_were: int


class NewAttempt(NamedTuple):
    id: int
    instance: int
    number: int
    state: str
    runner: int
    started: float | None
    ended: float | None
    exit_code: int | None
    reason: str | None
    message: str | None
    log: str | None


class AttemptEnd(NamedTuple):
    state: str
    started: float
    ended: float
    exit_code: int | None
    reason: str
    message: str | None
    id: int
    was: str


class NewDeferral(NamedTuple):
    instance: int
    attempt: int
    spec: str
    since: float
    until: float | None


class DeferralEnd(NamedTuple):
    instance: int
    attempt: int


class Uncalled(NamedTuple):
    """A run whose caller waits for it no longer."""

    run: str
    now: float


class Output(NamedTuple):
    instance: int
    value: str


class Answer(NamedTuple):
    """A request is obeyed."""

    done: float
    answer: str
    id: int


class Kept(NamedTuple):
    """An output that others may reuse."""

    hash: str
    instance: int
    value: str | None
    created: float


class NewClaim(NamedTuple):
    """Someone waits for slots of a pool."""

    instance: int
    run: str
    pool: str
    slots: int
    precedence: int
    ready: float


class AssetUpdate(NamedTuple):
    """A task's success has updated an asset."""

    asset: str
    run: str
    task: str
    at: float


class NewNotification(NamedTuple):
    id: int
    run: str
    instance: int
    attempt: int
    cause: str
    position: int
    state: str
    created: float
    ended: float | None
    message: str | None
    owner: int


class Logged(NamedTuple):
    """A line of the event log."""

    run: str
    instance: int | None
    attempt: int | None
    event: str
    state: str
    at: float
    detail: str | None


class Batch(Struct):
    """All that one step changes of one run: it is stored as a whole or not at all."""

    run: list[RunMove] = field(default_factory=list)
    expansions: list[Expansion] = field(default_factory=list)
    new_instances: list[NewInstance] = field(default_factory=list)
    instances: list[InstanceMove] = field(default_factory=list)
    attempt_ends: list[AttemptEnd] = field(default_factory=list)
    new_attempts: list[NewAttempt] = field(default_factory=list)
    deferral_ends: list[DeferralEnd] = field(default_factory=list)
    deferrals: list[NewDeferral] = field(default_factory=list)
    called: list[NewRun] = field(default_factory=list)
    uncalled: list[Uncalled] = field(default_factory=list)
    outputs: list[Output] = field(default_factory=list)
    events: list[Logged] = field(default_factory=list)
    unmapped: list[tuple[int]] = field(default_factory=list)
    """Instances that are for no item any more, until there are items again."""
    forgotten: list[tuple[int]] = field(default_factory=list)
    """Instances whose outputs are deleted."""
    answers: list[Answer] = field(default_factory=list)
    unclaims: list[tuple[int]] = field(default_factory=list)
    """Instances that give back their claims, before others are put in."""
    disclaims: list[tuple[int]] = field(default_factory=list)
    """Instances whose claims go, if they have any."""
    claims: list[NewClaim] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    """Each in place of what was kept under its hash before."""
    asset_updates: list[AssetUpdate] = field(default_factory=list)
    notifications: list[NewNotification] = field(default_factory=list)
