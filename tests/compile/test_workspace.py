"""Only what a change touches is compiled again, and the whole is as if it had been compiled at once."""

from __future__ import annotations

import os
from pathlib import Path

from yamldag.compile.load import compile_files
from yamldag.compile.project import find
from yamldag.compile.workspace import Workspace


def folder(tmp_path: Path) -> Path:
    for n in range(3):
        (tmp_path / f"p{n}.yml").write_text(f"pipeline: p{n}\ntasks: {{a: {{bash: echo}}}}\n")
    (tmp_path / "user.yml").write_text("pipeline: user\ntasks: {u: {use: ./t/t.yml}}\n")
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "t.yml").write_text("template: t\ntasks: {x: {bash: echo}}\n")
    return tmp_path


def paths(root: Path) -> list[str]:
    return sorted(map(str, root.glob("*.yml")))


def workspace(root: Path) -> Workspace:
    return Workspace(lambda: paths(root), find(str(root), None, {}))


def write(path: Path, text: str) -> None:
    """As an editor does: a new file in the place of the old one, so that its inode tells."""
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    os.replace(fresh, path)


def test_nothing_changed_compiles_nothing(tmp_path: Path) -> None:
    here = workspace(folder(tmp_path))
    assert here.refresh() == paths(tmp_path)
    assert here.refresh() == []


def test_only_the_changed_file_is_compiled_again(tmp_path: Path) -> None:
    here = workspace(folder(tmp_path))
    here.refresh()
    write(tmp_path / "p1.yml", "pipeline: p1\ntasks: {b: {bash: echo}}\n")
    assert here.refresh() == [str(tmp_path / "p1.yml")]
    (unit,) = here.unit(str(tmp_path / "p1.yml"))
    plan = unit.plan()
    assert plan is not None
    assert [task.id for task in plan.tasks] == ["b"]


def test_a_changed_template_compiles_its_users(tmp_path: Path) -> None:
    here = workspace(folder(tmp_path))
    here.refresh()
    write(tmp_path / "t" / "t.yml", "template: t\ntasks: {x: {bash: echo, retires: 1}}\n")
    assert here.refresh() == [str(tmp_path / "user.yml")]
    assert [one.code for one in here.result().found] == ["YD401"]


def test_a_template_that_goes_and_comes_back_is_noticed(tmp_path: Path) -> None:
    here = workspace(folder(tmp_path))
    here.refresh()
    template = tmp_path / "t" / "t.yml"
    text = template.read_text()
    template.unlink()
    assert here.refresh() == [str(tmp_path / "user.yml")]
    assert [one.code for one in here.result().found] == ["YD207"]
    template.write_text(text)
    assert here.refresh() == [str(tmp_path / "user.yml")]
    assert here.result().found == []


def test_a_changed_module_compiles_the_pipelines_that_call_it(tmp_path: Path) -> None:
    here = workspace(folder(tmp_path))
    write(tmp_path / "p0.yml", "pipeline: p0\ntasks: {a: {python: 'mine:go'}}\n")
    here.refresh()
    assert [one.code for one in here.result().found] == ["YD701"]
    write(tmp_path / "mine.py", "def stop(): ...\n")
    assert here.refresh() == [str(tmp_path / "p0.yml")]
    assert [one.code for one in here.result().found] == ["YD702"]
    write(tmp_path / "mine.py", "def go() -> None: ...\n")
    assert here.refresh() == [str(tmp_path / "p0.yml")]
    assert here.result().found == []


def test_what_changes_in_a_dbt_project_compiles_the_pipeline_that_expands_it(tmp_path: Path) -> None:
    user = folder(tmp_path) / "user.yml"
    user.write_text("pipeline: user\ntasks: {w: {dbt: {command: build, project: ./shop, expand: models}}}\n")
    models = tmp_path / "shop" / "models"
    models.mkdir(parents=True)
    (tmp_path / "shop" / "dbt_project.yml").write_text("name: shop\n")
    (models / "a.sql").write_text("select 1\n")
    here = workspace(tmp_path)
    here.refresh()
    (models / "b.sql").write_text("select * from {{ ref('a') }}\n")
    assert here.refresh() == [str(user)]
    assert [task.id for unit in here.unit(str(user)) for task in unit.root.tasks()] == ["w.a", "w.b"]
    write(models / "b.sql", "select * from {{ ref('c') }}\n")
    assert here.refresh() == [str(user)]
    assert [one.code for one in here.result().found] == ["YD709"]
    assert here.refresh() == []


def test_a_call_into_a_file_that_does_not_parse_is_not_missed(tmp_path: Path) -> None:
    here = workspace(folder(tmp_path))
    write(tmp_path / "user.yml", "pipeline: user\ntasks: {u: {pipeline: p1}}\n")
    write(tmp_path / "p1.yml", "pipeline: p1\ntasks: [\n")
    here.refresh()
    assert [one.code for one in here.result().found] == ["YD101"]


def test_a_file_that_is_gone_is_forgotten(tmp_path: Path) -> None:
    here = workspace(folder(tmp_path))
    here.refresh()
    (tmp_path / "p0.yml").unlink()
    assert here.refresh() == [str(tmp_path / "p0.yml")]
    assert [unit.name for unit in here.result().units] == ["p1", "p2", "user"]


def test_one_bad_file_hides_no_other(tmp_path: Path) -> None:
    here = workspace(folder(tmp_path))
    write(tmp_path / "p0.yml", "pipeline: [\n")
    write(tmp_path / "p1.yml", "pipeline: p2\ntasks: {a: {bash: echo, retires: 1}}\n")
    here.refresh()
    whole = compile_files(find(str(tmp_path), None, {}), paths(tmp_path))
    assert [(one.code, one.message) for one in here.result().found] == [
        (one.code, one.message) for one in whole.found
    ]
    assert {one.code for one in whole.found} == {"YD101", "YD202", "YD401"}
