"""`command`: a program and its arguments, with no shell in between."""

from __future__ import annotations

from collections.abc import Mapping

from yamldag.operators.contract import Attempt, Json, Outcome, Work, words
from yamldag.operators.ending import of_shell as outcome

__all__ = ["inline", "outcome", "prepare"]

inline = False


def prepare(params: Mapping[str, Json], _args: Mapping[str, Json], _attempt: Attempt) -> Work | Outcome:
    argv = params["argv"]
    if not isinstance(argv, list):
        return Outcome("failed", "`argv` should be a list of words: a program, then its arguments")
    if not argv or argv[0] == "":
        return Outcome("failed", "`argv` should begin with a program, found nothing")
    return Work(words(argv))
