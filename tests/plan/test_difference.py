"""What differs between two plans."""

from __future__ import annotations

from msgspec.structs import replace

from yamldag.plan.difference import Change, difference
from yamldag.plan.pipeline import Call, Param, Plan, Task


def task(name: str, *needs: str, script: str = "true", **more: object) -> Task:
    return replace(Task(name, "bash", {"script": script}, needs=needs, judged=needs), **more)


OLD = Plan(
    "p",
    "p.yml",
    "/here",
    schedule="@daily",
    tasks=(task("a"), task("b", "a")),
    params=(Param("n", {"default": 1}),),
)


def test_a_plan_that_only_stands_elsewhere_does_the_same() -> None:
    moved = tuple(replace(each, line=9, folder="/there", file="q.yml") for each in OLD.tasks)
    assert difference(OLD, replace(OLD, file="q.yml", folder="/there", tasks=moved)).empty


def test_tasks_edges_and_keys_that_changed() -> None:
    new = replace(
        OLD,
        schedule={"every": "1h"},
        params=(Param("n", {"default": 2}), Param("m", {})),
        tasks=(task("b", script="false", retries=2), task("c", "b")),
    )
    found = difference(OLD, new)
    assert found.pipeline == (
        Change("schedule", "@daily", {"every": "1h"}),
        Change("params.n", {"default": 1}, {"default": 2}),
        Change("params.m", None, {}),
    )
    assert (found.added, found.removed) == (("c",), ("a",))
    assert found.changed == {"b": (Change("params.script", "true", "false"), Change("retries", 0, 2))}
    assert (found.edges_added, found.edges_removed) == ((("b", "c"),), (("a", "b"),))
    back = difference(new, OLD)
    assert (back.added, back.edges_removed) == (found.removed, found.edges_added)


def test_a_param_or_variable_called_file_is_no_place() -> None:
    new = replace(OLD, tasks=(task("a", env={"file": "x"}), task("b", "a")))
    assert difference(OLD, new).changed == {"a": (Change("env.file", None, "x"),)}


def test_a_notification_that_stands_elsewhere_is_the_same() -> None:
    here, there = (replace(OLD, on_failure=(Call("bash", {}, folder=each),)) for each in ("/a", "/b"))
    assert difference(here, there).empty
