"""`copy`: between files, real stores and real databases, whole or not at all."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
import sqlalchemy as sa

from tests.answering import Asked, Said, answering
from tests.operators.attempts import run as run_apart
from tests.operators.attempts import run_here as run
from tests.operators.stores import ftp_server, sftp_server
from yamldag.operators.connections import database_url, read
from yamldag.operators.contract import Json, Outcome

HOSTILE = ['a,"b"\nc\r\n', "", None, "é𝄞\t\\N \\.", "'; drop table birds; --", " spaces ", '""', "true"]
"""Texts that a format may lose."""


@pytest.fixture
def database(database_url: str, tmp_path: Path) -> dict[str, Json]:
    (tmp_path / ".yamldag").mkdir(exist_ok=True)
    return {**read("db", database_url), "root": str(tmp_path)}


@pytest.fixture(params=["file", "s3", "sftp", "ftp"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dict[str, Json]]:
    """The place of a folder in each kind of store, as an end of a copy without its path."""
    folder = tmp_path / "store"
    folder.mkdir()
    if request.param == "file":
        yield {"type": "file"}
    elif request.param == "s3":
        yield request.getfixturevalue("bucket")
    else:
        with (sftp_server if request.param == "sftp" else ftp_server)(folder) as connection:
            yield connection


def place(store: dict[str, Json], name: str) -> dict[str, Json]:
    return {"url": f"store/{name}"} if store["type"] == "file" else {"connection": store, "path": name}


def tell(connection: dict[str, Json], *statements: str) -> list[tuple[Any, ...]]:
    """What the last one answers."""
    engine = sa.create_engine(database_url(connection, str(connection["root"])), poolclass=sa.NullPool)
    with engine.begin() as opened:
        for each in statements:
            result = opened.exec_driver_sql(each)
        return [tuple(row) for row in result] if result.returns_rows else []


def make(connection: dict[str, Json], table: str, *, key: bool = True) -> None:
    primary = ", primary key (id)" if key else ""
    tell(
        connection,
        f"drop table if exists {table}",
        f"create table {table} (id int, name varchar(200), amount decimal(20, 5), seen timestamp null{primary})",
    )


def fill(connection: dict[str, Json], table: str) -> list[tuple[Any, ...]]:
    make(connection, table)
    engine = sa.create_engine(database_url(connection, str(connection["root"])), poolclass=sa.NullPool)
    with engine.begin() as opened:
        for number, text in enumerate(HOSTILE):
            opened.execute(
                sa.text(f"insert into {table} values (:id, :name, :amount, '2026-01-02 03:04:05')"),
                {"id": number, "name": text, "amount": f"{number}.12345"},
            )
    return rows(connection, table)


def rows(connection: dict[str, Json], table: str) -> list[tuple[Any, ...]]:
    return [
        tuple(map(str, row))
        for row in tell(connection, f"select id, name, amount, seen from {table} order by id")
    ]


def done(outcome: Outcome) -> dict[str, Json]:
    assert outcome.state == "success", outcome
    assert isinstance(outcome.output, dict)
    return outcome.output


@pytest.mark.parametrize("name", ["r.csv", "r.jsonl", "r.json", "r.csv.gz", "r.parquet"])
def test_a_table_goes_to_a_file_and_comes_back_as_it_was(
    database: dict[str, Json], tmp_path: Path, name: str
) -> None:
    before = fill(database, "birds")
    there = done(run("copy", tmp_path, {"from": {"connection": database, "table": "birds"}, "to": name}))
    assert there == {"rows": len(HOSTILE), "bytes": (tmp_path / name).stat().st_size}
    back = {"connection": database, "table": "birds", "mode": "replace"}
    assert done(run("copy", tmp_path, {"from": name, "to": back}))["rows"] == len(HOSTILE)
    assert rows(database, "birds") == before
    assert not list(tmp_path.glob(".*part"))


RICH = {
    "postgresql": (
        "j jsonb, a int[], t text[], u uuid, v interval, b boolean, x bytea",
        [
            """'{"k": [1, null, "é"]}', '{1,null,3}', '{"a,b",null,""}', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '26:00:03.5', true, null""",
            "'[]', '{}', '{}', null, '-100:00:00', false, null",
            """'[{"k": 1}, {"l": 2}]', null, null, null, null, null, null""",
        ],
    ),
    "mariadb": (
        "j json, b boolean, s bit(3), o bit(1), t time, d decimal(30, 10)",
        [
            """'{"k": [1, null]}', true, b'101', b'1', '-100:00:00', 12345678901234567890.123456789""",
            "'[]', false, b'0', b'0', '12:30:00', -0.5",
            "null, null, null, null, null, null",
        ],
    ),
}
"""Columns by kind of server, and rows in them."""


@pytest.mark.parametrize("server_url", ["postgresql", "mariadb"], indirect=True)
@pytest.mark.parametrize("name", ["r.csv", "r.jsonl", "r.parquet"])
def test_values_of_every_type_come_back_as_they_were(server_url: str, tmp_path: Path, name: str) -> None:
    database = {**read("db", server_url), "root": str(tmp_path)}
    columns, values = RICH[str(database["type"])]
    tell(
        database,
        *(f"drop table if exists {table}" for table in ("rich", "poor")),
        *(f"create table {table} (id int primary key, {columns})" for table in ("rich", "poor")),
        *(f"insert into rich values ({number}, {row})" for number, row in enumerate(values)),
    )
    done(run("copy", tmp_path, {"from": {"connection": database, "table": "rich"}, "to": name}))
    done(run("copy", tmp_path, {"from": name, "to": {"connection": database, "table": "poor"}}))
    wanted, found = (tell(database, f"select * from {table} order by id") for table in ("rich", "poor"))
    assert found == wanted


def test_a_file_goes_to_every_store_and_comes_back(store: dict[str, Json], tmp_path: Path) -> None:
    data = bytes(range(256)) * 40_000
    (tmp_path / "in.bin").write_bytes(data)
    there = place(store, "deep/er/out é.bin")
    if store["type"] == "ftp":
        (tmp_path / "store/deep/er").mkdir(parents=True)
    for _ in range(2):  # what is there is replaced
        assert done(run_apart("copy", tmp_path, {"from": "in.bin", "to": there})) == {
            "rows": None,
            "bytes": len(data),
        }
    assert done(run_apart("copy", tmp_path, {"from": there, "to": "back.bin"}))["bytes"] == len(data)
    assert (tmp_path / "back.bin").read_bytes() == data
    if store["type"] == "s3":
        with urlopen(Request(f"{store['endpoint']}/lake?list-type=2"), timeout=30) as answer:
            assert "<Key>deep/er/out é.bin</Key>" in answer.read().decode()
    else:
        assert (tmp_path / "store/deep/er/out é.bin").read_bytes() == data
    assert not [path for path in (tmp_path / "store").rglob("*") if path.name.startswith(".")]


def test_what_is_not_there_and_who_may_not_are_told_in_words(store: dict[str, Json], tmp_path: Path) -> None:
    missing = run_apart("copy", tmp_path, {"from": place(store, "none.csv"), "to": "x.csv"})
    assert missing.reason.startswith("there is no `"), missing
    assert "none.csv" in missing.reason
    assert not (tmp_path / "x.csv").exists()
    if store["type"] in ("sftp", "ftp"):
        wrong = run_apart(
            "copy", tmp_path, {"from": place({**store, "password": "wrong-wrong"}, "a"), "to": "x"}
        )
        assert "does not let us in" in wrong.reason, wrong
        assert "wrong-wrong" not in wrong.reason


def test_a_server_of_another_key_is_not_trusted(tmp_path: Path) -> None:
    import asyncssh

    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    with sftp_server(tmp_path) as connection:
        outcome = run_apart(
            "copy", tmp_path, {"from": place({**connection, "host_key": other}, "a"), "to": "x"}
        )
    assert "is not one that is known" in outcome.reason, outcome
    assert not outcome.retry


def test_a_form_becomes_another(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('id,name\n1,"x, y"\n2,\n3,""\n')
    assert done(run("copy", tmp_path, {"from": "a.csv", "to": "b.jsonl.gz"}))["rows"] == 3
    lines = gzip.decompress((tmp_path / "b.jsonl.gz").read_bytes()).decode().splitlines()
    assert [json.loads(line)["name"] for line in lines] == ["x, y", None, ""]
    assert (
        done(run("copy", tmp_path, {"from": "b.jsonl.gz", "to": {"url": "c.txt", "format": "csv"}}))["rows"]
        == 3
    )
    assert (tmp_path / "c.txt").read_text() == """id,name\n1,"x, y"\n2,\n3,""\n"""
    assert done(run("copy", tmp_path, {"from": "a.csv", "to": "a.csv.gz"}))["rows"] is None
    assert gzip.decompress((tmp_path / "a.csv.gz").read_bytes()) == (tmp_path / "a.csv").read_bytes()


def test_a_long_text_comes_back(tmp_path: Path) -> None:
    lite: dict[str, Json] = {**read("lite", "sqlite:///lite.db"), "root": str(tmp_path)}
    tell(
        lite,
        TABLE,
        "insert into birds values (1, printf('%.*c', 300000, 'x'))",
        "create table back (id int, name text)",
    )
    for source, target in (({"table": "birds"}, "r.csv"), ("r.csv", {"table": "back"})):
        ends = [{**end, "connection": lite} if isinstance(end, dict) else end for end in (source, target)]
        done(run("copy", tmp_path, {"from": ends[0], "to": ends[1]}))
    assert tell(lite, "select length(name) from back") == [(300_000,)]


def test_upsert_overwrites_by_key_and_the_last_of_two_wins(database: dict[str, Json], tmp_path: Path) -> None:
    make(database, "birds")
    tell(database, "insert into birds values (1, 'old', 1, null), (5, 'kept', 5, null)")
    (tmp_path / "new.csv").write_text("name,id\nfirst,1\nnew,2\nlast,1\n")
    end: dict[str, Json] = {"connection": database, "table": "birds", "mode": "upsert", "key": "id"}
    for _ in range(2):
        assert done(run("copy", tmp_path, {"from": "new.csv", "to": end}))["rows"] == 3
    assert tell(database, "select id, name, amount from birds order by id")[0][:2] == (1, "last")
    assert [row[:3] for row in rows(database, "birds")] == [
        ("1", "last", rows(database, "birds")[0][2]),
        ("2", "new", "None"),
        ("5", "kept", rows(database, "birds")[2][2]),
    ]
    assert float(rows(database, "birds")[0][2]) == 1


def test_append_keeps_and_replace_takes_the_place(database: dict[str, Json], tmp_path: Path) -> None:
    make(database, "birds", key=False)
    (tmp_path / "new.jsonl").write_text('{"id": 1, "name": "x"}\n{"id": 2}\n')
    end: dict[str, Json] = {"connection": database, "table": "birds"}
    for _ in range(2):
        run("copy", tmp_path, {"from": "new.jsonl", "to": end})
    assert len(rows(database, "birds")) == 4
    run("copy", tmp_path, {"from": "new.jsonl", "to": {**end, "mode": "replace"}})
    assert [row[:2] for row in rows(database, "birds")] == [("1", "x"), ("2", "None")]


@pytest.mark.parametrize("mode", ["append", "replace", "upsert"])
@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_a_load_that_breaks_leaves_all_as_it_was(
    database: dict[str, Json], tmp_path: Path, mode: str, form: str
) -> None:
    before = fill(database, "birds")
    good = [{"id": 100 + number, "name": "x" * 50} for number in range(5000)]
    bad = (
        {"id": 100, "name": "x" * 500}
        if database["type"] != "sqlite"
        else {"id": 100, "name": "x", "more": 1}
    )
    if form == "csv":
        lines = [f"{each['id']},{each['name']}" for each in [*good, bad]]
        broken = [*lines, "1,2,3"] if database["type"] == "sqlite" else lines
        (tmp_path / "in.csv").write_text("\n".join(["id,name", *broken]) + "\n")
    else:
        (tmp_path / "in.jsonl").write_text("\n".join(map(json.dumps, [*good, bad])) + "\n")
    end = {"connection": database, "table": "birds", "mode": mode, "key": "id" if mode == "upsert" else None}
    outcome = run("copy", tmp_path, {"from": f"in.{form}", "to": end})
    assert outcome.state == "failed", outcome
    assert outcome.reason
    assert rows(database, "birds") == before


def test_one_database_fills_another(server_url: str, tmp_path: Path) -> None:
    far: dict[str, Json] = {**read("far", server_url), "root": str(tmp_path)}
    near: dict[str, Json] = {**read("near", "sqlite:///near.db"), "root": str(tmp_path)}
    fill(far, "birds")
    make(near, "birds")
    query = {
        "connection": far,
        "query": "select id, name from birds where id >= :least",
        "params": {"least": 3},
    }
    assert done(run("copy", tmp_path, {"from": query, "to": {"connection": near, "table": "birds"}})) == {
        "rows": len(HOSTILE) - 3, "bytes": None
    }  # fmt: skip
    wanted = [(number, text) for number, text in enumerate(HOSTILE) if number >= 3]
    assert tell(near, "select id, name from birds order by id") == wanted
    make(far, "birds")
    done(
        run(
            "copy",
            tmp_path,
            {"from": {"connection": near, "table": "birds"}, "to": {"connection": far, "table": "birds"}},
        )
    )
    assert [(int(row[0]), row[1]) for row in rows(far, "birds")] == wanted
    tell(far, "drop table birds")


TABLE = "create table birds (id int, name text)"


@pytest.mark.parametrize(
    ("source", "target", "reason"),
    [
        ("none.csv", "x.csv", "there is no `/"),
        ("a.csv", {"table": "none"}, "there is no table `none`"),
        ("semi.csv", {"table": "birds"},
         "the table `birds` has no column `id;name`: values are to be separated by commas, found `;`"),
        ("short.csv", {"table": "birds"}, "line 2 has 1 value, and the first one 2"),
        ("open.csv", {"table": "birds"}, "line 2 is no CSV: a quote is never closed"),
        ("a.csv", {"table": "bird"}, "there is no table `bird`; did you mean `birds`?"),
        ("b.csv", {"table": "birds"}, "the table `birds` has no column `nam`; did you mean `name`?"),
        ("a.csv", {"table": "birds", "mode": "upsert", "key": "id"},
         "`upsert` needs a primary key or a unique index on `id`, and `birds` has none"),
        ("a.csv", {"table": "birds", "mode": "upsert"}, "`mode: upsert` needs a `key`: the columns that tell rows apart"),
        ("a.csv", {"table": "birds", "mode": "upsert", "key": "day"}, "the key `day` is none of the columns that come: id, name"),
        ("a.csv", {"table": "birds", "mode": "merge"}, "`mode` should be one of append, replace, upsert, found `merge`"),
        ("a.csv", {}, "`to` needs a `table`"),
        ("c.csv", {"table": "birds"}, "line 3 has 3 values, and the first one 2"),
        ("d.csv", {"table": "birds"}, "two columns are called `id`"),
        ("e.csv", {"table": "birds"}, "the file is empty: its first line should name the columns"),
        ("f.jsonl", {"table": "birds"}, "line 2 is not JSON: column 2 is not understood"),
        ("g.jsonl", {"table": "birds"}, "row 2 has `more`, which the first row does not have"),
        ("h.json", {"table": "birds"}, "the file is no list of rows in JSON: what follows row 1 is not understood"),
        ("i.jsonl", {"table": "birds"}, "row 1 should be a mapping of columns to values"),
        ("j.csv.gz", {"table": "birds"}, "is no whole gzip file"),
        ("k.csv", {"table": "birds"}, "is no CSV: it is not UTF-8 text"),
        ("a.txt", {"table": "birds"}, "can't be told from its name: set its `format`"),
        ("a.csv", "http://127.0.0.1/x", "`to` can't be a web address"),
        ("a.csv", "a.csv", "`from` and `to` are the same file"),
        ("a.csv", "nope://x/y", "nothing here knows what `nope` is"),
        ("a.csv", "gs://x/y.csv", "`gs` needs one more package; fsspec says: Please install gcsfs"),
        ({"query": "select 1; select 2"}, "x.csv", "`query` should be one statement that gives rows, found 2"),
        ({"query": "delete from birds"}, "x.csv", "the query gives no rows"),
        ({"query": "select :a"}, "x.csv", "the query names `:a`, and `params` has no `a`"),
        ({"query": "select 1 as a, 2 as a"}, "x.csv", "two columns are called `a`"),
        ({"table": "birds"}, "x.txt", "set its `format`"),
    ],
)  # fmt: skip
def test_mistakes_are_told_in_words(tmp_path: Path, source: Json, target: Json, reason: str) -> None:
    lite: dict[str, Json] = {**read("lite", "sqlite:///lite.db"), "root": str(tmp_path)}
    tell(lite, TABLE)
    files = {
        "a.csv": "id,name\n1,x\n", "a.txt": "id\n1\n", "b.csv": "id,nam\n1,x\n", "c.csv": "id,name\n1,x\n1,2,3\n", "d.csv": "id,id\n", "e.csv": "",
        "f.jsonl": '{"id": 1}\n{nope\n', "g.jsonl": '{"id": 1}\n{"more": 2}\n', "h.json": '[{"id": 1}, nope]', "i.jsonl": "[1]\n",
        "semi.csv": "id;name\n1;x\n", "short.csv": "id,name\n1\n", "open.csv": 'id,name\n1,"x\n',
    }  # fmt: skip
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "j.csv.gz").write_bytes(gzip.compress(b"id\n" + b"1\n" * 9999)[:-20])
    (tmp_path / "k.csv").write_bytes(b"id,name\n1,\xff\xfe\n")
    ends = [{**end, "connection": lite} if isinstance(end, dict) else end for end in (source, target)]
    outcome = run("copy", tmp_path, {"from": ends[0], "to": ends[1]})
    assert outcome.state == "failed"
    assert reason in outcome.reason, outcome
    assert tell(lite, "select * from birds") == []
    assert not (tmp_path / "x.csv").exists()


def test_an_upload_that_breaks_off_leaves_the_object_as_it_was(
    bucket: dict[str, Json], tmp_path: Path
) -> None:
    lite: dict[str, Json] = {**read("lite", "sqlite:///lite.db"), "root": str(tmp_path)}
    to = {"connection": bucket, "path": "half.csv"}
    (tmp_path / "a.csv").write_text("n\n1\n")
    done(run_apart("copy", tmp_path, {"from": "a.csv", "to": to}))
    query = """with recursive t (n, s) as (select 1, hex(randomblob(500)) union all select n + 1, s from t where n < 20000)
      select n, s, case when n = 20000 then 9e999 else 1.5 end as x from t"""
    outcome = run_apart("copy", tmp_path, {"from": {"connection": lite, "query": query}, "to": to})
    assert outcome.reason == "the column `x` holds `inf`, which JSON does not have"
    done(run_apart("copy", tmp_path, {"from": to, "to": "back.csv"}))
    assert (tmp_path / "back.csv").read_text() == "n\n1\n"
    with urlopen(Request(f"{bucket['endpoint']}/lake?uploads"), timeout=30) as answer:
        assert b"half.csv" not in answer.read()  # nothing is left half-way, to be paid for


def test_a_file_comes_from_the_web_and_what_signs_in_stays_with_its_host(tmp_path: Path) -> None:
    def answer(asked: Asked) -> Said:
        if asked.path == "/away":
            return Said(302, headers={"Location": f"http://localhost:{site.server_port}/a.csv"})
        return Said(404 if asked.path == "/none.csv" else 200, b"n\n1\n2\n")

    with answering(answer) as site:
        url = site.url
        connection: dict[str, Json] = {"type": "http", "url": url, "headers": {"X-Key": "k"}}
        assert (
            done(
                run("copy", tmp_path, {"from": {"connection": connection, "path": "a.csv"}, "to": "b.jsonl"})
            )["rows"]
            == 2
        )
        assert (tmp_path / "b.jsonl").read_text() == '{"n": "1"}\n{"n": "2"}\n'
        away = run("copy", tmp_path, {"from": {"connection": connection, "path": "away"}, "to": "c.csv"})
        assert away.reason == "it redirects to `localhost`, which is not the connection's own host"
        missing = run("copy", tmp_path, {"from": f"{url}/none.csv", "to": "c.csv"})
        assert missing.reason == f"`{url}/none.csv` answers 404 Not Found"
        heard = [(asked.path, asked.headers.get("X-Key")) for asked in site.came]
        assert heard == [("/a.csv", "k"), ("/away", "k"), ("/none.csv", None)]
        assert not (tmp_path / "c.csv").exists()
