"""`show`, `next`, `explain`, `schema`, `config`: looking without running."""

from __future__ import annotations

import errno
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.cli.commands import Caller
from yamldag.syntax.codes import CODES

DAILY = """
pipeline: daily
schedule: "0 6 * * *"
timezone: Asia/Seoul
start: 2026-01-01
params: {limit: 10, day: {type: string, default: x}}
tasks:
  a: {bash: echo, output: {n: integer}}
  b: {needs: a, bash: echo}
  c: {needs: [b, a], trigger_rule: all_done, bash: "echo {{ tasks.a.output.n }}"}
"""


def test_show_json_has_the_edges_sorted(yamldag: Caller) -> None:
    yamldag.write("pipelines/daily.yml", DAILY)
    said = yamldag("show", "daily", "--json")
    assert said.code == 0
    plan = said.json
    assert plan["pipeline"] == "daily"
    assert plan["schedule"] == "0 6 * * *"
    assert plan["params"]["limit"] == {"type": "integer", "default": 10}
    assert plan["edges"] == [["a", "b"], ["a", "c"], ["b", "c"]]
    tasks = {task["id"]: task for task in plan["tasks"]}
    assert list(tasks) == ["a", "b", "c"]
    assert (tasks["c"]["operator"], tasks["c"]["needs"], tasks["c"]["trigger_rule"]) == (
        "bash",
        ["a", "b"],
        "all_done",
    )


def test_show_takes_an_id_or_a_file_and_says_the_same(yamldag: Caller) -> None:
    path = yamldag.write("pipelines/daily.yml", DAILY)
    assert yamldag("show", "daily", "--json") == yamldag("show", str(path), "--json")
    text = yamldag("show", "daily").out
    assert "3 tasks, 3 edges" in text
    assert "Asia/Seoul" in text


def test_show_of_a_broken_pipeline_says_what_is_wrong(yamldag: Caller) -> None:
    yamldag.write("pipelines/p.yml", "pipeline: p\ntasks: {a: {bash: echo, retires: 1}}\n")
    said = yamldag("show", "p", "--json")
    assert (said.code, [one["code"] for one in said.json["diagnostics"]]) == (1, ["YD401"])
    assert "error[YD401 unknown-key]" in said.err


def test_show_of_an_unknown_pipeline_guesses(yamldag: Caller) -> None:
    yamldag.write("pipelines/daily.yml", DAILY)
    said = yamldag("show", "dialy")
    assert said.code == 2
    assert "did you mean `daily`?" in said.err
    assert yamldag("show", "pipelines/no.yml").code == 2


def test_a_file_of_several_pipelines_needs_an_id(yamldag: Caller) -> None:
    path = yamldag.write("pipelines/two.yml", DAILY + "---\npipeline: other\ntasks: {x: {bash: echo}}\n")
    said = yamldag("show", str(path))
    assert said.code == 2
    assert "daily, other" in said.err
    assert yamldag("show", "other", "--json").json["pipeline"] == "other"


def ticks(yamldag: Caller, *arguments: str) -> list[str]:
    said = yamldag("next", "daily", "--json", *arguments)
    assert said.code == 0, said.err
    return [row["logical_date"] for row in said.json]


def test_next_gives_ticks_with_their_intervals(yamldag: Caller) -> None:
    yamldag.write("pipelines/daily.yml", DAILY)
    said = yamldag("next", "daily", "--after", "2026-03-01", "-n", "2", "--json")
    assert said.json == [
        {
            "logical_date": "2026-03-01T06:00:00+09:00",
            "data_interval_start": "2026-02-28T06:00:00+09:00",
            "data_interval_end": "2026-03-01T06:00:00+09:00",
        },
        {
            "logical_date": "2026-03-02T06:00:00+09:00",
            "data_interval_start": "2026-03-01T06:00:00+09:00",
            "data_interval_end": "2026-03-02T06:00:00+09:00",
        },
    ]


def test_after_is_exclusive_and_until_inclusive(yamldag: Caller) -> None:
    yamldag.write("pipelines/daily.yml", DAILY)
    given = ("--after", "2026-03-01T06:00", "--until", "2026-03-03T06:00")
    assert ticks(yamldag, *given) == ["2026-03-02T06:00:00+09:00", "2026-03-03T06:00:00+09:00"]
    assert ticks(yamldag, *given, "-n", "1") == ["2026-03-02T06:00:00+09:00"]
    assert ticks(yamldag, "--after", "2026-03-02", "--until", "2026-03-02") == ["2026-03-02T06:00:00+09:00"]


def test_after_may_have_an_offset_of_its_own(yamldag: Caller) -> None:
    yamldag.write("pipelines/daily.yml", DAILY)
    assert ticks(yamldag, "--after", "2026-03-01T21:00Z", "-n", "1") == ["2026-03-03T06:00:00+09:00"]
    assert ticks(yamldag, "--after", "2026-03-01T20:59Z", "-n", "1") == ["2026-03-02T06:00:00+09:00"]


def test_next_without_bounds_begins_now(yamldag: Caller) -> None:
    yamldag.write("pipelines/daily.yml", DAILY)
    found = ticks(yamldag)
    assert len(found) == 5
    assert datetime.fromisoformat(found[0]) > datetime.now().astimezone()
    assert len(yamldag("next", "daily").out.splitlines()) == 5


def test_a_pipeline_without_a_clock_has_no_ticks(yamldag: Caller) -> None:
    yamldag.write("pipelines/p.yml", "pipeline: p\ntasks: {a: {bash: echo}}\n")
    assert yamldag("next", "p", "--json").json == []
    assert yamldag("next", "p").code == 0


@pytest.mark.parametrize(
    "given", [("--after", "tomorrow"), ("--until", "2026-02-30"), ("-n", "-1"), ("-n", "many")]
)
def test_a_bound_that_is_none_is_wrong_usage(given: tuple[str, str], yamldag: Caller) -> None:
    yamldag.write("pipelines/daily.yml", DAILY)
    said = yamldag("next", "daily", *given)
    assert (said.code, said.out) == (2, "")


@pytest.mark.parametrize("word", ["YD203", "yd203", "unknown-task", "Unknown-Task"])
def test_explain_takes_a_code_or_its_name(word: str, yamldag: Caller) -> None:
    said = yamldag("explain", word)
    assert said.code == 0
    assert said.out.startswith("# YD203 unknown-task\n")
    assert "## How to mend it" in said.out


def test_explain_json_and_the_list_of_all(yamldag: Caller) -> None:
    one = yamldag("explain", "YD203", "--json").json
    assert (one["code"], one["name"], one["severity"]) == ("YD203", "unknown-task", "error")
    assert one["text"].startswith("# YD203")
    assert [code["code"] for code in yamldag("explain", "--json").json] == list(CODES)
    assert len(yamldag("explain").out.splitlines()) == len(CODES)


def test_explain_guesses_a_misspelt_name(yamldag: Caller) -> None:
    said = yamldag("explain", "unknwon-task")
    assert said.code == 2
    assert "did you mean `unknown-task`?" in said.err


def test_schema_is_a_json_schema_that_takes_a_pipeline(yamldag: Caller) -> None:
    import jsonschema
    import yaml

    schema = yamldag("schema").json
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"
    jsonschema.Draft7Validator.check_schema(schema)
    assert not list(
        jsonschema.Draft7Validator(schema).iter_errors(
            yaml.safe_load(DAILY.replace("2026-01-01", "'2026-01-01'"))
        )
    )


def test_schema_writes_a_file_or_says_why_not(yamldag: Caller) -> None:
    assert yamldag("schema", "-o", "out.json").code == 0
    assert (yamldag.folder / "out.json").read_text().startswith("{")
    said = yamldag("schema", "-o", "nowhere/out.json")
    assert said.code == 2
    assert "nowhere/out.json" in said.err


def test_graph_writes_a_file_or_says_why_not(yamldag: Caller) -> None:
    yamldag.write("pipelines/daily.yml", DAILY)
    assert yamldag("graph", "daily", "-o", "out.svg").code == 0
    assert (yamldag.folder / "out.svg").read_text().lstrip().startswith("<")
    assert yamldag("graph", "daily", "-o", "nowhere/out.dot") == (
        2, "", "yamldag graph: can't write nowhere/out.dot: no such file or directory\n"
    )  # fmt: skip
    assert yamldag("graph", "daily", "-o", "out.xyz").code == 2


def test_config_says_where_each_value_comes_from(yamldag: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    yamldag.write(
        "yamldag.yml",
        "vars: {a: 1}\nconnections: {db: {password: hidden}}\nenvironments: {prod: {pools: {db: 4}}}\n",
    )
    monkeypatch.setenv("YAMLDAG_DATABASE", "sqlite:///elsewhere.db")
    rows = {row["name"]: row for row in yamldag("config", "--env", "prod", "--json").json}
    assert rows["database"]["value"] == "sqlite:///elsewhere.db"
    assert rows["database"]["from"] == "$YAMLDAG_DATABASE"
    assert rows["pools"]["from"] == "yamldag.yml, environment prod"
    assert rows["executor"]["from"] == "default"
    assert rows["vars"]["from"] == "yamldag.yml"
    assert "hidden" not in yamldag("config", "--env", "prod").out


def test_a_pipeline_that_calls_nobody_is_listed_as_one_with_errors(yamldag: Caller) -> None:
    yamldag.write(
        "pipelines/two.yml",
        "pipeline: caller\ntasks: {a: {pipeline: nobody}}\n---\npipeline: other\ntasks: {a: {bash: echo}}\n",
    )
    rows = {row["pipeline"]: row["valid"] for row in yamldag("list", "--json").json}
    assert rows == {"caller": False, "other": True}


def test_slots_may_come_from_a_variable(yamldag: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    yamldag.write("yamldag.yml", "slots: 4\n")
    monkeypatch.setenv("YAMLDAG_SLOTS", "2")
    rows = {row["name"]: row for row in yamldag("config", "--json").json}
    assert rows["slots"] == {"name": "slots", "value": 2, "from": "$YAMLDAG_SLOTS"}
    monkeypatch.setenv("YAMLDAG_SLOTS", "many")
    assert yamldag("config").code == 1


def test_config_tells_each_setting_once(yamldag: Caller) -> None:
    yamldag.write("yamldag.yml", "slots: 4\nenv: {LANG: C.UTF-8}\npools: {db: 2}\nlint: {ignore: [YD801]}\n")
    rows = yamldag("config", "--json").json
    assert [row["value"] for row in rows if row["name"] == "slots"] == [4]
    assert [row["value"] for row in rows if row["name"] == "env"] == [{"LANG": "C.UTF-8"}]
    assert len({row["name"] for row in rows}) == len(rows)


def test_the_project_is_found_from_a_folder_below(yamldag: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    yamldag.write("yamldag.yml", "vars: {a: 1}\n")
    yamldag.write("pipelines/daily.yml", DAILY)
    monkeypatch.chdir(yamldag.folder / "pipelines")
    assert yamldag("show", "daily").code == 0
    root = next(row["value"] for row in yamldag("config", "--json").json if row["name"] == "root")
    assert Path(root) == yamldag.folder


@pytest.mark.parametrize("command", ["show", "run", "next", "graph"])
def test_a_file_of_templates_alone_is_wrong_usage(command: str, yamldag: Caller) -> None:
    path = yamldag.write("pipelines/t.yml", "template: t\ntasks: {a: {bash: echo}}\n")
    said = yamldag(command, str(path))
    assert (said.code, said.out) == (2, "")
    assert (
        said.err
        == f"yamldag {command}: `{path}` holds templates alone, which run where a pipeline uses them\n"
    )


def test_why_there_is_no_tick_is_not_guessed(yamldag: Caller) -> None:
    yamldag.write("pipelines/daily.yml", DAILY)
    yamldag.write("pipelines/p.yml", "pipeline: p\ntasks: {a: {bash: echo}}\n")
    yamldag.write("pipelines/old.yml", DAILY.replace("daily\n", "old\nend: 2026-02-01\n", 1))
    assert yamldag("next", "p").out == "p has no coming tick: it has no clock\n"
    assert yamldag("next", "old", "--after", "2026-03-01").out == "old has no tick after 2026-03-01\n"
    between = ("--after", "2026-03-01", "--until", "2026-03-01T05:00")
    assert (
        yamldag("next", "daily", *between).out
        == "daily has no tick after 2026-03-01 until 2026-03-01T05:00\n"
    )
    assert yamldag("next", "daily", "-n", "0").out == ""


def test_config_tells_what_an_environment_and_a_variable_say(
    yamldag: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    yamldag.write("yamldag.yml", "vars: {a: 1, b: 2}\nenvironments: {prod: {vars: {b: 3}}}\n")
    monkeypatch.setenv("YAMLDAG_SLOTS", "4")
    rows = {row["name"]: row for row in yamldag("config", "--env", "prod", "--json").json}
    assert (rows["vars"]["value"], rows["vars"]["from"]) == (
        {"a": 1, "b": 3},
        "yamldag.yml, environment prod",
    )
    assert (rows["slots"]["value"], rows["slots"]["from"]) == (4, "$YAMLDAG_SLOTS")
    monkeypatch.setenv("YAMLDAG_SLOTS", "many")
    assert "`slots` must be" in yamldag("config").err


@pytest.mark.parametrize("given", ["[some, more]", "some:more"])
def test_several_folders_may_be_given_by_a_variable(
    given: str, yamldag: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    yamldag.write("some/daily.yml", DAILY)
    yamldag.write("more/other.yml", DAILY.replace("daily", "other", 1))
    monkeypatch.setenv("YAMLDAG_PIPELINES", given)
    assert yamldag("validate").out == "2 files, 2 pipelines: all fine\n"


@pytest.mark.parametrize(
    ("call", "kept", "command", "words"),
    [
        ("scandir", "pipelines", "validate", "the folder `pipelines` can't be read: permission denied"),
        ("stat", "yamldag.db", "runs", "can't be looked for: permission denied"),
    ],
)
def test_what_may_not_be_looked_at_is_not_told_to_be_absent(
    call: str, kept: str, command: str, words: str, yamldag: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    yamldag.write("pipelines/daily.yml", DAILY)
    real = getattr(os, call)

    def refusing(path: str = ".", **more: Any) -> Any:
        if str(path).endswith(kept):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return real(path, **more)

    monkeypatch.setattr(os, call, refusing)  # who may do everything is refused nothing
    said = yamldag(command)
    assert (said.code, said.out) == (2, "")
    assert words in said.err
