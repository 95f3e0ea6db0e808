"""The reference is made from the code's own tables, and every code has its page."""

import re
import sys
import zipfile
from pathlib import Path
from subprocess import run

import pytest

from docs import codes as build
from yamldag import shipped
from yamldag.syntax.codes import CODES

ROOT = Path(__file__).parents[2]


def test_every_code_says_why_and_how_to_mend_it() -> None:
    known = build.reasons()
    assert list(known) == list(CODES)
    for code, reason in known.items():
        assert reason.why.endswith("."), code
        assert reason.fix.endswith("."), code


@pytest.mark.parametrize("path", build.pages(), ids=lambda path: path.stem)
def test_a_page_is_what_its_sources_make(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == build.pages()[path], "write the pages again: make docs"


def test_no_page_is_left_of_a_code_that_is_gone() -> None:
    pages = {path.stem for path in (build.REFERENCE / "diagnostics").glob("*.md")}
    assert pages == set(CODES)


def test_every_code_has_the_golden_that_its_page_shows() -> None:
    for code in CODES:
        assert (build.GOLDEN / f"{code}.txt").read_text(encoding="utf-8").strip(), code


def test_the_tests_that_promises_name_are_there_and_none_is_empty() -> None:
    promises = (ROOT / "docs" / "why" / "promises.md").read_text(encoding="utf-8")
    there = {path: path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py")}
    assert set(re.findall(r"\btest_\w+\.py", promises)) <= {path.name for path in there}
    assert [path for path, text in there.items() if not re.search(r"^ *(async )?def test_", text, re.M)] == []


def test_explain_finds_the_page_of_every_code() -> None:
    for code in CODES:
        assert Path(shipped.path("explain", f"{code}.md")).is_file(), code


def test_the_wheel_holds_schemas_templates_and_pages(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    made = run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        names = set(wheel.namelist())
    for folder in ("schemas", "templates"):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file():
                assert f"yamldag/_data/{path.relative_to(ROOT)}" in names
    assert {f"yamldag/_data/explain/{code}.md" for code in CODES} <= names
