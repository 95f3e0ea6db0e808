"""Asks the process that compiles, one question at a time, and ends it if it takes too long."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any

LONGEST = 64 * 1024
"""Bytes of a text."""
PATIENCE = 4.0
"""Seconds for one text."""
_BEGIN = 30.0
"""Seconds for a process to begin: the machine may be busy."""
_IDLE = 300.0
"""Seconds without a text after which the process is ended."""

Question = dict[str, Any]
Known = Mapping[str, Any]
"""What the project declares and a text may name, by its setting: `connections` as names of nothing, `secrets` as a
list of names, `pools` with their slots."""
NOTHING: Known = {}


class Busy(Exception):  # noqa: N818
    """Others have their texts checked."""


class Checker:
    """Of one server. Of any number of threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._timer: threading.Timer | None = None

    def check(self, text: str, known: Known = NOTHING, patience: float = PATIENCE) -> dict[str, Any]:
        """What `child.check` says, or `problem`: why nothing can be said. Raises Busy."""
        return self._ask({"what": "check", "text": text, "known": known}, patience)

    def complete(self, text: str, at: int, known: Known = NOTHING) -> dict[str, Any]:
        """What `child.complete` says, or `problem`; `at` counts code points. Raises Busy."""
        return self._ask({"what": "complete", "text": text, "at": at, "known": known}, PATIENCE)

    def explain(self, text: str, at: int, known: Known = NOTHING) -> dict[str, Any]:
        """What `child.explain` says, or `problem`; `at` counts code points. Raises Busy."""
        return self._ask({"what": "explain", "text": text, "at": at, "known": known}, PATIENCE)

    def close(self) -> None:
        with self._lock:
            self._end()

    def _ask(self, question: Question, patience: float) -> dict[str, Any]:
        if len(question["text"].encode(errors="replace")) > LONGEST:
            return {"problem": f"that is longer than {LONGEST // 1024} KiB"}
        if not self._lock.acquire(timeout=patience):
            raise Busy
        try:
            return self._answered(question, patience)
        finally:
            self._lock.release()

    def _answered(self, question: Question, patience: float) -> dict[str, Any]:
        if self._timer is not None:
            self._timer.cancel()
        fresh = self._child is None or self._child.poll() is not None
        child = self._begin() if fresh else self._child
        assert child is not None
        assert child.stdin is not None
        try:
            child.stdin.write(json.dumps(question).encode() + b"\n")
            child.stdin.flush()
            line = self._read(child, patience + (_BEGIN if fresh else 0))
        except OSError:
            line = b""
        if not line:
            self._end()
            return {"problem": "that takes too long, or too much memory"}
        self._timer = threading.Timer(_IDLE, self.close)
        self._timer.daemon = True
        self._timer.start()
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _begin(self) -> subprocess.Popen[bytes]:
        """It gets none of the environment: there may be secrets."""
        self._end()
        command = [sys.executable, "-m", "yamldag.web.playground.child"]
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "PYTHONPATH") if name in os.environ}
        self._child = subprocess.Popen(  # noqa: S603  (our own program)
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**kept, "PYTHONDONTWRITEBYTECODE": "1"},
            start_new_session=True,
        )
        return self._child

    def _read(self, child: subprocess.Popen[bytes], patience: float) -> bytes:
        """One line, or what has come of it by then: then it is none."""
        assert child.stdout is not None
        descriptor, data, end = child.stdout.fileno(), b"", time.monotonic() + patience
        with selectors.DefaultSelector() as selector:
            selector.register(descriptor, selectors.EVENT_READ)
            while not data.endswith(b"\n"):
                if not selector.select(max(0.0, end - time.monotonic())):
                    return b""
                piece = os.read(descriptor, 1 << 16)
                if not piece:
                    return b""
                data += piece
        return data

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        with contextlib.suppress(OSError):
            os.killpg(child.pid, 9)
        child.wait()
        for stream in (child.stdin, child.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
