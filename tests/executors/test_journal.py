"""Lines that were cut off, and a disk that is full."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

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


def test_no_journal_tells_nothing(tmp_path: Path) -> None:
    assert read(tmp_path / "none").begun == set()
