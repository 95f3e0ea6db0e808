"""The example of looking over machines: a real sshd, one that is away, and a receiver of messages."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import sshd
from tests.answering import Said, Site, answering
from tests.e2e.project import Project, Ran
from tests.examples.standing import ROOT


@pytest.fixture
def receiver() -> Iterator[Site]:
    with answering(lambda _: Said()) as site:
        yield site


def certificate(path: Path) -> None:
    """Good for thirty days."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30",
         "-subj", "/CN=example.org", "-keyout", f"{path}.key", "-out", str(path)],
        check=True, capture_output=True,
    )  # fmt: skip


def test_troubles_are_told_and_peace_is_not(tmp_path: Path, receiver: Site) -> None:
    project = Project(tmp_path)
    for name in ("machines.yml", "machines.py"):
        shutil.copy(ROOT / "pipelines" / name, tmp_path / "pipelines")
    (tmp_path / "sshd").mkdir()
    own = tmp_path / "site.pem"
    if shutil.which("openssl"):
        certificate(own)
    with sshd.private(tmp_path / "sshd") as server:
        connections = {
            "BOX": server.connection,
            "AWAY": {**server.connection, "port": 1},
            "ON_CALL": {"type": "webhook", "url": receiver.url},
        }

        def run(**params: object) -> Ran:
            words = [
                f"{name}={value if isinstance(value, str) else json.dumps(value)}"
                for name, value in params.items()
            ]
            given = [word for each in words for word in ("--param", each)]
            env = {f"YAMLDAG_CONNECTION_{name}": json.dumps(each) for name, each in connections.items()}
            return project.run("machines", *given, env=env)

        calm = run(machines=["box"], disk=100, load=100_000, certificate=str(own), days=1)
        assert calm.state == "success", calm.reasons
        assert (calm.states["tell"], calm.log("all_well")) == ("skipped", "All is well with box.\n")
        assert receiver.came == []
        ran = run(machines=["box", "away"], disk=-1, load=-1, certificate=str(own), days=90)
    assert ran.state == "success", ran.reasons
    assert (ran.states["tell"], ran.states["all_well"]) == ("success", "skipped")
    told = json.loads(receiver.came[0].body)
    assert len(receiver.came) == 1
    lines = told["message"].splitlines()
    assert told["subject"] == "Machines are in trouble"
    away = [f"away: its {name} can't be looked at" for name in ("disk", "load", "certificate")]
    assert lines[-3:] == away
    assert [line.startswith("box: ") for line in lines[:-3]] == [True] * (2 + own.exists())
    assert ("box: its certificate ends in 29 days" in lines) == own.exists()
    assert ran.attempts["machine.disk[1]"] == 2
