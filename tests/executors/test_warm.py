"""Python tasks by warm processes: each as in a new interpreter, none lost, none left behind."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.executors.tasks import end, ends, fifo, gone
from yamldag.executors.contract import Ended, Start
from yamldag.executors.local import journal
from yamldag.executors.local.executor import LocalExecutor
from yamldag.executors.local.orphans import find
from yamldag.operators.process import argv


class Calls:
    """Calls of functions in `own.py`, and what came of them."""

    def __init__(self, folder: Path, executor: LocalExecutor) -> None:
        self.folder = folder
        self.executor = executor
        self.number = 0
        self.base = {**os.environ}

    def module(self, text: str) -> None:
        (self.folder / "own.py").write_text(text)

    def start(
        self,
        function: str,
        how: str = "fork",
        *,
        timeout: float | None = None,
        log: str | None = None,
        **args: Any,
    ) -> int:
        self.number += 1
        number, folder = self.number, str(self.folder)
        spec: dict[str, Any] = {
            "operator": "python",
            "task": "t",
            "folder": folder,
            "result": f"{folder}/{number}.result",
        }
        spec |= {"module": "own", "function": function, "args": args}
        self.executor.start(
            [
                Start(
                    number,
                    argv("its spec"),
                    {"YAMLDAG_ATTEMPT": str(number)},
                    folder,
                    f"{folder}/{log or number}.log",
                    timeout=timeout,
                    base=self.base,
                    warm=(how, "python", folder, "own"),
                    spec=json.dumps(spec),
                    log_is_shared=log is not None,
                )
            ]
        )
        return number

    def result(self, ended: Ended) -> Any:
        """What it has told, or left in its file."""
        path = self.folder / f"{ended.attempt}.result"
        assert (ended.result is None) == path.exists()
        return json.loads(ended.result or path.read_text())

    def __call__(self, function: str, how: str = "fork", **args: Any) -> Any:
        """The output of a call that succeeds."""
        number = self.start(function, how, **args)
        ended = end(self.executor)
        assert (ended.exit, ended.reason) == (0, "exit"), (ended, self.log(number))
        return self.result(ended)["output"]

    def log(self, number: int | str) -> str:
        """Empty if it wrote nothing, whether there is a file or not."""
        path = self.folder / f"{number}.log"
        return path.read_text() if path.exists() else ""

    def until_warm(self) -> int:
        """Call until a forked process answers; the number of calls of it."""
        for _ in range(500):
            if self("is_fork"):
                return self.number
        raise AssertionError("there never was a fork")

    @property
    def journal(self) -> journal.Story:
        return journal.read(next(self.executor.folder.glob("*.0.journal")))

    @property
    def runner(self) -> int:
        return self.journal.runner


_IS_FORK = """
import sys

def is_fork():
    return "yamldag.executors.warm" in sys.modules
"""


@pytest.fixture
def calls(tmp_path: Path, executor: LocalExecutor) -> Calls:
    made = Calls(tmp_path, executor)
    made.module(_IS_FORK)
    return made


def _as_new(calls: Calls, text: str) -> tuple[Any, Any]:
    """What `f` of a module gives in a process of its own, and in a fork of a warm one."""
    calls.module(text + _IS_FORK)
    plain = calls("f")
    calls.until_warm()
    return plain, calls("f")


def test_a_fork_has_its_own_session_and_the_runner_for_a_parent(calls: Calls) -> None:
    calls.until_warm()
    calls.module(
        "import os\ndef f(runner):\n    while os.getppid() != runner: pass\n    return [os.getsid(0), os.getpid()]"
    )
    session, pid = calls("f", runner=calls.runner)
    assert session == pid


def test_a_fork_sees_what_a_new_interpreter_sees(calls: Calls) -> None:
    looks = (
        "import os, sys, signal, gc\n"
        "at_import = os.environ['YAMLDAG_ATTEMPT']\n"
        "def f(): return {'cwd': os.getcwd(), 'path': sys.path, 'name': __name__, 'main': sys.modules['__main__'].__file__,"
        " 'argv': len(sys.argv), 'program': sys.argv[0], 'flags': list(sys.flags), 'names': sorted(os.environ),"
        " 'fds': sorted(os.listdir('/proc/self/fd')), 'stdin': os.readlink('/proc/self/fd/0'),"
        " 'pipe': str(signal.getsignal(signal.SIGPIPE)), 'int': str(signal.getsignal(signal.SIGINT)),"
        " 'blocked': list(signal.pthread_sigmask(signal.SIG_BLOCK, ())), 'gc': gc.isenabled(),"
        " 'threads': len(os.listdir('/proc/self/task')), 'same': at_import == os.environ['YAMLDAG_ATTEMPT'],"
        " 'out': sys.stdout.line_buffering, 'umask': os.umask(0o22)}\n"
    )
    plain, forked = _as_new(calls, looks)
    assert plain == forked


def test_each_fork_has_its_own_chance(calls: Calls) -> None:
    calls.module("import random, uuid\ndef f(): return [random.random(), str(uuid.uuid4())]\n" + _IS_FORK)
    calls.until_warm()
    first, second = calls("f"), calls("f")
    assert first[0] != second[0]
    assert first[1] != second[1]


def test_an_edited_module_is_read_anew(calls: Calls) -> None:
    calls.until_warm()
    for number in range(3):
        calls.module(f"def f(): return {number}\n" + "#" * number)
        assert calls("f") == number


def test_what_a_module_does_as_it_is_loaded_happens_in_each_task(calls: Calls) -> None:
    calls.module("import time\nprint('hello')\nnow = time.time()\ndef f(): return now\n" + _IS_FORK)
    calls.until_warm()
    assert calls("f") < calls("f")
    assert calls.log(calls.number) == "hello\n"


def test_what_was_left_open_is_flushed_and_what_waits_for_the_end_runs(calls: Calls) -> None:
    calls.module(
        "import atexit\nfile = open('left', 'w')\n"
        "def f():\n    file.write('kept')\n    atexit.register(print, 'bye')\n    print('mid', end='')\n"
        + _IS_FORK
    )
    calls.until_warm()
    calls("f")
    assert (calls.folder / "left").read_text() == "kept"
    assert calls.log(calls.number) == "midbye\n"


def test_modules_that_start_threads_are_loaded_by_each_task(
    calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "elsewhere"
    place.mkdir()
    (place / "threading_one.py").write_text(
        "import threading, time\nthreading.Thread(target=time.sleep, args=(0,)).start()\n"
    )
    calls.base["PYTHONPATH"] = str(place)
    calls.module("import threading_one, sys\ndef f(): return threading_one.__name__\n" + _IS_FORK)
    calls.until_warm()
    assert calls("f") == "threading_one"


def test_a_fork_that_takes_too_long_is_ended(calls: Calls) -> None:
    calls.until_warm()
    calls.module("import time\ndef f(): time.sleep(1000)")
    calls.start("f", timeout=0.2)
    ended = end(calls.executor)
    assert (ended.reason, ended.exit) == ("timeout", -signal.SIGTERM)


def test_a_fork_can_be_stopped(calls: Calls) -> None:
    calls.until_warm()
    told = fifo(calls.folder, "told")
    calls.module("import time\ndef f():\n    open('told', 'w').close()\n    time.sleep(1000)")
    number = calls.start("f")
    told.read_text()
    calls.executor.stop([number])
    assert end(calls.executor).reason == "stopped"


def test_a_fork_is_found_by_its_mark(calls: Calls) -> None:
    calls.until_warm()
    told, go = fifo(calls.folder, "told"), fifo(calls.folder, "go")
    calls.module("import os\ndef f():\n    open('told', 'w').write(str(os.getpid()))\n    open('go').read()")
    number = calls.start("f")
    pid = int(told.read_text())
    mark = f"{calls.executor.id}.{number}"
    while (found := list(find({mark}))) != [(pid, mark)]:  # for a moment those that made it bear it too
        assert (pid, mark) in found
    go.write_text("")
    assert end(calls.executor).exit == 0


def test_forks_and_their_exit_codes_outlive_the_runner(calls: Calls) -> None:
    calls.until_warm()
    told, go = fifo(calls.folder, "told"), fifo(calls.folder, "go")
    calls.module(
        "import yamldag\ndef f():\n    open('told', 'w').close()\n    open('go').read()\n    raise yamldag.Skip"
    )
    number = calls.start("f")
    told.read_text()
    while number not in calls.journal.pids:
        pass
    os.kill(calls.runner, signal.SIGKILL)
    go.write_text("")
    ended = end(calls.executor)
    assert (ended.exit, calls.result(ended)["state"]) == (99, "skipped")


def test_what_a_reused_process_had_not_begun_when_the_runner_died_is_lost(calls: Calls) -> None:
    calls.module("import os\ndef f():\n    return os.getpid()\ndef g():\n    open('begun', 'w')\n")
    worker = calls("f", "reuse")
    os.kill(worker, signal.SIGSTOP)
    number = calls.start("g", "reuse")
    while number not in calls.journal.pids:
        pass
    runner = calls.runner
    os.kill(runner, signal.SIGKILL)
    assert gone([runner])
    os.kill(worker, signal.SIGCONT)
    ended = end(calls.executor)
    assert (ended.reason, ended.message[:16]) == ("lost", "it had not begun")
    assert not (calls.folder / "begun").exists()


def test_what_a_reused_process_has_carried_out_outlives_the_runner(calls: Calls) -> None:
    told, go = fifo(calls.folder, "told"), fifo(calls.folder, "go")
    calls.module("def f():\n    open('told', 'w').close()\n    open('go').read()\n    return 7\n")
    number = calls.start("f", "reuse")
    told.read_text()
    while number not in calls.journal.pids:
        pass
    os.kill(calls.runner, signal.SIGKILL)
    go.write_text("")
    ended = end(calls.executor)
    assert (ended.exit, calls.result(ended)["output"]) == (0, 7)


def test_warm_processes_end_with_their_runner(calls: Calls) -> None:
    calls.until_warm()
    runner = calls.runner
    with open(f"/proc/{runner}/task/{runner}/children") as file:
        warm = [int(pid) for pid in file.read().split()]
    assert warm
    os.kill(runner, signal.SIGKILL)
    assert gone(warm)


def test_when_the_warm_process_dies_tasks_go_on(calls: Calls) -> None:
    calls.until_warm()
    with open(f"/proc/{calls.runner}/task/{calls.runner}/children") as file:
        warm = [int(pid) for pid in file.read().split()]
    for pid in warm:
        os.kill(pid, signal.SIGKILL)
    assert gone(warm)
    assert calls("is_fork") in (True, False)
    calls.until_warm()


_COUNT = "import os\ncount = 0\ndef f():\n    global count\n    count += 1\n    return [count, os.getpid()]\n"


def test_a_process_is_used_again_where_that_is_wanted(calls: Calls) -> None:
    calls.module(_COUNT)
    first, second, third = (calls("f", "reuse") for _ in range(3))
    assert [first[0], second[0], third[0]] == [1, 2, 3]
    assert first[1] == second[1] == third[1]


def test_an_edited_module_is_not_used_again(calls: Calls) -> None:
    calls.base["KEPT"] = "é"
    calls.module(_COUNT)
    calls("f", "reuse")
    calls.module(_COUNT.replace("+= 1", "+= 10") + "def g(x):\n    return [x, os.environ['KEPT']]\n")
    assert calls("f", "reuse")[0] == 10
    calls.module("import os\ndef g(x):\n    return [len(x), os.environ['KEPT']]\n")
    assert calls("g", "reuse", x="x" * 100_000) == [100_000, "é"]
    assert calls("g", "reuse", x="x") == [1, "é"]


def test_each_call_of_a_reused_process_has_its_own_environment_and_log(calls: Calls) -> None:
    calls.module("import os\ndef f(x):\n    print(x)\n    return os.environ['YAMLDAG_ATTEMPT']\n")
    for number in (1, 2):
        assert calls("f", "reuse", x=number) == str(number)
        assert calls.log(number) == f"{number}\n"


def test_a_reused_process_that_takes_too_long_is_ended_and_replaced(calls: Calls) -> None:
    calls.module("import os, time\ndef f(): return os.getpid()\ndef g(): time.sleep(1000)\n")
    first = calls("f", "reuse")
    calls.start("g", "reuse", timeout=0.2)
    ended = end(calls.executor)
    assert (ended.reason, ended.exit) == ("timeout", -signal.SIGTERM)
    assert calls("f", "reuse") != first


def test_a_reused_process_that_exits_ends_its_attempt(calls: Calls) -> None:
    calls.module("import os\ndef f(): os._exit(7)\n")
    calls.start("f", "reuse")
    assert end(calls.executor).exit == 7


def test_many_at_once_each_have_a_process(calls: Calls) -> None:
    calls.module("import os\ndef f():\n    return os.getpid()\n")
    numbers = [calls.start("f", "reuse") for _ in range(20)]
    found = ends(calls.executor, 20)
    assert [(each.attempt, each.exit) for each in found] == [(number, 0) for number in numbers]


@pytest.mark.parametrize("how", ["fork", "reuse"])
def test_nothing_is_left_of_a_call_but_what_it_wrote(calls: Calls, how: str) -> None:
    calls.module("def f(x):\n    return x\ndef g():\n    print('hello')\n" + _IS_FORK)
    if how == "fork":
        calls.until_warm()
    assert [calls("f", how, x=number) for number in range(3)] == [0, 1, 2]
    calls("g", how)
    left = {path.suffix for path in calls.folder.iterdir() if path.is_file()}
    assert left <= {".py", ".log"}
    assert calls.log(calls.number) == "hello\n"


@pytest.mark.parametrize("how", ["fork", "reuse"])
def test_what_is_long_goes_there_and_back_too(calls: Calls, how: str) -> None:
    calls.module("def f(x):\n    return x\n" + _IS_FORK)
    if how == "fork":
        calls.until_warm()
    for size in (10_000, 200_000):
        assert calls("f", how, x="é" * size) == "é" * size


@pytest.mark.parametrize("how", ["fork", "reuse"])
def test_a_call_that_has_no_place_says_so_and_the_next_one_is_carried_out(calls: Calls, how: str) -> None:
    calls.module("def f():\n    return 1\n" + _IS_FORK)
    if how == "fork":
        calls.until_warm()
    else:
        calls("f", how)
    (calls.folder / "taken").write_text("")
    calls.start("f", how, log="taken/log")
    ended = end(calls.executor)
    assert (ended.reason, ended.exit) == ("unstartable", 126)
    assert "taken/log.log` cannot be written" in ended.message
    assert calls("f", how) == 1


def test_a_log_to_which_nothing_was_written_becomes_the_next_ones(calls: Calls) -> None:
    calls.module("import os\ndef f(x=None):\n    if x: os.system(f'echo {x}')\n")
    calls("f", "reuse")
    first = (calls.folder / "1.log").stat().st_ino
    calls("f", "reuse", x="second")
    assert (calls.folder / "2.log").stat().st_ino == first
    assert not (calls.folder / "1.log").exists()
    calls("f", "reuse", x="third")
    assert [calls.log(number) for number in (1, 2, 3)] == ["", "second\n", "third\n"]


def test_a_log_that_a_call_has_left_to_a_process_is_not_handed_on(calls: Calls) -> None:
    go, done = fifo(calls.folder, "go"), fifo(calls.folder, "done")
    calls.module(
        "import subprocess\ndef f(): pass\n"
        "def g(): subprocess.Popen('read x < go; echo late; echo > done', shell=True)\n"
    )
    calls("g", "reuse")
    calls("f", "reuse")
    go.write_text("x\n")
    done.read_text()
    assert (calls.log(1), calls.log(2)) == ("late\n", "")


def test_a_log_that_others_write_stays_where_it_is(calls: Calls) -> None:
    calls.module("def f(x=None):\n    if x: print(x)\n")
    for words in ("", "look", ""):
        calls.start("f", "reuse", log="shared", x=words)
        assert end(calls.executor).exit == 0
        calls("f", "reuse", x="own")
    assert calls.log("shared") == "look\n"


def test_many_forks_at_once_each_have_their_own_result(calls: Calls) -> None:
    calls.module("def f(x):\n    return x\n" + _IS_FORK)
    calls.until_warm()
    numbers = {calls.start("f", x=value): value for value in range(20)}
    found = ends(calls.executor, 20)
    assert {each.attempt: calls.result(each)["output"] for each in found} == numbers
