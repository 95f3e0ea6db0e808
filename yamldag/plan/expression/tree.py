"""From a template's text to Jinja's syntax tree, in which every line number is an offset."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from jinja2 import TemplateSyntaxError, nodes
from jinja2.parser import Parser

from yamldag.plan.expression.sandbox import ENVIRONMENT
from yamldag.plan.expression.tokens import Mark, locate, stream

_ROOM = 5_000


def marks_of(text: str, state: str | None = None) -> Iterator[Mark]:
    """All tokens with their places; raises TemplateSyntaxError, its line being the offset."""
    return locate(ENVIRONMENT.lexer, text, state)


def template(text: str, marks: list[Mark]) -> nodes.Template:
    """The tree of a whole template; raises TemplateSyntaxError likewise."""
    return _parser(text, marks).parse()


def expression(text: str, marks: list[Mark]) -> nodes.Expr:
    """The tree of one bare expression."""
    parser = _parser(text, marks)
    found = parser.parse_expression()
    if not parser.stream.eos:
        raise TemplateSyntaxError("chunk after expression", parser.stream.current.lineno)
    found.set_environment(ENVIRONMENT)
    return found


def _parser(text: str, marks: list[Mark]) -> Parser:
    if sum(mark.text in ("(", "[", "{") for mark in marks) > 40:
        # The parser takes some 15 frames per bracket; 100 nested ones need more than Python's usual thousand.
        sys.setrecursionlimit(max(sys.getrecursionlimit(), _ROOM))
    parser = Parser(ENVIRONMENT, "")
    parser.stream = stream(ENVIRONMENT.lexer, iter(marks), text)
    return parser
