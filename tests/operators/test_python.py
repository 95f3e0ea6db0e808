"""`python`: a function's return value, its exceptions, what it prints."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tests.operators.attempts import attempt, log, run
from yamldag.operators import python
from yamldag.operators.contract import Json, Outcome

_MODULE = """\
import datetime, sys, os
from yamldag import Skip, Fail

def add(a, b=2):
    print("adding")
    return a + b

def give(expression):
    return eval(expression)

def do(code):
    exec(code)

async def later():
    return "later"

class Holder:
    @staticmethod
    def method():
        return "held"

def where():
    return [os.getcwd(), __file__, sys.path[0]]

number = 5
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rockets.py").write_text(_MODULE)
    return tmp_path


def _give(folder: Path, expression: str) -> Outcome:
    return run("python", folder, {"function": "rockets:give"}, {"expression": expression})


def test_args_are_keywords_and_the_return_value_is_the_output(folder: Path) -> None:
    assert run("python", folder, {"function": "rockets:add"}, {"a": 40}) == Outcome("success", output=42)
    assert log(folder) == "adding\n"


def test_the_result_is_private(folder: Path) -> None:
    run("python", folder, {"function": "rockets:add"}, {"a": 40})
    assert stat.S_IMODE((folder / "result").stat().st_mode) == 0o600


def test_dotted_names_and_coroutines_work(folder: Path) -> None:
    assert run("python", folder, {"function": "rockets:Holder.method"}).output == "held"
    assert run("python", folder, {"function": "rockets:later"}).output == "later"
    assert run("python", folder, {"function": "os.path:basename"}, {"p": "/a/b"}).output == "b"


def test_the_file_s_folder_comes_first_on_the_path(folder: Path) -> None:
    assert run("python", folder, {"function": "rockets:where"}).output == [
        str(folder),
        str(folder / "rockets.py"),
        str(folder),
    ]


@pytest.mark.parametrize(
    ("expression", "output"),
    [
        ("None", None),
        ("(1, (2.5, True))", [1, [2.5, True]]),
        ("{'a': datetime.date(2026, 1, 2)}", {"a": "2026-01-02"}),
        ("datetime.datetime(2026, 1, 2, 3, tzinfo=datetime.timezone.utc)", "2026-01-02T03:00:00+00:00"),
        ("__import__('enum').IntEnum('E', 'a').a", 1),
        ("'é☃'", "é☃"),
    ],
)
def test_what_is_nearly_json_becomes_json(folder: Path, expression: str, output: Json) -> None:
    assert _give(folder, expression) == Outcome("success", output=output)


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("float('nan')", "the return value is `nan`, which JSON does not have"),
        ("{'a': [1, float('inf')]}", "`a[1]` in the return value is `inf`, which JSON does not have"),
        ("{1: 2}", "the return value has the key `1`; in JSON keys are text"),
        ("{'a': {1}}", "`a` in the return value is a `set`, which JSON does not have"),
        ("b'x'", "the return value is a `bytes`, which JSON does not have"),
        ("chr(0xd800)", "the return value holds half a character (a lone surrogate)"),
        ("(lambda a: a.append(a) or a)([])", "the return value is nested deeper than 100"),
        ("'x' * 2**20", "the return value is longer than 1 MiB: write it to a file and return its path"),
    ],
)
def test_what_json_lacks_fails_for_good(folder: Path, expression: str, reason: str) -> None:
    assert _give(folder, expression) == Outcome("failed", reason)


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("raise Skip('nothing new')", Outcome("skipped", "nothing new")),
        ("raise Skip", Outcome("skipped", "it skipped itself")),
        ("raise Fail('no such table')", Outcome("failed", "no such table")),
        ("raise ValueError('bad')", Outcome("failed", "ValueError: bad", retry=True)),
        ("raise KeyboardInterrupt", Outcome("failed", "KeyboardInterrupt", retry=True)),
        ("sys.exit()", Outcome("success")),
        ("sys.exit(0)", Outcome("success")),
        ("sys.exit(3)", Outcome("failed", "exit code 3", retry=True)),
        ("sys.exit('no luck')", Outcome("failed", "no luck", retry=True)),
        ("os._exit(0)", Outcome("failed", "the process ended without a result", retry=True)),
        ("os._exit(4)", Outcome("failed", "exit code 4", retry=True)),
        ("os.kill(os.getpid(), 11)", Outcome("failed", "ended by signal 11 (SIGSEGV)", retry=True)),
    ],
)
def test_exceptions_and_exits_say_how_it_went(folder: Path, code: str, outcome: Outcome) -> None:
    assert run("python", folder, {"function": "rockets:do"}, {"code": code}) == outcome


def test_a_crash_after_the_result_is_no_success(folder: Path) -> None:
    code = "import atexit; atexit.register(os._exit, 5)"
    outcome = run("python", folder, {"function": "rockets:do"}, {"code": code})
    assert (outcome.state, outcome.reason) == ("failed", "exit code 5")


def test_the_log_shows_the_user_s_frames_alone(folder: Path) -> None:
    (folder / "broken.py").write_text("def f():\n    return 1 / 0\n")
    assert run("python", folder, {"function": "broken:f"}).reason == "ZeroDivisionError: division by zero"
    lines = [line for line in log(folder).splitlines() if line.lstrip().startswith("File")]
    assert lines == [f'  File "{folder}/broken.py", line 2, in f']


def test_a_module_that_does_not_parse_shows_where(folder: Path) -> None:
    (folder / "typo.py").write_text("def f(:\n")
    assert run("python", folder, {"function": "typo:f"}).reason == "SyntaxError: invalid syntax"
    assert [line for line in log(folder).splitlines() if "File" in line] == [
        f'  File "{folder}/typo.py", line 1'
    ]


@pytest.mark.parametrize(
    ("function", "args", "reason"),
    [
        ("none:f", {}, "there is no module `none` beside the pipeline's file or among the installed ones"),
        ("rockets:lift_off", {}, "the module `rockets` has no function `lift_off`"),
        ("rockets:number", {}, "`rockets:number` is not a function"),
        ("rockets:add", {}, "the function needs the argument `a`"),
        ("rockets:add", {"a": 1, "c": 2}, "the function takes no argument `c`"),
    ],
)
def test_what_cannot_be_called_says_so(
    folder: Path, function: str, args: dict[str, Json], reason: str
) -> None:
    outcome = run("python", folder, {"function": function}, args)
    assert (outcome.state, outcome.reason) == ("failed", reason)


def test_a_module_that_the_module_wants_is_its_own_error(folder: Path) -> None:
    (folder / "wants.py").write_text("import not_there\n")
    assert run("python", folder, {"function": "wants:f"}).reason == (
        "ModuleNotFoundError: No module named 'not_there'"
    )


def test_a_module_called_like_one_of_ours_is_the_user_s(folder: Path) -> None:
    (folder / "json.py").write_text("def f():\n    return 'mine'\n")
    (folder / "task.py").write_text("def f():\n    return 'mine too'\n")
    assert run("python", folder, {"function": "task:f"}).output == "mine too"


def test_a_script_returns_and_sees_its_args(folder: Path) -> None:
    script = "import rockets\nfor i in range(3):\n    n += rockets.add(i, b=0)\nreturn {'n': n}\n"
    assert run("python", folder, {"script": script}, {"n": 1}) == Outcome("success", output={"n": 4})


def test_a_script_without_return_gives_null(folder: Path) -> None:
    assert run("python", folder, {"script": "print('hi')"}) == Outcome("success")
    assert run("python", folder, {"script": "# nothing"}) == Outcome("success")


def test_an_error_in_a_script_shows_its_line(folder: Path) -> None:
    outcome = run("python", folder, {"script": "x = 1\nraise ValueError(x)"})
    assert outcome.reason == "ValueError: 1"
    assert 'File "<script of load.orders>", line 2' in log(folder)
    assert "    raise ValueError(x)" in log(folder)
    assert run("python", folder, {"script": "x = = 1"}).reason == "SyntaxError: invalid syntax"


def test_options_of_pip_are_no_requirements(folder: Path) -> None:
    outcome = python.prepare({"script": "1", "requirements": ["requests", "--pre"]}, {}, attempt(folder))
    assert isinstance(outcome, Outcome)
    assert "requirements" in outcome.reason


def test_a_function_s_name_needs_its_module(folder: Path) -> None:
    outcome = python.prepare({"function": "add"}, {}, attempt(folder))
    assert outcome == Outcome("failed", "`function` should be `module:function`, found `add`")


def test_the_declared_shape_is_held(folder: Path) -> None:
    outcome = run("python", folder, {"function": "rockets:add"}, {"a": 1}, {"type": "string"})
    assert outcome == Outcome("failed", "the output should be text, found `3`")


@pytest.mark.parametrize("left", [b"", b"{", b"[]", b'{"state": "suc', b"\xff"])
def test_a_result_that_was_cut_off_is_none(folder: Path, left: bytes) -> None:
    from tests.operators.attempts import Ended

    (folder / "result").write_bytes(left)
    assert python.outcome(Ended(-9), attempt(folder), None).reason == "ended by signal 9 (SIGKILL)"
