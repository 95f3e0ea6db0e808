"""A private sshd for tests: on a free port of loopback, with keys of its own, that lets this user in by one key."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PATIENCE = 60.0
"""Seconds after which it is taken not to come up."""
_PLACES = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))


@dataclass
class Sshd:
    """One that runs."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]

    @property
    def known(self) -> str:
        """The line by which its key is known."""
        key = (self.folder / "host.pub").read_text().split()
        return f"[127.0.0.1]:{self.port} {key[0]} {key[1]}\n"

    @property
    def connection(self) -> dict[str, Any]:
        return {
            "type": "ssh",
            "host": "127.0.0.1",
            "port": self.port,
            "user": getpass.getuser(),
            "identity": str(self.folder / "user"),
            "known_hosts": self.known,
        }

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")


@contextmanager
def private(folder: Path) -> Iterator[Sshd]:
    """Skips the test where there is no sshd that can run, and fails it in CI."""
    program = shutil.which("sshd", path=_PLACES)
    if program is None:
        _missing("there is no sshd here: apt-get install openssh-server")
    assert program is not None
    if os.getuid() == 0:
        os.makedirs("/run/sshd", 0o755, exist_ok=True)  # as its own start script does
    for name in ("host", "user"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)],
            check=True,
            timeout=PATIENCE,
        )
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    (folder / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nPidFile none\nUsePAM no\nStrictModes no\n"
        f"AuthorizedKeysFile {folder}/user.pub\nPasswordAuthentication no\nPermitRootLogin prohibit-password\n"
        "MaxStartups 100\nPrintMotd no\n"
    )
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(
            [program, "-D", "-e", "-f", str(folder / "config")], stdout=log, stderr=log
        )
    made = Sshd(folder, port, process)
    try:
        _wait(made)
        yield made
    finally:
        process.kill()
        process.wait()


def _wait(sshd: Sshd) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if sshd.process.poll() is not None:
            _missing(f"sshd does not run here: {sshd.log().strip()}")
        try:
            with socket.create_connection(("127.0.0.1", sshd.port), 1) as there:
                if there.recv(8).startswith(b"SSH-"):
                    return
        except OSError:
            continue
    raise AssertionError(f"sshd does not come up: {sshd.log()}")


def _missing(words: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(words)
    pytest.skip(words)
