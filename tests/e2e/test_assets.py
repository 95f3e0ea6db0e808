"""Schedules by assets, from the command line."""

from __future__ import annotations

import json
from typing import Any

from tests.e2e.project import Project
from tests.e2e.serving import Serve, wait_until

MAKER = """\
pipeline: maker
params: {ok: true}
tasks:
  build: {bash: 'test {{ params.ok }} = true', produces: [orders, "s3://lake/items"]}
  other: {bash: 'true', produces: prices}
"""
TAKER = """\
pipeline: taker
schedule: {assets: [orders, {any: [prices, rates]}]}
tasks:
  use: {python: {script: "return {'a': updates}"}, args: {updates: "{{ run.assets }}"}}
  say: {bash: 'echo {{ tasks.use.output.a | tojson | sh }} {{ run.type }}'}
"""


def runs(project: Project, of: str) -> list[dict[str, Any]]:
    rows = project("runs", of, "--json").json
    return [row for row in rows if row["type"] == "assets" and row["state"] == "success"]


def test_updates_of_another_process_start_a_run(project: Project, serve: Serve) -> None:
    project.write("pipelines/maker.yml", MAKER)
    project.write("pipelines/taker.yml", TAKER)
    serve()
    failed = project.run("maker", "--param", "ok=false")
    assert failed.states == {"build": "failed", "other": "success"}
    made = project.run("maker")
    (row,) = wait_until(lambda: runs(project, "taker"))
    assert row["logical_date"] == row["data_interval_start"] == row["data_interval_end"]
    log = project("logs", row["run_id"], "say").out
    assert log.endswith(" assets\n")
    updates = {
        (each["asset"], each["task"], each["run"]) for each in json.loads(log.removesuffix(" assets\n"))
    }
    assert updates >= {("orders", "build", made.id), ("prices", "other", failed.id)}
    assert updates <= {
        ("orders", "build", made.id),
        ("prices", "other", failed.id),
        ("prices", "other", made.id),
    }


def test_what_came_while_nobody_scheduled_makes_one_run_later(project: Project, serve: Serve) -> None:
    project.write("pipelines/maker.yml", MAKER)
    project.write("pipelines/taker.yml", TAKER.replace("[orders, {any: [prices, rates]}]", "orders"))
    served = serve()
    served.end()
    project.run("maker")
    project.run("maker")
    serve()
    (row,) = wait_until(lambda: runs(project, "taker"))
    assert project("logs", row["run_id"], "say").out.count('"orders"') == 2
    project.run("maker")
    newest, first = wait_until(lambda: len(found := runs(project, "taker")) == 2 and found)
    assert newest["data_interval_start"] == first["logical_date"]


def test_next_says_what_is_awaited(project: Project) -> None:
    project.write("pipelines/taker.yml", TAKER)
    answer = project("next", "taker")
    assert answer.out == "taker runs once `orders` and (`prices` or `rates`) were updated\n"
    assert project("next", "taker", "--json").json == []
    project.write("pipelines/taker.yml", TAKER.replace("]}]}", "]}], cron: '@daily'}"))
    assert len(project("next", "taker", "-n", "2").out.splitlines()) == 3
