"""Carries out a sealed call: puts secrets in, starts the task's process below its own, and masks what that writes.

The task's process never sees how secrets are looked up, and neither they nor what holds them is ever in a file:
requests and results go by memory alone. A task ends with its first process, as any other does; what that left
running can write no more. Nor does it outlive its guard: it would go on unseen beside the next attempt.

Where a plug-in carries tasks out, it does so below the guard: it gets what the task itself gets, and no more.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from msgspec import Struct, convert
from msgspec.structs import replace

from yamldag.executors.guard.keyring import Keyring
from yamldag.executors.guard.masking import LONG, Mask, holds
from yamldag.executors.guard.unsealing import Call
from yamldag.executors.marking import die_with
from yamldag.operators.contract import Attempt, Json, Outcome, Work
from yamldag.operators.guarded import ELSEWHERE
from yamldag.operators.running import runnable
from yamldag.operators.secrets import UnresolvedError, is_private
from yamldag.plan.expression import TemplateError

_READ = 1 << 16
_LONGEST = 2000
"""Characters of a reason."""
_HERE = ("copy", "email", "http", "notify", "sql", *ELSEWHERE)
"""Operators whose process is a fork of this one: they run no code of the user's."""
Run = Callable[[dict[str, Any]], tuple[dict[str, Any] | None, int]]


class End(Struct, frozen=True):
    """How the task's process ended, as an operator looks at it."""

    exit: int
    reason: str = "exit"
    message: str = ""
    result: str | None = None


def guard(spec: dict[str, Any], run: Run) -> tuple[dict[str, Any], int]:
    """The result `{state, output, reason, retry}` of a sealed call, and the exit code. `run` carries out the spec
    of an operator of ours, or has a plug-in carry out a command."""
    stopped = _listen()
    keys = Keyring(dict(os.environ), stored=spec["sealed"].get("stored"))
    keys.given.update(spec["sealed"].get("hidden", ()))
    _forget_keys()
    attempt = convert(spec["attempt"], Attempt)
    mask = Mask(())
    try:
        call = Call(spec["sealed"], keys)
        mask = Mask(keys.given)
        process = _Process(mask, run, stopped, spec.get("carried"))
        ended, outcome = _carried_out(call, attempt, spec["declared"], process)
        outcome = _without_secrets(outcome, keys.given, attempt)
    except (TemplateError, UnresolvedError) as error:
        mask = Mask(keys.given)
        ended, outcome = 1, Outcome("failed", str(error))
    except Exception:  # a plug-in's operator, or a bug of ours: its words may hold what nobody is to see
        import traceback

        mask = Mask(keys.given)
        _log(mask.text(traceback.format_exc()).encode())
        ended, outcome = 1, Outcome("failed", "the operator broke off; its log tells more", retry=True)
    return _result(outcome, mask), ended


def _carried_out(
    call: Call, attempt: Attempt, declared: Mapping[str, Json] | None, process: _Process
) -> tuple[int, Outcome]:
    operator = runnable(call.operator)
    if operator is None:
        return 1, Outcome("failed", f"there is no operator `{call.operator}`")
    result = os.memfd_create("result", os.MFD_CLOEXEC)
    # A command that may run anywhere has no memory in common with us.
    place = attempt.spec_path if process.is_carried else f"/proc/self/fd/{result}"
    own = replace(attempt, result_path=place, connected=True)
    work = operator.prepare(call.params, call.args, own)
    if isinstance(work, Outcome):
        return 1, work
    code = process.carry_out(call, work, result)
    if isinstance(code, Outcome):
        return 126, code
    try:
        outcome = operator.outcome(End(code, result=process.fault(result)), own, declared)
    finally:
        if process.is_carried:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(place)
    return code if code >= 0 else 128 - code, outcome


class _Process:
    """The task's process, and what it writes."""

    def __init__(self, mask: Mask, run: Run, stopped: list[int], carried: dict[str, Any] | None) -> None:
        """`carried`: the plug-in that carries it out, and what it is told of the task; None: it runs here."""
        self._mask = mask
        self._run = run
        self._stopped = stopped
        self._carried = carried

    @property
    def is_carried(self) -> bool:
        return self._carried is not None

    def fault(self, result: int) -> str | None:
        """Why the plug-in did not bring it to its end, as a result in JSON; None: it did, or there is none."""
        if self._carried is None:
            return None
        with open(f"/proc/self/fd/{result}", encoding="utf-8") as file:
            return file.read() or None

    def carry_out(self, call: Call, work: Work, result: int) -> int | Outcome:
        """Its exit code, minus a signal's number if one ended it; or why there was none."""
        reader, writer = os.pipe2(os.O_CLOEXEC)
        try:
            started = self._start(call, work, writer, result)
        finally:
            os.close(writer)
        if isinstance(started, Outcome):
            return started
        if self._stopped:  # before there was anybody to hear it
            os.kill(started, signal.SIGTERM)
        self._pass_on(reader, started)
        return os.waitstatus_to_exitcode(os.waitpid(started, 0)[1])

    def _start(self, call: Call, work: Work, writer: int, result: int) -> int | Outcome:
        ours = {name: value for name, value in os.environ.items() if name.startswith("YAMLDAG_")}
        env = {**os.environ, **call.env, **ours, **work.env}
        if work.spec is not None and call.operator in ELSEWHERE:
            work = replace(work, spec={**work.spec, "env": {**call.env, **ours}})
        if self._carried is not None:
            from yamldag.operators.plugins.chosen import told as spec_of  # few need it

            told = spec_of(self._carried, work.argv, {**call.env, **ours, **work.env}, work.spec)
            return self._fork(told, env, writer, result)
        if work.spec is not None and call.operator in _HERE:
            return self._fork(work.spec, env, writer, result)
        argv, files = list(work.argv), [result]
        if work.spec is not None:
            files.append(_memory(work.spec))
            argv[-1] = f"/proc/self/fd/{files[-1]}"
        try:
            process = subprocess.Popen(  # noqa: S603 - it is the task itself
                argv,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=writer,
                stderr=writer,
                pass_fds=files,
                preexec_fn=partial(die_with, signal.SIGKILL, os.getpid()),  # noqa: PLW1509 - there is one thread
            )
        except (OSError, ValueError) as error:
            from yamldag.executors.local.spawn import refusal

            return Outcome("failed", str(refusal(argv[0], error)), retry=True)
        process.returncode = 0  # it is waited for here
        return process.pid

    def _fork(self, spec: dict[str, Any], env: Mapping[str, str], writer: int, result: int) -> int:
        guard = os.getpid()
        pid = os.fork()
        if pid:
            return pid
        code = 1
        try:
            die_with(signal.SIGKILL, guard)
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            for descriptor in (1, 2):
                os.dup2(writer, descriptor)
            os.environ.clear()
            os.environ.update(env)
            told, code = self._run(spec)
            if told is not None:
                _write(result, told)
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
        except BaseException:
            import traceback

            os.write(2, traceback.format_exc().encode())
        finally:
            os._exit(code)

    def _pass_on(self, reader: int, pid: int) -> None:
        """Until the process has ended, and all is read that is there."""
        os.set_blocking(reader, False)
        ended = os.pidfd_open(pid)
        poll = select.poll()
        poll.register(reader, select.POLLIN)
        poll.register(ended, select.POLLIN)
        over = False
        while not over:
            ready = dict(poll.poll())
            over = ended in ready
            if not self._drain(reader) and not over:
                poll.unregister(reader)  # it has closed what it writes to, and goes on
        _log(self._mask.end())
        os.close(ended)
        os.close(reader)

    def _drain(self, reader: int) -> bool:
        """False: nobody can write to it any more."""
        while True:
            try:
                data = os.read(reader, _READ)
            except BlockingIOError:
                return True
            if not data:
                return False
            _log(self._mask.feed(data))


def _log(data: bytes) -> None:
    with contextlib.suppress(OSError):  # a full disk loses lines, not the task
        while data:
            data = data[os.write(1, data) :]


def _without_secrets(outcome: Outcome, given: set[str], attempt: Attempt) -> Outcome:
    """An output that holds a secret is not taken, nor left where the task wrote it."""
    if outcome.output is None or not _shows(outcome.output, given):
        return outcome
    with contextlib.suppress(OSError):
        os.unlink(attempt.output_path)
    return Outcome(
        "failed", f"the output holds a secret of {LONG} characters or more: hand on its name instead"
    )


def _shows(value: Json, secrets: set[str]) -> bool:
    from yamldag.operators.contract import text
    from yamldag.operators.output import holds_secret

    return holds_secret(value, secrets) or holds(text(value), secrets)


def _result(outcome: Outcome, mask: Mask) -> dict[str, Any]:
    reason = mask.text(outcome.reason)[:_LONGEST]
    return {"state": outcome.state, "output": outcome.output, "reason": reason, "retry": outcome.retry}


def _memory(spec: dict[str, Json]) -> int:
    """A file without a name that holds it."""
    made = os.memfd_create("spec", os.MFD_CLOEXEC)
    _write(made, spec)
    return made


def _write(descriptor: int, value: dict[str, Any]) -> None:
    import json

    with open(f"/proc/self/fd/{descriptor}", "w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=False)


def _forget_keys() -> None:
    """The task's own environment has none of it."""
    for name in [name for name in os.environ if is_private(name)]:
        del os.environ[name]


def _listen() -> list[int]:
    """The signals that came: they are for the task, which gets them itself, and whose last words are awaited."""
    came: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda number, _: came.append(number))
    return came
