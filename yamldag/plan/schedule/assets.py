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


def met(condition: Json, updated: Collection[str]) -> bool:
    """Whether a normalised condition holds once those assets were updated."""
    if isinstance(condition, dict):
        ((word, members),) = condition.items()
        assert isinstance(members, list)
        answers = (met(member, updated) for member in members)
        return any(answers) if word == "any" else all(answers)
    return condition in updated
