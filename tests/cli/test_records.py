"""Running from the command line, and looking at what has run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from yamldag.cli.main import main

PIPELINES = {
    "demo": """
pipeline: demo
params:
  n: {type: integer, minimum: 1, default: 3}
tasks:
  list:
    bash: echo '["x", "y"]' > "$YAMLDAG_OUTPUT"
  load:
    foreach: "{{ tasks.list.output }}"
    bash: echo "loads {{ item }} of {{ params.n }}"
  g:
    needs: load
    tasks:
      check: {bash: "true"}
      last: {needs: check, noop: }
""",
    "bad": """
pipeline: bad
tasks:
  fails: {bash: echo oh no; exit 3}
  after: {needs: fails, noop: }
""",
    "unsound": """
pipeline: unsound
tasks:
  a: {needs: b, noop: }
""",
    "slow": """
pipeline: slow
tasks:
  a: {bash: touch "$YAMLDAG_RUN_DIR/../../../begun"; sleep 60}
  b: {needs: a, noop: }
""",
}


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pipelines").mkdir()
    for name, text in PIPELINES.items():
        (tmp_path / "pipelines" / f"{name}.yml").write_text(text)
    (tmp_path / "yamldag.yml").write_text("{}\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def told(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert main(list(arguments)) == code
    return capsys.readouterr().out


def data(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    return json.loads(told(capsys, *arguments, "--json", code=code))


def test_a_run_is_told_as_json_task_by_task(capsys: pytest.CaptureFixture[str]) -> None:
    result = data(capsys, "run", "demo")
    assert result["state"] == "success"
    assert [(row["id"], row["map_index"], row["state"], row["attempts"]) for row in result["tasks"]] == [
        ("list", None, "success", 1),
        ("load", 0, "success", 1),
        ("load", 1, "success", 1),
        ("g.check", None, "success", 1),
        ("g.last", None, "success", 1),
    ]
    assert all(row["started_at"].endswith("+00:00") for row in result["tasks"])


def test_a_failed_run_is_exit_1_and_shows_what_the_task_wrote(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "bad"]) == 1
    shown = capsys.readouterr()
    assert shown.out.endswith(" failed\n")
    assert "  | oh no\n" in shown.err
    assert "exit code 3" in shown.err


def test_a_pipeline_with_errors_is_exit_1_and_nothing_is_recorded(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "pipelines/unsound.yml"]) == 1
    assert "YD203" in capsys.readouterr().err
    assert not (project / ".yamldag").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["dmo"], "demo"),
        (["demo", "--param", "n=zero"], "param `n` must be an integer, found `zero`"),
        (["demo", "--param", "m=1"], "there is no param `m`"),
        (["demo", "--param", "n"], "`--param` wants NAME=VALUE, found `n`"),
        (["demo", "--param", "n=1", "--param", "n=2"], "param `n` is given twice"),
        (["demo", "--date", "2026-02-30"], "`--date` wants a date"),
        (["demo", "--task", "lod"], "`demo` has no task `lod`; did you mean `load`?"),
    ],
)
def test_what_is_asked_wrongly_is_exit_2_before_anything_runs(
    arguments: list[str], words: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", *arguments]) == 2
    assert words in capsys.readouterr().err
    assert not (project / ".yamldag").exists()


def test_a_dry_run_renders_and_runs_nothing(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = data(capsys, "run", "demo", "--dry-run", "--param", "n=8")
    assert (result["run_id"], result["state"]) == (None, None)
    scripts = {row["id"]: row["params"].get("script") for row in result["tasks"]}
    assert scripts["load"] == 'echo "loads {{ item }} of 8"'
    assert not (project / ".yamldag").exists()


def test_a_group_runs_alone(capsys: pytest.CaptureFixture[str]) -> None:
    rows = data(capsys, "run", "demo", "--task", "g")["tasks"]
    assert [row["id"] for row in rows] == ["g.check", "g.last"]


def test_runs_tasks_and_logs_tell_of_what_has_run(capsys: pytest.CaptureFixture[str]) -> None:
    first = data(capsys, "run", "demo", "--date", "2026-01-31")
    second = data(capsys, "run", "bad", code=1)
    runs = data(capsys, "runs")
    assert [(row["run_id"], row["state"]) for row in runs] == [
        (second["run_id"], "failed"),
        (first["run_id"], "success"),
    ]
    assert runs[1]["logical_date"] == "2026-01-31T00:00:00+00:00"
    assert [row["run_id"] for row in data(capsys, "runs", "demo", "--state", "success")] == [first["run_id"]]
    told_tasks = data(capsys, "tasks", first["run_id"])["tasks"]
    more = ("reason", "label")
    assert [{key: row[key] for key in row if key not in more} for row in told_tasks] == first["tasks"]
    assert [row["label"] for row in told_tasks] == ["list", "load[x]", "load[y]", "g.check", "g.last"]
    assert [line.split()[0] for line in told(capsys, "tasks", first["run_id"]).splitlines()[3:]] == [
        row["label"] for row in told_tasks
    ]
    assert told(capsys, "logs", first["run_id"], "load[1]") == "loads y of 3\n"
    assert told(capsys, "logs", "demo", "load").splitlines()[1::2] == ["loads x of 3", "loads y of 3"]
    assert told(capsys, "logs", "bad", "fails", "-f") == "oh no\n"
    assert {row["pipeline"]: (row["last_run"] or {}).get("state") for row in data(capsys, "list")} == {
        "bad": "failed",
        "demo": "success",
        "slow": None,
        "unsound": None,
    }


def test_a_silent_attempt_is_told_why_it_is_over(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "pipelines" / "mute.yml").write_text(
        "pipeline: mute\ndefaults: {retries: 1, retry_delay: 0s}\ntasks:\n  a: {bash: exit 3}\n"
        "  b: {foreach: [0, 3], bash: exit $CODE, env: {CODE: '{{ item }}'}}\n"
    )
    run = data(capsys, "run", "mute", code=1)["run_id"]
    for task, words in [
        (["a"], "`a` of run {run} wrote nothing in attempt 2: it is failed, exit code 3"),
        (["a", "--attempt", "1"], "`a` of run {run} wrote nothing in attempt 1: it is failed"),
        (["b[0]"], "`b[0]` of run {run} wrote nothing in attempt 1: it is success"),
        (["b[1]"], "`b[1]` of run {run} wrote nothing in attempt 2: it is failed, exit code 3"),
    ]:
        assert main(["logs", "mute", *task]) == 0
        assert capsys.readouterr() == ("", words.format(run=run) + "\n")


@pytest.mark.parametrize("arguments", [["tasks", "demo"], ["logs", "demo", "load"]])
def test_looking_before_anything_has_run_says_so_and_makes_nothing(
    arguments: list[str], project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert "nothing has run yet" in capsys.readouterr().err
    assert data(capsys, "runs") == []
    assert not (project / ".yamldag").exists()


def test_the_log_of_a_run_that_waits_is_waited_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = data(capsys, "trigger", "demo")["run_id"]
    assert main(["logs", "demo", "load"]) == 0
    assert capsys.readouterr() == ("", f"`load` of run {run} wrote nothing: its run has not begun\n")
    assert main(["logs", "demo", "lod"]) == 2
    assert "did you mean `load`?" in capsys.readouterr().err
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        main(["cancel", "demo"])

    monkeypatch.setattr("yamldag.cli.here.time.sleep", wait)
    assert main(["logs", "demo", "-f", "load"]) == 0
    assert len(waited) == 1


def test_a_run_that_never_began_says_so_and_begins_when_it_is_cleared(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = data(capsys, "trigger", "demo")["run_id"]
    main(["cancel", "demo"])
    capsys.readouterr()
    assert main(["tasks", "demo"]) == 0
    told = capsys.readouterr()
    assert told.out == f"run {run} of demo: cancelled, the run was cancelled\n\n"
    assert told.err == "it has not begun, so there are no tasks yet\n"
    [condition] = data(capsys, "why", "demo", "load")["conditions"]
    assert condition["detail"] == "it is cancelled: the run was cancelled"
    assert main(["clear", "demo"]) == 0
    assert capsys.readouterr().out == f"it had not begun, so all of it is to run; run {run} is queued\n"


def test_an_item_that_reads_like_an_index_is_shown_with_its_own(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "pipelines" / "years.yml").write_text(
        "pipeline: years\ntasks:\n  a: {foreach: [1, 1990, 2], bash: 'echo {{ item }}'}\n"
    )
    main(["run", "years"])
    told = capsys.readouterr().err
    labels = [row["label"] for row in data(capsys, "tasks", "years")["tasks"]]
    assert labels == ["a[0: 1]", "a[1: 1990]", "a[2]"]
    for label, item in zip(labels, ("1", "1990", "2"), strict=True):
        assert label in told
        assert data(capsys, "why", "years", label)["label"] == label
        assert main(["logs", "years", label]) == 0
        assert capsys.readouterr().out == f"{item}\n"
    assert main(["logs", "years", "a[1990]"]) == 0


def test_options_may_stand_between_what_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    main(["run", "demo"])
    capsys.readouterr()
    assert main(["logs", "demo", "--attempt", "1", "load[x]"]) == 0
    assert capsys.readouterr().out == "loads x of 3\n"
    assert main(["clear", "demo", "--only", "load", "--json"]) == 0
    cleared = json.loads(capsys.readouterr().out)["tasks"]
    assert [(row["id"], row["map_index"]) for row in cleared] == [("load", 0), ("load", 1)]


def test_an_unknown_task_or_run_is_exit_2(capsys: pytest.CaptureFixture[str]) -> None:
    data(capsys, "run", "demo")
    assert main(["logs", "demo", "lod"]) == 2
    assert "did you mean `load`?" in capsys.readouterr().err
    assert main(["logs", "demo", "load[9]"]) == 2
    assert main(["tasks", "nothing"]) == 2


def test_ctrl_c_cancels_the_run_which_is_exit_1(project: Path) -> None:
    root = str(Path(__file__).parents[2])
    process = subprocess.Popen(
        [sys.executable, "-m", "yamldag", "run", "slow", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": root},
        text=True,
    )
    while not (project / "begun").exists():
        assert process.poll() is None
        os.sched_yield()
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    result = json.loads(out)
    assert (process.returncode, result["state"]) == (1, "cancelled")
    assert [row["state"] for row in result["tasks"]] == ["failed", "skipped"]
