"""`bash`: how exit codes, signals and the output file become an outcome."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest

from tests.operators.attempts import Ended, attempt, log, run
from yamldag.operators import bash
from yamldag.operators.contract import Json, Outcome, Work
from yamldag.operators.output import holds_secret


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("exit 3", "exit code 3"),
        ("false; echo unreached", "exit code 1"),
        ("exit 1 | cat; echo unreached", "exit code 1"),
        ("no-such-command", "exit code 127: a command was not found"),
        ("kill -9 $$", "ended by signal 9 (SIGKILL)"),
        ("(kill -9 $BASHPID) || exit", "exit code 137: as if a command in it was ended by SIGKILL"),
    ],
)
def test_a_script_stops_at_its_first_error_and_may_be_tried_again(
    tmp_path: Path, script: str, reason: str
) -> None:
    outcome = run("bash", tmp_path, {"script": script})
    assert (outcome.state, outcome.reason, outcome.retry) == ("failed", reason, True)
    assert "unreached" not in log(tmp_path)


def test_an_unset_variable_is_an_error(tmp_path: Path) -> None:
    assert run("bash", tmp_path, {"script": "echo $undefined_name; echo unreached"}).state == "failed"
    assert "unreached" not in log(tmp_path)


def test_99_skips(tmp_path: Path) -> None:
    assert run("bash", tmp_path, {"script": "exit 99"}) == Outcome("skipped", "exit code 99")


@pytest.mark.parametrize(
    ("script", "text"), [(5, "5"), (True, "true"), (None, "null"), ([1, "é"], '[1, "é"]')]
)
def test_a_value_that_kept_its_type_becomes_text(tmp_path: Path, script: Json, text: str) -> None:
    work = bash.prepare({"script": script}, {}, attempt(tmp_path))
    assert work == Work(("bash", "-euo", "pipefail", "-c", text))


@pytest.mark.parametrize(
    ("written", "output"),
    [
        ("", None),
        (" \n", None),
        ("5\n", 5),
        ("null", None),
        ('{"a": [1, 2.5, "x"]}\n', {"a": [1, 2.5, "x"]}),
        ('{\n "a":\n 1\n}', {"a": 1}),
        ("a=1\nb_2= x = y \r\n\nc=\n", {"a": "1", "b_2": " x = y ", "c": ""}),
        ("a=1\na=2\n", {"a": "2"}),
        ("\ufeff[1]", [1]),
        ("a=\u2028\u0085", {"a": "\u2028\u0085"}),
    ],
)
def test_what_it_wrote_is_its_output(tmp_path: Path, written: str, output: Json) -> None:
    script = f"printf %s {shlex.quote(written)} > $YAMLDAG_OUTPUT"
    assert run("bash", tmp_path, {"script": script}) == Outcome("success", output=output)


def test_without_a_file_the_output_is_null(tmp_path: Path) -> None:
    assert run("bash", tmp_path, {"script": "echo 5"}) == Outcome("success", output=None)


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        (b"hello\n", "the output should be JSON or lines `name=value`, found `hello` in line 1"),
        (b"a=1\n b=2\n", "the output should be JSON or lines `name=value`, found ` b=2` in line 2"),
        (b"{'a': 1}", "the output is not JSON: line 1, column 2 is not understood"),
        (b"[NaN]", "the output is not JSON: it does not have `NaN`"),
        (b"-Infinity", "the output is not JSON: it does not have `-Infinity`"),
        (b"1e999", "the output is not JSON: it holds a number or a character that JSON does not have"),
        (rb'"\ud800"', "the output is not JSON: it holds a number or a character that JSON does not have"),
        (b"[" * 200_000, "the output is not JSON: it is nested too deeply"),
        (b"9" * 5000, "the output is not JSON: it holds a number or a character that JSON does not have"),
        (b"\xff", "the output is not UTF-8 text"),
        (b" " * (1 << 20) + b"1", "the output is longer than 1 MiB: write it to a file and hand on its path"),
    ],
)
def test_an_output_that_cannot_be_taken_fails_for_good(tmp_path: Path, written: bytes, reason: str) -> None:
    (tmp_path / "output").write_bytes(written)
    assert bash.outcome(Ended(0), attempt(tmp_path), None) == Outcome("failed", reason)


def test_an_output_of_just_1_mib_is_taken(tmp_path: Path) -> None:
    (tmp_path / "output").write_bytes(b'"' + b"x" * ((1 << 20) - 2) + b'"')
    assert bash.outcome(Ended(0), attempt(tmp_path), None).state == "success"


def test_an_output_that_is_no_file_holds_nobody_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "output")
    outcome = bash.outcome(Ended(0), attempt(tmp_path), None)
    assert (outcome.state, outcome.retry) == ("failed", False)
    (tmp_path / "output").unlink()
    (tmp_path / "output").mkdir()
    assert bash.outcome(Ended(0), attempt(tmp_path), None).state == "failed"


def _pairs(**types: Json) -> dict[str, Json]:
    return {"type": "object", "properties": dict(types), "required": list(types)}


def test_lines_take_the_declared_types(tmp_path: Path) -> None:
    declared = _pairs(
        n={"type": "integer"}, t={"type": "string"}, files={"type": "array"}, no={"type": ["null", "integer"]}
    )
    (tmp_path / "output").write_text('n=5\nt=5\nfiles=["a"]\nno=null\nelse=7\n')
    assert bash.outcome(Ended(0), attempt(tmp_path), declared).output == {
        "n": 5,
        "t": "5",
        "files": ["a"],
        "no": None,
        "else": "7",
    }


@pytest.mark.parametrize(
    ("declared", "written", "reason"),
    [
        ({"n": {"type": "integer"}}, "n=five", "`n` should be a whole number, found `five`"),
        ({"n": {"type": "integer"}}, '{"n": "5"}', '`n` should be a whole number, found the text `"5"`'),
        ({"n": {"type": "integer"}}, "{}", "the output lacks `n`"),
        ({"n": {"type": "integer"}}, "", "the output should be a mapping, found nothing"),
        ({"n": {"enum": ["a", "b"]}}, "n=c", '`n` should be one of `"a"`, `"b"`, found the text `"c"`'),
        ({"n": {"type": "integer", "minimum": 1}}, "n=0", '`n` should fit `{"minimum": 1}`, found `0`'),
        (
            {"n": {"type": "array", "items": {"type": "object", "required": ["x"]}}},
            'n=[{"x": 1}, {}]',
            "`n[1]` lacks `x`",
        ),
        (
            {"n": {"type": "string", "format": "date"}},
            "n=soon",
            '`n` should fit `{"format": "date"}`, found the text `"soon"`',
        ),
        (
            {"n": {"$ref": "https://example.org/x"}},
            "n=1",
            "the output's declaration refers to a schema that is not there",
        ),
    ],
)
def test_an_output_that_is_not_as_declared_fails_for_good(
    tmp_path: Path, declared: dict[str, Json], written: str, reason: str
) -> None:
    (tmp_path / "output").write_text(written)
    outcome = bash.outcome(Ended(0), attempt(tmp_path), _pairs(**declared))
    assert outcome == Outcome("failed", reason)


def test_a_skip_and_a_failure_need_no_output(tmp_path: Path) -> None:
    declared = _pairs(n={"type": "integer"})
    assert bash.outcome(Ended(99), attempt(tmp_path), declared).state == "skipped"
    assert bash.outcome(Ended(1), attempt(tmp_path), declared).reason == "exit code 1"


@pytest.mark.parametrize(
    ("ended", "outcome"),
    [
        (Ended(0, "timeout", "timed out after 5s"), Outcome("failed", "timed out after 5s", retry=True)),
        (Ended(99, "timeout", "timed out after 5s"), Outcome("failed", "timed out after 5s", retry=True)),
        (Ended(-15, "stopped", "stopped"), Outcome("failed", "stopped")),
        (Ended(127, "unstartable", "there is no bash"), Outcome("failed", "there is no bash", retry=True)),
        (Ended(-9, "lost", "its end is not known"), Outcome("failed", "its end is not known", retry=True)),
    ],
)
def test_an_end_that_was_not_its_own_is_a_failure(tmp_path: Path, ended: Ended, outcome: Outcome) -> None:
    assert bash.outcome(ended, attempt(tmp_path), None) == outcome


@pytest.mark.parametrize(
    ("output", "found"),
    [
        ("x hunter22-hunter x", True),
        ({"a": [{"b": "hunter22-hunter"}]}, True),
        ({"hunter22-hunter": 1}, True),
        ([12345678], True),
        ('quote" here', True),
        (["short"], False),
        (None, False),
    ],
)
def test_a_secret_is_found_wherever_it_stands(output: Json, found: bool) -> None:
    assert holds_secret(output, ["hunter22-hunter", "12345678", "short", "", 'quote" here']) is found
