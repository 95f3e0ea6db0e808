"""What a sound file means: `ok/NAME.yml`, or a folder with its project, and the plans as `yamldag show --json` gives
them. Each was checked by hand. `GOLDEN=write make pytest` renews them; the difference is read in review."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from yamldag.compile.load import compile_files
from yamldag.compile.project import find
from yamldag.engine.asking.rows import plan_row
from yamldag.plan.pipeline import Plan, from_text, to_text

HERE = Path(__file__).parent / "ok"
CASES = sorted(path for path in HERE.iterdir() if path.suffix == ".yml" or path.is_dir())
WRITE = os.environ.get("GOLDEN") == "write"


def plans(case: Path) -> list[Plan]:
    """The plans of a case. A folder `environment-prod` is compiled with that environment."""
    folder = case if case.is_dir() else case.parent
    chosen = case.name.removeprefix("environment-") if case.name.startswith("environment-") else None
    paths = sorted(set(case.glob("*.yml")) - {case / "yamldag.yml"}) if case.is_dir() else [case]
    compiled = compile_files(find(str(folder), chosen, {}), map(str, paths))
    assert not compiled.found, [one.message for one in compiled.found]
    made = [unit.plan() for unit in compiled.units]
    return [plan for plan in made if plan is not None]


def without_folders(value: Any) -> Any:
    """The same without the absolute folders of this machine."""
    if isinstance(value, dict):
        return {key: without_folders(one) for key, one in value.items() if key != "folder"}
    return [without_folders(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_it_means_exactly_this(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE)
    found = without_folders(json.loads(json.dumps([plan_row(plan) for plan in plans(case)])))
    wanted = case.with_suffix(".json")
    if WRITE:
        wanted.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    assert found == json.loads(wanted.read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_a_plan_comes_back_from_json_as_it_was(case: Path) -> None:
    for plan in plans(case):
        assert from_text(to_text(plan)) == plan


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_a_plan_does_not_depend_on_where_one_stands(case: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE)
    here = plans(case)
    monkeypatch.chdir("/")
    assert plans(case) == here
