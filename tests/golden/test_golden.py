"""The golden files are the specification of what the compiler says: `err/NAME.yml`, or a folder of files (a
`yamldag.yml` there makes it a project), and the exact text beside it. `GOLDEN=write make pytest` renews
them; the difference is read in review. `plugins/` is what is installed for them (`tests/conftest.py`)."""

import os
from pathlib import Path

import pytest

from yamldag.compile.load import compile_files
from yamldag.compile.project import find
from yamldag.syntax.codes import CODES
from yamldag.syntax.diagnostic import Diagnostic
from yamldag.syntax.report.text import draw

HERE = Path(__file__).parent
CASES = sorted(path for path in (HERE / "err").iterdir() if path.suffix == ".yml" or path.is_dir())
SPECIAL = {"YD801-ignored", "YD802-error"}
"""Cases about the silence that a comment brings."""
WRITE = os.environ.get("GOLDEN") == "write"


def diagnostics(case: Path) -> list[Diagnostic]:
    """What the compiler says of a case; the advice of `lint` too where the case is about a lint."""
    folder = case if case.is_dir() else case.parent
    paths = sorted(set(case.glob("*.yml")) - {case / "yamldag.yml"}) if case.is_dir() else [case]
    lints = case.stem.startswith("YD8")
    compiled = compile_files(find(str(folder), None, {}), map(str, paths), lints=lints)
    return compiled.found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_it_says_exactly_this(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(case.parent)
    said = draw(diagnostics(case), colour=False) + "\n"
    wanted = case.with_suffix(".txt")
    if WRITE:
        wanted.write_text(said, encoding="utf-8")
    assert said == wanted.read_text(encoding="utf-8")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_a_case_named_after_a_code_shows_that_code_and_no_other(
    case: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(case.parent)
    codes = {one.code for one in diagnostics(case)}
    if case.stem[:2] == "YD" and case.stem not in SPECIAL:
        assert codes == {case.stem[:5]}


def test_every_code_has_a_case() -> None:
    assert {case.stem[:5] for case in CASES} >= set(CODES)
