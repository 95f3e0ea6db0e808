"""Plug-ins: where they are found, which of them counts, and that what is wrong with one stays with it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.operators.attempts import run_here
from yamldag.operators import catalog
from yamldag.operators.plugins import asking
from yamldag.operators.plugins.registry import Plugins

FINE = "schema = {'properties': {'n': {'type': 'integer'}}}\ndef run(n=1): return n\n"


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    catalog.look_in(None)


def write(path: Path, text: str = FINE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def plugins(root: Path, *modules: str) -> Plugins:
    return Plugins(str(root), modules)


def test_a_file_in_the_projects_folder_is_an_operator_and_its_helpers_are_none(root: Path) -> None:
    write(root / "plugins" / "load.py")
    write(root / "plugins" / "_shared.py")
    write(root / "plugins" / "notes.txt")
    write(root / "plugins" / "notifiers" / "pager.py")
    write(root / "plugins" / "elsewhere" / "other.py")
    found = {(each.kind, each.name, each.origin) for each in plugins(root).all() if each.file}
    assert found == {
        ("operators", "load", "plugins/load.py"),
        ("notifiers", "pager", "plugins/notifiers/pager.py"),
    }


def test_a_module_of_the_project_file_is_an_operator_and_a_package_is_a_folder_of_them(root: Path) -> None:
    write(root / "single.py")
    write(root / "acme" / "__init__.py", "raise SystemExit")
    write(root / "acme" / "copy_it.py")
    write(root / "acme" / "lint" / "naming.py")
    known = plugins(root, "single", "acme", "nowhere", "acme.nowhere", "nowhere.either")
    assert [(each.kind, each.name, each.origin) for each in known.all() if each.file] == [
        ("operators", "single", "single"),
        ("operators", "copy_it", "acme.copy_it"),
        ("lint", "naming", "acme.lint.naming"),
    ]
    assert known.missing == ["nowhere", "acme.nowhere", "nowhere.either"]


def test_nothing_is_loaded_by_being_listed(root: Path) -> None:
    write(root / "plugins" / "trap.py", f"open({str(root / 'loaded')!r}, 'w')\n")
    write(root / "trapped.py", f"open({str(root / 'loaded')!r}, 'w')\n")
    known = plugins(root, "trapped")
    assert {"trap", "trapped"} <= set(known.names("operators"))
    assert known.misnamed() == []
    assert not (root / "loaded").exists()


def test_an_installed_package_brings_what_its_entry_points_say(root: Path) -> None:
    known = plugins(root)
    found = known.announced("shout")
    assert found is not None
    assert (found.origin, found.version, found.file) == ("shouting 1.0", "1.0", None)
    told = known.described("shout")
    assert told is not None
    assert told.schema is not None
    assert told.schema["x-template"] is True


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("1 / 0", "can't be loaded: division by zero"),
        ("import sys; sys.exit(0)", "can't be loaded: it ends the process"),
        ("import os; os._exit(0)", "ends the process that it is loaded in"),
        ("import os; os.kill(os.getpid(), 9)", "ends the process that it is loaded in"),
        ("raise KeyboardInterrupt", "can't be loaded: no reason given"),
        ("def run(:", "can't be loaded: invalid syntax"),
        ("", "has no `schema` that is a mapping"),
        ("schema = {}", "has no `run` that can be called"),
        ("schema = {'default': open}\ndef run(): ...", "has a `schema` that can't be written as JSON"),
        (
            "schema = {'default': float('nan')}\ndef run(): ...",
            "has a `schema` that can't be written as JSON",
        ),
        ("schema = {'type': 'text'}\ndef run(): ...", "is no JSON Schema, at `type`"),
        (
            "schema = {'properties': {'a': {'pattern': '('}}}\ndef run(): ...",
            "is no JSON Schema, at `properties.a.pattern`",
        ),
        (
            "schema = {'properties': {'a': {'$ref': 'x.json'}}}\ndef run(): ...",
            "`$ref` leads nowhere: `x.json`",
        ),
        (
            "schema = {'x-required': ['a']}\ndef run(): ...",
            "whose `x-required` should be lists of properties",
        ),
        ("schema = {'x-output': 1}\ndef run(): ...", "whose `x-output` should be a JSON Schema"),
        (
            "schema = {'properties': {'a': {'x-code': 'YD000'}}}\ndef run(): ...",
            "`x-code`, which is yamldag's own",
        ),
    ],
)
def test_what_is_wrong_with_one_is_words(root: Path, text: str, why: str) -> None:
    write(root / "plugins" / "odd.py", text)
    write(root / "plugins" / "good.py")
    states = {plugin.name: told for plugin, told in plugins(root).states() if plugin.file}
    assert why in (states["odd"].fault or "")
    assert (states["odd"].fault or "").startswith("`plugins/odd.py` ")
    assert states["good"].fault is None


def test_one_that_never_returns_is_ended_with_all_that_it_started(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "PATIENCE", 1.0)
    path = write(
        root / "plugins" / "slow.py",
        "import subprocess, threading\n"
        f"open({str(root / 'pid')!r}, 'w').write(str(subprocess.Popen(['sleep', '1000']).pid))\n"
        "threading.Event().wait()\n",
    )
    told = plugins(root).described("slow")
    assert told is not None
    assert told.fault == f"`{path.relative_to(root)}` takes more than 1 s"
    if (root / "pid").exists():  # it came so far on this machine
        pid = (root / "pid").read_text()
        state = subprocess.run(["ps", "-o", "stat=", "-p", pid], capture_output=True, text=True, check=False)
        assert state.stdout.strip()[:1] in ("", "Z")


def test_what_it_prints_does_not_spoil_its_description(root: Path) -> None:
    write(
        root / "plugins" / "loud.py",
        f"'''Talks.\n\nMuch.'''\nprint('{{')\nimport os\nos.write(1, b'x')\n{FINE}",
    )
    told = plugins(root).described("loud")
    assert told is not None
    assert (told.fault, told.description) == (None, "Talks.")


def test_it_gets_no_secret(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YAMLDAG_SECRET_DB", "hunter2")
    monkeypatch.setenv("YAMLDAG_CONNECTION_DB", "mysql://root:hunter2@db/x")
    write(root / "plugins" / "spy.py", f"import os\n'''{{}}'''\n__doc__ = str(sorted(os.environ))\n{FINE}")
    told = plugins(root).described("spy")
    assert told is not None
    assert "PATH" in told.description
    assert "YAMLDAG_SECRET" not in told.description
    assert "YAMLDAG_CONNECTION" not in told.description


def test_of_two_alike_neither_counts_and_the_others_do(root: Path) -> None:
    write(root / "plugins" / "twice.py")
    write(root / "twice.py")
    write(root / "plugins" / "once.py")
    known = plugins(root, "twice")
    told, other = known.described("twice"), known.described("once")
    assert told is not None
    assert told.fault == "there is more than one `twice`: `plugins/twice.py` and `twice`"
    assert other is not None
    assert other.fault is None


@pytest.mark.parametrize("name", ["bash", "needs", "tasks", "Loud", "x-y", "ümlaut", "9lives"])
def test_a_name_that_is_none_is_told_and_not_used(root: Path, name: str) -> None:
    write(root / "plugins" / f"{name}.py")
    known = plugins(root)
    assert [each.plugin.name for each in known.misnamed()] == [name]
    assert name not in known.names("operators")


def test_an_edit_is_seen(root: Path) -> None:
    path = write(root / "plugins" / "load.py", "schema = {}")
    catalog.look_in(str(root))
    before = catalog.plugins()
    catalog.look_in(str(root))
    assert catalog.plugins() is before
    assert catalog.operator("load") is None
    write(path)
    catalog.look_in(str(root))
    found = catalog.operator("load")
    assert found is not None
    assert list(found.schema["properties"]) == ["n"]
    path.unlink()
    catalog.look_in(str(root))
    assert catalog.operator("load") is None


def test_a_plug_in_joins_the_editors_schema_and_a_broken_one_spoils_nothing(root: Path) -> None:
    import jsonschema

    write(root / "plugins" / "load.py")
    write(root / "plugins" / "odd.py", "1 / 0")
    write(root / "plugins" / "notifiers" / "pager.py")
    catalog.look_in(str(root))
    schema = catalog.bundle()
    jsonschema.Draft7Validator.check_schema(schema)
    tasks = schema["definitions"]["task"]["properties"]
    assert "load" in tasks
    assert "pager" not in tasks
    assert "pager" in schema["definitions"]["call"]["properties"]
    valid = jsonschema.Draft7Validator(schema).is_valid
    assert valid({"pipeline": "p", "tasks": {"a": {"load": {"n": 1}}}})
    assert valid({"pipeline": "p", "tasks": {"a": {"load": {"n": "{{ params.n }}"}}}})
    assert not valid({"pipeline": "p", "tasks": {"a": {"load": {"n": "x"}}}})
    assert valid({"pipeline": "p", "tasks": {"a": {"odd": {"any": "thing"}}}})


def test_no_plug_in_is_looked_for_where_nobody_may_mean_one(root: Path) -> None:
    """To look for packages costs more than a small file does."""
    write(root / "p.yml", "pipeline: p\ntasks: {a: {bash: ls}}\n")
    code = "import sys; from yamldag.cli.main import main; main(['validate', 'p.yml']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert not {"importlib.metadata", "subprocess", "jsonschema"} & set(done.stdout.split())


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("{'letters': 5}", ""),
        (
            "{'letters': 'many'}",
            'it does not fit the plug-in\'s `x-output`: `letters` should be a whole number, found the text `"many"`',
        ),
        ("None", "it does not fit the plug-in's `x-output`: the output should be a mapping, found nothing"),
    ],
)
def test_what_it_gives_fits_what_it_promises(tmp_path: Path, given: str, reason: str) -> None:
    plugin = tmp_path / "counts.py"
    plugin.write_text(
        "schema = {'x-output': {'type': 'object', 'properties': {'letters': {'type': 'integer'}}}}\n"
        f"def run(): return {given}\n"
    )
    outcome = run_here(f"counts={plugin}", tmp_path, {})
    assert (outcome.state, outcome.reason, outcome.retry) == (
        "failed" if reason else "success",
        reason,
        False,
    )
