"""What `run` prints and refuses, and how `list`, `runs`, `tasks` and `logs` read it back."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import termios
import time
from pathlib import Path

import pytest

from tests.e2e.project import PATIENCE, YAMLDAG, Project

ESCAPE = "\x1b["


def test_tasks_can_be_run_alone_with_others_newest_outputs(project: Project) -> None:
    project.pipeline("""
tasks:
  a: {bash: 'echo "\\"$YAMLDAG_RUN_ID\\"" > $YAMLDAG_OUTPUT'}
  bad: {bash: 'echo {{ tasks.a.output }}; test ! -e "$YAMLDAG_RUN_DIR/../fail"'}
  mapped: {foreach: [1, 2], bash: 'echo {{ item }} > $YAMLDAG_OUTPUT'}
  g:
    needs: bad
    tasks:
      b: {bash: 'echo {{ tasks.a.output }} {{ tasks.a.state }}'}
      c: {needs: b, env: {V: '{{ tasks.mapped.output }}'}, bash: 'echo "$V"'}
  never: {bash: exit 1, allow_failure: true}
  below: {needs: never, allow_failure: true, bash: 'echo {{ tasks.never.output | default("nothing", true) }}'}
""")
    alone = project.run("p", "--task", "g.b")  # nothing has run before: there is no output
    assert alone.states == {"g.b": "failed"} or "null" in alone.log("g.b")
    first = project.run("p")
    assert first.state == "success"
    only = project.run("p", "--task", "g", "--task", "below")
    assert list(only.states) == ["g.b", "g.c", "below"]
    assert set(only.states.values()) == {"success"}
    assert only.log("g.b") == f"{first.id} success\n"
    assert only.log("g.c") == "[1, 2]\n"
    assert only.log("below") == "nothing\n"
    [*one] = project.run("p", "--task", "mapped").rows
    assert [(row["id"], row["map_index"]) for row in one] == [("mapped", 0), ("mapped", 1)]
    answer = project("run", "p", "--task", "g.bb")
    assert (answer.code, answer.out) == (2, "")
    assert "did you mean `g.b`?" in answer.err
    rows = project("tasks", only.id, "--json").json["tasks"]
    assert [row["id"] for row in rows] == ["g.b", "g.c", "below"]


def test_a_dry_run_shows_values_and_runs_nothing(project: Project) -> None:
    project.pipeline("""
timezone: Asia/Seoul
params: {n: 3, word: x}
vars: {place: there}
tasks:
  a: {bash: 'touch ran; echo {{ params.n + 1 }} {{ vars.place }} {{ ds }}', env: {V: 'n={{ params.n }}'}}
  b: {python: {script: 'open("ran", "w")'}, args: {x: '{{ params.word }}', y: '{{ tasks.a.output }}'}, needs: a}
  c: {http: 'http://127.0.0.1:9/{{ params.word }}', when: params.n == 3}
""")
    answer = project("run", "p", "--dry-run", "--param", "n=7", "--date", "2026-01-02")
    assert answer.code == 0
    for text in (
        "touch ran; echo 8 there 2026-01-02",
        "n=7",
        "needs a",
        "http://127.0.0.1:9/x",
        "{{ tasks.a.output }}",
    ):
        assert text in answer.out, answer.out
    assert not list(project.folder.rglob("ran"))
    assert not (project.folder / ".yamldag").exists()
    rows = project("run", "p", "--dry-run", "--json", "--task", "a").json["tasks"]
    assert [(row["id"], row["state"], row["attempts"]) for row in rows] == [("a", None, 0)]
    assert project("run", "p", "--dry-run", "--param", "n=x").code == 2
    assert project("run", "p", "--dry-run", "--task", "z").code == 2


def test_what_a_task_says_itself_takes_the_place_of_what_excludes_it_in_defaults(project: Project) -> None:
    project.write("yamldag.yml", "connections: {api: 'https://api.example.org', db: 'sqlite://'}\n")
    project.write("pipelines/own.sql", "select 1\n")
    project.pipeline("""
defaults: {http: {url: "https://example.org"}, sql: {connection: db, query: select 2}}
tasks:
  own: {http: {connection: api, path: /x}}
  given: {http: {method: POST}}
  file: {sql: {file: own.sql}}
""")
    answer = project("run", "p", "--dry-run")
    assert answer.code == 0, answer
    own, given, file = (
        answer.out.split(f"{name}  ")[1].split("\n\n")[0] for name in ("own", "given", "file")
    )
    assert "connection: api" in own
    assert "url" not in own
    assert "url: https://example.org" in given
    assert "file: own.sql" in file
    assert "query" not in file


def test_what_no_notification_can_call_is_said_before_anything_runs(project: Project) -> None:
    for name, call in (
        ("wait", "{wait: 10m}"),
        ("approval", "[{bash: x}, {approval: Go on?}]"),
        ("branch", "{branch: [a]}"),
        ("short_circuit", "{short_circuit: true}"),
    ):
        for text in (
            f"on_failure: {call}\ntasks: {{a: {{bash: touch ran}}}}",
            f"tasks: {{a: {{bash: touch ran, on_retry: {call}}}}}",
            f"defaults: {{on_success: {call}}}\ntasks: {{a: {{bash: touch ran}}}}",
        ):
            project.pipeline(text)
            for command in (("validate",), ("run", "p")):
                answer = project(*command)
                assert answer.code == 1, (text, answer.err)
                told = answer.out + answer.err
                assert f"YD711 no-notification]: `{name}` can't be a notification" in told, (text, told)
    assert not list(project.folder.rglob("ran"))


def test_an_executor_that_nobody_brings_is_refused(project: Project) -> None:
    project.pipeline("tasks: {a: {bash: touch ran}}")
    for name, executor in (("celery", "celery"), ("dask", "{type: dask, address: 'tcp://127.0.0.1:8786'}")):
        project.write("yamldag.yml", f"executor: {executor}\n")
        for command in (("run", "p"), ("serve", "--port", "0")):
            answer = project(*command)
            assert (answer.code, answer.out) == (1, "")
            assert f"there is no executor `{name}`\n --> yamldag.yml:1:" in answer.err
    assert not list(project.folder.rglob("ran"))


def test_files_and_ids_are_found_or_explained(project: Project) -> None:
    project.write(
        "pipelines/two.yml",
        "pipeline: one\ntasks: {a: {bash: echo}}\n---\npipeline: two\ntasks: {a: {bash: echo}}\n",
    )
    project.write("pipelines/bad.yml", "pipeline: bad\ntasks: {a: {bash: echo, nees: b}}\n")
    project.write("pipelines/broken.yml", "pipeline: broken\ntasks: {a: [\n")
    project.write("elsewhere/p.yml", "pipeline: away\ntasks: {a: {bash: pwd}}\n")
    for arguments, code, words in (
        (("pipelines/two.yml",), 2, "one, two"),
        (("on",), 2, "did you mean `one`?"),
        (("pipelines/none.yml",), 2, "there is no file"),
        (("bad",), 1, "YD401"),
        (("pipelines/bad.yml",), 1, "did you mean `needs`?"),
        (("broken",), 1, "error[YD1"),
        (("pipelines/broken.yml",), 1, "error[YD1"),
        (("something-else-entirely",), 2, "broken.yml"),
        ((), 2, "usage"),
        (("one", "--date", "soon"), 2, "--date"),
        (("one", "--env", "prd"), 2, "prd"),
    ):
        answer = project("run", *arguments, "--json")
        assert answer.code == code, (arguments, answer)
        assert words in answer.err, (arguments, answer.err)
        assert answer.json["diagnostics"] if code == 1 else answer.out == ""
    assert project("run", "two").code == 0
    assert project("run", "elsewhere/p.yml").code == 0


def test_progress_is_plain_lines_beside_a_result_of_its_own(project: Project) -> None:
    project.pipeline("""
tasks:
  good: {bash: echo to the log}
  bad: {bash: 'for n in 1 2 3 4 5 6 7 8 9 10 11 12; do echo line $n; done; exit 4', retries: 1, retry_delay: 0s}
  below: {needs: bad, noop: }
  map: {foreach: [{name: orders}, plain, 3], bash: echo}
""")
    answer = project("run", "p")
    assert answer.code == 1
    assert re.fullmatch(r"manual-\S+ failed\n", answer.out)
    lines = answer.err.splitlines()
    for pattern in (
        r"run manual-\S+, 4 tasks",
        r"good +running",
        r"good +success  \d.*s",
        r"bad +up_for_retry.*",
        r"bad +failed .*attempt 2.*exit code 4",
        r"below +upstream_failed",
        r"map\[orders\] +success .*",
        r"map\[plain\] +success .*",
        r"map\[2: 3\] +success .*",
        r"  \| line 12",
        r"run failed in .*: 4 success, 1 failed, 1 upstream_failed",
    ):
        assert any(re.fullmatch(pattern, line) for line in lines), (pattern, answer.err)
    assert "  | line 2" not in lines
    assert ESCAPE not in answer.err
    assert "\r" not in answer.err
    assert ESCAPE in project("run", "p", env={"FORCE_COLOR": "1"}).err
    assert ESCAPE not in project("run", "p", env={"FORCE_COLOR": "1", "NO_COLOR": "1"}).err
    quiet = project("run", "p", "--json")
    assert set(quiet.json) == {"run_id", "state", "tasks"}


@pytest.mark.parametrize(("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_a_terminal_shows_what_runs_and_is_left_as_it_was(
    project: Project, environment: dict[str, str], coloured: bool
) -> None:
    name = project.pipeline("tasks:\n  slow: {bash: 'read -r line < gate'}\n  quick: {bash: echo}\n")
    os.mkfifo(project.folder / "pipelines" / "gate")
    ours, theirs = pty.openpty()
    before = termios.tcgetattr(ours)
    process = subprocess.Popen(
        [*YAMLDAG, "run", name],
        cwd=project.folder,
        env=project.environment({"TERM": "xterm-256color", **environment}),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    shown = read_until(ours, "1 running")
    assert "slow" in shown
    (project.folder / "pipelines" / "gate").write_text("go\n")
    shown += read_until(ours, None)
    assert process.wait(PATIENCE) == 0
    assert "2 success" in shown
    assert termios.tcgetattr(ours)[:6] == before[:6]
    os.close(ours)
    hidden, there = shown.count("\x1b[?25l"), shown.count("\x1b[?25h")
    assert hidden <= there  # the cursor is back
    assert bool(re.search(r"\x1b\[3[0-9]m", shown)) == coloured
    last = shown.rstrip().splitlines()[-1]
    assert re.search(r"manual-\S+ success", last)


def read_until(terminal: int, words: str | None) -> str:
    """What comes on the terminal, up to these words or its end."""
    shown = ""
    until = time.monotonic() + PATIENCE
    while words is None or words not in shown:
        assert select.select([terminal], [], [], max(0.0, until - time.monotonic()))[0], shown
        try:
            piece = os.read(terminal, 4096)
        except OSError:  # the other end is closed
            piece = b""
        if not piece:
            assert words is None, shown
            return shown
        shown += piece.decode(errors="replace")
    return shown


def test_empty_states_say_what_to_do_next(project: Project) -> None:
    for words, code, told in (
        (("list",), 0, "yamldag init"),
        (("runs",), 0, "yamldag run"),
        (("tasks", "x"), 2, "yamldag run"),
        (("logs", "x", "y"), 2, "yamldag run"),
        (("runs", "x"), 2, "yamldag list"),
    ):
        answer = project(*words)
        assert (answer.code, answer.out) == (code, ""), words
        assert told in answer.err, (words, answer.err)
    assert project("list", "--json").json == []
    assert project("runs", "--json").json == []
    assert not (project.folder / ".yamldag").exists()
    project.pipeline("tasks: {a: {bash: echo}}")
    assert "has not run yet" in project("runs", "p").err
    assert project("runs", "p", "--json").json == []


def test_what_ran_is_read_back(project: Project) -> None:
    project.pipeline(
        "pipeline: bad\ntasks: {a: {bash: 'echo out; echo err >&2; exit 1', retries: 1, retry_delay: 0s}}"
    )
    project.write("pipelines/wrong.yml", "pipeline: wrong\ntasks: {a: {}}\n")
    good = project.run(
        """
pipeline: sales
schedule: "@daily"
tags: [demo]
tasks:
  z: {bash: 'printf "no line end"'}
  map: {foreach: [x, {name: y}], bash: 'echo $YAMLDAG_MAP_INDEX'}
  skip: {bash: exit 99}
  never: {needs: skip, bash: echo}
""",
        "--date", "2026-01-02T03:04:05",
    )  # fmt: skip
    bad = project.run("bad")
    listed = {row["pipeline"]: row for row in project("list", "--json").json}
    assert list(listed) == ["bad", "sales", "wrong"]
    assert listed["sales"]["last_run"]["run_id"] == good.id
    assert (listed["sales"]["schedule"], listed["sales"]["tags"], listed["sales"]["tasks"]) == (
        "@daily",
        ["demo"],
        4,
    )
    assert (listed["bad"]["last_run"]["state"], listed["wrong"]["valid"]) == ("failed", False)
    assert [row["file"] for row in listed.values()] == [
        "pipelines/bad.yml",
        "pipelines/sales.yml",
        "pipelines/wrong.yml",
    ]
    text = project("list").out
    assert "(has errors)" in text
    assert "@daily" in text

    runs = project("runs", "--json").json
    assert [run["run_id"] for run in runs] == [bad.id, good.id]
    assert (runs[1]["type"], runs[1]["state"]) == ("manual", "success")
    assert runs[1]["logical_date"] == "2026-01-02T03:04:05+00:00"
    assert runs[1]["data_interval_start"] == "2026-01-01T00:00:00+00:00"
    assert runs[1]["data_interval_end"] == "2026-01-02T00:00:00+00:00"
    assert [run["run_id"] for run in project("runs", "sales", "--json").json] == [good.id]
    assert [run["run_id"] for run in project("runs", "--state", "failed", "--json").json] == [bad.id]
    assert len(project("runs", "-n", "1", "--json").json) == 1
    assert good.id in project("runs").out

    for name in (good.id, "sales"):
        told = project("tasks", name, "--json").json
        assert (told["run_id"], told["state"]) == (good.id, "success")
        rows = [{key: row[key] for key in good.rows[0]} for row in told["tasks"]]
        assert rows == good.rows
    assert "map[y]" in project("tasks", "sales").out

    assert good.log("z") == "no line end"
    assert project("logs", "sales", "map[1]").out == project("logs", "sales", "map[y]").out == "1\n"
    both = project("logs", "sales", "map").out
    assert "map[0]" in both
    assert "map[1]" in both
    assert sorted(project("logs", bad.id, "a").out.splitlines()) == ["err", "out"]
    assert project("logs", bad.id, "a", "--attempt", "1").out == project("logs", bad.id, "a", "-f").out[:8]
    [row] = project("logs", bad.id, "a", "--json").json
    assert (row["attempt"], row["state"], row["map_index"]) == (2, "failed", None)
    assert row["log"].split() in (["out", "err"], ["err", "out"])
    never = project("logs", "sales", "never")
    assert (never.code, never.out) == (0, "")
    assert "skipped" in never.err
    for words in (
        ("tasks", "sale"),
        ("tasks", good.id + "x"),
        ("runs", "sale"),
        ("logs", "sales", "mapp"),
        ("logs", "sale", "a"),
    ):
        answer = project(*words)
        assert (answer.code, answer.out) == (2, ""), words
        assert "did you mean" in answer.err, (words, answer.err)
    for wrong in (
        ("logs", "sales", "map[2]"),
        ("logs", "sales", "z[0]"),
        ("logs", bad.id, "a", "--attempt", "3"),
        ("runs", "-n", "0"),
    ):
        assert project(*wrong).code == 2, wrong


def test_python_tasks_write_to_their_log_and_show_their_frames_alone(project: Project) -> None:
    project.write(
        "pipelines/noisy.py",
        "import sys, logging, warnings\n"
        "def speak():\n    print('printed'); sys.stderr.write('error\\n'); logging.warning('logged'); print('é')\n"
        "def fall():\n    inner()\n"
        "def inner():\n    raise KeyError('missing')\n"
        "def chain():\n    try:\n        inner()\n    except KeyError as e:\n        raise RuntimeError('outer') from e\n"
        "def leave():\n    sys.exit('gone')\n"
        "def deep():\n    return deep()\n",
    )
    project.write("pipelines/syntax.py", "def f(:\n")
    project.write("pipelines/imports.py", "import no_such_module_here\ndef f(): pass\n")
    ran = project.run("""
tasks:
  speak: {python: noisy:speak}
  fall: {python: noisy:fall}
  chain: {python: noisy:chain}
  leave: {python: noisy:leave}
  deep: {python: noisy:deep}
  imports: {python: imports:f}
  script: {python: {script: "x = 1\\nraise ValueError('in line two')"}}
""")
    log = ran.log("speak")
    assert {"printed", "error", "é"} < set(log.splitlines())
    assert "logged" in log
    for task, word, frames in (
        ("fall", "KeyError: 'missing'", 2),
        ("chain", "RuntimeError: outer", 3),
        ("imports", "no_such_module_here", 1),
        ("script", "in line two", 1),
    ):
        log = ran.log(task)
        assert word in log, (task, log)
        assert log.count('  File "') == frames, log
        assert "yamldag/executors" not in log
        assert word in ran.reasons[task]
    assert "RecursionError" in ran.log("deep")
    assert "gone" in ran.reasons["leave"]
    assert set(ran.states.values()) == {"failed", "success"}
    name = project.pipeline("pipeline: q\ntasks: {a: {python: syntax:f}}")
    assert project("run", name).code == 1


def test_outputs_and_states_survive_in_the_database(project: Project) -> None:
    """`.yamldag` is found from below the project, and `database:` moves it."""
    project.write("yamldag.yml", "database: sqlite:///elsewhere.db\n")
    project.pipeline("tasks: {a: {bash: 'echo 1 > $YAMLDAG_OUTPUT'}}")
    ran = project.run("p")
    below = project.folder / "pipelines" / "deep"
    below.mkdir()
    told = subprocess.run(
        [*YAMLDAG, "runs", "--json"],
        cwd=below,
        env=project.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert [run["run_id"] for run in json.loads(told.stdout)] == [ran.id]
    assert Path(project.folder / "elsewhere.db").exists()


def test_old_runs_are_pruned_with_their_folders(project: Project) -> None:
    ids = [project.run("tasks:\n  a: {bash: echo hi}\n").id for _ in range(3)]
    state = project.folder / ".yamldag"
    asked = project("db", "prune", "--older-than", "0s", "--keep", "2", "--dry-run", "--json")
    assert asked.json == {"ok": True, "runs": 1, "environments": 0, "dry_run": True}
    assert project("db", "prune", "--older-than", "1d", "--json").json["runs"] == 0
    assert len(project("runs", "--json").json) == 3
    pruned = project("db", "prune", "--older-than", "0s", "--keep", "2", "--json")
    assert pruned.json == {"ok": True, "runs": 1, "environments": 0, "dry_run": False}
    assert [row["run_id"] for row in project("runs", "--json").json] == ids[:0:-1]
    for kind in ("logs", "runs"):
        assert not (state / kind / ids[0]).exists()
        assert (state / kind / ids[1]).exists()
    assert project("logs", ids[2], "a").out == "hi\n"
    assert project("db", "check").code == 0


def test_pruning_says_what_it_needs(project: Project) -> None:
    project.run("tasks:\n  a: {bash: 'true'}\n")
    for arguments, said in (
        ((), "`prune` needs an age"),
        (("--older-than", "long"), "must be a time like `90d`"),
        (("--older-than", "1d", "--keep", "-1"), "must be 0 or more"),
    ):
        answer = project("db", "prune", *arguments)
        assert answer.code == 2
        assert said in answer.err
