"""Start the stand-in, alone or around a command: `python -m pipelines.standin --with yamldag serve`."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import threading
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
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
    try:
        if args.command:
            sys.stderr.write(f"stand-in for the web APIs: {server.url}\n")
            return _around(args.command, server.url)
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        return _until_told()
    finally:
        server.shutdown()
        server.server_close()


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


def _around(command: list[str], url: str) -> int:
    """Run the command with `STANDIN_URL` set, pass signals on to it, and end as it ends."""
    try:
        child = subprocess.Popen(command, env={**os.environ, "STANDIN_URL": url})  # noqa: S603  (the user's own)
    except OSError as error:
        sys.stderr.write(f"stand-in: `{command[0]}` can't be started: {error.strerror}\n")
        return 127

    def forward(number: int, _: FrameType | None) -> None:
        # Ctrl-C at a terminal reaches the child by itself; twice would mean "kill".
        if number != signal.SIGINT or not sys.stdin.isatty():
            child.send_signal(number)

    for number in SIGNALS:
        signal.signal(number, forward)
    code = child.wait()
    return 128 - code if code < 0 else code


def _until_told() -> int:
    told = threading.Event()
    for number in SIGNALS:
        signal.signal(number, lambda *_: told.set())
    told.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
