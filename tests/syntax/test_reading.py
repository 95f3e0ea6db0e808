"""Bytes that are no text must be told with their place, never raised."""

import codecs

import pytest

from yamldag.syntax import parse
from yamldag.syntax.reading import MAX_FILE


def refused(data: bytes) -> tuple[str, tuple[int, int]]:
    source, found = parse.read("f.yml", data)
    assert source is None
    (diagnostic,) = found
    assert diagnostic.place.source.path == "f.yml"
    return diagnostic.code, diagnostic.place.source.place(diagnostic.place.start)


@pytest.mark.parametrize(
    "data",
    [
        b"a: \xc3\xa9\n",
        codecs.BOM_UTF8 + b"a: \xc3\xa9\n",
        codecs.BOM_UTF16_LE + "a: é\n".encode("utf-16-le"),
        codecs.BOM_UTF16_BE + "a: é\n".encode("utf-16-be"),
    ],
)
def test_utf8_and_utf16_are_read_without_their_marks(data: bytes) -> None:
    source, found = parse.read("f.yml", data)
    assert found == []
    assert source is not None
    assert source.text == "a: é\n"


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b"a: 1\nb: \xe9\n", (2, 4)),
        ("日本\n".encode() + b"x\xff", (2, 2)),
        (b"a: \xed\xa0\x80", (1, 4)),
        (b"a: \xc3", (1, 4)),
        (codecs.BOM_UTF8 + b"\xff", (1, 1)),
        (codecs.BOM_UTF16_LE + b"a\x00\n\x00\x00\xd8", (2, 1)),
        (codecs.BOM_UTF16_BE + b"\x00a\x00", (1, 2)),
    ],
)
def test_a_byte_that_is_no_text_is_told_where_it_stands(data: bytes, place: tuple[int, int]) -> None:
    assert refused(data) == ("YD103", place)


@pytest.mark.parametrize("sign", ["\0", "\x07", "\x1b", "\x7f", "\x80", "\x9f", "\ufffe", "\uffff"])
def test_a_control_character_is_told_where_it_stands(sign: str) -> None:
    assert refused(f"a: 1\nb: x{sign}\n".encode()) == ("YD103", (2, 5))


def test_tabs_line_ends_and_all_other_signs_are_text() -> None:
    data = "a: \t\r\n\r\x85\xa0\u2028\ufeff\ue000\ufffd\U0010ffff".encode()
    source, found = parse.read("f.yml", data)
    assert found == []
    assert source is not None
    assert source.text == data.decode()


def test_ten_mebibytes_are_read_and_one_byte_more_is_not() -> None:
    source, found = parse.read("f.yml", b"#" * MAX_FILE)
    assert source is not None
    assert found == []
    assert refused(b"#" * (MAX_FILE + 1)) == ("YD105", (1, 1))


def test_an_empty_file_is_an_empty_text() -> None:
    source, found = parse.read("f.yml", b"")
    assert source is not None
    assert (source.text, found) == ("", [])
