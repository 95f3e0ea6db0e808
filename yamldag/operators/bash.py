"""`bash`: a script in a shell that stops at the first error."""

from __future__ import annotations

from collections.abc import Mapping

from yamldag.operators.contract import Attempt, Json, Work, text
from yamldag.operators.ending import of_shell as outcome

__all__ = ["inline", "outcome", "prepare"]

inline = False

_SHELL = ("bash", "-euo", "pipefail", "-c")


_WORD = 30_000
"""Characters of one word of a long script: the system takes 128 KiB, a character has up to four bytes."""
_JOIN = (
    """__script=; for __word in "$@"; do __script+=$__word; done; set --; unset __word; eval "$__script" """
)


def prepare(params: Mapping[str, Json], _args: Mapping[str, Json], _attempt: Attempt) -> Work:
    script = text(params["script"])
    if len(script) <= _WORD:
        return Work((*_SHELL, script))
    words = (script[start : start + _WORD] for start in range(0, len(script), _WORD))
    return Work((*_SHELL, _JOIN, "bash", *words))
