"""Lines as editors count them."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yamldag.syntax.source import Source

TEXTS = st.text(st.sampled_from("ab\t\n\r\x85\u2028\x0b\x0c😀"), max_size=30)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_lines_end_at_lf_crlf_and_cr(ending: str) -> None:
    source = Source("f", ending.join(["a", "", "bc"]))
    assert [source.line(number) for number in range(5)] == ["", "a", "", "bc", ""]
    assert source.place(source.text.index("c")) == (3, 2)


def test_other_breaks_of_yaml_are_no_ends_of_lines() -> None:
    source = Source("f", "a\x85b\u2028c\u2029d\x0be\x0cf")
    assert source.place(len(source.text)) == (1, 12)


def test_a_tab_and_a_wide_sign_are_one_column() -> None:
    assert Source("f", "\t日😀x").place(3) == (1, 4)


def test_the_end_of_the_text_has_a_place() -> None:
    assert Source("f", "").place(0) == (1, 1)
    assert Source("f", "a\n").place(2) == (2, 1)


@given(TEXTS)
@settings(deadline=None)
def test_every_offset_is_where_counting_line_by_line_finds_it(text: str) -> None:
    source = Source("f", text)
    lines = re.split("\r\n|\r|\n", text)
    for offset in range(len(text) + 1):
        line, column = source.place(offset)
        before = re.split("\r\n|\r|\n", text[:offset])
        if text[offset - 1 : offset + 1] != "\r\n":  # within CRLF, what stands before does not show it
            assert (line, column) == (len(before), len(before[-1]) + 1)
    assert [source.line(number + 1) for number in range(len(lines))] == lines
