"""Database servers for tests: the machine's own, or private ones that a test may stop, kill and start again."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from glob import glob
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from yamldag.store.drivers.choose import driver_of
from yamldag.store.drivers.contract import CannotOpen

KINDS = ("postgresql", "mariadb")
MACHINE = {
    "postgresql": "postgresql://postgres@127.0.0.1:5432/postgres",
    "mariadb": "mariadb://root@127.0.0.1:3306/mysql",
}
"""Where this machine's own servers would be, and their administrators. YAMLDAG_TEST_POSTGRESQL and
YAMLDAG_TEST_MARIADB name others."""
PATIENCE = 60.0
"""Seconds after which a server is taken not to come up."""


class Missing(Exception):  # noqa: N818
    """There is no such server here, and no program to start one; the words say what was looked for."""


def answers(url: str) -> bool:
    """Whether a server lets us in there."""
    try:
        driver = driver_of(url)
        driver.connect()
    except CannotOpen:
        return False
    except Exception as problem:
        if isinstance(problem, (OSError, driver.error)):
            return False
        raise
    driver.close()
    return True


def administrator(kind: str) -> str | None:
    """The URL of a server of that kind that runs already."""
    url = os.environ.get(f"YAMLDAG_TEST_{kind.upper()}") or MACHINE[kind]
    return url if answers(url) else None


def on(server: str, database: str) -> str:
    """The URL of another database of that server."""
    parts = urlsplit(server)
    return parts._replace(path=f"/{database}").geturl()


def tell(server: str, *statements: str) -> None:
    """Let the administrator execute them."""
    driver = driver_of(server)
    driver.connect()
    try:
        for statement in statements:
            driver.execute(statement)
    finally:
        driver.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """A private server in a folder of its own. It forgets nothing between `stop` and `start`."""

    def __init__(self, kind: str, folder: Path, user: str, programs: Sequence[str]) -> None:
        self.kind = kind
        self.folder = folder
        self.port = free_port()
        self._user = user
        self._programs = programs
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its administrator's."""
        name = "postgres" if self.kind == "postgresql" else "mysql"
        who = "postgres" if self.kind == "postgresql" else "root"
        return f"{self.kind}://{who}@127.0.0.1:{self.port}/{name}"

    def start(self) -> None:
        """Returns when it lets us in."""
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                self._command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, **self._as_user()
            )
        until = time.monotonic() + PATIENCE
        while not answers(self.url):
            assert self.process.poll() is None, (self.folder / "log").read_text()[-3000:]
            assert time.monotonic() < until, f"{self.kind} does not come up"
            time.sleep(0.05)

    def stop(self, number: int) -> None:
        """End it by that signal: PostgreSQL's QUIT is `-m immediate`, INT is `-m fast`."""
        assert self.process is not None
        self.process.send_signal(number)
        self.process.wait(PATIENCE)
        self.process = None

    def crash(self) -> None:
        self.stop(signal.SIGQUIT if self.kind == "postgresql" else signal.SIGKILL)

    def close(self) -> None:
        if self.process is not None:
            self.crash()
        shutil.rmtree(self.folder, ignore_errors=True)

    def make(self) -> None:
        """Its first files."""
        data = str(self.folder / "data")
        if self.kind == "postgresql":
            command = [
                self._programs[0],
                "-D",
                data,
                "-A",
                "trust",
                "-U",
                "postgres",
                "--no-sync",
                "-E",
                "UTF8",
            ]
        else:
            command = [
                self._programs[0], "--no-defaults", f"--datadir={data}", "--skip-test-db",
                "--auth-root-authentication-method=normal",
            ]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True, **self._as_user())

    def _command(self) -> list[str]:
        data, port = self.folder / "data", self.port
        if self.kind == "postgresql":
            settings = (
                "listen_addresses=127.0.0.1", f"unix_socket_directories={self.folder}", "fsync=off", "max_connections=60"
            )  # fmt: skip
            return [self._programs[1], "-D", str(data), "-p", str(port), *(f"-c{each}" for each in settings)]
        return [
            self._programs[1], "--no-defaults", f"--datadir={data}", f"--port={port}", "--bind-address=127.0.0.1",
            f"--socket={self.folder}/socket", f"--pid-file={self.folder}/pid", "--innodb-flush-log-at-trx-commit=2",
            "--innodb-buffer-pool-size=64M",
        ]  # fmt: skip

    def _as_user(self) -> dict[str, Any]:
        """Neither server wants to be root."""
        return {"user": self._user, "group": self._user, "cwd": self.folder} if os.getuid() == 0 else {}


def private(kind: str) -> Server:
    """A server of its own, running. Raises Missing."""
    names = ("initdb", "postgres") if kind == "postgresql" else ("mariadb-install-db", "mariadbd")
    programs = [found for name in names if (found := _program(name))]
    if len(programs) < len(names):
        raise Missing(
            f"no {kind} here: none answers at {MACHINE[kind]}, and there is no {' or '.join(names)}"
        )
    user = ("postgres" if kind == "postgresql" else "mysql") if os.getuid() == 0 else getpass.getuser()
    folder = Path(tempfile.mkdtemp(prefix="yamldag-"))
    if os.getuid() == 0:
        shutil.chown(folder, user, user)
    server = Server(kind, folder, user, programs)
    try:
        server.make()
        server.start()
    except BaseException:
        server.close()
        raise
    return server


def _program(name: str) -> str | None:
    folders = [os.environ.get("PATH", os.defpath), "/usr/sbin", *sorted(glob("/usr/lib/postgresql/*/bin"))]
    return shutil.which(name, path=os.pathsep.join(folders))
