"""Edits in files: each once, none over another, none in a file that has changed."""

from pathlib import Path

from yamldag.authoring.mending import mended
from yamldag.syntax.diagnostic import Diagnostic, Fix, Place
from yamldag.syntax.source import Source


def found(source: Source, *edits: tuple[int, int, str]) -> list[Diagnostic]:
    return [
        Diagnostic(
            "YD403", "wrong", Place(source, start, end), fix=Fix("mend", Place(source, start, end), text)
        )
        for start, end, text in edits
    ]


def test_edits_that_overlap_wait(tmp_path: Path) -> None:
    path = tmp_path / "a.yml"
    path.write_text("abcdef")
    source = Source(str(path), "abcdef")
    (made,) = mended(found(source, (4, 5, "E"), (0, 2, "A"), (1, 3, "X"), (0, 2, "A")))
    assert (made.path, made.data, made.edits) == (str(path), b"AcdEf", 2)


def test_a_file_that_has_changed_meanwhile_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.yml"
    path.write_text("abc!")
    assert list(mended(found(Source(str(path), "abc"), (0, 1, "A")))) == []


def test_what_is_no_file_is_left_alone() -> None:
    assert list(mended(found(Source("$YAMLDAG_POOLS", "abc"), (0, 1, "A")))) == []
