"""Operating runs where no scheduler is at work: what needs none is done at once, the rest is recorded."""

from __future__ import annotations

import os

from tests.e2e.project import Project, label
from tests.e2e.test_operating import attempts, run_id, state, states

CHAIN = (
    "tasks:\n  a: {bash: 'true'}\n  b: {bash: 'exit 1', needs: a}\n"
    "  c: {bash: 'true', needs: b}\n  x: {bash: 'true'}\n"
)
MAP = "tasks:\n  a: {bash: 'true'}\n  load: {bash: 'true', foreach: [p, q], needs: a}\n  z: {bash: 'true', needs: load}\n"


def test_a_trigger_waits_and_is_cancelled_at_once(project: Project) -> None:
    project.pipeline(CHAIN)
    answer = project("trigger", "p", "--json", "--date", "2026-01-02T03:04")
    row = answer.json
    assert (answer.code, row["state"], row["type"]) == (0, "queued", "manual")
    assert row["logical_date"] == "2026-01-02T03:04:00+00:00"
    assert project("cancel", row["run_id"], "--json").json == {"run_id": row["run_id"], "state": "cancelled"}
    assert state(project, row["run_id"]) == "cancelled"
    assert project("clear", row["run_id"]).code == 0
    assert state(project, row["run_id"]) == "queued", "it may begin after all"


def test_years_before_1000_can_be_run_and_looked_at(project: Project) -> None:
    run = project.run(
        {"tasks": {"a": {"wait": {"until": "0900-01-01"}}, "b": {"noop": None}}}, "--date", "0999-01-01"
    )
    assert run.state == "success"
    [row] = project("runs", "--json").json
    assert row["logical_date"] == "0999-01-01T00:00:00+00:00"
    for command in ("list", "runs", f"tasks {run.id}"):
        assert project(*command.split()).code == 0
    project.pipeline({"schedule": "@yearly", "start": "0990-01-01", "tasks": {"a": {"noop": None}}})
    told = project("next", "p", "--after", "0990-06-01", "-n", "1").out
    assert (
        told == "Sat 0991-01-01 00:00:00 +0000  0991-01-01 00:00:00Z  interval from 0990-01-01 00:00 +0000\n"
    )


def test_dates_at_the_ends_of_the_calendar_are_refused(project: Project) -> None:
    project.pipeline(CHAIN)
    for command, date in (("run", "0001-12-31"), ("trigger", "9999-12-31"), ("run", "9998-12-31")):
        answer = project(command, "p", "--date", date)
        assert (answer.code, answer.out) == (2, "")
        assert f"`--date` must lie between 0002-01-01 and 9998-12-30, found `{date}`" in answer.err


def test_a_task_that_is_not_there_is_told_before_the_run_has_begun(project: Project) -> None:
    project.pipeline(MAP)
    assert project("trigger", "p").code == 0
    for command in (("clear", "p", "nope"), ("mark", "p", "nope", "success"), ("clear", "p", "lod[0]")):
        answer = project(*command)
        assert (answer.code, answer.out) == (2, "")
        assert "nope" in answer.err or "did you mean `load`?" in answer.err
    assert project("clear", "p", "load[0]").code == 0, "its instances nobody knows yet"
    assert "has not begun" in project("clear", "p", "load").err


def test_what_no_command_can_take_is_wrong_usage(project: Project) -> None:
    project.pipeline(CHAIN)
    huge = "9" * 20
    for command, words in (
        (["run", "p", "--param", os.fsdecode(b"x=\xff")], r"`--param` wants UTF-8, found `x=\xff`"),
        (["pools", "set", os.fsdecode(b"x\xff"), "1"], r"`pools` wants UTF-8, found `x\xff`"),
        (["runs", "-n", huge], "expected a whole number up to 2147483647"),
        (["next", "p", "-n", huge, "--until", "2030-01-01"], "expected a whole number up to 2147483647"),
        (["backfill", "p", "--max-active", huge], "expected a whole number up to 2147483647"),
    ):
        answer = project(*command)
        assert (answer.code, answer.out) == (2, "")
        assert words in answer.err
    for lease in ("x", "-5s", "nan"):
        answer = project("run", "p", env={"YAMLDAG_LEASE": lease})
        assert (answer.code, answer.out) == (2, "")
        assert f"`YAMLDAG_LEASE` must be seconds from 1 to 3600, found `{lease}`" in answer.err


def test_the_interval_of_a_trigger_is_the_last_complete_one(project: Project) -> None:
    project.pipeline({"schedule": "@daily", "tasks": {"a": {"noop": None}}})
    row = project("trigger", "p", "--json", "--date", "2026-01-02T03:04").json
    assert row["data_interval_start"] == "2026-01-01T00:00:00+00:00"
    assert row["data_interval_end"] == "2026-01-02T00:00:00+00:00"


def test_a_clear_sets_a_task_and_all_below_it_to_none(project: Project) -> None:
    run = project.run(CHAIN)
    answer = project("clear", run.id, "b", "--json")
    assert answer.code == 0
    assert answer.json["state"] == "queued"
    assert [row["id"] for row in answer.json["tasks"]] == ["b", "c"]
    assert states(project, run.id) == {"a": "success", "b": "none", "c": "none", "x": "success"}
    assert attempts(project, run.id) == {"a": 1, "b": 1, "c": 0, "x": 1}
    [row] = project("runs", "--json").json
    assert (row["state"], row["started_at"], row["ended_at"], row["reason"]) == ("queued", None, None, None)


def test_a_dry_run_changes_nothing(project: Project) -> None:
    run = project.run(CHAIN)
    before = project("tasks", run.id).out
    answer = project("clear", run.id, "--dry-run", "--json")
    assert [(row["id"], row["state"]) for row in answer.json["tasks"]] == [
        ("a", "success"), ("b", "failed"), ("c", "upstream_failed"), ("x", "success"),
    ]  # fmt: skip
    assert project("tasks", run.id).out == before


def test_only_upstream_and_groups(project: Project) -> None:
    run = project.run(
        "tasks:\n  g:\n    tasks:\n      a: {noop: }\n      b: {noop: , needs: a}\n  c: {noop: , needs: g}\n"
    )

    def would(*arguments: str) -> list[str]:
        return [
            row["id"] for row in project("clear", run.id, *arguments, "--dry-run", "--json").json["tasks"]
        ]

    assert would("g") == ["g.a", "g.b", "c"]
    assert would("g", "--only") == ["g.a", "g.b"]
    assert would("c", "--upstream") == ["g.a", "g.b", "c"]
    assert would("g.b", "--downstream") == ["g.b", "c"]
    assert project("clear", run.id, "c", "--only", "--upstream").code == 2


def test_instances_by_index_or_item(project: Project) -> None:
    run = project.run(MAP)
    for name in ("load[1]", "load[q]"):
        preview = project("clear", run.id, name, "--dry-run", "--json").json["tasks"]
        assert [label(row) for row in preview] == ["load[1]", "z"]
    assert project("clear", run.id, "load[1]").code == 0
    assert states(project, run.id) == {"a": "success", "load[0]": "success", "load[1]": "none", "z": "none"}
    assert project("clear", run.id, "load").code == 0
    assert states(project, run.id) == {"a": "success", "load[0]": "none", "load[1]": "none", "z": "none"}
    assert project("clear", run.id, "load[7]").code == 2


def test_a_queued_clear_that_is_cancelled_skips_what_has_not_begun(project: Project) -> None:
    run = project.run(CHAIN)
    project("clear", run.id, "b")
    assert project("cancel", run.id).out == f"run {run.id} is cancelled\n"
    assert states(project, run.id) == {"a": "success", "b": "skipped", "c": "skipped", "x": "success"}
    retried = project("retry", run.id, "--json").json
    assert [row["id"] for row in retried["tasks"]] == ["b", "c"]


def test_names_that_are_not_there(project: Project) -> None:
    run = project.run(CHAIN)
    for arguments, words in (
        (("trigger", "q"), "there is no pipeline `q`"),
        (("cancel", run.id[:-1]), f"did you mean `{run.id}`?"),
        (("clear", run.id, "cc"), "`p` has no task `cc`; did you mean `c`?"),
        (("retry", "nope"), "there is no run `nope`"),
        (("pause", "pp"), "there is no pipeline `pp` in this project; known: p"),
        (("unpause", "pp"), "known: p"),
        (("backfill", "pp", "--from", "2026-01-01", "--to", "2026-01-02"), "known: p"),
        (("backfill", "--cancel", "x"), "there is no backfill `x`"),
        (("backfill", "p", "--from", "2026-01-01"), "`--to`"),
        (("trigger", "p", "--param", "n=1"), "there is no param `n`"),
        (("trigger", "p", "--date", "soon"), "`--date` wants a date"),
    ):
        answer = project(*arguments)
        assert (answer.code, answer.out) == (2, ""), arguments
        assert words in answer.err, arguments


def test_where_nothing_has_run(project: Project) -> None:
    for command in ("cancel", "clear", "retry"):
        answer = project(command, "p")
        assert answer.code == 2
        assert "nothing has run yet" in answer.err


def test_a_backfill_previews_and_waits(project: Project) -> None:
    project.pipeline({"schedule": "@daily", "timezone": "Asia/Seoul", "tasks": {"a": {"noop": None}}})
    arguments = ("backfill", "p", "--from", "2026-01-01", "--to", "2026-01-03")
    preview = project(*arguments, "--dry-run", "--json").json
    assert [row["logical_date"] for row in preview] == [f"2026-01-0{day}T00:00:00+09:00" for day in (1, 2, 3)]
    assert preview[0]["data_interval_start"] == "2025-12-31T00:00:00+09:00"
    assert project("runs", "--json").json == []
    made = project(*arguments, "--json").json
    assert [row["state"] for row in made["runs"]] == ["queued"] * 3
    assert project(*arguments, "--json").json == {"backfill_id": None, "pipeline": "p", "runs": []}
    assert "each has a run already, which stays" in project(*arguments).err
    cancelled = project("backfill", "--cancel", made["backfill_id"], "--json").json
    assert [row["state"] for row in cancelled["runs"]] == ["cancelled"] * 3
    failed = project(*arguments, "--reprocess", "failed", "--json").json
    assert [row["run_id"] for row in failed["runs"]] == [row["run_id"] for row in made["runs"]], (
        "the same runs"
    )


def test_a_backfill_wants_a_clock(project: Project) -> None:
    project.pipeline(CHAIN)
    answer = project("backfill", "p", "--from", "2026-01-01", "--to", "2026-01-03")
    assert answer.code == 2
    assert "has no clock" in answer.err


def test_runs_are_found_by_what_they_are(project: Project) -> None:
    project.run(CHAIN)
    run_id(project, "p", "--date", "2026-01-01")
    for arguments, number in (
        (("--state", "queued"), 1), (("--pipeline", "p"), 2), (("--type", "manual"), 2), (("--type", "backfill"), 0),
        (("--since", "2026-01-01"), 2), (("--since", "9998-01-01"), 0), (("p", "--limit", "1"), 1),
    ):  # fmt: skip
        assert len(project("runs", *arguments, "--json").json) == number, arguments
    assert project("runs", "--type", "backfill").err == "there are no such runs\n"
    assert project("runs", "p", "--pipeline", "q").code == 2
    assert project("runs", "--since", "soon").code == 2


def test_a_pause_is_told_with_the_coming_ticks(project: Project) -> None:
    project.pipeline({"schedule": "@daily", "tasks": {"a": {"noop": None}}})
    assert not project("next", "p").err
    project("pause", "p")
    assert "`p` is paused" in project("next", "p").err
    project("unpause", "p")
    assert not project("next", "p").err
