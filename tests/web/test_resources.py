"""What the API tells of each resource, and what is done by it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.web.browser import OWN, Browser
from tests.web.conftest import PASSWORD, Hosted
from tests.web.seeds import NOW
from tests.web.test_api import RUN, did, is_a
from yamldag.store.database import open_database
from yamldag.web.api.checked import HEADER

FAILED = "p001-00001"  # of every seven, one; its last task


def get(hosted: Hosted, path: str) -> Any:
    answer = hosted.anyone.get(f"/api/v1{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def ask(who: Browser, method: str, path: str, body: Any = None, **headers: str) -> Any:
    return who.request(method, f"/api/v1{path}", {**OWN, **headers}, json=body)


def failed_run(hosted: Hosted) -> str:
    return str(get(hosted, "/runs?state=failed&limit=1")["items"][0]["run_id"])


# What there is


def test_pipelines_come_with_their_newest_run(hosted: Hosted) -> None:
    page = get(hosted, "/pipelines?limit=2")
    is_a("PipelinePage", page)
    assert [row["pipeline"] for row in page["items"]] == ["p000", "p001"]
    assert page["items"][0]["last_run"]["run_id"] == RUN
    rest = get(hosted, f"/pipelines?cursor={page['next']}")
    assert ([row["pipeline"] for row in rest["items"]], rest["next"]) == (["p002"], None)


PROJECT = """
secrets: {key: , none: }
connections:
  warehouse: "postgresql://etl:{{ secrets.key }}@db.example.org/sales"
  odd: "swordfish:{{ secrets.none }}@h://x"
  web: {type: https, host: api.example.org, user: ann, password: "{{ secrets.none }}"}
"""


def test_connections_and_secrets_are_told_by_name_and_never_by_value(
    hosted: Hosted, monkeypatch: pytest.MonkeyPatch
) -> None:
    (hosted.seeded.root / "yamldag.yml").write_text(PROJECT)
    monkeypatch.setenv("YAMLDAG_SECRET_KEY", "correct horse & battery")
    connections, secrets = get(hosted, "/connections"), get(hosted, "/secrets")
    is_a("ConnectionPage", connections)
    is_a("SecretPage", secrets)
    odd, warehouse, web = connections["items"]
    assert (odd["type"], bool(odd["note"])) == (None, True)
    assert (warehouse["id"], warehouse["type"], warehouse["address"], warehouse["note"]) == (
        "warehouse", "postgresql", "db.example.org/sales", None,
    )  # fmt: skip
    assert (web["id"], web["type"], web["address"]) == ("web", "https", None)
    assert '<td class="wide-only">https</td>' in hosted.anyone.get("/connections").text
    assert "none" in web["note"]
    assert [(row["name"], bool(row["source"])) for row in secrets["items"]] == [
        ("key", True),
        ("none", False),
    ]
    for word in ("horse", "battery", "swordfish"):
        assert word not in json.dumps([connections, secrets])
    first = get(hosted, "/connections?limit=2")
    assert get(hosted, f"/connections?limit=2&cursor={first['next']}")["items"] == [web]


def test_a_plan_that_has_not_changed_is_not_sent_again(hosted: Hosted) -> None:
    answer = hosted.anyone.get("/api/v1/pipelines/p000/plan")
    is_a("Plan", answer.json())
    again = hosted.anyone.get("/api/v1/pipelines/p000/plan", {"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_name_that_is_almost_right_is_told(hosted: Hosted) -> None:
    answer = hosted.anyone.get("/api/v1/pipelines/p0000/plan")
    assert answer.status_code == 404
    assert "did you mean `p000`?" in answer.json()["detail"]


def test_coming_ticks_are_those_of_the_schedule(hosted: Hosted) -> None:
    page = get(hosted, "/pipelines/p000/ticks?count=2&after=2026-01-01T00:30")
    is_a("TickPage", page)
    assert [row["logical_date"] for row in page["items"]] == [
        "2026-01-01T01:00:00+00:00",
        "2026-01-01T02:00:00+00:00",
    ]


def test_a_run_tells_of_its_tasks_attempts_and_events(hosted: Hosted) -> None:
    tasks = get(hosted, f"/runs/{RUN}/tasks")
    is_a("TaskPage", tasks)
    assert [(row["id"], row["state"]) for row in tasks["items"]] == [
        ("t0", "success"),
        ("t1", "success"),
        ("t2", "running"),
    ]
    attempts = get(hosted, f"/runs/{RUN}/attempts?task=t0")
    is_a("AttemptPage", attempts)
    assert attempts["items"][0]["log_bytes"] > 0
    events = get(hosted, f"/runs/{RUN}/events?limit=2")
    is_a("EventPage", events)
    rest = get(hosted, f"/runs/{RUN}/events?cursor={events['next']}")
    assert [row["task"] for row in events["items"] + rest["items"]] == ["t0", "t1", "t2"]


def test_why_and_versions_and_diagnostics_and_health(hosted: Hosted) -> None:
    is_a("Why", get(hosted, f"/runs/{failed_run(hosted)}/why?task=t2"))
    is_a("VersionPage", get(hosted, "/pipelines/p000/versions"))
    is_a("Difference", get(hosted, "/pipelines/p000/difference?old=1&new=1"))
    is_a("Diagnostics", get(hosted, "/diagnostics"))
    is_a("Health", get(hosted, "/health"))
    is_a("PoolPage", get(hosted, "/pools"))
    is_a("AssetPage", get(hosted, "/assets"))


@pytest.mark.parametrize("path", ["why", "attempts", "log", "log/follow"])
def test_a_task_is_wanted_and_one_that_is_not_there_is_told(hosted: Hosted, path: str) -> None:
    assert hosted.anyone.get(f"/api/v1/runs/{RUN}/{path}").status_code == 422
    answer = hosted.anyone.get(f"/api/v1/runs/{RUN}/{path}?task=t9")
    assert answer.status_code == 404
    assert "has no task `t9`" in answer.json()["detail"]


# Logs


@pytest.mark.parametrize("limit", [4, 5, 7, 64])
def test_a_log_comes_in_pieces_that_can_be_put_together(hosted: Hosted, limit: int) -> None:
    words = "one é 😀\nzwei ü\n\x1b[31mred\x1b[0m 漢字\n"
    (hosted.site.logs / "seed.log").write_text(words)
    text, offset, pieces = "", 0, 0
    while True:
        piece = get(hosted, f"/runs/{RUN}/log?task=t0&offset={offset}&limit={limit}")
        is_a("LogPiece", piece)
        if not piece["text"]:
            break
        text, offset, pieces = text + piece["text"], piece["next"], pieces + 1
    assert text == words
    assert pieces >= len(words.encode()) // limit


def test_a_log_of_elsewhere_is_empty(hosted: Hosted) -> None:
    database = open_database(hosted.seeded.url)
    database.execute("UPDATE attempt SET log = '/etc/passwd'")
    database.close()
    assert get(hosted, f"/runs/{RUN}/log?task=t0")["text"] == ""


def test_a_log_is_followed_to_its_end(hosted: Hosted) -> None:
    run = failed_run(hosted)
    answer = hosted.anyone.get(f"/api/v1/runs/{run}/log/follow?task=t2")
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = re.findall(r"event: (\w+)\ndata: (.*)\n", answer.text)
    assert [name for name, _ in events if name != "hello"] == ["log", "end"]
    assert "no such table" in json.loads(events[0][1])["text"]


# What is done


def test_a_run_is_asked_for_and_cancelled(hosted: Hosted) -> None:
    ci = hosted.token("ci", "operator")
    answer = ask(ci, "POST", "/pipelines/p000/runs", {"date": "2026-01-02T03:04"})
    assert answer.status_code == 201
    run = answer.json()
    is_a("Run", run)
    assert (run["state"], run["type"], run["logical_date"]) == (
        "queued",
        "manual",
        "2026-01-02T03:04:00+00:00",
    )
    now = get_by(ci, f"/runs/{run['run_id']}")
    is_a("RunNow", now)
    assert now == run | {"asked": False, "next_version": None}
    assert ask(ci, "POST", f"/runs/{run['run_id']}/cancel").json() == {"outcome": "cancelled"}
    assert did(hosted)[0] == ("ci", "run.trigger", "p000", run["run_id"])


def get_by(who: Browser, path: str) -> Any:
    return who.get(f"/api/v1{path}").json()


def test_a_param_that_is_not_there_is_told_and_nothing_is_queued(hosted: Hosted) -> None:
    ci = hosted.token("ci", "operator")
    answer = ask(ci, "POST", "/pipelines/p000/runs", {"params": {"x": 1}})
    assert answer.status_code == 422
    assert "there is no param `x`" in answer.json()["detail"]
    assert get_by(ci, "/runs?type=manual")["items"] == []


def test_what_can_not_be_stored_or_is_no_date_of_ours_is_refused(hosted: Hosted) -> None:
    ci = hosted.token("ci", "operator")
    for body, words in (
        (r'{"params": {"x": "\ud800"}}', "it is no JSON"),
        (r'{"param_texts": {"\uDFFF": "a"}}', "it is no JSON"),
        ('{"date": "0001-01-01"}', "must lie between 0002-01-01 and 9998-12-30"),
    ):
        headers = {**OWN, "content-type": "application/json"}
        answer = ci.request("POST", "/api/v1/pipelines/p000/runs", headers, content=body)
        assert answer.status_code in (400, 422), body
        assert words in answer.text
    answer = ask(ci, "POST", "/pipelines/p000/runs", {"date": "0999-01-01T00:00:00+00:00"})
    assert (answer.status_code, answer.json()["logical_date"]) == (201, "0999-01-01T00:00:00+00:00")
    assert get_by(ci, "/runs?type=manual")["items"][0]["logical_date"] == "0999-01-01T00:00:00+00:00"


def test_a_clear_is_previewed_and_done(hosted: Hosted) -> None:
    ci, run = hosted.token("ci", "operator"), failed_run(hosted)
    preview = ask(ci, "POST", f"/runs/{run}/retry", {"dry_run": True}).json()
    is_a("Cleared", preview)
    assert ([row["id"] for row in preview["tasks"]], preview["outcome"]) == (["t2"], "previewed")
    assert did(hosted) == []
    done = ask(ci, "POST", f"/runs/{run}/retry", {}).json()
    assert (done["outcome"], done["state"]) == ("queued", "queued")
    assert [row["state"] for row in get_by(ci, f"/runs/{run}/tasks")["items"]] == [
        "success",
        "success",
        "none",
    ]
    assert ask(ci, "POST", f"/runs/{run}/clear", {"tasks": ["t9"]}).status_code == 404


def test_a_run_under_way_says_by_which_version_it_goes_on(hosted: Hosted) -> None:
    ci, run = hosted.token("ci", "operator"), "p000-00004"
    assert get_by(ci, f"/runs/{run}")["next_version"] is None
    hosted.seeded.edit("p000", "pipeline: p000\ntasks:\n  t0: {noop: }\n  t2: {noop: }\n  t3: {noop: }\n")
    hosted.now[0] += 60
    body = {"tasks": ["t0"], "latest": True}
    preview = ask(ci, "POST", f"/runs/{run}/clear", body | {"dry_run": True}).json()
    is_a("Cleared", preview)
    assert [row["id"] for row in preview["tasks"]] == ["t0", "t2"]
    assert (preview["tasks_removed"], preview["tasks_added"]) == (["t1"], ["t3"])
    assert ask(ci, "POST", f"/runs/{run}/clear", body).json()["outcome"] == "asked"
    now = get_by(ci, f"/runs/{run}")
    is_a("RunNow", now)
    assert (now["asked"], now["version"], now["next_version"]) == (True, 1, 2)
    newest, first = get_by(ci, "/pipelines/p000/versions")["items"]
    is_a("Version", newest)
    assert (newest["runs_to_come"], first["runs_to_come"]) == (1, 0)
    [why] = [each for each in get_by(ci, f"/runs/{run}/why?task=t2")["conditions"] if each["what"] == "clear"]
    assert why["detail"].startswith("the run goes on by version 2 of its pipeline")


def test_the_outputs_of_a_task_of_an_instance_and_of_none(hosted: Hosted) -> None:
    database = open_database(hosted.seeded.url)
    rows = list(database.execute("SELECT id FROM task_instance WHERE run = ? AND task = 't0'", (RUN,)))
    database.execute("UPDATE task_instance SET map_index = 0, item = '\"eu\"' WHERE id = ?", rows[0])
    database.execute("INSERT INTO output (instance, value) VALUES (?, '7')", rows[0])
    database.close()
    for named in ("t0", "t0[0]", "t0[eu]"):
        items = get(hosted, f"/runs/{RUN}/outputs?task={named}")["items"]
        assert items == [{"task": "t0", "map_index": 0, "value": 7}]
    for named in ("t9", "t0[us]"):
        assert hosted.anyone.get(f"/api/v1/runs/{RUN}/outputs?task={named}").status_code == 404


def test_what_is_wrong_with_a_range_is_told_by_the_names_of_the_api(hosted: Hosted) -> None:
    ci = hosted.token("ci", "operator")
    answer = ask(ci, "POST", "/pipelines/p000/backfills", {"from": "soon", "to": "2026-01-01"})
    assert answer.json()["detail"].startswith("`from` wants a date")
    answer = ask(ci, "POST", "/pipelines/p000/backfills", {"from": "2026-01-02", "to": "2026-01-01"})
    assert answer.json()["detail"].startswith("`from` must not lie after `to`")


def test_a_backfill_is_previewed_made_and_cancelled(hosted: Hosted) -> None:
    ci = hosted.token("ci", "operator")
    body = {"from": "2026-01-01T00:00", "to": "2026-01-01T02:00", "max_active": 2}
    preview = ask(ci, "POST", "/pipelines/p000/backfills", body | {"dry_run": True}).json()
    is_a("Backfilled", preview)
    assert (len(preview["ticks"]), preview["backfill_id"]) == (3, None)
    made = ask(ci, "POST", "/pipelines/p000/backfills", body)
    assert made.status_code == 201
    name = made.json()["backfill_id"]
    assert [row["state"] for row in made.json()["runs"]] == ["queued"] * 3
    one = get_by(ci, f"/backfills/{name}")
    is_a("Backfill", one)
    assert (one["states"], one["max_active"]) == ({"queued": 3}, 2)
    assert [row["backfill_id"] for row in get_by(ci, "/backfills")["items"]] == [name]
    ended = ask(ci, "POST", f"/backfills/{name}/cancel", {}).json()
    is_a("BackfillEnded", ended)
    assert [row["state"] for row in ended["runs"]] == ["cancelled"] * 3


def test_a_pool_is_set_and_deleted(hosted: Hosted) -> None:
    ci = hosted.token("ci", "operator")
    assert ask(ci, "PUT", "/pools/api", {"slots": 3}).json()["slots"] == 3
    assert [row["name"] for row in get_by(ci, "/pools")["items"]] == ["api"]
    assert ask(ci, "DELETE", "/pools/api").json()["source"] is None
    assert ask(ci, "DELETE", "/pools/api").status_code == 404


def test_accounts_are_an_admin_s(hosted: Hosted) -> None:
    root, ci = hosted.token("root", "admin"), hosted.token("ci", "operator")
    body = {"name": "mira", "role": "admin", "password": PASSWORD}
    assert ask(ci, "POST", "/users", body).status_code == 403
    assert ask(root, "POST", "/users", body | {"role": "viewer"}).status_code == 409, (
        "the first one is an admin"
    )
    is_a("User", ask(root, "POST", "/users", body).json())
    assert ask(root, "POST", "/users", body).status_code == 409
    mira = hosted.login("mira")
    assert ask(root, "PATCH", "/users/mira", {"role": "viewer"}).status_code == 409, "nobody would be admin"
    assert ask(root, "POST", "/users", body | {"name": "ana"}).status_code == 201
    assert ask(root, "PATCH", "/users/mira", {"disabled": True}).json()["state"] == "disabled"
    assert mira.get("/").status_code == 303
    assert ask(root, "DELETE", "/users/mira").json()["state"] == "deleted"
    text = json.dumps(get_by(root, "/audit"))
    assert "user.change" in text
    assert PASSWORD not in text


def test_a_token_is_told_once_and_revoked(hosted: Hosted) -> None:
    root = hosted.token("root", "admin")
    made = ask(root, "POST", "/tokens", {"name": "deploy", "role": "operator"})
    is_a("NewToken", made.json())
    secret = made.json()["token"]
    assert get_by(hosted.anyone.being(authorization=f"Bearer {secret}"), "/me")["role"] == "operator"
    assert secret not in json.dumps(get_by(root, "/tokens"))
    assert ask(root, "DELETE", "/tokens/deploy").json()["state"] == "revoked"
    assert hosted.anyone.being(authorization=f"Bearer {secret}").get("/api/v1/me").status_code == 401
    again = ask(root, "POST", "/tokens", {"name": "other"}, **{HEADER: "k"})
    assert again.status_code == 400, "its answer would be kept"


# A key and its deed


def test_a_run_that_is_asked_for_twice_by_one_key_is_one(hosted: Hosted) -> None:
    ci = hosted.token("ci", "operator")
    answers = [ask(ci, "POST", "/pipelines/p000/runs", {}, **{HEADER: "k"}) for _ in range(3)]
    assert {answer.json()["run_id"] for answer in answers} == {answers[0].json()["run_id"]}
    assert len(get_by(ci, "/runs?type=manual")["items"]) == 1


def test_a_deed_that_breaks_leaves_neither_run_nor_key(
    hosted: Hosted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever ends the process between the deed and the answer, both are there or neither."""
    from yamldag.store import answers

    ci = hosted.token("ci", "operator")

    def broken(*_: object) -> None:
        raise RuntimeError("the process ends here")

    with monkeypatch.context() as patch:
        patch.setattr(answers, "keep", broken)
        assert ask(ci, "POST", "/pipelines/p000/runs", {}, **{HEADER: "k"}).status_code == 500
    assert get_by(ci, "/runs?type=manual")["items"] == []
    assert did(hosted) == []
    assert ask(ci, "POST", "/pipelines/p000/runs", {}, **{HEADER: "k"}).status_code == 201
    assert len(get_by(ci, "/runs?type=manual")["items"]) == 1
    assert hosted.now[0] == NOW


@pytest.mark.parametrize("body", ["[" * 100_000, '{"a":' * 50_000])
def test_a_body_that_is_deep_is_not_understood(hosted: Hosted, body: str) -> None:
    ci = hosted.token("ci", "operator")
    answer = ci.request("POST", "/api/v1/pipelines/p000/runs", content=body.encode())
    assert answer.status_code == 400


def test_a_character_that_no_database_takes_is_told(hosted: Hosted) -> None:
    assert hosted.anyone.get(f"/api/v1/runs/{RUN}/outputs?task=a%00b").status_code == 400
    assert hosted.anyone.get("/api/v1/audit?object=%00").status_code == 400
