"""What `make serve` does: the stand-in and the scheduler come up together, and go down together."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.examples.standing import COMMAND, ROOT


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_examples_are_served_until_a_signal_ends_it_all(number: signal.Signals, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "pipelines", tmp_path / "pipelines", ignore=shutil.ignore_patterns("__pycache__"))
    env = {name: value for name, value in os.environ.items() if not name.startswith("YAMLDAG_")}
    env |= {"PYTHONPATH": str(ROOT), "NO_COLOR": "1"}
    command = [*COMMAND, "--with", sys.executable, "-m", "yamldag", "serve", "--port", "0"]
    with subprocess.Popen(command, cwd=tmp_path, env=env, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = ""
        while "(Ctrl-C stops)" not in said:
            line = process.stderr.readline()
            assert line, said
            said += line
        addresses = re.findall(r"http://127\.0\.0\.1:\d+", said)
        assert len(addresses) == 2
        assert json.loads(page(addresses[0]))["weather"]
        assert "rocket_launches" in page(f"{addresses[1]}/pipelines")
        process.send_signal(number)
        rest = process.stderr.read()
        assert process.wait(60) == 0, said + rest
        assert "stopped" in rest


def page(address: str) -> str:
    with urllib.request.urlopen(address, timeout=30) as answer:
        text: str = answer.read().decode()
    return text
