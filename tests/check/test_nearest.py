"""Which name is suggested for a misspelt one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yamldag.syntax.nearest import Known, distance, nearest

KEYS = [
    "needs",
    "retries",
    "retry_delay",
    "timeout",
    "trigger_rule",
    "when",
    "pool",
    "bash",
    "python",
    "http",
    "env",
]


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("retires", "retries"),  # neighbours swapped
        ("retry-delay", "retry_delay"),
        ("retryDelay", "retry_delay"),
        ("RETRIES", "retries"),
        ("triger_rule", "trigger_rule"),
        ("need", "needs"),
        ("bsh", "bash"),
        ("pyhton", "python"),
        ("timeuot", "timeout"),
        ("depends", None),
        ("xx", None),
        ("a", None),
        ("", None),
        ("schedule_interval", None),
    ],
)
def test_a_slip_of_the_finger_is_understood(word: str, meant: str | None) -> None:
    assert nearest(word, KEYS) == meant


def test_another_case_wins_over_another_letter() -> None:
    assert nearest("LOAD", ["loads", "load"]) == "load"


def test_the_nearest_of_several_wins() -> None:
    assert nearest("extrct", ["extracts", "extract", "extra"]) == "extract"


def test_ties_do_not_depend_on_the_order_of_the_names() -> None:
    assert nearest("tax", ["tan", "tab"]) == nearest("tax", ["tab", "tan"]) == "tab"


def test_short_words_are_not_turned_into_others() -> None:
    assert nearest("ab", ["cd", "xy", "a"]) is None


def test_thousands_of_unknown_words_in_a_large_scope_are_not_all_sought() -> None:
    known = Known(f"task_{i}" for i in range(10_000))
    answers = [known.nearest(f"tuskk_{i}") for i in range(3_000)]
    assert answers[:20] == [f"task_{i}" for i in range(20)]
    assert answers[1_000:] == [None] * 2_000
    assert known.nearest("tuskk_7") == "task_7"


def test_a_long_name_among_thousands_alike_is_not_sought_for_ever() -> None:
    known = Known(f"load_table_{i}_of_the_warehouse" for i in range(10_000))
    assert known.nearest("load_table_77_of_the_wharehouse") == "load_table_77_of_the_warehouse"
    answers = [known.nearest(f"lode_tabel_{i}_of_the_wharehouse") for i in range(1_000)]
    assert answers[500:] == [None] * 500


SMALL = [f"{a}{b}{c}ask" for a in "tbm" for b in "aeiou" for c in "xyz"]
LARGE = SMALL + [f"{'q' * 30}{i}" for i in range(200)]


@given(st.text("taeskxyz", max_size=8))
def test_a_large_scope_answers_as_a_small_one(word: str) -> None:
    assert nearest(word, LARGE) == nearest(word, SMALL)


def test_thousands_of_unknown_words_in_a_small_scope_are() -> None:
    known = Known(KEYS)
    assert all(known.nearest(f"need{i % 10}") == "needs" for i in range(3_000))


def plain_distance(one: str, two: str) -> int:
    """By the book, without any cut."""
    table = {(i, -1): i + 1 for i in range(-1, len(one))} | {(-1, j): j + 1 for j in range(-1, len(two))}
    for i, a in enumerate(one):
        for j, b in enumerate(two):
            table[i, j] = min(table[i - 1, j] + 1, table[i, j - 1] + 1, table[i - 1, j - 1] + (a != b))
            if i and j and a == two[j - 1] and one[i - 1] == b:
                table[i, j] = min(table[i, j], table[i - 2, j - 2] + 1)
    return table[len(one) - 1, len(two) - 1]


@given(st.text("abc", max_size=7), st.text("abc", max_size=7), st.integers(0, 4))
def test_the_quick_distance_is_the_true_one_within_its_limit(one: str, two: str, limit: int) -> None:
    true = plain_distance(one, two)
    quick = distance(one, two, limit)
    assert quick == true if true <= limit else quick > limit
