"""The files by which we sign in elsewhere: keys, tokens, certificates. They are read where they lie."""

from __future__ import annotations


class Unusable(Exception):  # noqa: N818
    """What says how to get in does not lead there; the words say why."""


def read(path: str) -> str:
    """The text of such a file. Raises Unusable."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except UnicodeDecodeError:
        raise Unusable(f"`{path}` is no text") from None
    except OSError as problem:
        raise Unusable(f"`{path}` can't be read: {(problem.strerror or 'no reason given').lower()}") from None
