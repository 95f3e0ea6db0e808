"""Carries out an `airflow` task: makes the operator, calls its `execute`, and follows it through what Airflow would put
off: a deferral, a sensor's next look."""

from __future__ import annotations

import contextvars
import os
import re
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from glob import glob
from typing import Any
from uuid import UUID

from yamldag import Fail, Skip
from yamldag.executors.airflow import context as contexts
from yamldag.executors.airflow import surroundings
from yamldag.executors.airflow.deferral import resumed
from yamldag.executors.airflow.making import Unfit, made
from yamldag.executors.call import last_line, print_traceback
from yamldag.executors.plain import NotPlainError, number, plain

_LONGEST = 2000
"""Characters of a reason."""
_NO_CONNECTION = re.compile(r"The conn_id `([^`]+)` isn't defined")
_PATIENCE = 5.0
"""Seconds for what an operator has begun to end by its `on_kill`; all is killed 10 seconds after it was told to end."""
_FINAL = ("AirflowFailException", "AirflowSensorTimeout")
"""Failures that Airflow does not try again either."""


class _Stopped(BaseException):
    """It was told to end, and its `on_kill` was called."""


def carry_out(spec: dict[str, Any]) -> dict[str, Any]:
    """The result `{state, output, reason, retry}`. The border of the operator's code: it lets nothing through."""
    try:
        with surroundings.home(spec["scratch"]):
            surroundings.settle(spec["variables"])
            return {"state": "success", "output": plain(_readable(_value(spec)))}
    except (Skip, Fail) as said:
        return _ended("skipped" if isinstance(said, Skip) else "failed", str(said))
    except (Unfit, NotPlainError) as problem:
        return _ended("failed", str(problem))
    except BaseException as error:
        return _judged(error)


def _judged(error: BaseException) -> dict[str, Any]:
    """What an exception means, as Airflow has it. They are known by their names, which stay when modules move."""
    kinds = names(error)
    if "AirflowSkipException" in kinds:
        return _ended("skipped", str(error) or "it skipped itself")
    if isinstance(error, _Stopped):
        _end_children()
        return _ended("failed", "it was told to end")
    if isinstance(error, SystemExit):
        return _ended("failed", f"exit code {error.code or 0}", retry=True)
    if "DownstreamTasksSkipped" in kinds:
        return _ended("failed", "it skips tasks of Airflow: `branch` and `short_circuit` choose here")
    print_traceback(error)
    return _ended("failed", _words(error), retry=not kinds.intersection(_FINAL))


def _words(error: BaseException) -> str:
    """Airflow's own exceptions say all in their words."""
    said = str(error).strip().partition("\n")[0]
    if (asked := _NO_CONNECTION.match(said)) is not None:
        declare = "declare it under `connections:` in yamldag.yml, and name it in `args`"
        return f"it has no connection `{asked[1]}`: {declare}"
    return said if said and type(error).__module__.startswith("airflow.") else last_line(error)


def _ended(state: str, reason: str, *, retry: bool = False) -> dict[str, Any]:
    reason = reason[:_LONGEST].encode(errors="replace").decode()
    return {"state": state, "reason": reason, "retry": retry}


def names(error: BaseException) -> set[str]:
    """Of its class and of those that it is made of."""
    return {each.__name__ for each in type(error).__mro__}


def _value(spec: dict[str, Any]) -> object:
    """What the operator returns. Raises what it raises."""
    task = made(spec).prepare_for_execution()
    _end_with(task)
    context = contexts.made(spec, task)
    from airflow.sdk.bases.operator import ExecutorSafeguard

    with contexts.current(context):
        here = contextvars.copy_context()
        here.run(ExecutorSafeguard.tracker.set, task)  # or it warns that it is not run by Airflow
        os.environ.update(contexts.variables(context))
        task.pre_execute(context)
        value = here.run(_followed, task, context)
        task.post_execute(context, value)
    return value if getattr(task, "do_xcom_push", True) else None


def _readable(value: object) -> object:
    """Numbers and ids of databases as `sql` gives them."""
    if isinstance(value, Decimal):
        return number(value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, (list, tuple)):
        return [_readable(each) for each in value]
    if isinstance(value, dict):
        return {key: _readable(each) for key, each in value.items()}
    return value


def _followed(task: Any, context: dict[str, Any]) -> object:
    """Through deferrals and rescheduled looks, which wait in this process."""
    execute: Callable[[], object] = partial(task.execute, context=context)
    step = execute
    while True:
        try:
            return step()
        except BaseException as raised:
            kinds = names(raised)
            if "TaskDeferred" in kinds:
                step = resumed(task, raised, context)
            elif "AirflowRescheduleException" in kinds:
                context["ti"].looked()
                _sleep_until(raised.reschedule_date)  # type: ignore[attr-defined]
                step = execute
            else:
                raise


def _sleep_until(moment: datetime) -> None:
    time.sleep(max(0.0, (moment - datetime.now(UTC)).total_seconds()))


def _end_children() -> None:
    """What an operator has begun leads a group of its own, as with `BashOperator`, and may not heed its `on_kill`."""
    until = time.monotonic() + _PATIENCE
    while (children := _children()) and time.monotonic() < until:
        time.sleep(0.05)
    for pid in children:
        with suppress(OSError):
            os.killpg(pid, signal.SIGKILL)


def _children() -> list[int]:
    """Those that run and lead a group."""
    found = []
    for path in glob("/proc/self/task/*/children"):
        with open(path, encoding="ascii") as file:
            found += [int(pid) for pid in file.read().split()]
    return [pid for pid in found if _leads(pid)]


def _leads(pid: int) -> bool:
    try:
        return not os.waitpid(pid, os.WNOHANG)[0] and os.getpgid(pid) == pid
    except OSError:  # somebody else has waited for it
        return False


def _end_with(task: Any) -> None:
    """When it is stopped, it ends what it has begun elsewhere, and itself. Processes that it forks are not meant."""
    own = os.getpid()

    def stop(number: int, _frame: object) -> None:
        signal.signal(number, signal.SIG_IGN)  # once is enough: KILL follows
        try:
            if os.getpid() == own:
                task.on_kill()
        except Exception as error:
            print_traceback(error)
        raise _Stopped

    signal.signal(signal.SIGTERM, stop)
