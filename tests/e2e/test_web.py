"""`yamldag web`: pages beside schedulers that are processes of their own."""

from __future__ import annotations

import signal
import subprocess

import pytest

from tests.e2e.project import PATIENCE, YAMLDAG, Project
from tests.e2e.serving import Serve, wait_until

HELLO = "pipeline: hello\ntasks:\n  one: {bash: echo good morning}\n"


def scheduler(project: Project) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*YAMLDAG, "scheduler"],
        cwd=project.folder,
        env=project.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
def test_what_its_pages_are_asked_a_scheduler_does(project: Project, serve: Serve, database_url: str) -> None:
    project.write("yamldag.yml", f"database: '{database_url}'\n")
    project.write("pipelines/hello.yml", HELLO)
    web = serve(command="web")
    assert "yamldag shows 1 pipeline at" in web.said
    assert "no scheduler works" in web.get()[1]
    assert web.get("/health")[0] == 503
    run = project("trigger", "hello", "--json", "--server", web.address).json["run_id"]
    assert web.run("queued") == run
    first = scheduler(project)
    try:
        web.see(lambda page: ">scheduler works<" in page)
        assert web.run("success") == run
        assert project("logs", run, "one", "--server", web.address).out == "good morning\n"
        assert web.get("/health")[0] == 200
        first.send_signal(signal.SIGTERM)
        assert first.wait(PATIENCE) == 0
        web.see(lambda page: "no scheduler works" in page)
    finally:
        first.kill()
        first.wait()
    code, said = web.end(signal.SIGINT)
    assert (code, said.splitlines()[-1][-7:]) == (0, "stopped")


def test_a_broken_file_is_shown_with_its_mistake(project: Project, serve: Serve) -> None:
    project.write("pipelines/hello.yml", HELLO)
    web = serve(command="web")
    project.write("pipelines/hello.yml", HELLO.replace("bash", "bahs"))
    web.see(lambda page: "does not compile" in page)
    assert "hello.yml" in web.line()


def test_where_others_may_ask_it_wants_an_account(project: Project) -> None:
    project.write("pipelines/hello.yml", HELLO)
    answer = project("web", "--host", "0.0.0.0", "--port", "0")
    assert answer.code == 2
    assert "nobody has an account yet" in answer.err


def test_two_stand_beside_each_other_and_beside_a_scheduler(project: Project, serve: Serve) -> None:
    project.write("pipelines/hello.yml", HELLO)
    served, first, second = serve(), serve(command="web"), serve(command="web")
    for each in (served, first, second):
        each.see(lambda page: ">scheduler works<" in page)
    assert wait_until(lambda: first.get("/health")[0] == second.get("/health")[0] == 200)
