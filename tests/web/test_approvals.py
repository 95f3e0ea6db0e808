"""What waits for a person, on pages and by the API: who may answer, what is filled in, and that the first one counts."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.web.conftest import Hosted, Sit
from tests.web.seeds import Seeded
from yamldag.engine.memory.deferral import APPROVAL, Deferral, to_text
from yamldag.store.database import open_database

RUN = "p000-00004"
"""The one that goes on."""
PAGE = f"/runs/{RUN}/approve"
FORM: dict[str, Any] = {
    "type": "object",
    "properties": {
        "why": {"type": "string", "description": "Your <b>reason</b>."},
        "limit": {"type": "integer", "minimum": 1, "default": 5},
        "full": {"type": "boolean"},
    },
    "required": ["why", "limit", "full"],
}


def ask_in(seeded: Seeded, **more: Any) -> None:
    """A task of the run asks."""
    database = open_database(seeded.url)
    [(instance, attempt)] = database.execute(
        "SELECT id, attempt FROM task_instance WHERE run = ? AND state = 'running'", (RUN,)
    ).fetchall()
    spec = to_text(Deferral(APPROVAL, 1.0, message="Load <i>3</i> rows?", form=FORM, **more))
    database.execute("UPDATE task_instance SET state = 'deferred' WHERE id = ?", (instance,))
    database.execute("UPDATE attempt SET state = 'deferred' WHERE id = ?", (attempt,))
    database.execute(
        "INSERT INTO deferral (instance, attempt, spec, since) VALUES (?, ?, ?, 1)", (instance, attempt, spec)
    )
    database.close()


def rows(seeded: Seeded, query: str) -> list[tuple[Any, ...]]:
    database = open_database(seeded.url)
    try:
        return [tuple(row) for row in database.execute(query).fetchall()]
    finally:
        database.close()


TASK = "t2"
GOOD = {"task": TASK, "answer": "yes", "p.why": "it is fine", "p.limit": "", "p.full": "true"}


@pytest.fixture
def asking(hosted: Hosted) -> Callable[..., Hosted]:
    def make(**more: Any) -> Hosted:
        ask_in(hosted.seeded, **more)
        return hosted

    return make


def test_the_words_of_why_have_their_moments_in_the_viewers_zone(asking: Callable[..., Hosted]) -> None:
    hosted = asking()
    database = open_database(hosted.seeded.url)
    database.execute("UPDATE deferral SET until = ?", (1_772_841_600.0,))
    database.close()
    exact = "2026-03-07T00:00:00Z"
    for zone, shown in (("Asia/Seoul", "09:00 KST"), ("America/New_York", "19:00 EST"), ("UTC", "00:00 UTC")):
        browser = hosted.anyone.being(cookie=f"yamldag-zone={zone}")
        page = browser.get(f"/runs/{RUN}/task?task={TASK}").text
        assert re.search(rf'at most until <time datetime="{exact}" title="{exact}">[^<]*{shown}</time>', page)
        assert "+00:00" not in page
        assert "Load &lt;i&gt;3&lt;/i&gt; rows?" in page
    told = hosted.anyone.get(f"/api/v1/runs/{RUN}/why?task={TASK}").json()
    [waits] = [each for each in told["conditions"] if each["what"] == "wait"]
    assert waits["detail"].endswith("at most until 2026-03-07T00:00:00+00:00")
    assert "moments" not in waits


def test_what_waits_is_listed_and_its_run_and_the_home_page_say_so(asking: Callable[..., Hosted]) -> None:
    browser = asking(approvers=("ann", "ben")).anyone
    listed = browser.get("/approvals").text
    assert "Load &lt;i&gt;3&lt;/i&gt; rows?" in listed
    assert "ann, ben" in listed
    assert "1 task waits for your answer" in browser.get("/").text
    assert f'href="{PAGE}?task={TASK}"' in browser.get(f"/runs/{RUN}").text
    assert f'href="{PAGE}?task={TASK}"' in browser.get(f"/runs/{RUN}/task?task={TASK}").text
    assert f'href="{PAGE}' not in browser.get(f"/runs/{RUN}/task?task=t1").text
    [row] = browser.get("/api/v1/approvals").json()["items"]
    assert (row["run_id"], row["task"], row["map_index"], row["form"], row["approvers"]) == (
        RUN, TASK, None, FORM, ["ann", "ben"],
    )  # fmt: skip


def test_the_form_has_a_field_for_each_and_says_what_is_wrong(asking: Callable[..., Hosted]) -> None:
    browser = asking().anyone
    page = browser.get(f"{PAGE}?task={TASK}").text
    assert "Your &lt;b&gt;reason&lt;/b&gt;." in page
    assert 'name="p.limit" value="5"' in page
    assert 'type="checkbox" name="p.full"' in page
    answer = browser.post(PAGE, GOOD | {"p.limit": "0"})
    assert (answer.status_code, "must be at least 1, found `0`" in answer.text) == (422, True)
    assert browser.post(PAGE, GOOD | {"p.why": ""}).status_code == 422


def test_a_yes_is_written_once_and_the_second_is_told_who_was_first(asking: Callable[..., Hosted]) -> None:
    hosted = asking()
    first = hosted.anyone.post(PAGE, GOOD)
    assert (first.status_code, first.headers["location"]) == (303, f"/runs/{RUN}?did=approved")
    second = hosted.anyone.post(PAGE, GOOD | {"answer": "no"})
    assert second.status_code == 409
    assert "has been answered already: approved by local" in second.text
    [(kind, detail)] = rows(hosted.seeded, "SELECT kind, detail FROM request")
    assert kind == "answer"
    assert '"value": {"why": "it is fine", "limit": 5, "full": true}' in detail
    assert rows(hosted.seeded, "SELECT who, action, object, outcome FROM audit ORDER BY id")[0] == (
        "local", "task.answer", RUN, "approved",
    )  # fmt: skip


def test_a_no_fills_nothing_in(asking: Callable[..., Hosted]) -> None:
    hosted = asking()
    assert (
        hosted.anyone.post(PAGE, GOOD | {"answer": "no", "p.why": ""})
        .headers["location"]
        .endswith("declined")
    )
    [(detail,)] = rows(hosted.seeded, "SELECT detail FROM request")
    assert '"yes": false' in detail


def test_only_approvers_may_answer_and_who_tries_is_written_down(asking: Callable[..., Hosted]) -> None:
    hosted = asking(approvers=("ann",))
    hosted.user("ann", "operator")
    hosted.user("eve", "admin")
    refused = hosted.login("eve").post(PAGE, GOOD)
    assert (refused.status_code, "is for `ann` to answer, not for `eve`" in refused.text) == (403, True)
    program = hosted.token("robot", "operator").post(
        f"/api/v1/runs/{RUN}/approve", json={"task": TASK, "values": {}}
    )
    assert (program.status_code, program.json()["detail"]) == (
        403, f"`{TASK}` is for `ann` to answer, not for `robot`",
    )  # fmt: skip
    assert hosted.token("reader", "viewer").post(
        f"/api/v1/runs/{RUN}/approve", json={"task": TASK}
    ).status_code == 403  # fmt: skip
    assert hosted.login("ann").post(PAGE, GOOD).status_code == 303
    assert rows(hosted.seeded, "SELECT who, outcome FROM audit WHERE action = 'task.answer' ORDER BY id") == [
        ("eve", f"refused: `{TASK}` is for `ann` to answer, not for `eve`"),
        ("robot", f"refused: `{TASK}` is for `ann` to answer, not for `robot`"),
        ("ann", "approved"),
    ]


def test_a_program_answers_with_values_and_a_key_answers_once(asking: Callable[..., Hosted]) -> None:
    hosted = asking()
    path, key = f"/api/v1/runs/{RUN}/approve", {"idempotency-key": "one"}
    wrong = hosted.anyone.post(path, json={"task": TASK, "values": {"why": 3, "full": True}})
    assert (wrong.status_code, "field `why` must be text" in wrong.json()["detail"]) == (422, True)
    body = {"task": TASK, "values": {"why": "x", "full": True}}
    for _ in range(2):
        told = hosted.anyone.being(**key).post(path, json=body)
        assert (told.status_code, told.json()) == (
            200, {"run_id": RUN, "task": TASK, "map_index": None, "attempt": 1, "outcome": "approved"},
        )  # fmt: skip
    assert hosted.anyone.post(path, json=body).status_code == 409
    assert hosted.anyone.post(path, json={}).status_code == 422
    assert hosted.anyone.post(path, json={"task": "nothing"}).status_code == 404


def test_a_spoilt_row_asks_nothing_and_harms_no_page(asking: Callable[..., Hosted]) -> None:
    hosted = asking()
    database = open_database(hosted.seeded.url)
    database.execute("UPDATE deferral SET spec = ?", ('{"what": "approval", "message": 3}',))
    database.close()
    assert hosted.anyone.get("/approvals").status_code == 200
    assert hosted.anyone.get("/").status_code == 200
    assert hosted.anyone.get(f"{PAGE}?task={TASK}").status_code == 409


@pytest.mark.parametrize("width", [1440, 390])
def test_a_person_reads_fills_in_and_answers(sit: Sit, seeded: Seeded, width: int) -> None:
    ask_in(seeded)
    seat = sit(width)
    page = seat.open("/approvals")
    seat.is_content()
    seat.is_accessible()
    page.get_by_role("link", name="Answer…").click()
    page.get_by_label("why").fill("it is fine")
    seat.is_content()
    seat.is_accessible()
    page.get_by_role("button", name="Yes").click()
    page.wait_for_url(f"**/runs/{RUN}*")
    expect(page.get_by_text("You said yes: it goes on.")).to_be_visible()
    seat.is_content()
