"""Lets runs go on by a newer plan, once nothing of them is under way: they wait for room with that."""

from __future__ import annotations

from yamldag.engine.memory.params import BadParams
from yamldag.engine.memory.reading import Unreadable
from yamldag.engine.outside import renew
from yamldag.engine.service.desk import Desk
from yamldag.engine.step.world import Renewal
from yamldag.store.moves import Lost
from yamldag.store.writeoff import write_off


def renew_all(desk: Desk, now: float) -> None:
    """Those that the engine has let go."""
    engine = desk.engine
    while engine.renewals:
        each = engine.renewals[0]
        _renew(desk, each, now)
        del engine.renewals[0]  # not before: a database that is away is asked again


def _renew(desk: Desk, what: Renewal, now: float) -> None:
    engine, run = desk.engine, what.run
    try:
        renew(engine.database, run.id, engine.runner, what.request, now)
    except Lost:
        engine.lost.add(run.id)
        return
    except (BadParams, Unreadable) as spoilt:
        words = "; ".join(spoilt.faults) if isinstance(spoilt, BadParams) else str(spoilt)
        engine.database.write(lambda: write_off(engine.database, run.id, engine.runner, words, now))
        engine.given_up[run.id] = words
        return
    desk.agenda.lost(run.id)
    engine.news.again()
    desk.say(f"run {run.id} of {run.plan.pipeline} is still, and goes on by a newer version")
