"""`yamldag serve` in a project, as a person has it: a command, a page and Ctrl-C."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tests.e2e.project import PATIENCE, Project


def wait_until(what: Callable[[], Any]) -> Any:
    """What it answers, once that is true."""
    until = time.monotonic() + PATIENCE
    while not (found := what()):
        assert time.monotonic() < until, "this never came"
        select.select([], [], [], 0.05)
    return found


@dataclass
class Served:
    """A server that runs."""

    project: Project
    process: subprocess.Popen[bytes]
    said: str = ""
    unread: str = ""
    address: str = ""

    def __post_init__(self) -> None:
        while not self.address:
            found = re.search(r" at (http://\S+)", self.line())
            self.address = found[1] if found else ""

    def line(self) -> str:
        """The next line that it writes."""
        while "\n" not in self.unread:
            assert self.read(), f"it said no more after {self.said}"
        line, _, self.unread = self.unread.partition("\n")
        self.said += f"{line}\n"
        return line

    def read(self) -> bool:
        """Read on; False: there is no more."""
        assert self.process.stderr is not None
        ready, _, _ = select.select([self.process.stderr], [], [], PATIENCE)
        assert ready, f"it has been silent since {self.said}"
        data = os.read(self.process.stderr.fileno(), 65_536)
        self.unread += data.decode()
        return bool(data)

    def get(self, path: str = "/", host: str | None = None) -> tuple[int, str]:
        request = Request(self.address + path, headers={"Host": host} if host else {})
        try:
            with urlopen(request, timeout=PATIENCE) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode()

    def see(self, what: Callable[[str], bool]) -> str:
        """The home page, once it is so."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            page = self.get()[1]
            if what(page):
                return page
            select.select([], [], [], 0.05)
        raise AssertionError(f"this never came: {page}")

    def run(self, *states: str) -> str:
        """The id of the newest run that is in one of these states, once there is one."""

        def found() -> Any:
            rows = self.project("runs", "--json").json
            return next((row["run_id"] for row in rows if row["state"] in states), None)

        return str(wait_until(found))

    def successes(self) -> int:
        rows = self.project("runs", "--json").json
        return sum(row["state"] == "success" for row in rows)

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Its exit code, and all that it wrote."""
        gone = [path for path in self._files() if ".db" in path and path.endswith(" (deleted)")]
        assert gone == [], "what it writes there is lost"
        self.process.send_signal(number)
        while self.read():
            pass
        return self.process.wait(PATIENCE), self.said + self.unread

    def _files(self) -> Iterator[str]:
        """What it has open."""
        for each in Path(f"/proc/{self.process.pid}/fd").iterdir():
            with suppress(OSError):
                yield os.readlink(each)


Serve = Callable[..., Served]
