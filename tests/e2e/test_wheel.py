"""What is published works: a wheel, built and unpacked in an environment of its own, far from the checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.e2e.project import PATIENCE, ROOT

PIPELINE = """\
pipeline: shipped
schedule: "30 6 * * mon-fri"
params:
  day: {type: string, format: date, default: "2026-01-31"}
tasks:
  hello:
    bash: |
      echo "n=3" > "$YAMLDAG_OUTPUT"
    output: {n: integer}
  after:
    bash: test {{ tasks.hello.output.n }} = 3
"""
FORMATS = {"svg": "<svg", "dot": "digraph shipped", "mermaid": "flowchart", "html": "<!doctype html"}


@dataclass(frozen=True, slots=True)
class Installed:
    """An environment that holds nothing of ours but what the wheel holds."""

    python: Path
    folder: Path
    """Where commands are called."""
    files: tuple[str, ...]
    """Those of the wheel."""

    def __call__(self, *arguments: str) -> str:
        done = subprocess.run(
            [self.python, *arguments],
            cwd=self.folder,
            env={
                name: value
                for name, value in os.environ.items()
                if not name.startswith(("YAMLDAG_", "PYTHON"))
            },
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done
        return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    if not (ROOT / ".git").exists():
        pytest.skip("which files belong to the project is known in a checkout alone")
    tmp = tmp_path_factory.mktemp("wheel")
    wheel = built(copied(tmp / "source"), tmp)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp / "venv"], check=True)
    python = tmp / "venv" / "bin" / "python"
    (purelib,) = (tmp / "venv" / "lib").glob("python*/site-packages")
    with ZipFile(wheel) as archive:
        archive.extractall(purelib)
        files = tuple(archive.namelist())
    here = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (purelib / "dependencies.pth").write_text(
        "\n".join(sorted(here))
    )  # whose own .pth files are not read then
    folder = tmp / "elsewhere"
    folder.mkdir()
    (folder / "shipped.yml").write_text(PIPELINE)
    return Installed(python, folder, files)


def copied(folder: Path) -> Path:
    """The files that git knows or would: no caches, and nothing that was built before."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    return folder


def built(source: Path, folder: Path) -> Path:
    done = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, source],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done
    (wheel,) = folder.glob("*.whl")
    return wheel


def test_the_program_is_the_wheels_own(installed: Installed) -> None:
    where = installed("-c", "import yamldag; print(yamldag.__file__)").strip()
    assert Path(where).is_relative_to(installed.python.parents[1])
    assert installed("-m", "yamldag", "--version").startswith("yamldag ")


def test_the_wheel_holds_the_program_and_what_it_reads_and_no_more(installed: Installed) -> None:
    tops = {name.split("/")[0] for name in installed.files}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"yamldag"}
    assert "yamldag/py.typed" in installed.files
    assert "yamldag/_data/schemas/pipeline.schema.json" in installed.files
    ours = [name for name in installed.files if not name.startswith("yamldag/_data/templates/plugin/")]
    assert not [name for name in ours if name.endswith((".pyc", ".db")) or "tests/" in name]
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in installed.files)


def test_a_file_is_checked_and_shown(installed: Installed) -> None:
    installed("-m", "yamldag", "validate", "shipped.yml")
    shown = json.loads(installed("-m", "yamldag", "show", "shipped.yml", "--json"))
    assert [task["id"] for task in shown["tasks"]] == ["hello", "after"]
    assert len(json.loads(installed("-m", "yamldag", "next", "shipped.yml", "--json"))) > 0


@pytest.mark.parametrize(("form", "begin"), FORMATS.items())
def test_a_pipeline_is_drawn(installed: Installed, form: str, begin: str) -> None:
    drawn = installed("-m", "yamldag", "graph", "shipped.yml", "--format", form)
    assert drawn.lstrip().lower().startswith(begin)


def test_schemas_and_explanations_are_there(installed: Installed) -> None:
    assert "properties" in json.loads(installed("-m", "yamldag", "schema"))
    assert "YD203" in installed("-m", "yamldag", "explain", "YD203")


def test_a_pipeline_runs_and_is_remembered(installed: Installed) -> None:
    run = json.loads(installed("-m", "yamldag", "run", "shipped.yml", "--json"))
    assert run["state"] == "success"
    assert {task["state"] for task in run["tasks"]} == {"success"}
    runs = json.loads(installed("-m", "yamldag", "runs", "--json"))
    assert [each["run_id"] for each in runs] == [run["run_id"]]


def test_a_new_project_begins_with_a_pipeline_that_runs(installed: Installed) -> None:
    installed("-m", "yamldag", "init", "fresh")
    assert list((installed.folder / "fresh").rglob("*.yml"))
