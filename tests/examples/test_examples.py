"""The examples, from the command line, end to end: what they leave behind is what they promise."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from tests import forked
from tests.examples.standing import ROOT, standing
from yamldag.operators import catalog

EXAMPLES = sorted(path.stem for path in (ROOT / "pipelines").glob("*.yml"))


@pytest.fixture(scope="session")
def standin() -> Iterator[str]:
    with standing() as url:
        yield url


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of its own with all the examples in it."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "pipelines", folder / "pipelines", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture(scope="session")
def rockets(project: Path, standin: str) -> dict[str, Any]:
    return run(project, "rocket_launches", "--param", f"url={standin}/2.2.0/launch/upcoming/")


def yamldag(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("YAMLDAG_")}
    env |= {"PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
    return forked.call(arguments, project, env)


def run(project: Path, *arguments: str) -> dict[str, Any]:
    """The result of a run that succeeded, its tasks with their reasons."""
    done = yamldag(project, "run", *arguments, "--json")
    assert done.returncode == 0, done.stderr + done.stdout
    result: dict[str, Any] = json.loads(
        yamldag(project, "tasks", json.loads(done.stdout)["run_id"], "--json").stdout
    )
    assert result["state"] == "success"
    return result


def states(result: dict[str, Any]) -> dict[str, str]:
    return {task["id"]: task["state"] for task in result["tasks"]}


def log(project: Path, result: dict[str, Any], task: str) -> str:
    done = yamldag(project, "logs", result["run_id"], task)
    assert done.returncode == 0, done.stderr
    return done.stdout


def files(project: Path, result: dict[str, Any], pattern: str) -> list[Path]:
    return sorted((project / ".yamldag" / "runs" / result["run_id"]).rglob(pattern))


def test_all_examples_are_without_advice_too(project: Path) -> None:
    checked = yamldag(project, "lint")
    assert checked.returncode == 0, checked.stdout
    assert "all fine" in checked.stdout


@pytest.mark.parametrize("folder", ["pipelines", "pipelines/templates", "templates/init/pipelines"])
def test_an_editor_finds_nothing_to_mark_in_the_examples(folder: str) -> None:
    editors = Draft7Validator(catalog.bundle())
    for path in (ROOT / folder).glob("*.yml"):
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert [error.message for error in editors.iter_errors(document)] == [], path


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_uses_only_what_this_version_runs(example: str, project: Path) -> None:
    dry = yamldag(project, "run", example, "--dry-run")
    assert dry.returncode == 0, dry.stderr + dry.stdout


def test_pictures_that_cannot_come_are_skipped_with_a_reason(rockets: dict[str, Any]) -> None:
    pictures = [task for task in rockets["tasks"] if task["id"] == "get_picture"]
    assert Counter(task["state"] for task in pictures) == {"success": 9, "skipped": 3}
    reasons = {task["reason"] for task in pictures if task["state"] == "skipped"}
    assert any("404" in reason for reason in reasons)
    assert any("no picture" in reason for reason in reasons)
    assert any("<html>" in reason for reason in reasons)
    assert len(reasons) == 3


def test_the_pictures_are_in_the_runs_folder_and_counted(project: Path, rockets: dict[str, Any]) -> None:
    pictures = files(project, rockets, "*.png")
    assert len(pictures) == 9
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in pictures)
    assert log(project, rockets, "notify") == "There are now 9 images.\n"


def test_a_picture_that_fails_at_first_is_tried_again(rockets: dict[str, Any]) -> None:
    tried_again = [task["map_index"] for task in rockets["tasks"] if task["attempts"] == 2]
    assert tried_again == [6]


def test_only_as_many_launches_are_looked_at_as_asked_for(project: Path, standin: str) -> None:
    url = f"url={standin}/2.2.0/launch/upcoming/"
    result = run(project, "rocket_launches", "--param", url, "--param", "limit=3")
    assert log(project, result, "notify") == "There are now 3 images.\n"


def test_no_picture_at_all_is_no_failure(project: Path, standin: str) -> None:
    url = f"url={standin}/2.2.0/launch/upcoming/?limit=1&offset=3"
    result = run(project, "rocket_launches", "--param", url, "--param", "limit=1")
    assert log(project, result, "notify") == "There are now 0 images.\n"


class Headings(HTMLParser):
    """The second headings of a page, and how many charts it has."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.charts = 0
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag == "h2"
        self.charts += tag == "polyline"

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.found.append(data)
        self._inside = False


def test_the_weather_becomes_a_table_and_a_page(project: Path, standin: str) -> None:
    result = run(project, "weather_dashboard", "--param", f"url={standin}/v1/forecast", "--param", "days=2")
    cleaned = [task for task in result["tasks"] if task["id"] == "city.clean"]
    assert Counter(task["state"] for task in cleaned) == {"success": 6, "skipped": 1}
    assert [task["reason"] for task in cleaned if task["state"] == "skipped"] == [
        "there is no forecast for Vostok Station: every value is missing"
    ]
    with files(project, result, "weather.csv")[0].open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert set(Counter(row["city"] for row in rows).values()) == {48}
    assert all(float(row["temperature"]) < 60 for row in rows)
    page = Headings()
    page.feed(files(project, result, "weather.html")[0].read_text(encoding="utf-8"))
    assert page.found == sorted({row["city"] for row in rows})
    assert page.charts == len(page.found) == 6
    assert "288 rows of 6 cities" in log(project, result, "announce")


def test_hello_greets_whom_it_is_told_to(project: Path) -> None:
    result = run(project, "hello", "--param", "name=Ada; rm -rf /", "--date", "2026-03-09T06:00")
    assert log(project, result, "greet") == "Hello, Ada; rm -rf /, it is 2026-03-09T06:00:00+00:00.\n"


def test_the_shop_loads_two_tables_with_one_template(project: Path) -> None:
    result = run(project, "shop")
    assert set(states(result)) >= {"extract.orders", "orders.check", "orders.load", "customers.load"}
    assert log(project, result, "report") == "3 orders of 2 customers\n"


@pytest.mark.parametrize(("full", "way", "other"), [("false", "quick", "full"), ("true", "full", "quick")])
def test_the_nightly_report_goes_one_way_or_the_other(full: str, way: str, other: str, project: Path) -> None:
    result = run(project, "nightly_report", "--param", f"full={full}")
    assert states(result) == {
        "collect": "success",
        f"{way}_report": "success",
        f"{other}_report": "skipped",
        "translate": "failed",
        "publish": "success",
        "tell_translators": "success",
        "clean_up": "success",
    }
    assert next(task["attempts"] for task in result["tasks"] if task["id"] == "collect") == 2


def test_the_matrix_leaves_out_what_is_excluded(project: Path) -> None:
    result = run(project, "browser_matrix")
    assert sum(task["id"] == "check" for task in result["tasks"]) == 5
    assert log(project, result, "summary") == "checked in chromium, firefox, safari\n"


def test_a_limit_that_is_no_number_starts_nothing(project: Path) -> None:
    wrong = yamldag(project, "run", "rocket_launches", "--param", "limit=many")
    assert wrong.returncode == 2
    assert "limit" in wrong.stderr
