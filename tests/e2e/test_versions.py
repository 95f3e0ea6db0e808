"""`yamldag versions`, and which version a run has."""

from __future__ import annotations

from typing import Any

from tests.e2e.project import Project

FIRST: dict[str, Any] = {"tasks": {"load": {"bash": "echo 1\necho 2\n"}}}
SECOND: dict[str, Any] = {
    "schedule": "@daily",
    "tasks": {"load": {"bash": "echo 1\necho 3\n", "retries": 1}, "check": {"needs": "load", "bash": "true"}},
}


def test_versions_are_numbered_and_differ(project: Project) -> None:
    first = project.run(FIRST)
    project.run(FIRST)
    second = project.run(SECOND)
    rows = project("versions", "p", "--json").json
    assert [(row["version"], row["runs"], row["current"]) for row in rows] == [(2, 1, True), (1, 2, False)]
    assert {row["run_id"]: row["version"] for row in project("runs", "--json").json}.items() >= {
        (first.id, 1),
        (second.id, 2),
    }
    assert project("tasks", first.id, "--json").json["version"] == 1
    assert project("tasks", second.id).out.startswith(f"run {second.id} of p, version 2: success\n")
    found = project("versions", "p", "--diff", "1", "2", "--json").json
    assert found["pipeline"] == [{"key": "schedule", "old": None, "new": "@daily"}]
    assert (found["tasks_added"], found["tasks_removed"]) == (["check"], [])
    assert [each["key"] for each in found["tasks_changed"]["load"]] == ["params.script", "retries"]
    assert (found["edges_added"], found["edges_removed"]) == ([["load", "check"]], [])
    assert project("versions", "p", "--diff", "1", "2").out == (
        "+ schedule: @daily\n"
        "+ task check\n"
        "  task load\n"
        "    params.script:\n"
        "      echo 1\n"
        "-     echo 2\n"
        "+     echo 3\n"
        "-   retries: 0\n"
        "+   retries: 1\n"
        "+ edge load -> check\n"
    )
    assert project("versions", "p", "--diff", "2", "2").out == "they do the same\n"


def test_going_back_is_the_version_that_it_was(project: Project) -> None:
    project.run(FIRST)
    project.run(SECOND)
    project.run(FIRST)
    rows = project("versions", "p", "--json").json
    assert [(row["version"], row["runs"], row["current"]) for row in rows] == [(2, 1, False), (1, 2, True)]
    assert project("versions", "p").out.splitlines()[2].endswith("newest")


def test_unknown_pipelines_and_versions(project: Project) -> None:
    assert project("versions", "p").code == 2
    project.run(FIRST)
    unknown = project("versions", "pp")
    assert (unknown.code, unknown.out) == (2, "")
    assert "no run or scheduler has seen a pipeline `pp`" in unknown.err
    assert "`p` has no version 7: its newest is 1" in project("versions", "p", "--diff", "1", "7").err
