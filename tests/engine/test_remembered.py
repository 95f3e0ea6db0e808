"""A scheduler that starts compiles what has changed since the last one, and has in force what it would have anyway."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from yamldag.compile import documents
from yamldag.compile.project import find
from yamldag.engine.schedule.catalogue import Catalogue
from yamldag.engine.schedule.remembered import Remembered
from yamldag.operators import catalog
from yamldag.operators.plugins.registry import Plugins
from yamldag.shelf import grounds, record

FILES = {
    "yamldag.yml": "vars: {day: monday}\n",
    "pipelines/a.yml": "pipeline: a\nschedule: '0 3 * * *'\ntasks: {t: {bash: 'echo {{ vars.day }}'}}\n",
    "pipelines/b.yml": "pipeline: b\ntasks: {t: {use: ../part.yml}, u: {python: 'own:work'}}\n---\n"
    "pipeline: b2\ntasks: {e: {matrix: {z: [1], a: [2]}, bash: 'true'}}\n",
    "pipelines/own.py": "def work():\n    return 1\n",
    "part.yml": "template: part\ntasks: {x: {bash: 'true'}}\n",
    "pipelines/c.yml": "pipeline: c\ntasks: {t: {noop: }}\n",
}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    # The files have just been written, and nobody writes them now.
    monkeypatch.setattr(grounds, "FRESH", -(10**15))
    # A scheduler is a process: what other tests asked of plug-ins does not count.
    monkeypatch.setattr(catalog, "_plugins", Plugins(None, ()))
    monkeypatch.setattr(documents, "_schemas", {})
    for name, text in FILES.items():
        write(tmp_path, name, text)
    return tmp_path


def write(root: Path, name: str, text: str) -> None:
    """As an editor does: a new file in the place of the old one."""
    path = root / name
    path.parent.mkdir(exist_ok=True)
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_text(text)
    os.replace(fresh, path)


def start(root: Path) -> Catalogue:
    return Catalogue(find(str(root), None, {}))


def compiled(catalogue: Catalogue) -> list[str]:
    """The files that it compiled."""
    return [os.path.basename(path) for path, _ in catalogue._workspace.results()]


def in_force(catalogue: Catalogue) -> object:
    known = catalogue.pipelines
    rows = {name: (each.text, each.version, each.rule, each.path, each.stale) for name, each in known.items()}
    said = [(broken.path, [one.message for one in broken.found]) for broken in catalogue.broken]
    return rows, {name: repr(each.plan) for name, each in known.items()}, said, len(catalogue.warnings)


def anew(root: Path) -> object:
    """What is in force where nothing is kept."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(record, "read", lambda path: None)
        patch.setattr(record, "write", lambda path, body: None)
        return in_force(start(root))


def test_the_second_start_compiles_nothing_and_has_the_same_in_force(root: Path) -> None:
    first = start(root)
    assert compiled(first) == ["a.yml", "b.yml", "c.yml"]
    second = start(root)
    assert compiled(second) == []
    assert in_force(second) == in_force(first) == anew(root)


@pytest.mark.parametrize(
    ("edited", "again"),
    [
        ("pipelines/a.yml", ["a.yml"]),
        ("part.yml", ["b.yml"]),
        ("pipelines/own.py", ["b.yml"]),
        ("yamldag.yml", ["a.yml", "b.yml", "c.yml"]),
        ("pipelines/new.yml", ["new.yml"]),
    ],
)
def test_an_edit_compiles_what_rests_on_it_at_the_next_start_or_at_once(
    edited: str, again: list[str], root: Path
) -> None:
    start(root)
    running = start(root)
    write(root, edited, FILES.get(edited, "pipeline: new\ntasks: {t: {noop: }}\n") + "# edited\n")
    assert running.refresh()
    assert compiled(running) == again
    assert compiled(start(root)) == again
    assert compiled(start(root)) == []
    assert in_force(running) == anew(root)


def test_a_file_that_goes_takes_its_pipelines_along(root: Path) -> None:
    start(root)
    running = start(root)
    (root / "pipelines" / "b.yml").unlink()
    assert running.refresh()
    assert sorted(running.pipelines) == ["a", "c"]
    assert sorted(start(root).pipelines) == ["a", "c"]
    assert not running.refresh()


def test_what_is_broken_is_told_at_each_start(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(root, "pipelines/c.yml", "pipeline: c\ntasks: {t: {noop: , retires: 1}}\n")
    monkeypatch.setattr(catalog, "_plugins", Plugins(None, ()))
    for _ in range(3):
        catalogue = start(root)
        assert [broken.path for broken in catalogue.broken] == ["pipelines/c.yml"]


def test_a_file_that_breaks_goes_on_with_what_was_remembered_of_it(root: Path) -> None:
    start(root)
    running = start(root)
    write(root, "pipelines/a.yml", "pipeline: a\ntasks: {t: {bsh: x}}\n")
    assert running.refresh()
    assert running.pipelines["a"].stale
    assert running.broken


def test_pipelines_that_name_others_are_held_against_all_of_them(root: Path) -> None:
    start(root)
    running = start(root)
    write(root, "pipelines/a.yml", "pipeline: a\ntasks: {t: {pipeline: c, with: {n: 1}}}\n")
    assert running.refresh()
    assert in_force(start(root)) == anew(root)
    for each in (running, start(root)):
        assert [one.code for broken in each.broken for one in broken.found] == ["YD415"]
    write(root, "pipelines/c.yml", "pipeline: c\nparams: {n: 2}\ntasks: {t: {noop: }}\n")
    assert running.refresh()
    assert not running.broken
    assert in_force(running) == in_force(start(root)) == anew(root)


def test_two_files_with_one_id_are_told_whichever_was_remembered(root: Path) -> None:
    start(root)
    write(root, "pipelines/d.yml", "pipeline: a\ntasks: {other: {noop: }}\n")
    for _ in range(2):
        again = start(root)
        assert [one.code for broken in again.broken for one in broken.found] == ["YD202"]
        assert in_force(again) == anew(root)


def test_nothing_is_kept_once_plug_ins_were_asked(root: Path) -> None:
    write(root, "pipelines/c.yml", "pipeline: c\ntasks: {t: {shout: {text: x}}}\n")
    start(root)
    assert compiled(start(root)) == ["a.yml", "b.yml", "c.yml"]


def test_what_was_kept_and_damaged_is_compiled(root: Path) -> None:
    start(root)
    [path] = (root / ".yamldag" / "compiled").iterdir()
    whole = path.read_bytes()
    chance = random.Random(1)
    for _ in range(20):
        place = chance.randrange(len(whole))
        path.write_bytes(
            whole[:place] + bytes([whole[place] ^ (1 + chance.randrange(255))]) + whole[place + 1 :]
        )
        project = find(str(root), None, {})
        assert not Remembered.of(project, project.files()).pipelines
    assert compiled(start(root)) == ["a.yml", "b.yml", "c.yml"]
