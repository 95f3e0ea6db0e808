"""A log of any length opens by windows; nothing in it is more than text; it is followed as it is written."""

from __future__ import annotations

import json
import os
import tracemalloc
from pathlib import Path

import pytest

from tests.web.conftest import Hosted
from yamldag.store.database import open_database
from yamldag.web.log.ansi import drawn
from yamldag.web.log.index import BLOCK, Log
from yamldag.web.log.view import Fold, Shown, unfolded, view


def written(tmp_path: Path, data: bytes) -> str:
    path = tmp_path / "a.log"
    path.write_bytes(data)
    return str(path)


def log_of(path: str) -> Log:
    return Log(open(path, "rb"))


SIZES = (0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, 3 * BLOCK + 17)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("width", [1, 7, 64, 1000, BLOCK + 5])
@pytest.mark.parametrize("ended", [True, False])
def test_lines_are_those_of_the_whole_file(tmp_path: Path, size: int, width: int, ended: bool) -> None:
    line = b"x" * (width - 1) + b"\n"
    data = (line * (size // width + 1))[:size]
    data = data if not ended or not data else data[:-1] + b"\n"
    lines = data.split(b"\n")[: -1 if data.endswith(b"\n") or not data else None]
    with open(written(tmp_path, data), "rb") as file:
        log = Log(file)
        assert log.lines == len(lines)
        for first in {1, 2, len(lines) // 2, len(lines) - 3, len(lines)}:
            found = log.window(first, first + 3, 10**9, 10**9)
            start = max(first, 1)
            assert [each.data for each in found] == (lines[start - 1 : max(first + 3, 0)] if lines else [])


def test_what_is_added_is_counted_on(tmp_path: Path) -> None:
    path = written(tmp_path, b"one\n" * BLOCK)
    with open(path, "rb") as file:
        assert Log(file).lines == BLOCK
    with open(path, "ab") as file:
        file.write(b"two\nERROR: three\n")
    with open(path, "rb") as file:
        log = Log(file)
        assert (log.lines, log.error) == (BLOCK + 2, BLOCK + 2)


def test_a_file_that_became_shorter_is_another_one(tmp_path: Path) -> None:
    path = written(tmp_path, b"error\n" * BLOCK)
    with open(path, "rb") as file:
        assert Log(file).error == 1
    os.truncate(path, 0)
    with open(path, "ab") as file:
        file.write(b"fine\n")
    with open(path, "rb") as file:
        log = Log(file)
        assert (log.lines, log.error) == (1, None)


@pytest.mark.parametrize("shift", [0, 1, 3, 5, 6])
def test_a_search_finds_what_stands_across_two_blocks(tmp_path: Path, shift: int) -> None:
    head = b"a\n" * 10
    data = (
        head
        + b"." * (BLOCK - len(head) - 6 + shift)
        + b"Needle\nother needle NEEDLE\n"
        + b"b\n" * BLOCK
        + b"needle"
    )
    with open(written(tmp_path, data), "rb") as file:
        found = Log(file).search("nEEdle", 100)
    assert found == [11, 12, 13 + BLOCK]


@pytest.mark.parametrize("shift", range(-12, 3))
def test_an_error_is_found_across_two_blocks(tmp_path: Path, shift: int) -> None:
    line = b"ValueError: it broke\n"
    data = b"." * (BLOCK + shift - 1) + b"\n" + line + b"later error\n"
    with open(written(tmp_path, data), "rb") as file:
        assert Log(file).error == 2


@pytest.mark.parametrize("line", [b"0 errors", b"--error-rate=3", b"errorless", b"error=0", b"no-error"])
def test_not_all_that_looks_like_an_error_is_one(tmp_path: Path, line: bytes) -> None:
    with open(written(tmp_path, line + b"\nKeyError: 'x'\n"), "rb") as file:
        assert Log(file).error == 2


def test_a_long_log_opens_at_its_error_without_being_held(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    piece = b"a line of a log that goes on and on, number by number\n" * 1000
    with open(path, "wb") as file:
        for _ in range(300):
            file.write(piece)
        file.write(b"ERROR: here\n")
        for _ in range(300):
            file.write(piece)
    tracemalloc.start()
    found = view(str(path), tmp_path, failed=True)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found is not None
    assert found.focus == 300_001
    assert next(each for each in found.parts if isinstance(each, Shown) and each.error).number == 300_001
    assert peak < 5_000_000 < path.stat().st_size
    numbers = [
        n
        for each in found.parts
        for n in ([each.number] if isinstance(each, Shown) else [each.first, each.last])
    ]
    assert numbers == sorted(numbers)
    assert (numbers[0], numbers[-1]) == (1, 600_001)
    assert sum(each.lines if isinstance(each, Fold) else 1 for each in found.parts) == found.lines


@pytest.mark.parametrize("width", [10, 3000, 2_000_000])
def test_every_line_is_shown_or_folded(tmp_path: Path, width: int) -> None:
    path = written(tmp_path, (b"y" * width + b"\n") * max(1, 6_000_000 // width))
    found = view(path, tmp_path, failed=False)
    assert found is not None
    at = 1
    for each in found.parts:
        first, last = (each.number, each.number) if isinstance(each, Shown) else (each.first, each.last)
        assert first == at
        at = last + 1
    assert at == found.lines + 1
    shown = sum(len(each.text) for each in found.parts if isinstance(each, Shown))
    assert shown < 100_000
    assert isinstance(found.parts[-1], Shown)


def test_folds_open_in_pieces(tmp_path: Path) -> None:
    path = written(tmp_path, b"z\n" * 5000)
    found = unfolded(path, tmp_path, 100, 4000, failed=False)
    assert found is not None
    assert [each.number for each in found if isinstance(each, Shown)] == list(range(100, 1100))
    assert found[-1] == Fold(1100, 4000)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (b"\x1b[31mred\x1b[0m <b>", '<span class="a-r">red</span> &lt;b&gt;'),
        (b"\x1b[1;92mok\x1b[39m on", '<span class="a-g a-bold">ok</span><span class="a-bold"> on</span>'),
        (b"\x1b[38;5;31mx\x1b[38;2;1;31;3my", "xy"),
        (b"\x1b[999999;;mx", "x"),
        (b"10%\r50%\r100%", "100%"),
        (b"\x1b]8;;javascript:alert(1)\x07link\x1b]8;;\x07", "link"),
        (b"\x1b[2J\x1b[Hx\x00\xff", "x��"),
        ("a\u202eb".encode(), "a�b"),
        (b'\x1b[31m"><script>alert(1)</script>', '<span class="a-r">&#34;&gt;&lt;script&gt;alert(1)&lt;/script&gt;</span>'),
    ],
)  # fmt: skip
def test_a_line_is_text_and_colours(line: bytes, shown: str) -> None:
    assert str(drawn(line)) == shown


# Over the wire


def a_log(hosted: Hosted, text: bytes, state: str = "failed") -> str:
    """Of the task t0 of the newest run of p001; the query that names it."""
    path = hosted.site.logs / "own.log"
    path.write_bytes(text)
    database = open_database(hosted.seeded.url)
    ended = None if state == "running" else 1.0
    database.execute(
        "UPDATE attempt SET log = ?, state = ?, ended = ? WHERE instance = "
        "(SELECT id FROM task_instance WHERE run = 'p001-00004' AND task = 't0')",
        (str(path), state, ended),
    )
    database.close()
    return "/runs/p001-00004/log{}?task=t0&try=1"


def test_the_file_is_downloaded_as_it_is(hosted: Hosted) -> None:
    data = b"\x1b[31m<script>\x00\xff\n" * 30_000
    answer = hosted.anyone.get(a_log(hosted, data).format("/file"))
    assert answer.content == data
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["content-disposition"].startswith("attachment; ")
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_search_and_folds_are_answered(hosted: Hosted) -> None:
    where = a_log(hosted, b"one\n<b>two\n" * 1000)
    assert hosted.anyone.get(where.format("/search") + "&find=TWO").json() == {
        "lines": list(range(2, 2001, 2)), "more": False,
    }  # fmt: skip
    page = hosted.anyone.get(where.format("") + "&from=10&to=12").text
    assert page.count('class="ln"') == 3
    assert "&lt;b&gt;two" in page
    assert hosted.anyone.get("/runs/p001-00004/log?task=nothing").status_code == 404
    assert hosted.anyone.get("/runs/p001-00004/log/file?task=t0&try=9").status_code == 404
    assert hosted.anyone.get("/runs/p001-00004/log/search?task=nothing&find=x").status_code == 404


@pytest.mark.parametrize("place", ["/etc/passwd", "../../secret", "", "link.log", "."])
def test_nothing_else_is_read(hosted: Hosted, place: str) -> None:
    where = a_log(hosted, b"x")
    (hosted.seeded.root / "secret").write_text("canary")
    link = hosted.site.logs / "link.log"
    link.symlink_to(hosted.seeded.root / "secret")
    database = open_database(hosted.seeded.url)
    database.execute(
        "UPDATE attempt SET log = ?", (os.path.join(hosted.site.logs, place) if place else None,)
    )
    database.close()
    for what in ("", "/file", "/search"):
        answer = hosted.anyone.get(where.format(what) + "&find=r")
        assert "canary" not in answer.text
        assert "root:" not in answer.text
    stream = hosted.anyone.get(where.format("/follow")).text
    assert "canary" not in stream


def test_what_has_ended_is_followed_to_its_end(hosted: Hosted) -> None:
    where = a_log(hosted, b"one\ntwo <b>\nthree without an end")
    stream = hosted.anyone.get(where.format("/follow") + "&after=1").text
    events = [part for part in stream.split("\n\n") if "event: " in part]
    assert [part.split("event: ")[1].split("\n")[0] for part in events] == ["lines", "end"]
    assert "id: 3" in events[0]
    told = json.loads(events[0].split("data: ")[1])
    assert 'id="L2"' in told
    assert "two &lt;b&gt;" in told
    assert 'id="L1"' not in told
