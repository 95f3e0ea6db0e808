"""Asks plug-ins what they are, or what they advise: each in a process of its own, all at once, within a time."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

from yamldag.operators.plugins.announced import Advice, Announced, Described, shown
from yamldag.operators.secrets import is_private

PATIENCE = 20.0
"""Seconds that a plug-in may take."""
_AT_ONCE = 4
_PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "describing.py")


def described(plugins: Sequence[Announced]) -> list[Described]:
    """What each of them says of itself."""
    found: list[Described] = []
    for begin in range(0, len(plugins), _AT_ONCE):
        some = plugins[begin : begin + _AT_ONCE]
        started = [_started(each) for each in some]
        until = time.monotonic() + PATIENCE
        found += [_description(_answer(*each, until)) for each in zip(some, started, strict=True)]
    return found


def advice(plugin: Announced, plan: str) -> list[Advice] | Described:
    """What it has to say of a plan, which is JSON; or why it says nothing."""
    told = _answer(plugin, _started(plugin, "advice"), time.monotonic() + PATIENCE, plan.encode())
    return _description(told) if "fault" in told else [(task, words) for task, words in told["advice"]]


def _description(told: dict[str, Any]) -> Described:
    return Described(
        told.get("description", ""), told.get("schema"), told.get("fault"), told.get("file"), told.get("line")
    )


def _started(plugin: Announced, *words: str) -> subprocess.Popen[bytes]:
    # It gets no secret: it is only asked.
    env = {name: value for name, value in os.environ.items() if not is_private(name)}
    return subprocess.Popen(  # noqa: S603 - this interpreter, and a program of ours
        [sys.executable, "-P", _PROGRAM, plugin.kind, plugin.reference, *words],
        env=env,
        stdin=subprocess.PIPE if words else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _answer(
    plugin: Announced, process: subprocess.Popen[bytes], until: float, given: bytes | None = None
) -> dict[str, Any]:
    """What it writes. Of a `fault`, the words begin with its name."""
    name = f"`{plugin.origin if plugin.file else shown(plugin.reference)}`"
    try:
        out, _ = process.communicate(given, timeout=max(until - time.monotonic(), 0.1))
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # and what it has started
        process.communicate()
        return {"fault": f"{name} takes more than {PATIENCE:.0f} s"}
    try:
        told: dict[str, Any] = json.loads(out)
    except ValueError:
        return {"fault": f"{name} ends the process that it is loaded in"}
    return {**told, "fault": f"{name} {told['fault']}"} if "fault" in told else told
