"""What one step changes, gathered as rows: several moves of an instance within a step are one UPDATE."""

from __future__ import annotations

import json
from collections.abc import Iterator

from yamldag.engine.memory import deferral
from yamldag.engine.memory.notices import CAUSES, Notice, calls, of_run, of_task
from yamldag.engine.memory.run import Instance, Node, Run
from yamldag.plan.pipeline import Json
from yamldag.plan.state import (
    ATTEMPT_MOVES,
    RUN_MOVES,
    TASK_MOVES,
    AttemptState,
    Event,
    TaskState,
)
from yamldag.store.rows import (
    Answer,
    AssetUpdate,
    AttemptEnd,
    Batch,
    DeferralEnd,
    Expansion,
    InstanceMove,
    Kept,
    Logged,
    NewAttempt,
    NewClaim,
    NewDeferral,
    NewInstance,
    NewNotification,
    NewRun,
    Output,
    RunMove,
    Uncalled,
)

_HOLDING = (TaskState.QUEUED, TaskState.RUNNING)


def to_text(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class Changes:
    """Moves states in memory, and remembers what that is in SQL."""

    def __init__(self, now: float, ids: Iterator[int]) -> None:
        self.now = now
        self._ids = ids
        self._batches: dict[Run, Batch] = {}
        self._new: dict[Instance, None] = {}
        self._deferrals: dict[Instance, NewDeferral] = {}
        self._before: dict[Instance, tuple[TaskState, int]] = {}
        self.moved: list[tuple[Instance, TaskState]] = []
        """Every move of the step, in order."""
        self.notices: list[Notice] = []
        """What somebody is to be told of."""
        self._ended: set[int] = set()
        """Attempts that have ended in this step."""
        self.unclaimed: list[Instance] = []
        """Those that have given back what they claimed of their pools."""

    @property
    def runs(self) -> list[Run]:
        """Those that have changed."""
        return list(self._batches)

    def batches(self) -> dict[str, Batch]:
        """The rows of each run that has changed."""
        for instance, deferral_row in self._deferrals.items():
            self._batch(instance).deferrals.append(deferral_row)
        for instance in self._new:
            self._batch(instance).new_instances.append(_new_row(instance))
        for instance, was in self._before.items():
            self._batch(instance).instances.append(_move_row(instance, *was))
        return {run.id: batch for run, batch in self._batches.items()}

    def add(self, instance: Instance) -> None:
        """It has no row yet."""
        self._new[instance] = None

    def expand(self, instance: Instance) -> None:
        """The row that stood for the whole task is now that of the first item."""
        if instance not in self._new:
            self._batch(instance).expansions.append(
                Expansion(instance.index, to_text(instance.item), instance.id)
            )

    def unmap(self, instance: Instance) -> None:
        """It is for no item any more."""
        instance.item = None
        if instance not in self._new:
            self._batch(instance).unmapped.append((instance.id,))

    def forget(self, instance: Instance) -> None:
        """Its output is not needed any more."""
        batch = self._batch(instance)
        batch.outputs = [each for each in batch.outputs if each.instance != instance.id]
        batch.forgotten.append((instance.id,))

    def touch(self, instance: Instance) -> None:
        """It is about to change: its row is expected to be what it is now."""
        if instance not in self._new and instance not in self._before:
            self._before[instance] = (instance.state, instance.attempts)

    def move(self, instance: Instance, event: Event, detail: str | None = None) -> None:
        """Move it as the table of states says."""
        self.touch(instance)
        state = instance.state = TASK_MOVES[instance.state, event]
        self.moved.append((instance, state))
        run = instance.node.run
        row = Logged(run.id, instance.id, instance.attempt, event._value_, state._value_, self.now, detail)
        self._of(run).events.append(row)
        if instance.node.tells and event in CAUSES:
            self._tell(instance, CAUSES[event])
        if instance.claimed and state not in _HOLDING:
            self.unclaim(instance)

    def claim(self, instance: Instance) -> None:
        """It stands in the queue of its pool from now on."""
        task, run = instance.node.task, instance.node.run.id
        assert task.pool is not None
        assert instance.ready is not None
        instance.claimed = True
        self._batch(instance).claims.append(
            NewClaim(instance.id, run, task.pool, task.pool_slots, -task.priority, instance.ready)
        )

    def unclaim(self, instance: Instance) -> None:
        """It gives back the slots that it holds, or its place in the queue."""
        instance.claimed = instance.granted = False
        self._batch(instance).unclaims.append((instance.id,))
        self.unclaimed.append(instance)

    def keep(self, instance: Instance, key: str) -> None:
        """Its output may stand for that of others with the same key."""
        value = None if instance.output is None else to_text(instance.output)
        self._batch(instance).kept.append(Kept(key, instance.id, value, self.now))

    def disclaim(self, instance: Instance) -> None:
        """Another engine may have left a claim of it that was never used."""
        self._batch(instance).disclaims.append((instance.id,))

    def begin(self, instance: Instance, log: str) -> None:
        """Its newest attempt is being carried out, or waits."""
        assert instance.attempt is not None
        self._batch(instance).new_attempts.append(
            NewAttempt(
                instance.attempt,
                instance.id,
                instance.attempts,
                _attempt_state(instance)._value_,
                instance.node.run.owner,
                self.now,
                None,
                None,
                None,
                None,
                log,
            )
        )

    def end(self, instance: Instance, event: Event, exit_: int | None, reason: str, message: str) -> None:
        """Its newest attempt has ended."""
        assert instance.attempt is not None
        assert instance.started is not None
        assert instance.ended is not None
        if instance.node.tells:
            self._ended.add(instance.attempt)
        was = _attempt_state(instance)
        state = ATTEMPT_MOVES[was, event]
        # One that is over in the step in which it began to wait has no row of that yet.
        if was is AttemptState.DEFERRED and self._deferrals.pop(instance, None) is None:
            self._batch(instance).deferral_ends.append(DeferralEnd(instance.id, instance.attempt))
        times = (instance.started, instance.ended)
        self._batch(instance).attempt_ends.append(
            AttemptEnd(state._value_, *times, exit_, reason, message or None, instance.attempt, was._value_)
        )

    def defer(self, instance: Instance) -> None:
        """Its newest attempt waits without a worker: a restart goes on with it."""
        waits = instance.deferral
        assert waits is not None
        assert instance.attempt is not None
        spec = deferral.to_text(waits)
        row = NewDeferral(instance.id, instance.attempt, spec, waits.since, waits.until)
        self._deferrals[instance] = row

    def call(self, instance: Instance, row: NewRun) -> None:
        """Its newest attempt makes a run of another pipeline."""
        self._batch(instance).called.append(row)

    def uncall(self, instance: Instance, run: str) -> None:
        """It waits no longer for a run that it has made and that is not moved here: that is to end."""
        self._batch(instance).uncalled.append(Uncalled(run, self.now))

    def output(self, instance: Instance) -> None:
        self._batch(instance).outputs.append(Output(instance.id, to_text(instance.output)))

    def produce(self, node: Node) -> None:
        """A task as a whole is a success: what it produces is updated."""
        run, task = node.run, node.task
        self._of(run).asset_updates += [
            AssetUpdate(asset, run.id, task.id, self.now) for asset in dict.fromkeys(task.produces)
        ]

    def run(self, run: Run, event: Event | None, reason: str | None = None) -> None:
        """Move a run; with no event, store what it was asked to end by."""
        was = run.state
        if event is not None:
            run.state = RUN_MOVES[was, event]
            self._of(run).events.append(
                Logged(run.id, None, None, event, run.state._value_, self.now, reason)
            )
            if event in CAUSES:
                self._tell_of_run(run, CAUSES[event])
        row = RunMove(run.state._value_, run.ended, run.reason, run.stop, run.id, was._value_, run.owner)
        self._of(run).run.append(row)

    def late(self, run: Run) -> None:
        """Its deadline has passed."""
        run.late = True
        row = Logged(run.id, None, None, Event.DEADLINE, run.state.value, self.now, None)
        self._of(run).events.append(row)
        self._tell_of_run(run, "deadline")

    def _tell(self, instance: Instance, cause: str) -> None:
        attempt = instance.attempt if instance.attempt in self._ended else None
        for position, call in enumerate(calls(instance.node.task, cause)):
            self._notify(of_task(next(self._ids), instance, attempt, cause, position, call))

    def _tell_of_run(self, run: Run, cause: str) -> None:
        for position, call in enumerate(calls(run.plan, cause)):
            self._notify(of_run(next(self._ids), run, cause, position, call))

    def _notify(self, notice: Notice) -> None:
        """It is sent once it is stored, with the move that it tells of."""
        run, instance = notice.run, notice.instance
        row = NewNotification(
            notice.id,
            run.id,
            0 if instance is None else instance.id,
            notice.occasion,
            notice.cause,
            notice.position,
            "waiting",
            self.now,
            None,
            None,
            run.owner,
        )
        self.notices.append(notice)
        self._of(run).notifications.append(row)

    def answer(self, run: Run, request: int, words: str) -> None:
        """A request is obeyed by this step."""
        self._of(run).answers.append(Answer(self.now, words, request))

    def has_answered(self, run: Run, request: int) -> bool:
        """Whether this step has obeyed it."""
        batch = self._batches.get(run)
        return batch is not None and any(each.id == request for each in batch.answers)

    def _batch(self, instance: Instance) -> Batch:
        return self._of(instance.node.run)

    def _of(self, run: Run) -> Batch:
        batch = self._batches.get(run)
        if batch is None:
            batch = self._batches[run] = Batch()
        return batch


def _attempt_state(instance: Instance) -> AttemptState:
    """Of its newest attempt, while it has not ended."""
    return AttemptState.DEFERRED if instance.state is TaskState.DEFERRED else AttemptState.RUNNING


def _new_row(instance: Instance) -> NewInstance:
    node = instance.node
    item = to_text(instance.item) if node.expanded else None
    return NewInstance(instance.id, node.run.id, node.task.id, instance.index, item, *_values(instance))


def _move_row(instance: Instance, state: TaskState, attempts: int) -> InstanceMove:
    return InstanceMove(*_values(instance), instance.id, state._value_, attempts)


def _values(
    of: Instance,
) -> tuple[str, int, int, int | None, float | None, float | None, float | None, float | None, str | None]:
    moved = (of.ready, of.retry_at, of.started, of.ended, of.reason)
    return (of.state._value_, of.attempts, of.tries, of.attempt, *moved)
