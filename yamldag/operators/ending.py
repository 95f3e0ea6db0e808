"""How an attempt ended, told from its exit and from the files that it left. Shared by the operators."""

from __future__ import annotations

import signal
from collections.abc import Mapping

from msgspec import Struct

from yamldag.operators import output
from yamldag.operators.contract import Attempt, End, Json, Outcome
from yamldag.operators.output import BadOutputError, NotJsonError

SKIP = 99
"""The exit code by which a shell says: skip me."""

_ROOM = 1 << 16
"""Bytes around the output in a result file."""


def of_shell(ended: End, attempt: Attempt, declared: Mapping[str, Json] | None) -> Outcome:
    """Of a process that says how it went by its exit code and `$YAMLDAG_OUTPUT`."""
    if ended.reason == "exit" and ended.exit == SKIP:
        return Outcome("skipped", f"exit code {SKIP}")
    if (bad := _badly(ended)) is not None:
        return _said_of(ended) or bad
    try:
        value = output.of_shell(output.read(attempt.output_path), declared)
        output.check(value, declared)
    except BadOutputError as error:
        return Outcome("failed", str(error))
    return Outcome("success", output=value)


def of_task(ended: End, attempt: Attempt, declared: Mapping[str, Json] | None) -> Outcome:
    """Of a process of ours (python, http), which tells its result, or leaves it in a file: `{state, output, reason,
    retry}`."""
    if ended.reason != "exit":
        return _badly(ended) or _no_result()
    try:
        result = _result(ended.result or output.read(attempt.result_path, output.LIMIT + _ROOM))
        if result is None or (result.state == "success" and ended.exit != 0):
            return _badly(ended) or _no_result()
        if result.state == "success":
            output.check(result.output, declared)
    except BadOutputError as error:
        return Outcome("failed", str(error))
    return result


def of_elsewhere(ended: End, attempt: Attempt, declared: Mapping[str, Json] | None) -> Outcome:
    """Of a process of ours that has a command carried out elsewhere: its result says `{exit}`, and its output is what
    the command wrote; or why it did not come to that."""
    try:
        told = _told(ended.result or output.read(attempt.result_path, output.LIMIT + _ROOM))
    except BadOutputError as error:
        return Outcome("failed", str(error))
    code = told.get("exit") if told else None
    if ended.reason != "exit" or not isinstance(code, int):
        return of_task(ended, attempt, declared)
    return of_shell(_Exit(code), attempt, declared)


class _Exit(Struct, frozen=True):
    """How a command elsewhere ended."""

    exit: int
    reason: str = "exit"
    message: str = ""
    result: str | None = None


def _told(said: str | bytes | None) -> dict[str, Json] | None:
    """None: it was not told, or was cut off."""
    try:
        told = output.loads(said.decode() if isinstance(said, bytes) else said or "")
    except (NotJsonError, UnicodeDecodeError):
        return None
    return told if isinstance(told, dict) else None


def _result(said: str | bytes | None) -> Outcome | None:
    """The same as an outcome."""
    told = _told(said)
    if told is None:
        return None
    reason, retry = str(told.get("reason") or ""), told.get("retry") is True
    if told.get("state") == "success":
        return Outcome("success", output=told.get("output"))
    if told.get("state") == "skipped":
        return Outcome("skipped", reason)
    return Outcome("failed", reason, retry=retry)


def _said_of(ended: End) -> Outcome | None:
    """Why a command did not come to its end, if whoever was to carry it out has told; commands tell nothing else."""
    return _result(ended.result) if ended.reason == "exit" and ended.result is not None else None


def _no_result() -> Outcome:
    return Outcome("failed", "the process ended without a result", retry=True)


def _badly(ended: End) -> Outcome | None:
    """The failure that the end itself tells of, or None."""
    if ended.reason == "stopped":
        return Outcome("failed", ended.message or "stopped")
    if ended.reason != "exit":
        return Outcome("failed", ended.message or ended.reason, retry=True)
    return Outcome("failed", _exit(ended.exit), retry=True) if ended.exit else None


_MEANT = {126: "a command may not be executed", 127: "a command was not found"}


def _exit(code: int) -> str:
    """Words for an exit code; minus a signal's number is that signal."""
    if code < 0:
        return f"ended by signal {-code} ({_signal(-code)})"
    if code > 128 and (name := _signal(code - 128)):
        return f"exit code {code}: as if a command in it was ended by {name}"
    return f"exit code {code}: {_MEANT[code]}" if code in _MEANT else f"exit code {code}"


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return ""
