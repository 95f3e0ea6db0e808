"""What pages and the API do: as commands do it, and each deed is in the audit log before it is done."""

from __future__ import annotations

from collections.abc import Callable

from yamldag.engine import deeds, outside
from yamldag.engine.approving import Answer, Question, answered
from yamldag.engine.refused import Refused
from yamldag.engine.schedule.known import Known
from yamldag.store import audit
from yamldag.store.database import Database
from yamldag.store.moves import Version
from yamldag.web.ask import Ask


def done(ask: Ask, deed: audit.Deed, work: Callable[[Database], str]) -> str:
    """Do it, and say how it went; what `work` says goes into the audit log. Raises what `work` raises."""
    with ask.site.writing() as database:
        with deeds.begun(database, deed, ask.now) as told:
            outcome = work(database)
            told(outcome)
        return outcome


def set_paused(ask: Ask, known: Known, *, paused: bool) -> str:
    """`paused` or `unpaused`, or `unchanged`: it was so."""
    plan = known.plan
    version = Version(plan.pipeline, plan.file, known.version, known.text, ask.now)

    def work(database: Database) -> str:
        changed = outside.set_paused(database, version, plan.catchup, ask.now, paused=paused)
        return ("paused" if paused else "unpaused") if changed else "unchanged"

    return done(ask, ask.deed("pipeline.pause" if paused else "pipeline.unpause", plan.pipeline), work)


def answer(ask: Ask, question: Question, said: Answer) -> str:
    """`approved` or `declined`; who may not, or comes too late, is in the audit log as well. Raises Refused."""
    deed = ask.deed("task.answer", question.row.run, task=question.label)
    with ask.site.writing() as database:
        try:
            return answered(database, question, said, deed, ask.now)
        except Refused as refused:
            words = f"refused: {refused}"
            database.write(lambda: audit.record(database, deed, words, ask.now))
            raise


def cancel(ask: Ask, run: str, *, kill: bool = False) -> str:
    """`cancelled`, `asked` of the engine that moves it, or `over`."""

    def work(database: Database) -> str:
        return outside.cancel(database, run, ask.now, kill=kill)

    return done(ask, ask.deed("run.cancel", run, kill=kill), work)
