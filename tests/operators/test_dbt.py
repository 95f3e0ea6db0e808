"""`dbt`: the words of its command, and what it makes of what dbt says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.operators.attempts import attempt
from yamldag.executors import dbt as executor
from yamldag.operators import dbt
from yamldag.operators.contract import Json, Outcome


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("run --full-refresh", ["run", "--full-refresh"]),
        ("run-operation x --args '{a: 1}'", ["run-operation", "x", "--args", "{a: 1}"]),
        (
            "show --inline {{ params.q | default('a b') }}",
            ["show", "--inline", "{{ params.q | default('a b') }}"],
        ),
        (
            "x a{{ 'it''s' }}b '{% if a %}c d{% endif %}'",
            ["x", "a{{ 'it''s' }}b", "{% if a %}c d{% endif %}"],
        ),
        ("it's", None),
        ("a \0\0 0", ["a", "0"]),
    ],
)
def test_a_line_is_split_as_a_shell_would_and_a_template_stays_whole(
    line: str, words: list[str] | None
) -> None:
    assert dbt.split(line) == words


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"command": "run '"}, "`command` has a quote that is not closed: `run '`"),
        ({"command": ""}, "`command` should be a dbt command such as build, found nothing"),
        ({"command": []}, "`command` should be a dbt command such as build, found nothing"),
        ({"command": ["run", "--vars=x"]}, "`--vars` is the parameter `vars`"),
        ({"command": "run --log-path /tmp"}, "`--log-path` is set by yamldag, for each attempt anew"),
        ({"command": "run", "vars": "x"}, "`vars` should be a mapping of names to values, found `x`"),
        ({"command": "run", "project": "nowhere"}, "there is no `dbt_project.yml` in `{}/nowhere`"),
        (
            {"command": "run", "requirements": "-e ."},
            "`requirements` are packages; options of pip stand in `env` (`PIP_…`): `-e .`",
        ),
    ],
)
def test_what_a_template_gave_may_be_no_command(tmp_path: Path, params: dict[str, Json], reason: str) -> None:
    (tmp_path / "dbt_project.yml").write_text("name: x\n")
    assert dbt.prepare(params, {}, attempt(tmp_path)) == Outcome("failed", reason.format(tmp_path))


def result(tmp_path: Path, *results: dict[str, Json], code: int = 1, errors: tuple[str, ...] = ()) -> str:
    (tmp_path / "run_results.json").write_text(json.dumps({"results": results, "elapsed_time": 1.5}))
    spec = {
        "command": ["build"],
        "place": str(tmp_path),
        "project": str(tmp_path),
        "select": ["a"],
        "must_select": True,
    }
    told = executor._result(spec, code, list(errors))
    return str(told.get("reason") or told["output"])


def test_a_failure_names_three_and_counts_the_others(tmp_path: Path) -> None:
    failed: list[dict[str, Json]] = [
        {
            "unique_id": f"model.shop.m{n}",
            "status": "error",
            "message": f"Runtime Error in model m{n} (m.sql)\n  no {n}.\n  compiled code at x",
        }
        for n in range(5)
    ]
    assert result(tmp_path, *failed, {"unique_id": "model.shop.x", "status": "success"}) == (
        "5 of 6 failed in `dbt build`: model `m0`, model `m1`, model `m2` and 2 more; the first says no 0"
    )
    assert result(tmp_path, *failed[:2]) == (
        "2 of 2 failed in `dbt build`: model `m0` and model `m1`; the first says no 0"
    )


def test_without_results_the_error_or_the_end_itself_is_told(tmp_path: Path) -> None:
    assert result(tmp_path, code=2) == "`dbt build` ended with 2: its log tells more"
    assert (
        result(tmp_path, code=2, errors=("Runtime Error\n  no profile", "more"))
        == "`dbt build` ended with 2: no profile more"
    )
    lost: dict[str, Json] = {"unique_id": "macro.shop.tell", "status": "error", "message": None}
    said = "Encountered an error while running operation: Compilation Error\n  no such column"
    assert (
        result(tmp_path, lost, errors=(said,)) == "1 of 1 failed in `dbt build`: macro `tell`; no such column"
    )
    assert result(tmp_path, code=-9) == "`dbt build` was ended by signal 9 (SIGKILL)"
    assert (
        result(tmp_path, code=0) == "`dbt build` found nothing to do for `a`: is it still in the dbt project?"
    )
