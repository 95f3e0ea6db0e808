"""Tasks that wait for a person: asked once, answered once, whoever dies meanwhile."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.e2e.project import PATIENCE, YAMLDAG, Project
from tests.e2e.serving import Serve, wait_until

ASKS = """\
pipeline: asks
tasks:
  count: {bash: 'echo n=3 > "$YAMLDAG_OUTPUT"', output: {n: integer}}
  ask:
    approval:
      message: Load {{ tasks.count.output.n }} rows?
      form: {why: string, limit: {type: integer, minimum: 1, default: 5}}
  load: {bash: 'echo {{ tasks.ask.output.why | sh }} {{ tasks.ask.output.limit }}'}
  other: {bash: 'echo "{{ tasks.ask.state }}"', trigger_rule: all_done, needs: ask}
"""


@contextmanager
def running(project: Project, name: str = "asks") -> Iterator[subprocess.Popen[str]]:
    """`yamldag run` under way."""
    process = subprocess.Popen(
        [*YAMLDAG, "run", name, "--json"],
        cwd=project.folder, env=project.environment(), text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def asked(project: Project) -> list[dict[str, object]]:
    """What waits, once something does."""

    def waiting() -> object:
        answer = project("approvals", "--json")
        return answer.code == 0 and answer.json

    return list(wait_until(waiting))


def ended(process: subprocess.Popen[str]) -> dict[str, str]:
    """The states of its tasks."""
    out, err = process.communicate(timeout=PATIENCE)
    assert out, err
    return {row["id"]: row["state"] for row in json.loads(out)["tasks"]}


def test_a_yes_lets_it_go_on_with_what_was_filled_in(project: Project) -> None:
    project.write("pipelines/asks.yml", ASKS)
    with running(project) as process:
        (row,) = asked(project)
        assert (row["task"], row["message"], row["approvers"]) == ("ask", "Load 3 rows?", [])
        why = project("why", "asks", "ask").out
        assert 'it waits for the answer of a person to "Load 3 rows?"' in why
        refused = project("approve", "asks", "ask", "--value", "limt=0")
        assert refused.err == (
            "yamldag approve: there is no field `limt`; did you mean `limit`?\n"
            "  field `why` is required, and no value was given\n"
        )
        assert refused.code == 2
        said = project("approve", "asks", "ask", "--value", "why=it is fine", "--json")
        assert said.json["outcome"] == "approved", said
        assert ended(process) == dict.fromkeys(("count", "ask", "load", "other"), "success")
    assert project("logs", "asks", "load").out == "it is fine 5\n"
    late = project("approve", "asks", "ask", "--value", "why=x")
    assert (late.code, "it is success (approved by " in late.err) == (2, True), late
    nothing = project("approvals")
    assert (nothing.code, nothing.out, nothing.err) == (0, "", "nothing waits for an answer\n")


def test_a_no_skips_it_and_what_is_below(project: Project) -> None:
    project.write("pipelines/asks.yml", ASKS)
    with running(project) as process:
        asked(project)
        assert project("approve", "asks", "ask", "--no").code == 0
        states = ended(process)
    assert states == {"count": "success", "ask": "skipped", "load": "skipped", "other": "success"}
    assert project("logs", "asks", "other").out == "skipped\n"
    assert "said no" in project("why", "asks", "ask").out


def test_a_time_out_fails_it_and_retries_ask_again(project: Project) -> None:
    ran = project.run(
        "tasks:\n  ask: {approval: Well?, timeout: 0.2s, retries: 1, retry_delay: 0s, allow_failure: true}\n"
    )
    assert (ran.states, ran.attempts) == ({"ask": "failed"}, {"ask": 2})
    assert ran.reasons["ask"] == "timed out after 0.2s"


def test_it_holds_no_slot_and_each_instance_is_asked_for_itself(project: Project) -> None:
    project.write(
        "pipelines/asks.yml",
        "pipeline: asks\nmax_active_tasks: 1\ntasks:\n"
        "  ask: {approval: 'Take {{ item }}?', foreach: [north, south]}\n"
        "  beside: {bash: 'true'}\n",
    )
    with running(project) as process:
        wait_until(lambda: len(asked(project)) == 2)
        assert project("approve", "asks", "ask[south]", "--no").code == 0
        assert project("approve", "asks", "ask[0]").code == 0
        out, _ = process.communicate(timeout=PATIENCE)
    rows = json.loads(out)["tasks"]
    assert [row["state"] for row in rows] == ["success", "skipped", "success"]


def test_it_waits_on_through_kills_and_an_answer_given_meanwhile_is_heeded(
    project: Project, serve: Serve
) -> None:
    project.write("pipelines/asks.yml", ASKS)
    first = serve()
    run = project("trigger", "asks", "--json").json["run_id"]
    asked(project)
    first.end(signal.SIGKILL)
    told = project("approve", run, "ask", "--value", "why=x")
    assert "it goes on as soon as a scheduler goes on with the run" in told.out, told
    again = project("approve", run, "ask", "--no")
    assert (again.code, "has been answered already: approved by " in again.err) == (2, True), again
    assert "heed the answer" in project("why", run, "ask").out
    second = serve()
    assert second.run("success") == run
    assert {each["attempts"] for each in project("tasks", run, "--json").json["tasks"]} == {1}


def test_what_waits_when_its_scheduler_is_killed_is_asked_by_the_next(project: Project, serve: Serve) -> None:
    project.write("pipelines/asks.yml", ASKS)
    first = serve()
    run = project("trigger", "asks", "--json").json["run_id"]
    before = asked(project)
    first.end(signal.SIGKILL)
    second = serve()
    assert asked(project) == before
    assert project("approve", run, "ask", "--value", "why=x").code == 0
    assert second.run("success") == run


class Terminal:
    """Somebody at a terminal who watches a run."""

    def __init__(self, project: Project, *arguments: str) -> None:
        self.ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [*YAMLDAG, "run", *arguments],
            cwd=project.folder,
            env={**project.environment(), "TERM": "xterm"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self.seen = ""

    def see(self, words: str) -> None:
        until = time.monotonic() + PATIENCE
        while words not in self.seen:
            ready, _, _ = select.select([self.ours], [], [], max(0.0, until - time.monotonic()))
            assert ready, self.seen
            self.seen += os.read(self.ours, 65_536).decode(errors="replace")

    def type(self, line: str) -> None:
        self.seen = ""
        os.write(self.ours, f"{line}\n".encode())

    def close(self) -> int:
        code = self.process.wait(PATIENCE)
        os.close(self.ours)
        return code


def test_who_sits_at_the_terminal_is_asked_there(project: Project) -> None:
    project.write("pipelines/asks.yml", ASKS)
    terminal = Terminal(project, "asks")
    terminal.see("ask: Load 3 rows?")
    terminal.see("yes or no? ")
    terminal.type("perhaps")
    terminal.see("yes or no? ")
    terminal.type("y")
    terminal.see("why: string: ")
    terminal.type("because")
    terminal.see("limit: integer [5]: ")
    terminal.type("none")
    terminal.see("must be an integer")
    terminal.see("why: string: ")
    terminal.type("because")
    terminal.see("limit: integer [5]: ")
    terminal.type("")
    terminal.see("4 success")
    assert terminal.close() == 0
    assert project("logs", "asks", "load").out == "because 5\n"


def test_what_is_answered_elsewhere_is_asked_no_more_at_the_terminal(project: Project) -> None:
    project.write("pipelines/asks.yml", ASKS)
    terminal = Terminal(project, "asks")
    terminal.see("yes or no? ")
    assert project("approve", "asks", "ask", "--no").code == 0
    terminal.see("it needs no answer any more")
    terminal.see("2 success, 2 skipped")
    assert terminal.close() == 0
