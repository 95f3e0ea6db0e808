"""Retries, time-outs, skips and failures, as a person sees them."""

from __future__ import annotations

import re
import sqlite3
from datetime import datetime
from itertools import pairwise
from typing import Any

from tests.e2e.project import Project, Ran

CLASS_NAME = re.compile(
    r"\b[A-Z][a-z]+[A-Za-z]*(Error|Exception)\b|<class|Traceback|\bNoneType\b|0x[0-9a-f]{6}"
)


def waits(ran: Ran, task: str) -> list[float]:
    """Seconds between the end of each attempt and the next that was agreed on, as the event log has them."""
    with sqlite3.connect(ran.project.folder / ".yamldag" / "yamldag.db") as db:
        rows = db.execute(
            "SELECT a.started, a.ended FROM attempt a JOIN task_instance t ON t.id = a.instance "
            "WHERE t.run = ? AND t.task = ? ORDER BY a.number",
            (ran.id, task),
        ).fetchall()
    return [after[0] - before[1] for before, after in pairwise(rows)]


def test_tries_are_counted_and_some_failures_are_not_tried_again(project: Project) -> None:
    project.write(
        "pipelines/m.py",
        """
import yamldag

def skip():
    raise yamldag.Skip("nothing to do today")

def fail():
    raise yamldag.Fail("the month is closed")

def plain():
    raise ValueError("no such customer")

def bad():
    return {"n": float("nan")}
""",
    )
    ran = project.run("""
defaults: {retries: 2, retry_delay: 0s}
tasks:
  always_bad: {bash: exit 3}
  third_time: {bash: 'test "$YAMLDAG_ATTEMPT" = 3'}
  own: {bash: exit 1, retries: 0}
  skip: {bash: exit 99}
  skip_later: {bash: 'if [ "$YAMLDAG_ATTEMPT" = 2 ]; then exit 99; else exit 1; fi'}
  command_skips: {command: [bash, -c, exit 99]}
  killed: {bash: kill -9 $$, retries: 1}
  py_skip: {python: m:skip}
  py_fail: {python: m:fail}
  py_plain: {python: m:plain}
  py_bad: {python: m:bad}
  script_skip: {python: {script: 'import yamldag; raise yamldag.Skip("from a script")'}}
  bad_output: {bash: 'echo nonsense > $YAMLDAG_OUTPUT'}
  misfit: {bash: 'echo n=text > $YAMLDAG_OUTPUT', output: {n: integer}}
  source: {bash: echo}
  template: {bash: 'echo {{ tasks.source.output.n }}'}
  helped: {bash: 'echo {{ tasks.source.output.n | default(0) }}'}
  divided: {bash: 'echo {{ 1 // (tasks.source.output.n | default(0)) }}'}
  not_a_list: {foreach: '{{ tasks.helped.output | default(3, true) }}', noop: }
  no_program: {command: [no-such-program-here]}
  no_folder: {working_dir: no/such/folder, bash: echo}
""")
    states = {name: (ran.states[name], ran.attempts[name]) for name in ran.states}
    assert states == {
        "always_bad": ("failed", 3),
        "third_time": ("success", 3),
        "own": ("failed", 1),
        "skip": ("skipped", 1),
        "skip_later": ("skipped", 2),
        "command_skips": ("skipped", 1),
        "killed": ("failed", 2),
        "py_skip": ("skipped", 1),
        "py_fail": ("failed", 1),
        "py_plain": ("failed", 3),
        "py_bad": ("failed", 1),
        "script_skip": ("skipped", 1),
        "bad_output": ("failed", 1),
        "misfit": ("failed", 1),
        "source": ("success", 1),
        "template": ("failed", 1),
        "helped": ("success", 1),
        "divided": ("failed", 1),
        "not_a_list": ("failed", 0),
        "no_program": ("failed", 3),
        "no_folder": ("failed", 3),
    }
    reasons = ran.reasons
    assert reasons["py_skip"] == "nothing to do today"
    assert reasons["py_fail"] == "the month is closed"
    assert reasons["script_skip"] == "from a script"
    assert "exit code 3" in reasons["always_bad"]
    assert "SIGKILL" in reasons["killed"]
    assert "`nan`" in reasons["py_bad"]
    assert "nonsense" in reasons["bad_output"]
    assert "`n`" in reasons["misfit"]
    assert "text" in reasons["misfit"]
    assert "n" in reasons["template"]
    assert "zero" in reasons["divided"]
    assert "list" in reasons["not_a_list"]
    assert "no-such-program-here" in reasons["no_program"]
    assert "no/such/folder" in reasons["no_folder"]
    for name, reason in reasons.items():
        if name != "py_plain":  # what the user's code raised is theirs
            assert not CLASS_NAME.search(reason), reason
        assert (reason == "") == (ran.states[name] == "success"), (name, reason)
    log = ran.log("py_plain")
    assert "no such customer" in log
    assert "m.py" in log
    assert "yamldag/" not in log
    assert "importlib" not in log
    assert not CLASS_NAME.search(ran.answer.err.replace("ValueError", "").replace("Traceback", ""))


def test_waits_grow_as_declared_and_never_past_the_longest(project: Project) -> None:
    ran = project.run("""
tasks:
  grows: {bash: exit 1, retries: 3, retry_delay: 0.02s, retry_backoff: 3, max_retry_delay: 1m}
  cut: {bash: exit 1, retries: 3, retry_delay: 0.02s, retry_backoff: 10, max_retry_delay: 0.05s}
  at_once: {bash: exit 1, retries: 3, retry_delay: 0s, retry_backoff: 5}
""")
    grows, cut = waits(ran, "grows"), waits(ran, "cut")
    assert len(grows) == len(cut) == 3
    # a machine may be late, never early
    assert all(wait >= least - 1e-6 for wait, least in zip(grows, (0.02, 0.06, 0.18), strict=True))
    assert all(wait >= least - 1e-6 for wait, least in zip(cut, (0.02, 0.05, 0.05), strict=True))
    assert ran.attempts == {"grows": 4, "cut": 4, "at_once": 4}


def test_the_result_has_one_row_per_instance_in_the_plans_order(project: Project) -> None:
    ran = project.run("""
timezone: Asia/Seoul
tasks:
  z: {needs: a, bash: echo}
  a: {bash: echo}
  mapped: {foreach: [x, y], bash: echo}
  none: {foreach: [], bash: echo}
  bad: {bash: exit 1, retries: 1, retry_delay: 0s}
  never: {needs: bad, foreach: [1, 2], bash: echo}
  g: {tasks: {b: {bash: echo}}}
""")
    result = ran.answer.json
    assert set(result) == {"run_id", "state", "tasks"}
    keys = {"id", "state", "attempts", "map_index", "started_at", "ended_at"}
    assert all(set(row) == keys for row in ran.rows)
    assert sorted((row["id"], row["map_index"]) for row in ran.rows if row["id"] == "mapped") == [
        ("mapped", 0),
        ("mapped", 1),
    ]
    assert [(row["id"], row["map_index"]) for row in ran.rows] == shown_order(project)
    by_id = {row["id"]: row for row in ran.rows}
    assert by_id["never"]["state"] == "upstream_failed"
    assert by_id["never"]["started_at"] is None
    assert by_id["none"]["state"] == "skipped"
    assert (by_id["none"]["attempts"], by_id["bad"]["attempts"]) == (0, 2)
    for row in ran.rows:
        for at in (row["started_at"], row["ended_at"]):
            assert at is None or datetime.fromisoformat(at).utcoffset().total_seconds() == 0  # type: ignore[union-attr]
        if row["attempts"]:
            assert row["started_at"] <= row["ended_at"]


def shown_order(project: Project) -> list[tuple[str, int | None]]:
    plan: dict[str, Any] = project("show", "p", "--json").json
    mapped = {"mapped": [0, 1]}
    return [(task["id"], index) for task in plan["tasks"] for index in mapped.get(task["id"], [None])]


def test_a_time_out_takes_the_grandchildren_too_and_is_tried_again(project: Project) -> None:
    ran = project.run("""
tasks:
  hangs:
    timeout: 0.5s
    retries: 1
    retry_delay: 0s
    bash: |
      (bash -c 'echo $$ >> "$YAMLDAG_RUN_DIR/pids"; exec sleep 300') &
      bash -c 'echo $$ >> "$YAMLDAG_RUN_DIR/pids"; exec sleep 300'
  later: {timeout: 20s, bash: 'test "$YAMLDAG_ATTEMPT" = 1'}
  quick_second_time: {timeout: 1.5s, retries: 2, retry_delay: 0s, bash: 'if [ $YAMLDAG_ATTEMPT = 1 ]; then sleep 300; fi'}
  python: {timeout: 0.5s, python: {script: 'import time; time.sleep(300)'}}
""")
    assert ran.states == {
        "hangs": "failed",
        "later": "success",
        "quick_second_time": "success",
        "python": "failed",
    }
    assert ran.attempts["hangs"] == 2
    assert ran.attempts["quick_second_time"] == 2
    assert "timed out after 0.5s" in ran.reasons["hangs"]
    [pids] = project.folder.glob(".yamldag/runs/*/pids")
    assert len(pids.read_text().split()) >= 2
    assert not [pid for pid in pids.read_text().split() if is_sleeping(pid)]


def is_sleeping(pid: str) -> bool:
    """Whether this process still is the `sleep` that it was: the number may be another's by now."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read().startswith(b"sleep\0300")
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_run_that_takes_too_long_is_failed_and_what_had_not_begun_skipped(project: Project) -> None:
    ran = project.run("""
timeout: 1.5s
tasks:
  done: {bash: echo}
  hangs: {bash: sleep 300, retries: 3, retry_delay: 0s}
  waits: {bash: exit 1, retries: 3, retry_delay: 1h}
  below: {needs: hangs, bash: echo}
  always_below: {needs: hangs, trigger_rule: all_done, bash: echo}
""")
    assert ran.state == "failed"
    assert ran.states == {
        "done": "success",
        "hangs": "failed",
        "waits": "skipped",
        "below": "skipped",
        "always_below": "skipped",
    }
    assert ran.attempts["hangs"] == 1
    assert "timeout" in ran.reasons["hangs"].replace("time-out", "timeout")
    assert "timeout" in ran.reasons["below"]
    [run] = project("runs", "--json").json
    assert run["state"] == "failed"
    assert "timeout" in run["reason"]
