"""Where in a bash script each `{{ }}` stands, and which of them bash would misread."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum

from yamldag.plan.expression.analysis import Analysis, Fault, Output, Reference, analyse
from yamldag.plan.expression.values import Json, unsafe_bare


class Missing(Enum):
    """Of a value that only a run knows."""

    MISSING = "missing"


MISSING = Missing.MISSING
Known = Callable[[Reference], "Json | Missing"]
"""What compile knows of a reference: a param's default, a constant; else MISSING."""

QUOTED = frozenset({"single", "double"})


def shell_quotes(text: str) -> tuple[str, ...]:
    """Where each `{{ }}` stands, in their order: `bare`, `single` or `double` (quotes), `heredoc`, `comment`.

    Inside `"$(…)"` it is bare again, as for bash itself.
    """
    return _Scan(text, analyse(text)).places()


def shell_faults(text: str, analysis: Analysis, known: Known) -> list[Fault]:
    """YD508: `| sh` inside quotes; YD507: a known value without `| sh` or `| raw` that is not plain words."""
    faults = []
    quoting = any("sh" in output.filters for output in analysis.outputs)
    places = _Scan(text, analysis).places() if quoting else ("bare",) * len(analysis.outputs)
    for output, place in zip(analysis.outputs, places, strict=True):
        if "sh" in output.filters and place in QUOTED:
            faults.append(_quoted(text, output, place))
        elif not output.filters or output.filters[-1] not in ("sh", "raw"):
            faults += _unsafe(text, output, known)
    return faults


def _quoted(text: str, output: Output, place: str) -> Fault:
    found = list(re.finditer(r"\|\s*(sh)\b", text[output.start : output.end]))
    start, end = found[-1].span(1) if found else (0, output.end - output.start)
    message = f"`| sh` stands inside {place} quotes, which its own quotes would close"
    return Fault("YD508", message, output.start + start, output.start + end, "leave out the quotes around it")


def _unsafe(text: str, output: Output, known: Known) -> list[Fault]:
    value: Json | Missing = MISSING
    if output.text is not None:
        value = output.text
    elif output.bare:
        value = known(output.bare)
    reason = None if isinstance(value, Missing) else unsafe_bare(value)
    if reason is None:
        return []
    shown = " ".join(text[output.start : output.end].split())
    message = f"the value of `{shown}` can't go into a shell as it is: {reason}"
    hint = "quote it with `| sh`, let it through with `| raw`, or hand it over in `env`"
    return [Fault("YD507", message, output.start, output.end, hint)]


_PLAIN = re.compile(r"[^'\"\\`$#<\n(){}]+")
_HEREDOC = re.compile(r"<<(-?)[ \t]*(['\"]?)([A-Za-z_][A-Za-z0-9_]*)\2")


class _Scan:
    """One walk over a script, with a stack of what is open: `bare` at the bottom, then quotes and so on."""

    def __init__(self, text: str, analysis: Analysis) -> None:
        self.text = text
        self.tags = dict(analysis.tags)
        self.starts = [output.start for output in analysis.outputs]
        self.stack = ["bare"]
        self.waiting: list[tuple[str, bool]] = []
        """Heredocs that begin with the next line: their end word, and whether tabs before it are dropped."""
        self.found: list[str] = []

    def places(self) -> tuple[str, ...]:
        at = 0
        while at < len(self.text):
            plain = _PLAIN.match(self.text, at)
            at = plain.end() if plain else self.tag(at, self.stack[-1]) or self.step(at)
        return tuple(self.found)

    def tag(self, at: int, place: str) -> int | None:
        """Past the `{{ }}` or `{% %}` that begins here, noting where it stands."""
        end = self.tags.get(at)
        if end is not None and any(at < start < end for start in self.starts):
            self.found.append({"backtick": "bare", "group": "bare", "brace": self.around()}.get(place, place))
        return end

    def around(self) -> str:
        """Within `${…}` the quotes around it count."""
        return "double" if "double" in self.stack[self._innermost() :] else "bare"

    def _innermost(self) -> int:
        groups = [
            position for position, place in enumerate(self.stack) if place in ("bare", "group", "backtick")
        ]
        return groups[-1]

    def step(self, at: int) -> int:
        place = self.stack[-1]
        if place == "single":
            return self.single(at)
        sign = self.text[at]
        if sign == "\\":
            return self.escaped(at)
        if sign == "\n" and self.waiting and place != "double":
            return self.heredocs(at + 1)
        if place == "double":
            return self.double(at, sign)
        return self.bare(at, sign)

    def escaped(self, at: int) -> int:
        """Past one sign, or two after a backslash; but not into a `{{`."""
        return at + 2 if self.text[at] == "\\" and at + 1 not in self.tags else at + 1

    def single(self, at: int) -> int:
        if self.text[at] == "'":
            self.stack.pop()
        return at + 1

    def double(self, at: int, sign: str) -> int:
        if sign == '"':
            self.stack.pop()
            return at + 1
        return self.substitution(at, sign)

    def substitution(self, at: int, sign: str) -> int:
        """`$(…)`, `${…}` and backticks, which open in quotes too."""
        if self.text.startswith("$(", at):
            self.stack.append("group")
            return at + 2
        if self.text.startswith("${", at) and at + 1 not in self.tags:
            self.stack.append("brace")
            return at + 2
        if sign == "`":
            if self.stack[-1] == "backtick":
                self.stack.pop()
            else:
                self.stack.append("backtick")
        return at + 1

    def bare(self, at: int, sign: str) -> int:
        place = self.stack[-1]
        quoted_brace = place == "brace" and self.around() == "double"
        if sign == '"':
            self.stack.append("double")
        elif sign == "'" and not quoted_brace:
            self.stack.append("ansi" if self.text[at - 1 : at] == "$" else "single")
            return self.ansi(at + 1)
        elif (sign == ")" and place == "group") or (sign == "}" and place == "brace"):
            self.stack.pop()
        elif sign == "(" and place == "group":
            self.stack.append("group")
        elif sign == "#" and place != "brace" and self.begins_word(at):
            return self.comment(at)
        elif sign == "<" and place != "brace":
            return self.heredoc(at)
        else:
            return self.substitution(at, sign)
        return at + 1

    def ansi(self, at: int) -> int:
        """`$'…'`, in which a backslash escapes the quote."""
        if self.stack[-1] != "ansi":
            return at
        self.stack[-1] = "single"
        while at < len(self.text) and self.text[at] != "'":
            at = self.tag(at, "single") or self.escaped(at)
        return at

    def begins_word(self, at: int) -> bool:
        return at == 0 or self.text[at - 1] in " \t\n;&|()"

    def comment(self, at: int) -> int:
        while at < len(self.text) and self.text[at] != "\n":
            at = self.tag(at, "comment") or at + 1
        return at

    def heredoc(self, at: int) -> int:
        if self.text.startswith("<<<", at):
            return at + 3
        match = _HEREDOC.match(self.text, at)
        if not match or self.text[at - 2 : at] == "((":
            return at + 1
        self.waiting.append((match[3], match[1] == "-"))
        return match.end()

    def heredocs(self, at: int) -> int:
        """Past the bodies of all heredocs that wait; `at` is the start of a line."""
        for word, tabs in self.waiting:
            while at < len(self.text):
                end = self.text.find("\n", at)
                end = len(self.text) if end < 0 else end
                line = self.text[at:end]
                if (line.lstrip("\t") if tabs else line) == word:
                    at = min(end + 1, len(self.text))
                    break
                at = self.body_line(at)
        self.waiting.clear()
        return at

    def body_line(self, at: int) -> int:
        while at < len(self.text) and self.text[at] != "\n":
            at = self.tag(at, "heredoc") or at + 1
        return at + 1
