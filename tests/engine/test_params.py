"""Params are checked before a run exists, and in words that a person understands."""

from __future__ import annotations

from typing import Any

import pytest

from yamldag.engine.memory.params import BadParams, resolve
from yamldag.plan.pipeline import Json, Param, Plan


def plan(**schemas: dict[str, Json]) -> Plan:
    return Plan("p", params=tuple(Param(name, schema) for name, schema in schemas.items()))


OF = plan(
    n={"type": "integer", "minimum": 1, "maximum": 9, "default": 5},
    who={"type": "string", "default": "you"},
    day={"type": "string", "format": "date", "default": "2026-01-01"},
    on={"type": "boolean", "default": False},
    many={"type": "array", "items": {"type": "integer"}, "default": []},
    size={"enum": ["small", "large"], "default": "small"},
    free={"default": 1.5},
    either={"type": ["integer", "null"], "default": None},
)


def test_defaults_stand_where_nothing_is_given() -> None:
    assert resolve(OF, {}) == {
        "n": 5,
        "who": "you",
        "day": "2026-01-01",
        "on": False,
        "many": [],
        "size": "small",
        "free": 1.5,
        "either": None,
    }


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("free", "[" * 3000, "must not be nested more than 100 deep"),
        ("many", "[" * 3000, "must not be nested more than 100 deep"),
        ("free", "[" * 101 + "]" * 101, "must not be nested more than 100 deep"),
        ("free", '{"a":' * 101 + "1" + "}" * 101, "must not be nested more than 100 deep"),
        ("free", r'["\ud800"]', "must be text of whole characters"),
        ("who", "\udcff", "must be text of whole characters"),
        ("free", "1e400", "must hold numbers that are finite"),
        ("free", "[-1e400]", "must hold numbers that are finite"),
    ],
)
def test_what_can_not_be_stored_is_refused_in_words(name: str, text: str, words: str) -> None:
    with pytest.raises(BadParams) as bad:
        resolve(OF, {name: text}, as_text=True)
    (fault,) = bad.value.faults
    assert fault.startswith(f"param `{name}` {words}")


def test_a_hundred_lists_in_each_other_are_taken() -> None:
    assert resolve(OF, {"free": "[" * 100 + "]" * 100}, as_text=True)["free"]


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("n", "7", 7),
        ("who", "7", "7"),
        ("who", '"quoted"', '"quoted"'),
        ("who", "", ""),
        ("day", "2026-02-28", "2026-02-28"),
        ("on", "true", True),
        ("many", "[1, 2]", [1, 2]),
        ("size", "large", "large"),
        ("free", '{"a": 1}', {"a": 1}),
        ("free", "no json", "no json"),
        ("either", "null", None),
    ],
)
def test_a_text_is_taken_as_it_is_for_strings_and_as_json_else(name: str, text: str, value: Json) -> None:
    assert resolve(OF, {name: text}, as_text=True)[name] == value


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"n": "ten"}, "param `n` must be an integer, found `ten`"),
        ({"n": "1.5"}, "param `n` must be an integer, found `1.5`"),
        ({"n": "0"}, "param `n` must be at least 1, found `0`"),
        ({"n": "true"}, "param `n` must be an integer, found `true`"),
        ({"on": "yes"}, "param `on` must be true or false, found `yes`"),
        ({"day": "2026-02-30"}, 'param `day` must be a valid date, found `"2026-02-30"`'),
        ({"many": '[1, "x"]'}, 'param `many[1]` must be an integer, found `"x"`'),
        ({"size": "huge"}, 'param `size` must be one of "small", "large", found `"huge"`'),
        ({"whom": "x"}, "there is no param `whom`; did you mean `who`?"),
        ({"n": "NaN"}, "param `n` must be an integer, found `NaN`"),
    ],
)
def test_what_does_not_fit_is_told(given: dict[str, Any], words: str) -> None:
    with pytest.raises(BadParams) as told:
        resolve(OF, given, as_text=True)
    assert told.value.faults == [words]


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(BadParams) as told:
        resolve(plan(a={"type": "string"}, b={"type": "integer"}), {"b": "x", "c": "1"}, as_text=True)
    assert len(told.value.faults) == 3
    assert "param `a` is required, and no value was given" in told.value.faults
