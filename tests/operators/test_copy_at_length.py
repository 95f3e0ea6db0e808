"""`copy` of much data: memory stays as it was, and a process that is killed on the way has changed nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.databases import Servers
from tests.operators.attempts import attempt, run
from tests.operators.test_copy import make, place, tell
from yamldag.operators import copy
from yamldag.operators.connections import read
from yamldag.operators.contract import Json, Outcome

_MEASURE = """
import json, re, sys
from yamldag.executors.copying import copy
def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
assert copy.copy(json.load(open(sys.argv[1])))["state"] == "success"
before = peak()
told = copy.copy(json.load(open(sys.argv[2])))
print(json.dumps([told, peak() - before]))
"""
_MANY = 300_000
"""Rows: 36 MB as JSON lines."""
_MOST = 5
"""MB by which a process may grow."""


def growth(folder: Path, small: Mapping[str, Any], big: Mapping[str, Any]) -> tuple[dict[str, Any], float]:
    """What came of the big one, and by how many MB the process grew that had done the small one before."""
    for name, params in (("small", small), ("big", big)):
        work = copy.prepare(params, {}, attempt(folder))
        assert not isinstance(work, Outcome), work
        (folder / f"{name}.spec").write_text(json.dumps(work.spec))
    command = [sys.executable, "-c", _MEASURE, "small.spec", "big.spec"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told, grown = json.loads(done.stdout.splitlines()[-1])
    assert told["state"] == "success", told
    return told["output"], grown / 1024


def write(path: Path, many: int) -> None:
    filling = "x" * 80
    with path.open("w") as file:
        file.write("id,name\n")
        file.writelines(f"{number},{filling}{number:010}\n" for number in range(many))


def test_files_and_tables_of_any_length_take_no_memory(database_servers: Servers, tmp_path: Path) -> None:
    url = database_servers.make("postgresql")
    server: dict[str, Json] = {**read("db", url), "root": str(tmp_path)}
    lite: dict[str, Json] = {**read("lite", "sqlite:///lite.db"), "root": str(tmp_path)}
    write(tmp_path / "big.csv", _MANY)
    write(tmp_path / "small.csv", 2000)
    try:
        for each in (server, lite):
            make(each, "birds")
        table: dict[str, Json] = {"connection": server, "table": "birds"}
        here: dict[str, Json] = {**table, "mode": "upsert", "key": "id"}
        there: dict[str, Json] = {"connection": lite, "table": "birds", "mode": "replace"}
        some: dict[str, Json] = {"connection": server, "query": "select * from birds where id < 2000"}
        names: dict[str, Json] = {"connection": lite, "query": "select id, name from birds"}
        for small, big in (
            ({"from": "small.csv", "to": here}, {"from": "big.csv", "to": here}),
            ({"from": some, "to": there}, {"from": table, "to": there}),
            ({"from": some, "to": "out.jsonl"}, {"from": names, "to": "out.jsonl"}),
            ({"from": "small.csv", "to": there}, {"from": "out.jsonl", "to": there}),
        ):
            output, grown = growth(tmp_path, small, big)
            assert output["rows"] == _MANY
            assert grown < _MOST, (big, grown)
        assert (tmp_path / "out.jsonl").stat().st_size > 6 * _MOST << 20
    finally:
        database_servers.drop("postgresql", url)


def test_an_object_store_takes_no_more_than_some_blocks(bucket: dict[str, Json], tmp_path: Path) -> None:
    (tmp_path / "small").write_bytes(bytes(6 << 20))
    with (tmp_path / "big").open("wb") as file:
        file.truncate(200 << 20)
    there = place(bucket, "big")
    output, grown = growth(
        tmp_path, {"from": "small", "to": place(bucket, "small")}, {"from": "big", "to": there}
    )
    assert output["bytes"] == 200 << 20
    assert grown < 30, grown
    output, grown = growth(
        tmp_path, {"from": place(bucket, "small"), "to": "back"}, {"from": there, "to": "back"}
    )
    assert grown < 30, grown
    assert (tmp_path / "back").stat().st_size == 200 << 20


@pytest.mark.parametrize("mode", ["append", "replace", "upsert"])
def test_a_process_that_is_killed_has_changed_nothing_and_may_come_again(
    database_url: str, tmp_path: Path, mode: str
) -> None:
    """It is killed while it waits for the rest of its source, a pipe, with half of the rows sent."""
    (tmp_path / ".yamldag").mkdir(exist_ok=True)
    connection: dict[str, Json] = {**read("db", database_url), "root": str(tmp_path)}
    make(connection, "birds")
    tell(connection, "insert into birds values (1, 'old', 1, null), (2, 'kept', 1, null)")
    os.mkfifo(tmp_path / "pipe")
    key: Json = "id" if mode == "upsert" else None
    to: dict[str, Json] = {"connection": connection, "table": "birds", "mode": mode, "key": key}
    work = copy.prepare({"from": {"url": "pipe", "format": "csv"}, "to": to}, {}, attempt(tmp_path))
    assert not isinstance(work, Outcome)
    (tmp_path / "spec").write_text(json.dumps(work.spec))
    rows = "".join(f"{number},{'x' * 60}\n" for number in (1 if mode != "append" else 9, *range(10, 20_000)))
    with subprocess.Popen(work.argv, cwd=tmp_path) as process, (tmp_path / "pipe").open("w") as pipe:
        pipe.write(f"id,name\n{rows}")
        pipe.flush()  # a pipe holds 64 KiB: all but that was read
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert [row[:2] for row in tell(connection, "select id, name from birds order by id")] == [
        (1, "old"),
        (2, "kept"),
    ]
    (tmp_path / "all.csv").write_text(f"id,name\n{rows}")
    again = run("copy", tmp_path, {"from": "all.csv", "to": to})
    assert again.state == "success", again
    (count,) = tell(connection, "select count(*) from birds")
    assert count[0] == {"append": 19_993, "replace": 19_991, "upsert": 19_992}[mode]
    tell(connection, "drop table birds")
