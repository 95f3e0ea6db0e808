"""The pages that a person opens, in a real browser: nothing on their console, nothing asked of another host."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from yamldag.cli.main import main

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--enable-logging=stderr", "--v=0",
    "--virtual-time-budget=2000", "--dump-dom",
)  # fmt: skip
PIPELINE = """
pipeline: drawn
tasks:
  extract: {bash: "echo '</script><script>alert(1)</script>'", description: "a <b>bold</b> claim"}
  staging:
    needs: extract
    tasks:
      clean: {bash: echo}
      join: {needs: clean, trigger_rule: all_done, bash: "echo {{ tasks.extract.output }}"}
"""


@pytest.fixture
def chromium() -> str:
    found = shutil.which("chromium")
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("there is no chromium, and CI must have one")
        pytest.skip("there is no chromium: apt-get install chromium")
    return found


def test_a_graph_opens_without_a_word_on_the_console(chromium: str, tmp_path: Path) -> None:
    (tmp_path / "drawn.yml").write_text(PIPELINE)
    page = tmp_path / "drawn.html"
    assert main(["graph", str(tmp_path / "drawn.yml"), "-o", str(page)]) == 0
    opened = subprocess.run(
        [chromium, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", f"{page.as_uri()}#task-staging.join"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert opened.returncode == 0, opened.stderr
    assert 'data-task="staging.join"' in opened.stdout
    assert "alert(1)</script>" not in opened.stdout.replace("&lt;/script&gt;", "").replace(
        "&lt;script&gt;", ""
    )
    assert [line for line in opened.stderr.splitlines() if "CONSOLE" in line] == []
