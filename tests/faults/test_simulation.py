"""Thousands of engines, each from a seed: no promise is broken, whatever dies at whatever commit."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.faults.conftest import Tell
from tests.faults.long import much
from tests.faults.promises import Wrong
from tests.faults.simulate import Place, memory, simulate
from yamldag.store import moves

PORTION = 500


@pytest.mark.parametrize("portion", range(much(20, 80)))
def test_no_seed_breaks_a_promise(portion: int, figures: Tell) -> None:
    seen: Counter[str] = Counter()
    with memory() as folder:
        place = Place.make(folder)
        for seed in range(portion * PORTION, (portion + 1) * PORTION):
            seen.update(simulate(place, seed).seen)
        place.database.close()
    figures(seeds=PORTION, **seen)
    for rare in ("hits", "clears", "letters", "takeovers", "fenced", "past", "newer", "renewals"):
        assert seen[rare], f"no seed of these has brought about {rare}"


def test_the_same_seed_tells_the_same_story() -> None:
    with memory() as folder:
        place = Place.make(folder)
        first, again = (simulate(place, 7).story for _ in range(2))
        place.database.close()
    assert first == again
    assert len(first) > 10


def test_it_sees_an_engine_that_starts_what_was_not_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that forgets a promise is found out."""
    monkeypatch.setattr("yamldag.engine.loop.engine.moves.store", lambda *step: moves.Stored(set()))
    with memory() as folder:
        place = Place.make(folder)
        with pytest.raises(Wrong, match=r"(?s)seed 3: .*again: python -m tests.faults.simulate 3"):
            simulate(place, 3)
        place.database.close()
