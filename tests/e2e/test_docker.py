"""`docker` against a stand-in that speaks the engine's API: containers begin, tell, end and go with their attempts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import docker_engine
from tests.docker_engine import Engine
from tests.e2e.project import YAMLDAG, Project
from tests.e2e.serving import Serve, wait_until
from tests.e2e.test_outside import descendants


@pytest.fixture
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with docker_engine.private(tmp_path_factory.mktemp("e")) as started:
        yield started


@pytest.fixture
def there(project: Project, engine: Engine) -> Project:
    project.write("yamldag.yml", json.dumps({"connections": {"engine": engine.url}, "secrets": ["word"]}))
    return project


def test_a_container_is_as_with_bash(there: Project, engine: Engine) -> None:
    ran = there.run(
        """
defaults: {docker: {connection: engine}}
tasks:
  own: {docker: here}
  says:
    docker:
      image: here:1
      command: [sh, -c, 'echo out; echo err >&2; printf "n=3\\nwho=%s\\n" "$WHO" > "$YAMLDAG_OUTPUT"; echo "$1"', sh]
      args: [a b]
      resources: {cpu: 500m, memory: 1Gi}
    env: {WHO: "it's {{ ds }}"}
    output: {n: integer, who: string}
  line: {docker: {image: "far/away", command: 'echo "$YAMLDAG_TASK_ID ${YAMLDAG_RUN_DIR:-none}"', namespace: data}}
  code: {docker: {image: here, command: exit 7}, retries: 1, retry_delay: 0s, allow_failure: true}
  skips: {docker: {image: here, command: exit 99}}
  missing: {docker: {image: "nowhere:2", command: "true"}, allow_failure: true}
  broken: {docker: {image: here, command: [/no/such/program]}, allow_failure: true}
  cpu: {docker: {image: here, resources: {cpu: "{{ 'many' }}"}}, allow_failure: true}
  secret: {docker: {image: here, command: 'echo "it is $WORD"'}, env: {WORD: "{{ secrets.word }}"}}
  long: {docker: {image: here, command: seq 1 50000}}
""",
        env={"YAMLDAG_SECRET_WORD": "canary-0123456789"},
    )
    states = ran.states
    assert {name for name, state in states.items() if state == "failed"} == {
        "code",
        "missing",
        "broken",
        "cpu",
    }
    assert states["skips"] == "skipped"
    assert ran.log("own") == "default\n"
    assert sorted(ran.log("says").splitlines()) == ["a b", "err", "out"]
    assert ran.log("line") == "pulling far/away\nline none\n"
    assert ran.log("secret") == "it is ***\n"
    assert ran.log("long").splitlines()[-1] == "50000"
    assert (ran.attempts["code"], ran.attempts["broken"]) == (2, 1)
    reasons = ran.reasons
    assert reasons["code"] == "exit code 7"
    assert reasons["missing"] == "nowhere:2 can't be pulled: manifest for nowhere:2 not found"
    assert reasons["broken"] == "failed to create task: exec: No such file or directory"
    assert reasons["cpu"] == "`cpu` should be a number such as 2 or 500m, found `many`"
    assert engine.containers == {}  # each was removed
    [says] = [body for body in engine.made if body["Image"] == "here:1"]
    assert says["HostConfig"] == {"NanoCpus": 500_000_000, "Memory": 2**30}
    [line] = [body for body in engine.made if body["Image"] == "far/away"]
    assert (line["Entrypoint"], line["Labels"]["yamldag.namespace"]) == (["/bin/sh", "-c", 'echo "$YAMLDAG_TASK_ID ${YAMLDAG_RUN_DIR:-none}"'], "data")  # fmt: skip
    assert there("why", ran.id, "says", "--json").json["state"] == "success"


def test_a_notification_has_a_container_of_its_own(there: Project, engine: Engine) -> None:
    ran = there.run(
        """
tasks:
  a:
    docker: {connection: engine, image: here, command: exit 3}
    retries: 1
    retry_delay: 0s
    on_retry: {docker: {connection: engine, image: here, command: 'echo "retry of $YAMLDAG_TASK_ID, $WHO"'}, env: {WHO: "{{ attempt }}"}}
    on_failure: {docker: {connection: engine, image: here, command: 'echo "{{ task.id }} failed"'}}
"""
    )
    told = there("logs", ran.id, "--notifications").out
    assert told.splitlines() == [
        "on_retry of a, attempt 1 by docker: done",
        "  retry of a, 1",
        "on_failure of a, attempt 2 by docker: done",
        "  a failed",
    ]
    assert len({body["Labels"]["yamldag.task"] for body in engine.made}) == 3
    assert engine.containers == {}


LONG = """
pipeline: long
tasks:
  a:
    docker:
      connection: engine
      image: here
      command: |
        trap 'echo last words; exit 3' TERM
        echo "$$" > {pids}
        while :; do sleep 0.1; done
"""


def begun(there: Project, pids: Path) -> subprocess.Popen[str]:
    there.write("pipelines/long.yml", LONG.format(pids=pids))
    process = subprocess.Popen(
        [*YAMLDAG, "run", "long", "--json"],
        cwd=there.folder, env=there.environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    wait_until(lambda: pids.exists() and pids.read_text().strip())
    return process


@pytest.mark.parametrize("how", ["cancel", "kill"])
def test_a_container_ends_with_its_attempt(there: Project, engine: Engine, tmp_path: Path, how: str) -> None:
    """By its keeper, where nobody else is left to do it."""
    process = begun(there, tmp_path / "pids")
    assert there("cancel", "long", *(["--kill"] if how == "kill" else [])).code == 0
    out, _ = process.communicate(timeout=120)
    assert json.loads(out)["tasks"][0]["state"] == "failed"
    wait_until(lambda: not engine.containers)
    assert ("last words" in there("logs", "long", "a").out) == (how == "cancel")


def test_what_a_lost_attempt_has_left_is_removed_before_the_next(
    there: Project, engine: Engine, serve: Serve, tmp_path: Path
) -> None:
    """All of ours is gone at once, the keeper too, as when a machine goes down."""
    there.write("pipelines/long.yml", LONG.format(pids=tmp_path / "pids"))
    first = serve()
    assert there("trigger", "long").code == 0
    wait_until((tmp_path / "pids").exists)
    [left] = engine.containers
    ours = descendants(first.process.pid)
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in ours:
            os.kill(pid, number)
    assert list(engine.containers) == [left]
    serve()
    wait_until(lambda: any(name.endswith("-2") for name in engine.containers))
    assert left.endswith("-1")
    assert list(engine.containers) == [left.removesuffix("1") + "2"]
    assert there("cancel", "long").code == 0
    wait_until(lambda: not engine.containers)


@pytest.mark.parametrize(
    ("url", "words"),
    [("unix:///nowhere/s", "the Docker engine at unix:///nowhere/s can't be reached, or was lost: no such file or directory"),
     ("rpc://x", "the Docker engine should be a URL such as `unix:///var/run/docker.sock` or `tcp://host:2376`, found `rpc://x`")],
)  # fmt: skip
def test_an_engine_that_is_not_there_is_told(project: Project, url: str, words: str) -> None:
    project.write("yamldag.yml", json.dumps({"connections": {"engine": url}}))
    ran = project.run("tasks: {a: {docker: {connection: engine, image: here}}}\n")
    assert (ran.states, ran.reasons["a"]) == ({"a": "failed"}, words)
