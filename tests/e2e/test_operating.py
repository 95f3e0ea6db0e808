"""Operating runs from the command line, with a scheduler at work: within the time that a person notices."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.project import PATIENCE, YAMLDAG, Project, label
from tests.e2e.serving import Serve, wait_until


@pytest.fixture
def gate(project: Project) -> Path:
    return project.folder / "gate"


def until_open(gate: Path) -> str:
    return f"until [ -e {gate} ]; do sleep 0.05; done"


def run_id(project: Project, *arguments: str) -> str:
    answer = project("trigger", *arguments, "--json")
    assert answer.code == 0, answer
    return str(answer.json["run_id"])


def states(project: Project, run: str) -> dict[str, str]:
    return {label(row): row["state"] for row in project("tasks", run, "--json").json["tasks"]}


def attempts(project: Project, run: str) -> dict[str, int]:
    return {label(row): row["attempts"] for row in project("tasks", run, "--json").json["tasks"]}


def state(project: Project, run: str) -> str:
    return str(project("tasks", run, "--json").json["state"])


def ended(project: Project, run: str) -> str:
    return str(wait_until(lambda: (now := state(project, run)) not in ("queued", "running") and now))


def test_a_trigger_is_run_and_may_be_waited_for(project: Project, serve: Serve) -> None:
    project.write(
        "pipelines/p.yml",
        "pipeline: p\nparams: {n: 3}\ntasks:\n  a: {command: [test, '{{ params.n }}', '-eq', '4']}\n",
    )
    serve()
    good = project("trigger", "p", "--param", "n=4", "--date", "2026-01-02", "--wait", "--json")
    assert good.code == 0, good
    assert (good.json["state"], good.json["tasks"][0]["state"]) == ("success", "success")
    bad = project("trigger", "p", "--wait")
    assert bad.code == 1
    assert bad.out.endswith(" failed\n")
    [first, second] = project("runs", "--json").json
    assert {first["type"], second["type"]} == {"manual"}
    assert second["logical_date"] == "2026-01-02T00:00:00+00:00"


def test_a_running_run_is_cancelled_with_what_has_not_begun(project: Project, serve: Serve) -> None:
    project.write(
        "pipelines/p.yml",
        "pipeline: p\ntasks:\n"
        "  up: {bash: 'true', setup: true}\n"
        "  long: {bash: sleep 600, needs: up}\n"
        "  after: {bash: 'true', needs: long}\n"
        "  down: {bash: 'true', teardown_of: up}\n",
    )
    serve()
    run = run_id(project, "p")
    wait_until(lambda: states(project, run).get("long") == "running")
    answer = project("cancel", run, "--json")
    assert answer.code == 0
    assert ended(project, run) == "cancelled"
    assert states(project, run) == {"up": "success", "long": "failed", "after": "skipped", "down": "success"}
    assert project("cancel", run).out == f"run {run} is over already: cancelled\n"


def test_what_failed_is_retried_with_what_is_below_it(project: Project, serve: Serve, gate: Path) -> None:
    project.write(
        "pipelines/p.yml",
        "pipeline: p\ntasks:\n"
        "  a: {bash: 'true'}\n"
        f"  b: {{bash: 'test -e {gate}', needs: a}}\n"
        "  c: {bash: 'true', needs: b}\n",
    )
    serve()
    run = run_id(project, "p")
    assert ended(project, run) == "failed"
    gate.touch()
    preview = project("retry", run, "--dry-run", "--json").json
    assert [row["id"] for row in preview["tasks"]] == ["b", "c"]
    assert project("retry", run, "--wait").code == 0
    assert attempts(project, run) == {"a": 1, "b": 2, "c": 1}
    again = project("retry", run)
    assert again.code == 0
    assert "nothing to run again" in again.err


def test_a_task_that_runs_is_ended_and_begun_anew(project: Project, serve: Serve, gate: Path) -> None:
    project.write(
        "pipelines/p.yml",
        "pipeline: p\ntasks:\n"
        f"  a: {{bash: '{until_open(gate)}; echo \"$YAMLDAG_ATTEMPT\"'}}\n"
        f"  b: {{bash: '{until_open(gate)}'}}\n",
    )
    serve()
    run = run_id(project, "p")
    wait_until(lambda: set(states(project, run).values()) == {"running"})
    assert project("clear", run, "a").code == 0
    wait_until(lambda: attempts(project, run) == {"a": 2, "b": 1})
    gate.touch()
    assert ended(project, run) == "success"
    assert project("logs", run, "a").out == "2\n"


def test_a_pause_holds_the_schedule_and_not_what_is_asked_for(project: Project, serve: Serve) -> None:
    project.write("pipelines/p.yml", "pipeline: p\nschedule: {every: 1s}\ntasks:\n  a: {bash: 'true'}\n")
    assert project("pause", "p", "--json").json == {"pipeline": "p", "paused": True}
    served = serve()
    assert project("trigger", "p", "--wait").code == 0
    assert [row["type"] for row in project("runs", "--json").json] == ["manual"]
    [row] = project("list", "--json").json
    assert row["paused"] is True
    assert "paused" in served.get("/pipelines")[1]
    assert project("unpause", "p").code == 0
    wait_until(lambda: any(row["type"] == "scheduled" for row in project("runs", "--json").json))
    assert project("pause", "p").out == "`p` is paused\n"
    assert project("pause", "p").out == "`p` is paused: it was so already\n"


def test_a_backfill_makes_every_run_of_its_range_by_its_own_bound(
    project: Project, serve: Serve, gate: Path
) -> None:
    project.write(
        "pipelines/p.yml",
        "pipeline: p\nschedule: '@daily'\nstart: 2026-01-03\nmax_active_runs: 1\ntasks:\n"
        f"  a: {{bash: '{until_open(gate)}'}}\n",
    )
    serve()
    project("pause", "p")
    made = project(
        "backfill", "p", "--from", "2026-01-01", "--to", "2026-01-05", "--max-active", "2", "--json"
    )
    assert made.code == 0, made
    assert len(made.json["runs"]) == 5

    def by_state() -> list[tuple[str, str]]:
        rows = project("runs", "--json").json
        return sorted((row["logical_date"][:10], row["state"]) for row in rows)

    wait_until(lambda: [state for _, state in by_state()].count("running") == 2)
    assert [state for _, state in by_state()] == ["running", "running", "queued", "queued", "queued"]
    gate.touch()
    wait_until(lambda: {state for _, state in by_state()} == {"success"})
    assert {row["type"] for row in project("runs", "--json").json} == {"backfill"}
    again = project("backfill", "p", "--from", "2026-01-01", "--to", "2026-01-06", "--dry-run", "--json")
    assert [row["logical_date"] for row in again.json] == ["2026-01-06T00:00:00+00:00"]
    again = project(
        "backfill", "p", "--from", "2026-01-02", "--to", "2026-01-03", "--reprocess", "completed", "--wait"
    )
    assert again.code == 0, again
    assert sorted(attempts(project, row["run_id"])["a"] for row in project("runs", "--json").json) == [
        1,
        1,
        1,
        2,
        2,
    ]


def test_queued_runs_start_oldest_date_first(project: Project, serve: Serve, gate: Path) -> None:
    project.write(
        "pipelines/p.yml",
        f"pipeline: p\nmax_active_runs: 1\ntasks:\n  a: {{bash: '{until_open(gate)}'}}\n",
    )
    for day in ("03", "01", "02"):
        run_id(project, "p", "--date", f"2026-01-{day}")
    serve()
    wait_until(lambda: any(row["state"] == "running" for row in project("runs", "--json").json))
    rows = sorted(project("runs", "--json").json, key=lambda row: row["logical_date"])
    assert [row["state"] for row in rows] == ["running", "queued", "queued"]
    gate.touch()
    wait_until(lambda: {row["state"] for row in project("runs", "--json").json} == {"success"})
    rows = sorted(project("runs", "--json").json, key=lambda row: row["started_at"])
    assert [row["logical_date"][8:10] for row in rows] == ["01", "02", "03"]


def test_what_is_asked_while_no_scheduler_is_at_work_happens_when_one_starts(
    project: Project, serve: Serve
) -> None:
    project.write("pipelines/p.yml", "pipeline: p\ntasks:\n  a: {bash: sleep 600}\n")
    served = serve()
    run = run_id(project, "p")
    wait_until(lambda: states(project, run) == {"a": "running"})
    served.process.kill()
    served.process.wait()
    answer = project("cancel", run)
    assert answer.code == 0
    assert "as soon as a scheduler" in answer.out
    serve()
    assert ended(project, run) == "cancelled"
    assert states(project, run) == {"a": "failed"}


def test_a_removed_file_keeps_history_and_what_was_asked_for_by_hand(project: Project, serve: Serve) -> None:
    file = project.write("pipelines/p.yml", "pipeline: p\ntasks:\n  a: {bash: 'true'}\n")
    run = run_id(project, "p")
    file.unlink()
    serve()
    assert ended(project, run) == "success"
    assert project("clear", run, "--wait").code == 0
    assert attempts(project, run) == {"a": 2}
    refused = project("trigger", "p")
    assert (refused.code, refused.out) == (2, "")
    assert "its runs are kept" in refused.err


def test_a_cleared_run_keeps_its_plan_unless_the_newest_is_wanted(project: Project, serve: Serve) -> None:
    project.write(
        "pipelines/p.yml", "pipeline: p\ntasks:\n  a: {bash: echo old}\n  gone: {bash: 'true', needs: a}\n"
    )
    served = serve()
    run = run_id(project, "p")
    assert ended(project, run) == "success"
    project.write(
        "pipelines/p.yml", "pipeline: p\ntasks:\n  a: {bash: echo new}\n  fresh: {bash: 'true', needs: a}\n"
    )
    served.process.send_signal(signal.SIGHUP)
    assert project("clear", run, "a", "--wait").code == 0
    assert project("logs", run, "a").out == "old\n"
    assert project("clear", run, "a", "--latest", "--wait").code == 0
    assert project("logs", run, "a").out == "new\n"
    assert states(project, run) == {"a": "success", "gone": "removed", "fresh": "success"}


def test_params_that_do_not_fit_the_plan_any_more_fail_the_run_and_nothing_else(
    project: Project, serve: Serve
) -> None:
    project.write("pipelines/p.yml", "pipeline: p\nparams: {n: 3}\ntasks:\n  a: {bash: 'true'}\n")
    run = run_id(project, "p")
    project.write("pipelines/p.yml", "pipeline: p\ntasks:\n  a: {bash: 'true'}\n")
    serve()
    assert ended(project, run) == "failed"
    [row] = project("runs", "--json").json
    assert "there is no param `n`" in row["reason"]
    assert ended(project, run_id(project, "p")) == "success"


@pytest.fixture
def by_hand(project: Project) -> Iterator[Any]:
    """`yamldag run`, in a process of its own."""
    project.write("pipelines/p.yml", "pipeline: p\ntasks:\n  a: {bash: sleep 600}\n")
    process = subprocess.Popen(
        [*YAMLDAG, "run", "p"],
        cwd=project.folder,
        env=project.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    yield process
    process.kill()
    process.wait()


def test_a_run_by_hand_is_cancelled_from_elsewhere(
    project: Project, by_hand: subprocess.Popen[bytes]
) -> None:
    wait_until(lambda: '"running"' in project("runs", "--json").out)
    [row] = project("runs", "--json").json
    assert project("cancel", row["run_id"]).code == 0
    assert by_hand.wait(PATIENCE) == 1
    assert state(project, row["run_id"]) == "cancelled"
