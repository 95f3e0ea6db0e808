"""Which tasks may go on: asked of the children of what has just ended, and of nothing else."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Protocol

from yamldag.engine.memory import gates
from yamldag.engine.memory.run import CLEARED, Fan, Instance, Node, Run, Tally, task_state
from yamldag.engine.step.changes import Changes
from yamldag.plan.pipeline import Json
from yamldag.plan.state import FINAL, Event, TaskState
from yamldag.plan.trigger_rule import Decision, decide

_BAD = (TaskState.FAILED, TaskState.UPSTREAM_FAILED)
_DECIDED = {
    TaskState.SKIPPED: Event.SKIP,
    TaskState.UPSTREAM_FAILED: Event.BLOCK,
    TaskState.FAILED: Event.FAIL,
}
"""How an instance comes to a state that was decided before its items were known."""


class Refused(Exception):  # noqa: N818
    """A template could not be rendered, or gave what can't be used: these words say why to a person."""


class Asking(Protocol):
    """The templates that decide. Both raise `Refused`."""

    def condition(self, instance: Instance, expression: bool | str) -> bool:
        """Whether a `when` holds."""

    def names_item(self, node: Node, expression: bool | str) -> bool:
        """Whether it speaks of `item`, `index` or `matrix`, so that it is asked for each of them."""

    def items(self, instance: Instance, fan: Fan) -> list[Json]:
        """What `foreach` or `matrix` comes to."""

    def forget(self, run: Run) -> None:
        """What was made of it holds no more."""


class Readiness:
    """Decides within one step, until nothing more follows."""

    def __init__(
        self,
        changes: Changes,
        asking: Asking,
        ids: Iterator[int],
        on_ready: Callable[[Instance], None],
        reuse: Callable[[Instance], str | None],
        past: set[Node],
    ) -> None:
        self._changes = changes
        self._past = past
        self._asking = asking
        self._ids = ids
        self._on_ready = on_ready
        self._reuse = reuse
        self._open: deque[Instance] = deque()

    def consider(self, instance: Instance) -> None:
        """Look at it before the step is over."""
        self._open.append(instance)

    def consider_all(self, run: Run) -> None:
        """Look at all of a run that nothing is decided of, and at nothing that has been of it."""
        self._open = deque(each for each in self._open if each.node.run is not run)
        self._open.extend(each for each in run.instances if each.state is TaskState.NONE)

    def settle(self) -> None:
        """Decide all that can be decided now."""
        while self._open:
            instance = self._open.popleft()
            if instance.state is TaskState.NONE:
                self._decide(instance)

    def ended(self, instance: Instance) -> None:
        """It has reached a final state: tell its children, its chain and its run."""
        run, node = instance.node.run, instance.node
        run.unfinished -= 1
        if instance.state in _BAD and not node.task.allow_failure:
            run.bad += 1
        if node.spare and not node.expanded:
            self._remove_spare(node)
        over = bool(node.task.produces or node.gate) and node.is_over()
        if over and node.task.produces and _was_made(node):
            self._changes.produce(node)
        if node.fan and node.expanded:
            for freed in node.fan.end(instance):
                self._on_ready(freed)
        for child, judged in node.children:
            self._tell(child, judged, instance)
        for below in node.below:
            if not node.gate or over or node.task.setup:
                self._open.extend(below.instances)
            elif _along(node, below):
                self._open.append(below.instances[instance.index])

    def past_answered(self, node: Node, refusal: str) -> None:
        """It is known whether a task has passed in the run before; words say why it never will."""
        self._past.discard(node)
        node.past = not refusal
        for instance in node.instances:
            if instance.state is not TaskState.NONE:
                continue
            if refusal and decision_of(instance) == "run":
                self.finish(instance, Event.BLOCK, refusal)
            else:
                self._open.append(instance)

    def finish(self, instance: Instance, event: Event, reason: str | None = None) -> None:
        """Move it to a final state without an attempt."""
        instance.reason = reason
        instance.ended = self._changes.now
        self._changes.move(instance, event, reason)
        self.ended(instance)

    def _tell(self, child: Node, judged: bool, parent: Instance) -> None:
        if _along(parent.node, child):
            target = child.instances[parent.index]
            assert target.own is not None
            if target.own.count(judged, parent.state):
                self._open.append(target)
        elif child.tally.count(judged, parent.state):
            self._open.extend(child.instances)

    def _decide(self, instance: Instance) -> None:
        if is_held(instance):
            return
        decision = decision_of(instance)
        if decision == "run":
            self._proceed(instance)
        elif decision == "skipped":
            self._skip(instance)
        elif decision == "upstream_failed":
            self.finish(instance, Event.BLOCK)

    def _skip(self, instance: Instance) -> None:
        """What a stop of the run leaves nothing to do for is cut short by it: `depends_on_past` tells these apart."""
        run = instance.node.run
        if run.stop:
            self.finish(instance, Event.CANCEL, run.reason)
        else:
            self.finish(instance, Event.SKIP, _why_skipped(instance))

    def _proceed(self, instance: Instance) -> None:
        """The rule says run: see the run before, ask the conditions, and for items where there are some."""
        node = instance.node
        if node.task.depends_on_past and not node.past:
            self._past.add(node)
            return
        expands = node.fan is not None and not node.expanded
        try:
            if not self._conditions_hold(instance, expands):
                self.finish(instance, Event.SKIP, "`when` is false")
            elif expands:
                self._expand(instance)
            else:
                self._schedule(instance)
        except Refused as refused:
            self.finish(instance, Event.FAIL, str(refused))

    def _schedule(self, instance: Instance) -> None:
        """It may start as soon as there is room, unless an earlier output stands for its own."""
        self._changes.move(instance, Event.SCHEDULE)
        if instance.node.task.cache is not None and (reason := self._reuse(instance)):
            self.finish(instance, Event.SUCCEED, reason)
        else:
            self._on_ready(instance)

    def _conditions_hold(self, instance: Instance, expands: bool) -> bool:
        """Before the items are known, only what does not speak of them is asked; what was asked once for a
        mapped task is not asked again for its instances."""
        node = instance.node
        own_fan = node.expanded and node.task.mapped_by == node.task.id
        for expression in node.task.when:
            each = node.fan is not None and self._asking.names_item(node, expression)
            if (expands and each) or (own_fan and not each):
                continue
            if not self._asking.condition(instance, expression):
                return False
        return True

    def _expand(self, instance: Instance) -> None:
        """One chain for each item. Members that are decided already are so for every item; without items each of
        them is skipped when its own rule says run: so it makes no difference which came first."""
        fan = instance.node.fan
        assert fan is not None
        items = self._asking.items(instance, fan)
        undecided = [node for node in fan.members if node.instances[0].state is TaskState.NONE]
        if not items:
            self.finish(instance, Event.SKIP, "there are no items")
            return
        for node in fan.members:
            self._multiply(node, items)
        for node in fan.members:
            self._join(node, len(items))
        for node in undecided:
            self._open.extend(node.instances)
        fan.unfinished = dict.fromkeys(range(len(items)), len(undecided))

    def _multiply(self, node: Node, items: list[Json]) -> None:
        """One instance for each item; that which stood for all is the first."""
        node.expanded = True
        first = node.instances[0]
        first.index, first.item = 0, items[0]
        self._changes.expand(first)
        for index, item in enumerate(items[1:], 1):
            instance = node.spare.pop(index, None)
            if instance is None:
                instance = Instance(next(self._ids), node, index, item, first.state, tries=first.tries)
                self._changes.add(instance)
            else:
                self._revive(instance, item, first.state)
            instance.ended, instance.reason = first.ended, first.reason
            node.instances.append(instance)
        self._remove_spare(node)
        if first.state is TaskState.NONE:
            node.run.unfinished += len(items) - 1

    def _revive(self, instance: Instance, item: Json, state: TaskState) -> None:
        """There is an item again for a row that is there: its attempts are counted on."""
        if instance.state is TaskState.REMOVED:
            self._changes.move(instance, Event.CLEAR)
        self._changes.unmap(instance)
        instance.item = item
        self._changes.expand(instance)
        instance.tries, instance.own = CLEARED, None
        if state in _DECIDED:
            self._changes.move(instance, _DECIDED[state])

    def _remove_spare(self, node: Node) -> None:
        """There is no item for these rows any more."""
        for instance in node.spare.values():
            if instance.state is not TaskState.REMOVED:
                self._changes.move(instance, Event.REMOVE)

    def _join(self, node: Node, number: int) -> None:
        """Children of the same mapping wait for their own item's parent, all others for every instance."""
        state = node.instances[0].state
        for child, judged in node.children:
            if not _along(node, child):
                child.tally.expect(judged, state, number - 1)
                continue
            child.tally.expect(judged, state, -1)
            for instance in child.instances:
                instance.own = instance.own or Tally()
                instance.own.expect(judged, state)


def waits_for_parents(node: Node) -> bool:
    """Whether nothing can be decided of it as long as no parent has ended. That is so of all rules but one."""
    return bool(node.tally.others or (node.tally.judged and node.task.trigger_rule != "always"))


def is_held(instance: Instance) -> bool:
    """Whether it is to be cleared, and an attempt that must end first keeps it from going on."""
    clear = instance.node.run.clear
    return clear is not None and instance in clear.instances


def _was_made(node: Node) -> bool:
    """Whether a task that has ended is a success, and that not of outputs alone that were reused."""
    return task_state(node) is TaskState.SUCCESS and any(
        each.attempts for each in node.instances if each.state is TaskState.SUCCESS
    )


def _along(parent: Node, child: Node) -> bool:
    """Whether the edge joins instances of the same item."""
    return parent.fan is not None and parent.fan is child.fan and parent.expanded and child.expanded


def decision_of(instance: Instance) -> Decision:
    """What becomes of an instance that nothing has been decided of yet."""
    node = instance.node
    tally = node.tally + instance.own if instance.own else node.tally
    if node.task.teardown_of and node.setups:
        return _teardown(instance, tally)
    if node.setups:
        forced = _forced(_setup_states(instance))
        if forced:
            return forced
    if node.gates and not (node.expanded and node.task.mapped_by == node.task.id):  # asked before the items
        if gates.barring(instance):
            return "skipped"
        if not all(_is_final(each.state) for gate in node.gates for each in gates.above(gate, instance)):
            return "wait"
    answer = decide(
        node.task.trigger_rule,
        tally.success,
        tally.failed,
        tally.upstream_failed,
        tally.skipped,
        tally.judged,
    )
    return "wait" if answer == "run" and tally.others else answer


def _why_skipped(instance: Instance) -> str:
    gate = gates.barring(instance) if instance.node.gates else None
    return gates.words(gate) if gate else "the trigger rule says so"


def _teardown(instance: Instance, tally: Tally) -> Decision:
    """Once all that it waits for is done, and all that was asked to stop: it runs if a setup of its own has
    succeeded."""
    states = _setup_states(instance)
    if instance.node.run.stopping or tally.others or not tally.done or not all(map(_is_final, states)):
        return "wait"
    if TaskState.SUCCESS in states:
        return "run"
    return "skipped" if instance.node.run.stop else (_forced(states) or "run")


def _forced(states: list[TaskState]) -> Decision | None:
    """What the setups above decide, whatever the rule: nothing only if all have succeeded."""
    if any(state in _BAD for state in states):
        return "upstream_failed"
    if not all(map(_is_final, states)):
        return "wait"
    return "skipped" if TaskState.SKIPPED in states else None


def _setup_states(instance: Instance) -> list[TaskState]:
    states: list[TaskState] = []
    for setup in instance.node.setups:
        if _along(setup, instance.node):
            states.append(setup.instances[instance.index].state)
        else:
            states.extend(each.state for each in setup.instances)
    return states


def _is_final(state: TaskState) -> bool:
    return state in FINAL
