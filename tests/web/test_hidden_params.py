"""Params that nobody may see: pages take them as passwords, and give none of them back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.web.conftest import Hosted, hosted_by
from tests.web.seeds import seed
from yamldag.compile.project import find
from yamldag.engine.schedule.catalogue import Catalogue
from yamldag.store.database import open_database
from yamldag.web.address import address_of

TOKEN = "opensesame-1234"
FILE = f"""pipeline: hides
schedule: "@daily"
params:
  who: {{type: string, default: mira}}
  token: {{type: string, writeOnly: true, default: {TOKEN}, minLength: 8}}
  pin: {{type: integer, format: password, default: 1}}
tasks:
  t: {{bash: "true", env: {{TOKEN: "{{{{ params.token }}}}", WHO: "{{{{ params.who }}}}"}}}}
"""


@pytest.fixture
def hides(tmp_path: Path) -> Iterator[Hosted]:
    seeded = seed(tmp_path)
    (tmp_path / "pipelines" / "hides.yml").write_text(FILE)
    catalogue = Catalogue(find(str(tmp_path), None, {}))
    seeded.board.status = replace(seeded.board.status, pipelines=catalogue.pipelines)
    made = hosted_by(seeded, address_of("127.0.0.1", 8080))
    yield made
    made.site.hub.close()


def triggered(hosted: Hosted) -> str:
    form = {"p.who": "sam", "p.token": f"{TOKEN}-mine", "p.pin": "99887766"}
    answer = hosted.anyone.post("/pipelines/hides/trigger", form)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].partition("?")[0]


def test_tasks_get_what_was_typed_and_pages_do_not(hides: Hosted) -> None:
    run = triggered(hides)
    database = open_database(hides.seeded.url)
    (row,) = database.execute("SELECT params FROM run WHERE pipeline = 'hides'")
    database.close()
    assert json.loads(row[0]) == {"who": "sam", "token": f"{TOKEN}-mine", "pin": 99887766}
    pages = (
        run,
        f"{run}/task?task=t",
        f"/pipelines/hides/trigger?like={run.removeprefix('/runs/')}",
        "/pipelines/hides/trigger",
        f"/api/v1{run}",
        "/api/v1/pipelines/hides/plan",
    )
    for path in pages:
        answer = hides.anyone.get(path)
        assert answer.status_code == 200, path
        assert not [each for each in (TOKEN, "99887766") if each in answer.text], path
    assert "sam" in hides.anyone.get(run).text
    assert "***" in hides.anyone.get(f"{run}/task?task=t").text


def test_older_runs_are_masked_once_the_file_says_so(hides: Hosted) -> None:
    hides.seeded.edit("hides", FILE.replace("writeOnly: true, ", "").replace("format: password, ", ""))
    run = triggered(hides)
    assert TOKEN in hides.anyone.get(run).text
    hides.seeded.edit("hides", FILE)
    assert TOKEN not in hides.anyone.get(run).text


def test_the_form_takes_passwords_and_forgets_them(hides: Hosted) -> None:
    form = {"p.who": "sam", "p.token": "short", "p.pin": "many"}
    page = hides.anyone.post("/pipelines/hides/trigger", form)
    assert page.status_code == 422
    assert page.text.count('type="password"') == 2
    assert "must have at least 8 characters" in page.text
    assert "must be an integer" in page.text
    assert 'value="sam"' in page.text
    assert not [
        each for each in ("short", "many") if f'value="{each}"' in page.text or f"found `{each}`" in page.text
    ]
    assert "Left empty: its default, which is not shown." in page.text


def test_what_would_run_is_asked_for_without_a_password_in_the_address(hides: Hosted) -> None:
    page = hides.anyone.get("/pipelines/hides/backfill").text
    assert 'formmethod="get"' not in page
    form = {"from": "2027-01-01", "to": "2027-01-02", "show": "on", "p.token": f"{TOKEN}-mine"}
    shown = hides.anyone.post("/pipelines/hides/backfill", form)
    assert shown.status_code == 200
    assert "Start 2 runs" in shown.text
    assert TOKEN not in shown.text
    assert "&#39;token=***&#39;" in shown.text
    database = open_database(hides.seeded.url)
    assert list(database.execute("SELECT count(*) FROM backfill")) == [(0,)]
    database.close()


def test_a_changed_default_is_told_and_not_shown(hides: Hosted) -> None:
    triggered(hides)
    hides.seeded.edit("hides", FILE.replace(TOKEN, f"other-{TOKEN}"))
    triggered(hides)
    told = hides.anyone.get("/api/v1/pipelines/hides/difference?old=1&new=2")
    assert [each["key"] for each in told.json()["pipeline"]] == ["params.token"]
    assert TOKEN not in told.text
