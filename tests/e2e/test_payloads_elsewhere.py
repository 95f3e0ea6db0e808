"""Values on their way to a command elsewhere, to dbt and to Airflow: each arrives as it is, and none is run."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests import docker_engine, kubernetes_api, sshd
from tests.e2e.project import Project, Ran
from tests.environments import AIRFLOW, DBT, ENV, built, lend
from tests.hosts import INNER, LOOPBACK, METADATA
from tests.payloads import TEMPLATES, payloads

TEXTS = [*payloads(), *TEMPLATES]
GIVEN = "tasks.give.output"
EACH = {f"P{number}": f"{{{{ {GIVEN}[{number}] }}}}" for number in range(len(TEXTS))}
"""Each text in a variable of its own."""
Tasks = dict[str, Any]


@dataclass
class Way:
    """What is run, and what is found of it afterwards: `arrived` by task, beside what should be there."""

    tasks: Tasks
    arrived: Callable[[Ran], dict[str, tuple[list[str], list[str]]]]
    careless: tuple[str, ...] = ()
    """Tasks that paste each text as it is: all are refused before they begin."""
    project: Tasks = field(default_factory=dict)


def pieces(path: Path) -> list[str]:
    """What was written there, each text with a NUL behind it."""
    return path.read_bytes().decode().split("\0")[:-1]


def environment(path: Path) -> list[str]:
    told = dict(each.split("=", 1) for each in pieces(path) if "=" in each)
    return [told[name] for name in EACH]


def command_elsewhere(operator: str, connection: Any, project: Project, **more: str) -> Way:
    """One of `ssh`, `docker` and `kubernetes`: a line that a shell reads, variables, and words where it takes them."""
    out, mark = project.folder / "out", str(project.folder / "mark")
    out.mkdir()

    def call(command: Any, env: dict[str, str] | None = None, **params: Any) -> Tasks:
        return {
            operator: {"connection": "there", "command": command, **more, **params},
            "env": {"MARK": mark, **(env or {})},
        }

    def each(line: str) -> Tasks:
        return {"foreach": f"{{{{ {GIVEN} }}}}", "allow_failure": True, **call(line)}

    quoted = f"{{{{ {GIVEN} | map('sh') | join(' ') | raw }}}}"
    tasks = {
        "line": call(f"printf '%s\\0' {quoted} > {out}/line"),
        "env": call(f"env -0 > {out}/env", EACH),
        "bare": each("echo {{ item }}"),
        "single": each("echo '{{ item }}'"),
        "double": each('echo "{{ item }}"'),
        "secret": {"allow_failure": True, **call("echo {{ secrets.bad }}; touch $MARK")},
        "meant": call("true {{ params.texts[0] | raw }}", {"MARK": f"{out}/meant"}),
    }
    wanted = ["line", "env"]
    if operator != "ssh":
        write = ["sh", "-c", f'printf "%s\\0" "$@" > {out}/$YAMLDAG_TASK_ID', "sh"]
        tasks["args"] = call(write, args=f"{{{{ {GIVEN} }}}}")
        tasks["words"] = call([*write, *(f"{{{{ {GIVEN}[{number}] }}}}" for number in range(len(TEXTS)))])
        tasks["listed"] = call(f"{{{{ {write} + {GIVEN} }}}}")
        wanted += ["args", "words", "listed"]

    def arrived(_: Ran) -> dict[str, tuple[list[str], list[str]]]:
        assert (out / "meant").exists(), "what is let in does run"
        found = {name: environment(out / name) if name == "env" else pieces(out / name) for name in wanted}
        return {name: (found[name], TEXTS) for name in wanted}

    settings = {"connections": {"there": connection}, "secrets": ["bad"]}
    return Way(tasks, arrived, ("bare", "single", "double"), settings)


def by_ssh(project: Project, _: pytest.MonkeyPatch, running: ExitStack, folder: Path) -> Way:
    return command_elsewhere("ssh", running.enter_context(sshd.private(folder)).connection, project)


def by_docker(project: Project, _: pytest.MonkeyPatch, running: ExitStack, folder: Path) -> Way:
    engine = running.enter_context(docker_engine.private(folder))
    return command_elsewhere("docker", engine.url, project, image="here")


def by_kubernetes(project: Project, _: pytest.MonkeyPatch, running: ExitStack, folder: Path) -> Way:
    cluster = running.enter_context(kubernetes_api.private(folder))
    return command_elsewhere("kubernetes", {"type": "kubernetes", "url": cluster.url}, project, image="here")


DBT_OF_TESTS = r"""#!/bin/sh
printf '%s\0' "$@" > "$OUT/words.$YAMLDAG_TASK_ID.$YAMLDAG_MAP_INDEX"
env -0 > "$OUT/env.$YAMLDAG_TASK_ID.$YAMLDAG_MAP_INDEX"
"""


def by_dbt(project: Project, patch: pytest.MonkeyPatch, *_: Any) -> Way:
    """Variables go to the true dbt; words to a program of that name, which tells what it was given."""
    built(DBT)
    lend(project.folder)
    out = project.folder / "out"
    out.mkdir()
    project.write("bin/dbt", DBT_OF_TESTS).chmod(0o755)
    patch.setenv("PATH", f"{project.folder}/bin:/usr/bin:/bin")
    patch.setenv("OUT", str(out))
    project.write("shop/dbt_project.yml", "name: shop\nprofile: shop\n")
    project.write("shop/profiles.yml", "shop: {target: a, outputs: {a: {type: duckdb, path: ':memory:'}}}\n")
    named = ", ".join(f"var('{name}')" for name in EACH)
    told = f"{{{{ log('TOLD ' ~ tojson(var('all')) ~ '\\t' ~ tojson([{named}]), info=True) }}}}"
    project.write("shop/macros/tell.sql", "{% macro tell() %}" + told + "{% endmacro %}")

    def call(command: Any, **more: Any) -> Tasks:
        return {"dbt": {"command": command, "project": "../shop", **more}}

    some = TEXTS[::6]  # a process for each
    each = {"foreach": f"{{{{ {GIVEN}[::6] }}}}", "max_active": 4}
    tasks = {
        "vars": call("run-operation tell", vars={"all": f"{{{{ {GIVEN} }}}}", **EACH}, requirements=DBT),
        "words": call(
            ["run-operation", "tell", f"--args={{{{ {GIVEN} | tojson }}}}"],
            select=f"{{{{ {GIVEN} }}}}",
            exclude=f"{{{{ {GIVEN} }}}}",
        ),
        "line": {**each, **call("show {{ item }}", target="{{ item }}")},
    }

    def arrived(ran: Ran) -> dict[str, tuple[list[str], list[str]]]:
        told = next(line for line in ran.log("vars").splitlines() if "TOLD " in line).partition("TOLD ")[2]
        listed, named = map(json.loads, told.split("\t"))
        split = [word for text in TEXTS for word in text.split()]
        selected = [f"--{name}={word}" for name in ("select", "exclude") for word in split]
        _, _, args, *rest = pieces(out / "words.words.")
        line, targets = [], []
        for number in range(len(some)):
            line.append(pieces(out / f"words.line.{number}")[1])
            env = dict(one.split("=", 1) for one in pieces(out / f"env.line.{number}") if "=" in one)
            targets.append(env["DBT_TARGET"])
        return {
            "listed": (listed, TEXTS), "named": (named, TEXTS), "selected": (rest, selected),
            "args": (json.loads(args.removeprefix("--args=")), TEXTS), "line": (line, some), "targets": (targets, some),
        }  # fmt: skip

    return Way(tasks, arrived)


KEEP = """
import json, os

def keep(texts, path, ti, params, **context):
    with open(path, "w") as file:
        json.dump(texts, file)
    return texts
"""
STANDARD = "airflow.providers.standard.operators"


def by_airflow(project: Project, *_: Any) -> Way:
    """What an operator does with a script is its own affair: values go to it in `env`, or as arguments."""
    built(AIRFLOW)
    lend(project.folder)
    project.write("pipelines/keep.py", KEEP)
    out = project.folder / "out"
    out.mkdir()
    python = {
        "python_callable": "keep:keep",
        "op_kwargs": {"texts": f"{{{{ {GIVEN} }}}}", "path": str(out / "python")},
    }
    shell = {"bash_command": f"env -0 > {out}/env", "env": EACH, "append_env": True}
    tasks = {
        "python": {"airflow": {"operator": f"{STANDARD}.python.PythonOperator", "args": python}},
        "env": {"airflow": {"operator": f"{STANDARD}.bash.BashOperator", "args": shell}},
    }

    def arrived(_: Ran) -> dict[str, tuple[list[str], list[str]]]:
        told = json.loads((out / "python").read_text())
        return {"python": (told, TEXTS), "env": (environment(out / "env"), TEXTS)}

    return Way(tasks, arrived, project={"defaults": {"airflow": {"requirements": AIRFLOW}}})


@pytest.fixture
def running() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.mark.parametrize("by", [by_ssh, by_docker, by_kubernetes, by_dbt, by_airflow])
def test_a_payload_arrives_as_it_is_and_is_not_run(
    by: Callable[..., Way],
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    running: ExitStack,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    way = by(project, monkeypatch, running, tmp_path_factory.mktemp("s"))
    project.write("yamldag.yml", way.project)
    mark = project.folder / "mark"
    give = {"python": {"script": "return texts"}, "args": {"texts": "{{ params.texts }}"}}
    params = {"texts": {"type": "array"}}
    ran = project.run(
        {"max_active_tasks": 8, "params": params, "tasks": {"give": give, **way.tasks}},
        "--param", f"texts={json.dumps(TEXTS)}",
        env={**ENV, "MARK": str(mark), "YAMLDAG_SECRET_BAD": "x; touch $MARK"},
    )  # fmt: skip
    assert not mark.exists()
    reasons = ran.reasons
    refused = {f"{name}[{number}]" for name in way.careless for number in range(len(TEXTS))}
    refused |= {"secret"} & way.tasks.keys()
    assert {name for name, state in ran.states.items() if state != "success"} == refused, reasons
    assert [name for name in refused if "can't go into a shell as it is" not in reasons[name]] == []
    for name, (found, wanted) in way.arrived(ran).items():
        assert found == wanted, name


def test_an_address_from_outside_is_no_connection(project: Project) -> None:
    """What a command elsewhere goes by is declared in the project's own file, whatever a param says."""
    with socket.create_server(("127.0.0.1", 0)) as canary:
        port = canary.getsockname()[1]
        hosts = [*LOOPBACK, *INNER, *METADATA]
        where = [f"{scheme}://{host}:{port}/x" for scheme in ("http", "ssh") for host in hosts]
        there = {"connection": "{{ item }}", "image": "here"}
        calls = {"ssh": {"connection": "{{ item }}", "command": "true"}, "docker": there, "kubernetes": there}
        each = {"foreach": "{{ params.where }}", "allow_failure": True}
        tasks = {name: {**each, name: given} for name, given in calls.items()}
        project.write("yamldag.yml", {"connections": {"mine": f"tcp://127.0.0.1:{port}"}})
        ran = project.run(
            {"max_active_tasks": 8, "params": {"where": {"type": "array"}}, "tasks": tasks},
            "--param", f"where={json.dumps(where)}",
        )  # fmt: skip
        told = [reason for reason in ran.reasons.values() if reason.startswith("there is no connection `")]
        assert len(told) == 3 * len(where)
        canary.setblocking(False)
        with pytest.raises(BlockingIOError):
            canary.accept()
        mine = {"docker": {"connection": "mine", "image": "here"}, "timeout": "2s"}
        assert project.run({"tasks": {"mine": mine}}).states == {"mine": "failed"}
        canary.accept()[0].close()  # the one that is declared was asked
