"""Why a task is not running, or how it came to end: each condition with its answer, who holds it, until when.

Pure: a run as its rows have it, one instance of it, and the circumstances that other rows tell of. What the engine
would decide of an instance that has not begun is asked of the engine's own rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from yamldag.engine import times
from yamldag.engine.memory.run import Instance, Node, Run
from yamldag.engine.step.readiness import decision_of
from yamldag.engine.step.stopping import cleans_up
from yamldag.plan.state import FINAL, TaskState

ACTIVE = (TaskState.QUEUED, TaskState.RUNNING)
BY_CLOCK = ("scheduled", "assets")
"""Types of runs that a pause holds back."""
_BAD = (TaskState.FAILED, TaskState.UPSTREAM_FAILED)
_SHOWN = 5
"""Names in a list; the others are counted."""


class Condition(Struct, frozen=True):
    """One thing that must hold before the task can run, or a fact about one that has begun."""

    what: str
    holds: bool
    detail: str
    until: str | None = None
    """ISO 8601 in UTC: when it will hold by the clock, if nothing else happens."""
    moments: tuple[str, ...] = ()
    """The moments that `detail` speaks of, each as it stands in it: ISO 8601 in UTC."""


class Life(Struct, frozen=True):
    """An engine."""

    name: str
    """For people: which process, on which machine."""
    gone: bool
    """It has ended, or its process is not there."""
    silent: float
    """Seconds since it last wrote, by the database's clock."""
    slots: int | None = None
    running: int = 0
    """Attempts that it runs."""


class Claim(Struct, frozen=True):
    """Slots of a pool that an instance holds, or waits for."""

    label: str
    """`run/task[0]`"""
    instance: int
    slots: int
    granted: bool


class Past(Struct, frozen=True):
    """The run that `depends_on_past` looks at, and how the same task ended there."""

    run: str
    over: bool
    state: str | None
    """None: it lacks the task, or has not begun."""
    cut_short: bool = False
    """It was skipped by a cancel or a time-out."""
    begun: bool = True


class Circumstances(Struct, frozen=True, kw_only=True):
    """What other rows say. A scheduler that has not written for longer than `lease` seconds hangs or is dead."""

    lease: float
    owner: Life | None = None
    schedulers: tuple[Life, ...] = ()
    paused: bool = False
    removed: bool = False
    """The pipeline's file is gone."""
    active: tuple[str, ...] = ()
    """Runs of the pipeline that run now, or of the run's backfill."""
    most_active: int = 16
    ahead: int = 0
    """Runs of it that wait, and go first."""
    backfill: str | None = None
    backfill_cancelled: bool = False
    pool_slots: int | None = None
    """None: there is no such pool."""
    claims: tuple[Claim, ...] = ()
    """Of the task's pool: those that hold slots, then those that wait, the first first."""
    waits_for: str | None = None
    """What it is deferred on, in words."""
    waits_until: float | None = None
    moments: tuple[str, ...] = ()
    """Those that `waits_for` speaks of, as they stand in it."""
    past: Past | None = None
    held: str | None = None
    """It is to be cleared first: what that waits for."""
    to_stop: bool = False
    """Somebody has asked to cancel the run, and whoever moves it has not done so yet."""


class Answer(Struct, frozen=True):
    waiting: bool
    """It may still run."""
    conditions: tuple[Condition, ...]


def why(run: Run, run_state: str, instance: Instance, now: Circumstances) -> Answer:
    """All that is to be said of an instance."""
    if instance.state in FINAL:
        return Answer(False, tuple(_ended(instance)))
    if run_state == "queued":
        return Answer(True, tuple(_queued(run, now)))
    if run_state != "running":
        words = run.reason or "nothing of it runs any more"
        return Answer(False, (Condition("run", False, f"it is {run_state}: {words}"),))
    return Answer(True, (_moved(now), *_under_way(run, instance, now)))


# The run


def _queued(run: Run, now: Circumstances) -> Iterator[Condition]:
    yield _scheduler(now)
    if now.backfill is not None:
        alive = not now.backfill_cancelled
        yield Condition("backfill", alive, f"`{now.backfill}` " + ("goes on" if alive else "was cancelled"))
    elif run.type in BY_CLOCK:
        yield Condition(
            "pause", not now.paused, "the pipeline is " + ("paused" if now.paused else "not paused")
        )
        gone = "the pipeline's file is gone" if now.removed else "the pipeline's file is there"
        yield Condition("file", not now.removed, gone)
    what = "max_active" if now.backfill is not None else "max_active_runs"
    room = len(now.active) + now.ahead < now.most_active
    used = f"{now.most_active} may be active, {_are(len(now.active))}"
    used += f": {_listed(now.active)}" if now.active else ""
    used += (
        f"; {_count(now.ahead, 'run')} with an older logical date {_go(now.ahead)} first" if now.ahead else ""
    )
    yield Condition(what, room, used)


def _scheduler(now: Circumstances) -> Condition:
    there = [life for life in now.schedulers if not life.gone]
    if not there:
        return Condition("scheduler", False, "no scheduler is at work: start `yamldag serve`")
    best = min(there, key=lambda life: life.silent)
    if best.silent > now.lease:
        words = f"{best.name} has been silent for {_seconds(best.silent)}: it hangs, or is dead"
        return Condition("scheduler", False, words)
    return Condition("scheduler", True, f"{best.name} is at work")


def _moved(now: Circumstances) -> Condition:
    """Whether somebody moves the run that is under way."""
    owner = now.owner
    if owner is None or owner.gone:
        who = f"{owner.name}, which moved it, is gone" if owner else "nobody moves it"
        heirs = [life for life in now.schedulers if not life.gone and life is not owner]
        then = "another scheduler will take it over" if heirs else "start `yamldag serve` to go on with it"
        return Condition("run", False, f"{who}; {then}")
    if owner.silent > now.lease:
        return Condition(
            "run", False, f"{owner.name}, which moves it, has been silent for {_seconds(owner.silent)}"
        )
    return Condition("run", True, f"it is running, moved by {owner.name}")


# An instance of a run that is under way


def _under_way(run: Run, instance: Instance, now: Circumstances) -> Iterator[Condition]:
    state = instance.state
    if now.held:
        yield Condition("clear", False, now.held)
    if run.stop or now.to_stop:
        yield from _stop(run, instance)
    if state in ACTIVE:
        yield Condition("attempt", True, f"attempt {instance.attempts} is {state}")
    elif state is TaskState.UP_FOR_RETRY:
        until = times.shown(instance.retry_at)
        failed = f": {instance.reason}" if instance.reason else ""
        yield Condition(
            "retry_delay", False, f"attempt {instance.attempts} failed{failed}; the next one waits", until
        )
    elif state in (TaskState.DEFERRED, TaskState.UP_FOR_RESCHEDULE):
        what = "approval" if instance.node.task.operator == "approval" else "wait"
        words, until = now.waits_for or "what it awaits", times.shown(now.waits_until)
        yield Condition(what, False, f"it waits for {words}", until, now.moments)
    else:
        yield from _before(run, instance, now)


def _stop(run: Run, instance: Instance) -> Iterator[Condition]:
    """What the end of its run does to it: a teardown still runs if its setup is done."""
    why = run.reason or "the run is being stopped"
    if not run.stop:
        yield Condition(
            "stop", False, "the run is to be cancelled: that happens as soon as who moves it hears of it"
        )
    elif cleans_up(instance):
        if instance.state not in ACTIVE:
            yield Condition("stop", False, f"{why}: it runs once all that was told to end has ended")
    elif instance.state in ACTIVE:
        yield Condition("stop", False, f"{why}: it was told to end")
    else:
        yield Condition("stop", False, f"{why}: nothing more of it starts")


def _before(run: Run, instance: Instance, now: Circumstances) -> Iterator[Condition]:
    """Of one that has not begun, in the order in which it is asked."""
    yield _parents(instance)
    if instance.state is TaskState.NONE:
        yield _rule(instance)
        if instance.node.task.when:
            told = _written(instance.node.task.when)
            yield Condition("when", False, f"{told}: asked once the trigger rule says run")
    if instance.node.task.depends_on_past:
        yield _past(now)
    if instance.state is TaskState.SCHEDULED:
        yield from _room(run, instance, now)


def _parents(instance: Instance) -> Condition:
    found = [*_above(instance), *_read_by_groups(instance)]
    waiting = [each for each in found if each.state not in FINAL]
    if waiting:
        return Condition("parents", False, _listed(f"`{each.label}` is {each.state}" for each in waiting))
    if not found:
        return Condition("parents", True, "it needs none")
    return Condition(
        "parents", True, f"{'all ' if len(found) > 1 else ''}{_count(len(found), 'parent')} ended"
    )


def _rule(instance: Instance) -> Condition:
    rule, decision = instance.node.task.trigger_rule, decision_of(instance)
    words = {"run": "says run", "wait": "can't decide yet"}.get(decision, f"says {decision}")
    return Condition("trigger_rule", decision == "run", f"`{rule}` {words}")


def _past(now: Circumstances) -> Condition:
    past = now.past
    if past is None:
        return Condition("depends_on_past", True, "there is no earlier run")
    if not past.begun:
        return Condition("depends_on_past", False, f"the run before, {past.run}, has not begun")
    if past.state is None:
        return Condition("depends_on_past", True, f"the run before, {past.run}, has no such task")
    passed = past.state in ("success", "skipped") and not past.cut_short
    words = f"in the run before, {past.run}, it is {past.state}"
    return Condition(
        "depends_on_past", passed, words + (" by a cancel or time-out" if past.cut_short else "")
    )


def _room(run: Run, instance: Instance, now: Circumstances) -> Iterator[Condition]:
    """What a task that is ready waits for."""
    fan, task = instance.node.fan, instance.node.task
    if fan is not None and fan.fanout.max_active is not None:
        used = len(fan.active - {instance.index})
        words = f"{fan.fanout.max_active} items of `{fan.id}` may be under way at once, {_are(used)}"
        yield Condition("max_active", used < fan.fanout.max_active, words)
    active = [each.label for each in run.instances if each.state in ACTIVE]
    most = run.plan.max_active_tasks
    words = f"{most} tasks of the run may run at once, {len(active)} {_do(len(active))}"
    yield Condition(
        "max_active_tasks", len(active) < most, words + (f": {_listed(active)}" if active else "")
    )
    if task.pool is not None:
        yield _pool(task.pool, task.pool_slots, instance, now)
    owner = now.owner
    if owner is not None and owner.slots is not None:
        words = f"{owner.name} has {_count(owner.slots, 'slot')}, {owner.running} in use"
        yield Condition("slots", owner.running < owner.slots, words)


def _pool(name: str, wanted: int, instance: Instance, now: Circumstances) -> Condition:
    if now.pool_slots is None:
        return Condition("pool", False, f"there is no pool `{name}`")
    holders = [claim for claim in now.claims if claim.granted]
    queue = [claim for claim in now.claims if not claim.granted]
    used = sum(claim.slots for claim in holders)
    words = f"`{name}` has {_count(now.pool_slots, 'slot')}, {used} in use"
    words += f" by {_listed(claim.label for claim in holders)}" if holders else ""
    words += f"; it wants {wanted}" if wanted > 1 else ""
    if any(claim.instance == instance.id for claim in holders):
        return Condition("pool", True, words)
    # Of those that wait a process puts only its first one into the queue.
    first = queue[0] if queue else None
    turn = first is None or first.instance == instance.id
    if first is not None:
        words += "; it is the next" if turn else f"; {first.label} goes first"
    return Condition("pool", turn and used + wanted <= now.pool_slots, words)


# One that has ended


def _ended(instance: Instance) -> Iterator[Condition]:
    state = instance.state
    if state is TaskState.UPSTREAM_FAILED:
        yield Condition("upstream", False, _blame(instance))
    elif state is TaskState.SKIPPED and instance.reason == "the trigger rule says so":
        seen = _listed(f"`{each.label}` is {each.state}" for each in _above(instance))
        yield Condition("trigger_rule", False, f"`{instance.node.task.trigger_rule}` says skipped: {seen}")
    elif state is TaskState.SKIPPED and instance.reason == "`when` is false":
        told = _written(instance.node.task.when)
        yield Condition("when", False, f"{told} was false")
    reason = f": {instance.reason}" if instance.reason else ""
    tried = f" after {_count(instance.attempts, 'attempt')}" if instance.attempts else ""
    yield Condition(
        "ended", state is TaskState.SUCCESS, f"it is {state}{tried}{reason}", times.shown(instance.ended)
    )


def _blame(instance: Instance) -> str:
    """Which parents it can't run by, and the tasks at whose failure that began."""
    direct = [each for each in _above(instance) if each.state in _BAD]
    roots: dict[str, None] = {}
    seen: set[int] = set()
    waiting = list(direct)
    while waiting:
        each = waiting.pop(0)
        if each.id in seen:
            continue
        seen.add(each.id)
        if each.state is TaskState.FAILED:
            why = f" ({each.reason})" if each.reason else ""
            roots[f"`{each.label}` failed{why}"] = None
        elif each.state is TaskState.UPSTREAM_FAILED:
            waiting += _above(each)
    words = [
        f"`{each.label}` is upstream_failed" for each in direct if each.state is TaskState.UPSTREAM_FAILED
    ]
    told = _listed([*words, *roots])
    return told or instance.reason or "its trigger rule says so"


def _above(instance: Instance) -> Iterator[Instance]:
    """The instances that it waits for, setups above it among them; of the same mapping those of its item."""
    node = instance.node
    names = dict.fromkeys([*node.task.needs, *(setup.task.id for setup in node.setups)])
    for name in names:
        parent = node.run.nodes.get(name)
        if parent is not None:
            yield from _of_item(parent, instance)


def _read_by_groups(instance: Instance) -> Iterator[Instance]:
    """Those that the conditions and items of its groups read."""
    node = instance.node
    for name in node.awaits:
        if (parent := node.run.nodes.get(name)) is not None:
            yield from _of_item(parent, instance)


def _of_item(parent: Node, instance: Instance) -> Iterable[Instance]:
    along = parent.fan is not None and parent.fan is instance.node.fan
    if along and parent.expanded and instance.node.expanded:
        return [parent.instances[instance.index]]
    return parent.instances


# Words


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    more = f" and {len(every) - _SHOWN} more" if len(every) > _SHOWN else ""
    return ", ".join(every[:_SHOWN]) + more


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _are(number: int) -> str:
    return f"{number} {'is' if number == 1 else 'are'}"


def _written(conditions: Iterable[bool | str]) -> str:
    texts = (each if isinstance(each, str) else str(each).lower() for each in conditions)
    return " and ".join(f"`{text}`" for text in texts)


def _do(number: int) -> str:
    return "does" if number == 1 else "do"


def _go(number: int) -> str:
    return "goes" if number == 1 else "go"


def _seconds(number: float) -> str:
    return f"{number:.0f} s"
