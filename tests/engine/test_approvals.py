"""Approvals through the pure step, and the writes by which they are answered once: two people, or one and the clock."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from tests.engine.simulation import plan, task
from tests.engine.test_deferred import Waiting, look, only
from yamldag.engine.approving import Answer, Question, answered, filled, questions
from yamldag.engine.loop.approvals import deferral
from yamldag.engine.loop.lookout import Lookout
from yamldag.engine.loop.requests import asked_of
from yamldag.engine.memory.deferral import APPROVAL, TOO_LATE, Deferral, from_text, to_text
from yamldag.engine.memory.rebuild import StoredInstance, rebuild
from yamldag.engine.memory.run import Run
from yamldag.engine.refused import NOT_NOW, NOT_YOURS, Refused
from yamldag.engine.step.deferred import late
from yamldag.engine.step.world import Admit, Asked, Look, Looked, Reply
from yamldag.operators.contract import Outcome
from yamldag.store import approvals, moves, users, views
from yamldag.store.audit import Deed
from yamldag.store.database import Database, open_database

FORM = {
    "type": "object",
    "properties": {"why": {"type": "string"}, "limit": {"type": "integer", "minimum": 1, "default": 5}},
    "required": ["why", "limit"],
}


def asks(end: float | None = None, **more: Any) -> Any:
    return look(APPROVAL, end, message="Well?", **more)


def reply(run: Run, *, yes: bool = True, value: Any = None) -> Asked:
    return Asked(7, run.id, "answer", reply=Reply(only(run).attempt or 0, yes, "ann", value))


@pytest.mark.parametrize(
    ("yes", "state", "reason", "output"),
    [(True, "success", "approved by ann", {"why": "x"}), (False, "skipped", "ann said no", None)],
)
def test_an_answer_ends_the_attempt_and_its_request_in_one_step(
    yes: bool, state: str, reason: str, output: Any
) -> None:
    simulation = Waiting(waits={"a": asks()})
    run = simulation.admit(plan(task("a")))
    assert (only(run).state, simulation.world.due()) == ("deferred", None)  # nothing is looked at
    result = simulation.step(reply(run, yes=yes, value=output))
    assert (only(run).state, only(run).reason, only(run).output) == (state, reason, output)
    batch = result.batches[run.id]
    assert [(each.id, each.answer) for each in batch.answers] == [(7, reason)]
    assert len(batch.deferral_ends) == len(batch.attempt_ends) == 1
    assert simulation.world.deferred == {}


def test_an_answer_to_what_waits_no_longer_changes_nothing() -> None:
    simulation = Waiting(waits={"a": asks()})
    run = simulation.admit(plan(task("a"), task("b")))
    told = Asked(7, run.id, "answer", reply=Reply(4711, True, "ann"))
    result = simulation.step(told)
    assert run.nodes["a"].instances[0].state == "deferred"
    assert [each.answer for each in result.batches[run.id].answers] == ["it waited no longer"]


def test_a_time_out_is_asked_of_the_database_before_it_counts() -> None:
    simulation = Waiting(waits={"a": asks(1005)})
    run = simulation.admit(plan(task("a", retries=1)))
    instance = only(run)
    found = simulation.at(1005)
    assert (instance.state, list(found.looks)) == ("deferred", [instance.attempt])
    waits = instance.deferral
    assert waits is not None
    simulation.step(Looked(instance.attempt or 0, late(waits)))
    assert (instance.state, instance.reason) == ("up_for_retry", "timed out after 5s")


def test_an_answer_that_came_first_wins_over_a_time_out_that_rang() -> None:
    simulation = Waiting(waits={"a": asks(1005)})
    run = simulation.admit(plan(task("a")))
    simulation.at(1005)
    simulation.step(reply(run))
    assert only(run).state == "success"


def test_a_restart_goes_on_waiting_for_the_same_answer() -> None:
    simulation = Waiting(waits={"a": asks(2000, form=FORM, approvers=("ann",))})
    run = simulation.admit(plan(task("a")))
    instance = only(run)
    assert instance.deferral is not None
    row = StoredInstance(
        instance.id, "a", -1, None, "deferred", 1, 1, instance.attempt, 1000, None, 1000, None, None, None
    )
    after = Waiting(now=1500.0)
    again = rebuild(
        Run("r", run.plan, owner=1),
        [row],
        after.ids,
        [(instance.id, to_text(instance.deferral), 1000.0, 2000.0)],
    )
    after.step(Admit(again, new=False))
    waits = only(again).deferral
    assert waits is not None
    assert (waits.form, waits.approvers, waits.message, after.world.due()) == (
        FORM,
        ("ann",),
        "Well?",
        2000.0,
    )
    after.step(reply(again))
    assert only(again).state == "success"


@pytest.mark.parametrize(
    "spec", ['{"what": "approval"}', '{"what": "approval", "message": "x", "form": 3}',
             '{"what": "approval", "message": "x", "approvers": [1]}'],
)  # fmt: skip
def test_a_row_that_was_spoilt_is_told(spec: str) -> None:
    with pytest.raises(TypeError):
        from_text(spec, 0.0, None)


def made_of(output: Any = None, **params: Any) -> Deferral | Outcome:
    simulation = Waiting()
    run = simulation.new_run(plan(task("a", output=output)))
    instance = only(run)
    instance.started = 1000.0
    return deferral(instance, {"message": "Well?", **params})


def test_what_is_asked_is_made_of_the_parameters() -> None:
    made = made_of(approvers="ann", form=FORM)
    assert isinstance(made, Deferral)
    assert (made.message, made.approvers, made.form, made.until) == ("Well?", ("ann",), FORM, None)
    declared = {"type": "object", "properties": {"why": {"minLength": 3}}}
    both = made_of(declared, form=FORM)
    assert isinstance(both, Deferral)
    assert both.form == {"allOf": [FORM, declared], **FORM}
    alone = made_of(declared)
    assert isinstance(alone, Deferral)
    assert alone.form == declared


@pytest.mark.parametrize(
    ("form", "words"),
    [("x", "`form` should be a mapping of names to types, found `x`"),
     ({"type": "object", "properties": {"n": {"type": "integer", "minimum": "x"}}},
      "`form` is no JSON Schema: `properties.n.minimum` can't be `x`")],
)  # fmt: skip
def test_a_form_that_templates_have_spoilt_fails_the_attempt(form: Any, words: str) -> None:
    assert made_of(form=form) == Outcome("failed", words)


# The writes

NOW = 1_800_000_000.0


class Asking:
    """A run with a task that asks, in a database."""

    def __init__(self, url: str, **more: Any) -> None:
        self.url = url
        self.database = database = open_database(url)
        spec = to_text(Deferral(APPROVAL, NOW, message="Load?", **more))
        self.runner = runner = moves.begin_runner(database, moves.Life("serve", "here", 1, "x", NOW))

        def work() -> None:
            moves.save_version(database, moves.Version("p", "p.yml", "v", "{}", NOW))
            for statement in (
                "INSERT INTO run (id, pipeline, version, type, state, logical_date, data_interval_start, "
                "data_interval_end, params, created, started, owner) "
                f"VALUES ('r', 'p', 'v', 'manual', 'running', 'd', 'd', 'd', '{{}}', 1, 1, {runner})",
                "INSERT INTO task_instance (id, run, task, map_index, state, attempts, tries, attempt) "
                "VALUES (1, 'r', 'ask', -1, 'deferred', 1, 1, 2)",
                "INSERT INTO attempt (id, instance, number, state, runner, started) "
                f"VALUES (2, 1, 1, 'deferred', {runner}, 1)",
            ):
                database.execute(statement)
            database.execute(
                "INSERT INTO deferral (instance, attempt, spec, since, until) VALUES (1, 2, ?, ?, ?)",
                (spec, NOW, NOW),
            )

        database.write(work)

    def question(self) -> Question:
        with views.reading(self.url) as db:
            (found,) = questions(db)
        return found

    def expire(self, database: Database) -> bool:
        told: list[Looked] = []
        Lookout(database, told.append).look([Look(1, 2, Deferral(APPROVAL, NOW, NOW, message="Load?"), None)])
        return bool(told)


def who(name: str, via: str = "session") -> Deed:
    return Deed(name, via, "", "task.answer", "r", {"task": "ask"})


def test_of_many_who_answer_at_once_one_counts_and_the_others_are_told_who(database_url: str) -> None:
    asking = Asking(database_url)
    question, gate = asking.question(), threading.Barrier(6)
    refused: dict[str, Refused] = {}

    def say(name: str) -> None:
        database = open_database(database_url)
        gate.wait()
        try:
            answered(database, question, Answer(yes=True), who(name), NOW)
        except Refused as why:
            refused[name] = why
        finally:
            database.close()

    threads = [threading.Thread(target=say, args=(f"n{number}",)) for number in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    [row] = asked_of(asking.database, asking.runner, NOW)
    assert row.reply is not None
    first = row.reply.by
    assert {f"n{number}" for number in range(6)} - {first} == set(refused)
    assert {why.kind for why in refused.values()} == {NOT_NOW}
    words = f"`ask` has been answered already: approved by {first} at 2027-"
    assert all(str(why).startswith(words) for why in refused.values())
    told = asking.database.execute("SELECT who, action, outcome FROM audit").fetchall()
    assert [tuple(each) for each in told] == [(first, "task.answer", "approved")]
    asking.database.close()


def test_of_an_answer_and_the_clock_one_counts(database_url: str) -> None:
    asking = Asking(database_url)
    question, gate = asking.question(), threading.Barrier(2)
    over: list[bool] = []
    refused = ""

    def ring() -> None:
        database = open_database(database_url)
        gate.wait()
        over.append(asking.expire(database))
        database.close()

    thread = threading.Thread(target=ring)
    thread.start()
    gate.wait()
    try:
        answered(asking.database, question, Answer(yes=True), who("ann"), NOW)
    except Refused as why:
        refused = str(why)
    thread.join()
    said = not refused
    assert refused in ("", "the time for an answer to `ask` is over")
    assert over == [not said]
    assert len(asked_of(asking.database, asking.runner, NOW)) == said
    assert asking.expire(asking.database) is not said  # asked again after a crash, it is the same
    asking.database.close()


def test_who_comes_after_the_time_is_told(database_url: str) -> None:
    asking = Asking(database_url)
    question = asking.question()
    assert asking.expire(asking.database)
    spec = approvals.spec(asking.database, 1, 2)
    assert spec is not None
    assert from_text(spec, NOW, NOW).answered == TOO_LATE
    with pytest.raises(Refused, match="is over"):
        answered(asking.database, question, Answer(yes=False), who("ann"), NOW)
    assert list(asking.database.execute("SELECT id FROM request").fetchall()) == []
    asking.database.close()


def test_approvers_are_accounts_and_mean_nothing_where_there_is_none(tmp_path: Any) -> None:
    asking = Asking(f"sqlite:///{tmp_path}/y.db", approvers=("ann", "ben"))
    question = asking.question()
    with pytest.raises(Refused, match="is for `ann`, `ben` to answer, not for `eve`") as refused:
        answered(asking.database, question, Answer(yes=True), who("eve"), NOW)
    assert refused.value.kind == NOT_YOURS
    database = asking.database
    database.write(lambda: users.add(database, "ann", "operator", "x", NOW))
    with pytest.raises(Refused, match="not for `root`"):
        answered(asking.database, question, Answer(yes=True), who("root", "command"), NOW)
    database.execute("DELETE FROM account")
    assert answered(asking.database, question, Answer(yes=True), who("root", "command"), NOW) == "approved"
    asking.database.close()


def test_what_may_be_left_out_is_left_out(tmp_path: Any) -> None:
    form: dict[str, Any] = {
        "type": "object",
        "properties": {"a": {"type": "string"}, "b": {"type": "integer"}},
        "required": ["b"],
    }
    asking = Asking(f"sqlite:///{tmp_path}/y.db", form=form)
    question = asking.question()
    assert filled(question, Answer(yes=True, values={"b": "3"}, as_text=True)) == {"b": 3}
    assert filled(question, Answer(yes=True, values={"a": "x", "b": 3})) == {"a": "x", "b": 3}
    with pytest.raises(Refused, match="field `b` is required"):
        filled(question, Answer(yes=True))
    asking.database.close()


@pytest.mark.parametrize(
    ("said", "words"),
    [(Answer(True, {"why": "x", "limt": "3"}, True), "there is no field `limt`; did you mean `limit`?"),
     (Answer(True, {"why": "x", "limit": "0"}, True), "field `limit` must be at least 1, found `0`"),
     (Answer(True, {"why": "x", "limit": "many"}, True), "field `limit` must be an integer, found `many`"),
     (Answer(True, {"limit": 3}), "field `why` is required, and no value was given"),
     (Answer(True, {"why": "no"}), "what was filled in does not fit: `why` should fit `{\"minLength\": 3}`"),
     (Answer(False, {"why": "x"}), "who says no fills nothing in")],
)  # fmt: skip
def test_what_does_not_fit_the_form_is_told(tmp_path: Any, said: Answer, words: str) -> None:
    asking = Asking(
        f"sqlite:///{tmp_path}/y.db", form={**FORM, "allOf": [{"properties": {"why": {"minLength": 3}}}]}
    )
    with pytest.raises(Refused) as refused:
        filled(asking.question(), said)
    assert words in str(refused.value)
    asking.database.close()
