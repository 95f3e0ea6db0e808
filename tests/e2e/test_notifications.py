"""Notifications and deadlines, from the command line."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.project import PATIENCE, YAMLDAG, Project
from tests.e2e.serving import Serve, wait_until


def told(project: Project) -> list[str]:
    path = project.folder / "told"
    return path.read_text().splitlines() if path.exists() else []


def say(text: str) -> dict[str, Any]:
    return {"bash": 'echo "$TEXT" >> "$TOLD"', "env": {"TEXT": text, "TOLD": "{{ vars.told }}"}}


@pytest.fixture
def told_vars(project: Project) -> dict[str, Any]:
    return {"vars": {"told": str(project.folder / "told")}}


def notices(project: Project, run: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = project("logs", run, "--notifications", "--json").json
    return rows


REPAIR = {
    "pipeline": "repair",
    "params": {"what": {"type": "string"}, "times": 1},
    "tasks": {"mend": {"bash": "echo mends {{ params.what | sh }} {{ params.times }}"}},
}


def test_a_notification_may_make_a_run_of_another_pipeline(project: Project) -> None:
    project.write("pipelines/repair.yml", json.dumps(REPAIR))
    failing = {
        "on_failure": {"pipeline": "repair", "with": {"what": "{{ run.failed | join(' ') }}", "times": 3}},
        "tasks": {"a": {"bash": "exit 1"}, "b": {"bash": "exit 1"}},
    }
    ran = project.run(failing)
    assert ran.state == "failed"
    first, second = project("runs", "--json").json
    assert (first["pipeline"], first["type"], first["state"]) == ("repair", "pipeline", "success")
    assert second["run_id"] == ran.id
    assert project("logs", first["run_id"], "mend").out == "mends a b 3\n"
    assert [(each["operator"], each["state"]) for each in notices(project, ran.id)] == [("pipeline", "done")]


def test_each_instance_makes_one_and_a_refusal_is_told(project: Project, serve: Serve) -> None:
    project.write("pipelines/repair.yml", json.dumps(REPAIR))
    call = {"pipeline": "repair", "with": {"what": "{{ item }}!", "times": "{{ item }}"}}
    project.write(
        "pipelines/many.yml",
        json.dumps(
            {
                "pipeline": "many",
                "tasks": {"a": {"noop": None, "foreach": [1, 2, "no number"], "on_success": call}},
            }
        ),
    )
    serve()
    run = project("trigger", "many", "--json").json["run_id"]
    wait_until(
        lambda: (
            len(notices(project, run)) == 3
            and all(each["state"] != "waiting" for each in notices(project, run))
        )
    )
    wait_until(lambda: [row["state"] for row in project("runs", "repair", "--json").json] == ["success"] * 2)
    told = [each["message"] for each in notices(project, run) if each["state"] == "failed"]
    assert told == ['param `times` must be an integer, found `"no number"`']


def test_each_end_calls_what_is_written_for_it(project: Project, told_vars: dict[str, Any]) -> None:
    task_text = "{{ task.id }} {{ task.state }} {{ attempt }} {{ run.state }} {{ task.error }}"
    calls = {f"on_{name}": say(f"{name}: {task_text}") for name in ("failure", "success", "retry")}
    ran = project.run(
        {
            **told_vars,
            "on_failure": [
                say("run {{ run.state }} {{ run.failed }} {{ run.url }} {{ tasks.good.output.n }}"),
                say("second"),
            ],
            "on_success": say("never"),
            "tasks": {
                "good": {"bash": "echo n=7 > $YAMLDAG_OUTPUT", **calls},
                "bad": {"bash": "exit 3", "retries": 1, "retry_delay": "0s", "needs": "good", **calls},
                "below": {"bash": "true", "needs": "bad", **calls},
            },
        }
    )
    assert ran.states == {"good": "success", "bad": "failed", "below": "upstream_failed"}
    assert told(project) == [
        "success: good success 1 running null",
        "retry: bad up_for_retry 1 running exit code 3",
        "failure: bad failed 2 failed exit code 3",
        'run failed ["bad"] null 7',
        "second",
    ] or sorted(told(project)) == sorted(
        [
            "success: good success 1 running null",
            "retry: bad up_for_retry 1 running exit code 3",
            "failure: bad failed 2 failed exit code 3",
            'run failed ["bad"] null 7',
            "second",
        ]
    )
    assert told(project).index("second") > told(project).index('run failed ["bad"] null 7')
    assert [row["state"] for row in notices(project, ran.id)] == ["done"] * 5


def test_each_instance_tells_of_itself(project: Project, told_vars: dict[str, Any]) -> None:
    ran = project.run(
        {
            **told_vars,
            "tasks": {
                "m": {
                    "foreach": ["x", "y", "z"],
                    "bash": 'test "$ITEM" != y',
                    "env": {"ITEM": "{{ item }}"},
                    "on_failure": say("{{ item }} {{ index }}"),
                    "on_success": say("{{ item }}"),
                }
            },
        }
    )
    assert ran.state == "failed"
    assert sorted(told(project)) == ["x", "y 1", "z"]


def test_a_notification_that_fails_is_recorded_and_changes_nothing(project: Project) -> None:
    ran = project.run(
        {
            "on_success": [
                {"bash": "echo to the log; exit 5"},
                {"bash": "echo {{ tasks.a.output.nothing }}"},
                {"python": {"script": "raise ValueError('no such chat')"}},
                {"bash": "sleep 60", "timeout": "1s"},
                {"python": {"script": "return n + 1"}, "args": {"n": 1}},
            ],
            "tasks": {"a": {"bash": "echo {} > $YAMLDAG_OUTPUT"}},
        }
    )
    assert ran.state == "success"
    rows = notices(project, ran.id)
    assert [row["state"] for row in rows] == ["failed", "failed", "failed", "failed", "done"]
    assert [row["position"] for row in rows] == [0, 1, 2, 3, 4]
    assert rows[0]["message"] == "exit code 5"
    assert rows[0]["log"] == "to the log\n"
    assert "nothing" in rows[1]["message"]
    assert "no such chat" in rows[2]["message"]
    assert rows[0]["cause"] == "on_success"
    assert rows[0]["task"] is None
    text = project("logs", ran.id, "--notifications").out
    assert "on_success by bash: failed, exit code 5" in text
    assert "  to the log" in text


def test_neither_a_cancel_nor_a_skip_calls_anything(project: Project, told_vars: dict[str, Any]) -> None:
    calls = {"on_failure": say("no"), "on_success": say("no"), "on_retry": say("no")}
    project.pipeline(
        {
            **told_vars,
            "on_failure": say("no"),
            "on_success": say("no"),
            "tasks": {"a": {"bash": "touch began; sleep 60", **calls}, "b": {"bash": "exit 99", **calls}},
        }
    )
    process = subprocess.Popen(
        [*YAMLDAG, "run", "p"],
        cwd=project.folder,
        env=project.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until((project.folder / "pipelines" / "began").exists)
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE) == 1
    assert told(project) == []


def test_what_cannot_be_attempted_and_a_timeout_are_failures(
    project: Project, told_vars: dict[str, Any]
) -> None:
    ran = project.run(
        {
            **told_vars,
            "timeout": "1s",
            "on_failure": say("run {{ run.failed }}"),
            "tasks": {
                "a": {"bash": "true", "when": "tasks.c.output.x", "on_failure": say("a: {{ attempt }}")},
                "b": {"bash": "sleep 60", "on_failure": say("b")},
                "c": {"bash": "echo {} > $YAMLDAG_OUTPUT"},
            },
        }
    )
    assert ran.states == {"a": "failed", "b": "failed", "c": "success"}
    assert sorted(told(project)) == ["a: 0", 'run ["a", "b"]']


def test_values_are_as_safe_in_a_notification_as_in_a_task(project: Project) -> None:
    ran = project.run(
        {
            "params": {"x": "a"},
            "on_success": {"bash": "echo {{ params.x }}"},
            "tasks": {"a": {"noop": None}},
        },
        "--param",
        "x=a; touch hacked",
    )
    (row,) = notices(project, ran.id)
    assert row["state"] == "failed"
    assert not (project.folder / "hacked").exists()


# Deadlines


def test_a_deadline_is_told_once_while_the_run_goes_on(project: Project, told_vars: dict[str, Any]) -> None:
    ran = project.run(
        {
            **told_vars,
            "deadline": {"after": "1s"},
            "on_deadline": [say("late {{ run.state }} {{ run.failed }}"), say("again")],
            "on_success": say("done"),
            "tasks": {"a": {"bash": 'until grep -q again "{{ vars.told | raw }}"; do sleep 0.1; done'}},
        }
    )
    assert ran.state == "success"
    assert told(project) == ["late running []", "again", "done"]
    assert [row["cause"] for row in notices(project, ran.id)] == ["on_deadline", "on_deadline", "on_success"]


def test_a_deadline_that_has_passed_when_the_run_begins_and_one_that_has_not(
    project: Project, told_vars: dict[str, Any]
) -> None:
    late = {
        **told_vars,
        "deadline": {"at": "06:00"},
        "on_deadline": say("late"),
        "tasks": {"a": {"bash": "true"}},
    }
    project.run(late, "--date", "2026-01-31T05:00")
    assert told(project) == ["late"]
    project.run(late, "--date", "2999-01-31T05:00")
    assert told(project) == ["late"]


# Under the scheduler


def test_the_scheduler_sends_with_the_address_of_the_run(
    project: Project, serve: Serve, told_vars: dict[str, Any]
) -> None:
    project.write(
        "pipelines/p.yml",
        {
            "pipeline": "p",
            "schedule": "@once",
            **told_vars,
            "on_success": say("{{ run.url }} {{ run.id }}"),
            "tasks": {"a": {"bash": "true"}},
        },
    )
    served = serve()
    (line,) = wait_until(lambda: told(project))
    address, run = line.split()
    assert address == f"{served.address}/runs/{run}"
    assert served.get(f"/runs/{run}")[0] == 200


def test_what_a_killed_scheduler_has_not_sent_is_sent_by_the_next(
    project: Project, serve: Serve, told_vars: dict[str, Any]
) -> None:
    gate = project.folder / "gate"
    wait = f"touch {gate}.$YAMLDAG_TASK_ID; until test -e {gate}; do sleep 0.05; done; "
    first = say("{{ task.id }} {{ attempt }} {{ task.error }}")
    first["bash"] = wait + first["bash"]
    project.write(
        "pipelines/p.yml",
        {
            "pipeline": "p",
            "schedule": "@once",
            **told_vars,
            "on_failure": say("run {{ run.state }} {{ run.failed }}"),
            "tasks": {"a": {"bash": "exit 4", "on_failure": [first, say("second")]}},
        },
    )
    served = serve()
    wait_until(Path(f"{gate}.a").exists)
    served.process.kill()
    served.process.wait()
    gate.touch()
    serve()
    wait_until(lambda: {"second", 'run failed ["a"]'} <= set(told(project)))
    assert set(told(project)) == {"a 1 exit code 4", "second", 'run failed ["a"]'}
    run = json.loads(project("runs", "--json").out)[0]["run_id"]
    wait_until(lambda: all(row["state"] == "done" for row in notices(project, run)))


def test_a_run_by_hand_that_was_killed_is_told_of_by_the_scheduler(
    project: Project, serve: Serve, told_vars: dict[str, Any]
) -> None:
    project.pipeline(
        {**told_vars, "on_failure": say("{{ run.state }}"), "tasks": {"a": {"bash": "touch began; sleep 60"}}}
    )
    process = subprocess.Popen(
        [*YAMLDAG, "run", "p"],
        cwd=project.folder,
        env=project.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until((project.folder / "pipelines" / "began").exists)
    process.kill()
    process.wait()
    serve()
    wait_until(lambda: told(project) == ["failed"])


def test_a_run_that_was_cleared_tells_again(
    project: Project, serve: Serve, told_vars: dict[str, Any]
) -> None:
    project.pipeline(
        {
            **told_vars,
            "deadline": {"after": "1h"},
            "on_deadline": say("late"),
            "on_failure": say("run {{ run.failed }}"),
            "tasks": {
                "a": {"bash": "exit 3", "on_failure": say("a {{ attempt }}")},
                "b": {"bash": "true", "when": "tasks.c.output.x", "on_failure": say("b {{ attempt }}")},
                "c": {"bash": "echo {} > $YAMLDAG_OUTPUT"},
            },
        }
    )
    run = project("run", "p", "--json", "--date", "2026-01-31").json["run_id"]
    assert sorted(told(project)) == ["a 1", "b 0", "late", 'run ["a", "b"]']
    serve()
    assert project("clear", run, "--failed", "--yes").code == 0
    wait_until(lambda: told(project).count('run ["a", "b"]') == 2)
    assert sorted(told(project)) == sorted(["a 1", "a 2", "b 0", "b 0", "late", *['run ["a", "b"]'] * 2])
    wait_until(lambda: all(row["state"] == "done" for row in notices(project, run)))
