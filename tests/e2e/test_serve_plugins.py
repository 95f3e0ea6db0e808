"""While a scheduler runs: plug-ins come, break and are edited, secrets of the database change, and its heart is heard."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.answering import Said, Site, answering
from tests.e2e.project import Project
from tests.e2e.serving import Serve, Served, wait_until

PLUGIN = 'schema = {"properties": {"text": {"type": "string"}}, "x-short": "text"}\n\n\ndef run(text):\n    print(text)\n'
PIPELINE = """\
pipeline: told
tasks:
  a: {bash: 'echo "as $K and ${#K}"', env: {K: "{{ secrets.api }}"}}
  b: {yell: hello}
"""


@pytest.fixture
def ear() -> Iterator[Site]:
    with answering(lambda _: Said()) as site:
        yield site


def logs(served: Served) -> tuple[str, str]:
    """What the tasks of one more run wrote."""
    run = served.project("trigger", "told", "--json").json["run_id"]

    def is_over() -> bool:
        rows = served.project("runs", "--json").json
        return any(row["run_id"] == run and row["state"] == "success" for row in rows)

    wait_until(is_over)
    return served.project("logs", run, "a").out, served.project("logs", run, "b").out


def keep(project: Project, value: str) -> None:
    project.write("value", value)
    assert project("secrets", "set", "api", "--file", "value").code == 0


def test_a_day_with_plug_ins_and_secrets(project: Project, serve: Serve, ear: Site) -> None:
    project.write("yamldag.yml", {"secrets": ["api"], "heartbeat": f"{ear.url}/alive"})
    project.write("pipelines/told.yml", PIPELINE)
    keep(project, "hunter2-hunter2")
    served = serve()
    served.see(lambda page: "is broken" in page)  # nobody brings it yet
    wait_until(lambda: any(asked.path == "/alive" for asked in ear.came))

    project.write("plugins/yell.py", PLUGIN)
    served.see(lambda page: "is broken" not in page)
    assert logs(served) == ("as *** and 15\n", "hello\n")

    keep(project, "another-secret")
    project.write("plugins/yell.py", PLUGIN.replace("print(text)", "print(text.upper())"))
    assert logs(served) == ("as *** and 14\n", "HELLO\n")

    project.write("plugins/yell.py", "import os\nos._exit(1)\n")
    page = served.see(lambda page: "is broken" in page)
    assert "ends the process that it is loaded in" in page.replace("&#39;", "'")
    page = served.get("/connections")[1]
    assert "the database" in page
    assert "another-secret" not in page
    code, said = served.end()
    assert code == 0, said
    assert "Traceback" not in said
    assert "hunter2" not in said
