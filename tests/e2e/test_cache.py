"""`cache`, through the command line: what is reused, for how long, and what never is."""

from __future__ import annotations

import sqlite3
from typing import Any

from tests.e2e.project import Project, Ran
from tests.e2e.serving import Serve


def of(**more: Any) -> dict[str, Any]:
    slow = {
        "bash": 'echo x >> ran; echo "\\"{{ params.day }}\\"" > $YAMLDAG_OUTPUT',
        "cache": {"key": "{{ params.day }}"},
        **more,
    }
    see = {"bash": "echo {{ tasks.a.output }} >> seen"}
    return {"params": {"day": "mon", "other": 1}, "tasks": {"a": slow, "see": see}}


def times(project: Project, name: str = "ran") -> int:
    path = project.folder / "pipelines" / name
    return len(path.read_text().split()) if path.exists() else 0


def test_a_success_with_the_same_key_is_reused_without_an_attempt(project: Project) -> None:
    first = project.run(of())
    again = project.run("p", "--param", "other=2")
    assert (first.attempts, again.attempts) == ({"a": 1, "see": 1}, {"a": 0, "see": 1})
    assert again.states == {"a": "success", "see": "success"}
    assert again.reasons["a"] == f"the output of run {first.id} was reused"
    assert (project.folder / "pipelines" / "seen").read_text().split() == ["mon", "mon"]
    other = project.run("p", "--param", "day=tue")
    assert other.attempts["a"] == 1
    assert times(project) == 2
    # whoever reuses an output is not the origin of it
    assert project.run("p").reasons["a"] == f"the output of run {first.id} was reused"


def test_a_task_that_was_edited_runs_again(project: Project) -> None:
    project.run(of())
    assert project.run(of(env={"A": "1"})).attempts["a"] == 1
    assert project.run(of(env={"A": "1"}, retries=2, priority=3)).attempts["a"] == 0
    pipeline = of()
    pipeline["tasks"]["b"] = pipeline["tasks"]["a"]
    ran = project.run(pipeline)
    assert (ran.attempts["a"], ran.attempts["b"]) == (0, 1)


def test_failures_and_skips_are_not_reused_and_bad_keys_fail(project: Project) -> None:
    for code in (1, 99):
        pipeline = of(bash=f"echo x >> ran; exit {code}")
        assert project.run(pipeline).attempts["a"] == 1
        assert project.run(pipeline).attempts["a"] == 1
    ran = project.run(of(cache={"key": "{{ [1][params.other] }}"}, retries=2))
    assert (ran.states["a"], ran.attempts["a"]) == ("failed", 0)
    assert "`cache`" in ran.reasons["a"]


def test_what_is_older_than_its_ttl_runs_again(project: Project) -> None:
    pipeline = of(cache={"key": "{{ params.day }}", "ttl": "1h"})
    project.run(pipeline)
    assert project.run("p").attempts["a"] == 0
    with sqlite3.connect(project.folder / ".yamldag" / "yamldag.db") as db:
        db.execute("UPDATE cached SET created = created - 3601")
    assert project.run("p").attempts["a"] == 1
    assert project.run("p").attempts["a"] == 0


def kept(ran: Ran) -> list[int]:
    return [row["attempts"] for row in ran.rows if row["id"] == "m"]


def test_each_instance_has_a_key_of_its_own(project: Project) -> None:
    def mapped(items: list[int]) -> dict[str, Any]:
        script = "echo x >> ran; test {{ item }} != 9; echo {{ item }} > $YAMLDAG_OUTPUT"
        task = {"foreach": items, "bash": script, "cache": {"key": "{{ ds }}"}}
        see = {"env": {"V": "{{ tasks.m.output }}"}, "bash": 'echo "$V" >> seen'}
        return {"tasks": {"m": task, "see": see}}

    day = ("--date", "2026-01-01")
    assert kept(project.run(mapped([1, 2, 9]), *day)) == [1, 1, 1]
    assert kept(project.run(mapped([1, 2, 9, 4]), *day)) == [0, 0, 1, 1]
    ran = project.run(mapped([1, 2, 3, 4]), *day)
    assert (ran.state, kept(ran)) == ("success", [0, 0, 1, 0])
    assert (project.folder / "pipelines" / "seen").read_text() == "[1, 2, 3, 4]\n"


def test_a_reused_output_takes_no_slot_of_a_pool_and_may_be_null(project: Project) -> None:
    project.write("yamldag.yml", "pools: {db: 1}\n")
    pipeline = of(bash="echo x >> ran", pool="db")
    del pipeline["tasks"]["see"]
    assert project.run(pipeline).attempts == {"a": 1}
    project("pools", "set", "db", "0")
    assert project.run("p").attempts == {"a": 0}


def test_cleared_tasks_do_not_ask(project: Project, serve: Serve) -> None:
    project.run(of())
    ran = project.run("p")
    assert ran.attempts["a"] == 0
    serve()
    assert project("clear", ran.id, "a", "--wait").code == 0
    rows = project("tasks", ran.id, "--json").json["tasks"]
    assert [(row["state"], row["attempts"]) for row in rows] == [("success", 1), ("success", 2)]
    assert project.run("p").reasons["a"] == f"the output of run {ran.id} was reused"
