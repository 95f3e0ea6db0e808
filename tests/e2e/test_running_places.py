"""Environment, folders, dates and params, as tasks see them."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path
from typing import Any

from tests.e2e.project import Project, Ran


def kept(ran: Ran, name: str) -> str:
    return (ran.project.folder / ".yamldag" / "runs" / ran.id / name).read_text()


def values(ran: Ran, name: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in kept(ran, name).splitlines() if "=" in line)


def test_the_environment_is_the_parents_then_each_layers_own(project: Project) -> None:
    project.write(
        "yamldag.yml", "defaults: {env: {WHO: project, P: project, EMPTY: ''}}\nallow_env: [SHOWN]\n"
    )
    ran = project.run(
        """
env: {WHO: file, F: file, LEADING: 010, VERSION: 1.10, ON: true, OCT: 0o17, DAY: 2026-01-01, BIG: 1e3, HEX: 0x1F, QUOTED: "{{ 1 + 1 }}", YES: yes, NEG: -0}
params: {n: 3, list: {type: array, default: [1, "é"]}}
tasks:
  g:
    env: {WHO: group, G: group}
    tasks:
      a: {env: {WHO: task, T: "{{ params.n }}", L: "{{ params.list }}", SPACE: "a  b\\n", SHOW: "{{ env.SHOWN }}"}, bash: 'env > $YAMLDAG_RUN_DIR/a; env -0 > $YAMLDAG_RUN_DIR/zero'}
      b: {bash: 'env > $YAMLDAG_RUN_DIR/b'}
  c: {bash: 'env > $YAMLDAG_RUN_DIR/c'}
  py: {python: {script: 'import os; return dict(os.environ)'}, env: {WHO: py}}
  seen: {env: {V: '{{ tasks.py.output.WHO }} {{ tasks.py.output.YAMLDAG_TASK_ID }}'}, bash: 'printf %s "$V" > $YAMLDAG_RUN_DIR/py'}
""",
        "--date", "2026-01-02T03:04:05",
        env={"SHOWN": "shown", "FROM_PARENT": "1", "YAMLDAG_SECRET": "x", "WHO": "parent"},
    )  # fmt: skip
    assert ran.state == "success", ran.reasons
    a, b, c = (values(ran, name) for name in "abc")
    assert (a["WHO"], b["WHO"], c["WHO"]) == ("task", "group", "file")
    assert kept(ran, "py") == "py py"
    assert a["P"] == c["P"] == "project"
    written = {
        "LEADING": "010", "VERSION": "1.10", "ON": "true", "OCT": "0o17", "DAY": "2026-01-01", "BIG": "1e3",
        "HEX": "0x1F", "QUOTED": "2", "YES": "yes", "NEG": "-0", "EMPTY": "", "F": "file",
    }  # fmt: skip
    assert {name: c[name] for name in written} == written
    assert (a["T"], a["L"], a["SHOW"], a["FROM_PARENT"], b["G"]) == ("3", '[1, "é"]', "shown", "1", "group")
    assert "SPACE=a  b\n\0" in kept(ran, "zero")
    assert "G" not in c
    assert "YAMLDAG_SECRET" not in a
    ours = {
        "YAMLDAG_RUN_ID": ran.id, "YAMLDAG_TASK_ID": "g.a", "YAMLDAG_ATTEMPT": "1",
        "YAMLDAG_LOGICAL_DATE": "2026-01-02T03:04:05+00:00",
    }  # fmt: skip
    assert {name: a[name] for name in ours} == ours
    assert a["YAMLDAG_RUN_DIR"] == str(project.folder / ".yamldag" / "runs" / ran.id)
    for name in ("YAMLDAG_OUTPUT", "YAMLDAG_RUN_DIR"):
        assert a[name].startswith("/")


def test_folders_modules_and_the_shell_are_where_they_should_be(project: Project) -> None:
    project.write("pipelines/deep/near.py", "def where():\n    import os\n    return os.getcwd()\n")
    project.write("pipelines/deep/sub/kept.txt", "here")
    project.write("pipelines/deep/pack/__init__.py", "from .inner import f\n")
    project.write("pipelines/deep/pack/inner.py", "def f(): return __name__\n")
    project.write(
        "pipelines/deep/p.yml",
        """
pipeline: deep
tasks:
  own: {bash: 'pwd > $YAMLDAG_RUN_DIR/own; test -f near.py'}
  sub: {working_dir: sub, bash: cat kept.txt > $YAMLDAG_RUN_DIR/sub}
  rendered: {working_dir: "{{ 'su' }}b", bash: cat kept.txt}
  scratch: {working_dir: "{{ run.dir }}", bash: 'pwd > scratch; test "$PWD" = "$YAMLDAG_RUN_DIR"'}
  near: {python: near:where}
  moved: {python: near:where, working_dir: sub}
  pack: {python: pack:f}
  dotted: {python: pack.inner:f}
  installed: {python: "os.path:join", args: {}, allow_failure: true}
  seen: {env: {V: "{{ [tasks.near.output, tasks.moved.output, tasks.pack.output, tasks.dotted.output] | tojson }}"}, bash: 'printf %s "$V" > $YAMLDAG_RUN_DIR/seen'}
  strict: {bash: "false\\ntrue", allow_failure: true}
  unset: {bash: 'echo $NO_SUCH_VARIABLE', allow_failure: true}
  pipe: {bash: 'false | true', allow_failure: true}
  is_bash: {bash: '[[ $BASH_VERSION ]] && a=(1 2) && test ${#a[@]} = 2'}
  input: {bash: 'test -z "$(cat)"'}
  quiet: {command: [echo, "a  b", "$HOME", "*"]}
""",
    )
    ran = project.run("deep")
    folder = project.folder / "pipelines" / "deep"
    failed = {name for name, state in ran.states.items() if state == "failed"}
    assert failed == {"strict", "unset", "pipe", "installed"}, ran.reasons
    assert kept(ran, "own").strip() == str(folder)
    assert kept(ran, "sub") == "here"
    assert json.loads(kept(ran, "seen")) == [str(folder), str(folder / "sub"), "pack.inner", "pack.inner"]
    assert ran.log("quiet") == "a  b $HOME *\n"
    assert ran.answer.out.count("\n") > 3
    # from elsewhere, by the file's path
    answer = project("run", "pipelines/deep/p.yml", "--task", "own", "--json")
    assert answer.code == 0, answer


def test_dates_are_in_the_pipelines_zone(project: Project) -> None:
    tasks = """
tasks:
  a:
    env:
      V: '{{ [ds, ds_nodash, ts, ts_nodash, logical_date, run.logical_date, data_interval_start, data_interval_end, run.data_interval_start, run.type, run.pipeline, run.id == run_id, task.id, attempt, logical_date | ds, logical_date | add_days(-2), ds | add_days(1), logical_date | date("%d.%m.%Y %H:%M")] | tojson }}'
    bash: printf %s "$V" > $YAMLDAG_RUN_DIR/a; printf %s "$YAMLDAG_LOGICAL_DATE" > $YAMLDAG_RUN_DIR/date
"""

    def told(head: str, *arguments: str) -> list[Any]:
        ran = project.run(head + tasks, *arguments)
        assert ran.state == "success", ran.reasons
        seen: list[Any] = json.loads(kept(ran, "a"))
        assert seen[4] == seen[5] == kept(ran, "date")
        assert seen[9:14] == ["manual", "p", True, "a", 1]
        return seen

    seoul = "timezone: Asia/Seoul\nschedule: '0 6 * * *'\n"
    seen = told(seoul, "--date", "2026-03-01T07:30")
    assert seen[:4] == ["2026-03-01", "20260301", "2026-03-01T07:30:00+09:00", "20260301T073000"]
    assert seen[6:9] == [
        "2026-02-28T06:00:00+09:00",
        "2026-03-01T06:00:00+09:00",
        "2026-02-28T06:00:00+09:00",
    ]
    assert seen[14:] == ["2026-03-01", "2026-02-27T07:30:00+09:00", "2026-03-02", "01.03.2026 07:30"]
    assert told(seoul, "--date", "2026-02-28T22:30Z")[:1] == ["2026-03-01"]
    seen = told(seoul, "--date", "2026-03-01")
    assert seen[4] == "2026-03-01T00:00:00+09:00"
    assert seen[7] == "2026-02-28T06:00:00+09:00"
    seen = told("", "--date", "2026-03-01T07:30")
    assert seen[4] == seen[6] == seen[7] == "2026-03-01T07:30:00+00:00"
    # a start does not count for the interval of a run by hand
    assert told(seoul + "start: 2026-06-01\n", "--date", "2026-03-01T07:30")[7] == "2026-03-01T06:00:00+09:00"
    berlin = "timezone: Europe/Berlin\nschedule: '@daily'\n"
    seen = told(berlin, "--date", "2026-03-30T12:00")
    assert seen[6:8] == ["2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00"]
    assert project("run", "p", "--date", "tomorrow").code == 2


def test_params_are_read_checked_and_suggested(project: Project) -> None:
    declared = """
params:
  text: abc
  number: 3
  half: {type: number, default: 0.5}
  flag: false
  limit: {type: integer, minimum: 1, maximum: 100, default: 10}
  list: {type: array, items: {type: integer}, default: []}
  map: {type: object, default: {}}
  day: {type: string, format: date, default: "2026-01-01"}
  kind: {enum: [small, large], default: small}
  maybe: {type: [integer, "null"], default: 1}
  code: {type: string, pattern: "^[a-z]+$", default: abc}
tasks:
  see: {env: {V: "{{ params | tojson }}"}, bash: 'printf %s "$V" > $YAMLDAG_RUN_DIR/see'}
"""

    def told(*given: str) -> dict[str, Any]:
        ran = project.run(declared, *(word for one in given for word in ("--param", one)))
        assert ran.state == "success", ran.reasons
        seen: dict[str, Any] = json.loads(kept(ran, "see"))
        return seen

    defaults = {
        "text": "abc", "number": 3, "half": 0.5, "flag": False, "limit": 10, "list": [], "map": {},
        "day": "2026-01-01", "kind": "small", "maybe": 1, "code": "abc",
    }  # fmt: skip
    assert told() == defaults
    given = (
        "text=3",
        "number=-4",
        "half=2",
        "flag=true",
        "limit=100",
        "list=[1, 2]",
        'map={"a": null}',
        "day=2024-02-29",
        "kind=large",
        "maybe=null",
        "code=z",
    )
    assert told(*given) == {
        "text": "3", "number": -4, "half": 2, "flag": True, "limit": 100, "list": [1, 2], "map": {"a": None},
        "day": "2024-02-29", "kind": "large", "maybe": None, "code": "z",
    }  # fmt: skip
    assert told("text=a=b; $(x)", "code=abc")["text"] == "a=b; $(x)"
    assert told("text=")["text"] == ""
    assert told('text="q"')["text"] == '"q"'
    before = len(project("runs", "--json").json)
    for told_together in (
        {
            "txt=1": "did you mean `text`?",
            "number=x": "`number` must be an integer, found `x`",
            "flag=yes": "`flag` must be true or false",
            "limit=0": "`limit` must be at least 1",
            'list=["a"]': "`list[0]` must be an integer",
            "day=2026-02-30": "`day` must be a valid date",
            "kind=medium": '"small", "large"',
            "maybe=x": "`maybe` must be",
            "code=A1": "`code` must match",
            "half=NaN": "`half` must be a number",
        },
        {
            "number=1.5": "`number` must be an integer",
            "limit=101": "`limit` must be at most 100",
            "list=1": "`list` must be a list",
        },
        {"nothing": "NAME=VALUE"},
        {"=x": "NAME=VALUE"},
        {"text=1": "twice", "text=2": "twice"},
    ):
        options = [word for bad in told_together for word in ("--param", bad)]
        answer = project("run", "p", *options)
        assert (answer.code, answer.out) == (2, ""), answer
        for words in told_together.values():
            assert words in answer.err, (words, answer.err)
        assert not re.search(r"[A-Z][a-z]+Error|Traceback", answer.err)
    project.pipeline("params: {need: {type: string}}\ntasks: {a: {bash: 'echo {{ params.need }}'}}")
    answer = project("run", "p", "--json")
    assert (answer.code, answer.out) == (2, "")
    assert "`need` is required" in answer.err
    assert len(project("runs", "--json").json) == before


def test_what_a_run_leaves_is_for_its_user_alone(project: Project) -> None:
    ran = project.run("tasks: {a: {foreach: [1], bash: 'echo x'}, b: {python: {script: 'print(1)'}}}", env={})
    state = project.folder / ".yamldag"
    logs = list((state / "logs").rglob("*"))
    assert {stat.S_IMODE(path.stat().st_mode) for path in logs if path.is_file()} == {0o600}
    folders = [state, state / "logs", state / "runs", *(path for path in state.rglob("*") if path.is_dir())]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folders} == {0o700}
    assert stat.S_IMODE((state / "yamldag.db").stat().st_mode) & 0o077 == 0
    # nothing but logs is left among them
    assert {path.suffix for path in logs if path.is_file()} == {".log"}
    assert ran.log("a[0]") == "x\n"


def test_a_project_may_be_in_a_folder_of_any_name(tmp_path: Path) -> None:
    folder = tmp_path / "a b'c\"é%41?x=1#y$(touch z)"
    folder.mkdir()
    project = Project(folder)
    project.write("pipelines/m.py", "def f(): return 'é'\n")
    ran = project.run("""
tasks:
  a: {bash: 'pwd; echo n=1 > "$YAMLDAG_OUTPUT"; ls {{ run.dir | sh }}'}
  b: {python: m:f, needs: a}
  c: {bash: 'echo {{ tasks.a.output.n }} {{ tasks.b.output | sh }}'}
""")
    assert ran.state == "success", ran.reasons
    assert ran.log("a").splitlines()[0] == str(folder / "pipelines")
    assert ran.log("c") == "1 é\n"
    assert project.run("p", "--task", "c", env={"LC_ALL": "C"}).log("c") == "1 é\n"
    assert not list(tmp_path.rglob("z"))
