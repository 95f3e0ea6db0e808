"""Schedulers and runners are killed; what became of their attempts is found out, and nothing runs twice."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from msgspec.structs import asdict

from tests.executors.tasks import end, ends, fifo, gone, shell
from yamldag.executors.contract import Ended, Start
from yamldag.executors.local import journal
from yamldag.executors.local.executor import PATIENCE, LocalExecutor
from yamldag.executors.local.inquiry import STEP
from yamldag.executors.local.orphans import MARK, boot
from yamldag.executors.local.places import journal_lock
from yamldag.executors.local.recovery import Found
from yamldag.operators.process import argv

_PROGRAM = Path(__file__).with_name("scheduler.py")
_ROOT = str(Path(__file__).parents[2])


@dataclass
class Crashed:
    """A scheduler that was killed, and what it was called."""

    id: str
    state: Path

    @property
    def journal(self) -> Path:
        return self.state / f"{self.id}.0.journal"

    @property
    def runner(self) -> int:
        return journal.read(self.journal).runner

    def wait_for_its_runner(self) -> None:
        """Until it has ended by itself."""
        with self.journal.open() as file:
            fcntl.flock(file, fcntl.LOCK_EX)


def crash(tmp_path: Path, starts: list[Start], *options: str, after: Path | None = None) -> Crashed:
    """Kill a scheduler that has sent these starts; with `after`, when a task has written to that FIFO."""
    (tmp_path / "starts.json").write_text(json.dumps([asdict(start) for start in starts]))
    words = [sys.executable, str(_PROGRAM), str(tmp_path / "state"), str(tmp_path / "starts.json"), *options]
    process = subprocess.Popen(
        words, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": _ROOT}
    )
    assert process.stdout is not None
    with process, process.stdout:
        name = process.stdout.readline().strip()
        if after is not None:
            after.read_text()
        process.kill()
    return Crashed(name, tmp_path / "state")


@pytest.fixture
def next_one(tmp_path: Path) -> Iterator[LocalExecutor]:
    """The scheduler that comes after."""
    executor = LocalExecutor(tmp_path / "state")
    yield executor
    executor.close()


def _end(found: Found) -> Ended:
    assert found.ended is not None, found
    return found.ended


def recover(heir: LocalExecutor, running: dict[int, str], **more: float) -> dict[int, Found]:
    """Mind all that is dead here, and ask what became of these."""
    heir.adopt_all()
    return heir.recover(running, patience=more.get("patience", PATIENCE))


def test_what_runs_on_reports_to_the_next_scheduler(tmp_path: Path, next_one: LocalExecutor) -> None:
    told, go = fifo(tmp_path, "told"), fifo(tmp_path, "go")
    crashed = crash(tmp_path, [shell(1, "echo > told; exec < go; exit 6", tmp_path)], after=told)
    assert recover(next_one, {1: crashed.id}) == {1: Found("running")}
    go.write_text("")
    ended = end(next_one)
    assert (ended.attempt, ended.exit, ended.reason) == (1, 6, "exit")


def test_what_ended_meanwhile_is_found_with_its_exit_code(tmp_path: Path, next_one: LocalExecutor) -> None:
    told, go = fifo(tmp_path, "told"), fifo(tmp_path, "go")
    crashed = crash(tmp_path, [shell(1, "echo > told; exec < go; exit 5", tmp_path)], after=told)
    go.write_text("")
    crashed.wait_for_its_runner()
    found = recover(next_one, {1: crashed.id})[1]
    assert (found.state, _end(found).exit, _end(found).reason) == ("ended", 5, "exit")


def _call(folder: Path, how: str) -> Start:
    """A call of a function that says that it is there, waits, and returns 7."""
    (folder / "own.py").write_text(
        "def f():\n    open('told', 'w').close()\n    open('go').read()\n    return 7\n"
    )
    spec = {"operator": "python", "task": "t", "folder": str(folder), "result": str(folder / "result")}
    return Start(
        1,
        argv("its spec"),
        {},
        str(folder),
        str(folder / "1.log"),
        base=dict(os.environ),
        warm=(how, "python", str(folder), "own"),
        spec=json.dumps({**spec, "module": "own", "function": "f", "args": {}}),
    )


@pytest.mark.parametrize("how", ["fork", "reuse"])
def test_the_result_of_a_call_that_ended_while_nobody_was_there_is_found(
    tmp_path: Path, next_one: LocalExecutor, how: str
) -> None:
    told, go = fifo(tmp_path, "told"), fifo(tmp_path, "go")
    crashed = crash(tmp_path, [_call(tmp_path, how)], after=told)
    go.write_text("")
    crashed.wait_for_its_runner()
    found = _end(recover(next_one, {1: crashed.id})[1])
    assert (found.exit, json.loads(found.result or "")) == (0, {"state": "success", "output": 7})


@pytest.mark.parametrize("how", ["fork", "reuse"])
@pytest.mark.parametrize("runner", ["lives", "is killed"])
def test_the_result_of_a_call_that_ended_is_told_again_whoever_died(
    tmp_path: Path, next_one: LocalExecutor, how: str, runner: str
) -> None:
    told, go, stay = fifo(tmp_path, "told"), fifo(tmp_path, "go"), fifo(tmp_path, "stay")
    crashed = crash(tmp_path, [_call(tmp_path, how), shell(2, "exec < stay", tmp_path)], after=told)
    go.write_text("")
    while 1 not in journal.read(crashed.journal).ends:
        pass
    if runner == "is killed":
        os.kill(crashed.runner, signal.SIGKILL)
    found = recover(next_one, {1: crashed.id, 2: crashed.id})
    assert (_end(found[1]).exit, json.loads(_end(found[1]).result or "")["output"]) == (0, 7)
    if runner == "lives":
        stay.write_text("")
        assert [each.attempt for each in ends(next_one, 1)] == [2]


def test_an_end_that_was_told_but_not_stored_is_told_again(tmp_path: Path, next_one: LocalExecutor) -> None:
    told, go = fifo(tmp_path, "told"), fifo(tmp_path, "go")
    quick = shell(1, "exit 3", tmp_path)
    slow = shell(2, "echo > told; exec < go", tmp_path)
    crashed = crash(tmp_path, [quick, slow], after=told)
    found = recover(next_one, {1: crashed.id, 2: crashed.id})
    assert found[2] == Found("running")
    first = found[1].ended or end(next_one)
    assert (first.attempt, first.exit) == (1, 3)
    next_one.acknowledge([1])
    go.write_text("")
    assert end(next_one).attempt == 2


def test_a_time_out_holds_while_there_is_no_scheduler(tmp_path: Path, next_one: LocalExecutor) -> None:
    told = fifo(tmp_path, "told")
    crashed = crash(tmp_path, [shell(1, "echo > told; sleep 1000", tmp_path, timeout=1.5)], after=told)
    crashed.wait_for_its_runner()
    assert _end(recover(next_one, {1: crashed.id})[1]).reason == "timeout"


def test_a_task_of_a_crashed_scheduler_can_be_stopped(tmp_path: Path, next_one: LocalExecutor) -> None:
    told = fifo(tmp_path, "told")
    crashed = crash(tmp_path, [shell(1, "echo > told; sleep 1000", tmp_path)], after=told)
    recover(next_one, {1: crashed.id})
    next_one.stop([1])
    assert end(next_one).reason == "stopped"


def test_starts_on_their_way_are_carried_out_once(tmp_path: Path, next_one: LocalExecutor) -> None:
    crashed = crash(tmp_path, [shell(n, "echo x", tmp_path) for n in range(40)], "frozen")
    os.kill(crashed.runner, signal.SIGCONT)
    found = recover(next_one, dict.fromkeys(range(40), crashed.id))
    assert {each.state for each in found.values()} <= {"running", "ended"}
    ends(next_one, sum(each.state == "running" for each in found.values()))
    assert [(tmp_path / f"{n}.log").read_text() for n in range(40)] == ["x\n"] * 40


@pytest.mark.parametrize("deaf", [True, False])
def test_a_runner_that_does_not_answer_is_ended(tmp_path: Path, next_one: LocalExecutor, deaf: bool) -> None:
    told = fifo(tmp_path, "told")
    crashed, pids = _crash_and_read(tmp_path, [shell(1, "echo $$ > told; sleep 1000", tmp_path)], told)
    runner = crashed.runner
    if deaf:
        crashed.journal.with_suffix(".sock").unlink()
    else:
        os.kill(runner, signal.SIGSTOP)
    assert recover(next_one, {1: crashed.id}, patience=0.3)[1].state == "lost"
    assert gone([*pids, runner])


def test_all_who_do_not_answer_are_waited_for_together_and_who_waits_can_give_signs_of_life(
    tmp_path: Path, next_one: LocalExecutor
) -> None:
    told = fifo(tmp_path, "told")
    silent = [
        _crash_and_read(tmp_path, [shell(number, "echo $$ > told; sleep 1000", tmp_path)], told)
        for number in (1, 2, 3)
    ]
    alive, _ = _crash_and_read(tmp_path, [shell(4, "echo $$ > told; sleep 1000", tmp_path)], told)
    for crashed, _ in silent:
        os.kill(crashed.runner, signal.SIGSTOP)
    signs: list[bool] = []

    def meanwhile() -> None:
        signs.append(all(journal_lock_is_free(crashed) for crashed, _ in silent))

    def journal_lock_is_free(crashed: Crashed) -> bool:
        lock = journal_lock(crashed.journal)
        if lock is not None:
            os.close(lock)
        return lock is not None

    owners = {number: crashed.id for number, (crashed, _) in enumerate(silent, 1)} | {4: alive.id}
    for owner in owners.values():
        next_one.adopt(owner)
    found = next_one.recover(owners, patience=0.5, meanwhile=meanwhile)
    assert [found[number].state for number in owners] == ["lost", "lost", "lost", "running"]
    assert len(signs) >= 3
    assert signs.count(False) < 2 * 0.5 / STEP, "the others were asked once the first had not answered"
    next_one.stop([4], kill=True)
    assert end(next_one).reason == "stopped"


def test_orphans_of_a_dead_runner_die_wherever_they_hide(tmp_path: Path, next_one: LocalExecutor) -> None:
    told = fifo(tmp_path, "told")
    script = "setsid sleep 1000 & echo $$ $! > told; sleep 1000"
    crashed, pids = _crash_and_read(tmp_path, [shell(1, script, tmp_path)], told)
    os.kill(crashed.runner, signal.SIGKILL)
    crashed.wait_for_its_runner()
    found = recover(next_one, {1: crashed.id})[1]
    assert (found.state, _end(found).reason) == ("lost", "lost")
    assert gone(pids)


def _crash_and_read(tmp_path: Path, starts: list[Start], told: Path) -> tuple[Crashed, list[int]]:
    crashed = crash(tmp_path, starts)
    return crashed, [int(word) for word in told.read_text().split()]


def test_after_a_reboot_nothing_is_killed(tmp_path: Path, next_one: LocalExecutor) -> None:
    state = tmp_path / "state"
    (state / "0ld.owner").touch()
    (state / "0ld.0.journal").write_bytes(
        journal.header(f"x{boot()}", os.getpid())
        + b'["S",1,2]\n["P",[1,7,1.0],[2,8,1.0]]\n["E",[2,4,"exit",1.0,2.0,""]]\n'
    )
    stranger = subprocess.Popen(["sleep", "1000"], env={MARK: "0ld.1"})
    with stranger:
        found = recover(next_one, {1: "0ld", 2: "0ld"})
        alive = stranger.poll() is None
        stranger.kill()
    assert alive
    assert (found[1].state, found[2].state, _end(found[2]).exit) == ("lost", "ended", 4)


def test_what_was_never_sent_may_be_started(tmp_path: Path, next_one: LocalExecutor) -> None:
    crashed = crash(tmp_path, [shell(1, "true", tmp_path)])
    crashed.wait_for_its_runner()
    assert recover(next_one, {9: crashed.id}) == {9: Found("unstarted")}


def test_an_earlier_runner_is_asked_too(tmp_path: Path, next_one: LocalExecutor) -> None:
    """Unknown to a living runner is not the same as never started."""
    told, go = fifo(tmp_path, "told"), fifo(tmp_path, "go")
    crashed = crash(tmp_path, [shell(2, "echo > told; exec < go", tmp_path)], after=told)
    (tmp_path / "state" / f"{crashed.id}.1.journal").write_bytes(journal.header(boot(), 1) + b'["S",1]\n')
    found = recover(next_one, {1: crashed.id, 2: crashed.id})
    assert (found[1].state, found[2].state) == ("lost", "running")
    go.write_text("")
    end(next_one)


def test_files_that_somebody_deleted_cannot_say_that_it_never_began(next_one: LocalExecutor) -> None:
    assert recover(next_one, {1: "unheard-of"})[1].state == "lost"


def test_the_tasks_of_a_living_scheduler_are_left_alone(executor: LocalExecutor, tmp_path: Path) -> None:
    go = fifo(tmp_path, "go")
    executor.start([shell(1, "exec < go", tmp_path)])
    other = LocalExecutor(tmp_path / "state")
    assert recover(other, {1: executor.id, 2: executor.id}) == {1: Found("watched"), 2: Found("watched")}
    other.forget([])
    other.close()
    go.write_text("")
    assert end(executor).exit == 0


def test_a_second_crash_loses_nothing(tmp_path: Path, next_one: LocalExecutor) -> None:
    """The scheduler that had adopted a runner is gone as well."""
    told, go = fifo(tmp_path, "told"), fifo(tmp_path, "go")
    crashed = crash(tmp_path, [shell(1, "echo > told; exec < go; exit 6", tmp_path)], after=told)
    between = LocalExecutor(tmp_path / "state")
    assert recover(between, {1: crashed.id}) == {1: Found("running")}
    assert recover(next_one, {1: crashed.id}) == {1: Found("watched")}
    between.close()
    assert recover(next_one, {1: crashed.id}) == {1: Found("running")}
    go.write_text("")
    assert end(next_one).exit == 6


def test_files_are_kept_as_long_as_they_tell_of_something_running(
    tmp_path: Path, next_one: LocalExecutor
) -> None:
    crashed = crash(tmp_path, [shell(1, "true", tmp_path)])
    crashed.wait_for_its_runner()
    recover(next_one, {1: crashed.id})
    next_one.forget([1])
    assert crashed.journal.exists()
    next_one.forget([])
    assert not list((tmp_path / "state").glob(f"{crashed.id}*"))


def test_a_runner_that_dies_takes_no_task_along(executor: LocalExecutor, tmp_path: Path) -> None:
    """Its scheduler lives, and inherits: real exit codes, nothing lost, and the next ones start."""
    told, go = [fifo(tmp_path, f"told{n}") for n in (1, 2, 3)], fifo(tmp_path, "go")
    executor.start(
        [
            shell(1, "echo > told1; exec < go; exit 7", tmp_path),
            shell(2, "echo > told2; sleep 1000", tmp_path, timeout=2),
            shell(3, "echo > told3; sleep 1000", tmp_path),
        ]
    )
    assert [each.read_text() for each in told] == ["\n"] * 3
    runner = journal.read(tmp_path / "state" / f"{executor.id}.0.journal").runner
    os.kill(runner, signal.SIGKILL)
    assert gone([runner])
    executor.start([shell(4, "exit 4", tmp_path)])
    executor.stop([3])
    go.write_text("")
    found = {each.attempt: (each.exit, each.reason) for each in ends(executor, 4)}
    assert found == {1: (7, "exit"), 2: (-15, "timeout"), 3: (-15, "stopped"), 4: (4, "exit")}


def test_what_a_journal_without_room_tells_again_is_found_when_its_runner_dies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "_CUT", 8_000)  # the runner is a fork of this process
    executor = LocalExecutor(tmp_path / "state")
    told, go = fifo(tmp_path, "told"), fifo(tmp_path, "go")
    executor.start([shell(1, "echo > told; exec < go; exit 7", tmp_path)])
    told.read_text()
    for number in range(2, 202):
        executor.start([shell(number, "true", tmp_path)])
        assert end(executor).exit == 0
        executor.acknowledge([number])
    path = tmp_path / "state" / f"{executor.id}.0.journal"
    story = journal.read(path)
    assert 1 in story.begun
    assert 2 not in story.begun
    assert len(story.begun) < 150
    os.kill(story.runner, signal.SIGKILL)
    assert gone([story.runner])
    go.write_text("")
    assert end(executor).exit == 7
    executor.close()


def test_starts_that_a_dead_runner_had_not_read_are_sent_to_the_next(
    executor: LocalExecutor, tmp_path: Path
) -> None:
    path = tmp_path / "state" / f"{executor.id}.0.journal"
    executor.start([shell(1, "true", tmp_path)])
    end(executor)
    runner = journal.read(path).runner
    os.kill(runner, signal.SIGSTOP)
    executor.start([shell(2, "echo x", tmp_path)])
    os.kill(runner, signal.SIGKILL)
    assert end(executor).exit == 0
    assert (tmp_path / "2.log").read_text() == "x\n"


def test_what_outlives_a_close_is_found_again(tmp_path: Path, next_one: LocalExecutor) -> None:
    told, go = fifo(tmp_path, "told"), fifo(tmp_path, "go")
    first = LocalExecutor(tmp_path / "state")
    first.start([shell(1, "echo > told; exec < go; exit 6", tmp_path)])
    told.read_text()
    first.close()
    assert recover(next_one, {1: first.id}) == {1: Found("running")}
    go.write_text("")
    assert end(next_one).exit == 6


def test_a_runner_that_ends_while_it_is_looked_at_leaves_nothing_to_lock(tmp_path: Path) -> None:
    lock = journal_lock(tmp_path / "gone.0.journal")
    assert lock is not None
    os.close(lock)
