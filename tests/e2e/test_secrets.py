"""Secrets and connections: tasks have them, and nobody else ever sees them."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import sqlalchemy as sa

from tests.answering import Asked, Said, answering, as_json
from tests.canaries import CANARIES
from tests.e2e.project import Project, Ran
from tests.e2e.serving import Serve, wait_until
from tests.web.conftest import Hosted, hosted_by
from tests.web.seeds import NOW, Seeded
from yamldag.compile.project import find
from yamldag.engine.schedule.catalogue import Catalogue
from yamldag.engine.status import Board, Status
from yamldag.store.address import reading
from yamldag.web.address import address_of
from yamldag.web.auth.who import LOCAL
from yamldag.web.live.hub import Hub, Topic
from yamldag.web.routes import TABLE

SECRET = "hunter2-hunter2"


def below(folder: Path) -> Iterator[tuple[str, bytes]]:
    """All that yamldag has written."""
    for path in sorted((folder / ".yamldag").rglob("*")):
        if path.is_file():
            yield str(path), path.read_bytes()


def found_in(text: bytes, secret: str) -> bool:
    forms = [secret.encode(), base64.b64encode(secret.encode()), secret.encode().hex().encode()]
    return any(form in text for form in forms)


SHOW = """
import base64, json, os, sys, urllib.parse, yamldag
def show(many):
    out = sys.stdout.buffer
    for name in [name for name in os.environ if name.startswith("C_")]:
        secret = os.environ[name]
        for text in (secret, json.dumps(secret), repr(secret), urllib.parse.quote(secret, safe=""),
                     base64.b64encode(secret.encode()).decode(), secret.encode().hex()):
            out.write(text.encode() + b"\\n")
        half = secret.encode()
        out.write(half[:len(half) // 2])
        out.flush()
        out.write(half[len(half) // 2:] + b"\\n")
        out.flush()
    raise ValueError("nobody may see " + os.environ["C_4"] + " or " + os.environ["C_38"] * 3)
def hand_on():
    return {"it": os.environ["C_4"]}
def hand_on_written():
    return [base64.b64encode(os.environ["C_39"].encode()).decode()]
def fail():
    raise yamldag.Fail("with " + os.environ["C_38"])
def skip():
    raise yamldag.Skip("with " + os.environ["C_4"])
"""


@pytest.fixture(scope="module")
def forty(tmp_path_factory: pytest.TempPathFactory) -> tuple[Ran, dict[str, str]]:
    """A run whose tasks do all that they can to show forty secrets, and the environment that has these."""
    project = Project(tmp_path_factory.mktemp("forty"))
    folder = project.folder / "secrets"
    folder.mkdir()
    outside = {"YAMLDAG_SECRETS_DIR": str(folder)}
    for number, secret in enumerate(CANARIES):
        if number % 2 or secret.endswith("\n"):
            outside[f"YAMLDAG_SECRET_C_{number}"] = secret
        else:
            (folder / f"c_{number}").write_text(f"{secret}\n", newline="")
    outside["YAMLDAG_CONNECTION_AWAY"] = f"https://ann:{quote(CANARIES[16], safe='')}@127.0.0.1:1/there"
    connections = {
        "web": {
            "type": "http",
            "host": "127.0.0.1",
            "port": 1,
            "user": "ann",
            "password": "{{ secrets.c_38 }}",
        },
        "base": {
            "type": "postgresql",
            "host": "127.0.0.1",
            "port": 1,
            "user": "etl",
            "password": "{{ secrets.c_4 }}",
        },
    }
    names = [f"c_{number}" for number, _ in enumerate(CANARIES)]
    project.write("yamldag.yml", {"secrets": names, "connections": connections})
    project.write("pipelines/shows.py", SHOW)
    env = {f"C_{number}": f"{{{{ secrets.c_{number} }}}}" for number, _ in enumerate(CANARIES)}
    told = {
        "bash": {"script": "printf '%s' \"$WHY\"; env; exit 1"},
        "env": {**env, "WHY": "{{ task.error }}"},
    }
    shell = 'set -x; for name in ${!C_@}; do echo "${!name}"; printf %s "${!name}" | base64; printf %q "${!name}"; done'
    ran = project.run(
        {
            "env": env,
            "tasks": {
                "all": {
                    "python": "shows:show",
                    "args": {"many": 1},
                    "on_failure": told,
                    "allow_failure": True,
                },
                "shell": {"bash": f'{shell}; echo "$C_4" >&2; env'},
                "given": {"python": "shows:hand_on", "allow_failure": True, "retries": 2},
                "written": {"python": "shows:hand_on_written", "allow_failure": True},
                "file": {"bash": 'printf "it=%s" "$C_31" > "$YAMLDAG_OUTPUT"', "allow_failure": True},
                "fail": {"python": "shows:fail", "allow_failure": True},
                "skip": {"python": "shows:skip"},
                "none": {"command": ["/no/such/program", "{{ secrets.c_4 }}"], "allow_failure": True},
                "shape": {"bash": "echo {{ secrets.c_13 }}", "allow_failure": True},
                "given_on": {"command": ["echo", "{{ secrets.c_6 }}", "{{ secrets.c_27 }}"]},
                "said": {
                    "http": {"connection": "web", "path": "/x", "headers": {"X-Key": "{{ secrets.c_31 }}"}},
                    "allow_failure": True,
                },
                "asked": {"http": {"connection": "away", "path": "/y"}, "allow_failure": True},
            },
        },
        env=outside,
    )
    return ran, outside


def test_forty_secrets_are_seen_nowhere(forty: tuple[Ran, dict[str, str]]) -> None:
    ran, outside = forty
    project = ran.project
    assert ran.states == {
        **dict.fromkeys(
            ("all", "given", "written", "file", "fail", "none", "shape", "said", "asked"), "failed"
        ),
        **dict.fromkeys(("shell", "given_on"), "success"),
        "skip": "skipped",
    }
    assert ran.attempts["given"] == 1
    holds = "the output holds a secret of 8 characters or more"
    assert all(holds in ran.reasons[name] for name in ("given", "written", "file"))
    assert "ValueError: nobody may see *** or ***" in ran.reasons["all"]
    assert "can't go into a shell as it is" in ran.reasons["shape"]
    assert ran.log("shell").count("***") >= 3 * len(CANARIES)
    said = [("run", ran.answer.out.encode()), ("progress", ran.answer.err.encode())]
    for command in (
        ["tasks", ran.id, "--json"],
        ["logs", ran.id, "--notifications"],
        ["why", ran.id, "all"],
        ["connections", "--json"],
        ["secrets", "--json"],
        ["runs", "--json"],
        ["doctor"],
    ):
        answer = project(*command, env=outside)
        said.append((command[0], (answer.out + answer.err).encode()))
    assert "***" in dict(said)["logs"].decode()
    assert_unseen([*below(project.folder), *said])


def assert_unseen(places: Iterable[tuple[str, bytes]]) -> None:
    """No secret is in any of them, in no writing of it; one of few letters may be in a database by chance."""
    found = list(places)
    databases = [each for each in found if each[0].endswith((".db", "-wal", "-shm"))]
    texts = [each for each in found if each not in databases]
    written = b"\0".join(data for _, data in texts)
    stored = b"\0".join(data for _, data in databases)
    for secret in CANARIES:
        lines = [line for line in secret.splitlines() if len(line) >= 5]
        if found_in(written, secret) or any(line.encode() in written for line in lines):
            raise AssertionError(
                (secret, [place for place, data in texts if found_in(data, lines[0] if lines else secret)])
            )
        assert len(secret) < 5 or not found_in(stored, secret), secret
        assert not any(line.encode() in stored for line in lines), secret


def test_forty_secrets_are_on_no_page_and_in_no_answer(
    forty: tuple[Ran, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every page and answer, for every task; what is told live; and what the server itself has written then."""
    ran, outside = forty
    for name, value in outside.items():
        monkeypatch.setenv(name, value)
    root = ran.project.folder
    catalogue = Catalogue(find(str(root), None, outside))
    board = Board(
        Status(
            NOW - 100,
            NOW - 1,
            16,
            pipelines=catalogue.pipelines,
            broken=catalogue.broken,
            project=catalogue.project,
        )
    )
    home = hosted_by(
        Seeded(root, f"sqlite:///{root}/.yamldag/yamldag.db", catalogue, board), address_of("127.0.0.1", 8080)
    )
    seen = list(answers(home, ran.id, [str(row["id"]) for row in ran.rows]))
    assert len(seen) > 150
    assert [place for place, data in seen if b"***" in data], "their logs and errors are shown, and masked"
    seen.append(("live", asyncio.run(live(home, ran.id))))
    assert_unseen([*seen, *below(root)])
    home.site.hub.close()


def answers(home: Hosted, run: str, tasks: list[str]) -> Iterator[tuple[str, bytes]]:
    """Of everything that is asked by GET and comes to an end."""
    for route in TABLE.routes:
        if route.method != "GET" or route.path == "/live":
            continue
        path = route.path.format(pipeline="p", run=run, name="nothing", number="1")
        for query in ("", *(f"?task={task}" for task in tasks)) if "{run}" in route.path else ("",):
            answer = home.anyone.get(path + query)
            assert answer.status_code != 500, path
            yield path + query, answer.content


async def live(home: Hosted, run: str) -> bytes:
    """All that was told of the run since its beginning."""
    hub = Hub(reading(home.seeded.url), home.seeded.board, lambda: NOW)
    try:
        listener = await hub.subscribe(Topic(run=run), LOCAL, 0)
        parts = []
        while not listener.queue.empty():
            parts.append(listener.queue.get_nowait() or b"")
    finally:
        hub.close()
    told = b"".join(parts)
    assert run.encode() in told
    return told


def test_a_task_has_the_secret_and_not_the_keys(project: Project) -> None:
    project.write("yamldag.yml", {"secrets": ["db-key", "other"]})
    ran = project.run(
        """
params: {who: Ann}
tasks:
  first: {bash: 'echo "n=3" > "$YAMLDAG_OUTPUT"', output: {n: integer}}
  it:
    bash: |
      [ "$KEY" = hunter2-hunter2 ]
      [ "{{ secrets['db-key'] }}" = "$KEY" ]
      [ "{{ params.who }} {{ tasks.first.output.n + 1 }} {{ ds }} {{ logical_date.year }}" = "Ann 4 2026-01-02 2026" ]
      [ "{{ ('pa ss' ~ secrets['db-key']) | sh }}" = "x" ] || true
      ! env | grep -E 'YAMLDAG_(SECRET|CONNECTION|DECLARED)|other-value'
      ! grep -rF "$KEY" "$STATE"
      printf '{"from": "%s"}' "$YAMLDAG_TASK_ID" > "$YAMLDAG_OUTPUT"
    env: {KEY: "{{ secrets['db-key'] }}", STATE: "{{ run.dir }}/../.."}
    output: {from: string}
  after: {bash: "[ {{ tasks.it.output.from }} = it ]"}
""".replace("""      [ "{{ ('pa ss' ~ secrets['db-key']) | sh }}" = "x" ] || true\n""", ""),
        "--date",
        "2026-01-02",
        env={"YAMLDAG_SECRET_DB_KEY": SECRET, "YAMLDAG_SECRET_OTHER": "other-value"},
    )
    assert ran.states == {"first": "success", "it": "success", "after": "success"}, ran.log("it")


def test_where_a_value_comes_from(project: Project) -> None:
    folder = project.folder / "run-secrets"
    folder.mkdir()
    (folder / "a").write_text("from file\n")
    (folder / "b").write_text("from file")
    project.write(
        "yamldag.yml", {"secrets": {"a": "from project", "b": "from project", "c": "from project", "d": None}}
    )
    outside = {"YAMLDAG_SECRETS_DIR": str(folder), "YAMLDAG_SECRET_A": "from environment"}
    ran = project.run(
        {
            "tasks": {
                "right": {
                    "bash": '[ "$A $B $C" = "from environment from file from project" ]',
                    "env": {name: f"{{{{ secrets.{name.lower()} }}}}" for name in "ABC"},
                },
                "missing": {"bash": "echo {{ secrets.d }}", "retries": 3, "allow_failure": True},
                "dynamic": {"bash": "true", "env": {"X": "{{ secrets[ds] }}"}, "allow_failure": True},
            }
        },
        env=outside,
    )
    assert ran.states == {"right": "success", "missing": "failed", "dynamic": "failed"}
    assert ran.attempts["missing"] == 1
    assert (
        "the secret `d` has no value here: neither `$YAMLDAG_SECRET_D` nor the file" in ran.reasons["missing"]
    )
    listed = project("secrets", "--json", env=outside)
    assert listed.code == 1
    assert [row["source"] for row in listed.json] == [
        "$YAMLDAG_SECRET_A",
        str(folder / "b"),
        "yamldag.yml",
        None,
    ]
    assert "from environment" not in listed.out + project("secrets", env=outside).out


def test_ends_are_as_those_of_any_task(project: Project) -> None:
    project.write("yamldag.yml", {"secrets": {"k": SECRET}})
    ran = project.run(
        """
env: {K: "{{ secrets.k }}"}
tasks:
  skip: {bash: exit 99}
  code: {bash: exit 7, retries: 1, retry_delay: 0s, allow_failure: true}
  killed: {bash: 'kill -9 $$', allow_failure: true}
  left: {bash: '(sleep 60; echo later) & echo now'}
  alone: {bash: 'kill -9 $PPID; sleep 0.1; touch survived', allow_failure: true}
  silent: {bash: 'exec >&- 2>&-; sleep 0.2; exit 5', allow_failure: true}
  much: {bash: 'for i in {1..20000}; do echo "line $i of $K"; done'}
"""
    )
    assert ran.states == {
        **dict.fromkeys(("code", "killed", "alone", "silent"), "failed"), "skip": "skipped", "left": "success", "much": "success"
    }  # fmt: skip
    assert ran.attempts["code"] == 2
    assert ran.reasons["code"] == "exit code 7"
    assert ran.reasons["alone"] == "ended by signal 9 (SIGKILL)"
    assert not (project.folder / "pipelines" / "survived").exists()
    assert ran.reasons["silent"] == "exit code 5"
    assert ran.reasons["killed"] == "ended by signal 9 (SIGKILL)"
    assert ran.log("left") == "now\n"
    assert ran.log("much").splitlines()[-1] == "line 20000 of ***"


def test_a_task_outlives_its_scheduler_and_its_log_stays_masked(project: Project, serve: Serve) -> None:
    project.write("yamldag.yml", {"secrets": {"k": SECRET}})
    project.write(
        "pipelines/p.yml",
        """
pipeline: p
tasks:
  a:
    bash: 'echo "before $K"; until [ -e gate ]; do sleep 0.05; done; echo "after $K"; echo "n=1" > "$YAMLDAG_OUTPUT"'
    env: {K: "{{ secrets.k }}"}
""",
    )
    served = serve()
    run = project("trigger", "p", "--json").json["run_id"]
    served.see(lambda _: "before ***" in project("logs", run, "a").out)
    served.process.send_signal(signal.SIGKILL)
    served.process.wait()
    (project.folder / "pipelines" / "gate").touch()
    again = serve()
    again.see(lambda _: project("tasks", run, "--json").json["tasks"][0]["state"] == "success")
    row = project("tasks", run, "--json").json["tasks"][0]
    assert row["attempts"] == 1
    assert project("logs", run, "a").out == "before ***\nafter ***\n"
    assert not any(found_in(data, SECRET) for _, data in below(project.folder))


def test_a_stop_lets_it_say_goodbye(project: Project, serve: Serve) -> None:
    project.write("yamldag.yml", {"secrets": {"k": SECRET}})
    project.write(
        "pipelines/p.yml",
        """
pipeline: p
tasks:
  a:
    bash: 'trap "echo bye $K; exit 3" TERM; echo ready; while :; do read -t 0.05 || true; done < <(sleep 600)'
    env: {K: "{{ secrets.k }}"}
""",
    )
    served = serve()
    run = project("trigger", "p", "--json").json["run_id"]
    served.see(lambda _: "ready" in project("logs", run, "a").out)
    assert project("cancel", run).code == 0
    served.see(lambda _: project("tasks", run, "--json").json["tasks"][0]["state"] == "failed")
    assert "bye ***\n" in project("logs", run, "a").out


def test_a_dry_run_and_the_plan_show_names_alone(project: Project) -> None:
    project.write(
        "yamldag.yml", {"secrets": {"k": SECRET}, "connections": {"db": f"postgresql://u:{SECRET}@h/d"}}
    )
    name = project.pipeline("tasks: {a: {bash: 'echo {{ secrets.k }} {{ connections.db.password }}'}}")
    for command in (
        ["run", name, "--dry-run"],
        ["show", name, "--json"],
        ["config"],
        ["connections", "list"],
    ):
        answer = project(*command)
        assert answer.code == 0, answer
        assert SECRET not in answer.out + answer.err


def echo(asked: Asked) -> Said:
    wanted = base64.b64encode(f"ann:{SECRET}".encode()).decode()
    told = {
        "path": asked.path,
        "known": asked.headers.get("Authorization") in (f"Basic {wanted}", f"Bearer {SECRET}"),
        "x": asked.headers.get("X-Team"),
    }
    return as_json(told)


@pytest.fixture
def port() -> Iterator[int]:
    with answering(echo) as site:
        yield site.server_port


def test_http_goes_by_a_connection(project: Project, port: int) -> None:
    web = {
        "type": "http",
        "host": "127.0.0.1",
        "port": port,
        "path": "/v1",
        "user": "ann",
        "password": "{{ secrets.k }}",
    }
    web["headers"] = {"X-Team": "data"}
    known = {"web": web, "api": "http://127.0.0.1:1"}
    project.write("yamldag.yml", {"secrets": ["k"], "connections": known})
    outside = {
        "YAMLDAG_SECRET_K": SECRET,
        "YAMLDAG_CONNECTION_API": json.dumps(
            {"url": f"http://127.0.0.1:{port}/api", "token": "{{ secrets.k }}"}
        ),
    }
    ran = project.run(
        """
defaults: {http: {connection: web}}
tasks:
  basic: {http: {path: /rows}}
  bearer: {http: {connection: api, path: rows?x=1, headers: {x-team: mine}}}
  other: {http: {url: "http://127.0.0.1:{{ vars.port }}/open"}}
  ready: {wait: {http: {connection: web, path: /ready}, poke_interval: 0.1s}, timeout: 60s}
  check:
    bash: |
      [ '{{ tasks.basic.output.body | tojson | raw }}' = '{"path": "/v1/rows", "known": true, "x": "data"}' ]
      [ '{{ tasks.other.output.body | tojson | raw }}' = '{"path": "/open", "known": false, "x": null}' ]
      [ '{{ tasks.bearer.output.body | tojson | raw }}' = '{"path": "/api/rows?x=1", "known": true, "x": "mine"}' ]
      [ "{{ connections.web.host }}:{{ connections.web.port }}" = "127.0.0.1:$PORT" ]
    env: {PORT: "{{ vars.port }}"}
"""
        + f"vars: {{port: '{port}'}}\n",
        env=outside,
    )
    assert set(ran.states.values()) == {"success"}, (ran.reasons, ran.log("check"))
    assert ran.log("basic") == f"GET http://127.0.0.1:{port}/v1/rows: 200 OK\n"
    answer = project("connections", "test", "web", env=outside)
    assert (answer.code, answer.out) == (0, "web: it answers 200 OK\n")


def test_a_query_is_awaited(project: Project) -> None:
    project.write(
        "yamldag.yml", {"connections": {"lite": "sqlite:///data.db", "away": "postgresql://u@127.0.0.1:1/d"}}
    )
    ran = project.run(
        """
defaults: {sql: {connection: lite}}
tasks:
  make: {sql: "create table t (n int); insert into t values (0)"}
  met: {wait: {sql: {connection: lite, query: "select max(n) from t"}, poke_interval: 0.1s}, needs: make, timeout: 60s}
  rows: {wait: {sql: {connection: lite, query: "select n from t", expect: 2}, poke_interval: 0.1s}, needs: make, timeout: 60s}
  fill: {sql: "update t set n = 1; insert into t values (2)", needs: make}
  none: {wait: {sql: {connection: lite, query: "select 1 where 1 = 0"}, poke_interval: 0.1s, soft_fail: true}, timeout: 0.5s}
  away: {wait: {sql: {connection: away, query: "select 1"}, poke_interval: 0.1s}, timeout: 3s, allow_failure: true}
  wrong: {wait: {sql: {connection: lite, query: "select n from nowhere"}}, allow_failure: true}
"""
    )
    assert ran.states == {
        **dict.fromkeys(("make", "met", "rows", "fill"), "success"), "none": "skipped", "away": "failed", "wrong": "failed"
    }  # fmt: skip
    assert ran.reasons["away"] == "timed out after 3s"
    assert ran.reasons["wrong"] == "no such table: nowhere"
    assert ran.attempts["met"] == 1


@pytest.mark.parametrize("server_url", ["postgresql"], indirect=True)
def test_a_stopped_query_ends_on_the_server(project: Project, serve: Serve, server_url: str) -> None:
    project.write("yamldag.yml", {"connections": {"db": server_url}})
    project.write(
        "pipelines/p.yml",
        """
pipeline: p
tasks:
  long: {sql: {connection: db, query: "select pg_sleep(600)"}}
  file: {sql: {connection: db, query: "create table t (n int)"}}
""",
    )
    engine = sa.create_engine(server_url.replace("postgresql:", "postgresql+psycopg:"), poolclass=sa.NullPool)

    def sleeping() -> bool:
        with engine.connect() as connection:
            asked = sa.text("select count(*) from pg_stat_activity where query = 'select pg_sleep(600)'")
            return bool(connection.execute(asked).scalar())

    served = serve()
    run = project("trigger", "p", "--json").json["run_id"]
    wait_until(sleeping)
    assert project("cancel", run).code == 0
    served.see(lambda _: project("tasks", run, "--json").json["tasks"][0]["state"] == "failed")
    wait_until(lambda: not sleeping())


def test_doctor_says_what_has_no_value(project: Project) -> None:
    project.write(
        "yamldag.yml",
        {
            "secrets": ["here", "gone"],
            "connections": {"a": "postgresql://u:{{ secrets.gone }}@h/d", "b": "sqlite:///:memory:"},
        },
    )
    answer = project("doctor", "--json", env={"YAMLDAG_SECRET_HERE": SECRET})
    states = {row["name"]: row["state"] for row in answer.json["checks"]}
    assert answer.code == 1
    assert {name: states[f"{name}"] for name in ("secret here", "secret gone", "connection a", "connection b")} == {
        "secret here": "ok", "secret gone": "wrong", "connection a": "wrong", "connection b": "ok"
    }  # fmt: skip
    assert SECRET not in answer.out
    assert os.environ.get("YAMLDAG_SECRET_HERE") is None


def test_a_plan_that_was_kept_finds_the_secrets_of_the_file_again(project: Project) -> None:
    project.write("yamldag.yml", {"secrets": {"key": "canary-4711"}})
    task = {"bash": "[ ${#KEY} = 11 ]", "env": {"KEY": "{{ secrets.key }}"}}
    project.pipeline({"tasks": {"a": task}})
    assert [project("run", "pipelines/p.yml").code for _ in range(3)] == [0, 0, 0]
    kept = [text for path, text in below(project.folder) if "/compiled/" in path]
    assert len(kept) == 1
    assert b"canary-4711" not in kept[0]
