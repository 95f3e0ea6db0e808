"""How an action asks once: what will happen, what stays, and the command that does the same.

The question is a page of its own, by GET; its form sends the same path by POST. With scripts the page opens as a
dialog over the one that asked for it.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import Response

from yamldag.web.ask import Ask


@dataclass(frozen=True, slots=True)
class Question:
    title: str
    """What is to be done, as an order: "Pause sales"."""
    says: Sequence[str]
    """What will happen and what stays, a paragraph each."""
    button: str
    """The order again, short."""
    command: Sequence[str] | str
    """The command that does the same, word by word; as a text: several, a line each."""
    back: str
    """The page that it is asked from."""
    options: Sequence[Option] = ()
    preview: str | None = None
    """A template of more: a table of what will run, fields of a form. It may speak of what `asked` is given."""
    bad: bool = False
    """Whether something is lost by it."""


@dataclass(frozen=True, slots=True)
class Option:
    """Something that may be ticked."""

    name: str
    words: str
    on: bool = False


def asked(ask: Ask, question: Question, **values: object) -> Response:
    """The page that asks."""
    words = question.command
    command = words if isinstance(words, str) else shlex.join(words)
    return ask.page("ask.html", question=question, command=command, **values)


def answered(ask: Ask, back: str, words: str) -> Response:
    """After it is done: back, with a word on what came of it."""
    return ask.to(back, did=words)
