"""Clears tasks of a run that is under way: what runs of them is ended first, then all of them begin anew, or have the
state that somebody has given them."""

from __future__ import annotations

import heapq

from yamldag.engine.memory.reasons import marked
from yamldag.engine.memory.rebuild import recount
from yamldag.engine.memory.run import CLEARED, UNMAPPED, Clear, Fan, Instance, Run
from yamldag.engine.step.bench import Bench
from yamldag.engine.step.choice import Choice, Fact, Wish, choose
from yamldag.engine.step.pools import leave
from yamldag.engine.step.stopping import ACTIVE, Stopping
from yamldag.engine.step.world import Asked, Finished, Renewal
from yamldag.plan.state import FINAL, Event, TaskState

WHY = "it was cleared"


class Clearing:
    """The clears of one step."""

    def __init__(self, bench: Bench, stopping: Stopping) -> None:
        self._world, self._changes, self._result = bench.world, bench.changes, bench.result
        self._readiness, self._room = bench.readiness, bench.room
        self.stopping = stopping
        self.due: list[Run] = []
        """Those that may be let go at the end of the step."""

    def ask(self, run: Run, asked: Asked, wish: Wish) -> None:
        """Clear as soon as no attempt is in the way. A run that is stopping ends first, one that is to go on by a newer
        plan is let go first: then it is asked again.

        A request may be heard of again in the step that obeys it: what was heard then is older than its answer.
        """
        known = run.clear and (run.clear.renewal is not None or asked.request in run.clear.requests)
        if run.stop or known or self._changes.has_answered(run, asked.request):
            return
        if asked.renews:
            self._stop(run, asked.request)
        else:
            self._clear(run, asked.request, wish)

    def _stop(self, run: Run, request: int) -> None:
        """Let nothing begin any more, and end what runs. What has not ended begins anew by the newer plan."""
        clear = run.clear = run.clear or Clear(set(), frozenset())
        clear.requests.append(request)
        clear.renewal = request
        self.due.append(run)
        self._add(run, clear, {each for each in run.instances if each.state not in FINAL})

    def _clear(self, run: Run, request: int, wish: Wish) -> None:
        choice = choose([node.task for node in run.nodes.values()], map(fact_of, run.instances), wish)
        clear = run.clear = run.clear or Clear(set(), frozenset())
        clear.requests.append(request)
        clear.again |= choice.again
        those = chosen(run, choice)
        for each in those:
            clear.marks.pop(each, None)
            if wish.mark is not None and wish.marks(each.node.task.id, _index(each)):
                clear.marks[each] = wish.mark
        self._add(run, clear, those)
        self._settle(run, clear)

    def _add(self, run: Run, clear: Clear, those: set[Instance]) -> None:
        new = those - clear.instances
        clear.instances |= new
        for each in new:
            self._hold(each, clear)
        self._take_out(run, new)

    def _hold(self, instance: Instance, clear: Clear) -> None:
        """Nothing of it begins any more; an attempt is asked to stop."""
        if instance.state in ACTIVE:
            assert instance.attempt is not None
            clear.waiting.add(instance.attempt)
            self._result.stop.append(instance.attempt)
        elif instance.state is TaskState.DEFERRED:
            self._end_waiting(instance, clear)
        elif instance.state not in FINAL:
            self._reset(instance)

    def _take_out(self, run: Run, cleared: set[Instance]) -> None:
        """They are ready no more."""
        run.ready = [place for place in run.ready if place[-1] not in cleared]
        heapq.heapify(run.ready)
        for name, places in list(run.queues.items()):
            places[:] = [place for place in places if place[-1] not in cleared]
            heapq.heapify(places)
            if not places:
                del run.queues[name]
                leave(self._world, run, name)

    def takes(self, instance: Instance, what: Finished) -> bool:
        """Whether an attempt that has ended was one that a clear waits for."""
        run = instance.node.run
        if run.clear is None or what.attempt not in run.clear.waiting:
            return False
        run.clear.waiting.discard(what.attempt)
        self._changes.end(instance, Event.CANCEL, what.exit, what.reason, _why(run.clear, instance))
        self._reset(instance)
        self._settle(run, run.clear)
        return True

    def _end_waiting(self, instance: Instance, clear: Clear) -> None:
        """At once: there is nothing that would have to end first."""
        self.stopping.leave(instance)
        instance.ended = self._changes.now
        self._changes.end(instance, Event.CANCEL, None, "stopped", _why(clear, instance))
        self._reset(instance)

    def _settle(self, run: Run, clear: Clear) -> None:
        if clear.waiting or clear.renewal is not None:
            return
        self._obey(run, clear)
        self._begin_again(run, clear.again)

    def _obey(self, run: Run, clear: Clear) -> None:
        run.clear = None
        self._world.asking.forget(run)
        for each in clear.instances:
            self._reset(each)
        for each, state in clear.marks.items():
            self._mark(each, state)
        for name in clear.again:
            self._fold(run.fans[name])
        for request in clear.requests:
            if request != clear.renewal:
                self._changes.answer(run, request, _answer(clear))

    def let_go(self, run: Run) -> None:
        """It goes on by a newer plan: by its rows, once this step is stored. That is what answers the request."""
        clear = run.clear
        assert clear is not None
        assert clear.renewal is not None
        self._obey(run, clear)
        self._result.renewals.append(Renewal(run, clear.renewal))

    def _reset(self, instance: Instance) -> None:
        """Nothing has been decided of it. Attempts are counted on; retries start afresh."""
        if instance.state is not TaskState.NONE:
            self._changes.move(instance, Event.CLEAR)
        if instance.output is not None:
            self._changes.forget(instance)
        instance.tries, instance.output, instance.reason = CLEARED, None, None
        instance.node.past = False
        instance.ready = instance.retry_at = instance.started = instance.ended = None

    def _mark(self, instance: Instance, state: str) -> None:
        """It has that state by hand, as if it had come to it without an attempt. What waits for it is counted after."""
        instance.ended, instance.reason = self._changes.now, marked(state)
        event = Event.SUCCEED if state == TaskState.SUCCESS else Event.FAIL
        self._changes.move(instance, event, instance.reason)

    def _fold(self, fan: Fan) -> None:
        """One instance stands for all items again, until they are asked for."""
        for node in fan.members:
            if node.expanded:
                for each in node.instances:
                    self._changes.unmap(each)
                first, *others = node.instances
                first.index = UNMAPPED
                node.instances, node.expanded = [first], False
                node.spare.update((each.index, each) for each in others)

    def _begin_again(self, run: Run, again: frozenset[str]) -> None:
        recount(run)
        for name, fan in run.fans.items():
            if name in again:
                fan.empty()
            else:
                for freed in fan.renew():
                    self._room.ready(freed)
        self._readiness.consider_all(run)


def chosen(run: Run, choice: Choice) -> set[Instance]:
    """The instances that a choice means."""
    return {each for each in run.instances if choice.has(each.node.task.id, _index(each))}


def fact_of(instance: Instance) -> Fact:
    ran = instance.started is not None
    return Fact(instance.node.task.id, _index(instance), instance.state, instance.reason, ran)


def _why(clear: Clear, instance: Instance) -> str:
    """In words, why an attempt was stopped."""
    return marked(clear.marks[instance]) if instance in clear.marks else WHY


def _answer(clear: Clear) -> str:
    told = [f"marked {len(clear.marks)}"] if clear.marks else []
    rest = len(clear.instances) - len(clear.marks)
    return ", ".join([*told, f"cleared {rest}"] if rest or not told else told)


def _index(instance: Instance) -> int | None:
    return None if instance.index == UNMAPPED else instance.index
