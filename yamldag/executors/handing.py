"""How a call reaches a process of ours that somebody else starts: by its standard input, so that it is in no file."""

from __future__ import annotations

import os

from yamldag.operators.process import STDIN


def take(path: str) -> bytes:
    """What the file holds. Of what came by standard input, nothing is left there."""
    if path != STDIN:
        with open(path, "rb") as file:
            return file.read()
    with open(0, "rb", closefd=False) as given:
        call = given.read()
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return call


def hand_on(call: bytes) -> None:
    """Let it be what this process, and all that it starts, have as their standard input."""
    held = os.memfd_create("call", os.MFD_CLOEXEC)
    with open(held, "wb", closefd=False) as file:
        file.write(call)
    os.lseek(held, 0, os.SEEK_SET)
    os.dup2(held, 0)
    os.close(held)
