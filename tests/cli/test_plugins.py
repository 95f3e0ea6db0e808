"""Projects with plug-ins: they run, are listed, and a package made by `init --plugin` works once it is installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.cli.commands import ROOT, Caller, Said, process

YELL = """
'''Says it loudly.'''
import os
from yamldag import Fail, Skip

schema = {
    "properties": {
        "text": {"type": "string"},
        "times": {"type": "integer", "minimum": 1},
        "connection": {"type": "string"},
    },
    "required": ["text"],
    "x-short": "text",
    "x-output": {"type": "object", "properties": {"letters": {"type": "integer"}}, "required": ["letters"]},
}

def run(text, times=1, connection=None):
    if text == "skip":
        raise Skip("it is late")
    if text == "fail":
        raise Fail("no voice")
    if text == "break":
        raise RuntimeError("hoarse")
    if text == "end":
        os._exit(3)
    if connection:
        print("as", connection["user"], connection["password"])
    print(text.upper() * times)
    return {"letters": len(text)}
"""


def run(yamldag: Caller, tasks: str, **variables: str) -> dict[str, tuple[str, int]]:
    yamldag.write("plugins/yell.py", YELL)
    yamldag.write("pipelines/p.yml", f"pipeline: p\nparams: {{n: 2}}\ntasks:\n{tasks}")
    said = process(yamldag.folder, "run", "p", "--json", **variables)
    assert said.code in (0, 1), said.err
    return {task["id"]: (task["state"], task["attempts"]) for task in said.json["tasks"]}


def log(yamldag: Caller, task: str) -> str:
    (found,) = yamldag("runs", "--json").json
    return yamldag("logs", found["run_id"], task).out


def test_tasks_run_what_a_plug_in_brings(yamldag: Caller) -> None:
    found = run(
        yamldag,
        "  a: {yell: hello}\n"
        "  b: {yell: {text: '{{ tasks.a.output.letters }}', times: '{{ params.n }}'}}\n"
        "  c: {yell: skip}\n"
        "  d: {yell: fail, retries: 3, retry_delay: 0s}\n"
        "  e: {yell: break, retries: 1, retry_delay: 0s}\n"
        "  f: {yell: end}\n"
        "  g: {yell: {text: x, times: '{{ params.n }} or so'}, retries: 3, retry_delay: 0s}\n",
    )
    assert found == {
        "a": ("success", 1),
        "b": ("success", 1),
        "c": ("skipped", 1),
        "d": ("failed", 1),
        "e": ("failed", 2),
        "f": ("failed", 1),
        "g": ("failed", 1),
    }
    assert log(yamldag, "b") == "55\n"
    broken = log(yamldag, "e")
    assert 'plugins/yell.py", line' in broken
    assert "hoarse" in broken
    assert str(ROOT / "yamldag") not in broken


def test_a_connection_reaches_it_with_its_secrets_which_are_masked(yamldag: Caller) -> None:
    yamldag.write(
        "yamldag.yml",
        "secrets: [key]\nconnections: {web: {type: yelling, user: ann, password: '{{ secrets.key }}'}}\n",
    )
    found = run(yamldag, "  a: {yell: {text: hi, connection: web}}\n", YAMLDAG_SECRET_KEY="hunter2-hunter2")
    assert found == {"a": ("success", 1)}
    assert log(yamldag, "a") == "as ann ***\nHI\n"


def test_a_connection_that_is_not_there_is_found_before_it_runs(yamldag: Caller) -> None:
    yamldag.write("yamldag.yml", "connections: {web: https://example.org}\n")
    yamldag.write("plugins/yell.py", YELL)
    yamldag.write("pipelines/p.yml", "pipeline: p\ntasks: {a: {yell: {text: hi, connection: wbe}}}\n")
    said = yamldag("validate", "--json")
    assert [each["code"] for each in said.json["diagnostics"]] == ["YD210"]


def test_an_output_is_known_to_the_compiler(yamldag: Caller) -> None:
    yamldag.write("plugins/yell.py", YELL)
    yamldag.write(
        "pipelines/p.yml",
        "pipeline: p\ntasks:\n  a: {yell: hi}\n  b: {bash: 'echo {{ tasks.a.output.leters }}'}\n",
    )
    (found,) = yamldag("validate", "--json").json["diagnostics"]
    assert (found["code"], found["line"]) == ("YD206", 4)


def test_a_notifier_is_called(yamldag: Caller) -> None:
    yamldag.write("plugins/notifiers/note.py", YELL)
    found = run(
        yamldag, "  a: {bash: exit 3}\non_failure: {note: {text: '{{ run.failed[0] }} of {{ run.id }}'}}\n"
    )
    assert found == {"a": ("failed", 1)}
    logs = [path.read_text() for path in (yamldag.folder / ".yamldag").rglob("*.log")]
    assert any(text.startswith("A OF MANUAL-") for text in logs), logs


def test_the_list_tells_of_each(yamldag: Caller) -> None:
    yamldag.write("yamldag.yml", "plugins: [nowhere, acme]\n")
    yamldag.write("acme/yell.py", YELL)
    yamldag.write("plugins/odd.py", "1 / 0\n")
    yamldag.write("plugins/secrets/sops.py", "def find(name): return None\n")
    said = yamldag("plugins", "--json")
    assert said.code == 1
    rows = {row["name"]: row for row in said.json}
    assert rows["yell"] == {
        "name": "yell",
        "kind": "operator",
        "origin": "acme.yell",
        "version": None,
        "file": str(yamldag.folder / "acme/yell.py"),
        "state": "ok",
        "description": "Says it loudly.",
        "note": None,
    }
    assert (rows["odd"]["state"], rows["odd"]["note"]) == (
        "broken",
        "`plugins/odd.py` can't be loaded: division by zero",
    )
    assert (rows["sops"]["kind"], rows["sops"]["state"]) == ("secrets", "ok")
    assert rows["shout"]["version"] == "1.0"
    assert (rows["nowhere"]["kind"], rows["nowhere"]["state"]) == (None, "missing")
    assert "plugins/odd.py" in yamldag("plugins").out


def test_advice_that_breaks_off_says_where_and_the_rest_is_told(yamldag: Caller) -> None:
    yamldag.write("plugins/lint/divides.py", "def check(plan):\n    yield None, 'first'\n    1 / 0\n")
    yamldag.write("plugins/lint/numbers.py", "def check(plan):\n    yield 1\n")
    yamldag.write("plugins/lint/fine.py", "def check(plan):\n    yield 'a', 'why'\n    yield 'gone', 'so'\n")
    yamldag.write("pipelines/p.yml", "pipeline: p\ntasks: {a: {bash: ls}}\n")
    assert yamldag("validate").code == 0
    found = yamldag("lint", "--json").json["diagnostics"]
    told = [(each["code"], each["message"], each["line"]) for each in found]
    assert told == [
        (
            "YD708",
            "the advice of `divides` can't be had: `plugins/lint/divides.py` broke off: division by zero",
            1,
        ),
        (
            "YD708",
            "the advice of `numbers` can't be had: `plugins/lint/numbers.py` should give pairs of a task's id, "
            "or None, and words",
            1,
        ),
        ("YD809", "so", 1),
        ("YD809", "why", 2),
    ]
    assert found[0]["related"][0]["file"] == "plugins/lint/divides.py"
    assert found[0]["related"][0]["line"] == 3
    yamldag.write("yamldag.yml", "lint: {ignore: [plugin-advice]}\n")
    assert {each["code"] for each in yamldag("lint", "--json").json["diagnostics"]} == {"YD708"}


NICE = """
'''Runs tasks at a lower priority.'''
schema = {"properties": {"level": {"type": "integer"}}, "required": ["level"]}
def run(task, level):
    return task.call(["nice", "-n", str(level), *task.argv])
"""


def test_an_executor_is_listed_and_looked_over(yamldag: Caller) -> None:
    yamldag.write("yamldag.yml", "executor: {type: nice, level: 3}\n")
    yamldag.write("plugins/executors/nice.py", NICE)
    rows = {row["name"]: row for row in yamldag("plugins", "--json").json}
    assert (rows["nice"]["kind"], rows["nice"]["state"]) == ("executor", "ok")
    assert rows["nice"]["description"] == "Runs tasks at a lower priority."
    checks = {row["name"]: row for row in yamldag("doctor", "--json").json["checks"]}
    assert checks["executor"]["message"] == "`nice`, from `plugins/executors/nice.py`"


@pytest.mark.parametrize(
    ("said", "code", "message", "wrong"),
    [
        ("{type: nise, level: 3}", "YD404", "there is no executor `nise`", ["executor"]),
        ("{type: nice, level: x}", "YD403", "`level` must be a whole number, found `x`", ["executor"]),
        ("nice", "YD402", "the key `level` is missing in the executor `nice`", ["executor"]),
        ("{level: 3}", "YD402", "the key `type` is missing in `executor`", ["project"]),
    ],
)
def test_an_executor_that_can_not_be_meant_is_found_before_anything_starts(
    yamldag: Caller, said: str, code: str, message: str, wrong: list[str]
) -> None:
    yamldag.write("yamldag.yml", f"executor: {said}\n")
    yamldag.write("plugins/executors/nice.py", NICE)
    yamldag.write("pipelines/p.yml", "pipeline: p\ntasks: {a: {bash: ls}}\n")
    (found,) = yamldag("validate", "--json").json["diagnostics"]
    assert (found["code"], found["message"], found["file"], found["line"]) == (
        code,
        message,
        "yamldag.yml",
        1,
    )
    for command in (["run", "p"], ["serve", "--port", "0"], ["scheduler"]):
        refused = yamldag(*command)
        assert (refused.code, message in refused.err) == (1, True), refused
    assert not (yamldag.folder / ".yamldag").exists()
    checks = yamldag("doctor", "--json").json["checks"]
    assert [row["name"] for row in checks if row["name"] in ("executor", "project")] == wrong


def test_this_machine_takes_no_settings(yamldag: Caller) -> None:
    yamldag.write("yamldag.yml", "executor: {type: local, level: 3}\n")
    yamldag.write("pipelines/p.yml", "pipeline: p\ntasks: {a: {bash: ls}}\n")
    (found,) = yamldag("validate", "--json").json["diagnostics"]
    assert (found["code"], found["message"]) == ("YD401", "unknown key `level` in the executor `local`")
    yamldag.write("yamldag.yml", "executor: {type: local}\n")
    assert yamldag("validate").code == 0


def test_the_environment_chooses_another_executor(yamldag: Caller) -> None:
    yamldag.write("pipelines/p.yml", "pipeline: p\ntasks: {a: {bash: ls}}\n")
    assert process(yamldag.folder, "run", "pipelines/p.yml", YAMLDAG_EXECUTOR="local").code == 0
    said = process(yamldag.folder, "run", "pipelines/p.yml", YAMLDAG_EXECUTOR="nice")
    assert said.code == 1
    assert "there is no executor `nice`\n --> $YAMLDAG_EXECUTOR:1:1" in said.err


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "has no `run` that can be called"),
        ("def run(task): pass\ncancel = 1\n", "has a `cancel` that can't be called"),
        ("def run(task): pass\nschema = [1]\n", "has a `schema` that is no mapping"),
        (
            "def run(task): pass\nschema = {'type': 'odd'}\n",
            "has a `schema` that is no JSON Schema, at `type`",
        ),
    ],
)
def test_an_executor_has_what_it_takes(yamldag: Caller, text: str, fault: str) -> None:
    yamldag.write("plugins/executors/odd.py", text)
    rows = {row["name"]: row for row in yamldag("plugins", "--json").json}
    assert rows["odd"]["note"] == f"`plugins/executors/odd.py` {fault}"


@pytest.mark.parametrize("name", ["Acme", "9", "a b"])
def test_a_package_has_a_name_that_packages_have(yamldag: Caller, name: str) -> None:
    said = yamldag("init", "--plugin", name)
    assert said.code == 2
    assert f"`{name}` is no name for one" in said.err
    assert not (yamldag.folder / name).exists()


def test_nothing_is_written_over_by_a_package(yamldag: Caller) -> None:
    yamldag.write("acme-tools/tests/test_greet.py", "mine")
    said = yamldag("init", "--plugin", "acme-tools")
    assert (said.code, said.err.count("acme-tools/tests/test_greet.py")) == (2, 1)
    assert os.listdir(yamldag.folder / "acme-tools") == ["tests"]


def test_a_package_works_once_it_is_built_and_installed(yamldag: Caller) -> None:
    """As the tutorial has it, but that what it needs is there already."""
    folder = yamldag.folder / "acme-tools"
    assert yamldag("init", "--plugin", "acme-tools").code == 0
    with open(folder / "pyproject.toml", "a") as file:
        file.write('\n[project.entry-points."yamldag.executors"]\npolite = "acme_tools.polite"\n')
    yamldag.write("acme-tools/acme_tools/polite.py", NICE)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", "venv"], cwd=yamldag.folder, check=True)
    (packages,) = (yamldag.folder / "venv" / "lib").glob("python*/site-packages")
    here = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), str(ROOT)}
    (packages / "here.pth").write_text("\n".join(sorted(here)))
    python = str(yamldag.folder / "venv" / "bin" / "python")
    install = ["-m", "pip", "--python", python, "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run(
        [sys.executable, *install, "--no-build-isolation", "--no-deps", "--no-index", "."],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = installed(python, folder, "-m", "yamldag", "plugins", "--json")
    (row,) = [row for row in said.json if row["name"] == "greet"]
    assert (row["origin"], row["state"]) == ("acme-tools 0.1.0", "ok")
    tests = installed(python, folder, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests")
    assert "3 passed" in tests.out, tests
    schema = installed(python, folder, "-m", "yamldag", "schema").json
    assert "greet" in schema["definitions"]["task"]["properties"]
    yamldag.write("acme-tools/yamldag.yml", "executor: {type: polite, level: 19}\n")
    yamldag.write("acme-tools/pipelines/p.yml", "pipeline: p\ntasks: {a: {greet: ann}, b: {bash: nice}}\n")
    ran = installed(python, folder, "-m", "yamldag", "run", "p")
    assert ran.code == 0, ran
    assert installed(python, folder, "-m", "yamldag", "logs", "p", "b").out == "19\n"


def installed(python: str, folder: Path, *arguments: str) -> Said:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("YAMLDAG_", "PYTHON"))}
    done = subprocess.run(
        [python, *arguments], cwd=folder, env=env, capture_output=True, text=True, check=False
    )
    return Said(done.returncode, done.stdout, done.stderr)


def test_the_file_for_editors_knows_the_projects_own(yamldag: Caller) -> None:
    yamldag.write("plugins/yell.py", YELL)
    schema = json.loads(yamldag("schema").out)
    assert schema["definitions"]["operator.yell"]["properties"]["times"]["minimum"] == 1


MARKS = """
from pathlib import Path

Path(MARK).touch()
"""


def test_a_strangers_plug_ins_are_read_and_not_run(yamldag: Caller) -> None:
    """Of every kind and place; what is written out of a schema counts."""
    mark = yamldag.folder / "mark"
    code = MARKS.replace("MARK", repr(str(mark)))
    plain = "schema = {'properties': {'text': {'type': 'string'}}, 'required': ['text'], 'x-short': 'text'}\n"
    brought = {
        "plugins/yell.py": f"{plain}\ndef run(text): pass\n",
        "plugins/made.py": "schema = dict(properties={})\ndef run(): pass\n",
        "plugins/changed.py": f"{plain}schema['properties']['more'] = {{}}\ndef run(text, more=1): pass\n",
        "plugins/torn.py": "def run(:\n",
        "plugins/odd.py": "schema = {'type': 5}\ndef run(): pass\n",
        "plugins/notifiers/tell.py": f"{plain}def run(text): pass\n",
        "plugins/lint/owned.py": "def check(plan): yield None, 'advice'\n",
        "plugins/executors/farm.py": "def run(task, **settings): pass\n",
        "plugins/secrets/vaults.py": "def find(name): return 'x'\n",
        "acme.py": f"{plain}def run(text): pass\n",
    }
    for name, text in brought.items():
        yamldag.write(name, text if name.endswith("torn.py") else f"{text}{code}")
    yamldag.write(
        "yamldag.yml",
        "plugins: [acme]\nsecrets: [key]\nsecret_sources: [vaults]\nexecutor: {type: farm, any: 1}\n",
    )
    tasks = {
        "good": "yell: hello", "wrong": "yell: {text: [1]}", "more": "yell: {text: a, mroe: 1}", "module": "acme: {}",
        "made": "made: {any: 1}", "changed": "changed: {text: a, more: 1}", "torn": "torn: {any: 1}",
        "odd": "odd: {}", "unknown": "yel: hello",
    }  # fmt: skip
    lines = "".join(f"  {name}: {{{text}}}\n" for name, text in tasks.items())
    yamldag.write("pipelines/p.yml", f"pipeline: p\ntasks:\n{lines}on_failure: [{{tell: {{}}}}]\n")
    for command in ("validate", "lint"):
        said = yamldag(command, "--no-plugins", "--json")
        assert not mark.exists()
        found = [
            (each["line"], each["code"]) for each in said.json["diagnostics"] if each["severity"] == "error"
        ]
        assert sorted(found) == [
            (4, "YD403"), (5, "YD401"), (6, "YD402"), (10, "YD708"), (11, "YD401"), (12, "YD402"),
        ]  # fmt: skip
        assert [line.partition(",")[0] for line in said.err.splitlines()] == [
            f"`{name}` is from plugins/{file}.py"
            for name, file in (("changed",) * 2, ("farm", "executors/farm"), ("made",) * 2, ("torn",) * 2)
        ]
        assert "which was not run: what it takes is not checked" in said.err
    yamldag("validate")
    assert mark.exists(), "and otherwise they are"
