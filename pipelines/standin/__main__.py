"""Start the stand-in, alone or around a command: `python -m pipelines.standin --with yamldag serve`."""

from __future__ import annotations

import argparse
import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from pipelines.standin.server import Server

PORT = 8973
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(arguments: list[str]) -> int:
    args = _parsed(arguments)
    try:
        server = Server(args.port, args.slow)
    except OSError as error:
        sys.stderr.write(f"stand-in: port {args.port} can't be used: {error.strerror}; try --port 0\n")
        return 2
    with server:
        return _around(args.command, server) if args.command else _alone(server)


def _parsed(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m pipelines.standin", description=__doc__)
    parser.add_argument(
        "--port", type=int, default=PORT, help="0 takes a free one, and prints it (default: %(default)s)"
    )
    parser.add_argument(
        "--slow", type=float, default=1.5, help="seconds that a slow answer takes (default: %(default)s)"
    )
    parser.add_argument(
        "--with",
        dest="command",
        nargs=argparse.REMAINDER,
        metavar="CMD ARGS",
        help="run this while the server is up",
    )
    return parser.parse_args(arguments)


def _around(command: list[str], server: Server) -> int:
    """Run the command with `STANDIN_URL` set, pass signals on to it, and end as it ends.

    The command has a process group of its own, so that a Ctrl-C reaches it once, through us; should we be killed,
    it is told to end.
    """
    sys.stderr.write(f"stand-in for the web APIs: {server.url}\n")
    sys.stderr.flush()
    started: list[subprocess.Popen[bytes]] = []
    early: list[int] = []

    def forward(number: int, _: FrameType | None) -> None:
        if started:
            started[0].send_signal(number)
        else:
            early.append(number)

    for number in SIGNALS:
        signal.signal(number, forward)
    env = {**os.environ, "STANDIN_URL": server.url}
    try:
        # Before there is a second thread: `preexec_fn` is safe only then.
        child = subprocess.Popen(command, env=env, process_group=0, preexec_fn=_end_with_parent)  # noqa: S603, PLW1509
    except OSError as error:
        sys.stderr.write(f"stand-in: `{command[0]}` can't be started: {error.strerror}\n")
        return 127
    started.append(child)
    for missed in early:
        child.send_signal(missed)
    with _answering(server):
        code = child.wait()
    return 128 - code if code < 0 else code


def _alone(server: Server) -> int:
    told = threading.Event()
    for number in SIGNALS:
        signal.signal(number, lambda *_: told.set())
    with _answering(server):
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        told.wait()
    return 0


@contextmanager
def _answering(server: Server) -> Iterator[None]:
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
