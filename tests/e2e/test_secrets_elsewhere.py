"""Forty secrets in a container and in a pod: the commands there have them, and nobody else ever sees them."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import docker_engine, kubernetes_api
from tests.canaries import CANARIES
from tests.docker_engine import Engine
from tests.e2e.project import Project, Ran
from tests.e2e.test_secrets import answers, assert_unseen, below, found_in
from tests.kubernetes_api import Cluster
from tests.web.conftest import hosted_by
from tests.web.seeds import NOW, Seeded
from yamldag.compile.project import find
from yamldag.engine.schedule.catalogue import Catalogue
from yamldag.engine.status import Board, Status
from yamldag.web.address import address_of

TOKEN = CANARIES[33]
"""What signs in to the cluster is one of them."""
SHOW = r"""
import base64, json, os, sys, urllib.parse
out = sys.stdout.buffer
given = {name: os.environ[name] for name in os.environ if name.startswith("C_")}
assert len(given) == 40, sorted(given)
for secret in given.values():
    for text in (secret, json.dumps(secret), repr(secret), urllib.parse.quote(secret, safe=""),
                 base64.b64encode(secret.encode()).decode(), secret.encode().hex()):
        out.write(text.encode() + b"\n")
    half = secret.encode()
    for part in (half[:len(half) // 2], half[len(half) // 2:] + b"\n"):
        out.write(part)
        out.flush()
for process in filter(str.isdigit, os.listdir("/proc")):
    try:
        with open(f"/proc/{process}/cmdline", "rb") as file:
            words = file.read()
    except OSError:
        continue
    if any(secret.encode() in words for secret in given.values() if len(secret) >= 8):
        out.write(b"SEEN in " + process.encode() + b"\n")
with open(os.environ["YAMLDAG_OUTPUT"], "w") as file:
    json.dump({"fine": len(given)}, file)
"""


@dataclass
class Shown:
    ran: Ran
    outside: dict[str, str]
    engine: Engine
    cluster: Cluster


@pytest.fixture(scope="module")
def forty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """A run whose tasks show all of them, in each way there is."""
    folder = tmp_path_factory.mktemp("f")
    for name in ("project", "e", "k"):
        (folder / name).mkdir()
    project = Project(folder / "project")
    outside = {f"YAMLDAG_SECRET_C_{number}": secret for number, secret in enumerate(CANARIES)}
    (folder / "show.py").write_text(SHOW)
    with (
        docker_engine.private(folder / "e") as engine,
        kubernetes_api.private(folder / "k", TOKEN) as cluster,
    ):
        cluster_url = {
            "type": "kubernetes",
            "url": cluster.url,
            "token": "{{ secrets.c_33 }}",
            "namespace": "data",
        }
        registry = {"type": "docker", "url": engine.url, "user": "ann", "password": "{{ secrets.c_31 }}"}
        project.write(
            "yamldag.yml",
            {
                "secrets": [f"c_{number}" for number, _ in enumerate(CANARIES)],
                "connections": {"e": registry, "k": cluster_url},
            },
        )
        env = {f"C_{number}": f"{{{{ secrets.c_{number} }}}}" for number, _ in enumerate(CANARIES)}
        tasks: dict[str, Any] = {}
        for name, connection in (("docker", "e"), ("kubernetes", "k")):
            common = {"image": "here", "connection": connection}
            given: dict[str, Any] = {"env": env}
            tasks |= {
                f"{name}_shows": {**given, name: {**common, "command": [sys.executable, f"{folder}/show.py"]}},
                f"{name}_hands_on": {
                    **given, "allow_failure": True, "retries": 2,
                    name: {**common, "command": 'printf "it=%s" "$C_31" > "$YAMLDAG_OUTPUT"'},
                },
                f"{name}_fails": {
                    **given, "allow_failure": True,
                    name: {**common, "command": "env; exit 7"},
                    "on_failure": {"bash": "printf '%s' \"$WHY\"; exit 1", "env": {"WHY": "{{ task.error }}"}},
                },
            }  # fmt: skip
        tasks["docker_pulls"] = {
            "env": env, "allow_failure": True, "docker": {"image": "nowhere:{{ 2 }}", "connection": "e"},
        }  # fmt: skip
        tasks["kubernetes_pulls"] = {
            "env": env, "allow_failure": True, "kubernetes": {"image": "nowhere:2", "connection": "k"},
        }  # fmt: skip
        ran = project.run({"tasks": tasks}, env=outside)
        yield Shown(ran, outside, engine, cluster)


def test_forty_secrets_of_containers_and_pods_are_seen_nowhere(forty: Shown) -> None:
    ran, project = forty.ran, forty.ran.project
    states, reasons, attempts = ran.states, ran.reasons, ran.attempts
    said = [("run", ran.answer.out.encode()), ("progress", ran.answer.err.encode())]
    for name in ("docker", "kubernetes"):
        shown = ran.log(f"{name}_shows")
        assert states[f"{name}_shows"] == "success", (reasons, shown)
        assert shown.count("***") >= 5 * len(CANARIES)
        assert "SEEN" not in shown, "in a command line"
        assert (states[f"{name}_hands_on"], attempts[f"{name}_hands_on"]) == ("failed", 1)
        assert "the output holds a secret of 8 characters or more" in reasons[f"{name}_hands_on"]
        assert reasons[f"{name}_fails"] == "exit code 7"
        assert "can't be pulled" in reasons[f"{name}_pulls"]
        said.append((name, shown.encode()))
    for command in (
        ["tasks", ran.id, "--json"],
        ["logs", ran.id, "--notifications"],
        ["connections", "test", "k"],
        ["run", "p", "--dry-run", "--json"],
    ):
        answer = project(*command, env=forty.outside)
        assert answer.out, command
        said.append((" ".join(command), (answer.out + answer.err).encode()))
    assert_unseen([*below(project.folder), *said])


def test_a_cluster_is_sent_them_in_secrets_alone(forty: Shown) -> None:
    jobs = [json.dumps(each, ensure_ascii=False) for each in forty.cluster.sent if each["kind"] == "Job"]
    kept = [each["stringData"] for each in forty.cluster.sent if each["kind"] == "Secret"]
    assert len(jobs) == len(kept) == 4
    for secret in CANARIES:
        forms = [secret.encode(), json.dumps(secret, ensure_ascii=False)[1:-1].encode()]
        assert not [
            job
            for job in jobs
            if len(secret) >= 5 and any(found_in(job.encode(), form.decode()) for form in forms)
        ], secret
        assert all(secret in each.values() for each in kept), "the command has it"
    assert forty.cluster.held["secrets"] == {}, "and they are gone with their Jobs"
    asked = "\n".join(forty.cluster.asked + forty.engine.asked)
    assert not any(
        secret in asked or base64.b64encode(secret.encode()).decode() in asked
        for secret in CANARIES
        if len(secret) > 4
    )


def test_forty_secrets_of_containers_and_pods_are_on_no_page(
    forty: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = forty.ran
    for name, value in forty.outside.items():
        monkeypatch.setenv(name, value)
    root: Path = ran.project.folder
    catalogue = Catalogue(find(str(root), None, forty.outside))
    told = {"pipelines": catalogue.pipelines, "broken": catalogue.broken, "project": catalogue.project}
    board = Board(Status(NOW - 100, NOW - 1, 16, **told))  # type: ignore[arg-type]
    home = hosted_by(
        Seeded(root, f"sqlite:///{root}/.yamldag/yamldag.db", catalogue, board), address_of("127.0.0.1", 8080)
    )
    seen = list(answers(home, ran.id, [str(row["id"]) for row in ran.rows]))
    assert [place for place, data in seen if b"***" in data], "their logs are shown, and masked"
    assert_unseen([*seen, *below(root)])
    home.site.hub.close()
