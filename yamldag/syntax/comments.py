"""Comments that speak to us: `# yamldag: ignore[YD801] why`."""

import re
from bisect import bisect_right
from dataclasses import dataclass

from yamldag.syntax.diagnostic import Place
from yamldag.syntax.locate import content
from yamldag.syntax.source import Source
from yamldag.syntax.tree import Scalar

_BREAKS = "\r\n\x85\u2028\u2029"
_IGNORE = re.compile(
    rf"(?:^|(?<=[ \t{_BREAKS}]))#[ \t]*yamldag:[ \t]*ignore(?:[ \t]*\[([^\]{_BREAKS}]*)\])?([^{_BREAKS}]*)"
)
_BREAK = re.compile(f"[{_BREAKS}]")
_CODE = re.compile(r"[^\s,]+")


@dataclass(frozen=True, slots=True)
class Ignore:
    """A wish not to be told some codes on one line. `places` are the codes', `place` is the comment's."""

    line: int
    codes: tuple[str, ...]
    places: tuple[Place, ...]
    why: str
    place: Place


def ignores(source: Source, scalars: list[Scalar]) -> list[Ignore]:
    """The comments among what looks like one: `scalars`, in the text's order, show what is text instead."""
    starts = [scalar.start for scalar in scalars]
    found = []
    for match in _IGNORE.finditer(source.text):
        before = bisect_right(starts, match.start())
        if before == 0 or not _holds(scalars[before - 1], match.start()):
            found.append(_ignore(source, match))
    return found


def _holds(scalar: Scalar, offset: int) -> bool:
    """Whether what stands there is text of the scalar, not a comment behind its anchor, tag or `|`."""
    begin = content(scalar)
    if not begin <= offset < scalar.end:
        return False
    return scalar.style not in ("|", ">") or bool(_BREAK.search(scalar.source.text, begin, offset))


def _ignore(source: Source, match: re.Match[str]) -> Ignore:
    codes = list(_CODE.finditer(source.text, *match.span(1))) if match[1] else []
    end = match.start() + len(match[0].rstrip())
    return Ignore(
        line=source.place(match.start())[0],
        codes=tuple(code[0] for code in codes),
        places=tuple(Place(source, code.start(), code.end()) for code in codes),
        why=match[2].strip(),
        place=Place(source, match.start(), end),
    )
