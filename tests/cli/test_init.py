"""A new project is complete, checks clean and runs; nothing of the user's is ever written over."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests import forked
from yamldag import shipped
from yamldag.cli import init

ROOT = Path(__file__).parents[2]


def yamldag(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("YAMLDAG_")}
    env |= {"PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
    return forked.call(arguments, folder, env)


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_new_project_is_complete_and_checks_clean(tmp_path: Path) -> None:
    made = yamldag(tmp_path, "init")
    assert made.returncode == 0, made.stderr
    assert files(tmp_path) == sorted((*init.FILES, init.SCHEMA))
    checked = yamldag(tmp_path, "lint")
    assert (checked.returncode, checked.stdout) == (0, "1 file, 1 pipeline: all fine\n")


def test_a_new_project_runs_at_once(tmp_path: Path) -> None:
    assert yamldag(tmp_path, "init", "demo").returncode == 0
    done = yamldag(tmp_path / "demo", "run", "hello", "--param", "name=Ada", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["state"] == "success"
    assert {task["id"]: task["state"] for task in result["tasks"]} == dict.fromkeys(
        ("greet", "count", "report"), "success"
    )


def test_it_says_what_it_wrote_and_what_comes_next(tmp_path: Path) -> None:
    said = yamldag(tmp_path, "init", "demo").stdout
    assert all(f"demo/{name}" in said for name in (*init.FILES, init.SCHEMA))
    assert "cd demo" in said
    assert "yamldag run hello" in said


@pytest.mark.parametrize("name", [*(name for name in init.FILES if name != init.IGNORED), init.SCHEMA])
def test_a_file_of_the_users_is_named_and_nothing_is_written(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("mine")
    done = yamldag(tmp_path, "init")
    assert done.returncode == 2
    assert f"`{name}`" in done.stderr
    assert files(tmp_path) == [name]
    assert path.read_text() == "mine"


def test_a_gitignore_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("mine\n")
    done = yamldag(tmp_path, "init")
    assert (done.returncode, done.stderr) == (
        0,
        "`.gitignore` is as it was: it should have `.yamldag/` and `__pycache__/`\n",
    )
    assert ".gitignore" not in done.stdout
    assert (tmp_path / ".gitignore").read_text() == "mine\n"
    assert files(tmp_path) == sorted((*init.FILES, init.SCHEMA))


def test_a_link_that_leads_nowhere_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "yamldag.yml").symlink_to("elsewhere")
    assert yamldag(tmp_path, "init").returncode == 2
    assert not (tmp_path / "elsewhere").exists()


def test_a_file_in_place_of_the_folder_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "demo").write_text("")
    done = yamldag(tmp_path, "init", "demo")
    assert done.returncode == 2
    assert "`demo` is a file" in done.stderr


def test_other_files_of_the_folder_do_not_hinder(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    assert yamldag(tmp_path, "init").returncode == 0


def test_the_editor_finds_the_schema_that_the_modeline_names(tmp_path: Path) -> None:
    yamldag(tmp_path, "init")
    first = (tmp_path / "pipelines/hello.yml").read_text().splitlines()[0]
    schema = tmp_path / "pipelines" / first.removeprefix("# yaml-language-server: $schema=")
    assert json.loads(schema.read_text())["definitions"]
    assert '"$ref": "operators/' not in schema.read_text()


def test_the_starters_are_all_listed() -> None:
    assert files(Path(shipped.path("templates", "init"))) == sorted(init.FILES)
