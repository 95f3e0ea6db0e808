"""A deferral: the trigger's own coroutine is run here until its first event, and the operator goes on with it."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

from yamldag import Fail, Skip

_TIMEOUT, _FAILURE = "Trigger timeout", "Trigger failure"
"""What Airflow calls the ends of a trigger that gave no event."""
_PATIENCE = 5.0
"""Seconds for what a trigger does when it is stopped."""
_FAIL = "__fail__"
"""The method that it goes on with then."""


def resumed(task: Any, deferral: Any, context: dict[str, Any]) -> Callable[[], object]:
    """What the operator goes on with. `deferral` is what it has raised."""
    trigger, resume = deferral.trigger, partial(task.resume_execution, context=context)
    trigger.task_instance = context["ti"]
    try:
        event = asyncio.run(_first_event(trigger, _seconds(deferral.timeout)))
    except TimeoutError:
        return partial(resume, next_method=_FAIL, next_kwargs={"error": _TIMEOUT})
    except Exception as error:  # a trigger is other people's code: the operator hears what became of it
        told = traceback.format_exception(error)
        return partial(resume, next_method=_FAIL, next_kwargs={"error": _FAILURE, "traceback": told})
    state = getattr(event, "task_instance_state", None)
    if state is not None or deferral.method_name is None:
        return partial(_end, str(getattr(state, "value", state or "success")), event)
    kwargs = {**(deferral.kwargs or {}), "event": event.payload}
    return partial(resume, next_method=deferral.method_name, next_kwargs=kwargs)


async def _first_event(trigger: Any, timeout: float | None) -> Any:
    """Raises TimeoutError, and what the trigger raises."""
    events = trigger.run()
    try:
        async with asyncio.timeout(timeout):
            async for event in events:
                return event
            raise RuntimeError("the trigger has ended without an event")
    except asyncio.CancelledError:  # the process was told to end
        if hasattr(trigger, "on_kill"):
            with suppress(Exception):
                await asyncio.wait_for(trigger.on_kill(), _PATIENCE)
        raise
    finally:
        with suppress(Exception):  # as Airflow does
            await events.aclose()
            await trigger.cleanup()


def _seconds(timeout: timedelta | float | None) -> float | None:
    return timeout.total_seconds() if isinstance(timeout, timedelta) else timeout


def _end(state: str, event: Any) -> object:
    """Of a trigger whose event is the task's end."""
    if state == "skipped":
        raise Skip("its trigger skipped it")
    if state != "success":
        raise Fail("its trigger failed it")
    return (getattr(event, "xcoms", None) or {}).get("return_value")
