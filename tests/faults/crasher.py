"""A forge of schedulers that die at a commit: everything is loaded once, each life is a fork.

Reads a request per line, `{"root": …, "runs": 1, "fuses": [[n, "before"], null]}`: one life after another on that
project, each dying at its commit number n (from 0), or going on until its so many runs are over (null). Answers `{"lives": [[exit code,
commits], …]}`. Fed and heard through pipes by `Crasher`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

DIED = 77
Fuse = tuple[int, str] | None
_OPEN = "SELECT count(*) FROM run WHERE state NOT IN ('success', 'failed', 'cancelled')"
_RUNNING = "SELECT count(*) FROM task_instance WHERE state = 'running'"
_WAITING = "SELECT count(*) FROM notification WHERE state = 'waiting'"


class Crasher:
    """The other side of the pipes."""

    def __init__(self) -> None:
        root = Path(__file__).parents[2]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("YAMLDAG_")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.crasher"],
            cwd=root,
            env={**environment, "PYTHONPATH": str(root)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def lives(self, root: Path, runs: int, fuses: Sequence[Fuse]) -> list[tuple[int, int]]:
        """(exit code, commits) of each life."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"root": str(root), "runs": runs, "fuses": fuses}) + "\n")
        self._process.stdin.flush()
        return [(code, count) for code, count in json.loads(self._process.stdout.readline())["lives"]]

    def close(self) -> None:
        self._process.communicate()


def main() -> None:
    _load()
    for line in sys.stdin:
        request = json.loads(line)
        lives = [_life(request["root"], request["runs"], fuse) for fuse in request["fuses"]]
        print(json.dumps({"lives": lives}), flush=True)


def _load() -> None:
    """All that a scheduler imports sooner or later."""
    from yamldag.compile import project  # noqa: F401
    from yamldag.engine import opening  # noqa: F401
    from yamldag.executors import call  # noqa: F401
    from yamldag.operators import bash, command, noop, python  # noqa: F401
    from yamldag.store import address, tables, views  # noqa: F401


def _life(root: str, runs: int, fuse: Fuse) -> tuple[int, int]:
    heard, told = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(heard)
        _child(root, runs, fuse, told)
    os.close(told)
    _, status = os.waitpid(pid, 0)
    with os.fdopen(heard) as pipe:
        words = pipe.read().split()
    return os.waitstatus_to_exitcode(status), int(words[-1]) if words else 0


def _child(root: str, runs: int, fuse: Fuse, told: int) -> None:
    code = 1
    try:
        log = os.open(f"{root}/said", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.chdir(root)
        _serve(root, runs, fuse, told)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


class Doomed:
    """A database whose process ends before, or after, its n-th commit."""

    def __init__(self, inner: Any, fuse: Fuse, told: int) -> None:
        self.inner = inner
        self.fuse = fuse
        self.told = told
        self.commits = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def write(self, work: Any) -> Any:
        fatal = self.fuse is not None and self.commits == self.fuse[0]
        if fatal and self.fuse[1] == "before":  # type: ignore[index]
            os._exit(DIED)
        made = self.inner.write(work)
        if fatal:
            os._exit(DIED)
        self.commits += 1
        os.write(self.told, b"%d\n" % self.commits)
        return made


def _serve(root: str, runs: int, fuse: Fuse, told: int) -> None:
    from yamldag.compile.project import find
    from yamldag.engine.opening import open_service
    from yamldag.executors.local.executor import LocalExecutor
    from yamldag.store.database import Database, open_database

    project = find(root, None, {})
    executor = LocalExecutor(Path(project.state_folder) / "executor")
    database = cast(Database, Doomed(open_database(project.database), fuse, told))
    service = open_service(
        project, database, executor, lambda line: print(line, file=sys.stderr), "serve", 16
    )
    assert not service.catalogue.broken, service.catalogue.broken

    def count(query: str) -> int:
        row = database.execute(query).fetchone()
        assert row is not None
        return int(row[0])

    while count(_OPEN) or count(_WAITING) or count("SELECT count(*) FROM run") < runs:
        if os.path.exists(f"{root}/newer.yml") and count(_RUNNING) == 2:
            _want_newest(root, project)
        service.turn()
    service.stop()
    service.run()
    database.close()
    executor.close()


def _want_newest(root: str, project: Any) -> None:
    """As a person does who has mended the file of a run under way."""
    from yamldag.cli.here import Here

    os.replace(f"{root}/newer.yml", f"{root}/pipelines/p.yml")
    wish = {"tasks": ["b"], "upstream": False, "only": False, "failed": False, "latest": True}
    with Here(project) as here:
        assert here.clear(here.run("p")["run_id"], wish)["outcome"] == "asked"


if __name__ == "__main__":
    main()
