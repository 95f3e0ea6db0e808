"""Who is at work on a database: lives that are over, their heirs, and who leads."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from yamldag.engine.takeover.lives import BadLease, Onlooker, find_over, lease_of, new_life
from yamldag.executors.local import holders, places
from yamldag.executors.local.executor import LocalExecutor
from yamldag.store import lives, moves
from yamldag.store.database import Database, Fenced, open_database
from yamldag.store.lives import SCHEDULERS, Seen
from yamldag.store.rows import NewRun

BOOT = "here"
GONE = 2**22 + 1
"""No process has this number: it is above what Linux gives."""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(f"sqlite:///{tmp_path}/y.db")
    yield opened
    opened.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "executor"
    made.mkdir()
    return made


def begin(database: Database, executor: str = "x", kind: str = "scheduler", slots: int | None = 4) -> int:
    return moves.begin_runner(database, new_life(kind, executor, 1.0, BOOT, slots))


def own(database: Database, run: str, owner: int) -> None:
    """Let a life move a run."""

    def record() -> None:
        moves.save_version(database, moves.Version("p", "p.yml", "1", "{}", 1.0))
        dates = ("2026-01-01T00:00:00.000000Z",) * 3
        row = NewRun(
            run, "p", "1", "manual", "running", *dates,
            tick=None, params="{}", only_tasks=None, created=1.0, started=1.0, owner=owner,
        )  # fmt: skip
        moves.create_run(database, row)

    database.write(record)


def one(database: Database, me: int) -> Seen:
    (found,) = lives.seen(database, me)
    return found


def silent(life: int, seconds: float, database: Database) -> None:
    database.execute("UPDATE runner SET seen = seen - ? WHERE id = ?", (seconds, life))


# What a look tells


def seen(**more: object) -> Seen:
    facts = {"id": 1, "kind": "serve", "host": "h", "boot": BOOT, "pid": os.getpid(), "executor": "e"}
    return Seen(**{**facts, "silent": 0.0, "ended": False, **more})  # type: ignore[arg-type]


def busy() -> bool:
    return False


def test_one_whose_lock_is_free_is_over_and_the_lock_is_ours(folder: Path) -> None:
    os.close(places.lock_owner(folder, "e"))
    found = Onlooker(folder, BOOT).over(seen(), busy)
    assert found is not None
    assert found.lock is not None
    with pytest.raises(BlockingIOError):
        places.owner_lock(folder, "e")
    os.close(found.lock)


def test_one_whose_lock_is_held_lives_as_long_as_its_lease(folder: Path) -> None:
    lock = places.lock_owner(folder, "e")
    try:
        assert Onlooker(folder, BOOT, lease=20).over(seen(silent=19.0), busy) is None
    finally:
        os.close(lock)


def test_a_run_by_hand_may_sleep_as_long_as_it_likes(folder: Path) -> None:
    lock = places.lock_owner(folder, "e")
    try:
        assert Onlooker(folder, BOOT, lease=20).over(seen(kind="local", silent=1e6), busy) is None
    finally:
        os.close(lock)


@pytest.mark.parametrize(
    ("facts", "over"),
    [
        ({"silent": 21.0}, False),
        ({"silent": 59.0, "boot": "elsewhere"}, False),
        ({"silent": 61.0, "boot": "elsewhere"}, True),
        ({"silent": 61.0, "boot": None}, True),
        ({"silent": 19.0, "pid": GONE}, False),
        ({"silent": 21.0, "pid": GONE}, True),
        ({"silent": 21.0, "pid": GONE, "boot": "elsewhere"}, False),
        ({"silent": 61.0, "kind": "local", "boot": "elsewhere"}, True),
    ],
)
def test_one_that_left_no_files_here_is_judged_by_process_and_lease(
    folder: Path, facts: dict[str, object], over: bool
) -> None:
    assert (Onlooker(folder, BOOT, lease=20).over(seen(**facts), busy) is not None) is over


def test_one_that_has_ended_and_left_nothing_running_is_taken_over_at_once(folder: Path) -> None:
    onlooker = Onlooker(folder, BOOT, lease=20)
    assert onlooker.over(seen(ended=True, boot="elsewhere"), lambda: True) is not None
    assert onlooker.over(seen(ended=True, boot="elsewhere"), busy) is None


def test_whoever_schedules_alone_takes_over_at_once(folder: Path) -> None:
    onlooker = Onlooker(folder, BOOT, lease=20, alone=True)
    assert onlooker.over(seen(boot="elsewhere"), busy) is not None
    assert onlooker.over(seen(boot="elsewhere", kind="local"), busy) is None


HOLD = """
import sys, time
from pathlib import Path
from yamldag.executors.local import places
lock = places.lock_owner(Path(sys.argv[1]), "e")
print(flush=True)
time.sleep(1000)
"""


@pytest.fixture
def holder(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that holds the lock of `e`."""
    root = str(Path(__file__).parents[2])
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": root},
    )
    assert process.stdout is not None
    with process, process.stdout:
        process.stdout.readline()
        yield process
        process.kill()


def test_one_that_hangs_here_is_killed_and_over(folder: Path, holder: subprocess.Popen[bytes]) -> None:
    holder.send_signal(signal.SIGSTOP)
    onlooker = Onlooker(folder, BOOT, lease=20)
    found = onlooker.over(seen(silent=21.0, pid=holder.pid), busy)
    assert found is not None
    assert found.lock is not None
    os.close(found.lock)
    assert holder.wait() == -signal.SIGKILL


def test_a_process_that_does_not_hold_the_lock_is_not_killed(
    folder: Path, holder: subprocess.Popen[bytes]
) -> None:
    stranger = subprocess.Popen(["sleep", "1000"])
    with stranger:
        assert not holders.end_holder(folder, "e", stranger.pid, 1.0)
        onlooker = Onlooker(folder, BOOT, lease=20)
        assert onlooker.over(seen(silent=21.0, pid=stranger.pid), busy) is None
        far = onlooker.over(seen(silent=61.0, pid=stranger.pid), busy)
        assert far is not None, "it holds its lock where we can't reach it"
        assert far.lock is None
        alive = stranger.poll() is None
        stranger.kill()
    assert alive
    assert holder.poll() is None


@pytest.mark.parametrize(("text", "seconds"), [(None, 20.0), ("2", 2.0), ("7.5", 7.5)])
def test_the_lease_can_be_set(text: str | None, seconds: float) -> None:
    assert lease_of({} if text is None else {"YAMLDAG_LEASE": text}) == seconds


@pytest.mark.parametrize("text", ["", "soon", "0", "-1", "nan", "1e9"])
def test_a_lease_that_makes_no_sense_is_told(text: str) -> None:
    with pytest.raises(BadLease, match="must be seconds from 1 to 3600, found"):
        lease_of({"YAMLDAG_LEASE": text})


# What the database decides


def test_of_two_heirs_one_wins_and_the_dead_one_writes_no_more(tmp_path: Path, database: Database) -> None:
    dead, first, second = (begin(database) for _ in range(3))
    own(database, "r", dead)
    other = open_database(database.url)
    other.live(dead)
    other.write(lambda: None)
    life = next(each for each in lives.seen(database, first) if each.id == dead)
    assert database.write(lambda: lives.inherit(database, life, first))
    assert not database.write(lambda: lives.inherit(database, life, second))
    assert lives.runs_of(database, first) == {"r": "p"}
    with pytest.raises(Fenced):
        other.write(lambda: other.execute("DELETE FROM event"))
    other.close()


def test_the_runs_of_one_that_ended_by_itself_are_found_until_somebody_has_them(database: Database) -> None:
    gone, heir = begin(database), begin(database)
    own(database, "r", gone)
    moves.end_runner(database, gone)
    life = one(database, heir)
    assert life.ended
    assert database.write(lambda: lives.inherit(database, life, heir))
    assert lives.seen(database, heir) == []


def test_the_runs_of_a_dead_life_can_be_told_to_end(database: Database) -> None:
    dead, heir = begin(database, kind="local"), begin(database)
    own(database, "r", dead)
    life = one(database, heir)
    assert database.write(lambda: lives.inherit(database, life, heir, "lost"))
    assert database.execute("SELECT owner, stop FROM run").fetchall() == [(heir, "lost")]


def test_lives_that_left_no_run_are_not_looked_at_again(database: Database) -> None:
    dead, me = begin(database), begin(database)
    moves.end_runner(database, dead)
    assert lives.seen(database, me) == []


def test_one_leads_until_its_life_has_ended(database: Database) -> None:
    first, second, third = (begin(database) for _ in range(3))
    assert database.write(lambda: lives.lead(database, first)) == 0.0
    assert database.write(lambda: lives.lead(database, second)) is None
    assert database.write(lambda: lives.lead(database, first)) == 0.0
    silent(first, 30, database)
    moves.end_runner(database, first)
    late = database.write(lambda: lives.lead(database, second))
    assert late == pytest.approx(30, abs=10), "how long nobody has led"
    assert database.write(lambda: lives.lead(database, third)) is None


def test_one_that_withdraws_leads_no_more_and_takes_no_runs(database: Database) -> None:
    first, second = begin(database), begin(database)
    database.write(lambda: lives.lead(database, first))
    database.write(lambda: lives.withdraw(database, first))
    assert database.write(lambda: lives.lead(database, second)) == 0.0
    assert [each.id for each in lives.members(database, 20)] == [second]


def test_members_are_those_seen_within_the_lease_with_the_runs_that_they_move(database: Database) -> None:
    me, other, quiet = (begin(database, slots=n) for n in (4, 8, 2))
    begin(database, kind="local")
    own(database, "r1", other)
    own(database, "r2", other)
    silent(quiet, 30, database)
    assert [tuple(each) for each in lives.members(database, 20)] == [(me, 4, 0), (other, 8, 2)]
    assert lives.runs_elsewhere(database, me) == {"r1": "p", "r2": "p"}


def test_schedulers_of_other_machines_are_known(database: Database) -> None:
    begin(database)
    begin(database, kind="local")
    assert not lives.others_than(database, BOOT)
    assert lives.others_than(database, "elsewhere")


def test_dead_ones_are_found_and_living_ones_left_alone(database: Database, folder: Path) -> None:
    executor = LocalExecutor(folder, fork=False)
    os.close(places.lock_owner(folder, "dead"))
    alive, dead, me = begin(database, executor.id), begin(database, "dead"), begin(database)
    found = list(find_over(database, me, Onlooker(folder, BOOT), SCHEDULERS))
    assert [each.life.id for each in found] == [dead]
    assert alive != dead
    for each in found:
        assert each.lock is not None
        os.close(each.lock)
    executor.close()


def test_a_clock_that_is_set_makes_nobody_silent(database: Database, folder: Path) -> None:
    """What counts is how long the one who looks has seen no sign of life."""
    me, other = begin(database), begin(database, "other")
    database.execute("UPDATE runner SET boot = 'elsewhere' WHERE id = ?", (other,))
    now = 1000.0
    onlooker = Onlooker(folder, BOOT, lease=20, elapsed=lambda: now)

    def over() -> list[int]:
        return [each.life.id for each in find_over(database, me, onlooker, SCHEDULERS)]

    silent(other, 86400, database)
    assert over() == []
    now += 59
    assert over() == []
    database.execute("UPDATE runner SET step = step + 1, seen = seen - 86400 WHERE id = ?", (other,))
    now += 59
    assert over() == []
    silent(other, -7 * 86400, database)
    now += 61
    assert over() == [other]
