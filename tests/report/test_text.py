"""How mistakes are drawn: against texts that a person has looked at."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.report import samples
from tests.report.samples import marking
from yamldag.syntax.diagnostic import Diagnostic, Place
from yamldag.syntax.report.columns import cells
from yamldag.syntax.report.text import draw, summary
from yamldag.syntax.source import Source

GOLDEN = Path(__file__).parent / "golden"
UPDATE = "YAMLDAG_UPDATE_GOLDEN" in os.environ

DRAWN: dict[str, list[Diagnostic]] = {
    "unknown-task": [samples.design()],
    "several": [samples.unknown_task(), samples.warning(), samples.fixable()],
    "duplicate": [samples.duplicate()],
    "other-files": [samples.elsewhere()],
    "whole-file": [samples.whole_file()],
    "many-lines": [marking("tasks:\n  a: «{\n  bash: x,\n  }»\n")],
    "block-text": [marking("a:\n  bash: «|\n    x\n    y\n»b: 1\n")],
    "tabs": [marking("\ta:\t«b\tc»\td")],
    "wide": [marking("名前: 日本語 «値段» # 😀"), marking("e\u0301te\u0301: «ne\u0301e» x")],
    "long-line": [
        marking("«key»: " + "x" * 200),
        marking("a: " + "x" * 200 + " «here» " + "y" * 200),
        marking("a: " + "x" * 200 + " «end»"),
        marking("a: «" + "x" * 300 + "»"),
        marking("a: " + "日本" * 60 + " «値» " + "語" * 60),
    ],
    "nothing-there": [marking("needs:«» # why"), marking("a: b\nneeds:«»")],
    "control": [marking("a: «\x1b[31m\u202eb»\u2028c", "found `\x1b[31m`\nin \u202eb")],
    "line-ends": [marking("a: 1\r\nb: «2»\r\nc: 3\rd: 4")],
    "long-help": [marking("a: «b»", hint="one way:\n  a: 1\nanother:\n  a: 2")],
}


@pytest.mark.parametrize("name", DRAWN)
def test_mistakes_are_drawn_as_they_always_were(name: str) -> None:
    drawn = draw(DRAWN[name], colour=False) + "\n"
    path = GOLDEN / f"{name}.txt"
    if UPDATE:
        path.write_text(drawn, encoding="utf-8")
    assert drawn == path.read_text(encoding="utf-8")


def test_each_golden_text_is_drawn_by_a_test() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == DRAWN.keys()


@pytest.mark.parametrize("name", ["tabs", "wide", "long-line"])
def test_marks_stand_below_what_they_mark(name: str) -> None:
    for diagnostic in DRAWN[name]:
        *_, line, marks = draw([diagnostic], colour=False).splitlines()
        first, last = marks.index("^"), len(marks)
        place = diagnostic.place
        wanted = place.source.text[place.start : place.end].replace("\t", "    ")
        columns = "".join(letter + "\0" * (cells(letter) - 1) for letter in line)
        shown = columns.replace("\u0301", "")[first:last].replace("\0", "").removesuffix("…")
        assert shown
        assert wanted.replace("\u0301", "").startswith(shown)


def test_no_line_is_wider_than_a_screen_allows() -> None:
    for diagnostic in DRAWN["long-line"]:
        assert all(cells(line) <= 130 for line in draw([diagnostic], colour=False).splitlines())


def test_nothing_that_a_terminal_obeys_is_drawn() -> None:
    drawn = draw(DRAWN["control"], colour=False)
    assert all(letter.isprintable() for letter in drawn.replace("\n", ""))


def test_colour_comes_only_when_asked_for_and_changes_no_letter() -> None:
    import re

    for diagnostics in DRAWN.values():
        plain, coloured = draw(diagnostics, colour=False), draw(diagnostics, colour=True)
        assert "\x1b" not in plain
        assert "\x1b[1;3" in coloured
        assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


def test_a_warning_has_another_colour_than_an_error() -> None:
    assert draw([samples.warning()], colour=True).startswith("\x1b[1;33mwarning[YD801 unused-param]\x1b[0m")
    assert draw([samples.design()], colour=True).startswith("\x1b[1;31merror[YD203 unknown-task]\x1b[0m")


@pytest.mark.parametrize(
    ("files", "errors", "warnings", "said"),
    [
        (14, [], [], "14 files, 14 pipelines: all fine"),
        (1, [], [], "1 file, 1 pipeline: all fine"),
        (14, ["a", "a", "b"], ["b"], "3 errors and 1 warning in 2 of 14 files"),
        (14, ["a"], [], "1 error in 1 of 14 files"),
        (14, [], ["a", "b"], "2 warnings in 2 of 14 files"),
        (1, ["a"], [], "1 error in 1 file"),
        (1, ["a", "yamldag"], [], "2 errors in 2 files"),
    ],
)
def test_the_summary_counts(files: int, errors: list[str], warnings: list[str], said: str) -> None:
    found = [Diagnostic("YD113", "x", Place(Source(path, ""), 0, 0)) for path in errors]
    found += [Diagnostic("YD801", "x", Place(Source(path, ""), 0, 0)) for path in warnings]
    assert summary(files, files, found) == said
