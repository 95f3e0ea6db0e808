"""`ssh` against a real sshd: what runs there is as with `bash`, and ends when the attempt does, whoever dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import sshd
from tests.e2e.project import YAMLDAG, Project
from tests.e2e.serving import wait_until
from tests.sshd import Sshd


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with sshd.private(tmp_path_factory.mktemp("sshd")) as started:
        yield started


@pytest.fixture
def there(project: Project, server: Sshd) -> Project:
    """A project with a connection to it."""
    declare(project, server)
    return project


def declare(project: Project, server: Sshd, **more: Any) -> None:
    connection = {name: value for name, value in {**server.connection, **more}.items() if value is not None}
    project.write("yamldag.yml", json.dumps({"connections": {"box": connection}, "secrets": ["key", "word"]}))


def test_a_command_is_as_with_bash(there: Project) -> None:
    ran = there.run(
        """
defaults: {ssh: {connection: box}}
tasks:
  says: {ssh: 'echo out; echo err >&2; printf "n=3\\nwho=%s\\n" "$WHO" > "$YAMLDAG_OUTPUT"', env: {WHO: "it's {{ ds }}"}, output: {n: integer, who: string}}
  uses: {bash: 'echo {{ tasks.says.output.n + 1 }} {{ tasks.says.output.who | sh }}'}
  told: {ssh: 'echo "$YAMLDAG_TASK_ID $YAMLDAG_ATTEMPT ${YAMLDAG_RUN_DIR:-none}"; [ -z "${HERE_ALONE:-}" ]'}
  json: {ssh: 'echo "[1, 2]" > "$YAMLDAG_OUTPUT"'}
  each: {ssh: "echo $ITEM", env: {ITEM: "{{ item }}"}, foreach: [a, b]}
  fails: {ssh: 'false; echo not reached', allow_failure: true}
  code: {ssh: 'exit 7', retries: 1, retry_delay: 0s, allow_failure: true}
  skips: {ssh: exit 99}
  bad: {ssh: 'echo hello > "$YAMLDAG_OUTPUT"', allow_failure: true}
  killed: {ssh: 'kill -KILL $$', allow_failure: true}
  stdin: {ssh: 'cat; echo end'}
  left: {ssh: 'sleep 1000 & echo $! ', needs: stdin}
""",
        env={"HERE_ALONE": "1"},
    )
    states = dict(ran.states)
    assert {name for name, state in states.items() if state != "success"} == {
        "fails",
        "code",
        "skips",
        "bad",
        "killed",
    }
    assert states["skips"] == "skipped"
    assert sorted(ran.log("says").split()) == ["err", "out"]
    assert ran.log("uses").startswith("4 it's 20")
    assert ran.log("told") == "told 1 none\n"
    assert (ran.log("fails"), ran.log("stdin")) == ("", "end\n")
    assert ran.attempts["code"] == 2
    reasons = ran.reasons
    assert reasons["code"] == "exit code 7"
    assert reasons["killed"].startswith("exit code 137")
    assert reasons["bad"].startswith("the output should be JSON or lines `name=value`")
    os.kill(int(ran.log("left")), signal.SIGKILL)


def test_a_notification_may_be_a_command_there(there: Project) -> None:
    ran = there.run(
        """
tasks: {a: {bash: exit 3}}
on_failure: {ssh: {connection: box, command: 'echo "$WHO:" {{ run.failed | join | sh }}'}, env: {WHO: Ada}}
"""
    )
    told = there("logs", ran.id, "--notifications").out
    assert told.splitlines() == ["on_failure by ssh: done", "  Ada: a"]


def test_a_long_log_and_a_long_command_come_whole(there: Project) -> None:
    there.write("pipelines/p.yml", {"pipeline": "p", "tasks": {
        "long": {"ssh": {"connection": "box", "command": "seq 1 200000"}},
        "script": {"ssh": {"connection": "box", "command": "echo " + "'x y' " * 20_000 + "| wc -c"}},
    }})  # fmt: skip
    assert there("connections", "test", "box").out == "box: it lets us in\n"
    ran = there.run("p")
    assert ran.state == "success"
    lines = ran.log("long").splitlines()
    assert (len(lines), lines[-1]) == (200_000, "200000")
    assert ran.log("script") == f"{4 * 20_000}\n"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"known_hosts": "example.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKjvqqvsDU4Fj2JrlbbNQrkYYyDSO6lsbuXqBWzdXsxE\n"},
         "the key of 127.0.0.1 is not the one that is known, or none is"),
        ({"known_hosts": None}, "the key of 127.0.0.1 is not the one that is known, or none is"),
        ({"known_hosts": "nowhere"}, "nowhere` can't be read: no such file or directory"),
        ({"identity": None, "password": "wrong"}, "127.0.0.1 does not let `"),
        ({"identity": None, "private_key": "nonsense"}, "the private key can't be used"),
        ({"host": None}, "the connection can't be used: it has no `host`"),
        ({"port": 1}, "127.0.0.1 can't be reached, or was lost: "),
    ],
)  # fmt: skip
def test_who_is_not_known_is_refused(
    project: Project, server: Sshd, more: dict[str, Any], words: str
) -> None:
    declare(project, server, **more)
    home = str(project.folder / "home")
    ran = project.run(
        "tasks: {a: {ssh: {connection: box, command: touch /tmp/never}}}\n",
        env={"HOME": home, "SSH_AUTH_SOCK": ""},
    )
    assert ran.states == {"a": "failed"}
    assert words in ran.reasons["a"]


def test_secrets_reach_it_and_are_masked_and_in_no_command_line(there: Project, server: Sshd) -> None:
    key = (server.folder / "user").read_text()
    declare(there, server, identity=None, private_key="{{ secrets.key }}")
    ran = there.run(
        """
tasks:
  a: {ssh: {connection: box, command: 'echo "it is $WORD"; grep -lsa "c[a]nary" /proc/[0-9]*/cmdline || echo unseen'}, env: {WORD: "{{ secrets.word }}"}}
""",
        env={"YAMLDAG_SECRET_WORD": "canary-0123456789", "YAMLDAG_SECRET_KEY": key},
    )
    assert (ran.state, ran.log("a")) == ("success", "it is ***\nunseen\n")
    kept = b"".join(
        path.read_bytes() for path in there.folder.rglob("*") if path.is_file() and ".yamldag" in path.parts
    )
    assert b"canary" not in kept
    assert key.splitlines()[2].encode() not in kept


LONG = """
pipeline: long
tasks:
  a:
    ssh:
      connection: box
      command: |
        trap 'echo last words; exit 3' TERM
        (trap '' TERM; sleep 1000) & echo "$! $$" > {pids}
        while :; do sleep 0.1; done
"""


def alive(path: Path) -> list[str]:
    return [pid for pid in path.read_text().split() if _runs(pid)]


def _runs(pid: str) -> bool:
    """A zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("how", ["cancel", "kill"])
def test_what_runs_there_ends_with_its_attempt(there: Project, tmp_path: Path, how: str) -> None:
    """Down to what ignores TERM; that all of ours is killed is heard of there as well."""
    pids = tmp_path / "pids"
    there.write("pipelines/long.yml", LONG.format(pids=pids))
    process = subprocess.Popen(
        [*YAMLDAG, "run", "long", "--json"],
        cwd=there.folder, env=there.environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    wait_until(lambda: pids.exists() and len(pids.read_text().split()) == 2)
    assert len(alive(pids)) == 2
    assert there("cancel", "long", *(["--kill"] if how == "kill" else [])).code == 0
    out, _ = process.communicate(timeout=120)
    [row] = json.loads(out)["tasks"]
    assert row["state"] == "failed"
    wait_until(lambda: not alive(pids))
    if how == "cancel":  # the shell there may tell first that what it waited for was ended
        assert "last words" in there("logs", "long", "a").out.splitlines()


def test_what_runs_there_ends_at_its_timeout(there: Project, tmp_path: Path) -> None:
    """Down to what ignores TERM."""
    pids = tmp_path / "pids"
    ran = there.run(f"{LONG.format(pids=pids)}    timeout: 8s\n")
    assert ran.states == {"a": "failed"}
    assert ran.reasons["a"] == "timed out after 8s"
    assert "last words" in ran.log("a").splitlines()
    assert len(pids.read_text().split()) == 2
    wait_until(lambda: not alive(pids))


def test_its_call_is_shown_without_signing_in(project: Project) -> None:
    project.write("yamldag.yml", json.dumps({"connections": {"box": "ssh://nobody@127.0.0.1:1"}}))
    project.write(
        "pipelines/p.yml", "pipeline: p\ntasks: {a: {ssh: {connection: box, command: 'echo {{ ds }}'}}}\n"
    )
    told = project("connections", "test", "box")
    assert (told.code, "127.0.0.1 can't be reached, or was lost: " in told.out) == (1, True), told
    [row] = project("run", "p", "--dry-run", "--json", "--date", "2026-01-02").json["tasks"]
    assert row["params"] == {"connection": "box", "command": "echo 2026-01-02"}


def test_without_its_library_one_line_says_what_to_install(project: Project) -> None:
    declare_nothing = {"connections": {"box": "ssh://nobody@127.0.0.1:1"}}
    project.write("yamldag.yml", json.dumps(declare_nothing))
    project.write("without/asyncssh.py", "raise ImportError('not here')\n")
    ran = project.run(
        "tasks: {a: {ssh: {connection: box, command: 'true'}}}\n",
        env={"PYTHONPATH": f"{project.folder}/without:{project.environment()['PYTHONPATH']}"},
    )
    assert ran.reasons["a"] == "`ssh` needs asyncssh, which is not installed: pip install 'yamldag[ssh]'"
