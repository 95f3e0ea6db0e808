"""The API: what it says of itself is what it does, pages follow each other, and nothing is done twice."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.web.browser import OWN
from tests.web.conftest import Hosted
from tests.web.seeds import NOW
from yamldag.store import answers
from yamldag.store.database import open_database
from yamldag.web.api.openapi import document
from yamldag.web.api.shapes import SCHEMAS
from yamldag.web.routes import TABLE

RUN = "p000-00004"


def is_a(name: str, value: Any) -> None:
    schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": SCHEMAS}}
    Draft202012Validator(schema).validate(value)


def did(hosted: Hosted) -> list[tuple[object, ...]]:
    database = open_database(hosted.seeded.url)
    try:
        return list(database.execute("SELECT who, action, object, outcome FROM audit ORDER BY id"))
    finally:
        database.close()


def test_runs_come_page_by_page_each_once(hosted: Hosted) -> None:
    seen, cursor, pages = [], "", 0
    while True:
        answer = hosted.anyone.get(f"/api/v1/runs?limit=4{cursor}").json()
        is_a("RunPage", answer)
        seen += [run["run_id"] for run in answer["items"]]
        pages += 1
        if answer["next"] is None:
            break
        cursor = f"&cursor={answer['next']}"
    assert pages == 4
    assert len(seen) == len(set(seen)) == 15
    assert seen[:3] == ["p002-00004", "p001-00004", "p000-00004"]


def test_runs_can_be_narrowed(hosted: Hosted) -> None:
    answer = hosted.anyone.get("/api/v1/runs?pipeline=p000&state=running").json()
    assert [run["run_id"] for run in answer["items"]] == [RUN]


@pytest.mark.parametrize(
    ("query", "at"),
    [
        ("limit=0", "query.limit"), ("limit=x", "query.limit"), ("limit=501", "query.limit"),
        ("state=odd", "query.state"), ("nonsense=1", "query.nonsense"), ("limit=1&limit=2", "query.limit"),
        ("pipeline=..", "query.pipeline"), ("pipeline='", "query.pipeline"),
    ],
)  # fmt: skip
def test_what_is_not_understood_is_told_with_its_place(hosted: Hosted, query: str, at: str) -> None:
    answer = hosted.anyone.get(f"/api/v1/runs?{query}")
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    is_a("Problem", answer.json())
    assert [each["at"] for each in answer.json()["errors"]] == [at]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"kil": True}, "body: there is no key `kil`; known: kill"),
        ({"kill": "yes"}, 'body.kill: must be true or false, found `"yes"`'),
        ([], "body: must be a mapping, found `[]`"),
    ],
)
def test_a_body_that_does_not_fit_is_told_in_our_words(hosted: Hosted, body: object, words: str) -> None:
    answer = hosted.token("ci", "operator").request("POST", f"/api/v1/runs/{RUN}/cancel", json=body)
    assert (answer.status_code, answer.json()["detail"]) == (400, words)
    told = hosted.anyone.get("/api/v1/runs?limit=x&state=odd").json()["detail"]
    assert 'query.limit: must be an integer, found `"x"`' in told
    assert "must be one of" in told


@pytest.mark.parametrize("bad", ["x", "W10", "WzEsMl0", "bnVsbA", "%25", "eyJhIjoxfQ", "WyJhIiwiYiJd"])
def test_a_cursor_that_we_did_not_give_is_refused(hosted: Hosted, bad: str) -> None:
    assert hosted.anyone.get(f"/api/v1/runs?cursor={bad}").status_code == 422


def test_a_run_is_there_or_not(hosted: Hosted) -> None:
    is_a("Run", hosted.anyone.get(f"/api/v1/runs/{RUN}").json())
    answer = hosted.anyone.get("/api/v1/runs/nothing")
    assert answer.status_code == 404
    is_a("Problem", answer.json())


def test_what_is_no_route_is_told_as_a_problem(hosted: Hosted) -> None:
    answer = hosted.anyone.get("/api/v1/nothing")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    answer = hosted.anyone.request("DELETE", "/api/v1/runs", OWN)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


def test_a_token_of_an_operator_acts_and_is_in_the_audit_log(hosted: Hosted) -> None:
    ci = hosted.token("ci", "operator")
    assert ci.request("POST", "/api/v1/pipelines/p000/pause").json() == {"outcome": "paused"}
    assert ci.request("POST", "/api/v1/pipelines/p000/pause").json() == {"outcome": "unchanged"}
    assert ci.request("POST", "/api/v1/pipelines/p000/unpause").json() == {"outcome": "unpaused"}
    assert ci.request("POST", f"/api/v1/runs/{RUN}/cancel", content='{"kill": true}').json() == {
        "outcome": "asked"
    }
    assert did(hosted) == [
        ("ci", "pipeline.pause", "p000", "paused"),
        ("ci", "pipeline.pause", "p000", "unchanged"),
        ("ci", "pipeline.unpause", "p000", "unpaused"),
        ("ci", "run.cancel", RUN, "asked"),
    ]


def test_a_viewer_s_token_does_not_act(hosted: Hosted) -> None:
    answer = hosted.token("ci", "viewer").request("POST", "/api/v1/pipelines/p000/pause")
    assert answer.status_code == 403
    assert did(hosted) == []


def test_a_run_that_is_over_is_not_cancelled(hosted: Hosted) -> None:
    answer = hosted.token("ci", "operator").request("POST", "/api/v1/runs/p000-00001/cancel")
    assert answer.status_code == 409


@pytest.mark.parametrize("body", ["[]", "1", '{"kill": 1}', '{"odd": true}', "{", '"x"', "\xff"])
def test_a_body_of_another_shape_is_refused(hosted: Hosted, body: str) -> None:
    answer = hosted.token("ci", "operator").request(
        "POST", f"/api/v1/runs/{RUN}/cancel", content=body.encode("latin-1")
    )
    assert answer.status_code == 400
    assert did(hosted) == []


# Once


def test_with_a_key_it_is_done_once(hosted: Hosted) -> None:
    ci = hosted.token("ci", "operator")
    key = {"idempotency-key": "k-1"}
    first = ci.request("POST", "/api/v1/pipelines/p000/pause", key)
    again = ci.request("POST", "/api/v1/pipelines/p000/pause", key)
    assert first.json() == again.json() == {"outcome": "paused"}
    assert again.headers["idempotency-replayed"] == "true"
    assert len(did(hosted)) == 1


def test_a_key_is_of_one_request_and_of_one_caller(hosted: Hosted) -> None:
    ci, other = hosted.token("ci", "operator"), hosted.token("other", "operator")
    key = {"idempotency-key": "k-1"}
    ci.request("POST", "/api/v1/pipelines/p000/pause", key)
    assert ci.request("POST", "/api/v1/pipelines/p001/pause", key).status_code == 422
    assert other.request("POST", "/api/v1/pipelines/p001/pause", key).status_code == 200


def test_a_key_whose_request_is_under_way_is_told_so(hosted: Hosted) -> None:
    ci, key = hosted.token("ci", "operator"), {"idempotency-key": "k-1"}
    ci.request("POST", "/api/v1/pipelines/p000/pause", key)
    database = open_database(hosted.seeded.url)
    database.execute("UPDATE api_answer SET status = NULL, body = NULL")
    database.close()
    assert ci.request("POST", "/api/v1/pipelines/p000/pause", key).status_code == 409


def test_a_key_is_forgotten_after_a_day(hosted: Hosted) -> None:
    ci, key = hosted.token("ci", "operator"), {"idempotency-key": "k-1"}
    ci.request("POST", "/api/v1/pipelines/p000/pause", key)
    hosted.now[0] = NOW + answers.KEPT + 1
    answer = ci.request("POST", "/api/v1/pipelines/p000/pause", key)
    assert answer.json() == {"outcome": "unchanged"}


@pytest.mark.parametrize("bad", ["", "x" * 201, "a b"])
def test_a_key_of_another_shape_is_refused(hosted: Hosted, bad: str) -> None:
    ci = hosted.token("ci", "operator")
    assert ci.request("POST", "/api/v1/pipelines/p000/pause", {"idempotency-key": bad}).status_code == 400
    assert did(hosted) == []


# What it says of itself


def test_the_document_has_every_route_and_no_other(hosted: Hosted) -> None:
    told = hosted.anyone.get("/api/v1/openapi.json").json()
    ways = {(method.upper(), path) for path, item in told["paths"].items() for method in item}
    assert ways == {(route.method, route.path) for route in TABLE.routes if route.path.startswith("/api/")}
    assert told["openapi"] == "3.1.0"


def test_every_schema_of_the_document_is_one_and_every_reference_leads_somewhere() -> None:
    made = document(TABLE)
    text = json.dumps(made)
    for schema in SCHEMAS.values():
        Draft202012Validator.check_schema(schema)
    for part in text.split('"$ref": "#/components/schemas/')[1:]:
        assert part.partition('"')[0] in SCHEMAS
    names = [operation["operationId"] for item in made["paths"].values() for operation in item.values()]
    assert len(names) == len(set(names))
