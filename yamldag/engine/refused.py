"""What can't be done as it was asked: the words say why, to a person."""

from __future__ import annotations

UNKNOWN, BAD, NOT_NOW, NOT_YOURS = "unknown", "bad", "not now", "not yours"


class Refused(Exception):  # noqa: N818
    """`kind`: there is none of that name, what was given is wrong, or it can't be done as things are,
    or not by whoever asks."""

    def __init__(self, words: str, kind: str = BAD) -> None:
        super().__init__(words)
        self.kind = kind


def unknown(words: str) -> Refused:
    return Refused(words, UNKNOWN)
