"""A plan that was kept is used while all that it rests on is as it was, and not a moment longer."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import yamldag
from tests.shelf.places import PROJECT, Place
from yamldag.compile.compiler import Compiler
from yamldag.compile.load import compile_files
from yamldag.compile.project import find
from yamldag.root import AS_YAML, OVERRIDABLE
from yamldag.shelf import grounds, maker, record

ROOT = Path(__file__).parents[2]
SETTINGS = [name for name in (*AS_YAML, *OVERRIDABLE) if name != "database"]
VALUES = {
    "vars": "{day: friday}",
    "executor": "local",
    "plugins": "x",
    "allow_env": "HOME",
    "pipelines": "there",
}


def append(name: str) -> Callable[[Place, pytest.MonkeyPatch], None]:
    def edit(place: Place, _: pytest.MonkeyPatch) -> None:
        with open(place.folder / name, "a") as file:
            file.write("#\n")

    return edit


def same_size_and_time(place: Place, _: pytest.MonkeyPatch) -> None:
    path = place.folder / "main.yml"
    before = path.stat()
    path.write_text(path.read_text().replace("echo", "ecko"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def shadowed(place: Place, _: pytest.MonkeyPatch) -> None:
    (place.folder / "own").mkdir()
    (place.folder / "own" / "__init__.py").touch()


def hidden(place: Place, _: pytest.MonkeyPatch) -> None:
    (place.folder / "json.py").write_text("def dump():\n    pass\n")


def gone(place: Place, _: pytest.MonkeyPatch) -> None:
    (place.folder / "own.py").unlink()


def another_model(place: Place, _: pytest.MonkeyPatch) -> None:
    (place.folder / "shop" / "models" / "more.sql").write_text("select 1\n")


def first_seed(place: Place, _: pytest.MonkeyPatch) -> None:
    (place.folder / "shop" / "seeds").mkdir()
    (place.folder / "shop" / "seeds" / "raw.csv").write_text("id\n1\n")


def model_gone(place: Place, _: pytest.MonkeyPatch) -> None:
    (place.folder / "shop" / "models" / "orders.sql").unlink()


def no_project(place: Place, _: pytest.MonkeyPatch) -> None:
    (place.folder / "yamldag.yml").unlink()


def other_project(place: Place, _: pytest.MonkeyPatch) -> None:
    (place.folder / "yamldag.yml").rename(place.folder / "yamldag.yaml")


def other_folder(place: Place, patch: pytest.MonkeyPatch) -> None:
    (place.folder / "parts" / "yamldag.yml").touch()
    (place.folder / "parts" / "main.yml").write_text(PROJECT["main.yml"])
    patch.chdir(place.folder / "parts")


def chosen(place: Place, patch: pytest.MonkeyPatch) -> None:
    place.environment = "prod"


def chosen_by_variable(place: Place, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("YAMLDAG_ENV", "prod")


def other_version(place: Place, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(maker, "__version__", "0.1.1")


def other_python(place: Place, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(sys, "version", "3.11.99")


def other_library(place: Place, patch: pytest.MonkeyPatch) -> None:
    nearer = place.folder / "site"
    (nearer / "jinja2").mkdir(parents=True)
    (nearer / "jinja2" / "__init__.py").touch()
    patch.syspath_prepend(str(nearer))


def other_zones(place: Place, patch: pytest.MonkeyPatch) -> None:
    patch.setattr("zoneinfo.TZPATH", (str(place.folder),))


EDITS = [
    *(append(name) for name in PROJECT),
    *(same_size_and_time, shadowed, hidden, gone, no_project, other_project, other_folder),
    *(another_model, first_seed, model_gone),
    *(chosen, chosen_by_variable, other_version, other_python, other_library, other_zones),
]


@pytest.mark.parametrize("edit", EDITS, ids=[*PROJECT, *(each.__name__ for each in EDITS[len(PROJECT) :])])
def test_any_edit_is_a_miss(
    edit: Callable[[Place, pytest.MonkeyPatch], None], place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(place, monkeypatch)
    maker.maker.cache_clear()
    assert place.kept() is None
    monkeypatch.undo()
    maker.maker.cache_clear()


@pytest.mark.parametrize("name", SETTINGS)
def test_any_setting_of_the_environment_is_a_miss(
    name: str, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"YAMLDAG_{name.upper()}", VALUES.get(name, "{}"))
    assert place.kept() is None


def test_a_connection_that_the_environment_brings_is_a_miss(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YAMLDAG_CONNECTION_WAREHOUSE", "sqlite://")
    assert place.kept() is None


def test_the_database_of_the_environment_is_used_and_written_nowhere(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YAMLDAG_DATABASE", "postgresql://me:canary@host/db")
    kept = place.kept()
    assert kept is not None
    assert kept.database == "postgresql://me:canary@host/db"
    (place.folder / "yamldag.yml").write_text("vars: {day: other}\n")
    place.dry_run()
    assert place.kept() is not None
    texts = [path.read_bytes() for path in (place.folder / ".yamldag" / "compiled").iterdir()]
    assert len(texts) == 1
    assert b"canary" not in texts[0]


class Noting(Mapping[str, str]):
    """An environment that tells what it was asked for."""

    def __init__(self) -> None:
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("all of it was asked for")

    def __len__(self) -> int:
        return 0


def test_the_compiler_asks_for_no_variable_that_the_key_does_not_hold(place: Place) -> None:
    around = Noting()
    project = find(str(place.folder), None, around)
    compiled = compile_files(project, ["main.yml"])
    assert [unit.plan() for unit in compiled.units]
    project.settings()
    assert around.asked <= {"YAMLDAG_ENV", *(f"YAMLDAG_{name.upper()}" for name in (*AS_YAML, *OVERRIDABLE))}


def test_what_was_kept_is_the_plan_to_the_last_letter(place: Place) -> None:
    """The order of a matrix's axes among it: it says which instance is which."""
    kept, (unit,) = place.kept(), compile_files(find(str(place.folder)), ["main.yml"]).units
    assert kept is not None
    assert repr(kept.plan) == repr(unit.plan())


@pytest.mark.parametrize("room", ["", "syntax", "plan", "operators", "compile", "shelf", "schemas"])
def test_an_edit_of_our_own_code_is_a_miss(room: str, tmp_path: Path) -> None:
    top, schemas = tmp_path / "yamldag", tmp_path / "schemas"
    shutil.copytree(Path(yamldag.__file__).parent, top)
    shutil.copytree(ROOT / "schemas", schemas)
    folder = schemas if room == "schemas" else top / room
    for path in [
        *folder.glob("*.py"),
        *folder.glob("*.json"),
        *folder.glob("*/*.py"),
        *folder.glob("*/*.json"),
    ]:
        if not room and path.parent != top:
            continue
        before = list(maker.code_of(str(top), str(schemas)))
        os.utime(path, ns=(1, 1))
        assert list(maker.code_of(str(top), str(schemas))) != before, path


# What is kept


def test_a_file_that_changes_while_it_is_compiled_is_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "one.yml"
    path.write_text("pipeline: one\n")
    seen = grounds.stamp(str(path))
    assert seen is not None
    later = seen[2] + 10**9
    assert grounds.of({str(path): seen}, (), later) is not None
    assert (
        grounds.of({str(path): seen}, (), seen[2]) is None
    )  # it may have changed again within a tick of its clock
    path.write_text("pipeline: two\n")
    assert grounds.of({str(path): seen}, (), later) is None
    assert grounds.of({str(tmp_path / "new"): None}, (), later) is not None
    (tmp_path / "new").touch()
    assert grounds.of({str(tmp_path / "new"): None}, (), later) is None


@pytest.mark.parametrize(
    "text",
    [
        "pipeline: p\ntasks: {a: {bash: 'true', retires: 1}}\n",
        "pipeline: p\ntasks: {a: {pipeline: other}}\n",
        "pipeline: p\ntasks: {a: {wait: {pipeline: other}}}\n",
        "pipeline: p\nschedule: {assets: [x]}\ntasks: {a: {noop: }}\n",
        "pipeline: p\ntasks: {a: {shout: {text: x}}}\n",
    ],
    ids=["unsound", "call", "wait", "assets", "plug-in"],
)
def test_what_others_have_a_say_in_is_not_kept(text: str, place: Place) -> None:
    (place.folder / "pipelines").mkdir()
    (place.folder / "pipelines" / "other.yml").write_text("pipeline: other\ntasks: {a: {noop: }}\n")
    (place.folder / "main.yml").write_text(text)
    first = place.dry_run()
    assert place.kept() is None
    assert place.dry_run() == first


def test_a_file_that_is_broken_after_it_was_kept_is_refused_as_ever(place: Place) -> None:
    (place.folder / "main.yml").write_text("pipeline: main\ntasks: {a: {bsh: 'true'}}\n")
    said = place.dry_run()
    assert (said.code, [one["code"] for one in said.json["diagnostics"]]) == (1, ["YD401"])
    assert "did you mean `bash`?" in said.err


def test_whatever_the_compiler_opens_is_noted(place: Place) -> None:
    """A new kind of file that compiling reads must be among what a result rests on."""
    opened: set[str] = set()
    heard = [True]

    def hear(event: str, args: tuple[object, ...]) -> None:
        if heard and event == "open" and isinstance(args[0], str):
            opened.add(os.path.abspath(args[0]))

    pipelines = [*(ROOT / "pipelines").glob("*.yml"), *(ROOT / "tests" / "golden" / "ok").rglob("*.yml")]
    sys.addaudithook(hear)
    noted: set[str] = set()
    for path in [place.folder / "main.yml", *pipelines]:
        compiler = Compiler(find(str(path.parent), None, {}))
        result = compile_files(compiler.project, [str(path)])
        noted |= result.seen.files.keys()
        noted |= {compiler.project.file} if compiler.project.file else set()
        for unit in result.units:
            unit.plan()
    heard.clear()
    users = {
        path
        for path in opened
        if path.endswith((".yml", ".yaml", ".py", ".sql")) and "/site-packages/" not in path
    }
    users = {path for path in users if not path.startswith((sys.base_prefix + "/lib", str(ROOT / "yamldag")))}
    assert users
    assert users <= noted


# What is on disk


def on_disk(place: Place) -> Path:
    (path,) = (place.folder / ".yamldag" / "compiled").iterdir()
    return path


def test_a_file_that_is_cut_or_flipped_anywhere_is_a_miss(place: Place) -> None:
    path = on_disk(place)
    whole = path.read_bytes()
    for size in range(0, len(whole), 7):
        path.write_bytes(whole[:size])
        assert place.kept() is None
        path.write_bytes(whole[:size] + bytes([whole[size] ^ 1]) + whole[size + 1 :])
        assert place.kept() is None
    path.write_bytes(whole)
    assert place.kept() is not None


def test_what_others_could_have_written_is_a_miss(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    path = on_disk(place)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    path.chmod(0o620)
    assert place.kept() is None
    path.chmod(0o600)
    with monkeypatch.context() as other:
        other.setattr(os, "geteuid", lambda: os.getuid() + 1)
        assert place.kept() is None
    path.rename(place.folder / "moved")
    path.symlink_to(place.folder / "moved")
    assert place.kept() is None


def test_what_is_no_file_is_a_miss_and_is_replaced_or_left(place: Place) -> None:
    path = on_disk(place)
    path.unlink()
    os.mkfifo(path, 0o600)
    assert place.kept() is None
    assert place.dry_run().code == 0
    assert place.kept() is not None
    path.unlink()
    path.mkdir()
    assert place.dry_run().code == 0


def test_a_folder_that_can_not_be_written_keeps_nothing_and_stops_nothing(place: Place) -> None:
    folder = on_disk(place).parent
    shutil.rmtree(folder)
    folder.touch()
    assert place.dry_run().code == 0
    assert place.kept() is None


def test_a_dry_run_makes_no_folder_and_a_run_makes_one_of_our_own(place: Place) -> None:
    shutil.rmtree(place.folder / ".yamldag")
    place.dry_run()
    assert not (place.folder / ".yamldag").exists()
    assert place.yamldag("run", "main.yml").code == 0
    assert place.kept() is not None
    assert (place.folder / ".yamldag").stat().st_mode & 0o777 == 0o700


def test_writers_and_readers_at_once_see_whole_files_alone(tmp_path: Path) -> None:
    path = str(tmp_path / "one")
    bodies = [bytes([65 + number]) * 50_000 for number in range(4)]
    record.write(path, bodies[0])
    with ThreadPoolExecutor(4) as pool:
        writes = [pool.submit(record.write, path, bodies[number % 4]) for number in range(100)]
        seen = [record.read(path) for _ in range(300)]
        assert all(each.result() is None for each in writes)
    assert set(seen) <= set(bodies)
    assert [each.name for each in tmp_path.iterdir()] == ["one"]


def test_the_oldest_are_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "MOST", 3)
    for number in range(5):
        path = tmp_path / str(number)
        record.write(str(path), b"x")
        os.utime(path, ns=(number, number))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2", "3", "4"]
    monkeypatch.setattr(record, "LARGEST", 200)
    record.write(str(tmp_path / "a"), b"y" * 100)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    record.write(str(tmp_path / "b"), b"y" * 300)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
