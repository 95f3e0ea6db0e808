"""`airflow`: what is asked of it before its process begins, and our connections in Airflow's words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.operators.attempts import attempt
from yamldag.operators import airflow
from yamldag.operators.connections import read
from yamldag.operators.contract import Json, Outcome


def theirs(given: Any) -> dict[str, Json]:
    return airflow.connection_of_airflow({**read("c", given), "root": "/project"})


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("postgresql://me:s3cret@db.example.org:5433/sales?sslmode=require",
         {"conn_type": "postgres", "host": "db.example.org", "port": 5433, "login": "me", "password": "s3cret", "schema": "sales",
          "extra": {"sslmode": "require"}}),
        ({"type": "mariadb", "host": "db", "database": "x"}, {"conn_type": "mysql", "host": "db", "schema": "x"}),
        ("sqlite:///data/lite.db", {"conn_type": "sqlite", "host": "/project/data/lite.db"}),
        ("sqlite:////data/lite.db", {"conn_type": "sqlite", "host": "/data/lite.db"}),
        ({"type": "https", "host": "api.example.org", "port": 8443, "token": "t0ken", "headers": {"Accept": "text/csv"}},
         {"conn_type": "http", "host": "api.example.org", "port": 8443, "schema": "https",
          "extra": {"Accept": "text/csv", "Authorization": "Bearer t0ken"}}),
        ({"url": "https://me:pw@api.example.org:8443/v2/", "ca": "ca.pem", "cert": "me.pem", "cert_key": "me.key"},
         {"conn_type": "http", "host": "https://api.example.org:8443/v2", "login": "me", "password": "pw",
          "extra": {"verify": "/project/ca.pem", "cert": ["/project/me.pem", "/project/me.key"]}}),
        ({"type": "s3", "bucket": "lake", "key": "AK", "secret": "s", "region": "eu-west-1", "endpoint": "http://minio:9000"},
         {"conn_type": "aws", "login": "AK", "password": "s",
          "extra": {"bucket": "lake", "region_name": "eu-west-1", "endpoint_url": "http://minio:9000"}}),
        ({"type": "ssh", "host": "box", "user": "ci", "identity": "keys/ci", "passphrase": "p"},
         {"conn_type": "ssh", "host": "box", "login": "ci", "extra": {"key_file": "/project/keys/ci", "private_key_passphrase": "p"}}),
        ({"type": "snowflake", "user": "me", "account": "ab1", "extra": {"role": "loader"}, "x-note": "ours"},
         {"conn_type": "snowflake", "login": "me", "extra": {"role": "loader", "account": "ab1"}}),
    ],
)  # fmt: skip
def test_a_connection_is_told_in_airflows_words(given: Any, wanted: dict[str, Json]) -> None:
    assert theirs(given) == wanted


def test_variables_are_text_and_names_are_airflows() -> None:
    found = airflow.variables(
        {"my-db": read("my-db", "sqlite:///x")}, {"bucket": "s3://x", "n": 5, "l": [1, None]}
    )
    connection = found.pop("AIRFLOW_CONN_MY-DB")
    assert json.loads(connection)["conn_type"] == "sqlite"
    assert found == {"AIRFLOW_VAR_BUCKET": "s3://x", "AIRFLOW_VAR_N": "5", "AIRFLOW_VAR_L": "[1, null]"}


def test_texts_that_may_be_ids_are_found_at_any_depth() -> None:
    args: Json = {"conn_id": "db", "sql": "select 1", "op_kwargs": {"conns": ["a", {"b": "c-d"}, 1, None]}}
    assert set(airflow.named(args)) == {"db", "a", "c-d"}


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"operator": "BashOperator"}, "`operator` should be the path of a class, found `BashOperator`"),
        ({"operator": "a.B", "args": [1]}, "`args` should be a mapping of names to values, found `[1]`"),
        ({"operator": "a.B", "args": {"retries": 3}}, "`retries` has no effect in `args`: `retries` is a key of the task"),
        ({"operator": "a.B", "args": {"task_id": "x"}}, "`task_id` has no effect in `args`: the task's id, and its pipeline, go without saying"),
        ({"operator": "a.B", "requirements": ["--pre"]}, "`requirements` are packages; options of pip stand in `env` (`PIP_…`): `--pre`"),
    ],
)  # fmt: skip
def test_rendered_values_that_cannot_be_are_told(params: dict[str, Json], words: str, tmp_path: Path) -> None:
    assert airflow.prepare(params, {}, attempt(tmp_path)) == Outcome("failed", words)
