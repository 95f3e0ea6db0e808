"""What else has a say in a task is read from the rows, on each kind of database."""

from __future__ import annotations

from tests.engine.simulation import BAD, plan, scripted, task
from tests.engine.test_clearing import Stored, database
from tests.engine.test_rebuild import new_row
from yamldag.engine import outside
from yamldag.engine.asking.circumstances import circumstances, stored_run
from yamldag.engine.asking.why import Claim, Past
from yamldag.store import moves, pools, views
from yamldag.store.database import Database

__all__ = ["database"]


def test_a_pool_the_run_before_and_who_moves_it(database: Database) -> None:
    of = plan(task("a"), task("b", "a", pool="crm", depends_on_past=True))
    stored = Stored(database, of, scripted({"a": BAD}))
    database.write(lambda: pools.put(database, "crm", 2, "command"))
    [(waits,)] = database.execute("SELECT id FROM task_instance WHERE task = 'b'").fetchall()
    [(holds,)] = database.execute("SELECT id FROM task_instance WHERE task = 'a'").fetchall()
    database.execute("UPDATE task_instance SET state = 'scheduled' WHERE id = ?", (waits,))
    claim = "INSERT INTO pool_claim (instance, run, pool, slots, precedence, ready, granted) VALUES (?, 'r', 'crm', 1, 0, 5, ?)"
    for instance, granted in ((waits, 0), (holds, 1)):
        database.execute(claim, (instance, granted))
    before = new_row()._replace(
        id="q", version=stored.version, state="failed", logical_date="2020-01-01T00:00:00.000000Z"
    )
    assert moves.create_run(database, before)
    database.execute(
        "INSERT INTO task_instance (id, run, task, map_index, state, attempts, tries, reason) "
        "VALUES (77, 'q', 'b', -1, 'skipped', 0, 0, 'the run was cancelled')"
    )
    with views.reading(database.url) as db:
        row = views.planned_run(db, "r")
        assert row is not None
        run = stored_run(db, row)
        found = circumstances(db, row, run, run.nodes["b"].instances[0])
        alone = circumstances(db, row, run, run.nodes["a"].instances[0])
    assert found.pool_slots == 2
    assert found.claims == (Claim("r/a", holds, 1, True), Claim("r/b", waits, 1, False))
    assert found.past == Past("q", True, "skipped", True)
    assert found.owner is not None
    assert found.owner.running == 1
    assert (alone.pool_slots, alone.claims, alone.past) == (None, (), None)
    assert not found.to_stop


def test_a_cancel_that_nobody_has_heard_of_is_known(database: Database) -> None:
    Stored(database, plan(task("a")), scripted({"a": BAD}))
    database.execute("UPDATE task_instance SET state = 'none', attempts = 0, attempt = NULL")
    database.execute("UPDATE run SET state = 'running', ended = NULL")
    outside.cancel(database, "r", 9.0)
    with views.reading(database.url) as db:
        row = views.planned_run(db, "r")
        assert row is not None
        run = stored_run(db, row)
        assert circumstances(db, row, run, run.nodes["a"].instances[0]).to_stop


def test_an_earlier_run_may_lack_the_task_and_a_pool_may_be_gone(database: Database) -> None:
    of = plan(task("b", pool="crm", depends_on_past=True))
    stored = Stored(database, of, scripted({}))
    database.execute("UPDATE task_instance SET state = 'scheduled', attempts = 0, attempt = NULL")
    before = new_row()._replace(
        id="q", version=stored.version, state="success", logical_date="2020-01-01T00:00:00.000000Z"
    )
    assert moves.create_run(database, before)
    with views.reading(database.url) as db:
        row = views.planned_run(db, "r")
        assert row is not None
        run = stored_run(db, row)
        found = circumstances(db, row, run, run.nodes["b"].instances[0])
    assert (found.pool_slots, found.claims) == (None, ())
    assert found.past == Past("q", True, None, begun=False)
    database.execute(
        "INSERT INTO task_instance (id, run, task, map_index, state, attempts, tries) "
        "VALUES (77, 'q', 'another', -1, 'success', 0, 0)"
    )
    with views.reading(database.url) as db:
        assert circumstances(db, row, run, run.nodes["b"].instances[0]).past == Past("q", True, None)
