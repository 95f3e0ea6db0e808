"""An empty log goes on as the next attempt's; whatever somebody may still write to or read stays what it is."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from yamldag.executors.local.logs import Logs


@pytest.fixture
def logs() -> Logs:
    return Logs()


def write(logs: Logs, path: Path, data: bytes) -> None:
    """An attempt that writes so much and ends."""
    file = logs.open(str(path))
    os.write(file, data)
    os.close(file)
    logs.leave(str(path))


def test_an_empty_one_is_the_next_ones(logs: Logs, tmp_path: Path) -> None:
    one, two = tmp_path / "one.log", tmp_path / "two.log"
    write(logs, one, b"")
    made = one.stat().st_ino
    write(logs, two, b"two\n")
    assert not one.exists()
    assert two.stat().st_ino == made
    assert two.read_bytes() == b"two\n"


def test_one_with_something_in_it_stays(logs: Logs, tmp_path: Path) -> None:
    write(logs, tmp_path / "one.log", b"one\n")
    write(logs, tmp_path / "two.log", b"")
    assert (tmp_path / "one.log").read_bytes() == b"one\n"
    assert (tmp_path / "two.log").read_bytes() == b""


def test_what_an_attempt_left_running_goes_on_writing_to_its_own(logs: Logs, tmp_path: Path) -> None:
    one, two = tmp_path / "one.log", tmp_path / "two.log"
    file = logs.open(str(one))
    left = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=file)
    os.close(file)
    logs.leave(str(one))
    write(logs, two, b"two\n")
    left.communicate(b"late\n")
    assert one.read_bytes() == b"late\n"
    assert two.read_bytes() == b"two\n"


def test_one_that_is_being_read_stays(logs: Logs, tmp_path: Path) -> None:
    one, two = tmp_path / "one.log", tmp_path / "two.log"
    write(logs, one, b"")
    with one.open("rb") as reader:
        write(logs, two, b"two\n")
        assert reader.read() == b""
    assert one.exists()


def test_what_is_there_already_is_written_on(logs: Logs, tmp_path: Path) -> None:
    one, two = tmp_path / "one.log", tmp_path / "two.log"
    two.write_bytes(b"before\n")
    write(logs, one, b"")
    write(logs, two, b"after\n")
    assert two.read_bytes() == b"before\nafter\n"


def test_one_that_was_deleted_is_no_trouble(logs: Logs, tmp_path: Path) -> None:
    one, two = tmp_path / "one.log", tmp_path / "new" / "two.log"
    write(logs, one, b"")
    one.unlink()
    write(logs, two, b"two\n")
    assert two.read_bytes() == b"two\n"


def test_links_are_not_followed(logs: Logs, tmp_path: Path) -> None:
    aim, one, two = tmp_path / "aim", tmp_path / "one.log", tmp_path / "two.log"
    aim.write_bytes(b"")
    one.symlink_to(aim)
    logs.leave(str(one))
    write(logs, two, b"two\n")
    assert aim.read_bytes() == b""
    assert one.is_symlink()
