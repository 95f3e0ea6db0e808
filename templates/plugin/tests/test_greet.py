"""The operator by itself, and in a pipeline."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from acme_tools import greet

from yamldag import Fail

PIPELINE = """
pipeline: hello
tasks:
  one: {greet: Ann}
  two: {greet: {name: Bob, times: "{{ tasks.one.output.greetings + 1 }}"}}
"""


def test_it_counts_its_greetings() -> None:
    assert greet.run("Ann", times=3) == {"greetings": 3}


def test_nobody_can_not_be_greeted() -> None:
    with pytest.raises(Fail):
        greet.run("nobody")


def test_a_pipeline_can_use_it(tmp_path: Path) -> None:
    (tmp_path / "hello.yml").write_text(PIPELINE)
    command = [sys.executable, "-m", "yamldag", "run", "hello.yml", "--json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert {task["state"] for task in json.loads(done.stdout)["tasks"]} == {"success"}
