"""The files in `schemas/` themselves: what an editor and our own check rely on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from yamldag import shipped
from yamldag.compile.connections import SCHEMAS
from yamldag.operators.connections import KINDS
from yamldag.syntax import duration
from yamldag.syntax.codes import CODES

FOLDER = Path(shipped.path("schemas"))
FILES = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.json"))
WORDS = {
    *("$schema", "$ref", "definitions", "title", "description", "default", "examples"),
    *("type", "enum", "const", "pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
    *("minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "items"),
    *("properties", "required", "additionalProperties", "patternProperties", "propertyNames"),
    *("minProperties", "maxProperties"),
}
ANNOTATIONS = {
    *("x-wanted", "x-help", "x-code", "x-template", "x-expression", "x-free", "x-operators"),
    *("x-short", "x-required", "x-exclusive", "x-output", "x-longest", "enumDescriptions"),
}
OPERATORS = [
    *("bash", "command", "python", "http", "sql", "copy", "docker", "kubernetes", "ssh", "dbt", "pipeline"),
    *("wait", "approval", "branch", "short_circuit", "email", "notify", "airflow", "noop"),
]
TASK_KEYS = [
    *("needs", "args", "with", "trigger_rule", "when", "foreach", "matrix", "max_active", "tasks", "use"),
    *("retries", "retry_delay", "retry_backoff", "max_retry_delay", "timeout", "allow_failure", "on_lost"),
    *("depends_on_past", "pool", "pool_slots", "priority", "env", "working_dir", "output", "produces"),
    *("queue", "cache", "setup", "teardown_of", "defaults", "description"),
    *("on_failure", "on_success", "on_retry"),
]
PIPELINE_KEYS = [
    *("pipeline", "description", "owner", "tags", "schedule", "timezone", "start", "end", "catchup"),
    *("max_active_runs", "max_active_tasks", "timeout", "deadline", "params", "vars", "env", "defaults"),
    *("tasks", "on_failure", "on_success", "on_deadline"),
]
PROJECT_KEYS = [
    *("pipelines", "database", "executor", "slots", "defaults", "pipeline_defaults", "vars", "env", "pools"),
    *(
        "connections",
        "secrets",
        "secret_sources",
        "heartbeat",
        "environments",
        "plugins",
        "allow_env",
        "allow_hosts",
        "allow_paths",
        "lint",
    ),
]
PARAMETERS = {
    "bash": "script",
    "command": "argv",
    "python": "function script reuse requirements",
    "http": "url connection path method query headers json body save_to expect retry_on pages",
    "sql": "connection query file params expect save_to",
    "copy": "from to",
    "docker": "image command args resources namespace connection",
    "kubernetes": "image command args resources namespace connection",
    "ssh": "command connection",
    "dbt": "command project select exclude expand target vars profiles manifest requirements",
    "pipeline": "id date wait",
    "wait": "delay until file http sql python pipeline task date poke_interval soft_fail",
    "approval": "message form approvers",
    "branch": "choose python",
    "short_circuit": "go python",
    "email": "to cc bcc from reply_to subject text html attach connection",
    "notify": "to subject text html attach",
    "airflow": "operator args requirements",
    "noop": "",
}
TRIGGER_RULES = [
    *("all_success", "all_failed", "all_done", "all_done_min_one_success", "all_done_setup_success"),
    *("all_skipped", "one_success", "one_failed", "one_done", "none_failed"),
    *("none_failed_min_one_success", "none_skipped", "always"),
]


def document(file: str) -> Any:
    return json.loads((FOLDER / file).read_text(encoding="utf-8"))


def pipeline() -> Any:
    return document("pipeline.schema.json")


def nodes(schema: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Each schema in a schema, with its path; what `x-output` holds is another language's."""
    yield path, schema
    for word in ("properties", "patternProperties", "definitions"):
        for name, child in schema.get(word, {}).items():
            yield from nodes(child, f"{path}/{word}/{name}")
    for word in ("items", "additionalProperties", "propertyNames"):
        if isinstance(schema.get(word), dict):
            yield from nodes(schema[word], f"{path}/{word}")


def target(file: str, schema: Any) -> Any:
    """What a `$ref` leads to, as an editor would follow it: from the file's own folder."""
    if "$ref" not in schema:
        return schema
    there, _, fragment = schema["$ref"].partition("#")
    if there:
        file = (Path(file).parent / there).as_posix()
    found = document(file)
    for part in fragment.split("/")[1:]:
        found = found[part]
    return found


def every_node() -> Iterator[tuple[str, str, Any]]:
    for file in FILES:
        for path, schema in nodes(document(file)):
            yield file, path, schema


def types(schema: Any) -> list[str]:
    named = schema.get("type", [])
    return [named] if isinstance(named, str) else named


@pytest.mark.parametrize("file", FILES)
def test_each_file_is_a_draft_07_schema(file: str) -> None:
    jsonschema.Draft7Validator.check_schema(document(file))
    assert document(file)["$schema"] == "http://json-schema.org/draft-07/schema#"


@pytest.mark.parametrize("operator", OPERATORS)
def test_what_an_operator_gives_is_a_draft_07_schema(operator: str) -> None:
    jsonschema.Draft7Validator.check_schema(document(f"operators/{operator}.schema.json").get("x-output", {}))


def test_no_word_occurs_that_our_check_does_not_know() -> None:
    used = {word for _, _, schema in every_node() for word in schema}
    assert used - WORDS - ANNOTATIONS == set()


def test_codes_exist_and_templates_are_rendered_or_not() -> None:
    for _, path, schema in every_node():
        assert schema.get("x-code", "YD403") in CODES, path
        assert schema.get("x-template", True) in (True, False, "never"), path


def test_beside_a_ref_stands_nothing_that_draft_07_would_not_look_at() -> None:
    assert [path for _, path, schema in every_node() if "$ref" in schema and len(schema) > 1] == []


def test_every_ref_leads_somewhere() -> None:
    for file, _, schema in every_node():
        assert isinstance(target(file, schema), dict)


def test_an_editor_has_words_for_every_key() -> None:
    silent = [
        f"{file}{path}"
        for file, path, schema in every_node()
        if path.rpartition("/")[0].endswith(("/properties", "/definitions"))
        if len(target(file, schema).get("description", "")) < 10
    ]
    assert silent == []


def test_each_value_that_is_explained_has_its_own_words() -> None:
    explained = [schema for _, _, schema in every_node() if "enumDescriptions" in schema]
    assert len(explained) == 3
    for schema in explained:
        assert len(schema["enumDescriptions"]) == len(schema["enum"]) == len(set(schema["enumDescriptions"]))


def test_no_complaint_has_to_show_a_pattern_or_a_list_of_types() -> None:
    silent = [
        f"{file}{path}"
        for file, path, schema in every_node()
        if ("pattern" in schema or len(types(schema)) > 1) and "x-wanted" not in schema
    ]
    assert silent == []


def test_what_is_wanted_completes_a_sentence() -> None:
    for _, path, schema in every_node():
        words = schema.get("x-wanted", "text")
        assert not words.endswith("."), path
        assert "must" not in words, path
        assert words[0].islower() or words[0] in "`" or words.startswith("Python"), path


def test_examples_and_defaults_are_good_by_their_own_schema() -> None:
    for _, path, schema in every_node():
        shown = [*schema.get("examples", []), *([schema["default"]] if "default" in schema else [])]
        own = {word: value for word, value in schema.items() if word not in ("items", "properties")}
        own = {**own, "additionalProperties": True, "propertyNames": True, "patternProperties": {}}
        for value in shown:
            assert jsonschema.Draft7Validator(own).is_valid(value), (path, value)


def test_a_pattern_means_the_same_to_every_engine() -> None:
    for _, path, schema in every_node():
        pattern = schema.get("pattern", "")
        assert not re.search(r"\\[dwsDWSbAZz]|\(\?[P<!]<|\[\^\]", pattern), path
        re.compile(pattern)


def test_every_key_of_a_pipeline_is_known() -> None:
    assert sorted(pipeline()["properties"]) == sorted(PIPELINE_KEYS)
    assert pipeline()["required"] == ["pipeline", "tasks"]


def test_every_key_of_a_task_and_every_operator_is_known() -> None:
    task = pipeline()["definitions"]["task"]
    assert sorted(task["properties"]) == sorted([*TASK_KEYS, *OPERATORS])
    assert task["additionalProperties"] is False
    assert "required" not in task


def test_every_key_of_a_template_is_known() -> None:
    wanted = ["template", "description", "owner", "tags", "params", "env", "defaults", "tasks"]
    assert sorted(document("template.schema.json")["properties"]) == sorted(wanted)


def test_every_key_of_the_project_file_is_known() -> None:
    assert sorted(document("project.schema.json")["properties"]) == sorted(PROJECT_KEYS)


@pytest.mark.parametrize("operator", OPERATORS)
def test_every_parameter_of_an_operator_is_known(operator: str) -> None:
    schema = document(f"operators/{operator}.schema.json")
    assert sorted(schema.get("properties", {})) == sorted(PARAMETERS[operator].split())
    assert schema.get("additionalProperties", False) is False


def test_there_is_one_file_per_operator() -> None:
    assert sorted(FILES) == sorted(
        [f"operators/{operator}.schema.json" for operator in OPERATORS]
        + [f"connections/{kind}.schema.json" for kind in {SCHEMAS.get(kind, kind) for kind in KINDS}]
        + ["pipeline.schema.json", "project.schema.json", "template.schema.json"]
    )


@pytest.mark.parametrize("operator", OPERATORS)
def test_what_an_operator_says_of_its_parameters_names_parameters(operator: str) -> None:
    schema = document(f"operators/{operator}.schema.json")
    named = [schema["x-short"]] if "x-short" in schema else []
    named += [name for names in schema.get("x-required", []) for name in names]
    named += [name for names in schema.get("x-exclusive", []) for name in names]
    assert set(named) <= set(PARAMETERS[operator].split())


@pytest.mark.parametrize("operator", OPERATORS)
def test_an_operator_asks_for_nothing_by_required_so_that_defaults_can_give_parts(operator: str) -> None:
    assert "required" not in document(f"operators/{operator}.schema.json")


@pytest.mark.parametrize("place", ["task", "defaults", "calls", "call"])
def test_operators_stand_wherever_they_can_be_written(place: str) -> None:
    properties = pipeline()["definitions"][place]["properties"]
    assert [name for name in properties if name in OPERATORS] == OPERATORS
    for operator in OPERATORS:
        assert properties[operator] == {"$ref": f"operators/{operator}.schema.json"}
    assert pipeline()["definitions"][place]["x-operators"] is True


def test_one_call_and_a_list_of_calls_hold_the_same() -> None:
    definitions = pipeline()["definitions"]
    assert definitions["calls"]["properties"] == definitions["call"]["properties"]
    assert {"args", "with", "env", "timeout"} < set(definitions["call"]["properties"])


def test_defaults_hold_every_task_key_that_can_be_shared() -> None:
    own = {"needs", "foreach", "matrix", "tasks", "use", "setup", "teardown_of", "defaults"}
    defaults = pipeline()["definitions"]["defaults"]
    assert set(defaults["properties"]) == {*TASK_KEYS, *OPERATORS} - own


def test_an_environment_holds_whatever_the_project_holds() -> None:
    project = document("project.schema.json")
    wanted = {name: ref for name, ref in project["properties"].items() if name != "environments"}
    assert project["definitions"]["environment"]["properties"] == wanted


def test_trigger_rules_are_the_thirteen() -> None:
    assert sorted(pipeline()["definitions"]["trigger_rule"]["enum"]) == sorted(TRIGGER_RULES)


def test_a_duration_is_written_alike_everywhere() -> None:
    found = {
        schema["pattern"].removesuffix(r"|\{[{%]")
        for _, _, schema in every_node()
        if schema.get("x-code") == "YD407"
    }
    definitions = pipeline()["definitions"]
    assert found == {definitions["timeout"]["pattern"], definitions["retry_delay"]["pattern"]}


def test_every_duration_has_the_same_bound() -> None:
    for _, path, schema in every_node():
        if schema.get("x-code") == "YD407":
            assert duration.seconds(schema["x-longest"]) == duration.LONGEST, path


def test_whoever_forgets_a_unit_is_told_so() -> None:
    for _, path, schema in every_node():
        if schema.get("x-code") == "YD407":
            assert schema["x-help"].startswith("each number needs its unit"), path
            assert ("zero" in schema["x-help"]) == ("[1-9]" in schema["pattern"]), path


def test_ids_and_needs_can_never_be_templates() -> None:
    definitions = pipeline()["definitions"]
    for name in ("pipeline_id", "name", "needs", "teardown_of"):
        assert definitions[name]["x-template"] == "never"
    assert definitions["tasks"]["propertyNames"]["x-template"] == "never"
    assert document("template.schema.json")["properties"]["template"]["x-template"] == "never"
    assert document("operators/pipeline.schema.json")["properties"]["id"]["x-template"] == "never"


def test_templates_are_rendered_where_the_language_says_and_nowhere_else() -> None:
    definitions = pipeline()["definitions"]
    rendered = {name for name, schema in definitions.items() if schema.get("x-template") is True}
    wanted = {"when", "foreach", "matrix", "with", "env", "args", "working_dir"}
    assert rendered == wanted
    assert definitions["cache"]["properties"]["key"]["x-template"] is True


@pytest.mark.parametrize("operator", [name for name in OPERATORS if name not in ("pipeline", "noop")])
def test_every_text_below_an_operator_key_is_a_template(operator: str) -> None:
    constant = {"wait": {"pipeline", "task"}, "dbt": {"expand", "manifest"}}.get(operator, set())
    constant |= {"requirements"}  # what is installed is code: not for a param to choose
    schema = document(f"operators/{operator}.schema.json")
    plain = [
        path
        for path, each in nodes(schema)
        if "$ref" not in each and each.get("x-template") is not True
        if constant.isdisjoint(path.split("/"))
    ]
    assert plain == []
