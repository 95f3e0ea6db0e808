"""Pools in SQL: who holds slots, who waits for them, and the one place that grants them.

A pool's row is locked while its slots are given out, so that no two processes give the same slot. Claims go by
precedence, then by how long they have been ready; one that doesn't fit holds back those after it. What a claim of
another process is next to get is left for it: it asks again at once, and gives its claim up if it can't use it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from yamldag.store.database import Database

ALIVE = 30
"""Seconds after which a process that has written nothing holds nobody back by what it waits for. One that waits
writes every few seconds."""

_SLOTS = "SELECT slots FROM pool WHERE name = ?"
_USED = "SELECT COALESCE(SUM(slots), 0) FROM pool_claim WHERE pool = ? AND granted = 1"
_NEXT = f"""
SELECT pool_claim.instance, pool_claim.slots FROM pool_claim
JOIN run ON run.id = pool_claim.run JOIN runner ON runner.id = run.owner
WHERE pool_claim.pool = ? AND pool_claim.granted = 0 AND pool_claim.slots <= ?
AND (runner.id = ? OR runner.seen >= (SELECT me.seen FROM runner me WHERE me.id = ?) - {ALIVE})
ORDER BY pool_claim.precedence, pool_claim.ready, pool_claim.instance LIMIT ?
"""  # noqa: S608  (our own number)
_GRANT = "UPDATE pool_claim SET granted = 1 WHERE instance = ? AND granted = 0"


class Ask(NamedTuple):
    """An instance whose claim is in the queue could begin now."""

    pool: str
    instance: int
    slots: int


class Answer(NamedTuple):
    """What has come of asking."""

    granted: frozenset[int]
    """Instances that hold their slots now."""
    refused: Mapping[int, str]
    """Instances that will never get any, and why."""
    left: Mapping[str, int]
    """Of each pool that was asked: slots that nobody has claimed."""


NOTHING = Answer(frozenset(), {}, {})


class _Answers(NamedTuple):
    granted: list[int]
    refused: dict[int, str]
    left: int


def grant(database: Database, asks: Iterable[Ask], runner: int) -> Answer:
    """Give those that ask the slots that are theirs to have. Within the caller's transaction."""
    granted: list[int] = []
    refused: dict[int, str] = {}
    left = {}
    for pool, those in sorted(_by_pool(asks).items()):
        answers = _answers(database, pool, those, runner, database.for_update)
        granted += answers.granted
        refused |= answers.refused
        left[pool] = answers.left
    if granted:
        database.many(_GRANT, [(instance,) for instance in granted])
    return Answer(frozenset(granted), refused, left)


def available(database: Database, waiting: Iterable[Ask], runner: int) -> dict[str, int]:
    """What asking would come to now: by pool, the slots that those who wait may hope for. Changes nothing."""
    found = {}
    for pool, those in _by_pool(waiting).items():
        answers = _answers(database, pool, those, runner)
        if answers.granted or answers.refused:
            found[pool] = max(1, sum(those[instance] for instance in answers.granted) + answers.left)
    return found


def _by_pool(asks: Iterable[Ask]) -> dict[str, dict[int, int]]:
    found: dict[str, dict[int, int]] = {}
    for ask in asks:
        found.setdefault(ask.pool, {})[ask.instance] = ask.slots
    return found


def _answers(database: Database, pool: str, asks: Mapping[int, int], runner: int, lock: str = "") -> _Answers:
    row = database.execute(f"{_SLOTS}{lock}", (pool,)).fetchone()
    if row is None:
        return _Answers([], dict.fromkeys(asks, f"there is no pool `{pool}`"), 0)
    total = int(row[0])
    refused = {
        instance: f"it wants {slots} slots of the pool `{pool}`, which has {total}"
        for instance, slots in asks.items()
        if slots > total > 0
    }
    free = total - _used(database, pool)
    granted = []
    for instance, slots in _queue(database, pool, total, free, runner):
        if slots > free:
            free = 0
            break
        free -= slots
        if instance in asks:
            granted.append(instance)
    return _Answers(granted, refused, max(0, free))


def _used(database: Database, pool: str) -> int:
    row = database.execute(_USED, (pool,)).fetchone()
    return int(row[0]) if row else 0


def _queue(database: Database, pool: str, total: int, free: int, runner: int) -> Iterator[tuple[int, int]]:
    """Those who wait, the first first, as many as may matter: each wants a slot at least."""
    if free <= 0:
        return iter(())
    return iter(database.execute(_NEXT, (pool, total, runner, runner, free)).fetchall())


# Declarations


class PoolRow(NamedTuple):
    """A pool: `used` counts slots."""

    name: str
    slots: int
    source: str
    used: int


def declare(database: Database, pools: Mapping[str, int]) -> None:
    """Let the pools of a project's file be as it says, but for those that a command has set. Within the caller's
    transaction."""
    for name, slots in sorted(pools.items()):
        if not database.add("INSERT INTO pool (name, slots, source) VALUES (?, ?, 'project')", (name, slots)):
            database.execute(
                "UPDATE pool SET slots = ? WHERE name = ? AND source = 'project' AND slots <> ?",
                (slots, name, slots),
            )


def put(database: Database, name: str, slots: int, source: str) -> None:
    """A pool has so many slots from now on. Within the caller's transaction."""
    database.put("pool", {"name": name, "slots": slots, "source": source}, ("name",))


def unused(database: Database) -> set[str]:
    """Those that a project's file has declared, and that nobody holds or waits for."""
    rows = database.execute(
        "SELECT name FROM pool WHERE source = 'project' "
        "AND NOT EXISTS (SELECT 1 FROM pool_claim WHERE pool_claim.pool = pool.name)"
    )
    return {str(name) for (name,) in rows}


def drop(database: Database, name: str, source: str | None = None) -> bool:
    """Take a pool away, if it was declared by that source. False: there was none. Within the caller's
    transaction."""
    if source is None:
        return database.execute("DELETE FROM pool WHERE name = ?", (name,)).rowcount > 0
    return database.execute("DELETE FROM pool WHERE name = ? AND source = ?", (name, source)).rowcount > 0


def pools(database: Database) -> list[PoolRow]:
    """All that are declared, by name."""
    rows = database.execute(
        "SELECT pool.name, pool.slots, pool.source, COALESCE(SUM(pool_claim.slots), 0) "
        "FROM pool LEFT JOIN pool_claim ON pool_claim.pool = pool.name AND pool_claim.granted = 1 "
        "GROUP BY pool.name, pool.slots, pool.source ORDER BY pool.name"
    )
    return [PoolRow(name, slots, source, int(used)) for name, slots, source, used in rows]


def ready_tasks(database: Database) -> list[tuple[str, str, int]]:
    """(plan as JSON, task, how many instances of it) of all that is ready to start and has not started."""
    rows = database.execute(
        "SELECT run.version, task_instance.task, COUNT(*) FROM run "
        "JOIN task_instance ON task_instance.run = run.id "
        "WHERE run.state = 'running' AND task_instance.state = 'scheduled' "
        "GROUP BY run.version, task_instance.task"
    ).fetchall()
    plans = {version: _plan(database, version) for version in {row[0] for row in rows}}
    return [(plans[version], task, int(count)) for version, task, count in rows]


def _plan(database: Database, version: str) -> str:
    row = database.execute("SELECT plan FROM pipeline_version WHERE hash = ?", (version,)).fetchone()
    assert row is not None
    return str(row[0])
