"""The plan of one pipeline: what compile makes, what everything else draws, stores, runs and shows.

All names are resolved: ids are full (`group.child`), `needs` name tasks alone (groups have become their leaves or
roots), and templates speak of tasks by their full id (`tasks['group.child']`) and of a used template's params as
`uses['group'].x`. Durations are seconds, dates are texts as written in the file.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
from msgspec import Struct, field

if TYPE_CHECKING:
    Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
else:
    Json = Any  # who decodes a plan takes these values as they come

MOST_ITEMS = 100_000
"""Of a `foreach`, or combinations of a `matrix`."""


_NOTICES = ("on_failure", "on_success", "on_retry", "on_deadline")


class Call(Struct, frozen=True):
    """A notification: one call of an operator, outside the graph."""

    operator: str
    params: dict[str, Json]
    args: dict[str, Json] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    timeout: float | None = None
    folder: str = ""
    """Absolute folder of the file that it stands in."""
    digest: float | None = None
    """Seconds that it waits for others of its kind, to be one message with them; None: it does not."""


class Cache(Struct, frozen=True):
    key: str
    ttl: float | None = None


class Fanout(Struct, frozen=True):
    """How one task, or one chain of a group's tasks, becomes many. Exactly one of the two is set."""

    foreach: Json = None
    """A list, or one template that gives a list."""
    matrix: dict[str, Json] | None = None
    """Axes in written order, the last one fastest; each a list or a template that gives one."""
    exclude: Json = None
    """Combinations left out: a list of mappings, or a template."""
    max_active: int | None = None


class Task(Struct, frozen=True):
    id: str
    operator: str
    params: dict[str, Json] = field(default_factory=dict)
    """The operator's parameters, the short form written out; strings are templates."""
    args: dict[str, Json] = field(default_factory=dict)
    """`args` of a python task, `with` of a pipeline task."""
    needs: tuple[str, ...] = ()
    """All direct parents, sorted: written, referenced, and those that groups and teardowns bring."""
    judged: tuple[str, ...] = ()
    """The parents that the trigger rule looks at, sorted. The others must only be done."""
    referenced: tuple[str, ...] = ()
    """The parents that only a template reference made, sorted: drawn dashed."""
    trigger_rule: str = "all_success"
    when: tuple[bool | str, ...] = ()
    """Conditions asked in this order, the outermost group's first; expressions without their `{{ }}`."""
    mapped_by: str | None = None
    """The id of what is mapped: the task itself, a group that it is part of, or nothing."""
    retries: int = 0
    retry_delay: float = 30.0
    retry_backoff: float = 1.0
    max_retry_delay: float = 3600.0
    timeout: float | None = None
    allow_failure: bool = False
    on_lost: str = "retry"
    depends_on_past: bool = False
    pool: str | None = None
    pool_slots: int = 1
    priority: int = 0
    env: dict[str, str] = field(default_factory=dict)
    """Merged from the project, the file, the groups and the task; values are templates."""
    working_dir: str | None = None
    """Relative to `folder`; a template. None: `folder` itself."""
    folder: str = ""
    """Absolute folder of the file that the task stands in: where its modules and files are sought."""
    output: dict[str, Json] | None = None
    """The JSON Schema that the output must fit, or None: anything."""
    produces: tuple[str, ...] = ()
    queue: str | None = None
    cache: Cache | None = None
    setup: bool = False
    teardown_of: tuple[str, ...] = ()
    on_failure: tuple[Call, ...] = ()
    on_success: tuple[Call, ...] = ()
    on_retry: tuple[Call, ...] = ()
    description: str | None = None
    group: str | None = None
    """The id of the innermost group, or None."""
    file: str = ""
    line: int = 0


class Group(Struct, frozen=True):
    id: str
    parent: str | None = None
    mapping: Fanout | None = None
    description: str | None = None
    use: str | None = None
    """The name of the template that it was made of, or None."""
    params: dict[str, Json] = field(default_factory=dict)
    """Of a use: `with` over the template's defaults; read in templates as `uses['id'].x`."""
    awaits: tuple[str, ...] = ()
    """The tasks that its condition, items and params read, sorted: parents of its first tasks, and done before a
    condition of any task in it is asked."""


class Param(Struct, frozen=True):
    name: str
    schema: dict[str, Json]
    """A JSON Schema; it holds `default` unless the param is required."""

    @property
    def required(self) -> bool:
        return "default" not in self.schema


class Plan(Struct, frozen=True):
    pipeline: str
    file: str = ""
    """Path of the pipeline's file, relative to the project's root where possible."""
    folder: str = ""
    """Absolute folder of that file."""
    description: str | None = None
    owner: str | None = None
    tags: tuple[str, ...] = ()
    schedule: Json = None
    """As written; `plan.schedule` reads it."""
    timezone: str = "UTC"
    start: str | None = None
    end: str | None = None
    catchup: str = "latest"
    max_active_runs: int = 16
    max_active_tasks: int = 16
    timeout: float | None = None
    deadline: dict[str, Json] | None = None
    """`{"after": seconds}` or `{"at": "06:00"}`."""
    params: tuple[Param, ...] = ()
    vars: dict[str, Json] = field(default_factory=dict)
    tasks: tuple[Task, ...] = ()
    """In the order of the file, groups' tasks where the group stands."""
    groups: tuple[Group, ...] = ()
    mapped: dict[str, Fanout] = field(default_factory=dict)
    """What is mapped, by the id that `mapped_by` names: a task's or a group's."""
    on_failure: tuple[Call, ...] = ()
    on_success: tuple[Call, ...] = ()
    on_deadline: tuple[Call, ...] = ()
    allow_env: tuple[str, ...] = ()
    allow_hosts: tuple[str, ...] = ()
    allow_paths: tuple[str, ...] = ()
    """Absolute folders."""

    @property
    def called(self) -> list[str]:
        """The pipelines that its tasks and notifications make runs of."""
        told = (self, *self.tasks)
        notices = (call for one in told for name in _NOTICES for call in getattr(one, name, ()))
        return [str(one.params["id"]) for one in (*self.tasks, *notices) if one.operator == "pipeline"]

    @property
    def edges(self) -> list[tuple[str, str]]:
        """(parent, child), sorted."""
        return sorted((parent, task.id) for task in self.tasks for parent in task.needs)


class UnreadableError(Exception):
    """A text that is no plan of this version's."""


class _Params(Struct):
    params: tuple[Param, ...] = ()


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Plan)
_PARAMS = msgspec.json.Decoder(_Params)


def to_json(plan: Plan) -> dict[str, Any]:
    """The plan as JSON data."""
    data: dict[str, Any] = msgspec.to_builtins(plan)
    return data


def to_text(plan: Plan) -> str:
    """The plan as it is stored: JSON. `from_text` gives it back; keys keep the order of the file, since that of a
    matrix's axes counts."""
    return _ENCODER.encode(plan).decode()


def from_text(text: str) -> Plan:
    """The plan that `to_text` wrote. Raises UnreadableError."""
    try:
        return _DECODER.decode(text)
    except (msgspec.MsgspecError, RecursionError) as problem:
        raise UnreadableError(str(problem)) from None


def params_of(text: str) -> tuple[Param, ...]:
    """The params of the plan that `to_text` wrote, and nothing else of it. Raises UnreadableError."""
    try:
        return _PARAMS.decode(text).params
    except (msgspec.MsgspecError, RecursionError) as problem:
        raise UnreadableError(str(problem)) from None


def text_hash(text: str) -> str:
    """Of a plan's text: the version of its pipeline."""
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def version(plan: Plan) -> str:
    """A hash of what the plan says: equal plans have equal versions."""
    return text_hash(to_text(plan))
