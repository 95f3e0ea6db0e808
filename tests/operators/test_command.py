"""`command`: words go to a program as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.operators.attempts import attempt, log, run
from yamldag.operators import command
from yamldag.operators.contract import Json, Outcome


def test_no_shell_reads_the_words(tmp_path: Path) -> None:
    assert (
        run("command", tmp_path, {"argv": ["printf", "%s|", "$HOME", "a b", "*", "; ls", 5, True]}).state
        == "success"
    )
    assert log(tmp_path) == "$HOME|a b|*|; ls|5|true|"


@pytest.mark.parametrize(
    ("argv", "reason"),
    [
        ("echo hello", "`argv` should be a list of words: a program, then its arguments"),
        ([], "`argv` should begin with a program, found nothing"),
        ([""], "`argv` should begin with a program, found nothing"),
    ],
)
def test_what_a_template_gave_may_be_no_command(tmp_path: Path, argv: Json, reason: str) -> None:
    assert command.prepare({"argv": argv}, {}, attempt(tmp_path)) == Outcome("failed", reason)


def test_it_skips_and_writes_output_as_bash_does(tmp_path: Path) -> None:
    assert run("command", tmp_path, {"argv": ["sh", "-c", "exit 99"]}).state == "skipped"
    assert run("command", tmp_path, {"argv": ["sh", "-c", "echo a=1 > $YAMLDAG_OUTPUT"]}).output == {"a": "1"}
