"""Pools: bounds in SQL that several engines share, never overcommitted, in order, with nobody left behind."""

from __future__ import annotations

import itertools
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.engine.simulation import BAD, OK, Script, Simulation, each, plan, scripted, states, task
from tests.engine.test_rebuild import new_row
from yamldag.engine.loop.engine import ids_of
from yamldag.engine.memory.rebuild import StoredInstance, rebuild
from yamldag.engine.memory.run import Run
from yamldag.engine.step.pools import waiting
from yamldag.engine.step.world import Admit, Answered, Freed, Happened, Stop
from yamldag.operators.contract import Outcome
from yamldag.plan.pipeline import Plan, Task
from yamldag.store import lives, moves, pools, views
from yamldag.store.database import Database, open_database


@contextmanager
def opened(url: str) -> Iterator[Database]:
    made = open_database(url)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with opened(database_url) as made:
        moves.save_version(made, moves.Version("p", "p.yml", "v", "{}", 1.0))
        yield made


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Database]:
    """SQLite alone."""
    with opened(f"sqlite:///{tmp_path}/y.db") as made:
        moves.save_version(made, moves.Version("p", "p.yml", "v", "{}", 1.0))
        yield made


@dataclass
class Member:
    """An engine without processes, on a database that it may share with others."""

    database: Database
    slots: int | None = None
    script: Script = lambda instance: OK
    seed: int = 0
    watch: Callable[[Member], None] = lambda member: None
    simulation: Simulation = field(init=False)
    runner: int = field(init=False)

    def __post_init__(self) -> None:
        self.runner = moves.begin_runner(self.database, moves.Life("local", "here", 1, "/", 1.0))
        self.simulation = Simulation(self.script, slots=self.slots, seed=self.seed)
        self.simulation.ids = self.simulation.world.ids = ids_of(self.runner)

    def admit(self, of: Plan, name: str = "r") -> Run:
        assert moves.create_run(self.database, new_row(name, owner=self.runner))
        run = self.simulation.new_run(of, name)
        run.owner = self.runner
        self.turn(Admit(run))
        return run

    def turn(self, *happened: Happened) -> None:
        """As an engine takes a step."""
        result = self.simulation.step(*happened)
        while True:
            lost, answer = moves.store(self.database, result.batches, result.asks, self.runner)
            assert not lost
            self.watch(self)
            if not result.asks:
                return
            result = self.simulation.step(Answered(answer))

    def end(self, *labels: str, outcome: Outcome | None = None) -> None:
        live = self.simulation.live
        self.turn(*(self.simulation.end(a, outcome) for a in list(live) if live[a].label in labels))

    def look(self) -> None:
        """As an engine looks for slots that others have given back."""
        if claims := waiting(self.simulation.world):
            freed = pools.available(self.database, claims, self.runner)
            if freed:
                self.turn(Freed(freed))

    def advance(self) -> None:
        """Whatever comes next."""
        simulation = self.simulation
        self.look()
        if simulation.live:
            some = simulation.random.sample(sorted(simulation.live), 1)
            self.turn(*(simulation.end(attempt) for attempt in some))
        elif (due := simulation.world.due()) is not None:
            simulation.now = max(simulation.now, due)
            self.turn()

    @property
    def running(self) -> list[str]:
        return sorted(each.label for each in self.simulation.live.values())


def many(names: str, **more: object) -> list[Task]:
    return [task(name, pool="db", **more) for name in names]


def claims(database: Database) -> list[tuple[str, int, int]]:
    """(pool, slots, granted) of every claim."""
    rows = database.execute("SELECT pool, slots, granted FROM pool_claim ORDER BY instance")
    return list(rows.fetchall())


def test_no_more_run_at_once_than_the_pool_has_slots(database: Database) -> None:
    pools.put(database, "db", 2, "project")
    member = Member(database)
    run = member.admit(plan(*many("abcde")))
    assert member.running == ["a", "b"]
    member.end("a")
    assert member.running == ["b", "c"]
    member.end("b", "c")
    assert member.running == ["d", "e"]
    member.end("d", "e")
    assert run.state == "success"
    assert claims(database) == []


def test_who_waits_for_a_pool_takes_no_room_from_others(database: Database) -> None:
    pools.put(database, "db", 1, "project")
    member = Member(database, slots=3)
    member.admit(plan(*many("abcd"), task("x"), task("y"), task("z"), max_active_tasks=3))
    assert member.running == ["a", "x", "y"]
    member.end("x")
    assert member.running == ["a", "y", "z"]
    member.end("a")
    assert member.running == ["b", "y", "z"]


def test_higher_priority_goes_first_then_what_was_ready_first(database: Database) -> None:
    pools.put(database, "db", 1, "project")
    member = Member(database)
    later = task("later", "x", pool="db", priority=9)
    member.admit(plan(*many("a"), *many("b", priority=1), *many("c", priority=5), task("x"), later))
    member.simulation.now += 1
    member.admit(plan(*many("d", priority=1)), "s")
    for label in ("c", "x", "b", "later", "d", "a"):
        member.end(label)
    assert member.simulation.history == ["x", "c", "b", "later", "d", "a"]  # c asked first


def test_priority_counts_for_room_that_pools_and_others_share(database: Database) -> None:
    pools.put(database, "db", 1, "project")
    member = Member(database)
    of = plan(*many("ab", priority=5), task("x"), task("y"), max_active_tasks=1)
    member.admit(of)
    for _ in range(4):
        member.end(*member.running)
    assert member.simulation.history == ["a", "b", "x", "y"]


def test_one_that_does_not_fit_holds_back_those_after_it(database: Database) -> None:
    pools.put(database, "db", 3, "project")
    member = Member(database)
    member.admit(plan(*many("a", pool_slots=2, priority=3), *many("b", pool_slots=2, priority=2), *many("c")))
    other = Member(database)
    other.admit(plan(*many("z")), "s")
    assert (member.running, other.running) == (["a"], [])
    member.end("a")
    assert member.running == ["b", "c"]
    other.look()
    assert other.running == []
    member.end("b")
    other.look()
    assert other.running == ["z"]


def test_an_unknown_pool_and_one_that_is_too_small_fail_their_task_without_a_retry(
    database: Database,
) -> None:
    pools.put(database, "db", 3, "project")
    member = Member(database)
    run = member.admit(
        plan(
            task("a", pool="nowhere", retries=3),
            *many("b", pool_slots=4, retries=3),
            *many("c", pool_slots=3),
            task("d", pool="nowhere"),
        )
    )
    assert member.running == ["c"]
    found = {each.label: (each.state, each.attempts, each.reason) for each in run.instances}
    assert found["a"] == ("failed", 1, "there is no pool `nowhere`")
    assert found["b"] == ("failed", 1, "it wants 4 slots of the pool `db`, which has 3")
    assert found["d"][0] == "failed"


def test_a_pool_that_was_closed_lets_its_tasks_go_on_when_it_is_opened(database: Database) -> None:
    pools.put(database, "db", 0, "command")
    member = Member(database)
    run = member.admit(plan(*many("abc")))
    member.look()
    assert (member.running, set(states(run).values())) == ([], {"scheduled"})
    pools.put(database, "db", 2, "command")
    member.look()
    assert member.running == ["a", "b"]
    pools.put(database, "db", 1, "command")
    member.end("a")
    assert member.running == ["b"]
    member.end("b")
    assert member.running == ["c"]


def test_a_pool_that_goes_away_fails_those_who_wait_for_it(database: Database) -> None:
    pools.put(database, "db", 1, "command")
    member = Member(database)
    run = member.admit(plan(*many("ab")))
    pools.drop(database, "db")
    member.look()
    assert states(run) == {"a": "running", "b": "failed"}


def test_slots_are_given_back_while_a_retry_waits(database: Database) -> None:
    pools.put(database, "db", 1, "project")
    member = Member(database, script=scripted({"a": [BAD, OK]}))
    run = member.admit(plan(*many("a", retries=1, retry_delay=10, priority=1), *many("bc")))
    member.end("a")
    assert member.running == ["b"]
    member.simulation.now += 11
    member.turn()
    member.end("b")
    assert member.running == ["a"]
    while member.running:
        member.end(*member.running)
    assert (run.state, claims(database)) == ("success", [])


def test_a_cancelled_run_leaves_no_claim(database: Database) -> None:
    pools.put(database, "db", 1, "project")
    member, other = Member(database), Member(database)
    run = member.admit(plan(*many("abc")))
    other.admit(plan(*many("z")), "s")
    member.turn(Stop("r", "cancel"))
    assert claims(database) == [("db", 1, 1), ("db", 1, 0)]
    member.end("a", outcome=OK)
    assert run.state == "cancelled"
    other.look()
    assert other.running == ["z"]


def test_who_has_no_room_when_its_turn_comes_does_not_hold_back_others(database: Database) -> None:
    pools.put(database, "db", 1, "project")
    member, other = Member(database), Member(database)
    other.admit(plan(*many("z")), "s")
    member.admit(plan(*many("a"), task("x"), max_active_tasks=1))
    late = Member(database)
    late.simulation.now += 1
    late.admit(plan(*many("w")), "t")
    assert (member.running, other.running, late.running) == (["x"], ["z"], [])
    other.end("z")
    late.look()
    assert late.running == []  # it is the other's turn
    member.look()
    late.look()
    assert (member.running, late.running) == (["x"], ["w"])
    late.end("w")
    member.end("x")
    assert member.running == ["a"]


def test_a_process_that_is_not_heard_of_holds_nobody_back_by_what_it_waits_for(database: Database) -> None:
    pools.put(database, "db", 1, "project")
    holder, dead, member = (Member(database) for _ in range(3))
    holder.admit(plan(*many("a")))
    dead.admit(plan(*many("b", priority=9)), "s")
    member.admit(plan(*many("c")), "t")
    holder.end("a")
    member.look()
    assert member.running == []
    database.execute("UPDATE runner SET seen = seen + ? WHERE id <> ?", (pools.ALIVE + 1, dead.runner))
    member.look()
    assert member.running == ["c"]


def take_over(database: Database, dead: Member, heir: Member) -> None:
    (life,) = (each for each in lives.seen(database, heir.runner) if each.id == dead.runner)
    assert database.write(lambda: lives.inherit(database, life, heir.runner))


def test_a_run_that_is_taken_over_goes_on_with_what_it_holds_and_asks_again(database: Database) -> None:
    pools.put(database, "db", 1, "project")
    of = plan(*many("abc"))
    dead, heir = Member(database), Member(database)
    dead.admit(of)
    with views.reading(database.url) as db:
        rows = [StoredInstance._make(row) for row in views.instances(db, "r")]
    take_over(database, dead, heir)
    run = rebuild(Run("r", of, heir.runner), rows, heir.simulation.ids)
    heir.turn(Admit(run, new=False))
    assert claims(database) == [("db", 1, 1), ("db", 1, 0)]
    (attempt,) = heir.simulation.world.running
    heir.simulation.live[attempt] = heir.simulation.world.running[attempt]
    heir.end("a")
    assert heir.running == ["b"]


def test_a_claim_that_was_granted_and_never_used_is_given_back_by_the_heir(database: Database) -> None:
    pools.put(database, "db", 1, "project")
    of = plan(*many("ab"))
    dead, heir = Member(database), Member(database)
    dead.watch = crash_at_commit(1)
    with pytest.raises(Crashed):
        dead.admit(of)
    assert claims(database) == [("db", 1, 1)]
    with views.reading(database.url) as db:
        rows = [StoredInstance._make(row) for row in views.instances(db, "r")]
    take_over(database, dead, heir)
    heir.turn(Admit(rebuild(Run("r", of, heir.runner), rows, heir.simulation.ids), new=False))
    assert heir.running == ["a"]
    assert claims(database) == [("db", 1, 1), ("db", 1, 0)]


class Crashed(Exception):  # noqa: N818
    pass


def crash_at_commit(number: int) -> Callable[[Member], None]:
    count = itertools.count(1)

    def crash(_: Member) -> None:
        if next(count) == number:
            raise Crashed

    return crash


def test_a_large_mapped_task_asks_for_few_at_a_time(database: Database) -> None:
    pools.put(database, "db", 3, "project")
    asked: list[int] = []
    member = Member(database)
    member.simulation.on_step = lambda result: asked.append(len(result.asks))
    mapping = {"m": each(*range(300))}
    run = member.admit(plan(task("m", mapped_by="m", pool="db"), mapped=mapping, max_active_tasks=200))
    while member.running:
        member.end(member.running[0])
    assert (run.state, claims(database)) == ("success", [])
    assert max(asked) <= 3
    assert member.simulation.most == 3


NAMES = ("db", "api", "one")


def random_plan(rng: random.Random) -> Plan:
    names = [f"t{n}" for n in range(rng.randint(2, 14))]
    tasks = []
    for at, name in enumerate(names):
        pool = rng.choice([None, *NAMES])
        tasks.append(
            task(
                name,
                *rng.sample(names[:at], min(at, rng.choice([0, 0, 1, 2]))),
                pool=pool,
                pool_slots=rng.choice([1, 1, 2]) if pool in ("db", "api") else 1,
                priority=rng.randint(-2, 2),
                retries=rng.choice([0, 2]),
                retry_delay=5.0,
                mapped_by=name if rng.random() < 0.2 else None,
            )
        )
    mapped = {
        each_.id: each(*range(rng.randint(0, 6)), max_active=rng.choice([None, 1, 2]))
        for each_ in tasks
        if each_.mapped_by
    }
    return plan(*tasks, max_active_tasks=rng.choice([1, 2, 5, 16]), mapped=mapped)


@dataclass
class Watched:
    """Bounds that must hold after every commit."""

    database: Database
    slots: dict[str, int]

    def check(self, member: Member) -> None:
        granted: Counter[str] = Counter()
        for pool, slots, given in claims(self.database):
            granted[pool] += slots * given
        assert all(granted[pool] <= slots for pool, slots in self.slots.items()), granted
        world = member.simulation.world
        assert member.slots is None or len(world.running) <= member.slots
        for run in world.runs.values():
            active = [one for one in run.instances if one.state in ("queued", "running")]
            assert len(active) <= run.plan.max_active_tasks
            for fan in run.fans.values():
                at_once = {one.index for one in active if one.node.fan is fan}
                assert fan.fanout.max_active is None or len(at_once) <= fan.fanout.max_active


@pytest.mark.parametrize("seed", range(60))
def test_no_bound_is_ever_exceeded_and_nothing_starves_among_several_engines(
    seed: int, local: Database
) -> None:
    share(random.Random(seed), local)


@pytest.mark.parametrize("seed", range(60, 64))
def test_so_it_is_on_servers(seed: int, database: Database) -> None:
    share(random.Random(seed), database)


def share(rng: random.Random, database: Database) -> None:
    slots = {"db": rng.randint(2, 5), "api": rng.randint(2, 3), "one": 1}
    for name, number in slots.items():
        pools.put(database, name, number, "project")
    watched = Watched(database, slots)

    def script(instance: object) -> Outcome:
        return BAD if rng.random() < 0.1 else OK

    members = [
        Member(database, rng.choice([None, 1, 4]), script, rng.randrange(1000), watched.check)
        for _ in range(rng.randint(1, 3))
    ]
    runs = [
        member.admit(random_plan(rng), f"r{number}-{n}")
        for number, member in enumerate(members)
        for n in range(rng.randint(1, 3))
    ]
    for _ in range(3000):
        if all(run.state != "running" for run in runs):
            break
        rng.choice(members).advance()
    assert [run.id for run in runs if run.state == "running"] == []
    assert claims(database) == []
    assert not any(member.simulation.world.asked for member in members)


@pytest.mark.parametrize("seed", range(100, 140))
def test_engines_that_die_at_any_commit_leave_nothing_held_and_nobody_waiting(
    seed: int, local: Database
) -> None:
    rng = random.Random(seed)
    slots = {"db": 3, "api": 2, "one": 1}
    for name, number in slots.items():
        pools.put(local, name, number, "project")
    watched = Watched(local, slots)
    members = [Member(local, rng.choice([None, 2]), watch=watched.check) for _ in range(2)]
    plans = {f"r{n}": random_plan(rng) for n in range(4)}
    for n, (name, of) in enumerate(plans.items()):
        members[n % 2].admit(of, name)
    for _ in range(3000):
        at = rng.randrange(len(members))
        if rng.random() < 0.1:
            members[at].watch = crash_at_commit(rng.randint(1, 3))
        try:
            members[at].advance()
        except Crashed:
            members[at] = heir_of(members[at], plans)
        members[at].watch = watched.check
        if not local.execute("SELECT 1 FROM run WHERE state = 'running' LIMIT 1").fetchone():
            break
    assert local.execute("SELECT id FROM run WHERE state = 'running'").fetchall() == []
    assert claims(local) == []


def heir_of(dead: Member, plans: dict[str, Plan]) -> Member:
    """Another engine goes on with its runs, and hears of its tasks."""
    member = Member(dead.database, dead.slots, watch=lambda member: None)
    with views.reading(dead.database.url) as db:
        stored = {
            name: [StoredInstance._make(row) for row in views.instances(db, name)]
            for (name,) in dead.database.execute(
                "SELECT id FROM run WHERE state = 'running' AND owner = ?", (dead.runner,)
            ).fetchall()
        }
    take_over(dead.database, dead, member)
    admitted = []
    for name, rows in stored.items():
        run = rebuild(Run(name, plans[name], member.runner), rows, member.simulation.ids)
        admitted.append(Admit(run, new=False))
    member.turn(*admitted)
    member.simulation.live.update(member.simulation.world.running)
    return member


def test_engines_that_ask_at_the_same_time_never_get_more_than_there_is(
    database: Database, database_url: str
) -> None:
    pools.put(database, "db", 3, "project")
    rng = random.Random(1)
    plans = [plan(*many("abcdefgh", pool_slots=rng.choice([1, 1, 2])), max_active_tasks=4) for _ in range(8)]

    def work(number: int) -> str:
        with opened(database_url) as own:
            member = Member(own, seed=number, watch=Watched(own, {"db": 3}).check)
            run = member.admit(plans[number], f"r{number}")
            until = time.monotonic() + 100
            while run.state == "running" and time.monotonic() < until:
                member.advance()
            return str(run.state)

    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(work, range(8))) == {"success"}
    assert claims(database) == []
