"""Lines that were cut off, and a disk that is full."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from yamldag.executors.leaving import leave
from yamldag.executors.local.journal import Journal, header, read
from yamldag.executors.local.protocol import Lines, encode


def test_a_frame_that_comes_in_pieces_is_whole_again() -> None:
    lines, data = Lines(), encode({"a": [1]}) + encode({"s": ["é" * 3]}) + encode({"t": []})
    frames = [frame for byte in data for frame in lines.feed(bytes([byte]))]
    assert frames == [{"a": [1]}, {"s": ["ééé"]}, {"t": []}]


def test_half_a_frame_is_none() -> None:
    assert Lines().feed(encode({"a": [1]}) + encode({"s": [[2, ["true"]]]})[:-1]) == [{"a": [1]}]


def test_bytes_that_are_no_text_survive_the_way() -> None:
    odd = os.fsdecode(b"\xff\xfe")
    (frame,) = Lines().feed(encode({"s": [odd]}))
    assert os.fsencode(frame["s"][0]) == b"\xff\xfe"


def test_a_journal_cut_anywhere_tells_only_what_is_true(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with path.open("wb") as file:
        file.write(header("boot", 7))
        file.flush()
        journal = Journal(file.fileno())
        journal.starting([11, 12])
        journal.started([(11, 101, 1.5), (12, 102, 1.5)])
        journal.ended([[11, 0, "exit", 1.5, 2.5, "", None]])
    whole = path.read_bytes()
    for size in range(len(whole) + 1):
        path.write_bytes(whole[:size] + b"\n" + b'["S",13]\n')
        story = read(path)
        assert story.begun in ({13}, {11, 12, 13})
        assert story.pids in ({}, {11: (101, 1.5), 12: (102, 1.5)})
        assert story.ends in ({}, {11: [11, 0, "exit", 1.5, 2.5, "", None]})


def test_a_full_disk_lets_nothing_start() -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    journal = Journal(full)
    with pytest.raises(OSError, match="No space left"):
        journal.starting([1])
    journal.ended([[1, 0, "exit", 1.0, 2.0, "", None]])
    os.close(full)


def _journal(path: Path) -> Journal:
    return Journal(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND))


def test_results_are_read_once_and_survive_what_was_cut_off_before_them(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal = _journal(path)
    journal.starting([1, 2, 3])
    leave({"state": "success", "output": "é"}, "nowhere", (str(path), 1))
    with path.open("ab") as file:
        file.write(b'\n["R",9,"half a li')
    assert list(journal.results()) == [1]
    leave({"state": "skipped"}, "nowhere", (str(path), 2))
    journal.ended([[2, 0, "exit", 1.5, 2.5, "", None]])
    assert journal.results() == {2: '{"state": "skipped"}'}
    assert journal.results() == {}
    assert read(path).results[1] == '{"state": "success", "output": "é"}'
    assert read(path).ends == {2: [2, 0, "exit", 1.5, 2.5, "", '{"state": "skipped"}']}


@pytest.mark.parametrize("journal", ["missing", "/dev/full"])
def test_a_result_that_no_journal_takes_is_in_its_file(tmp_path: Path, journal: str) -> None:
    told = tmp_path / "result"
    leave({"state": "success"}, str(told), (os.path.join(tmp_path, journal), 1))
    assert json.loads(told.read_text()) == {"state": "success"}
    assert stat.S_IMODE(told.stat().st_mode) == 0o600


def test_a_journal_that_nobody_needs_is_cut_back_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    path.write_bytes(header("boot", 7))
    journal = _journal(path)
    for attempt in range(2_000):
        leave({"state": "success", "output": "x" * 1000}, "nowhere", (str(path), attempt))
    assert len(journal.results()) == 2_000
    journal.cut()
    assert path.read_bytes() == header("boot", 7)
    journal.starting([5])
    leave({"state": "skipped"}, "nowhere", (str(path), 5))
    assert journal.results() == {5: '{"state": "skipped"}'}
    assert (read(path).runner, read(path).begun) == (7, {5})


def test_no_journal_tells_nothing(tmp_path: Path) -> None:
    assert read(tmp_path / "none").begun == set()


def test_a_journal_that_is_never_idle_keeps_what_is_needed_and_no_room_for_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    path.write_bytes(header("boot", 7))
    journal = _journal(path)
    journal.starting([1, 2, 3])
    journal.started([(1, 101, 1.5), (2, 102, 1.5), (3, 103, 1.5)])
    leave({"state": "success", "output": "told early"}, "nowhere", (str(path), 1))
    rounds = 0
    for attempt in range(4, 40_000):
        journal.starting([attempt])
        leave({"state": "success", "output": "x" * 1000}, "nowhere", (str(path), attempt))
        told = journal.results()
        if journal.is_long:
            rounds += 1
            early = {1: '{"state": "success", "output": "told early"}'}
            unstored = [[2, 0, "exit", 1.5, 2.5, "", '{"state": "skipped"}']]
            journal.tell_again([(1, 101, 1.5), (3, 103, 1.5)], early, unstored)
            assert not journal.is_long
    assert told
    assert rounds > 30
    assert path.stat().st_size > 30 << 20
    assert path.stat().st_blocks * 512 < 3 << 20
    story = read(path)
    assert (story.boot, story.runner) == ("boot", 7)
    assert story.pids == {1: (101, 1.5), 3: (103, 1.5)}
    assert {1, 3, 39_999} <= story.begun
    assert len(story.begun) < 2_000
    assert story.results[1] == early[1]
    assert story.ends == {2: [2, 0, "exit", 1.5, 2.5, "", '{"state": "skipped"}']}


def test_where_a_file_can_have_no_holes_the_journal_stays_whole(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal = _journal(path)
    journal.starting([1, 2])
    leave({"state": "skipped"}, "nowhere", (str(path), 1))
    journal.results()
    sealed = os.open(path, os.O_RDONLY)
    before = read(path)
    Journal(sealed).tell_again([(2, 102, 1.5)], {}, [])
    assert vars(read(path)) == vars(before)
    os.close(sealed)
