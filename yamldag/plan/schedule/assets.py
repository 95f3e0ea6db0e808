"""Conditions over assets: `[a, b]`, `{any: […]}`, nested."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from yamldag.plan.pipeline import Json


def normalise(value: Json) -> Json:
    """A condition without faults with every list written out as `{"all": […]}`."""
    if isinstance(value, str):
        return {"all": [value]}
    return _member(value)


def _member(value: Json) -> Json:
    if isinstance(value, list):
        return {"all": [_member(member) for member in value]}
    if isinstance(value, dict):
        ((word, members),) = value.items()
        assert isinstance(members, list)
        return {word: [_member(member) for member in members]}
    return value


def names(condition: Json) -> Iterator[str]:
    """Every asset that a normalised condition waits for, as written, perhaps more than once."""
    if isinstance(condition, str):
        yield condition
    elif isinstance(condition, dict):
        for members in condition.values():
            assert isinstance(members, list)
            for member in members:
                yield from names(member)


def in_words(condition: Json, inside: bool = False) -> str:
    """A normalised condition as people say it: `a` and (`b` or `c`)."""
    if not isinstance(condition, dict):
        return f"`{condition}`"
    ((word, members),) = condition.items()
    assert isinstance(members, list)
    several = len(members) > 1
    joined = (" or " if word == "any" else " and ").join(in_words(member, several) for member in members)
    return f"({joined})" if inside and several else joined


def met(condition: Json, updated: Collection[str]) -> bool:
    """Whether a normalised condition holds once those assets were updated."""
    if isinstance(condition, dict):
        ((word, members),) = condition.items()
        assert isinstance(members, list)
        answers = (met(member, updated) for member in members)
        return any(answers) if word == "any" else all(answers)
    return condition in updated
