"""`yamldag mark`: by the command, with no scheduler at work and with one."""

from __future__ import annotations

from tests.e2e.project import Project
from tests.e2e.serving import Serve
from tests.e2e.test_operating import ended, states
from tests.e2e.test_operating_alone import CHAIN, MAP


def test_a_mark_shows_what_becomes_of_what(project: Project) -> None:
    run = project.run(CHAIN)
    dry = project("mark", run.id, "b", "success", "--dry-run", "--json")
    assert [(row["id"], row["state"], row["becomes"]) for row in dry.json["tasks"]] == [
        ("b", "failed", "success"), ("c", "upstream_failed", "none"),
    ]  # fmt: skip
    assert states(project, run.id)["b"] == "failed"
    answer = project("mark", run.id, "b", "success")
    assert (answer.code, answer.out) == (
        0, f"b  failed -> success\nc  upstream_failed -> none\n2 tasks changed; run {run.id} is queued\n",
    )  # fmt: skip
    assert states(project, run.id) == {"a": "success", "b": "success", "c": "none", "x": "success"}
    again = project("mark", run.id, "b", "success")
    assert (again.code, again.err) == (0, f"there is nothing to change: run {run.id} has it so already\n")


def test_a_scheduler_goes_on_with_what_was_marked(project: Project, serve: Serve) -> None:
    run = project.run(CHAIN)
    assert project("mark", run.id, "b", "success").code == 0
    serve()
    assert ended(project, run.id) == "success"
    assert states(project, run.id) == {"a": "success", "b": "success", "c": "success", "x": "success"}
    assert project("mark", run.id, "x", "failed", "--wait").code == 1
    assert states(project, run.id)["x"] == "failed"


def test_one_instance_is_marked_by_its_item(project: Project) -> None:
    run = project.run(MAP)
    answer = project("mark", run.id, "load[q]", "failed", "--json")
    assert [(row["map_index"], row["becomes"]) for row in answer.json["tasks"]] == [(1, "failed")]


def test_what_is_wrong_is_said(project: Project) -> None:
    run = project.run(CHAIN)
    unknown = project("mark", run.id, "zz", "success")
    assert (unknown.code, "has no task `zz`" in unknown.err) == (2, True)
    assert project("mark", run.id, "b", "skipped").code == 2
