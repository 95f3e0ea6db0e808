"""Plug-ins that carry tasks out: what a person sees of a project whose file says `executor: NAME`."""

from __future__ import annotations

import json
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.project import Project
from tests.e2e.serving import Serve, wait_until
from tests.e2e.test_outside import descendants
from tests.e2e.test_requirements import OFFLINE, WHEEL, wheel
from tests.e2e.test_running_stops import alive, end, gate, running
from tests.e2e.test_secrets import below, found_in

NICE = '''
"""Runs tasks at a lower priority."""

schema = {"properties": {"level": {"type": "integer", "minimum": 1, "maximum": 19}}, "required": ["level"]}


def run(task, level):
    return task.call(["nice", "-n", str(level), *task.argv])
'''
TELLING = """
import json, subprocess, sys
def run(task):
    own = {name: value for name, value in task.env.items() if not name.startswith("YAMLDAG_")}
    told = [task.attempt, task.key, task.number, task.pipeline, task.run, task.name, task.index, task.queue, task.timeout]
    print(json.dumps([*told, own, task.cwd]))
    return subprocess.run(task.argv).returncode
"""
FAR = '''
"""Has commands carried out by processes that nobody here knows, as those of another machine are."""
import os, signal, subprocess

schema = {"properties": {"notes": {"type": "string"}}, "required": ["notes"]}

def note(words, notes):
    with open(notes, "a") as file:
        file.write(words + "\\n")

def place(task, notes):
    return f"{notes}.{task.attempt.replace('/', '-')}"

def run(task, notes):
    note(f"run {task.name} {task.number}", notes)
    env = {name: value for name, value in os.environ.items() if name != "YAMLDAG_MARK"}
    process = subprocess.Popen(task.argv, env=env, start_new_session=True)
    with open(place(task, notes), "w") as file:
        file.write(str(process.pid))
    return process.wait()

def cancel(task, notes):
    try:
        with open(place(task, notes)) as file:
            os.killpg(int(file.read()), signal.SIGKILL)
    except ProcessLookupError:
        pass
    note(f"cancel {task.name} {task.number}", notes)
'''
SECRET = "hunter2-and-more"


@pytest.fixture
def nice(project: Project) -> Project:
    project.write("plugins/executors/nice.py", NICE)
    project.write("yamldag.yml", {"executor": {"type": "nice", "level": 7}, "secrets": {"k": SECRET}})
    return project


@pytest.fixture
def far(project: Project, tmp_path: Path) -> Project:
    project.write("plugins/executors/far.py", FAR)
    project.write(
        "yamldag.yml",
        {"executor": {"type": "far", "notes": str(tmp_path / "notes")}, "secrets": {"k": SECRET}},
    )
    return project


def noted(project: Project) -> list[str]:
    path = project.folder / "notes"
    return path.read_text().splitlines() if path.exists() else []


def pid_of(project: Project, label: str) -> str | None:
    """Of what was begun elsewhere."""
    found = list(project.folder.glob(f"notes.*-{label}"))
    return found[0].read_text() or None if found else None


def ours(process: int, far: str) -> set[int]:
    """The scheduler, its runner, and what carries tasks out, but not what goes on elsewhere."""
    return descendants(process) - descendants(int(far))


def test_commands_and_tasks_of_ours_go_through_it_with_outputs_and_codes(nice: Project) -> None:
    ran = nice.run("""
tasks:
  shell: {bash: 'nice; echo "n=5" > "$YAMLDAG_OUTPUT"'}
  python:
    python: {script: "import os; print(os.nice(0)); return {'n': int(n) + 1, 'word': 'é' * 9000}"}
    args: {n: "{{ tasks.shell.output.n }}"}
  many: {foreach: [1, 2, 3, 4, 5, 6], python: {script: "import os; print(os.nice(0)); return each"}, args: {each: "{{ item }}"}}
  sum: {bash: 'echo {{ tasks.many.output | length }} {{ tasks.python.output.n }} {{ tasks.python.output.word | length }}'}
  word: {command: [nice]}
  skips: {bash: exit 99}
  leaves: {python: {script: "from yamldag import Skip; raise Skip('no need')"}}
  fails: {bash: exit 3, retries: 1, retry_delay: 0s}
  raises: {python: {script: "return 1 / 0"}, retries: 1, retry_delay: 0s}
  gone: {command: [no-such-program]}
  killed: {bash: 'kill -9 $$'}
""")
    level = min(os.nice(0) + 7, 19)
    assert ran.log("shell") == ran.log("word") == ran.log("python") == f"{level}\n"
    assert ran.log("sum") == "6 6 9000\n"
    assert ran.log("many[5]") == f"{level}\n"
    assert {name: state for name, state in ran.states.items() if state != "success"} == {
        "skips": "skipped", "leaves": "skipped", "fails": "failed", "raises": "failed", "gone": "failed",
        "killed": "failed",
    }  # fmt: skip
    assert (ran.attempts["fails"], ran.attempts["raises"]) == (2, 2)
    reasons = ran.reasons
    assert reasons["leaves"] == "no need"
    assert reasons["fails"] == "exit code 3"
    assert reasons["raises"] == "ZeroDivisionError: division by zero"
    assert reasons["gone"] == "exit code 127: a command was not found"
    assert "SIGKILL" in reasons["killed"]
    assert "no-such-program" in ran.log("gone")
    left = {path.suffix for path in (nice.folder / ".yamldag" / "logs").rglob("*") if path.is_file()}
    assert left == {".log"}


def test_secrets_reach_the_task_alone_and_are_masked_in_what_it_writes(nice: Project) -> None:
    nice.write(
        "plugins/executors/nice.py",
        NICE.replace(
            "    return",
            "    import os\n    print([name for name in os.environ if 'SECRET' in name or 'DECLARED' in name])\n"
            "    print('told', task.env['K'])\n    return",
        ),
    )
    wheel(nice.folder / "pipelines" / WHEEL)
    settings = {"executor": {"type": "nice", "level": 7}, "connections": {"lite": "sqlite:///:memory:"}}
    nice.write("yamldag.yml", {**settings, "secrets": {"k": SECRET}})
    ran = nice.run(
        """
defaults: {env: {K: "{{ secrets.k }}"}}
tasks:
  shell: {bash: 'echo "$K"; echo "n=${#K}" > "$YAMLDAG_OUTPUT"'}
  python: {python: {script: "import os; print(os.environ['K']); return len(os.environ['K'])"}}
  shows: {python: {script: "import os; return os.environ['K']"}}
  fails: {python: {script: "import os; raise ValueError(os.environ['K'])"}}
  alone:
    python: {script: "import os, tiny; print(os.environ['K']); return tiny.WORD", requirements: ./tiny-1.0-py3-none-any.whl}
  asks: {sql: {connection: lite, query: "SELECT 40 + 2 AS n"}}
  lengths: {bash: 'echo {{ tasks.shell.output.n }} {{ tasks.python.output }} {{ tasks.alone.output }} {{ tasks.asks.output.rows[0].n }}', env: {K: none}}
""",
        env=OFFLINE,
    )
    assert ran.log("shell") == ran.log("python") == "[]\ntold ***\n***\n"
    assert ran.log("alone").startswith("[]\ntold ***\n")
    assert ran.log("alone").endswith("\n***\n")
    assert ran.log("lengths").splitlines()[-1] == f"{len(SECRET)} {len(SECRET)} tiny 42"
    assert ran.reasons["shows"].startswith("the output holds a secret")
    assert ran.reasons["fails"] == "ValueError: ***"
    written = dict(below(nice.folder))
    assert any(path.endswith("yamldag.db") for path in written)
    assert [path for path, data in written.items() if found_in(data, SECRET)] == []
    left = {path.suffix for path in (nice.folder / ".yamldag" / "logs").rglob("*") if path.is_file()}
    assert left == {".log"}


def test_it_is_told_of_the_attempt(project: Project) -> None:
    project.write("plugins/executors/telling.py", TELLING)
    project.write("yamldag.yml", "executor: telling\n")
    ran = project.run("""
tasks:
  a: {foreach: [x], bash: exit 3, queue: gpu, timeout: 1h, retries: 1, retry_delay: 0s, env: {A: b}, working_dir: ..}
""")
    key = f"{ran.id}/a[0]"
    told = [
        f"{key}/2",
        key,
        2,
        "p",
        ran.id,
        "a",
        0,
        "gpu",
        3600.0,
        {"A": "b"},
        str(project.folder / "pipelines/.."),
    ]
    assert json.loads(ran.log("a[0]")) == told


@pytest.mark.parametrize("how", ["cancel", "timeout"])
def test_who_is_stopped_may_end_what_it_has_begun(project: Project, how: str) -> None:
    project.write(
        "plugins/executors/slow.py",
        """
import signal
from yamldag import Stopped
def tell(word):
    with open("gate", "w") as gate:
        gate.write(word + "\\n")
def run(task):
    try:
        tell("begun")
        signal.pause()
    except Stopped:
        tell("stopped")
        raise
""",
    )
    project.write("yamldag.yml", "executor: slow\n")
    timeout = "timeout: 3s, " if how == "timeout" else ""
    with gate(project) as heard, running(project, f"tasks: {{a: {{{timeout}bash: 'true'}}}}") as process:
        assert heard.hear() == ["begun"]
        if how == "cancel":
            process.send_signal(signal.SIGTERM)
        assert heard.hear() == ["stopped"]
        result = end(process)
    assert result["states"] == {"a": "failed"}
    (row,) = project("tasks", result["run_id"], "--json").json["tasks"]
    assert row["reason"] == ("timed out after 3s" if how == "timeout" else "the run was cancelled")
    assert project("logs", result["run_id"], "a").out == ""


def test_a_command_in_the_tasks_place_has_its_grace(nice: Project) -> None:
    tasks = """
tasks:
  a:
    bash: 'trap "echo bye; echo ended > gate; exit 3" TERM; echo begun > gate; while :; do read -t 0.05 || true; done < <(sleep 600)'
"""
    with gate(nice) as heard, running(nice, tasks) as process:
        assert heard.hear() == ["begun"]
        process.send_signal(signal.SIGTERM)
        assert heard.hear() == ["ended"]
        result = end(process)
    assert result["state"] == "cancelled"
    assert nice("logs", result["run_id"], "a").out == "bye\n"


def test_a_faulty_one_fails_its_attempt_and_says_where(project: Project) -> None:
    project.write(
        "plugins/executors/odd.py",
        """
import subprocess
def run(task):
    if task.name == "divides":
        return 1 / 0
    if task.name == "misses":
        return subprocess.call(["no-such-program"])
    if task.name == "ends":
        raise SystemExit("enough")
    if task.name == "gives":
        return "fine"
    return task.call(task.argv)
""",
    )
    project.write("yamldag.yml", {"executor": "odd", "secrets": {"k": SECRET}})
    ran = project.run("""
tasks:
  divides: {bash: echo, retries: 1, retry_delay: 0s}
  misses: {python: {script: return 1}}
  ends: {bash: echo}
  gives: {bash: echo, env: {K: "{{ secrets.k }}"}}
  fine: {bash: echo}
""")
    assert ran.states == {
        "divides": "failed",
        "misses": "failed",
        "ends": "failed",
        "gives": "failed",
        "fine": "success",
    }
    assert ran.attempts["divides"] == 2
    place = "(`plugins/executors/odd.py`"
    assert {name: words for name, words in ran.reasons.items() if words} == {
        "divides": f"the executor `odd` broke off: division by zero {place} in line 5)",
        "misses": "the executor `odd` broke off: [Errno 2] No such file or directory: 'no-such-program' "
        f"{place} in line 7)",
        "ends": f"the executor `odd` broke off: it ends the process: enough {place} in line 9)",
        "gives": f"the executor `odd` broke off: `run` should give an exit code, found `'fine'` {place})",
    }
    told = [
        line for line in ran.answer.err.splitlines() if not line.startswith("  | ")
    ]  # what the log ends with
    assert not any("Traceback" in line for line in told)
    assert "ZeroDivisionError" in ran.log("divides")


@pytest.mark.parametrize("env", ["{}", "{K: '{{ secrets.k }}'}"], ids=["open", "guarded"])
def test_its_work_is_cancelled_when_the_task_is_stopped_or_it_is_killed(far: Project, env: str) -> None:
    tasks = f"""
tasks:
  a: {{bash: 'echo $PPID > gate; exec sleep 300', retries: 1, retry_delay: 0s, env: {env}}}
"""
    with gate(far) as heard, running(far, tasks) as process:
        [carrier] = heard.hear()
        first = wait_until(lambda: pid_of(far, "a-1"))
        os.kill(int(carrier), signal.SIGKILL)
        heard.hear()
        wait_until(lambda: not alive(first))
        wait_until(lambda: noted(far).count("cancel a 1") == 2)  # by the next attempt, and by the keeper
        second = wait_until(lambda: pid_of(far, "a-2"))
        process.send_signal(signal.SIGTERM)
        result = end(process)
    assert result["state"] == "cancelled"
    assert not alive(second)
    told = noted(far)
    assert sorted(told[:-1]) == ["cancel a 1", "cancel a 1", "run a 1", "run a 2"]
    assert told.index("cancel a 1") < told.index("run a 2") < told.index("cancel a 2")
    (row,) = far("tasks", result["run_id"], "--json").json["tasks"]
    assert (row["attempts"], row["reason"]) == (2, "the run was cancelled")


def test_a_scheduler_that_is_killed_finds_the_task_again(far: Project, serve: Serve) -> None:
    go = far.folder / "go"
    tasks: dict[str, Any] = {
        "a": {"bash": f"until [ -e {go} ]; do sleep 0.05; done; echo n=1 > $YAMLDAG_OUTPUT"},
        "b": {"python": {"script": "return n"}, "args": {"n": "{{ tasks.a.output.n }}"}},
    }
    far.pipeline({"tasks": tasks})
    first = serve()
    run = far("trigger", "p", "--json").json["run_id"]
    wait_until(lambda: pid_of(far, "a-1"))
    first.process.send_signal(signal.SIGKILL)
    first.process.wait()
    go.touch()
    serve().run("success")
    assert [row["attempts"] for row in far("tasks", run, "--json").json["tasks"]] == [1, 1]
    assert noted(far) == ["run a 1", "run b 1"]


@pytest.mark.parametrize("keeper", [True, False])
def test_what_a_lost_attempt_has_left_elsewhere_is_gone_before_the_next(
    far: Project, serve: Serve, keeper: bool
) -> None:
    """All of ours is gone at once; without the keeper, too, as when a machine goes down."""
    go = far.folder / "go"
    far.pipeline({"tasks": {"a": {"bash": f"echo $PPID > {go}.pid; until [ -e {go} ]; do sleep 0.05; done"}}})
    first = serve()
    assert far("trigger", "p").code == 0
    begun = wait_until(lambda: pid_of(far, "a-1"))
    told = far.folder / "go.pid"
    carrier = int(wait_until(lambda: told.exists() and told.read_text()))
    spared = descendants(carrier) if keeper else set()
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in ours(first.process.pid, begun) - (spared - {carrier}):
            with suppress(ProcessLookupError):
                os.kill(pid, number)
    first.process.wait()
    if keeper:
        wait_until(lambda: not alive(begun))
        wait_until(lambda: noted(far) == ["run a 1", "cancel a 1"])
    else:
        assert alive(begun)
    go.touch()
    again = serve()
    again.run("success")
    assert not alive(begun)
    assert noted(far) == ["run a 1", *["cancel a 1"] * (2 if keeper else 1), "run a 2"]
