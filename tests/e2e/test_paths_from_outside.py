"""Files whose paths were given from outside: by whoever may start a pipeline, and not write one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.answering import Said, answering
from tests.e2e.project import Project
from tests.e2e.serving import Serve

WORDS = "given from outside"

PIPELINE = """
pipeline: p
params: {paths: {type: array, default: [in/own.csv]}, name: {type: string, default: own.csv}}
defaults: {retries: 0, sql: {connection: db}}
tasks:
  read: {foreach: "{{ params.paths }}", copy: {from: "{{ item }}", to: "{{ run.dir }}/read-{{ index }}"}}
  url: {foreach: "{{ params.paths }}", copy: {from: {url: "{{ item }}"}, to: "{{ run.dir }}/url-{{ index }}"}}
  below: {foreach: "{{ params.paths }}", copy: {from: "in/{{ item }}", to: "{{ run.dir }}/below-{{ index }}"}}
  begun: {foreach: "{{ params.paths }}", copy: {from: "file://{{ run.dir }}/x-{{ item }}", to: "{{ run.dir }}/begun"}}
  write: {foreach: "{{ params.paths }}", copy: {from: in/own.csv, to: "{{ item }}"}}
  rows: {foreach: "{{ params.paths }}", sql: {query: select 1 as n, save_to: "{{ item }}.csv"}}
  query: {foreach: "{{ params.paths }}", sql: {file: "{{ item }}"}}
  answer: {foreach: "{{ params.paths }}", http: {url: "{{ vars.site }}", save_to: "{{ item }}"}}
  mail: {foreach: "{{ params.paths }}", email: {to: a@example.org, from: b@example.org, attach: [in/own.csv, "{{ item }}"]}}
  tell: {foreach: "{{ params.paths }}", notify: {to: "json://127.0.0.1:1", text: x, attach: "{{ item }}"}}
on_success: {copy: {from: "{{ params.paths[0] }}", to: told.csv}}
on_failure: {copy: {from: "{{ params.paths[0] }}", to: told.csv}}
"""


@pytest.fixture
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("outside")
    (folder / "secret.csv").write_text("n\nsecret-of-the-machine\n")
    return folder


def run(project: Project, served: Any, *params: str) -> dict[tuple[str, int | None], tuple[str, str]]:
    """The state and the reason of each instance."""
    queued = project("trigger", "p", *params, "--json")
    assert queued.code == 0, queued
    name = queued.json["run_id"]
    served.see(lambda _: project("tasks", name, "--json").json["state"] in ("success", "failed"))
    rows = project("tasks", name, "--json").json["tasks"]
    return {(row["id"], row["map_index"]): (row["state"], row["reason"] or "") for row in rows}


def test_a_path_from_outside_leads_nowhere_but_where_the_pipeline_lets_it(
    project: Project, serve: Serve, outside: Path
) -> None:
    secret = outside / "secret.csv"
    (project.folder / "link").symlink_to(outside)
    project.write("pipelines/in/own.csv", "n\n1\n")
    hostile = [
        str(secret), f"file://{secret}", f"FILE:{secret}", f"file://localhost{secret}", f"local://{secret}",
        f"/{secret}", "../" * 30 + str(secret)[1:], f"x/{'../' * 30}{str(secret)[1:]}",
        f"file://{str(secret).replace('secret', '%73ecret')}", "../link/secret.csv", "../yamldag.yml",
        "../.yamldag/yamldag.db", f"simplecache::file://{secret}", f"zip://secret.csv::{secret}",
    ]  # fmt: skip
    with answering(lambda _: Said(body=b"n\n1\n")) as site:
        settings: dict[str, Any] = {
            "connections": {"db": "sqlite://", "smtp": {"type": "smtp", "host": "127.0.0.1", "port": 1}},
            "vars": {"site": site.url},
        }
        project.write("yamldag.yml", settings)
        project.write("pipelines/p.yml", PIPELINE)
        served = serve()
        before = snapshot(project.folder, outside)
        found = run(project, served, "--param", f"paths={json.dumps(hostile)}")
    assert len(found) == 10 * len(hostile)
    assert {state for state, _ in found.values()} == {"failed"}, [
        each for each in found.items() if each[1][0] != "failed"
    ]
    told = [reason for (task, _), (_, reason) in found.items() if task in ("read", "url", "write")]
    assert [each for each in told if "from outside" not in each] == []
    assert snapshot(project.folder, outside) == before
    shown = [path.read_bytes() for path in (project.folder / ".yamldag").rglob("*") if path.is_file()]
    assert not any(b"secret-of-the-machine" in text for text in shown)


def snapshot(*folders: Path) -> dict[Path, bytes]:
    """All files, but those of the project's state."""
    every = (path for folder in folders for path in folder.rglob("*"))
    return {path: path.read_bytes() for path in every if path.is_file() and ".yamldag" not in path.parts}


def test_a_path_from_outside_stays_in_the_folder_that_is_named_before_it(
    project: Project, serve: Serve, outside: Path
) -> None:
    project.write("pipelines/in/own.csv", "n\n1\n")
    project.write("pipelines/in/other.csv", "n\n2\n")
    project.write(
        "pipelines/p.yml",
        f"""
pipeline: p
params: {{path: in/own.csv, name: own.csv, to: out/own.csv}}
tasks:
  make: {{bash: 'cp in/own.csv "$YAMLDAG_RUN_DIR/made.csv"; echo path="$YAMLDAG_RUN_DIR/made.csv" > "$YAMLDAG_OUTPUT"'}}
  own: {{copy: {{from: "{{{{ params.path }}}}", to: "{{{{ run.dir }}}}/own.csv"}}}}
  name: {{copy: {{from: "in/{{{{ params.name }}}}", to: "out/n-{{{{ params.name }}}}"}}}}
  handed: {{copy: {{from: "{{{{ tasks.make.output.path }}}}", to: "{{{{ run.dir }}}}/output.csv"}}}}
  listed: {{foreach: [{outside}/secret.csv], copy: {{from: "{{{{ item }}}}", to: "{{{{ run.dir }}}}/item.csv"}}}}
  out: {{copy: {{from: in/own.csv, to: "{{{{ params.to }}}}"}}}}
""",
    )
    project.write("yamldag.yml", {"allow_paths": ["exports"]})
    served = serve()
    assert {state for state, _ in run(project, served).values()} == {"success"}
    given = ("--param", "path=in/other.csv", "--param", "name=other.csv", "--param", f"to={outside}/out.csv")
    found = run(project, served, *given)
    assert {name for (name, _), (state, _) in found.items() if state == "failed"} == {"out"}
    assert WORDS in found["out", None][1]
    assert (project.folder / "pipelines/out/n-other.csv").read_text() == "n\n2\n"
    found = run(project, served, "--param", "to=../exports/own.csv")
    assert found["out", None] == ("success", "")
    assert (project.folder / "exports/own.csv").read_text() == "n\n1\n"


def test_no_connection_is_given_from_outside(project: Project, outside: Path) -> None:
    """Not by hand either: it would be one that the project does not declare."""
    (outside / "foreign.db").touch()
    given = {"type": "sqlite", "database": str(outside / "foreign.db")}
    project.write("yamldag.yml", {"connections": {"own": "sqlite:///own.db"}})
    project.pipeline(
        """
params: {end: {type: object}, connection: {type: object}}
tasks:
  whole: {copy: {from: "{{ params.end }}", to: "{{ run.dir }}/x.csv"}}
  beside: {copy: {from: {connection: own, query: select 1 as n}, to: "{{ params.end }}"}}
  named: {sql: {connection: "{{ params.connection }}", query: create table t (n int)}}
"""
    )
    end = {"connection": given, "query": "select 1 as n", "table": "t"}
    params = ("--param", f"end={json.dumps(end)}", "--param", f"connection={json.dumps(given)}")
    found = project("run", "p", *params, "--json").json["tasks"]
    rows = project("tasks", "p", "--json").json["tasks"]
    assert {row["state"] for row in found} == {"failed"}
    assert {row["id"]: "should be the id of one" in row["reason"] for row in rows} == dict.fromkeys(
        ("whole", "beside", "named"), True
    ), rows


def test_who_runs_a_pipeline_by_hand_names_any_file(project: Project, outside: Path) -> None:
    project.pipeline(
        'params: {path: {type: string}}\ntasks: {a: {copy: {from: "{{ params.path }}", to: "{{ run.dir }}/x.csv"}}}'
    )
    assert project("run", "p", "--param", f"path={outside}/secret.csv").code == 0
