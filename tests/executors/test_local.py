"""Attempts as processes: what they get, how they end, how they are stopped."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.executors.tasks import PATIENCE, end, ends, fifo, gone, shell
from yamldag.executors.local import journal
from yamldag.executors.local.executor import LocalExecutor


@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("true", 0),
        ("exit 7", 7),
        ("exit 255", 255),
        ("false; true", 1),
        ("kill -9 $$", -9),
        ("kill -15 $$", -15),
    ],
)
def test_an_exit_code_and_a_signal_come_back(
    executor: LocalExecutor, tmp_path: Path, script: str, code: int
) -> None:
    executor.start([shell(1, script, tmp_path)])
    ended = end(executor)
    assert (ended.exit, ended.reason, ended.message) == (code, "exit", "")
    assert ended.started <= ended.ended


def test_both_streams_go_to_a_private_log_that_is_added_to(executor: LocalExecutor, tmp_path: Path) -> None:
    executor.start([shell(1, "echo out; echo err >&2", tmp_path)])
    end(executor)
    executor.start([replace(shell(2, "echo again", tmp_path), log=str(tmp_path / "1.log"))])
    end(executor)
    log = tmp_path / "1.log"
    assert log.read_text() == "out\nerr\nagain\n"
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_the_folder_of_a_log_is_made(executor: LocalExecutor, tmp_path: Path) -> None:
    executor.start([replace(shell(1, "echo here", tmp_path), log=str(tmp_path / "a" / "b" / "1.log"))])
    assert end(executor).exit == 0
    assert (tmp_path / "a" / "b" / "1.log").read_text() == "here\n"


def test_the_environment_is_what_was_given_and_nothing_of_ours(
    executor: LocalExecutor, tmp_path: Path
) -> None:
    (tmp_path / "else where").mkdir()
    start = shell(1, 'pwd; echo "$A"; env -0 | tr "\\0" "\\n" | cut -d= -f1 | sort', tmp_path, A="é\nx", _="")
    executor.start([replace(start, cwd=str(tmp_path / "else where"))])
    end(executor)
    lines = (tmp_path / "1.log").read_text().splitlines()
    assert lines[0] == str(tmp_path / "else where")
    assert lines[1:3] == ["é", "x"]
    assert (
        {"A", "PATH", "YAMLDAG_MARK"}
        <= set(lines[3:])
        <= {"A", "PATH", "YAMLDAG_MARK", "PWD", "SHLVL", "_", "x"}
    )


def test_a_task_that_reads_its_input_finds_its_end(executor: LocalExecutor, tmp_path: Path) -> None:
    executor.start([shell(1, "cat; echo over", tmp_path)])
    assert end(executor).exit == 0
    assert (tmp_path / "1.log").read_text() == "over\n"


def test_a_broken_pipe_ends_its_writer(executor: LocalExecutor, tmp_path: Path) -> None:
    executor.start([shell(1, "set +o pipefail; yes | head -1; echo ${PIPESTATUS[0]}", tmp_path)])
    end(executor)
    assert (tmp_path / "1.log").read_text() == "y\n141\n"


def test_signals_that_the_runner_ignores_reach_its_tasks(executor: LocalExecutor, tmp_path: Path) -> None:
    executor.start([shell(n, f"kill -{n} $$; echo unharmed", tmp_path) for n in (1, 2, 13, 15, 25)])
    assert [each.exit for each in ends(executor, 5)] == [-1, -2, -13, -15, -25]


def test_a_task_leads_a_session_of_its_own(executor: LocalExecutor, tmp_path: Path) -> None:
    executor.start([shell(1, "ps -o sid= -p $$ | tr -d ' '; echo $$", tmp_path)])
    end(executor)
    session, pid = (tmp_path / "1.log").read_text().split()
    assert session == pid


def test_a_time_out_ends_grandchildren_that_do_not_listen(executor: LocalExecutor, tmp_path: Path) -> None:
    told = fifo(tmp_path, "told")
    script = "trap '' TERM; sleep 1000 & echo $$ $! > told; wait"
    executor.start([shell(1, script, tmp_path, timeout=1, grace=0.1)])
    pids = told.read_text().split()
    ended = end(executor)
    assert (ended.exit, ended.reason, ended.message) == (-9, "timeout", "timed out after 1s")
    assert gone(map(int, pids))


def test_a_time_out_gives_time_to_clean_up(executor: LocalExecutor, tmp_path: Path) -> None:
    script = "trap 'echo cleaned; exit 7' TERM; while :; do sleep 0.01; done"
    executor.start([shell(1, script, tmp_path, timeout=1)])
    ended = end(executor)
    assert (ended.exit, ended.reason) == (7, "timeout")
    assert (tmp_path / "1.log").read_text().endswith("cleaned\n")


def test_an_attempt_being_stopped_has_not_ended_before_its_whole_group(
    executor: LocalExecutor, tmp_path: Path
) -> None:
    told = fifo(tmp_path, "told")
    child = "(trap 'sleep 0.3; touch cleaned; exit' TERM; echo ready > told; while :; do sleep 0.01; done) &"
    executor.start([shell(1, f"{child} exec sleep 1000", tmp_path)])
    told.read_text()
    executor.stop([1])
    ended = end(executor)
    assert (ended.exit, ended.reason) == (-15, "stopped")
    assert (tmp_path / "cleaned").exists()


def test_a_stopped_process_is_woken_to_be_ended(executor: LocalExecutor, tmp_path: Path) -> None:
    executor.start([shell(1, "kill -STOP $$", tmp_path, timeout=0.2)])
    assert (end(executor).exit, (tmp_path / "1.log").read_text()) == (-15, "")


def test_stop_ends_only_what_is_named(executor: LocalExecutor, tmp_path: Path) -> None:
    told, awaited = fifo(tmp_path, "told"), fifo(tmp_path, "awaited")
    executor.start([shell(1, "echo > told; sleep 1000", tmp_path), shell(2, "exec < awaited", tmp_path)])
    told.read_text()
    executor.stop([1, 77])
    ended = end(executor)
    assert (ended.attempt, ended.exit, ended.reason) == (1, -15, "stopped")
    awaited.write_text("")
    ended = end(executor)
    assert (ended.attempt, ended.exit, ended.reason) == (2, 0, "exit")


def test_a_kill_does_not_wait(executor: LocalExecutor, tmp_path: Path) -> None:
    told = fifo(tmp_path, "told")
    executor.start([shell(1, "trap '' TERM; echo > told; sleep 1000", tmp_path, grace=1000)])
    told.read_text()
    executor.stop([1])
    executor.stop([1], kill=True)
    ended = end(executor)
    assert (ended.exit, ended.reason) == (-9, "stopped")


def test_an_end_of_its_own_cancels_the_time_out(executor: LocalExecutor, tmp_path: Path) -> None:
    executor.start([shell(1, "true", tmp_path, timeout=0.2), shell(2, "sleep 0.4", tmp_path)])
    assert [(each.exit, each.reason, each.message) for each in ends(executor, 2)] == [(0, "exit", "")] * 2


def test_a_big_burst_ends_each_once(executor: LocalExecutor, tmp_path: Path) -> None:
    executor.start([replace(shell(n, "", tmp_path), argv=("true",)) for n in range(400)])
    assert [(each.attempt, each.exit) for each in ends(executor, 400)] == [(n, 0) for n in range(400)]


def test_the_same_attempt_is_not_started_twice(executor: LocalExecutor, tmp_path: Path) -> None:
    start = shell(1, "echo x", tmp_path)
    executor.start([start, start])
    executor.start([start])
    end(executor)
    executor.start([start, shell(2, "true", tmp_path)])
    assert end(executor).attempt == 2
    assert (tmp_path / "1.log").read_text() == "x\n"


def test_an_end_comes_once_on_one_connection(executor: LocalExecutor, tmp_path: Path) -> None:
    executor.start([shell(1, "true", tmp_path)])
    assert len(executor.receive(PATIENCE)) == 1
    assert executor.receive(0) == []


@pytest.mark.parametrize(
    ("argv", "words", "code"),
    [
        (("no-such-program",), "there is no program `no-such-program` in `PATH`", 127),
        (
            ("./none",),
            "there is no program `./none`, or the interpreter that its first line names is missing",
            127,
        ),
        (("./text",), "`./text` may not be executed", 126),
        (("./folder",), "`./folder` may not be executed", 126),
        (
            ("./blank",),
            "this machine cannot run `./blank`: a script needs a first line like `#!/bin/sh`",
            126,
        ),
        (
            ("./lost",),
            "there is no program `./lost`, or the interpreter that its first line names is missing",
            127,
        ),
        (("echo", "a\0b"), "an argument or a variable holds a NUL character, or a variable has no name", 126),
        (
            ("echo", "x" * 200_000),
            "an argument or a variable is longer than the system takes (128 KiB each): use a file",
            126,
        ),
    ],
)
def test_what_cannot_be_started_says_why(
    executor: LocalExecutor, tmp_path: Path, argv: tuple[str, ...], words: str, code: int
) -> None:
    (tmp_path / "text").write_text("")
    (tmp_path / "folder").mkdir()
    for name, content in (("blank", "hello"), ("lost", "#!/no/such/interpreter\n")):
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(0o755)
    executor.start([replace(shell(1, "", tmp_path), argv=argv)])
    ended = end(executor)
    assert (ended.reason, ended.message, ended.exit) == ("unstartable", words, code)


def test_a_missing_working_folder_says_so_and_holds_nothing_up(
    executor: LocalExecutor, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    starts = [shell(n, "true", tmp_path) for n in (1, 2, 3)]
    executor.start(
        [replace(starts[0], cwd="/no/where"), replace(starts[1], cwd=str(tmp_path / "file")), starts[2]]
    )
    messages = [each.message for each in ends(executor, 3)]
    file = tmp_path / "file"
    assert messages == [
        "the working folder `/no/where` does not exist",
        f"the working folder `{file}` is not a folder",
        "",
    ]


def test_a_log_that_cannot_be_written_says_so(executor: LocalExecutor, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    executor.start([replace(shell(1, "echo x", tmp_path), log=str(tmp_path / "link"))])
    assert "cannot be written" in end(executor).message
    assert not (tmp_path / "elsewhere").exists()


def test_programs_are_sought_in_the_path_of_the_task(executor: LocalExecutor, tmp_path: Path) -> None:
    (tmp_path / "tool").write_text("#!/bin/sh\necho mine")
    (tmp_path / "tool").chmod(0o755)
    executor.start([replace(shell(1, "", tmp_path), argv=("tool",), env={"PATH": f"/none:{tmp_path}"})])
    end(executor)
    assert (tmp_path / "1.log").read_text() == "mine\n"


def test_a_waiting_receive_is_woken_from_another_thread(executor: LocalExecutor) -> None:
    threading.Timer(0.05, executor.wake).start()
    assert executor.receive(None) == []


def test_a_receive_is_woken_below_a_signal_handler(executor: LocalExecutor) -> None:
    before = signal.signal(signal.SIGALRM, lambda *_: executor.wake())
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        assert executor.receive(None) == []
    finally:
        signal.signal(signal.SIGALRM, before)


def test_a_background_process_is_left_alone_and_no_zombie_stays(
    executor: LocalExecutor, tmp_path: Path
) -> None:
    told = fifo(tmp_path, "told")
    executor.start([shell(1, "(exec sleep 1000 > /dev/null 2>&1) & echo $! > told", tmp_path)])
    pid = int(told.read_text())
    assert end(executor).exit == 0
    os.kill(pid, signal.SIGKILL)
    assert gone([pid])


@pytest.mark.parametrize("fork", [True, False])
def test_close_leaves_neither_process_nor_file(tmp_path: Path, fork: bool) -> None:
    executor = LocalExecutor(tmp_path / "state", fork=fork)
    executor.start([shell(1, "echo here", tmp_path)])
    assert end(executor).exit == 0
    runner = journal.read(tmp_path / "state" / f"{executor.id}.0.journal").runner
    executor.close()
    assert gone([runner])
    assert list((tmp_path / "state").iterdir()) == []


def test_the_state_folder_may_lie_deep_and_is_private(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 200) / "state"
    executor = LocalExecutor(folder)
    executor.start([shell(1, "true", tmp_path)])
    assert end(executor).exit == 0
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in folder.iterdir()} == {0}
    executor.close()


def test_tasks_end_when_their_scheduler_gives_no_sign_for_long(
    executor: LocalExecutor, tmp_path: Path
) -> None:
    told = fifo(tmp_path, "told")
    executor.start([shell(1, "setsid sleep 1000 & echo $$ $! > told; sleep 1000", tmp_path)])
    pids = [int(word) for word in told.read_text().split()]
    executor.go_on(0.05)
    lost = end(executor)
    assert (lost.attempt, lost.reason) == (1, "lost")
    assert "no sign" in lost.message
    assert gone(pids)
    executor.start([shell(2, "true", tmp_path)])
    late = end(executor)
    assert (late.attempt, late.reason) == (2, "lost"), (
        "what was sent before a long sleep does not begin after it"
    )
    executor.go_on(None)
    executor.start([shell(3, "exit 4", tmp_path)])
    assert end(executor).exit == 4


def test_a_sign_in_time_lets_tasks_go_on(executor: LocalExecutor, tmp_path: Path) -> None:
    told, go = fifo(tmp_path, "told"), fifo(tmp_path, "go")
    executor.go_on(1000)
    executor.start([shell(1, "echo > told; exec < go; exit 6", tmp_path)])
    told.read_text()
    executor.go_on(2000)
    go.write_text("")
    assert end(executor).exit == 6


def test_a_runner_that_is_a_new_interpreter_needs_the_standard_library_alone() -> None:
    code = (
        "import sys; sys.path.append(sys.argv[1]); "
        "from yamldag.executors.local import runner; "
        "print(sorted({name.partition('.')[0] for name in sys.modules} - sys.stdlib_module_names - {'__main__'}))"
    )
    told = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, str(Path(__file__).parents[2])],
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.split() == ["['yamldag']"]
