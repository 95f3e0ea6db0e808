"""Graphviz's `dot`, run as a child that is killed with all its children when it takes too long."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from dataclasses import dataclass

INSTALL = "install Graphviz, such as with `apt install graphviz` or `brew install graphviz`"
MANY_EDGES = 150
TUNED = ("-Gnslimit=1", "-Gnslimit1=1", "-Gmclimit=0.1", "-Gsplines=polyline")
"""For many edges: bounds on the searches that make `dot` slow."""


@dataclass(frozen=True, slots=True)
class Missing:
    """Why there is no picture, and what to do about it."""

    message: str


def find() -> str | None:
    """The path of `dot`: `YAMLDAG_DOT` names another one, or none with `none`."""
    wish = os.environ.get("YAMLDAG_DOT", "")
    return None if wish == "none" else shutil.which(wish or "dot")


def run(text: str, form: str, edges: int, limit: float) -> bytes | Missing:
    """What `dot -T<form>` makes of `text` within `limit` seconds; `edges` decides about its flags."""
    program = find()
    if program is None:
        return Missing(f"graphviz's `dot` is not installed: {INSTALL}")
    flags = [*(TUNED if edges > MANY_EDGES else ()), *(("-Gdpi=144",) if form == "png" else ())]
    try:
        child = subprocess.Popen(  # noqa: S603 -- a program that the user has chosen, without a shell
            [program, f"-T{form}", *flags],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        return Missing(f"`{program}` cannot be started: {error.strerror or 'unknown reason'}")
    return _answer(child, text.encode(), limit)


def _answer(child: subprocess.Popen[bytes], text: bytes, limit: float) -> bytes | Missing:
    with child:
        try:
            out, err = child.communicate(text, timeout=limit)
        except subprocess.TimeoutExpired:
            _kill(child)
            return Missing(f"`dot` took over {limit:g} s")
        except BaseException:
            _kill(child)
            raise
    if child.returncode or not out:
        return Missing(f"`dot` failed: {_first_line(err) or f'exit code {child.returncode}'}")
    return out


def _kill(child: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        child.kill()


def _first_line(err: bytes) -> str:
    lines = err.decode(errors="replace").strip().splitlines()
    return lines[0][:200] if lines else ""
