"""Whatever the bytes: diagnostics or a plan, never an exception, and every place is inside its source."""

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.fuzz.passes import compiles, one_input
from yamldag.syntax.source import Source

GOLDEN = Path(__file__).parents[1] / "golden"
SEEDS = [
    path.read_bytes()
    for path in sorted([*GOLDEN.glob("err/*.yml"), *GOLDEN.glob("ok/*.yml")])
    if path.exists() and path.stat().st_size < 4000
]


def _loaded(data: bytes) -> list[dict[str, Any]]:
    try:
        return [one for one in yaml.safe_load_all(data) if isinstance(one, dict)]
    except (yaml.YAMLError, ValueError):
        return []


def _spots(part: Any) -> Iterator[tuple[Any, Any]]:
    """Every place of a tree: what holds it, and its key or index."""
    for key in list(part) if isinstance(part, dict) else range(len(part)) if isinstance(part, list) else ():
        yield part, key
        yield from _spots(part[key])


def _parts(part: Any) -> list[Any]:
    return [part, *(owner[key] for owner, key in _spots(part))]


SPLICES = st.sampled_from(
    [
        b"{{ ",
        b" }}",
        b": ",
        b"\n  ",
        b"- ",
        b"{",
        b"}",
        b"[",
        b"]",
        b"'",
        b'"',
        b"\xff",
        b"\t",
        b"\r\n",
        b"&a ",
        b"*a",
        b"null",
        b"3",
        b"tasks",
        b"use: t\n",
        b"{% if x %}",
        b"needs: ",
        b"foreach: ",
        b"<<: *a\n",
        b"\n---\n",
        b"$ref: ",
    ]
)


@st.composite
def mutants(draw: st.DrawFn) -> bytes:
    """A golden file with a few pieces taken out, doubled, put in, or taken from another one."""
    data = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 12)))
        other = draw(st.sampled_from(SEEDS))
        piece = draw(st.one_of(SPLICES, st.just(data[start:end] * 2), st.just(other[start : start + 40])))
        data = data[:start] + piece + data[end:]
    return data


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(mutants())
def test_a_broken_golden_gives_diagnostics_or_a_plan(data: bytes) -> None:
    one_input(data)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
@example(b"")
@example(b"\xef\xbb\xbf")
@example(b"pipeline: a\ntasks: {b: {use: .}}")
def test_any_bytes_give_diagnostics_or_a_plan(data: bytes) -> None:
    one_input(data)


VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-9, 99),
        st.sampled_from(["a", "b", "{{ item }}", "5m", "", "x y"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                [
                    "tasks",
                    "needs",
                    "bash",
                    "use",
                    "with",
                    "foreach",
                    "matrix",
                    "when",
                    "params",
                    "default",
                    "type",
                    "a",
                    "b",
                    "output",
                    "cache",
                ]
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=12,
)
KEYS = [
    "schedule",
    "timezone",
    "start",
    "end",
    "catchup",
    "deadline",
    "params",
    "vars",
    "env",
    "defaults",
    "tasks",
    "on_failure",
    "tags",
    "timeout",
    "max_active_runs",
    "max_active_tasks",
    "owner",
    "description",
    "x-note",
]


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=5), st.sampled_from(["pipeline", "template"]))
def test_any_value_below_any_key_gives_diagnostics_or_a_plan(document: dict[str, object], kind: str) -> None:
    compiles(Source("any.yml", yaml.safe_dump({kind: "a", **document}, sort_keys=False)))


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from("abc"), st.dictionaries(st.sampled_from(
    ["bash", "python", "http", "sql", "command", "branch", "short_circuit", "wait", "pipeline", "use", "tasks", "needs", "trigger_rule", "when", "foreach", "matrix", "max_active", "retries", "retry_delay", "timeout", "env", "args", "with", "output", "cache", "produces", "on_failure", "teardown_of", "setup", "defaults"]
), VALUES, max_size=5), min_size=1))  # fmt: skip
def test_any_task_gives_diagnostics_or_a_plan(tasks: dict[str, object]) -> None:
    compiles(Source("any.yml", yaml.safe_dump({"pipeline": "p", "tasks": tasks}, sort_keys=False)))


DOCUMENTS = [one for data in SEEDS if b"&" not in data for one in _loaded(data)]
PARTS = [part for one in DOCUMENTS for part in _parts(one)]


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.randoms(use_true_random=False))
def test_a_golden_with_parts_of_others_in_it_gives_diagnostics_or_a_plan(random: Random) -> None:
    documents = [deepcopy(random.choice(DOCUMENTS)) for _ in range(random.choice([1, 1, 2]))]
    for _ in range(random.randint(1, 4)):
        spots = list(_spots(documents))
        if not spots:
            break
        owner, key = random.choice(spots)
        if random.random() < 0.2:
            del owner[key]
        else:
            owner[key] = deepcopy(random.choice(PARTS))
    compiles(Source("any.yml", yaml.safe_dump_all(documents, sort_keys=False)))
