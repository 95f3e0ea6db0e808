"""`yamldag doctor` on a healthy project, a spoilt database and a poor machine."""

from __future__ import annotations

import socket
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.project import Answer, Project

PIPELINE = "pipeline: p\ntasks:\n  a: {bash: 'true'}\n"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path)
    made.write("yamldag.yml", "{}\n")
    made.write("pipelines/p.yml", PIPELINE)
    return made


def found(answer: Answer) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in answer.json["checks"]}


def test_a_project_without_a_database_is_well(project: Project) -> None:
    answer = project("doctor", "--json")
    assert (answer.code, answer.json["ok"]) == (0, True)
    assert found(answer)["database"]["state"] == "note"
    assert not (project.folder / ".yamldag").exists()


def test_a_project_that_has_run_is_well(project: Project) -> None:
    assert project("run", "p").code == 0
    answer = project("doctor", "--json")
    assert answer.code == 0
    checks = found(answer)
    assert {checks[name]["state"] for name in ("database", "database file", "rules", "bash")} == {"ok"}
    assert project("doctor").out.endswith("all is well\n")


def test_rows_that_break_a_rule_are_told_with_their_place(project: Project) -> None:
    project("run", "p")
    with sqlite3.connect(project.folder / ".yamldag" / "yamldag.db") as db:
        db.execute("UPDATE task_instance SET state = 'running'")
    db.close()
    answer = project("doctor", "--json")
    assert (answer.code, answer.json["ok"]) == (1, False)
    told = found(answer)["running-task-has-its-attempt"]
    assert told["state"] == "wrong"
    assert " a -1 " in told["message"]
    text = project("doctor")
    assert text.code == 1
    assert text.out.endswith("something is wrong\n")


def test_a_file_that_is_no_database_is_told(project: Project) -> None:
    project.write(".yamldag/yamldag.db", "this is no database, it is a letter to my aunt" * 30)
    answer = project("doctor", "--json")
    assert answer.code == 1
    assert "is not a database" in found(answer)["database"]["message"]


def test_a_database_of_another_revision_is_not_touched(project: Project) -> None:
    project("run", "p")
    with sqlite3.connect(project.folder / ".yamldag" / "yamldag.db") as db:
        db.execute("UPDATE alembic_version SET version_num = '0001'")
    db.close()
    answer = project("doctor", "--json")
    assert answer.code == 1
    assert "is at revision 0001" in found(answer)["database"]["message"]


def test_a_machine_without_bash_is_told(project: Project) -> None:
    answer = project("doctor", "--json", env={"PATH": "/nowhere"})
    checks = found(answer)
    assert (answer.code, checks["bash"]["state"], checks["dot"]["state"]) == (1, "wrong", "note")


@pytest.mark.parametrize("kind", ["serve", "scheduler"])
def test_a_scheduler_at_work_is_seen_with_and_without_its_page(project: Project, kind: str) -> None:
    project("run", "p")
    assert found(project("doctor", "--json"))["scheduler"]["message"] == "none is at work"
    with sqlite3.connect(project.folder / ".yamldag" / "yamldag.db") as db:
        db.execute("UPDATE runner SET kind = ?, ended = NULL, seen = ?", (kind, time.time()))
    db.close()
    answer = project("doctor", "--json")
    told = found(answer)["scheduler"]
    assert (answer.code, told["state"], told["message"]) == (0, "ok", "at work")


def test_a_server_that_does_not_answer_is_told(project: Project) -> None:
    with socket.socket() as silent:  # bound, and not listening: whoever comes is refused
        silent.bind(("127.0.0.1", 0))
        url = f"postgresql://nobody@127.0.0.1:{silent.getsockname()[1]}/runs"
        answer = project("doctor", "--json", env={"YAMLDAG_DATABASE": url})
    told = found(answer)["database"]
    assert (answer.code, told["state"]) == (1, "wrong")
    assert "can't be read: connection failed" in told["message"]
    assert told["help"] == "is it there, and running?"
