"""Every operator by name, those of plug-ins too, and the schemas as one document."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from yamldag.operators import catalog

SHORT = {
    "bash": "script",
    "command": "argv",
    "python": "function",
    "http": "url",
    "sql": "query",
    "copy": None,
    "docker": "image",
    "kubernetes": "image",
    "ssh": "command",
    "dbt": "command",
    "pipeline": "id",
    "wait": "delay",
    "approval": "message",
    "branch": "choose",
    "short_circuit": "go",
    "email": None,
    "notify": None,
    "airflow": None,
    "noop": None,
}


def refs(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"]
        for child in schema.values():
            yield from refs(child)
    elif isinstance(schema, list):
        for child in schema:
            yield from refs(child)


def examples(schema: Any) -> Iterator[Any]:
    if isinstance(schema, dict):
        yield from schema.get("examples", ())
    for child in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        yield from examples(child)


def known(name: str) -> catalog.Operator:
    found = catalog.operator(name)
    assert found is not None
    return found


def test_all_operators_are_there_in_their_order() -> None:
    assert catalog.names() == tuple(SHORT)


@pytest.mark.parametrize("name", SHORT)
def test_an_operator_knows_its_short_form(name: str) -> None:
    assert known(name).name == name
    assert known(name).short == SHORT[name]


@pytest.mark.parametrize("name", SHORT)
def test_an_operator_is_summed_up_in_one_sentence(name: str) -> None:
    assert 10 < len(known(name).summary) < 150
    assert not known(name).summary.endswith((".", ":"))


def test_required_parameters_come_as_alternatives() -> None:
    assert known("http").required == (("url",), ("connection", "path"))
    assert known("copy").required == (("from", "to"),)
    assert known("noop").required == ()


def test_parameters_that_exclude_each_other_are_named() -> None:
    assert known("python").exclusive == (
        ("function", "script"),
        ("script", "reuse"),
        ("requirements", "reuse"),
    )
    assert known("bash").exclusive == ()


def test_outputs_are_known_where_they_are_fixed() -> None:
    output = known("http").output
    assert output is not None
    assert list(output["properties"]) == ["status", "headers", "body"]
    assert known("bash").output is None
    assert known("noop").output == {"type": "null"}


def test_what_is_no_operator_is_none_and_not_broken() -> None:
    assert catalog.operator("bsh") is None
    assert catalog.broken("bsh") is None
    assert catalog.operator("../pipeline") is None


def test_a_schema_is_read_once() -> None:
    assert catalog.schema("pipeline.schema.json") is catalog.schema("pipeline.schema.json")
    assert catalog.operator("bash") is catalog.operator("bash")


def test_every_ref_can_be_resolved_from_the_top_folder() -> None:
    for ref in [f"operators/{name}.schema.json" for name in catalog.names()]:
        for inner in refs(catalog.schema(ref)):
            assert inner.startswith("#") or catalog.schema(inner)


def test_a_ref_with_a_fragment_is_a_document_of_its_own() -> None:
    needs = catalog.schema("pipeline.schema.json#/definitions/deadline")
    assert jsonschema.Draft7Validator(needs).is_valid({"after": "5m"})
    assert not jsonschema.Draft7Validator(needs).is_valid({"after": 5})


@pytest.mark.parametrize("kind", ["file", "pipeline", "template", "project"])
def test_the_bundle_needs_no_other_file(kind: str) -> None:
    bundle = catalog.bundle(kind)
    jsonschema.Draft7Validator.check_schema(bundle)
    assert bundle["$schema"] == "http://json-schema.org/draft-07/schema#"
    for ref in refs(bundle):
        assert ref.removeprefix("#/definitions/") in bundle["definitions"]


@pytest.mark.parametrize(
    ("document", "fine"),
    [
        ({"pipeline": "p", "tasks": {}}, True),
        ({"template": "t", "tasks": {}}, True),
        ({"tasks": {}}, False),
        ({"template": "t"}, False),
        ({"pipeline": "p", "template": "t", "tasks": {}}, False),
        ({"template": "t", "schedule": "@daily", "tasks": {}}, False),
        ({"template": "t", "tsks": {}, "tasks": {}}, False),
    ],
)
def test_an_editor_takes_a_template_where_a_pipeline_may_stand(document: object, fine: bool) -> None:
    assert jsonschema.Draft7Validator(catalog.bundle("file")).is_valid(document) is fine


def test_the_bundle_offers_no_example_that_an_editor_would_spoil() -> None:
    offered = list(examples(catalog.bundle()))
    assert "30s" in offered
    assert not [each for each in offered if isinstance(each, dict) or str(each).startswith("{{")]


def test_making_the_bundle_changes_no_schema() -> None:
    before = json.dumps(catalog.schema("pipeline.schema.json"))
    catalog.bundle()
    assert json.dumps(catalog.schema("pipeline.schema.json")) == before


# Plug-ins: a distribution is laid out in a folder, and a fresh Python looks at it.

PLUGIN = """
class Greet:
    schema = {
        "type": "object",
        "description": "Greets someone. Politely.",
        "properties": {"name": {"$ref": "#/definitions/who"}},
        "required": ["name"],
        "additionalProperties": False,
        "definitions": {"who": {"type": "string"}},
    }
    def run(self, params):
        return None

greet = Greet()
no_schema = object()
"""
ENTRIES = """[yamldag.operators]
greet = acme_operators:greet
bash = acme_operators:greet
gone = acme_operators:gone
no_schema = acme_operators:no_schema
raises = acme_broken:x
"""


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    about = tmp_path / "acme-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(ENTRIES)
    (tmp_path / "acme_operators.py").write_text(PLUGIN)
    (tmp_path / "acme_broken.py").write_text("raise SystemError('no licence')\n")
    return tmp_path


def python(code: str, *folders: Path) -> Any:
    """What a fresh Python prints as JSON."""
    path = os.pathsep.join([*map(str, folders), os.getcwd()])
    code = f"import json, sys\nfrom yamldag.operators import catalog\n{code}"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def test_a_plugin_is_listed_without_being_loaded(installed: Path) -> None:
    names, loaded = python(
        "print(json.dumps([catalog.names(plugins=True), 'acme_operators' in sys.modules]))", installed
    )
    assert names == [*SHORT, "gone", "greet", "no_schema", "raises"]
    assert loaded is False


def test_a_plugin_is_an_operator_like_any_other(installed: Path) -> None:
    found = python(
        "o = catalog.operator('greet')\n"
        "print(json.dumps([o.name, o.short, o.required, o.summary, 'acme_operators' in sys.modules]))",
        installed,
    )
    assert found == ["greet", None, [["name"]], "Greets someone", False]


def test_a_plugin_can_not_take_the_place_of_a_built_in_operator(installed: Path) -> None:
    short, loaded = python(
        "print(json.dumps([catalog.operator('bash').short, 'acme_operators' in sys.modules]))", installed
    )
    assert short == "script"
    assert loaded is False


@pytest.mark.parametrize(
    ("name", "reason"),
    [("gone", "can't be loaded"), ("no_schema", "has no `schema`"), ("raises", "no licence")],
)
def test_a_broken_plugin_is_said_to_be_broken(name: str, reason: str, installed: Path) -> None:
    found, said = python(
        f"print(json.dumps([catalog.operator('{name}') is None, catalog.broken('{name}').fault]))", installed
    )
    assert found is True
    assert reason in said


def test_a_plugin_joins_the_bundle_and_a_broken_one_does_not_spoil_it(installed: Path) -> None:
    bundle = python("print(json.dumps(catalog.bundle()))", installed)
    judge = jsonschema.Draft7Validator(bundle)
    assert judge.is_valid({"pipeline": "p", "tasks": {"a": {"greet": {"name": "Ann"}}}})
    assert not judge.is_valid({"pipeline": "p", "tasks": {"a": {"greet": {"nme": "Ann"}}}})
    assert judge.is_valid({"pipeline": "p", "tasks": {"a": {"raises": {}}}})
    assert not judge.is_valid({"pipeline": "p", "tasks": {"a": {"unheard_of": {}}}})


def test_with_plugins_a_task_takes_their_operators_and_their_texts_are_templates(installed: Path) -> None:
    task, greet, loaded = python(
        "task = catalog.schema('pipeline.schema.json', plugins=True)['definitions']['task']['properties']\n"
        "loaded = 'acme_operators' in sys.modules\n"
        "greet = catalog.schema(task['greet']['$ref'], plugins=True)\n"
        "print(json.dumps([list(task), greet, loaded]))",
        installed,
    )
    assert {"greet", "bash", "needs"} < set(task)
    assert greet["x-template"] is True
    assert loaded is False


def test_without_plugins_no_task_takes_their_operators(installed: Path) -> None:
    task = python(
        "catalog.bundle()\n"
        "print(json.dumps(catalog.schema('pipeline.schema.json')['definitions']['task']['properties']))",
        installed,
    )
    assert "greet" not in task


def test_nothing_is_looked_for_before_it_is_asked_for(installed: Path) -> None:
    heavy = python(
        "catalog.operator('bash')\n"
        "print(json.dumps([m for m in ('importlib.metadata', 'jsonschema', 'yaml') if m in sys.modules]))",
        installed,
    )
    assert heavy == []
