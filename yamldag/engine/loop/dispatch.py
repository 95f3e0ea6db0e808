"""From an instance to what an executor starts, and from how that ended to what it means."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence

from msgspec.structs import replace

from yamldag.engine import folders, times
from yamldag.engine.loop import approvals, fencing, letters, reaching, sealing, waits
from yamldag.engine.loop.templates import Templates, rendered
from yamldag.engine.memory import gates
from yamldag.engine.memory.deferral import Deferral
from yamldag.engine.memory.notices import Notice
from yamldag.engine.memory.run import UNMAPPED, Instance, Run
from yamldag.engine.step.errands import Errand, spec_of, write_privately
from yamldag.engine.step.world import Called, Callees, Finished, Prepared, nobody
from yamldag.executors.contract import Ended, Start
from yamldag.operators import guarded
from yamldag.operators.catalog import carried_by
from yamldag.operators.contract import Attempt, Operator, Outcome, Work
from yamldag.operators.running import runnable
from yamldag.operators.scripts import SCRIPTS
from yamldag.operators.secrets import DECLARED
from yamldag.plan import hidden
from yamldag.plan.expression import TemplateError, condition, evaluate, render_script, render_text
from yamldag.plan.pipeline import Call, Json, Task

PATIENCE = 60.0
"""Seconds that a notification may take that says nothing else."""
_OURS = "YAMLDAG_"
_MANY = 64
"""Runs whose share of the environment is kept, and folders that are known to be there."""
_REACHING = ("copy", "http", "notify", "wait")
"""Operators that go to addresses which may come from outside."""
_SHELLS = ("bash", "command")
"""They leave a file only if they give an output."""


class Dispatch:
    """Renders attempts, makes their places, and reads what they left."""

    def __init__(
        self,
        templates: Templates,
        environment: Mapping[str, str],
        ids: Iterator[int],
        callees: Callees = nobody,
    ) -> None:
        self._callees = callees
        self.at_home = False
        """Whether whoever started the runs is who owns this machine's network: `yamldag run`."""
        self._templates = templates
        self.declared: sealing.Declared = sealing.nothing
        """What those are told who look secrets up."""
        self.stored: sealing.Kept = sealing.nothing_kept
        """What the database keeps encrypted, as it is now."""
        self._ids = ids
        self._inherited = {name: value for name, value in environment.items() if not name.startswith(_OURS)}
        self._operators: dict[str, Operator | None] = {}
        self._specs: dict[int, tuple[str, str]] = {}
        """What programs that are not ours are to find in a file."""
        self._folders: set[str] = set()
        self._bases: dict[str, dict[str, str]] = {}
        """The part of the environment that all attempts of a run have alike, by run."""
        self._litter: list[str] = []

    def prepare(self, instance: Instance) -> Prepared:
        """Render the newest attempt. What can't be rendered is over before anything was started."""
        base = _base(instance)
        try:
            if instance.node.task.operator == "pipeline":
                return self._call(instance, f"{base}.log")
            return Prepared(f"{base}.log", self._work(instance, base))
        except TemplateError as error:
            return Prepared(f"{base}.log", Outcome("failed", str(error)))

    def errand(self, instance: Instance) -> Errand | Outcome:
        """Render one look of a `wait` that is deferred: it is an errand of the operator that asks."""
        task, number = instance.node.task, next(self._ids)
        try:
            context = self._templates.context(instance)
            private = sealing.asks_privately(task) or bool(self._templates.hidden(instance.node.run))
            operator, params, timeout = waits.look(task.params if private else rendered(task.params, context))
            run = instance.node.run
            if private:
                params = self._sealed(operator, params, task, context, run)
                args, env = sealing.ANY, {DECLARED: self.declared()}
            else:
                args, env = rendered(task.args, context), self._own(task, context)
            place = _attempt(instance, _base(instance), _cwd(task, context), f".{number}")
            place = self._reaching(place, task, run)
            place = self._fenced(place, task, waits.look(task.params)[:2], run, context)
        except TemplateError as error:
            return Outcome("failed", str(error))
        env = {**self._base(run), **env, **_variables(instance, place)}
        env["YAMLDAG_ATTEMPT_ID"] = str(number)
        return Errand(number, operator, params, args, env, place, timeout, owner=instance, guarded=private)

    def letter(self, notice: Notice, folder: str, more: Sequence[Notice] = ()) -> Errand | Outcome:
        """Render a notification, which may tell of more than its own: what to send, or how it is over already."""
        call, run, instance = notice.call, notice.run, notice.instance
        base = os.path.join(folder, str(notice.id))
        place = Attempt(
            run.id,
            instance.node.task.id if instance else f"on_{notice.cause}",
            notice.attempt,
            None if instance is None or instance.index == UNMAPPED else instance.index,
            call.folder or run.plan.folder,
            call.folder or run.plan.folder,
            run.folder,
            f"{base}.output",
            f"{base}.result",
            f"{base}.log",
            f"{base}.spec",
            timeout=PATIENCE if notice.call.timeout is None else notice.call.timeout,
            notification=notice.id,
        )
        call = letters.filled(call, of_task=instance is not None)
        place = self._told(self._reaching(place, call, run), call, run)
        carrier = carried_by(call.operator)
        try:
            context = self._templates.of_notice(notice, more)
            place = self._fenced(place, call, (call.operator, call.params), run, context)
            private = sealing.is_private(call) or bool(hidden.texts(run.plan.params, run.params))
            if private:
                params = self._sealed(carrier, call.params, call, context, run)
                args, own = sealing.ANY, {DECLARED: self.declared()}
            else:
                params, args = _params(call, context), rendered(call.args, context)
                own = {name: render_text(value, context) for name, value in call.env.items()}
        except TemplateError as error:
            return Outcome("failed", str(error))
        env = {**self._inherited, **own, **_of_run(run), "YAMLDAG_OUTPUT": place.output_path}
        if instance is not None:
            env |= {"YAMLDAG_TASK_ID": place.task_id, "YAMLDAG_ATTEMPT": str(notice.attempt)}
        return Errand(notice.id, carrier, params, args, env, place, place.timeout, notice, guarded=private)

    def run_of(self, notice: Notice, more: Sequence[Notice], now: float) -> Called | Outcome:
        """Render a notification that makes a run of another pipeline, which may tell of more than its own."""
        from yamldag.engine.loop import calls  # few need it

        try:
            context = self._templates.of_notice(notice, more)
            params, args = rendered(notice.call.params, context), rendered(notice.call.args, context)
        except TemplateError as error:
            return Outcome("failed", str(error))
        return calls.by_notice(notice, params, args, self._callees, now)

    def _work(self, instance: Instance, base: str) -> Start | Outcome | Deferral:
        task = letters.filled_task(instance.node.task)
        if task.operator == "wait":
            return self._wait(instance)
        if task.operator == "approval":
            return approvals.deferral(instance, rendered(task.params, self._templates.context(instance)))
        carrier = carried_by(task.operator)
        operator = self._operator(carrier)
        if operator is None:
            return Outcome("failed", f"there is no operator `{task.operator}`")
        context = self._templates.context(instance)
        attempt = self._reaching(_attempt(instance, base, _cwd(task, context)), task, instance.node.run)
        attempt = self._told(attempt, task, instance.node.run)
        attempt = self._fenced(attempt, task, (task.operator, task.params), instance.node.run, context)
        if self._is_private(instance):
            sealed = self._sealed(carrier, task.params, task, context, instance.node.run)
            env = {DECLARED: self.declared(), **_variables(instance, attempt)}
            return self._start(
                instance, attempt, guarded.prepare(sealed, {"schema": task.output}, attempt), env
            )
        work = operator.prepare(_params(task, context), rendered(task.args, context), attempt)
        if isinstance(work, Outcome):
            return gates.checked(task, instance.node.run.plan, work)
        env = {**self._own(task, context), **_variables(instance, attempt)}
        return self._start(instance, attempt, work, env)

    def _is_private(self, instance: Instance) -> bool:
        """Whether its process may see a secret, or runs for a run that has params which no log may show."""
        task = instance.node.task
        if sealing.is_private(task):
            return True
        return self._writes(task) and bool(self._templates.hidden(instance.node.run))

    def _writes(self, task: Task) -> bool:
        """Whether it has a process, which may write a log."""
        if task.operator in (gates.BRANCH, gates.SHORT_CIRCUIT):
            return "python" in task.params
        operator = self._operator(carried_by(task.operator))
        return operator is not None and not operator.inline

    def _call(self, instance: Instance, log: str) -> Prepared:
        from yamldag.engine.loop import calls  # few need it

        task, context = instance.node.task, self._templates.context(instance)
        params, args = rendered(task.params, context), rendered(task.args, context)
        return calls.prepared(instance, params, args, self._callees, log)

    def _wait(self, instance: Instance) -> Deferral | Outcome:
        task, context = instance.node.task, self._templates.context(instance)
        params = rendered(
            {name: value for name, value in task.params.items() if name not in waits.LOOKS}, context
        )
        return waits.deferral(instance, params, _cwd(task, context))

    def _sealed(
        self,
        operator: str,
        params: Mapping[str, Json],
        call: Task | Call,
        context: Mapping[str, Json],
        run: Run,
    ) -> dict[str, Json]:
        sealed = sealing.seal(operator, params, call, context, run.plan.timezone)
        stored: Json = {kind: {**tokens} for kind, tokens in self.stored().items()}
        unseen: Json = [*hidden.texts(run.plan.params, run.params)]
        return {**sealed, "stored": stored, "hidden": unseen}

    def _reaching(self, attempt: Attempt, call: Task | Call, run: Run) -> Attempt:
        """With what it may reach, where that is the operator's own affair."""
        if call.operator not in _REACHING:
            return attempt
        inner = self.at_home or reaching.is_written(call, run)
        return replace(attempt, inner=inner, allow_hosts=run.plan.allow_hosts)

    def _fenced(
        self,
        attempt: Attempt,
        call: Task | Call,
        asked: tuple[str, Mapping[str, Json]],
        run: Run,
        context: Mapping[str, Json],
    ) -> Attempt:
        """With where its paths may lead; `asked` is the operator and its parameters, templates yet."""
        operator, params = asked
        if self.at_home or operator not in fencing.FENCED:
            return attempt
        found = fencing.fences(call, operator, params, run, context, attempt.cwd)
        return replace(attempt, fences=found) if found else attempt

    def _told(self, attempt: Attempt, call: Task | Call, run: Run) -> Attempt:
        """With what it is told of its run, where its operator asks."""
        if call.operator != "airflow":
            return attempt
        return replace(attempt, told=_told(run, call.retries if isinstance(call, Task) else 0))

    def _own(self, task: Task, context: Mapping[str, Json]) -> dict[str, str]:
        return {name: render_text(value, context) for name, value in task.env.items() if name not in _OF_RUN}

    def _base(self, run: Run) -> dict[str, str]:
        base = self._bases.get(run.id)
        if base is None:
            if len(self._bases) == _MANY:
                self._bases.clear()
            base = self._bases[run.id] = {**self._inherited, **_of_run(run)}
        return base

    def _start(self, instance: Instance, attempt: Attempt, work: Work, env: dict[str, str]) -> Start:
        assert instance.attempt is not None
        told, written = spec_of(work)
        if written is not None:
            self._specs[instance.attempt] = (attempt.spec_path, written)
        return Start(
            instance.attempt,
            work.argv,
            {**env, **work.env},
            attempt.cwd,
            attempt.log_path,
            instance.node.task.timeout,
            base=self._base(instance.node.run),
            warm=work.warm,
            spec=told,
        )

    def open(self, start: Start) -> None:
        """Make the places of an attempt that is about to start. Raises OSError."""
        for folder in (os.path.dirname(start.log), start.base["YAMLDAG_RUN_DIR"]):
            if folder not in self._folders:
                folders.make(folder)
                if len(self._folders) >= _MANY:
                    self._folders.clear()
                self._folders.add(folder)
        if self._specs and (spec := self._specs.pop(start.attempt, None)):
            write_privately(*spec)

    def finished(self, ended: Ended, instance: Instance) -> Finished:
        """Read how an attempt ended."""
        task = instance.node.task
        attempt = _attempt(instance, _base(instance), task.folder)
        private = self._is_private(instance)
        operator = guarded if private else self._operator(carried_by(task.operator))
        assert operator is not None
        outcome = operator.outcome(ended, attempt, task.output)
        if task.operator == gates.BRANCH:
            outcome = gates.checked(task, instance.node.run.plan, outcome)
        if private or outcome.output is not None or task.operator not in _SHELLS:
            self._litter.append(attempt.output_path)
            if ended.result is None:
                self._litter += (attempt.result_path, attempt.spec_path)
        return Finished(ended.attempt, outcome, ended.reason, ended.started, ended.ended, ended.exit)

    def clean(self) -> None:
        """Delete what attempts left, once what was read of it is stored: after a crash it is read again."""
        while self._litter:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._litter.pop())

    def _operator(self, carrier: str) -> Operator | None:
        if carrier not in self._operators:
            self._operators[carrier] = runnable(carrier)
        return self._operators[carrier]


def log_path(logs: str, label: str, number: int) -> str:
    """Where an attempt's log is, below the run's folder of logs."""
    return f"{_stem(logs, label, number)}.log"


def _stem(logs: str, label: str, number: int) -> str:
    """What the names of an attempt's files begin with: a run has one folder for all of its attempts, however
    many they are."""
    return f"{logs}/{label}.{number}"


def _base(instance: Instance) -> str:
    return _stem(instance.node.run.logs, instance.label, instance.attempts)


def _cwd(task: Task, context: Mapping[str, Json]) -> str:
    return (
        os.path.join(task.folder, render_text(task.working_dir, context)) if task.working_dir else task.folder
    )


def _attempt(instance: Instance, base: str, cwd: str, mark: str = "") -> Attempt:
    """`mark` keeps the files of an errand apart; the log is the attempt's."""
    run, task = instance.node.run, instance.node.task
    return Attempt(
        run.id,
        task.id,
        instance.attempts,
        None if instance.index == UNMAPPED else instance.index,
        task.folder,
        cwd,
        run.folder,
        f"{base}{mark}.output",
        f"{base}{mark}.result",
        f"{base}.log",
        f"{base}{mark}.spec",
        timeout=task.timeout,
    )


def _told(run: Run, retries: int) -> dict[str, Json]:
    """What an operator of Airflow wants to know of its run, dates in the pipeline's zone."""
    dates = ("logical_date", "data_interval_start", "data_interval_end")
    return {
        "pipeline": run.plan.pipeline,
        "type": run.type,
        "owner": run.plan.owner,
        "tags": list(run.plan.tags),
        "retries": retries,
        "params": {**run.params},
        "vars": {**run.plan.vars},
        **{name: times.local(getattr(run, name), run.plan.timezone).isoformat() for name in dates},
    }


def _params(task: Task | Call, context: Mapping[str, Json]) -> dict[str, Json]:
    """A shell's script takes plain words alone where it does not say otherwise."""
    if task.operator in (gates.BRANCH, gates.SHORT_CIRCUIT):
        return _choice(task.params, context)
    script = SCRIPTS.get(task.operator)
    if script is None or script.parameter not in task.params:
        return rendered(task.params, context)
    others = {name: value for name, value in task.params.items() if name != script.parameter}
    read = render_script(task.params[script.parameter], context, script.words)
    return {script.parameter: read, **rendered(others, context)}


def _of_run(run: Run) -> dict[str, str]:
    """Environment of all that is started for a run."""
    return {
        "YAMLDAG_RUN_DIR": run.folder,
        "YAMLDAG_RUN_ID": run.id,
        "YAMLDAG_PIPELINE": run.plan.pipeline,
        "YAMLDAG_LOGICAL_DATE": times.local(run.logical_date, run.plan.timezone).isoformat(),
    }


def _choice(params: dict[str, Json], context: Mapping[str, Json]) -> dict[str, Json]:
    """What is decided by is an expression, bare or as one `{{ }}`; ids in a list are text."""
    go, choose = params.get("go"), params.get("choose")
    if isinstance(go, str | bool):
        return {"go": condition(go, context)}
    if isinstance(choose, str):
        return {"choose": evaluate(choose, context)}
    return rendered(params, context)


_OF_RUN = ("YAMLDAG_RUN_DIR", "YAMLDAG_RUN_ID", "YAMLDAG_PIPELINE", "YAMLDAG_LOGICAL_DATE")


def _variables(instance: Instance, attempt: Attempt) -> dict[str, str]:
    variables = {
        "YAMLDAG_OUTPUT": attempt.output_path,
        "YAMLDAG_TASK_ID": attempt.task_id,
        "YAMLDAG_ATTEMPT": str(attempt.number),
        "YAMLDAG_ATTEMPT_ID": str(instance.attempt),
        "YAMLDAG_IDEMPOTENCY_KEY": f"{attempt.run_id}/{instance.label}",
    }
    if attempt.map_index is not None:
        variables["YAMLDAG_MAP_INDEX"] = str(attempt.map_index)
    return variables
