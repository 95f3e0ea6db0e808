"""A route that could not be kept closed can't be made."""

from __future__ import annotations

import re
from typing import Any

import pytest

from yamldag.web.auth.roles import Role
from yamldag.web.route import PATTERNS, Doc, Kind, Route, Table


def route(**changed: Any) -> Route:
    given: dict[str, Any] = {
        "name": "x", "method": "GET", "path": "/x", "handler": print, "role": Role.VIEWER, "kind": Kind.PAGE,
    }  # fmt: skip
    return Route(**{**given, **changed})


@pytest.mark.parametrize(
    "changed",
    [
        {"role": None}, {"role": "viewer"}, {"role": 1}, {"method": "POST"}, {"path": "/{file}"}, {"path": "x"},
        {"path": "/{run:path}"}, {"path": "/api/v1/x"}, {"kind": Kind.API, "path": "/x"},
        {"kind": Kind.API, "path": "/api/v1/x"}, {"kind": Kind.ACTION}, {"kind": Kind.STREAM, "method": "POST"},
    ],
)  # fmt: skip
def test_it_says_what_is_missing(changed: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"the (path of the )?route x"):
        route(**changed)


def test_two_routes_are_never_one() -> None:
    with pytest.raises(ValueError, match="two routes"):
        Table((route(), route(name="y")))
    with pytest.raises(ValueError, match="two routes"):
        Table((route(), route(path="/y")))


def test_one_of_the_api_is_documented() -> None:
    assert route(kind=Kind.API, path="/api/v1/x", doc=Doc("x", {})).doc


@pytest.mark.parametrize("pattern", PATTERNS.values())
@pytest.mark.parametrize(
    "bad", ["", ".", "..", "../x", "a/b", "a\\b", "a\0b", "a%2fb", "a b", "a\n", "é", "-x", "x" * 400]
)
def test_no_pattern_takes_what_might_lead_elsewhere(pattern: str, bad: str) -> None:
    assert not re.fullmatch(pattern, bad)
