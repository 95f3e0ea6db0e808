"""`sql`: statements on real databases of three kinds, and every way in which they may go wrong."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.operators.attempts import attempt, log, run
from yamldag.operators import sql
from yamldag.operators.connections import read
from yamldag.operators.contract import Json, Outcome


@pytest.fixture
def database(database_url: str, tmp_path: Path) -> dict[str, Json]:
    """A connection to an empty database of each kind, as a guard resolves it."""
    (tmp_path / ".yamldag").mkdir(exist_ok=True)
    return {**read("db", database_url), "root": str(tmp_path)}


@pytest.fixture
def lite(tmp_path: Path) -> dict[str, Json]:
    return {**read("lite", "sqlite:///lite.db"), "root": str(tmp_path)}


def _rows(outcome: Outcome) -> Json:
    assert isinstance(outcome.output, dict), outcome
    return outcome.output["rows"]


def test_statements_are_one_transaction_and_values_are_bound(
    database: dict[str, Json], tmp_path: Path
) -> None:
    hostile = "Robert'); DROP TABLE birds; --\\ :n %s ?"
    script = """
      -- a comment; with a semicolon and :no value
      drop table if exists birds;
      create table birds (id int primary key, name varchar(100), seen varchar(20));
      insert into birds values (1, :name, '12:30 :x'), (:id, 'it''s', 'a;b');
      select id, name, seen from birds order by id
    """
    made = run(
        "sql", tmp_path, {"connection": database, "query": script, "params": {"name": hostile, "id": 2}}
    )
    assert _rows(made) == [
        {"id": 1, "name": hostile, "seen": "12:30 :x"},
        {"id": 2, "name": "it's", "seen": "a;b"},
    ]
    assert log(tmp_path).endswith("select: 2 rows\n")
    listed: dict[str, Json] = {
        "connection": database,
        "query": "select name from birds where id = ? and seen like '%;%'",
        "params": [2],
    }
    assert run("sql", tmp_path, listed).output == {"rows": [{"name": "it's"}], "rowcount": 1}
    changed: dict[str, Json] = {"connection": database, "query": "update birds set name = 'x' where id > 0"}
    assert run("sql", tmp_path, changed).output == {"rows": [], "rowcount": 2}
    broken: dict[str, Json] = {
        "connection": database,
        "query": "delete from birds; insert into birds values (1, 'a', 'b'), (1, 'a', 'b')",
    }
    failed = run("sql", tmp_path, broken)
    assert failed.state == "failed"
    assert failed.retry
    count = run(
        "sql",
        tmp_path,
        {"connection": database, "query": "select count(*) as n from birds; drop table birds"},
    )
    assert count.output == {"rows": [], "rowcount": 0}


def test_nothing_stays_of_what_failed(database: dict[str, Json], tmp_path: Path) -> None:
    params: dict[str, Json] = {
        "connection": database,
        "query": "drop table if exists t; create table t (n int)",
    }
    assert run("sql", tmp_path, params).state == "success"
    assert (
        run("sql", tmp_path, {**params, "query": "insert into t values (1); select * from missing"}).state
        == "failed"
    )
    missed = run(
        "sql", tmp_path, {**params, "query": "insert into t values (1); select n from t", "expect": 0}
    )
    assert missed.reason == "expected 0 rows, found 1"
    assert _rows(run("sql", tmp_path, {**params, "query": "select count(*) as n from t"})) == [{"n": 0}]
    assert run("sql", tmp_path, {**params, "query": "drop table t"}).state == "success"


QUERIES: dict[str, tuple[str, dict[str, Json]]] = {
    "sqlite": ("select 1.5 as f, null as n, x'ff00' as b, 9007199254740993 as i, 'é' as s", {
        "f": 1.5, "n": None, "b": "/wA=", "i": 9007199254740993, "s": "é"}),
    "postgresql": (
        "select 1.50 as f, sum(x) as n, true as t, date '2026-01-02' as d, timestamptz '2026-01-02 03:04:05+00' as m,"
        " array[1, 2] as a, '{\"k\": [1.5]}'::jsonb as j, 0.1234567890123456789 as p, interval '1 day' as v"
        " from (values (1), (2)) as v (x)",
        {"f": 1.5, "n": 3, "t": True, "d": "2026-01-02", "a": [1, 2], "j": {"k": [1.5]},
         "p": "0.1234567890123456789", "v": "1 day, 0:00:00"}),
    "mariadb": ("select 1.50 as f, sum(x) as n, cast('2026-01-02' as date) as d, x'ff00' as b, time '-100:00:00' as t,"
                " time '12:30:00.5' as c from (select 1 as x union all select 2) v",
                {"f": 1.5, "n": 3, "d": "2026-01-02", "b": "/wA=", "t": "-100:00:00", "c": "12:30:00.5"}),
}  # fmt: skip


def test_values_become_json(database: dict[str, Json], tmp_path: Path) -> None:
    query, wanted = QUERIES[str(database["type"])]
    rows = _rows(run("sql", tmp_path, {"connection": database, "query": query}))
    assert isinstance(rows, list)
    assert isinstance(rows[0], dict)
    assert {name: rows[0][name] for name in wanted} == wanted


@pytest.mark.parametrize("server_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("given", ["'infinity'::date", "'20000-01-01'::timestamp", "date '0044-03-15 BC'"])
def test_a_value_that_cannot_be_read_is_no_lost_connection(
    server_url: str, tmp_path: Path, given: str
) -> None:
    connection = {**read("db", server_url), "root": str(tmp_path)}
    outcome = run("sql", tmp_path, {"connection": connection, "query": f"select {given} as a"})
    assert outcome.state == "failed"
    assert outcome.reason.startswith(("date too", "timestamp too")), outcome
    assert outcome.reason.endswith("a value that can't be read as it is; cast it to text in the query")


@pytest.mark.parametrize("server_url", ["postgresql"], indirect=True)
def test_what_follows_the_body_of_a_function_is_a_statement_of_its_own(
    server_url: str, tmp_path: Path
) -> None:
    connection = {**read("db", server_url), "root": str(tmp_path)}
    query = "create function f() returns int as $$ begin return 7; end; $$ language plpgsql; select f() as n"
    assert _rows(run("sql", tmp_path, {"connection": connection, "query": query})) == [{"n": 7}]


MANY = "with recursive c (n) as (select 1 union all select n + 1 from c where n < 900) select n, n * 2 as d, 'é,\"x' as s from c"


@pytest.mark.parametrize("ending", ["csv", "json", "jsonl"])
def test_rows_are_saved(database: dict[str, Json], tmp_path: Path, ending: str) -> None:
    params: dict[str, Json] = {"connection": database, "query": MANY, "save_to": f"new/rows.{ending}"}
    assert run("sql", tmp_path, params).output == {"rows": [], "rowcount": 900}
    text = (tmp_path / "new" / f"rows.{ending}").read_text()
    if ending == "csv":
        head, *rows = csv.reader(text.splitlines())
        assert head == ["n", "d", "s"]
        assert rows[-1] == ["900", "1800", 'é,"x']
    else:
        found = json.loads(text) if ending == "json" else [json.loads(line) for line in text.splitlines()]
        assert found[-1] == {"n": 900, "d": 1800, "s": 'é,"x'}
    assert [path.name for path in (tmp_path / "new").iterdir()] == [f"rows.{ending}"]


def test_no_rows_are_saved_too(lite: dict[str, Json], tmp_path: Path) -> None:
    for ending, wanted in (("csv", "a\n"), ("json", "[]\n"), ("jsonl", "")):
        run(
            "sql",
            tmp_path,
            {"connection": lite, "query": "select 1 as a where 1 = 0", "save_to": f"o.{ending}"},
        )
        assert (tmp_path / f"o.{ending}").read_text() == wanted


def test_parquet_needs_a_package_and_says_which(lite: dict[str, Json], tmp_path: Path) -> None:
    outcome = run("sql", tmp_path, {"connection": lite, "query": MANY, "save_to": "rows.parquet"})
    try:
        from pyarrow import parquet
    except ModuleNotFoundError:
        assert outcome.reason == "Parquet needs one more package: pip install 'yamldag[parquet]'"
        assert not list(tmp_path.glob("rows*"))
    else:
        assert outcome.output == {"rows": [], "rowcount": 900}
        assert parquet.read_table(tmp_path / "rows.parquet").to_pylist()[-1] == {
            "n": 900,
            "d": 1800,
            "s": 'é,"x',
        }


def test_too_many_rows_are_refused_with_help(lite: dict[str, Json], tmp_path: Path) -> None:
    query = MANY.replace("900", "30000")
    outcome = run("sql", tmp_path, {"connection": lite, "query": query})
    words = "the rows are longer than 1 MiB: keep them in a file with `save_to`, or select fewer"
    assert outcome == Outcome("failed", words)
    assert run("sql", tmp_path, {"connection": lite, "query": query, "save_to": "a.csv"}).state == "success"


TWO = "select 1 as n, 'a' as s union all select 2, 'b'"


@pytest.mark.parametrize(
    ("expect", "reason"),
    [
        (2, ""),
        ({"n": 1}, ""),
        ({"n": 1, "s": "a"}, ""),
        ([{"n": 1, "s": "a"}, {"n": 2, "s": "b"}], ""),
        ("rowcount > 1", ""),
        ("rows[1].s == 'b'", ""),
        (3, "expected 3 rows, found 2"),
        ({"n": 2}, "expected `n` to be `2`, found `1`"),
        ({"m": 2}, "`expect` names the column `m`, which the result does not have"),
        ([], 'expected the rows `[]`, found `[{"n": 1, "s": "a"}, {"n": 2, "s": "b"}]`'),
        ("rowcount == 1", "expected `rowcount == 1`, found a rowcount of 2"),
        ("nothing", "`expect`: there is no `nothing`"),
        (True, "`expect` can't be `true`: give a number of rows, a row, rows or an expression"),
    ],
)
def test_what_is_expected(lite: dict[str, Json], tmp_path: Path, expect: Json, reason: str) -> None:
    outcome = run("sql", tmp_path, {"connection": lite, "query": TWO, "expect": expect})
    assert (outcome.state, outcome.reason) == ("failed" if reason else "success", reason)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"query": "select :a", "params": {"b": 1}}, "the query names `:a`, and `params` has no `a`"),
        ({"query": "select :a", "params": {"a": 1, "b": 1}}, "`params` has `b`, and the query has no `:b`"),
        ({"query": "select ?", "params": [1, 2]}, "the query has 1 `?`, and `params` has 2 values"),
        ({"query": "select ?, ?", "params": [1]}, "the query has 2 `?`, and `params` has 1 value"),
        ({"query": "select :a", "params": {"a": 2**70}},
         "a number has more than the 64 bits that the database takes: give it as text"),
        ({"query": "select 1 as a, 2 as a"}, "two columns are called `a`: tell them apart with `as`"),
        ({"query": " ; -- nothing\n"}, "there is no statement in it"),
        ({"query": "select 9e999 as big"}, "the column `big` holds `inf`, which JSON does not have"),
        ({"query": "selec 1"}, 'near "selec": syntax error'),
        ({"query": "select 1", "save_to": "rows.xls"},
         "`save_to` should end with one of `.csv`, `.json`, `.jsonl`, `.ndjson`, `.parquet`, found `rows.xls`"),
        ({"query": "select 1", "save_to": "/proc/none/rows.csv"}, "`/proc/none` can't be written: no such file or directory"),
        ({"query": None, "file": "none.sql"}, "the file `none.sql` can't be read: no such file or directory"),
        ({"connection": None}, "`sql` needs a `connection`: the id of one of `connections:` in yamldag.yml"),
        ({"connection": {"host": "h"}}, "the connection can't be used: it has no `type`, such as `postgresql`, and no `url`"),
        ({"connection": {"type": "nodb", "url": "nodb://h"}}, "there is no SQLAlchemy dialect `nodb` installed here"),
        ({"connection": {"type": "oracle", "url": "oracle+oracledb://h"}},
         "this kind of database needs one more package: pip install oracledb"),
    ],
)  # fmt: skip
def test_mistakes_are_told_in_words(
    lite: dict[str, Json], tmp_path: Path, change: dict[str, Json], reason: str
) -> None:
    outcome = run("sql", tmp_path, {"connection": lite, "query": TWO, **change})
    assert (outcome.state, outcome.reason) == ("failed", reason)


def test_a_file_is_read_beside_the_pipeline(lite: dict[str, Json], tmp_path: Path) -> None:
    (tmp_path / "q.sql").write_text("select :n + 1 as n;\n")
    outcome = run("sql", tmp_path, {"connection": lite, "file": "q.sql", "params": {"n": 1}})
    assert _rows(outcome) == [{"n": 2}]


@pytest.mark.parametrize("server_url", ["postgresql", "mariadb"], indirect=True)
def test_a_server_that_does_not_let_us_in(server_url: str, tmp_path: Path) -> None:
    parts = urlsplit(server_url)
    nobody = parts._replace(netloc=f"nobody_here:wrong@{parts.hostname}:{parts.port}").geturl()
    nowhere = parts._replace(netloc=f"u@{parts.hostname}:1").geturl()
    for url in (nobody, nowhere):
        connection: dict[str, Json] = {**read("db", url), "root": "/"}
        outcome = run("sql", tmp_path, {"connection": connection, "query": "select 1"})
        assert outcome.reason.startswith("the database can't be reached: ")
        assert outcome.retry
        look = run("sql", tmp_path, {"connection": connection, "query": "select 1", "answer": True})
        assert look == Outcome("success", output=False)
        assert "the database can't be reached" in log(tmp_path)


@pytest.mark.parametrize(
    ("query", "met"),
    [
        ("select 1", True), ("select 'yes'", True), ("select -1", True), ("select 0.5", True),
        ("select 0", False), ("select ''", False), ("select '0'", False), ("select null", False),
        ("select 0.0", False), ("select 1 where 1 = 0", False), ("select 0, 1", False),
    ],
)  # fmt: skip
def test_what_a_look_counts_as_yes(lite: dict[str, Json], tmp_path: Path, query: str, met: bool) -> None:
    assert run("sql", tmp_path, {"connection": lite, "query": query, "answer": True}).output is met


def test_nothing_secret_is_in_the_command(lite: dict[str, Json], tmp_path: Path) -> None:
    work = sql.prepare({"connection": lite, "query": "select 'hidden'"}, {}, attempt(tmp_path))
    assert not isinstance(work, Outcome)
    assert not any("hidden" in word for word in work.argv)
