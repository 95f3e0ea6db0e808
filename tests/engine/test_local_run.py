"""Whole runs with real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from yamldag.engine.asking.preview import preview
from yamldag.engine.local_run import Order, RunResult, run_here
from yamldag.engine.memory.params import resolve
from yamldag.engine.memory.run import Instance
from yamldag.plan.pipeline import Fanout, Group, Json, Param, Plan, Task, text_hash, to_text, version
from yamldag.plan.state import TaskState
from yamldag.store import views


class Project:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / ".yamldag"
        self.database = f"sqlite:///{self.state}/yamldag.db"

    def bash(self, name: str, script: str, *needs: str, **more: Any) -> Task:
        parents = tuple(sorted(needs))
        return Task(
            name, "bash", {"script": script}, needs=parents, judged=parents, folder=str(self.folder), **more
        )

    def python(self, name: str, script: str, *needs: str, **more: Any) -> Task:
        parents = tuple(sorted(needs))
        return Task(
            name, "python", {"script": script}, needs=parents, judged=parents, folder=str(self.folder), **more
        )

    def run(self, *tasks: Task, params: dict[str, Json] | None = None, **more: Any) -> RunResult:
        only = more.pop("only", None)
        of = Plan("p", tasks=tasks, **more)
        return run_here(
            Order(of, resolve(of, params or {}), only=only), database=self.database, folder=self.state
        )

    def log(self, result: RunResult, task: str, attempt: int = 1) -> str:
        return (self.state / "logs" / result.run_id / f"{task}.{attempt}.log").read_text()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def states(result: RunResult) -> dict[str, Any]:
    return {
        row["id"] if row["map_index"] is None else f"{row['id']}[{row['map_index']}]": row["state"]  # type: ignore[misc]
        for row in result.tasks
    }


def test_outputs_flow_from_task_to_task(project: Project) -> None:
    result = project.run(
        project.bash("a", """echo '{"n": [1, "two words", null]}' > "$YAMLDAG_OUTPUT" """),
        project.bash("m", "echo got={{ item | tojson | sh }} > $YAMLDAG_OUTPUT", "a", mapped_by="m"),
        project.bash("z", "echo {{ tasks.m.output | tojson | sh }}", "m"),
        mapped={"m": Fanout(foreach="{{ tasks.a.output.n }}")},
    )
    assert states(result) == dict.fromkeys(["a", "m[0]", "m[1]", "m[2]", "z"], "success")
    assert json.loads(project.log(result, "z")) == [{"got": "1"}, {"got": '"two words"'}, {"got": "null"}]


def test_a_task_sees_its_own_variables_and_none_left_over_from_outside(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YAMLDAG_TASK_ID", "outer")
    monkeypatch.setenv("YAMLDAG_STRAY", "outer")
    script = 'echo "$YAMLDAG_TASK_ID $YAMLDAG_ATTEMPT ${YAMLDAG_STRAY-none} $X"; exit 3'
    result = project.run(
        project.bash("a", script, retries=1, retry_delay=0.0, env={"X": "{{ vars.x }} y"}),
        project.bash("b", 'echo hi > "$YAMLDAG_RUN_DIR/f"'),
        project.bash("c", "cat {{ run.dir }}/f", "b"),
        vars={"x": 5},
    )
    assert project.log(result, "a", 2) == "a 2 none 5 y\n"
    assert project.log(result, "c") == "hi\n"


def test_params_keep_their_types(project: Project) -> None:
    params = (Param("n", {"type": "integer", "default": 3}), Param("who", {"type": "string"}))
    task = project.python("a", "print(repr((n, who)))")
    task = replace(task, args={"n": "{{ params.n }}", "who": "{{ params.who }}"})
    of = Plan("p", tasks=(task,), params=params)
    order = Order(of, resolve(of, {"n": "7", "who": "8"}, as_text=True))
    result = run_here(order, database=project.database, folder=project.state)
    assert project.log(result, "a") == "(7, '8')\n"


def test_a_value_that_is_no_plain_word_fails_before_the_shell_sees_it(project: Project) -> None:
    result = project.run(
        project.bash("a", "echo {{ vars.x }}; touch made", retries=5), vars={"x": "$(touch evil)"}
    )
    assert (states(result), result.tasks[0]["attempts"]) == ({"a": "failed"}, 1)
    assert not (project.folder / "made").exists()
    with views.reading(project.database) as db:
        (row,) = views.attempts(db, result.run_id, "a")
    assert (row["state"], row["reason"]) == ("failed", "refused")
    assert "can't go into a shell as it is" in row["message"]


def test_exit_99_skips_and_a_bad_output_is_not_tried_again(project: Project) -> None:
    result = project.run(
        project.bash("a", "exit 99"),
        project.bash("b", "echo '[1]' > $YAMLDAG_OUTPUT", retries=3, output={"type": "object"}),
        project.python("c", "import yamldag\nraise yamldag.Skip('not today')"),
        Task("n", "noop", needs=("a",), judged=("a",), trigger_rule="all_done"),
    )
    assert states(result) == {"a": "skipped", "b": "failed", "c": "skipped", "n": "success"}
    assert [row["attempts"] for row in result.tasks] == [1, 1, 1, 1]


def test_a_task_that_takes_too_long_fails_and_says_so(project: Project) -> None:
    result = project.run(project.bash("a", "sleep 60", timeout=0.2))
    assert states(result) == {"a": "failed"}
    with views.reading(project.database) as db:
        (row,) = views.attempts(db, result.run_id, "a")
    assert row["reason"] == "timeout"


def test_a_run_that_takes_too_long_ends(project: Project) -> None:
    result = project.run(project.bash("a", "sleep 60"), project.bash("b", "true", "a"), timeout=0.3)
    assert (result.state, states(result)) == ("failed", {"a": "failed", "b": "skipped"})
    assert result.reason == "the run took longer than its timeout"


def test_tasks_run_alone_with_outputs_of_earlier_runs(project: Project) -> None:
    tasks = (
        project.bash("a", "echo n=41 > $YAMLDAG_OUTPUT"),
        project.bash("b", "echo {{ tasks.a.output.n }} {{ tasks.a.state }}", "a"),
        project.bash("c", "echo {{ tasks.a.output is none }}", "a"),
    )
    first = project.run(*tasks, only=frozenset({"c"}))
    assert (states(first), project.log(first, "c")) == ({"c": "success"}, "true\n")
    project.run(*tasks)
    alone = project.run(*tasks, only=frozenset({"b"}))
    assert (states(alone), project.log(alone, "b")) == ({"b": "success"}, "41 success\n")


def test_what_is_recorded_is_what_was_told(project: Project) -> None:
    of = Plan(
        "p",
        tasks=(project.bash("a", "true"), project.bash("b", "false", "a"), project.bash("c", "true", "b")),
    )
    seen: list[tuple[str, TaskState]] = []

    def watch(instance: Instance, state: TaskState) -> None:
        seen.append((instance.label, state))

    result = run_here(Order(of, {}), database=project.database, folder=project.state, watch=watch)
    with views.reading(project.database) as db:
        run = views.one_run(db, result.run_id)
        rows = views.instances(db, result.run_id)
        events = views.events(db, result.run_id)
        assert run is not None
        stored = views.plan(db, run["version"])
    assert (run["state"], run["type"], run["pipeline"]) == ("failed", "manual", "p")
    assert stored == to_text(of)
    assert text_hash(to_text(of)) == version(of) == run["version"]
    assert [(row.task, row.state) for row in rows] == [
        ("a", "success"),
        ("b", "failed"),
        ("c", "upstream_failed"),
    ]
    assert [event["state"] for event in events if event["instance"]] == [str(state) for _, state in seen]


def test_a_finished_run_leaves_no_process_and_no_journal(project: Project) -> None:
    project.run(project.bash("a", "true"))
    assert [path.name for path in (project.state / "executor").iterdir()] == []


CTRL_C = """
import os, signal, sys
from pathlib import Path
from yamldag.engine.local_run import Order, run_here
from yamldag.plan.pipeline import Plan, Task

folder, times = Path(sys.argv[1]), int(sys.argv[2])
def bash(name, script, *needs, **more):
    return Task(name, "bash", {"script": script}, needs=needs, judged=needs, folder=str(folder), **more)

trap = "trap 'echo no' TERM; " if times > 1 else ""
plan = Plan("p", tasks=(
    bash("up", "true", setup=True),
    bash("work", trap + "echo begun > begun; while true; do sleep 0.05 || true; done", "up", retries=5),
    bash("after", "true", "work"),
    bash("down", "true", "after", "up", trigger_rule="all_done_setup_success", teardown_of=("up",)),
))
result = run_here(Order(plan, {}), database=f"sqlite:///{folder}/y.db", folder=folder / ".yamldag")
print(result.state, *(row["state"] for row in result.tasks))
"""


def interrupted(folder: Path, times: int) -> str:
    """Press Ctrl-C once the task has begun, and again once the first was heard."""
    command = [sys.executable, "-c", CTRL_C, str(folder), str(times)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=os.getcwd())
    wait_for(folder / "begun", process)
    for _ in range(times):
        process.send_signal(signal.SIGINT)
        if times > 1:
            wait_for_word(folder / ".yamldag", "no", process)
    told, _ = process.communicate(timeout=30)
    return told.strip()


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    while not path.exists():
        assert process.poll() is None
        os.sched_yield()


def wait_for_word(folder: Path, word: str, process: subprocess.Popen[str]) -> None:
    while process.poll() is None and not any(
        word in path.read_text() for path in folder.glob("logs/*/work.1.log")
    ):
        os.sched_yield()


def test_ctrl_c_cancels_and_tears_down(tmp_path: Path) -> None:
    assert interrupted(tmp_path, 1) == "cancelled success failed skipped success"


def test_a_second_ctrl_c_kills(tmp_path: Path) -> None:
    assert interrupted(tmp_path, 2) == "cancelled success failed skipped skipped"


def test_a_preview_renders_what_is_known_and_leaves_the_rest(project: Project) -> None:
    of = Plan(
        "p",
        tasks=(
            project.bash("a", "echo {{ params.x }} {{ ds }}"),
            project.bash(
                "b", "echo {{ tasks.a.output }} {{ item }}", "a", mapped_by="b", env={"K": "{{ params.x }}"}
            ),
        ),
        params=(Param("x", {"type": "integer", "default": 4}),),
        mapped={"b": Fanout(foreach=[1])},
    )
    rows = preview(Order(of, resolve(of, {})), project.state)
    assert rows[0]["params"]["script"].startswith("echo 4 20")
    assert rows[1]["params"] == {"script": "echo {{ tasks.a.output }} {{ item }}"}
    assert rows[1]["env"] == {"K": 4}
    assert not project.state.exists()


def test_a_preview_says_how_a_task_is_mapped_and_what_a_template_was_given(project: Project) -> None:
    chain: dict[str, Any] = {"folder": str(project.folder), "mapped_by": "g"}
    of = Plan(
        "p",
        tasks=(
            Task(
                "g.a", "bash", {"script": "load {{ uses['g'].table }} of {{ uses['g'].all.first }}"}, **chain
            ),
            Task(
                "g.b",
                "short_circuit",
                {"go": "uses['g'].all.first"},
                when=("uses['g'].table != 'x'",),
                **chain,
            ),
        ),
        groups=(Group("g", use="t", params={"table": "t_{{ item }}", "all": {"first": "{{ item }}"}}),),
        mapped={"g": Fanout(foreach=["a", "b"])},
    )
    load, go = preview(Order(of, {}), project.state)
    assert load["mapped"] == go["mapped"] == {"foreach": ["a", "b"]}
    assert load["params"] == {"script": "load t_{{ item }} of {{ params.all.first }}"}
    assert (go["when"], go["params"]) == (["params.table != 'x'"], {"go": "params.all.first"})


def test_a_local_run_does_not_wait_for_what_it_does_not_need(tmp_path: Path) -> None:
    script = CTRL_C.split("trap =", maxsplit=1)[0] + (
        "plan = Plan('p', tasks=(bash('a', 'true'), bash('b', 'echo {{ run.id }}', 'a')))\n"
        "run_here(Order(plan, {}), database=f'sqlite:///{folder}/y.db', folder=folder / '.yamldag')\n"
        "heavy = {'sqlalchemy', 'alembic', 'jinja2', 'jsonschema', 'rich', 'httpx'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    command = [sys.executable, "-c", script, str(tmp_path), "0"]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "[]\n"
