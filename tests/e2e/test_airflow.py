"""`airflow` with the true Airflow and its providers: what an operator returns, asks for, puts off, and how it ends."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from docs.blocks import blocks
from tests.answering import Asked, Said, answering, as_json
from tests.databases import Servers
from tests.e2e.project import ROOT, YAMLDAG, Project
from tests.e2e.serving import wait_until
from tests.environments import AIRFLOW, ENV, built, lend

STANDARD = "airflow.providers.standard"
BASH = "airflow.providers.standard.operators.bash.BashOperator"
PYTHON = "airflow.providers.standard.operators.python.PythonOperator"
SQL = "airflow.providers.common.sql.operators.sql.SQLExecuteQueryOperator"
HTTP = "airflow.providers.http.operators.http.HttpOperator"
DELTA = "airflow.providers.standard.sensors.time_delta.TimeDeltaSensor"
CANARY = "canary-0123456789"

OWN = '''
import asyncio, glob, os, time
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

from airflow.providers.standard.operators.python import BranchPythonOperator
from airflow.sdk import BaseHook, BaseOperator, BaseSensorOperator, Variable, get_current_context
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
from airflow.triggers.base import BaseTrigger, TaskFailedEvent, TaskSkippedEvent, TriggerEvent


def tell(x, ds, ti, params, **context):
    print("x is", x, "on", ds, "for", params["who"])
    assert get_current_context()["ti"] is ti
    ti.xcom_push("k", 1)
    try:
        pulled = ti.xcom_pull(task_ids="bash")
    except Exception as refused:
        pulled = str(refused)
    return {
        "x": x,
        "k": ti.xcom_pull(key="k"),
        "pulled": pulled,
        "dates": [context[name].isoformat() for name in ("logical_date", "data_interval_start", "data_interval_end")],
        "ids": [context["dag"].dag_id, ti.task_id, context["run_id"] == ti.run_id, ti.try_number, ti.map_index],
        "variables": [Variable.get("bucket"), Variable.get("limits", deserialize_json=True)],
        "home": sorted(os.listdir(os.environ["AIRFLOW_HOME"])),
    }


def skip():
    raise AirflowSkipException("not today")


def fail():
    raise AirflowFailException("never")


def boom():
    raise ValueError("boom")


def odd():
    return {1, 2}


def numbers():
    return [Decimal("1.50"), Decimal(2), UUID("f47ac10b-58cc-4372-a567-0e02b2c3d479")]


def search(word, conn):
    found = BaseHook.get_connection(conn)
    print("password", found.password, found.extra_dejson)
    assert found.password == word[::-1]
    files = [*glob.glob("/proc/[0-9]*/cmdline"), "/proc/self/environ"]
    def holds(path):
        try:
            with open(path, "rb") as file:
                return found.password.encode() in file.read()
        except OSError:
            return False
    given = sorted(name for name in os.environ if name.startswith("AIRFLOW_CONN_"))
    return {"given": given, "seen": [path for path in files if holds(path)]}


class Fires(BaseTrigger):
    def __init__(self, how):
        super().__init__()
        self.how = how

    def serialize(self):
        return "own.Fires", {"how": self.how}

    async def run(self):
        if self.how.startswith("/"):
            open(self.how, "x").close()
        if self.how == "late" or self.how.startswith("/"):
            await asyncio.sleep(1000)
        if self.how == "breaks":
            raise ValueError("the trigger broke")
        if self.how == "ends":
            return
        if self.how == "skips":
            yield TaskSkippedEvent()
        if self.how == "fails":
            yield TaskFailedEvent()
        yield TriggerEvent({"how": self.how})

    async def on_kill(self):
        open(f"{self.how}.killed", "x").close()


class Defers(BaseOperator):
    def __init__(self, how, **more):
        super().__init__(**more)
        self.how = how

    def execute(self, context):
        timeout = timedelta(milliseconds=1) if self.how == "late" else None
        self.defer(trigger=Fires(self.how), method_name="go_on", kwargs={"more": 1}, timeout=timeout)

    def go_on(self, context, event, more):
        return {**event, "more": more}


class Third(BaseSensorOperator):
    """Sees it at its third look."""
    looks = 0

    def poke(self, context):
        Third.looks += 1
        print("look", Third.looks)
        return Third.looks == 3


class Chooses(BranchPythonOperator):
    pass


class Never(BaseSensorOperator):
    def poke(self, context):
        return False


class Waits(BaseOperator):
    def __init__(self, path, **more):
        super().__init__(**more)
        self.path = path

    def execute(self, context):
        open(self.path, "x").close()
        while True:
            time.sleep(1000)

    def on_kill(self):
        open(f"{self.path}.killed", "x").close()
'''


@pytest.fixture(scope="module")
def airflow() -> str:
    """The interpreter of an environment that has it."""
    return built(AIRFLOW)


@pytest.fixture
def own(project: Project, airflow: str) -> Project:
    """A project whose `airflow` tasks run there, and with operators of its own."""
    lend(project.folder)
    declare(project)
    project.write("pipelines/own.py", OWN)
    return project


def declare(project: Project, **more: object) -> None:
    """The project's file."""
    project.write("yamldag.yml", {"defaults": {"airflow": {"requirements": AIRFLOW}}, **more})


def python(function: str, **args: Any) -> dict[str, Any]:
    return {"airflow": {"operator": PYTHON, "args": {"python_callable": f"own:{function}", **args}}}


def test_an_operator_is_executed_as_airflow_would(own: Project) -> None:
    declare(own, vars={"bucket": "s3://lake", "limits": {"rows": 5}})
    raw = "{% raw %}{{ ds }}{% endraw %}"
    tries = {"retries": 1, "retry_delay": "0s", "allow_failure": True}
    ran = own.run(
        {
            "params": {"who": "Ada"},
            "timezone": "Asia/Seoul",
            "schedule": "@daily",
            "tasks": {
                "bash": {"airflow": {"operator": BASH, "args": {"bash_command": f"echo $AIRFLOW_CTX_DAG_ID {{{{ params.who }}}}; echo '{raw}'"}}},
                "py": python("tell", op_kwargs={"x": [1, "{{ tasks.bash.output }}"]}),
                "uses": {"bash": "echo {{ tasks.py.output | tojson | sh }}"},
                "skips": python("skip"),
                "booms": {**python("boom"), **tries},
                "defers": {"airflow": {"operator": "own.Defers", "args": {"how": "at once"}}},
                "looks": {"airflow": {"operator": "own.Third", "args": {"mode": "reschedule", "poke_interval": 0}}},
                "arg": {"airflow": {"operator": BASH, "args": {"bash_comand": "true"}}, **tries},
                "lost": {"airflow": {"operator": SQL, "args": {"conn_id": "{{ 'lite' }}", "sql": "x"}}, "allow_failure": True},
                "went_on": {"bash": "echo {{ tasks.defers.output | tojson | sh }}"},
            },
        },
        "--date", "2026-03-09T06:00:00", env=ENV,
    )  # fmt: skip
    assert {k: v for k, v in ran.states.items() if v != "success"} == {
        "skips": "skipped", "booms": "failed", "arg": "failed", "lost": "failed",
    }, ran.reasons  # fmt: skip
    told = json.loads(ran.log("uses"))
    assert told == {
        "x": [1, "{{ ds }}"],
        "k": 1,
        "pulled": "`xcom_pull` reaches no other task here: give the operator `{{ tasks.bash.output }}` in its `args`",
        "dates": ["2026-03-09T06:00:00+09:00", "2026-03-08T00:00:00+09:00", "2026-03-09T00:00:00+09:00"],
        "ids": ["p", "py", True, 1, -1],
        "variables": ["s3://lake", {"rows": 5}],
        "home": [],
    }
    assert "INFO p Ada\n" in ran.log("bash")
    assert ran.log("py").startswith("x is [1, '{{ ds }}'] on 2026-03-09 for Ada\n")
    assert json.loads(ran.log("went_on")) == {"how": "at once", "more": 1}
    assert ran.log("looks").count("look ") == 3
    reasons = ran.reasons
    assert (reasons["skips"], reasons["booms"]) == ("not today", "ValueError: boom")
    assert reasons["arg"].startswith("`args` do not fit: `BashOperator` needs `bash_command`")
    words = (
        "it has no connection `lite`: declare it under `connections:` in yamldag.yml, and name it in `args`"
    )
    assert reasons["lost"] == words
    assert [ran.attempts[name] for name in ("booms", "arg")] == [2, 1]
    assert ran.log("arg") == ""
    log = ran.log("booms")
    assert log.startswith("Traceback (most recent call last):\n")
    assert "yamldag/executors" not in log
    assert not list(own.folder.rglob(".airflow-*"))


ENDS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (PYTHON, {"python_callable": "own:fail"}, {"state": "failed", "reason": "never", "retry": False}),
    (PYTHON, {"python_callable": "own:boom"}, {"state": "failed", "reason": "ValueError: boom", "retry": True}),
    (PYTHON, {"python_callable": "sys:exit"}, {"state": "failed", "reason": "exit code 0", "retry": True}),
    (PYTHON, {"python_callable": "own:odd"}, {"state": "failed", "reason": "the return value is a `set`, which JSON does not have", "retry": False}),
    (PYTHON, {"python_callable": "own:numbers"}, {"state": "success", "output": [1.5, 2, "f47ac10b-58cc-4372-a567-0e02b2c3d479"]}),
    (PYTHON, {"python_callable": "own:numbers", "do_xcom_push": False}, {"state": "success", "output": None}),
    ("own.Defers", {"how": "late"}, {"state": "failed", "reason": "Trigger timeout", "retry": True}),
    ("own.Defers", {"how": "breaks"}, {"state": "failed", "reason": "Trigger failure", "retry": True}),
    ("own.Defers", {"how": "ends"}, {"state": "failed", "reason": "Trigger failure", "retry": True}),
    ("own.Defers", {"how": "skips"}, {"state": "skipped", "reason": "its trigger skipped it", "retry": False}),
    ("own.Defers", {"how": "fails"}, {"state": "failed", "reason": "its trigger failed it", "retry": False}),
    ("own.Never", {"mode": "reschedule", "timeout": 0}, {"state": "failed", "reason": "Sensor has timed out", "retry": False}),
    ("own.Never", {"timeout": 0, "soft_fail": True}, {"state": "skipped", "reason": "Sensor has timed out", "retry": False}),
    (DELTA, {"delta": "1s", "deferrable": True}, {"state": "success", "output": True}),
]  # fmt: skip
CARRY_OUT = """
import json, sys
from yamldag.executors.airflow.running import carry_out

told = {name: "2026-03-09T00:00:00+00:00" for name in ("logical_date", "data_interval_start", "data_interval_end")}
for path, args, _ in json.loads(sys.argv[1]):
    spec = {"class": path, "args": args, "folder": sys.argv[2], "scratch": sys.argv[2], "run": "r", "task": "t", "number": 1}
    print("ENDED", json.dumps(carry_out({**spec, "map_index": None, "told": told, "variables": {}})), flush=True)
"""


def said(python: str, script: str, asked: object, project: Project, word: str) -> list[str]:
    """What a script prints in one process of the environment, which takes a second to load."""
    done = subprocess.run(
        [python, "-c", script, json.dumps(asked), str(project.folder / "pipelines")],
        env={**project.environment(ENV), "AIRFLOW_HOME": str(project.folder / "home")}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    return [line.removeprefix(f"{word} ") for line in lines if line.startswith(f"{word} ")]


def test_a_notification_may_be_an_operator(own: Project, airflow: str) -> None:
    ran = own.run(
        {
            "tasks": {"a": {"bash": "exit 3"}},
            "on_failure": {
                "airflow": {
                    "operator": "airflow.providers.standard.operators.bash.BashOperator",
                    "requirements": AIRFLOW,
                    "args": {"bash_command": "echo {{ run.failed | join }}"},
                }
            },
        }
    )
    told = own("logs", ran.id, "--notifications").out
    assert told.splitlines()[0] == "on_failure by airflow: done", told
    assert any(line.endswith("a") for line in told.splitlines()[1:]), told


def test_how_it_ends_is_what_airflow_means_by_it(own: Project, airflow: str) -> None:
    ended = [json.loads(line) for line in said(airflow, CARRY_OUT, ENDS, own, "ENDED")]
    for told, (path, args, wanted) in zip(ended, ENDS, strict=True):
        reason = wanted.get("reason", "")
        assert {**told, "reason": told.get("reason", "")[: len(reason)]} == {**wanted, "reason": reason}, (
            path,
            args,
        )


MISTAKES = {
    "airflow.providers.standad.operators.bash.BashOperator": "there is no module `airflow.providers.standad`: did you mean `airflow.providers.standard`?",
    "airflow.providers.ssh.operators.ssh.SSHOperator": "there is no module `airflow.providers.ssh`: is `apache-airflow-providers-ssh` among its `requirements`?",
    "airflow.providers.standard.operators.bsh.BashOperator": "there is no module `airflow.providers.standard.operators.bsh`: did you mean `airflow.providers.standard.operators.bash`?",
    f"{BASH}r": f"`{BASH.rpartition('.')[0]}` has no `BashOperatorr`: did you mean `BashOperator`?",
    "nowhere.Here": "there is no module `nowhere`",
    "needy.Here": "`needy` can't be loaded: it needs `rare`, which is not installed",
    "own.Fires": "`own.Fires` is no operator of Airflow",
    "own.Chooses": "`Chooses` speaks to Airflow's scheduler: the operator `branch` does that here",
}
MISFITS: list[tuple[str, dict[str, Any], str]] = [
    (BASH, {"bash_comand": "x"}, "`args` do not fit: `BashOperator` needs `bash_command`, takes no `bash_comand` (did you mean `bash_command`?)"),
    ("own.Third", {"mode": "poking"}, "`Third` does not take its `args`: The mode must be one of ['poke', 'reschedule']"),
    (PYTHON, {"python_callable": "own"}, "`python_callable` in `args` should be a function, as `module:function`, found `own`"),
    (PYTHON, {"python_callable": "own:tel"}, "the module `own` has no function `tel`"),
    (DELTA, {"delta": "soon"}, "`delta` in `args` should be a duration such as `5m`, found `soon`"),
    (SQL, {"conn_id": "db", "sql": "day.sql"}, "`day.sql` holds templates, and files are not rendered: put its text into `args`"),
    (f"{STANDARD}.sensors.time.TimeSensor", {"target_time": "noon"}, "`target_time` in `args` should be a time of day such as `06:00`, found `noon`"),
]  # fmt: skip
FITTING: list[tuple[str, dict[str, Any], str, str]] = [
    (DELTA, {"delta": "1m30s", "poke_interval": 5}, "delta", "datetime.timedelta(seconds=90)"),
    (DELTA, {"delta": "5s", "poke_interval": "PT5M"}, "poke_interval", "300.0"),
    (f"{STANDARD}.sensors.date_time.DateTimeSensor", {"target_time": "2026-03-09T06:00:00+09:00"}, "target_time", "'2026-03-09T06:00:00+09:00'"),
    (BASH, {"bash_command": "own:tell", "env": {"X": "5m"}}, "bash_command", "'own:tell'"),
    (BASH, {"bash_command": "x", "start_date": "2026-03-09"}, "start_date", "DateTime(2026, 3, 9, 0, 0, 0, tzinfo="),
    (SQL, {"conn_id": "db", "sql": "load.sql"}, "sql", "'select 1'"),
    (SQL, {"conn_id": "db", "sql": ["load.sql", "none.sql"]}, "sql", "['select 1', 'none.sql']"),
    (PYTHON, {"python_callable": "os.path:join"}, "python_callable", "<function join"),
]  # fmt: skip
ASK = """
import json, sys
from yamldag.executors.airflow import making, surroundings

surroundings.settle({})
for path, args, asked in json.loads(sys.argv[1]):
    spec = {"class": path, "args": args, "folder": sys.argv[2], "task": "t", "told": {}}
    try:
        print("ASKED", repr(getattr(making.made(spec), asked, None)))
    except making.Unfit as unfit:
        print("ASKED", unfit)
"""


def test_what_does_not_fit_is_told_in_words_and_what_does_is_fitted(own: Project, airflow: str) -> None:
    own.write("pipelines/needy.py", "import rare\n")
    own.write("pipelines/load.sql", "select 1")
    own.write("pipelines/day.sql", "select '{{ ds }}'")
    asked: list[tuple[str, dict[str, Any], str]] = [(path, {}, "") for path in MISTAKES]
    asked += [(path, args, "") for path, args, _ in MISFITS]
    asked += [(path, args, name) for path, args, name, _ in FITTING]
    told = said(airflow, ASK, asked, own, "ASKED")
    wanted = [*MISTAKES.values(), *(words for *_, words in MISFITS), *(words for *_, words in FITTING)]
    assert [one for one, words in zip(told, wanted, strict=True) if not one.startswith(words)] == []


def launches(asked: Asked) -> Said:
    told = {"signed": asked.headers["authorization"], "path": asked.path, "results": [{"name": "Vega"}]}
    return as_json(told)


@pytest.fixture
def api() -> Iterator[str]:
    with answering(launches) as site:
        yield f"{site.url}/v1"


FILTERS = """
def path(response):
    found = response.json()
    print(found)
    return found["path"]
"""


def test_hooks_find_our_connections_and_no_secret_is_seen(own: Project, api: str) -> None:
    """Those that the arguments name, and those that an operator takes by itself; the others are not there."""
    own.write("pipelines/filters.py", FILTERS)
    web = {"url": api, "user": "me", "password": "{{ secrets.word }}"}
    connections = {
        "web": web, "http_default": web, "bearer": {"url": api, "token": "{{ secrets.word }}"},
        "other": "sqlite:///other.db", "lost_default": {"type": "http", "password": "{{ secrets.gone }}"},
    }  # fmt: skip
    declare(own, secrets=["word", "gone"], connections=connections)

    def get(**args: Any) -> dict[str, Any]:
        args = {"method": "GET", "endpoint": "day?d={{ ds }}", "response_filter": "filters:path", **args}
        return {"airflow": {"operator": HTTP, "args": args}, "allow_failure": True}

    ran = own.run(
        {
            "tasks": {
                "basic": get(http_conn_id="web"),
                "bearer": get(http_conn_id="bearer"),
                "default": get(deferrable=True),
                "whole": get(http_conn_id="bearer", response_filter=None),
                "search": python("search", op_kwargs={"word": CANARY[::-1], "conn": "web"}),
                "says": {"bash": "echo {{ [tasks.basic.output, tasks.bearer.output, tasks.default.output, tasks.search.output] | tojson | sh }}"},
            }
        },
        "--date", "2026-03-09", env={**ENV, "YAMLDAG_SECRET_WORD": CANARY},
    )  # fmt: skip
    assert {k: v for k, v in ran.states.items() if v != "success"} == {"whole": "failed"}
    path = "/v1/day?d=2026-03-09"
    given = ["AIRFLOW_CONN_HTTP_DEFAULT", "AIRFLOW_CONN_WEB"]
    assert json.loads(ran.log("says")) == [path, path, path, {"given": given, "seen": []}]
    assert ran.reasons["whole"].startswith("the output holds a secret")
    assert "'signed': 'Bearer ***'" in ran.log("bearer")
    assert "'signed': 'Basic bWU6***" in ran.log("basic")
    assert "password *** " in ran.log("search")
    hidden = (CANARY.encode(), base64.b64encode(f"me:{CANARY}".encode()))
    for file in own.folder.rglob("*"):
        if file.is_file() and ".yamldag" in file.parts and "environments" not in file.parts:
            assert not any(each in file.read_bytes() for each in hidden), file


def test_the_example_of_the_docs_does_what_it_says(own: Project, api: str) -> None:
    declare(own, connections={"launches": api})
    written = {block.file: block.text for block in blocks(ROOT / "docs" / "howto" / "airflow-operators.md")}
    for name in ("pipelines/launches.yml", "pipelines/answers.py"):
        own.write(name, written[name])
    ran = own.run("launches", env=ENV)
    assert ran.state == "success", ran.reasons
    assert "INFO Vega\n" in ran.log("tell")


def test_sql_of_airflow_on_our_connections(own: Project, database_servers: Servers) -> None:
    """The value of one text of several statements is that of the last one."""
    (own.folder / "data").mkdir()
    declare(own, connections={"lite": "sqlite:///data/lite.db", "post": database_servers.make("postgresql")})
    statements = [
        "create table birds (id int primary key, name varchar(20), price numeric(6, 2))",
        "insert into birds values (1, 'wren', 1.5), (2, 'it''s', null)",
        "select id, name, price from birds order by id",
    ]
    args = {"sql": "; ".join(statements), "split_statements": True, "autocommit": True}
    tasks: dict[str, Any] = {
        name: {"airflow": {"operator": SQL, "args": {"conn_id": name, **args}}} for name in ("lite", "post")
    }
    tasks["says"] = {"bash": "echo {{ [tasks.lite.output, tasks.post.output] | tojson | sh }}"}
    ran = own.run({"tasks": tasks}, env=ENV)
    assert ran.state == "success", ran.reasons
    assert json.loads(ran.log("says")) == [[[1, "wren", 1.5], [2, "it's", None]]] * 2
    assert "INFO Running statement: select id, name, price" in ran.log("post")
    assert "WARNING" not in ran.log("lite")


@dataclass
class Endless:
    """Tasks that would go on for ever, and what they leave in a folder."""

    folder: Path

    @property
    def tasks(self) -> dict[str, dict[str, Any]]:
        deaf = f"trap '' TERM; echo $$ > {self.folder}/deaf; while :; do sleep 0.1; done"
        return {
            "waits": {"airflow": {"operator": "own.Waits", "args": {"path": f"{self.folder}/waits"}}},
            "defers": {"airflow": {"operator": "own.Defers", "args": {"how": f"{self.folder}/defers"}}},
            "deaf": {"airflow": {"operator": BASH, "args": {"bash_command": deaf}}},
        }

    def begun(self) -> bool:
        deaf = self.folder / "deaf"
        return all((self.folder / name).exists() for name in self.tasks) and bool(deaf.read_text().strip())

    def ended(self) -> bool:
        """By `on_kill` of the operator, and of the trigger; and what does not heed it is gone."""
        killed = [(self.folder / f"{name}.killed").exists() for name in ("waits", "defers")]
        return all(killed) and not Path(f"/proc/{(self.folder / 'deaf').read_text().strip()}").exists()


def test_a_cancel_calls_on_kill_and_ends_what_does_not_heed_it(own: Project, tmp_path: Path) -> None:
    endless = Endless(tmp_path)
    own.pipeline({"tasks": {name: {**task, "retries": 3} for name, task in endless.tasks.items()}})
    process = subprocess.Popen(
        [*YAMLDAG, "run", "p", "--json"],
        cwd=own.folder, env=own.environment(ENV), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    wait_until(endless.begun)
    assert own("cancel", "p").code == 0
    out, _ = process.communicate(timeout=120)
    rows = json.loads(out)["tasks"]
    assert [(row["state"], row["attempts"]) for row in rows] == [("failed", 1)] * 3
    wait_until(endless.ended)
    assert not list(own.folder.rglob(".airflow-*"))


def test_a_timeout_calls_on_kill_and_ends_what_does_not_heed_it(own: Project, tmp_path: Path) -> None:
    endless = Endless(tmp_path)
    ran = own.run(
        {"tasks": {name: {**task, "timeout": "25s"} for name, task in endless.tasks.items()}}, env=ENV
    )
    assert endless.begun(), ran.rows
    assert ran.reasons == dict.fromkeys(endless.tasks, "timed out after 25s")
    wait_until(endless.ended)
    assert not list(own.folder.rglob(".airflow-*"))


def test_without_airflow_one_line_says_what_to_install(project: Project) -> None:
    ran = project.run(f"tasks: {{a: {{airflow: {{operator: {BASH}, args: {{bash_command: x}}}}}}}}\n")
    assert ran.reasons["a"].startswith("`airflow` needs Airflow 3, which is not installed here: name it")
    assert ran.log("a") == ""
