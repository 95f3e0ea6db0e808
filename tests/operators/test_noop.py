"""`noop`, and operators by their names."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.operators.attempts import run
from yamldag.operators.contract import Outcome
from yamldag.operators.running import runnable


def test_nothing_succeeds_without_a_process(tmp_path: Path) -> None:
    assert run("noop", tmp_path, {}) == Outcome("success")
    operator = runnable("noop")
    assert operator is not None
    assert operator.inline


@pytest.mark.parametrize("name", ["bash", "command", "python", "http"])
def test_an_operator_with_a_process_is_found_by_name(name: str) -> None:
    operator = runnable(name)
    assert operator is not None
    assert not operator.inline


def test_a_name_that_nobody_brings_is_none() -> None:
    assert runnable("contract") is None
