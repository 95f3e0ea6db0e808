"""What is stored of a plan gives it back as it was."""

from __future__ import annotations

from tests.engine.simulation import plan, task
from yamldag.plan.pipeline import Fanout, from_text, to_text


def test_a_stored_plan_keeps_the_order_of_a_matrix() -> None:
    """The last axis is the fastest: with the axes in another order, instance 1 would be another one after a restart."""
    of = plan(task("m", mapped_by="m"), mapped={"m": Fanout(matrix={"z": [1, 2], "a": [3, 4]})})
    again = from_text(to_text(of))
    assert again == of
    assert list(again.mapped["m"].matrix or ()) == ["z", "a"]
