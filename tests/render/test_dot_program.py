"""`dot` may be missing, slow, broken or killed: there is a picture all the same."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.render import plans
from tests.render.test_layout import _check
from yamldag.plan.pipeline import Plan
from yamldag.render.dot import binary, dot
from yamldag.render.drawing import drawing
from yamldag.render.html import html
from yamldag.render.positions import positions
from yamldag.render.program import Missing, find
from yamldag.render.svg import svg

_HAS_DOT = shutil.which("dot") is not None
needs_dot = pytest.mark.skipif(
    not _HAS_DOT and "CI" not in os.environ, reason="graphviz's dot is not installed, and CI is not set"
)


@pytest.fixture(autouse=True)
def _the_usual_dot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("YAMLDAG_DOT", raising=False)


def _program(folder: Path, body: str) -> str:
    path = folder / "dot"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


def test_without_dot_there_is_a_picture_and_a_word_about_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YAMLDAG_DOT", "none")
    text, note = svg(plans.sales())
    ElementTree.fromstring(text)
    assert note is not None
    assert "apt install graphviz" in note
    assert html(plans.sales())[1] == note


def test_without_dot_a_png_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YAMLDAG_DOT", "none")
    answer = binary(plans.five(), "png")
    assert isinstance(answer, Missing)
    assert "apt install graphviz" in answer.message


def test_a_dot_that_hangs_is_killed_with_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(reader, True)
    monkeypatch.setenv(
        "YAMLDAG_DOT", _program(tmp_path, f"exec 9> {pipe}\nprintf begun >&9\nsleep 600 &\nwait")
    )
    _, note = svg(plans.five(), limit=1.0)
    assert note is not None
    assert note.startswith("`dot` took over 1 s")
    with open(reader, "rb") as held:
        assert held.read() == b"begun"  # and its end: nobody holds the pipe any more


@pytest.mark.parametrize(
    "body",
    [
        "exit 1",
        "echo boo >&2; exit 3",
        "echo nonsense",
        "echo '{}'",
        'echo \'{"bb": "0,0,9,9", "objects": []}\'',
        "echo '[]'",
    ],
)
def test_a_dot_that_answers_nonsense_is_done_without(
    body: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YAMLDAG_DOT", _program(tmp_path, f"cat > /dev/null\n{body}"))
    text, note = svg(plans.five())
    ElementTree.fromstring(text)
    assert note is not None
    assert "laid out without it" in note


def test_a_dot_that_stops_reading_is_done_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YAMLDAG_DOT", _program(tmp_path, "exec 0<&-\nexit 0"))
    assert svg(plans.layered(100, 20))[1] is not None


def test_a_named_dot_that_is_not_there_counts_as_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YAMLDAG_DOT", "/nowhere/dot")
    assert find() is None


@needs_dot
@pytest.mark.parametrize(
    "made", [plans.five(), plans.sales(), plans.rules(), plans.chain(40), plans.scattered(12)]
)
def test_dot_places_every_task(made: Plan) -> None:
    drawn = drawing(made)
    placed, note = positions(drawn)
    assert note is None
    _check(drawn, placed)


@needs_dot
def test_where_dot_lets_edges_run_back_we_do_not() -> None:
    drawn = drawing(plans.hostile())
    placed, note = positions(drawn)
    assert note is None
    _check(drawn, placed)


@needs_dot
@pytest.mark.parametrize(
    "made", [plans.sales(), plans.rules(), plans.nested(), plans.hostile(), plans.plan("empty")]
)
@pytest.mark.parametrize("form", ["png", "pdf"])
def test_dot_draws_what_we_write(made: Plan, form: str) -> None:
    answer = binary(made, form, plans.coloured(made))
    assert isinstance(answer, bytes), answer
    assert answer.startswith({"png": b"\x89PNG", "pdf": b"%PDF"}[form])


@needs_dot
def test_dot_reads_each_task_edge_and_group_back() -> None:
    made = plans.hostile()
    answer = subprocess.run(["dot", "-Tplain"], input=dot(made).encode(), capture_output=True, check=True)
    assert not answer.stderr
    rows = answer.stdout.decode().splitlines()
    assert sum(row.startswith("node ") for row in rows) == len(made.tasks)
    assert sum(row.startswith("edge ") for row in rows) == len(made.edges)


@needs_dot
@pytest.mark.parametrize(
    "name", ["a:b", "a:n", "<b>", "<a>:<b>", "node", "Edge", "1.5", "-", '\\"', "a\\", "a\n"]
)
def test_an_edge_never_leads_to_a_port_or_to_a_task_that_is_not_there(name: str) -> None:
    made = plans.plan("ports", plans.task("a", group=None), plans.task(name, needs=["a"], group=None))
    answer = subprocess.run(["dot", "-Tplain"], input=dot(made).encode(), capture_output=True, check=True)
    assert not answer.stderr
    rows = answer.stdout.decode().splitlines()
    assert sum(row.startswith("node ") for row in rows) == 2
    assert sum(row.startswith("edge a ") for row in rows) == 1


def test_a_picture_of_another_form_does_not_wait_for_what_writes_dot() -> None:
    check = (
        "import sys\nfrom yamldag.render import dot, html, mermaid, svg\nassert 'graphviz' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", check], check=True)
