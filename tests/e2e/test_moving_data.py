"""Data on its way, messages about it, and where requests may go: from the command line, against real services."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from tests.answering import Said, Site, answering
from tests.databases import Servers
from tests.e2e.project import ROOT, Project
from tests.e2e.serving import Serve
from tests.operators.stores import object_store
from tests.operators.test_email import Box
from tests.servers import free_port

SECRET = "hunter2-hunter2"


@pytest.fixture
def box() -> Iterator[tuple[Box, dict[str, Any]]]:
    """A mail server without TLS, and a connection to it."""
    from aiosmtpd.controller import Controller

    taken = Box()
    controller = Controller(taken, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield (
        taken,
        {
            "type": "smtp",
            "host": "127.0.0.1",
            "port": controller.port,
            "tls": "none",
            "from": "etl@example.org",
        },
    )
    controller.stop()


@pytest.fixture
def hook() -> Iterator[Site]:
    with answering(lambda _: Said()) as site:
        yield site


def ask(url: str, *statements: str) -> list[tuple[Any, ...]]:
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"), poolclass=sa.NullPool)
    with engine.begin() as connection:
        for each in statements:
            result = connection.exec_driver_sql(each)
        return [tuple(row) for row in result] if result.returns_rows else []


def test_a_message_without_words_says_where_it_is_from(
    project: Project, box: tuple[Box, dict[str, Any]], hook: Site
) -> None:
    taken, connection = box
    project.write(
        "yamldag.yml", {"connections": {"smtp": connection, "own": {"type": "webhook", "url": hook.url}}}
    )
    ran = project.run(
        """
tasks:
  bare: {email: {to: ann@example.org}}
  said: {email: {to: ann@example.org, subject: mine}, needs: bare}
  html: {email: {to: ann@example.org, html: <b>x</b>}, needs: said}
  tell: {notify: {to: own}}
"""
    )
    assert set(ran.states.values()) == {"success"}, ran.reasons
    bare, said, html = (message for _, message in taken.took)
    assert bare["Subject"] == "p: bare"
    assert bare.get_content().strip() == f"run {ran.id} of p has come to bare"
    assert (said["Subject"], said.get_content().strip()) == ("mine", f"run {ran.id} of p has come to said")
    assert html["Subject"] == "p: html"
    (told,) = hook.came
    assert json.loads(told.body)["subject"] == "p: tell"


def test_the_shops_orders_come_into_the_warehouse_day_by_day_or_all(
    project: Project, serve: Serve, database_servers: Servers, box: tuple[Box, dict[str, Any]]
) -> None:
    shutil.copy(ROOT / "pipelines" / "warehouse.yml", project.folder / "pipelines")
    shop, warehouse = (database_servers.make("postgresql") for _ in range(2))
    ask(
        shop,
        "create table customers (id bigint primary key, name text not null, note text)",
        "insert into customers select n, 'customer ' || n, case when n = 3 then '' end from generate_series(1, 40) n",
        "create table orders (id bigint primary key, day date, customer bigint, amount numeric(12, 2))",
        "insert into orders select n, date '2026-03-01' + mod(n, 5), mod(n, 40) + 1, n * 0.01 from generate_series(1, 5000) n",
        "alter table customers drop column note",
    )
    mails, smtp = box
    with object_store("lake") as lake:
        lake["secret"] = "{{ secrets.lake_key }}"
        told = {"shop": shop, "warehouse": warehouse, "lake": lake, "smtp": smtp}
        project.write("yamldag.yml", {"secrets": {"lake_key": SECRET}, "connections": told})

        one = project.run("warehouse", "--date", "2026-03-02T02:30:00+01:00")
        assert set(one.states.values()) == {"success"}, one.reasons
        assert ask(warehouse, "select day::text, count(*) from orders group by 1") == [("2026-03-01", 1000)]

        served = serve()
        filled = project(
            "backfill", "warehouse", "--from", "2026-03-02", "--to", "2026-03-03", "--reprocess", "completed"
        )
        assert filled.code == 0, filled

        def ends() -> list[str]:
            rows = [row for row in project("runs", "--json").json if row["type"] == "backfill"]
            return [row["state"] for row in rows if row["state"] in ("success", "failed")]

        served.see(lambda _: len(ends()) == 2)
        assert {row["state"] for row in project("runs", "--json").json} == {"success"}
        counts = "select day::text, count(*) from orders group by 1 order by 1"
        assert ask(warehouse, counts) == [("2026-03-01", 1000), ("2026-03-02", 1000)]

        ask(shop, "delete from orders where id > 4000", "update orders set amount = 1 where id <= 10")
        full = project.run("warehouse", "--param", "full=true")
        assert set(full.states.values()) == {"success"}, full.reasons
        assert ask(warehouse, "select count(*), max(id) from orders") == [(4000, 4000)]
        same = "select sum(amount)::text, count(distinct customer) from orders"
        assert ask(warehouse, same) == ask(shop, same)
    assert len(mails.took) == 4
    receivers, message = mails.took[-1]
    assert (receivers, message["Subject"]) == (["sales@example.org"], "4000 orders came in")
    (file,) = message.iter_attachments()
    assert file.get_content().startswith("name,orders,amount\n")
    assert file.get_content().count("\n") == 41
    for url in (shop, warehouse):
        database_servers.drop("postgresql", url)


def test_what_went_wrong_is_told_by_mail_and_chat_without_a_word_of_ones_own(
    project: Project, box: tuple[Box, dict[str, Any]], hook: Site
) -> None:
    mails, smtp = box
    chat = {"type": "slack", "url": f"{hook.url}/{{{{ secrets.hook }}}}"}
    project.write("yamldag.yml", {"secrets": {"hook": SECRET}, "connections": {"smtp": smtp, "chat": chat}})
    ran = project.run(
        """
deadline: {after: 1d}
on_deadline: {notify: {to: chat}}
on_failure:
  - email: {to: [ops@example.org], subject: "{{ run.pipeline }} failed"}
  - notify: {to: [chat, "VARS/own"]}
tasks:
  load: {bash: exit 3, on_failure: {email: {to: ops@example.org}}}
  secret: {bash: "true", on_success: {notify: {to: chat, text: "the key is {{ secrets.hook }}"}}}
""".replace("VARS", hook.url)
    )
    assert ran.state == "failed"
    rows = project("logs", ran.id, "--notifications", "--json").json
    assert {row["state"] for row in rows} == {"done"}, rows
    told = {str(message["Subject"]): message.get_content().replace("\r\n", "\n") for _, message in mails.took}
    assert told["p: load is failed"].startswith(f"load of p is failed: exit code 3\nrun {ran.id}, attempt 1")
    assert told["p failed"].startswith(f"p is failed; failed: load\nrun {ran.id}")
    assert f"p is failed\np is failed; failed: load\nrun {ran.id}" in [
        json.loads(asked.body)["text"] for asked in hook.came
    ]
    assert not any(SECRET.encode() in path.read_bytes() for path in project.folder.rglob("*.log"))
    assert SECRET not in project("logs", ran.id, "--notifications").out


def test_a_dry_run_shows_each_call_as_it_would_be_made(project: Project) -> None:
    project.write(
        "yamldag.yml", {"secrets": {"key": SECRET}, "connections": {"db": f"postgresql://u:{SECRET}@h/d"}}
    )
    name = project.pipeline(
        """
params: {day: 2026-03-09}
tasks:
  get: {http: {url: "https://example.org/{{ params.day }}", headers: {X-Key: "{{ secrets.key }}"}, pages: link}}
  move: {copy: {from: "s3://lake/{{ params.day }}.csv", to: {connection: db, table: orders, mode: upsert, key: id}}}
  tell: {notify: {to: "slack://a/b", text: "{{ tasks.move.output.rows }} of {{ params.day }}"}}
  mail: {email: {to: ops@example.org, subject: "{{ ds }}"}}
"""
    )
    answer = project("run", name, "--dry-run", "--date", "2026-03-09", "--json")
    calls = {row["id"]: row["params"] for row in answer.json["tasks"]}
    assert calls == {
        "get": {
            "url": "https://example.org/2026-03-09",
            "headers": {"X-Key": "{{ secrets.key }}"},
            "pages": "link",
        },
        "move": {
            "from": "s3://lake/2026-03-09.csv",
            "to": {"connection": "db", "table": "orders", "mode": "upsert", "key": "id"},
        },
        "tell": {"to": "slack://a/b", "text": "{{ tasks.move.output.rows }} of 2026-03-09"},
        "mail": {"to": "ops@example.org", "subject": "2026-03-09"},
    }
    assert SECRET not in answer.out


def test_a_task_alone_has_what_others_gave_before_in_a_dry_run_too(project: Project) -> None:
    ran = project.run(
        """
tasks:
  count: {bash: 'echo "n=41" > "$YAMLDAG_OUTPUT"', output: {n: integer}}
  put: {copy: {from: "in-{{ tasks.count.output.n + 1 }}.csv", to: out.csv}, allow_failure: true}
"""
    )
    assert ran.reasons["put"].endswith("in-42.csv`")
    alone = project("run", "p", "--task", "put", "--dry-run", "--json").json["tasks"]
    assert [row["params"]["from"] for row in alone] == ["in-42.csv"]
    (project.folder / "pipelines" / "in-42.csv").write_text("n\n1\n")
    assert project("run", "p", "--task", "put").code == 0
    assert (project.folder / "pipelines" / "out.csv").read_text() == "n\n1\n"


def test_a_param_of_whoever_starts_a_run_does_not_lead_inside_unless_it_is_listed(
    project: Project, serve: Serve, hook: Site
) -> None:
    url = hook.url

    def paths() -> set[str]:
        return {asked.path for asked in hook.came}

    project.write(
        "pipelines/p.yml",
        f"""
pipeline: p
params: {{at: "{url}/default", host: 127.0.0.1}}
vars: {{own: "{url}"}}
tasks:
  given: {{http: "{{{{ params.at }}}}"}}
  host: {{http: "http://{{{{ params.host }}}}:{url.rpartition(":")[2]}/host", allow_failure: true}}
  own: {{http: "{{{{ vars.own }}}}/own"}}
  written: {{http: "{url}/{{{{ params.at | length }}}}", needs: own}}
""",
    )
    served = serve()

    def run(*params: str) -> dict[str, tuple[str, str]]:
        hook.came.clear()
        name = project("trigger", "p", *params, "--json").json["run_id"]
        served.see(lambda _: project("tasks", name, "--json").json["state"] in ("success", "failed"))
        return {
            row["id"]: (row["state"], row["reason"]) for row in project("tasks", name, "--json").json["tasks"]
        }

    assert {state for state, _ in run().values()} == {"success"}  # a default is the file's own word
    found = run("--param", f"at={url}/secret", "--param", "host=localhost")
    assert found["given"][0] == found["host"][0] == "failed"
    assert "`127.0.0.1` leads to a private or loopback address" in found["given"][1]
    assert found["own"][0] == found["written"][0] == "success"
    assert not {"/secret", "/host"} & paths()
    project.write("yamldag.yml", {"allow_hosts": ["127.0.0.0/8"]})
    served.see(lambda _: project("show", "p").code == 0)
    here = project("run", "p", "--param", f"at={url}/mine")
    assert here.code == 0, here
    assert "/mine" in paths()
