"""Which parameter of an operator a shell reads, here or elsewhere: its templates give plain words, or say otherwise."""

from __future__ import annotations

from typing import NamedTuple


class Script(NamedTuple):
    parameter: str
    words: bool = False
    """Whether it may also be words, in a list, which no shell reads."""


SCRIPTS = {
    "bash": Script("script"),
    "docker": Script("command", words=True),
    "kubernetes": Script("command", words=True),
    "ssh": Script("command"),
}
