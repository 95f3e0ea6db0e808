"""Says in plain words why a template does not parse, and where."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from itertools import pairwise

from yamldag.plan.expression.reference import Fault
from yamldag.plan.expression.tokens import MAX_BRACKETS, MAX_TOKENS, Mark
from yamldag.plan.expression.vocabulary import STATEMENTS

_SIGNS = {
    "end of print statement": "`}}`",
    "end of statement block": "`%}`",
    "end of template": "the end",
    "begin of print statement": "`{{`",
    "begin of statement block": "`{%`",
    "template data / text": "text",
    "name": "a name",
    "string": "text in quotes",
    "integer": "a number",
    "float": "a number",
}


def nearest(name: str, known: Iterable[str]) -> str | None:
    """A help that names the nearest known word, or None."""
    found = difflib.get_close_matches(name, sorted(known), n=1)
    return f"did you mean `{found[0]}`?" if found else None


def too_deep(text: str) -> Fault:
    """The fault of a template that is nested beyond what is read."""
    return Fault("YD501", f"the template is nested deeper than {MAX_BRACKETS}", 0, len(text))


def syntax_fault(message: str, offset: int, text: str, marks: list[Mark]) -> Fault:
    """A fault for what Jinja's lexer or parser said at an offset."""
    spot = _spot(offset, text, marks)
    for mark, following in pairwise(marks):
        if mark.kind == following.kind == "operator" and mark.text == following.text == "{":
            return Fault("YD501", "`{{` can't stand inside a template", mark.start, following.end)
    for pattern, say in _SAYINGS:
        match = re.match(pattern, message)
        if match:
            return say(match, spot, marks)
    return _at(spot, f"{_found(spot)} can't stand here in a template")


def _spot(offset: int, text: str, marks: list[Mark]) -> Mark:
    for mark in marks:
        if mark.start <= offset < mark.end and mark.kind != "whitespace":
            return Mark(
                mark.start, max(mark.start + len(mark.text.rstrip()), mark.start + 1), mark.kind, mark.text
            )
    end = min(offset + 1, len(text))
    return Mark(min(offset, len(text)), end, "", text[offset:end])


def _at(spot: Mark, message: str, hint: str | None = None) -> Fault:
    return Fault("YD501", message, spot.start, spot.end, hint)


def _found(spot: Mark) -> str:
    if spot.text == "`":
        return "a backtick"
    return f"`{spot.text.strip()[:40]}`" if spot.text.strip() else "the end"


def _expected(match: re.Match[str], spot: Mark, marks: list[Mark]) -> Fault:
    if match[2] == "end of template":
        return _unclosed(match, spot, marks)
    wanted = _SIGNS.get(match[1], f"`{match[1]}`")
    return _at(spot, f"expected {wanted}, found {_found(spot)}")


def _unclosed(_: re.Match[str], spot: Mark, marks: list[Mark]) -> Fault:
    opening = [mark for mark in marks if mark.kind in ("variable_begin", "block_begin")]
    if not opening:
        return _at(spot, "the expression ends too early")
    sign = opening[-1].text[:2]
    closing = "}}" if sign == "{{" else "%}"
    return _at(opening[-1], f"`{sign}` is not closed by `{closing}`")


def _lone(match: re.Match[str], spot: Mark, marks: list[Mark]) -> Fault:
    wanted = match[2] or (
        "}}" if match[1] == "}" and any(mark.kind == "variable_begin" for mark in marks) else ""
    )
    if wanted:
        return _at(spot, f"expected `{wanted}`, found `{match[1]}`")
    return _at(spot, f"`{match[1]}` closes nothing that is open")


def _character(_: re.Match[str], spot: Mark, __: list[Mark]) -> Fault:
    if spot.text in ("'", '"'):
        return _at(spot, f"the quote `{spot.text}` is not closed")
    return _at(spot, f"{_found(spot)} can't stand in a template", _OTHER_SIGNS.get(spot.text))


def _ends_before(_: re.Match[str], spot: Mark, __: list[Mark]) -> Fault:
    return _at(spot, f"the expression ends before {_found(spot)}", _OTHER_SIGNS.get(spot.text.strip()))


_OTHER_SIGNS = {
    "&": "write `and`",
    "=": "to compare, write `==`",
    "?": "write `a if condition else b`",
    "!": "write `not`",
}
"""Signs of other languages."""


def _nothing(_: re.Match[str], spot: Mark, marks: list[Mark]) -> Fault:
    before = [mark for mark in marks if mark.start < spot.start and mark.kind != "whitespace"]
    if before and before[-1].kind == "variable_begin" and spot.kind == "variable_end":
        return Fault("YD501", "`{{ }}` is empty", before[-1].start, spot.end)
    if not spot.text.strip():
        return _at(spot, "the expression ends too early")
    if spot.text == ">" and before and before[-1].text == "<":
        return _at(spot, "expected a value, found `>`", "for what differs, write `!=`")
    return _at(spot, f"expected a value, found {_found(spot)}", _OTHER_SIGNS.get(spot.text.strip()))


def _tag(match: re.Match[str], spot: Mark, _: list[Mark]) -> Fault:
    name, open_one = match[1], match[2]
    if name.startswith("end") or name in ("else", "elif"):
        inside = f" inside `{{% {open_one} %}}`" if open_one else ": no statement is open"
        return _at(spot, f"`{name}` does not fit here{inside}")
    return _at(spot, f"there is no statement `{name}`", nearest(name, STATEMENTS))


def _open_statement(match: re.Match[str], spot: Mark, marks: list[Mark]) -> Fault:
    name = match[1]
    signs = [mark for mark in marks if mark.kind != "whitespace"]
    opened: list[Mark] = []
    for sign, word in pairwise(signs):
        if sign.kind == "block_begin" and word.text == name:
            opened.append(word)
        elif sign.kind == "block_begin" and word.text == f"end{name}" and opened:
            opened.pop()
    return _at(opened[-1] if opened else spot, f"`{{% {name} %}}` is not closed by `{{% end{name} %}}`")


def _open_raw(_: re.Match[str], spot: Mark, marks: list[Mark]) -> Fault:
    opened = [mark for mark in marks if mark.kind == "raw_begin"]
    return _at(opened[-1] if opened else spot, "`{% raw %}` is not closed by `{% endraw %}`")


def _fixed(message: str) -> Callable[[re.Match[str], Mark, list[Mark]], Fault]:
    return lambda _, spot, __: _at(spot, message)


_SAYINGS: tuple[tuple[str, Callable[[re.Match[str], Mark, list[Mark]], Fault]], ...] = (
    (r"too large", _fixed(f"the template is longer than {MAX_TOKENS} words and signs")),
    (r"too deep", _fixed(f"the template is nested deeper than {MAX_BRACKETS}")),
    (r"expected token '(.*)', got '(.*)'", _expected),
    (r"unexpected end of template", _unclosed),
    (r"Encountered unknown tag '(\w+)'.*?(?:needs to be closed is '(\w+)'\.)?$", _tag),
    (r"Unexpected end of template.*needs to be closed is '(\w+)'", _open_statement),
    (r"Unexpected end of template", _unclosed),
    (r"Missing end of raw", _open_raw),
    (r"unexpected '([)\]}])'(?:, expected '(.)')?$", _lone),
    (r"unexpected char", _character),
    (r"unexpected 'end of template'", _unclosed),
    (r"(?:unexpected|Expected an expression)", _nothing),
    (r"chunk after expression", _ends_before),
    (r"Invalid character in identifier", lambda _, spot, __: _at(spot, f"{_found(spot)} is no name")),
    (r"can't assign to", lambda _, spot, __: _at(spot, f"{_found(spot)} is no name that can be set")),
    (
        r"expected name or number",
        lambda _, spot, __: _at(spot, f"expected a name after the dot, found {_found(spot)}"),
    ),
    (r"tag name expected", _fixed("expected a statement such as `if` after `{%`")),
    (r"You cannot chain", _fixed("only one `is` can stand here; join two with `and`")),
)
