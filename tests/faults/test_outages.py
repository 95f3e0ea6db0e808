"""The database goes away and comes back: the scheduler goes on, nothing is lost, nothing is killed or done twice."""

from __future__ import annotations

import random
import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import servers
from tests.e2e.project import PATIENCE, YAMLDAG, Project
from tests.faults.conftest import Tell
from tests.faults.long import much
from tests.faults.proxy import Mood, Proxy
from yamldag.store.database import open_database
from yamldag.store.drivers.choose import driver_of

BEAT = """\
pipeline: beat
schedule: {every: 1s}
catchup: all
max_active_runs: 4
tasks:
  one: {bash: 'echo "$YAMLDAG_ATTEMPT_ID $YAMLDAG_RUN_ID" >> HISTORY; echo "n=1" >> "$YAMLDAG_OUTPUT"'}
  two: {bash: 'echo "$YAMLDAG_ATTEMPT_ID $YAMLDAG_RUN_ID" >> HISTORY; sleep 0.3', needs: one}
  each: {bash: 'echo "$YAMLDAG_ATTEMPT_ID $YAMLDAG_RUN_ID" >> HISTORY', foreach: [1, 2], needs: one}
"""


@pytest.fixture(params=servers.KINDS)
def server(request: pytest.FixtureRequest) -> Iterator[servers.Server]:
    """A private one with an empty database `work`."""
    try:
        made = servers.private(request.param)
    except servers.Missing as missing:
        pytest.skip(str(missing))
    servers.tell(made.url, "CREATE DATABASE work")
    yield made
    made.close()


@pytest.fixture
def proxy(server: servers.Server) -> Iterator[Proxy]:
    made = Proxy(server.port)
    yield made
    made.close()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@dataclass
class Serving:
    """A scheduler at work, and its database as seen without the bad network."""

    process: subprocess.Popen[bytes]
    said: Path
    url: str

    def ask(self, question: str) -> list[tuple[object, ...]]:
        database = open_database(self.url)
        try:
            return [tuple(row) for row in database.execute(question)]
        finally:
            database.close()

    def successes(self) -> int:
        ((number,),) = self.ask("SELECT count(*) FROM run WHERE state = 'success'")
        assert isinstance(number, int)
        return number

    def goes_on(self) -> None:
        """It has not ended, and more runs do than now."""
        before = self.successes()
        self.until(lambda: self.successes() > before + 1)

    def until(self, what: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not what():
            assert self.process.poll() is None, self.said.read_text()
            assert time.monotonic() < end, self.said.read_text()
            time.sleep(0.05)

    def stop(self) -> str:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(PATIENCE) == 0
        return self.said.read_text()


@pytest.fixture
def serving(project: Project, server: servers.Server, proxy: Proxy) -> Iterator[Serving]:
    straight = servers.on(server.url, "work")
    project.write("yamldag.yml", f"database: {straight.replace(str(server.port), str(proxy.port))}\n")
    project.write("pipelines/beat.yml", BEAT.replace("HISTORY", str(project.folder / "history")))
    said = project.folder / "said"
    with open(said, "wb") as log:
        process = subprocess.Popen(
            [*YAMLDAG, "serve", "--port", "0"],
            cwd=project.folder,
            env=project.environment(),
            stdout=log,
            stderr=log,
        )
    made = Serving(process, said, straight)
    made.until(lambda: " at http" in said.read_text())
    yield made
    process.kill()
    process.wait()


def cut_connections(server: servers.Server) -> None:
    """As an administrator ends them all."""
    if server.kind == "postgresql":
        servers.tell(
            server.url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'work'"
        )
        return
    driver = driver_of(server.url)
    driver.connect()
    for (number,) in list(driver.execute("SELECT id FROM information_schema.processlist WHERE db = 'work'")):
        driver.execute(f"KILL {number}")
    driver.close()


def bad_network(mood: Mood, seconds: float) -> Callable[[servers.Server, Proxy], None]:
    def cut(_: servers.Server, proxy: Proxy) -> None:
        proxy.mood = mood
        time.sleep(seconds)
        proxy.mood = "well"

    return cut


def restart(server: servers.Server, _: Proxy) -> None:
    server.crash()
    server.start()


CUTS: dict[str, Callable[[servers.Server, Proxy], None]] = {
    "terminated": lambda server, _: cut_connections(server),
    "restarted": restart,
    "gone": bad_network("gone", 1.0),
    "silent": bad_network("silent", 9.0),
    "slow": bad_network("slow", 6.0),
}


def test_the_scheduler_outlives_every_outage_and_nothing_is_lost_or_done_twice(
    serving: Serving, server: servers.Server, proxy: Proxy, project: Project, figures: Tell
) -> None:
    kinds = [*CUTS, "terminated", *random.Random(7).choices([*CUTS], k=much(0, 94))]
    for kind in kinds:
        serving.goes_on()
        CUTS[kind](server, proxy)
    serving.goes_on()
    said = serving.stop()
    assert "Traceback" not in said
    assert "the database is away" in said
    assert "the database is back" in said
    check(serving, project)
    figures(cuts=len(kinds), lost=0, doubled=0, unexplained=0)


def check(serving: Serving, project: Project) -> None:
    """The history that the tasks have written, against the database."""
    lines = (project.folder / "history").read_text().split("\n")[:-1]
    begun = Counter(line.split()[0] for line in lines)
    assert max(begun.values()) == 1, "an attempt ran twice"
    recorded: dict[Any, Any] = {row[0]: row[1] for row in serving.ask("SELECT id, state FROM attempt")}
    assert set(map(int, begun)) <= set(recorded), "a task ran that nobody knows of"
    assert set(recorded.values()) <= {"success", "running", "queued"}, "a task was killed or lost"
    assert {number for number, state in recorded.items() if state == "success"} <= set(map(int, begun))
    ticks = serving.ask("SELECT logical_date FROM run WHERE type = 'scheduled' ORDER BY logical_date")
    dates = [time.strptime(str(date)[:19], "%Y-%m-%dT%H:%M:%S") for (date,) in ticks]
    seconds = [round(time.mktime(date)) for date in dates]
    assert seconds == list(range(seconds[0], seconds[0] + len(seconds))), "a tick has no run, or two"
    checks = {check["name"]: check for check in project("doctor", "--json").json["checks"]}
    assert checks["rules"]["state"] == "ok", checks["rules"]


def test_a_scheduler_that_is_told_to_stop_while_the_database_is_away_does_so(
    serving: Serving, proxy: Proxy
) -> None:
    serving.goes_on()
    proxy.mood = "gone"
    serving.until(lambda: "the database is away" in serving.said.read_text())
    assert "stopped while the database is away" in serving.stop()


def test_a_run_by_hand_waits_for_its_database_too(
    project: Project, server: servers.Server, tmp_path: Path
) -> None:
    url = servers.on(server.url, "work")
    open_database(url).close()
    process = by_hand(project, url)
    server.crash()
    (tmp_path / "go").touch()
    assert said_until(process, "the database is away")
    server.start()
    rest = process.communicate(timeout=PATIENCE)[1].decode()
    assert process.returncode == 0, rest
    assert "the database is back" in rest
    assert (tmp_path / "ran").read_text() == "first\nsecond\n"


def test_a_second_ctrl_c_does_not_wait_for_the_database(project: Project, server: servers.Server) -> None:
    url = servers.on(server.url, "work")
    open_database(url).close()
    process = by_hand(project, url)
    server.crash()
    process.send_signal(signal.SIGINT)
    assert said_until(process, "the database is away")
    process.send_signal(signal.SIGINT)
    rest = process.communicate(timeout=PATIENCE)[1].decode()
    assert process.returncode == 1
    assert "the database can't be written" in rest
    assert "Traceback" not in rest


def by_hand(project: Project, url: str) -> subprocess.Popen[bytes]:
    """`yamldag run`, its first task at work until the file `go` is there."""
    here = project.folder
    project.pipeline(
        "tasks:\n"
        f"  first: {{bash: 'until [ -e {here}/go ]; do sleep 0.05; done; echo first >> {here}/ran'}}\n"
        f"  second: {{bash: 'echo second >> {here}/ran', needs: first}}\n"
    )
    process = subprocess.Popen(
        [*YAMLDAG, "run", "p"],
        cwd=project.folder,
        env=project.environment({"YAMLDAG_DATABASE": url}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert said_until(process, r"first\s+running")
    return process


def said_until(process: subprocess.Popen[bytes], words: str) -> bool:
    assert process.stderr is not None
    return any(re.search(words, line.decode()) for line in process.stderr)
