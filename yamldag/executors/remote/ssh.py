"""Carries out an `ssh` task: a command in a session of the other machine, watched from there.

Nobody on the other machine knows of time-outs or of our death, so that a small shell there reads our end of the session
until it ends, by our will or by our death, and then ends all that the command has begun. What the task is given (its
variables, secrets among them) comes by that session too: command lines can be seen by others.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shlex
import signal
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from yamldag.executors.remote.credentials import Unusable, read
from yamldag.executors.remote.told import ended, environment, failed

if TYPE_CHECKING:
    import asyncssh

MISSING = "`ssh` needs asyncssh, which is not installed: pip install 'yamldag[ssh]'"
_LOGIN = 30.0
"""Seconds for the connection and the login."""
_DRAIN = 5.0
"""Seconds for what a command has written and we have not read when it ends."""
_SILENCE = 30.0
"""Seconds after which a silent connection is asked whether it is still there; the third time that nobody answers it is
lost."""
_LONGEST = (1 << 20) + 1
"""Bytes of an output that are fetched: one more than it may have."""

# One line without quotes, which every login shell takes. $1: a folder of the task's own; $2: the bytes of what is to
# be done. The command gets the signals of a process that was just begun. The watcher ends all when nobody holds our end
# any more; it and this shell live through its TERM, and what is left when the command has ended by that is killed.
_WATCH = "; ".join((
    "stopped=",
    "trap stopped=1 TERM HUP INT",
    "mkdir -m 700 -- \"$1\" || exit 125",
    "todo=$(head -c \"$2\")",
    "YAMLDAG_OUTPUT=$1/output",
    "export YAMLDAG_OUTPUT",
    "exec 3<&0",
    "(exec 3<&-; trap - TERM HUP INT; eval \"$todo\") </dev/null & job=$!",
    "(trap : TERM; cat <&3; kill -TERM 0; sleep 10; rm -rf -- \"$1\"; kill -KILL 0) >/dev/null 2>&1 & watch=$!",
    "exec 3<&-",
    "code=0",
    "while :; do wait $job; code=$?; kill -0 $job 2>/dev/null || break; done",
    "[ -z $stopped ] || rm -rf -- \"$1\"",
    "[ -z $stopped ] || kill -KILL 0",
    "kill -KILL $watch 2>/dev/null",
    "exit $code",
))  # fmt: skip


def warm_up() -> None:
    """Load what every task needs, where it is installed."""
    with contextlib.suppress(ImportError):
        import asyncssh

        del asyncssh


def carry_out(spec: dict[str, Any]) -> dict[str, Any]:
    """The result: `{exit}` of the command, or why there is none. Its output is left at `spec["output"]`."""
    return _tried(spec["machine"], lambda remote: remote.carry_out(spec))


def reach(machine: dict[str, Any]) -> tuple[bool, str]:
    """Whether it lets us in, and words on it."""
    result = _tried(machine, _Remote.greet)
    return result["state"] == "success", result.get("reason") or "it lets us in"


def _tried(
    machine: dict[str, Any], work: Callable[[_Remote], Coroutine[Any, Any, dict[str, Any]]]
) -> dict[str, Any]:
    """What comes of it; whatever goes wrong on the way is told in words."""
    try:
        import asyncssh
    except ImportError:
        return failed(MISSING, retry=False)
    host = machine["host"]
    try:
        return asyncio.run(work(_Remote(asyncssh, machine)))
    except asyncssh.HostKeyNotVerifiable:
        return failed(
            f"the key of {host} is not the one that is known, or none is: check it, and add it to the file of known "
            "hosts, or to `known_hosts` of the connection",
            retry=False,
        )
    except asyncssh.PermissionDenied:
        return failed(f"{host} does not let `{machine['user'] or 'us'}` in", retry=False)
    except asyncssh.KeyImportError as problem:
        return failed(f"the private key can't be used: {_words(problem)}", retry=False)
    except Unusable as problem:
        return failed(str(problem), retry=False)
    except TimeoutError:
        return failed(f"{host} has not let us in within {_LOGIN:.0f} s")
    except (asyncssh.Error, OSError) as problem:
        return failed(f"{host} can't be reached, or was lost: {_words(problem)}")


class _Remote:
    def __init__(self, library: Any, machine: dict[str, Any]) -> None:
        self._library = library
        self._machine = machine
        self._folder = f"/tmp/yamldag-{secrets.token_hex(16)}"  # noqa: S108 - made there, by nobody else, 0700

    async def carry_out(self, spec: dict[str, Any]) -> dict[str, Any]:
        async with await self._connected() as connection:
            todo = _todo(spec["command"], environment(spec["env"])).encode()
            words = ("sh", "-c", _WATCH, "sh", self._folder, str(len(todo)))
            session = _session(self._library)
            channel, _ = await connection.create_session(lambda: session, shlex.join(words), encoding=None)
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGTERM, channel.write_eof)
            channel.write(todo)
            code = await session.code
            await session.drained()
            await self._fetch(connection, spec["output"])
        return ended(code)

    async def greet(self) -> dict[str, Any]:
        """Sign in, and leave."""
        (await self._connected()).close()
        return ended(0)

    async def _connected(self) -> asyncssh.SSHClientConnection:
        machine = self._machine
        keys = {} if (found := self._keys()) is None else {"client_keys": found}
        user = {} if machine["user"] is None else {"username": machine["user"]}
        connection: asyncssh.SSHClientConnection = await asyncio.wait_for(
            self._library.connect(
                machine["host"],
                machine["port"],
                config=None,
                known_hosts=self._known_hosts(),
                password=machine["password"],
                passphrase=machine["passphrase"],
                keepalive_interval=_SILENCE,
                **keys,
                **user,
            ),
            _LOGIN,
        )
        return connection

    def _keys(self) -> list[Any] | None:
        """None: those of this user, and of an agent."""
        machine = self._machine
        if machine["private_key"] is not None:
            return [self._library.import_private_key(machine["private_key"], machine["passphrase"])]
        if machine["identity"] is not None:
            return [self._library.import_private_key(read(machine["identity"]), machine["passphrase"])]
        return [] if machine["password"] is not None else None

    def _known_hosts(self) -> Any:
        """What is not in there is refused: no host is taken for known because it is new."""
        said = self._machine["known_hosts"]
        if said is None:
            path = os.path.expanduser("~/.ssh/known_hosts")
            lines = read(path) if os.path.exists(path) else ""
        else:
            lines = read(said) if os.path.isabs(said) else said
        try:
            return self._library.import_known_hosts(lines)
        except ValueError as problem:
            raise Unusable(f"the known hosts can't be read: {_words(problem)}") from None

    async def _fetch(self, connection: asyncssh.SSHClientConnection, path: str) -> None:
        """Take what the command left as its output, and its folder away."""
        fetch = f'head -c {_LONGEST} "$1/output" 2>/dev/null; rm -rf -- "$1"'
        told = await connection.run(shlex.join(("sh", "-c", fetch, "sh", self._folder)), encoding=None)
        data = told.stdout
        if isinstance(data, bytes) and data:
            with open(path, "wb", opener=_private) as file:
                file.write(data)


def _session(library: Any) -> Any:
    """A session that writes what comes to our own log at once."""

    class Session(library.SSHClientSession):  # type: ignore[misc]
        def __init__(self) -> None:
            loop = asyncio.get_running_loop()
            self.code: asyncio.Future[int] = loop.create_future()
            self._closed: asyncio.Future[None] = loop.create_future()

        def data_received(self, data: bytes, datatype: int | None) -> None:
            _write(2 if datatype else 1, data)

        def exit_status_received(self, status: int) -> None:
            self._end(status)

        def exit_signal_received(self, name: str, _core: bool, _message: str, _language: str) -> None:
            self._end(128 + getattr(signal, f"SIG{name}", signal.SIGKILL))

        def connection_lost(self, exc: Exception | None) -> None:
            if not self.code.done():
                self.code.set_exception(exc or library.ConnectionLost("the connection was lost"))
            self._closed.set_result(None)

        def _end(self, code: int) -> None:
            if not self.code.done():
                self.code.set_result(code)

        async def drained(self) -> None:
            """All is read that the command wrote; what it left running may hold the session open."""
            await asyncio.wait((self._closed,), timeout=_DRAIN)

    return Session()


def _todo(command: str, env: dict[str, str]) -> str:
    """What the shell there evaluates."""
    lines = [f"{name}={shlex.quote(value)}; export {name}" for name, value in env.items()]
    word = shlex.quote(command)
    lines.append(f"if command -v bash >/dev/null; then exec bash --norc -euo pipefail -c {word}; fi")
    return "\n".join([*lines, f"exec sh -eu -c {word}"])


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _words(problem: Exception) -> str:
    words = getattr(problem, "reason", None) or getattr(problem, "strerror", None) or str(problem)
    return (str(words) or "no reason given").lower().removesuffix(".")
