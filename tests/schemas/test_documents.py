"""Files as people write them, judged by the schemas alone: as an editor reads them, and in the bundle."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import jsonschema_rs
import pytest
import yaml
from referencing import Registry, Resource

from tests.schemas import samples
from yamldag import shipped
from yamldag.operators import catalog

FOLDER = Path(shipped.path("schemas"))


class Loader(yaml.CSafeLoader):
    """Reads dates as texts, as YAML 1.2 does."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, form) for tag, form in found if not tag.endswith("timestamp")]
    for first, found in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


@cache
def judge(kind: str, how: str) -> jsonschema.Draft7Validator:
    """`files`: each file for itself, refs followed from where it lies. `bundle`: the one document."""
    if how == "bundle":
        return jsonschema.Draft7Validator(catalog.bundle(kind))
    files = [(path.as_uri(), path) for path in FOLDER.rglob("*.json")]
    registry: Registry[Any] = Registry().with_resources(
        (uri, Resource.from_contents(yaml.safe_load(path.read_text(encoding="utf-8")))) for uri, path in files
    )
    root = (FOLDER / f"{kind}.schema.json").as_uri()
    return jsonschema.Draft7Validator({"$ref": root}, registry=registry)


@cache
def second_judge(kind: str) -> jsonschema_rs.Draft7Validator:
    return jsonschema_rs.Draft7Validator(catalog.bundle(kind))


def faults(kind: str, text: str, how: str) -> list[str]:
    """Where a document is wrong: `tasks.load.retries`. An unknown or missing key: at what holds it."""
    document = yaml.load(text, Loader)
    if how == "another engine":
        errors = second_judge(kind).iter_errors(document)
        return sorted(".".join(str(part) for part in error.instance_path) for error in errors)
    found = judge(kind, how).iter_errors(document)
    return sorted(".".join(str(part) for part in error.absolute_path) for error in found)


EACH = pytest.mark.parametrize("how", ["files", "bundle", "another engine"])


@EACH
@pytest.mark.parametrize("name", samples.GOOD_PIPELINES)
def test_a_good_pipeline_passes(name: str, how: str) -> None:
    assert faults("pipeline", samples.GOOD_PIPELINES[name], how) == []


@EACH
@pytest.mark.parametrize("name", samples.GOOD_TEMPLATES)
def test_a_good_template_passes(name: str, how: str) -> None:
    assert faults("template", samples.GOOD_TEMPLATES[name], how) == []


@EACH
@pytest.mark.parametrize("name", samples.GOOD_PROJECTS)
def test_a_good_project_file_passes(name: str, how: str) -> None:
    assert faults("project", samples.GOOD_PROJECTS[name], how) == []


def test_the_bundle_lets_a_template_stand_for_a_number_a_choice_or_a_list() -> None:
    assert faults("pipeline", samples.VARS, "bundle") == []


def test_even_the_bundle_lets_no_template_stand_for_an_id_or_a_need() -> None:
    text = "{pipeline: '{{ vars.p }}', tasks: {'{{ vars.t }}': {noop: }, a: {pipeline: '{{ vars.p }}'}}}"
    assert faults("pipeline", text, "bundle") == ["pipeline", "tasks", "tasks.a.pipeline"]


@EACH
@pytest.mark.parametrize(
    ("text", "place"), [bad[1:] for bad in samples.BAD_TASKS], ids=[case[0] for case in samples.BAD_TASKS]
)
def test_a_bad_task_is_refused_in_its_place(text: str, place: str, how: str) -> None:
    whole = "pipeline: p\ntasks:\n  x:\n" + "".join(f"    {line}\n" for line in text.splitlines())
    assert faults("pipeline", whole, how) == [".".join(part for part in ("tasks.x", place) if part)]


@EACH
@pytest.mark.parametrize(
    ("text", "place"),
    [case[1:] for case in samples.BAD_PIPELINES],
    ids=[case[0] for case in samples.BAD_PIPELINES],
)
def test_a_bad_pipeline_is_refused_in_its_place(text: str, place: str, how: str) -> None:
    assert faults("pipeline", text, how) == [place]


@EACH
@pytest.mark.parametrize(
    ("text", "place"),
    [case[1:] for case in samples.BAD_PROJECTS],
    ids=[case[0] for case in samples.BAD_PROJECTS],
)
def test_a_bad_project_file_is_refused_in_its_place(text: str, place: str, how: str) -> None:
    assert faults("project", text, how) == [place]


@EACH
@pytest.mark.parametrize("text", ["{template: t}", "{template: t, tasks: {a: {noop: }}, schedule: '@daily'}"])
def test_a_bad_template_is_refused(text: str, how: str) -> None:
    assert faults("template", text, how) == [""]


def test_a_line_feed_behind_an_id_is_not_overlooked() -> None:
    """Python's `$` would: our own check and editors don't."""
    assert faults("pipeline", '{pipeline: "p\\n", tasks: {a: {noop: }}}', "another engine") == ["pipeline"]
