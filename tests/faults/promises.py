"""What must hold of a simulated engine: at any moment, when something starts, and when all is over."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tests.faults.machine import LETTERS, Machine
from tests.faults.oracle import DONE, Oracle, Row
from tests.faults.plans import SLOTS, Case
from yamldag.engine.loop.engine import Engine
from yamldag.engine.memory.newer import Newer
from yamldag.engine.memory.reasons import CUT_SHORT
from yamldag.engine.step.choice import Wish
from yamldag.executors.contract import Start
from yamldag.plan.pipeline import Plan, Task
from yamldag.store.invariants import CROWDED, INVARIANTS, SUCCESS, broken

OVER = ("success", "failed", "cancelled")


class Wrong(AssertionError):  # noqa: N818
    """A promise was broken."""


class Cleared(NamedTuple):
    """A clear that a command has asked for."""

    run: str
    tasks: frozenset[str]
    mark: int
    """The newest event then."""
    request: int | None
    """None: it was done at once."""


@dataclass(slots=True)
class Promises:
    ask: Callable[[str], list[Any]]
    machine: Machine
    cases: Mapping[str, Case]
    slots: int | None
    seen: Counter[str]
    killed: set[str] = field(default_factory=set)
    """Runs whose teardowns are not waited for."""
    clears: list[Cleared] = field(default_factory=list)
    at_once: Counter[str] = field(default_factory=Counter)
    """How many clears of each run were done at once."""
    begun_anew: set[str] = field(default_factory=set)
    """Runs that were cleared at once, to go on by a newer plan."""
    newer: dict[str, tuple[str, Plan]] = field(default_factory=dict)
    """By run, the hash of the plan that somebody wanted it to go on by, and the plan."""
    version: int = -1
    """The version of the database that was last looked at."""

    def plan(self, run: str) -> Plan:
        """The one that it has, by its row."""
        return self.plans()[run]

    def plans(self) -> dict[str, Plan]:
        versions = dict(self.ask("SELECT id, version FROM run"))
        found = {run: case.plan for run, case in self.cases.items()}
        return found | {run: plan for run, (hash_, plan) in self.newer.items() if versions[run] == hash_}

    # At any moment

    def check_rows(self) -> None:
        [(version,)] = self.ask("PRAGMA data_version")
        if version == self.version:
            return  # nobody has written since
        self.version = version
        for each in broken(self.ask, (*INVARIANTS, CROWDED)):
            raise Wrong(f"{each.invariant.name}: {each.where}")

    def check_engine(self, engine: Engine) -> None:
        """What it holds in memory is what the rows say of it, unless another one has taken over."""
        held = set(engine.world.running)
        stored = {row[0] for row in self.ask(
            "SELECT attempt.id FROM attempt JOIN task_instance ON task_instance.id = attempt.instance "
            f"JOIN run ON run.id = task_instance.run WHERE attempt.state = 'running' AND run.owner = {engine.runner}"
        )}  # fmt: skip
        if held == stored and not (engine.lost or engine.given_up):
            return
        if self.ask(f"SELECT 1 FROM runner WHERE id = {engine.runner} AND ended IS NOT NULL"):
            return
        raise Wrong(
            f"the engine holds {held}, the rows say {stored} are running; it has lost {engine.lost}, "
            f"given up {engine.given_up}"
        )

    # When something starts

    def check_starts(self, executor: str, batch: Sequence[Start]) -> None:
        """Only what is stored as running starts, within its bounds, and when its rule says run."""
        waiting = {row[0] for row in self.ask("SELECT id FROM notification WHERE state = 'waiting'")}
        if any(start.attempt not in waiting for start in batch if LETTERS in start.log):
            raise Wrong("somebody is told of what is not stored")
        batch = [start for start in batch if LETTERS not in start.log]
        stored = {row[0]: row[1:] for row in self.ask(
            "SELECT attempt.id, run, task, map_index, executor FROM attempt "
            "JOIN task_instance ON task_instance.id = attempt.instance "
            "JOIN runner ON runner.id = attempt.runner WHERE attempt.state = 'running'"
        )}  # fmt: skip
        oracles = self.oracles() if batch else {}
        for start in batch:
            if start.attempt not in stored:
                raise Wrong(f"attempt {start.attempt} starts, and is not stored as running")
            run, task, index, _ = stored[start.attempt]
            row = next(row for row in oracles[run].of(task) if row.index == index)
            wanted = oracles[run].wanted(row)
            if wanted not in ("run", "any") and not oracles[run].was_left(row, row.scheduled_at):
                raise Wrong(f"{run} {task}[{index}] starts where the rules say {wanted}: {oracles[run].rows}")
        if batch:
            self._check_bounds(executor, {start.attempt for start in batch}, stored)

    def _check_bounds(self, executor: str, sent: set[int], stored: dict[int, Any]) -> None:
        alive = [body for body in self.machine.live if not body.letter]
        here = {body.attempt for body in alive if body.owner == executor} | sent
        # What another one has stored as running, and did not start, is started after all.
        new = any(stored[each][3] == executor for each in sent)
        if self.slots is not None and new and len(here) > self.slots:
            raise Wrong(f"{len(here)} run at once, of {self.slots} slots")
        running = {body.attempt for body in alive} | sent
        held = 0
        for run, plan in self.plans().items():
            mine = [each for each in running if stored.get(each, ("", "", 0))[0] == run]
            if len(mine) > plan.max_active_tasks:
                raise Wrong(f"{len(mine)} of {run} run at once, of {plan.max_active_tasks}")
            if lost := {stored[each][1] for each in mine} - {task.id for task in plan.tasks}:
                raise Wrong(f"{lost} of {run} run, and its plan is without them")
            for task in plan.tasks:
                count = sum(stored[each][1] == task.id for each in mine)
                held += task.pool_slots * count if task.pool else 0
                most = plan.mapped[task.mapped_by].max_active if task.mapped_by else None
                if most is not None and count > most:
                    raise Wrong(f"{count} instances of {run} {task.id} run at once, of {most}")
        if held > SLOTS:
            raise Wrong(f"{held} slots are held of a pool of {SLOTS}")

    # The rows, as the oracle wants them

    def rows(self) -> list[Row]:
        base: dict[int, tuple[int, int]] = {}
        last: dict[int, tuple[int, str]] = {}
        scheduled: dict[int, int] = {}
        for id_, instance, event, number in self.ask(
            "SELECT event.id, event.instance, event.event, attempt.number FROM event "
            "LEFT JOIN attempt ON attempt.id = event.attempt WHERE event.instance IS NOT NULL ORDER BY event.id"
        ):
            last[instance] = id_, event
            if event == "schedule":
                scheduled[instance] = id_
            if event == "clear":
                base[instance] = id_, number or 0
        never, unheard = (0, 0), (0, "")
        return [
            Row(
                id_,
                run,
                task,
                index,
                state,
                attempts - base.get(id_, never)[1],
                last.get(id_, unheard)[1] == "cancel" or reason in CUT_SHORT,
                base.get(id_, never)[0],
                last.get(id_, unheard)[0],
                scheduled.get(id_, 0),
            )
            for id_, run, task, index, state, attempts, reason in self.ask(
                "SELECT id, run, task, map_index, state, attempts, reason FROM task_instance"
            )
        ]

    def oracles(self) -> dict[str, Oracle]:
        """Of each run, with the one before it where there is one of the same pipeline."""
        rows, plans = self.rows(), self.plans()
        facts = {row[0]: row[1:] for row in self.ask("SELECT id, state, backfill FROM run")}
        made: dict[str, Oracle] = {}
        newest: dict[str, Oracle] = {}
        backfills: set[tuple[str, str]] = set()
        for name, case in self.cases.items():  # by date
            state, backfill = facts[name]
            before = newest.get(case.plan.pipeline)
            if backfill and backfill not in {each for _, each in backfills}:
                before = None
            backfills.add((name, backfill))
            here = {task.id for task in plans[name].tasks}
            mine = [row for row in rows if row.run == name and row.task in here]
            made[name] = newest[case.plan.pipeline] = Oracle(plans[name], mine, before, state in OVER)
        return made

    # When all is over

    def check_ends(self) -> None:
        for each in broken(self.ask, (SUCCESS,)):
            raise Wrong(f"{each.invariant.name}: {each.where}")
        runs = {name: (state, stop) for name, state, stop in self.ask("SELECT id, state, stop FROM run")}
        if runs.keys() != self.cases.keys():
            raise Wrong(f"there are the runs {runs}")
        oracles = self.oracles()
        for name, (state, stop) in runs.items():
            oracle = oracles[name]
            self._check_histories(oracle)
            if stop:
                wanted = "failed" if stop == "timeout" else "cancelled"
                if name not in self.killed:
                    self._check_teardowns(oracle)
            else:
                wanted = oracle.run_state()
                self._check_states(oracle)
            if state != wanted:
                raise Wrong(f"{name} is {state}, the rules say {wanted}")
        self._check_bodies()
        self._check_letters()
        self._check_clears()
        self._check_newer()

    def _check_states(self, oracle: Oracle) -> None:
        renewed = self._renewed()
        for row in oracle.rows:
            if (
                row.cancelled
                or oracle.was_left(row, row.settled_at)
                or row.decided_at < renewed.get(row.run, 0)
            ):
                continue  # before the run was cleared, or by the plan that it had then; it was left as it was
            if row.state == "removed":
                self._check_removed(oracle, row, again=row.cleared or row.run in renewed)
                continue
            task, wanted = oracle.tasks[row.task], oracle.wanted(row)
            if wanted == "any":
                wanted = "upstream_failed" if row.state == "upstream_failed" else "run"
            self.seen["past"] += task.depends_on_past and oracle.before is not None
            fan = oracle.plan.mapped.get(task.mapped_by or "")
            if wanted == "run" and (False in task.when or (fan and not fan.foreach)):
                wanted = "skipped"
            if (
                wanted == "run"
                and task.cache
                and not row.cleared
                and (row.state, row.attempts) == ("success", 0)
            ):
                self._check_hit(row)
            elif wanted == "run":
                if row.attempts < 1 or row.state not in ("success", "failed", "skipped"):
                    raise Wrong(f"{row} should have run")
            elif (row.state, row.attempts) != (wanted, 0):
                raise Wrong(f"{row} should be {wanted}")

    def _renewed(self) -> dict[str, int]:
        """Of each run that has gone on by a newer plan where in the log it began with that, or later."""
        clears = self.ask(
            "SELECT run, max(id) FROM event WHERE event = 'clear' AND instance IS NULL GROUP BY run"
        )
        return {run: at for run, at in clears if self.plan(run) is not self.cases[run].plan}

    def _check_hit(self, row: Row) -> None:
        """Its output is that of an earlier success, of the same task and item of the same pipeline."""
        self.seen["hits"] += 1
        runs = [name for name, case in self.cases.items() if case is self.cases[row.run]]
        made = self.ask(
            "SELECT run FROM task_instance JOIN attempt ON attempt.instance = task_instance.id "
            f"WHERE attempt.state = 'success' AND task = '{row.task}' AND map_index = {row.index}"
        )
        if not {run for (run,) in made}.intersection(runs):
            raise Wrong(f"{row} reuses what nobody has made")

    def _check_histories(self, oracle: Oracle) -> None:
        """Each instance's attempts, since it was cleared last, lead to its state, with no try too many or too few,
        and not too soon."""
        for row in oracle.rows:
            task = oracle.tasks[row.task]
            attempts = self.ask(
                "SELECT state, reason, exit_code, started, ended FROM attempt "
                f"WHERE instance = {row.id} ORDER BY number DESC LIMIT {row.attempts}"
            )[::-1]
            tried = [each for each in attempts if not (each[1] == "lost" and task.on_lost == "retry")]
            if len(tried) > task.retries + 1:
                raise Wrong(f"{row} was tried {len(tried)} times, of {task.retries + 1}: {attempts}")
            if any(state == "success" for state, *_ in attempts[:-1]):
                raise Wrong(f"{row} went on after a success: {attempts}")
            if attempts and row.state not in (
                attempts[-1][0],
                "skipped" if attempts[-1][0] == "failed" else "",
            ):
                raise Wrong(f"{row} is not as its last attempt: {attempts}")
            if row.state == "failed" and attempts and self._gave_up_early(task, tried, row):
                raise Wrong(f"{row} was not tried again: {attempts}")
            for number, (one, other) in enumerate(itertools.pairwise(attempts), 1):
                if one[1] == "lost" and task.on_lost == "retry":
                    continue
                delay = min(task.retry_delay, task.max_retry_delay)
                if other[3] < one[4] + delay - 1e-6:
                    raise Wrong(f"{row}: attempt {number + 1} came before its delay: {attempts}")

    def _gave_up_early(self, task: Any, tried: list[Any], row: Row) -> bool:
        """It failed by its own exit, had retries left, and nobody has stopped its run."""
        return (
            tried != []
            and tried[-1][1] in ("exit", "timeout", "unstartable")
            and task.operator == "bash"
            and len(tried) <= task.retries
            and not row.cancelled
        )

    def _check_removed(self, oracle: Oracle, row: Row, *, again: bool) -> None:
        """Lists are as long as ever: an item goes only where they were asked for again, and were not reached."""
        there = [each.state for each in oracle.of(row.task) if each.state != "removed"]
        if not again or there not in (["skipped"], ["upstream_failed"]):
            raise Wrong(f"{row} is gone, and of the others there are {there}")

    def _check_teardowns(self, oracle: Oracle) -> None:
        """Of a run that was stopped, but not killed: what was set up is torn down."""
        for row in oracle.rows:
            task = oracle.tasks[row.task]
            setups = [state for setup in task.teardown_of for state in oracle.seen(setup, row)]
            if task.depends_on_past and oracle.past(task) != "run":
                continue
            ran = row.attempts > 0 or row.state == "success"  # or an earlier output stood for its own
            if "success" in setups and not ran and not any(each.cleared for each in oracle.rows):
                raise Wrong(f"{row} did not tear down")
        if any(row.state not in DONE for row in oracle.rows):
            raise Wrong(f"unfinished: {oracle.rows}")

    def _check_bodies(self) -> None:
        """What the bodies know of themselves is what the rows say of them."""
        stored = {
            row[0]: row[1:]
            for row in self.ask("SELECT id, state, exit_code, reason, ended, message FROM attempt")
        }
        for body in self.machine.bodies.values():
            if body.letter:
                continue
            assert body.ended is not None, f"{body} still runs"
            if body.attempt not in stored:
                raise Wrong(f"{body} is not recorded")
            state, code, reason, ended, message = stored[body.attempt]
            if (code, reason, ended) != (body.ended.exit, body.ended.reason, body.ended.ended):
                raise Wrong(f"{body} is recorded as {stored[body.attempt]}")
            if code == 0 and state != "success" and message != "it was cleared":
                raise Wrong(f"{body} succeeded and is {state}")
        for attempt, (_, _, reason, *_) in stored.items():
            if attempt not in self.machine.bodies and reason not in ("refused", "waited", "stopped"):
                raise Wrong(f"attempt {attempt} ended by {reason}, and never began")

    def _check_letters(self) -> None:
        """For each end that somebody wants to be told of there is what was told, and it was sent."""
        moves = {"fail": "failure", "succeed": "success", "retry": "retry"}
        wanted: Counter[tuple[Any, ...]] = Counter()
        for run, task, event in self.ask(
            "SELECT event.run, task, event.event FROM event "
            "LEFT JOIN task_instance ON task_instance.id = event.instance"
        ):
            if event in moves:
                plan = self.cases[run].plan
                of = plan if task is None else self._task(run, task)
                wanted[run, task, moves[event]] += len(getattr(of, f"on_{moves[event]}", ()))
        found = Counter(
            tuple(row)
            for row in self.ask(
                "SELECT notification.run, task, cause FROM notification "
                "LEFT JOIN task_instance ON task_instance.id = notification.instance"
            )
        )
        if +wanted != found:
            raise Wrong(f"told were {found}, wanted {+wanted}")
        for id_, state in self.ask("SELECT id, state FROM notification"):
            self.seen["letters"] += 1
            body = self.machine.bodies.get(id_)
            if state == "done" and not (body and body.letter and body.ended and body.ended.exit == 0):
                raise Wrong(f"notification {id_} is done, and was never sent")

    def _task(self, run: str, name: str) -> Task:
        case = self.cases[run]
        return next(each for each in (*case.plan.tasks, *case.newer.tasks) if each.id == name)

    def clear(self, run: str, tasks: Sequence[str], wish: Wish, done: str, newer: Newer | None) -> None:
        """These, and all below, are to run again, or of these what has failed."""
        if done == "nothing":
            return
        if newer:
            self.newer[run] = newer.version, newer.plan
        if done == "queued":
            self.at_once[run] += 1
            self.begun_anew |= {run} if newer else set()
        plan, asked = newer.plan if newer else self.plan(run), done == "asked"
        oracle = Oracle(plan, ())
        there = [task for task in tasks if task in oracle.tasks and not wish.failed]
        meant = frozenset(there).union(*(oracle.below(task) for task in there))
        [(mark,)] = self.ask(
            "SELECT coalesce(max(id), 0) FROM event WHERE event <> 'clear' AND state <> 'queued'"
        )
        request = self.ask("SELECT max(id) FROM request")[0][0] if asked else None
        self.clears.append(Cleared(run, meant, mark, request))

    def _check_clears(self) -> None:
        for each in self.clears:
            if each.request is not None:
                [(answer,)] = self.ask(f"SELECT answer FROM request WHERE id = {each.request}")
                if not answer.startswith("cleared"):
                    continue
            plan = {task.id for task in self.plan(each.run).tasks}
            for row in self.rows():
                mine = (
                    row.task in plan
                    and row.run == each.run
                    and row.task in each.tasks
                    and row.state != "removed"
                )
                if mine and self._was_kept(row.id, each.mark):
                    raise Wrong(f"{row} was not cleared: {each}")

    def _check_newer(self) -> None:
        """A run that somebody wanted to go on by a newer plan has that, unless it was stopped first; each wish is done
        once."""
        versions = dict(self.ask("SELECT id, version FROM run"))
        for run, (version, plan) in self.newer.items():
            answers = self._answers(run, version)
            if versions[run] != version:
                if run in self.begun_anew or any(answer.startswith("cleared") for answer in answers):
                    raise Wrong(f"{run} was to go on by a newer plan, and did not: {answers}")
                continue
            self.seen["newer"] += 1
            rows = [row for row in self.rows() if row.run == run]
            here = {task.id for task in plan.tasks}
            if missing := here - {row.task for row in rows}:
                raise Wrong(f"{run} has no {missing} of its newer plan")
            if left := [row for row in rows if row.task not in here and row.state != "removed"]:
                raise Wrong(f"{left} is not removed, and the newer plan is without it")
        for run, number in self.ask(
            "SELECT run, count(*) FROM event WHERE event = 'clear' AND instance IS NULL GROUP BY run"
        ):
            done = sum(answer.startswith("cleared") for answer in self._answers(run, ""))
            if number > self.at_once[run] + done:
                raise Wrong(
                    f"{run} was cleared {number} times, where {self.at_once[run]} + {done} were wanted"
                )

    def _answers(self, run: str, version: str) -> list[str]:
        """What was answered to wishes, for that version."""
        rows = self.ask(f"SELECT detail, answer FROM request WHERE run = '{run}' AND kind = 'clear'")
        return [answer for detail, answer in rows if version in detail]

    def _was_kept(self, instance: int, mark: int) -> bool:
        """Something had become of it before, and nobody has taken that back."""
        before = self.ask(
            f"SELECT event FROM event WHERE instance = {instance} AND id <= {mark} ORDER BY id DESC LIMIT 1"
        )
        after = self.ask(
            f"SELECT 1 FROM event WHERE instance = {instance} AND id > {mark} AND event = 'clear'"
        )
        return bool(before) and before[0][0] != "clear" and not after
