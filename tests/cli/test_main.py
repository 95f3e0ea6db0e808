"""The command line itself: help, misspelt commands, exit codes, what is imported."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.commands import ROOT, Caller, process
from yamldag.cli.main import COMMANDS

HEAVY = (
    "sqlalchemy",
    "alembic",
    "httpx",
    "starlette",
    "jsonschema",
    "rich",
    "croniter",
    "jinja2",
    "asyncio",
    "graphviz",
)
READY = [name for name in COMMANDS if importlib.util.find_spec(f"yamldag.cli.{name}")]
SMALL = "pipeline: p\nparams: {day: monday}\ntasks:\n  a: {bash: echo}\n  b: {needs: a, bash: echo}\n"


def test_help_lists_every_command(yamldag: Caller) -> None:
    said = yamldag("--help")
    assert said.code == 0
    assert all(f"  {name} " in said.out for name in COMMANDS)
    assert said == yamldag("help") == yamldag()


@pytest.mark.parametrize("name", READY)
def test_each_command_says_what_it_does(name: str, yamldag: Caller) -> None:
    said = yamldag(name, "--help")
    assert said.code == 0
    assert said.out.startswith(f"usage: yamldag {name}")
    assert said.err == ""
    assert yamldag("help", name) == said


@pytest.mark.parametrize("name", READY)
def test_an_unknown_option_is_wrong_usage(name: str, yamldag: Caller) -> None:
    said = yamldag(name, "--no-such-option")
    assert said.code == 2
    assert said.out == ""
    assert said.err


@pytest.mark.parametrize(("word", "meant"), [("vaildate", "validate"), ("grpah", "graph"), ("nxt", "next")])
def test_a_misspelt_command_is_guessed(word: str, meant: str, yamldag: Caller) -> None:
    said = yamldag(word)
    assert said == (2, "", f"yamldag: there is no command `{word}`; did you mean `yamldag {meant}`?\n")


def test_a_word_like_no_command_points_to_the_list(yamldag: Caller) -> None:
    assert (
        yamldag("xyzzy").err == "yamldag: there is no command `xyzzy`; `yamldag --help` lists the commands.\n"
    )


def test_the_version_is_said(yamldag: Caller) -> None:
    from yamldag import __version__

    assert yamldag("--version") == (0, f"yamldag {__version__}\n", "")


def imported(folder: Path, *arguments: str) -> set[str]:
    """The modules of a process that has run a command."""
    code = (
        "import sys; from yamldag.cli.main import main; main(sys.argv[1:]); "
        "sys.stderr.write('MODULES ' + ' '.join(sys.modules))"
    )
    env = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=True)
    return set(done.stderr.rpartition("MODULES ")[2].split())


@pytest.mark.parametrize(
    "arguments", [["--help"], ["validate", "p.yml"], ["show", "p.yml"], ["explain", "YD203"]]
)
def test_what_a_user_waits_for_imports_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "p.yml").write_text(SMALL)
    assert imported(tmp_path, *arguments).isdisjoint(HEAVY)


def test_a_broken_pipe_is_no_bug(tmp_path: Path) -> None:
    many = "".join(f"  t{n}: {{needs: x{n}, bash: echo}}\n" for n in range(2000))
    (tmp_path / "p.yml").write_text("pipeline: p\ntasks:\n" + many)
    script = f"{sys.executable} -m yamldag validate p.yml | head -1"
    env = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith("error[YD203")
    assert done.stderr == ""


def test_a_mistake_of_ours_says_so_and_leaves_a_log(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import yamldag.compile.project as p\ndef find(*_): raise ZeroDivisionError('boom')\np.find = find\n"
    )
    (tmp_path / "p.yml").write_text(SMALL)
    said = process(tmp_path, "validate", "p.yml", PYTHONPATH=f"{tmp_path}:{ROOT}", TMPDIR=str(tmp_path))
    assert said.code == 3
    assert "boom" not in said.err
    assert "Traceback" not in said.err
    log = Path(said.err.rpartition(" ")[2].strip())
    assert "ZeroDivisionError: boom" in log.read_text()
