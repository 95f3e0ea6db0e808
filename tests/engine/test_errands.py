"""Calls that the executor runs for the engine itself, with real processes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from yamldag.engine.step.errands import Errand, Errands, Returned
from yamldag.executors.local.executor import LocalExecutor
from yamldag.operators.contract import Attempt, Json


@pytest.fixture
def executor(tmp_path: Path) -> Iterator[LocalExecutor]:
    made = LocalExecutor(tmp_path / "executor", fork=False)
    yield made
    made.close()


def errand(folder: Path, number: int, operator: str, timeout: float | None = None, **params: Json) -> Errand:
    base = str(folder / "logs" / str(number))
    files = (f"{base}.output", f"{base}.result", str(folder / "logs" / "all.log"), f"{base}.spec")
    place = Attempt("run", "task", number, None, str(folder), str(folder), str(folder), *files)
    env = {"PATH": os.environ["PATH"], "YAMLDAG_OUTPUT": place.output_path}
    return Errand(number, operator, params, {}, env, place, timeout, owner=f"owner {number}")


def carried_out(executor: LocalExecutor, errands: Errands) -> dict[object, Returned]:
    """All of them, by owner."""
    found: list[Returned] = []
    while errands.waiting or errands.running:
        starts, over = errands.start(0.0)
        found += over
        executor.start(starts)
        assert len(errands.running) <= errands.most
        if errands.running:
            ends = executor.receive(60)
            found += filter(None, map(errands.returned, ends))
            executor.acknowledge([end.attempt for end in ends])
    return {each.errand.owner: each for each in found}


def test_every_errand_returns_to_its_owner_and_so_many_run_at_once(
    tmp_path: Path, executor: LocalExecutor
) -> None:
    errands = Errands(most=2)
    errands.send(
        errand(tmp_path, number, "bash", script=f'echo n={number} > "$YAMLDAG_OUTPUT"')
        for number in range(1, 6)
    )
    found = carried_out(executor, errands)
    assert {owner: each.outcome.output for owner, each in found.items()} == {
        f"owner {number}": {"n": str(number)} for number in range(1, 6)
    }


def test_what_an_errand_leaves_is_deleted_but_its_log(tmp_path: Path, executor: LocalExecutor) -> None:
    errands = Errands()
    errands.send([errand(tmp_path, 1, "python", script="print('looking')\nreturn 3")])
    found = carried_out(executor, errands)["owner 1"]
    assert (found.outcome.state, found.outcome.output) == ("success", 3)
    assert [path.name for path in (tmp_path / "logs").iterdir()] == ["all.log"]
    assert (tmp_path / "logs" / "all.log").read_text() == "looking\n"


@pytest.mark.parametrize(
    ("operator", "params", "reason", "words"),
    [
        ("bash", {"script": "exit 3"}, "exit", "exit code 3"),
        ("bash", {"script": "sleep 100"}, "timeout", "timed out after"),
        ("nothing", {}, "refused", "there is no operator `nothing`"),
        ("python", {"function": "no_colon"}, "refused", "`function` should be"),
    ],
)
def test_an_errand_that_fails_says_why(
    tmp_path: Path, executor: LocalExecutor, operator: str, params: dict[str, Any], reason: str, words: str
) -> None:
    errands = Errands()
    errands.send([errand(tmp_path, 1, operator, 0.2 if reason == "timeout" else None, **params)])
    found = carried_out(executor, errands)["owner 1"]
    assert (found.outcome.state, found.reason) == ("failed", reason)
    assert words in found.outcome.reason


def test_recalled_errands_are_forgotten_or_stopped(tmp_path: Path, executor: LocalExecutor) -> None:
    errands = Errands(most=1)
    errands.send(errand(tmp_path, number, "bash", script="sleep 100") for number in (1, 2, 3))
    executor.start(errands.start(0.0)[0])
    assert errands.recall([1, 2]) == [1]
    executor.stop([1])
    (end,) = executor.receive(60)
    stopped = errands.returned(end)
    assert stopped is not None
    assert stopped.reason == "stopped"
    assert [each.id for each in errands.waiting] == [3]


def test_an_end_of_something_else_is_none_of_theirs(tmp_path: Path, executor: LocalExecutor) -> None:
    errands = Errands()
    mine = errand(tmp_path, 1, "bash", script="true")
    errands.send([mine])
    executor.start(errands.start(0.0)[0])
    (end,) = executor.receive(60)
    assert Errands().returned(end) is None
