"""Names and descriptions are hostile text: in every format they stay text."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.render.plans import NASTY, hostile, plan, task
from yamldag.render.dot import dot
from yamldag.render.html import html
from yamldag.render.mermaid import mermaid
from yamldag.render.svg import svg
from yamldag.render.text import anchor, clean, cut, width

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(autouse=True)
def _own_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YAMLDAG_DOT", "none")


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def _read(page: str) -> _Page:
    parsed = _Page()
    parsed.feed(page)
    return parsed


def test_hostile_names_make_no_elements_in_svg() -> None:
    root = ElementTree.fromstring(svg(hostile())[0])
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        "svg", "title", "desc",
        "defs", "symbol", "marker", "path", "circle", "rect", "style", "g", "use", "text",
        "tspan",
    }  # fmt: skip
    assert len(root.findall(f".//{SVG}g[@data-task]")) == len(NASTY)


def test_a_task_is_found_by_its_exact_id_in_svg() -> None:
    root = ElementTree.fromstring(svg(hostile())[0])
    found = [element.get("data-task") for element in root.findall(f".//{SVG}g[@data-task]")]
    writable = [name for name in NASTY if name not in {"\ud800", "nul\x00\x1b[31m"}]
    assert set(writable) <= set(found)


def test_hostile_names_make_no_elements_in_html() -> None:
    page = _read(html(hostile())[0])
    assert page.tags.count("script") == 1
    assert "b" not in page.tags
    assert page.tags.count("section") == len(NASTY) + 1
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert any("<script>alert(1)</script>" in words for words in page.words)


def test_a_script_in_a_name_would_not_be_allowed_to_run() -> None:
    policy = dict(_read(html(hostile())[0]).attributes)["content"]
    metas = [value for name, value in _read(html(hostile())[0]).attributes if name == "content" and value]
    assert policy is not None
    assert any("default-src 'none'" in value and "unsafe" not in value for value in metas)


def test_the_page_names_no_host() -> None:
    made = plan("quiet", task("a"), task("b", needs=["a"]))
    page = html(made, {"a": "success"})[0]
    assert set(re.findall(r"https?://[^\s\"'<>]+", page)) == {"http://www.w3.org/2000/svg"}
    assert not [name for name, _ in _read(page).attributes if name in {"src", "srcset", "action"}]
    assert "url(" not in page.replace("url(#head-", "")


def test_hostile_names_end_no_string_in_dot() -> None:
    source = dot(hostile())
    strings = r'"(?:[^"\\]|\\.)*"'
    markup = r"<(?:[^<>]|<[^<>]*>)*>"
    rest = re.sub(f"{strings}|{markup}", "", source)
    assert "script" not in rest
    assert "evil" not in rest
    assert '"' not in rest
    assert rest.count("[") == rest.count("]")


def test_hostile_names_end_no_label_in_mermaid() -> None:
    for row in mermaid(hostile()).splitlines()[1:]:
        label = r'"(?:[^"<>\[\]{}|`\\]|<br/>)*"'
        node = rf"\w+\({label}\)|\w+\[\[{label}\]\]|subgraph \w+\[{label}\]"
        assert re.fullmatch(
            rf"\s*(?:end|{node}|\w+ (?:--|-\.-)[>ox](?:\|{label}\|)? \w+)",
            row,
        ), row


def test_a_reserved_word_is_no_name_in_mermaid() -> None:
    source = mermaid(plan("words", task("end"), task("class", needs=["end"])))
    assert "  _0 --> _1\n" in source


def test_two_ids_never_share_a_name_in_mermaid_or_an_anchor() -> None:
    source = mermaid(plan("twins", task("a.b", group=None), task("a_b", group=None), task("a-b", group=None)))
    names = re.findall(r"^\s+(\w+)\(", source, re.MULTILINE)
    assert len(set(names)) == 3
    assert len({anchor("a b"), anchor("a%20.b"), anchor("a_b")}) == 3


def test_what_turns_text_around_is_shown_as_unreadable() -> None:
    assert clean("\u202eevil\u202c") == "\ufffdevil\ufffd"
    assert clean("two\n lines\t\x00") == "two lines \ufffd"


@given(st.text(max_size=40))
@settings(max_examples=60, deadline=None)
def test_any_text_gives_well_formed_svg_and_html(text: str) -> None:
    made = plan(
        text or "x", task(text or "x", text or "bash", group=None, description=text, params={"script": text})
    )
    ElementTree.fromstring(svg(made, {})[0])
    assert _read(html(made, {})[0]).tags.count("section") == 2


@given(st.text(max_size=60), st.floats(20, 300))
def test_cut_text_fits(text: str, room: float) -> None:
    assert width(cut(text, room, 12), 12) <= room
