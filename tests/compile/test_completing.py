"""What is offered can be written there, whatever state the text is in; and a word is told what it means."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yamldag.compile.completing import Offer, complete, explain
from yamldag.compile.load import compile_bytes
from yamldag.compile.project import Project

PROJECT = Project(
    "/there/is/nothing", None, None,
    {"YAMLDAG_CONNECTIONS": "{warehouse: 'postgresql://db/sales', crm: }", "YAMLDAG_POOLS": "{db: 4}",
     "YAMLDAG_SECRETS": "[token]", "YAMLDAG_VARS": "{region: eu}"},
)  # fmt: skip
BASE = """pipeline: p
params:
  partner: {type: string, default: acme, description: Who sends them}
vars: {bucket: s3, deep: {inner: 1}}
tasks:
  extract:
    description: Fetches the prices
    bash: echo
    output: {rows: integer, path: string}
  group:
    tasks:
      one: {noop: }
      a-b: {noop: }
  each:
    foreach: [1, 2]
    noop:
"""
CURSOR = "|^"


def offered(text: str) -> list[Offer]:
    at = text.index(CURSOR)
    return complete(PROJECT, "p.yml", text.replace(CURSOR, ""), at).offers


def labels(below: str) -> list[str]:
    return [offer.label for offer in offered(BASE + below)]


def chosen(text: str, label: str) -> str:
    """The text once an offer is taken."""
    at = text.index(CURSOR)
    bare = text.replace(CURSOR, "")
    found = complete(PROJECT, "p.yml", bare, at)
    [offer] = [each for each in found.offers if each.label == label]
    return bare[: offer.start] + offer.text + bare[found.end :]


@pytest.mark.parametrize(
    ("below", "wanted"),
    [
        ("sched|^\n", ["schedule"]),
        ("  new:\n    bas|^\n", ["bash"]),
        ("  new: {bas|^", ["bash"]),
        ("  new:\n    bash: x\n    teard|^", ["teardown_of"]),
        ("  new:\n    http:\n      conn|^\n", ["connection"]),
        ("  new:\n    noop:\n    on_failure:\n      - ema|^\n", ["email"]),
        ("  new:\n    catch|^: 1\n", []),
    ],
)
def test_keys_are_those_of_the_place(below: str, wanted: list[str]) -> None:
    assert labels(below) == wanted


def test_a_task_wants_an_operator_first_and_then_no_other() -> None:
    without, having = labels("  new:\n    |^\n"), labels("  new:\n    bash: x\n    |^\n")
    assert without.index("bash") < without.index("needs")
    assert "needs" in having
    assert not {"bash", "python", "noop", "use", "tasks"} & set(having)
    assert "retries" not in labels("  new:\n    tasks: {x: {noop: }}\n    |^\n")


@pytest.mark.parametrize(
    ("below", "wanted"),
    [
        ("  new:\n    trigger_rule: none_f|^\n", ["none_failed", "none_failed_min_one_success"]),
        ("  new:\n    setup: |^\n", ["true", "false"]),
        ("  new:\n    pool: |^\n", ["db"]),
        ("  new:\n    sql: {connection: |^}\n", ["crm", "warehouse"]),
        ("  new:\n    bash: echo he|^\n", []),
        ("# a comment |^\n", []),
    ],
)
def test_values_are_those_of_the_key(below: str, wanted: list[str]) -> None:
    assert labels(below) == wanted


TASKS = ["extract", "group", "group.one", "group.a-b", "each"]


@pytest.mark.parametrize(
    ("below", "wanted"),
    [
        ("  new:\n    needs: |^\n    noop:\n", TASKS),
        ("  new: {noop: , needs: [|^", TASKS),
        ("  new: {noop: , needs: [extract, |^]}\n", TASKS[1:]),
        ("  new:\n    needs:\n      - gr|^\n", ["group", "group.one", "group.a-b"]),
        ("  new:\n    needs:\n      ext|^\n", ["extract"]),
        ("  outer:\n    tasks:\n      x: {noop: }\n      y:\n        needs: |^\n", ["x", *TASKS]),
        ("  new:\n    bash: 'not closed\n    needs: ext|^\n", ["extract"]),
    ],
)
def test_needs_are_the_tasks_whose_names_mean_something_there(below: str, wanted: list[str]) -> None:
    assert labels(below) == wanted


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("{{ par|^", ["params"]),
        ("{{ params.|^ }} and more", ["partner"]),
        ("{{ vars.|^ }}", ["region", "bucket", "deep"]),
        ("{{ vars.deep.|^", ["inner"]),
        ("{{ tasks.|^", ["extract", "group", "each"]),
        ("{{ tasks.extract.|^", ["output", "state"]),
        ("{{ tasks.extract.output.|^", ["rows", "path"]),
        ("{{ tasks['extract'].output.ro|^ }}", ["rows"]),
        ("{{ tasks.group.|^", ["one", "a-b"]),
        ("{{ secrets.|^", ["token"]),
        ("{{ params.partner | tojs|^ }}", ["tojson"]),
        ("{{ params.partner is undefi|^ }}", ["undefined"]),
        ("{% fil|^", ["filter"]),
        ("{{ 'params.|^' }}", []),
        ("{{ params.partner }} params.|^", []),
        ("{{ matri|^", []),
        ("params.|^", []),
    ],
)
def test_an_expression_is_offered_what_exists(written: str, wanted: list[str]) -> None:
    assert labels(f"  new:\n    bash: say {written}\n") == wanted
    assert labels(f"  new:\n    bash: |\n      first\n      {written}\n") == wanted


def test_a_condition_needs_no_braces() -> None:
    assert labels("  new:\n    when: tasks.extract.output.rows > 0 and params.|^\n    noop:\n") == ["partner"]


def test_an_item_exists_in_mapped_tasks_alone() -> None:
    assert labels("  new:\n    foreach: [1]\n    bash: echo {{ it|^ }}\n") == ["item"]
    assert labels("  new:\n    bash: echo {{ it|^ }}\n") == []


def test_secrets_are_offered_where_they_may_be_read() -> None:
    assert "secrets" not in labels("  new:\n    when: '{{ |^ }}'\n    noop:\n")
    assert "secrets" in labels("  new:\n    env: {T: '{{ |^ }}'}\n    noop:\n")


def test_a_use_is_offered_the_params_of_its_template() -> None:
    text = (
        BASE
        + "  put:\n    use: load\n    with: {|^}\n---\ntemplate: load\nparams: {table: {type: string}}\ntasks: {x: {noop: }}\n"
    )
    assert [offer.label for offer in offered(text)] == ["table"]
    assert [offer.label for offer in offered(text.replace("use: load", "use: |^").replace("{|^}", "{}"))] == [
        "load"
    ]


def test_a_template_has_names_of_its_own() -> None:
    text = "template: load\nparams: {table: {type: string}}\ntasks:\n  x: {noop: }\n  y: {bash: 'echo {{ params.|^ }}', needs: x}\n"
    assert [offer.label for offer in offered(text)] == ["table"]


@pytest.mark.parametrize(
    ("below", "label", "line"),
    [
        ("sched|^: x\n", "schedule", "schedule: x"),
        ("  new:\n    noop:\n    env|^\n", "env", "    env:"),
        ("  new:\n    ba|^\n", "bash", "    bash: "),
        ("schedule: |^\n", "@daily", 'schedule: "@daily"'),
        ('schedule: "|^"\n', "@daily", 'schedule: "@daily"'),
        ("  n: {bash: 'x {{ tasks.group.a|^ }}'}\n", "a-b", "  n: {bash: 'x {{ tasks.group['a-b'] }}'}"),
        (
            "  n: {bash: 'x {{ params.pa|^rt | sh }}'}\n",
            "partner",
            "  n: {bash: 'x {{ params.partner | sh }}'}",
        ),
        ("  é: {noop: }\n  n: {needs: gro|^x, noop: }\n", "group", "  n: {needs: group, noop: }"),
    ],
)
def test_an_offer_takes_the_place_of_the_word(below: str, label: str, line: str) -> None:
    below = below if label != "group" else below.replace("gro|^x", "gro|^")
    assert line in chosen(BASE + below, label).split("\n")


PLACES = [
    "  new:\n    noop:\n    |^\n", "  new:\n    bash:\n      |^\n", "  new:\n    http:\n      |^\n", "  new:\n    wait:\n      |^\n",
    "  new:\n    noop:\n    on_failure:\n      |^\n", "  new:\n    tasks: {x: {noop: }}\n    |^\n", "|^\n", "defaults:\n  |^\n",
    "schedule:\n  |^\n", "deadline:\n  |^\n", "  new:\n    copy:\n      from:\n        |^\n",
]  # fmt: skip


@pytest.mark.parametrize("below", PLACES)
def test_the_compiler_knows_every_key_that_is_offered(below: str) -> None:
    found = offered(BASE + below)
    assert found
    for offer in found:
        text = chosen(BASE + below, offer.label)
        codes = {each.code for each in compile_bytes(PROJECT, "/p.yml", text.encode()).found}
        assert "YD101" not in codes, offer
        assert "YD401" not in codes, offer


@pytest.mark.parametrize(
    "below",
    ["  new:\n    bash: echo {{ |^ }}\n", "  new:\n    bash: echo {{ params.|^ }}\n", "  new:\n    bash: echo {{ tasks.extract.output.|^ }}\n",
     "  new:\n    bash: echo {{ vars.|^ }}\n", "  new:\n    bash: echo {{ run.|^ }}\n", "  new:\n    needs: |^\n    noop:\n",
     "  new:\n    bash: echo {{ connections.|^ }}\n", "  new:\n    noop:\n    trigger_rule: |^\n", "catchup: |^\n",
     "  new:\n    foreach: [1]\n    bash: echo {{ |^ }}\n"],
)  # fmt: skip
def test_the_compiler_knows_every_name_that_is_offered(below: str) -> None:
    unknown = {"YD203", "YD204", "YD205", "YD206", "YD208", "YD209", "YD210", "YD214", "YD404", "YD509"}
    found = offered(BASE + below)
    assert found
    for offer in found:
        text = chosen(BASE + below, offer.label)
        result = compile_bytes(PROJECT, "/p.yml", text.encode())
        assert not unknown & {each.code for each in result.found}, offer


@settings(max_examples=60, deadline=None)
@given(text=st.text(alphabet="ab:{}[]'\"|-#&*%. \n\t@é💡", max_size=60), at=st.integers(-3, 90))
def test_any_text_has_an_answer_at_any_place(text: str, at: int) -> None:
    for whole in (text, "pipeline: p\ntasks:\n  a:\n    bash: " + text, BASE + text):
        found = complete(PROJECT, "p.yml", whole, at)
        assert all(0 <= offer.start <= found.end <= len(whole) for offer in found.offers)
        explain(PROJECT, "p.yml", whole, at)


@settings(max_examples=60, deadline=None)
@given(at=st.integers(0, len(BASE)))
def test_a_text_broken_off_anywhere_has_an_answer(at: int) -> None:
    found = complete(PROJECT, "p.yml", BASE[:at], at)
    assert all(offer.start <= at for offer in found.offers)


# Meanings

WHOLE = (
    BASE
    + "  last:\n    needs: [extract]\n    when: tasks.extract.output.rows > 0\n    trigger_rule: all_done\n    bash: echo {{ params.partner }}\n"
)


@pytest.mark.parametrize(
    ("word", "name", "said"),
    [
        ("trigger_rule", "trigger_rule", "Which ends of the tasks above"),
        ("all_done", "all_done", "All are over, however"),
        ("extract]", "extract", "Fetches the prices"),
        ("extract:", "extract", "Fetches the prices"),
        ("partner:", "partner", "Who sends them"),
        ("partner }}", "partner", "Who sends them"),
        ("params.partner", "params", "the run's params"),
        ("rows > 0", "rows", ""),
        ("bash: echo {{", "bash", "Runs a script"),
    ],
)
def test_a_word_is_told_what_it_means(word: str, name: str, said: str) -> None:
    at = WHOLE.index(word) + 1
    meaning = explain(PROJECT, "p.yml", WHOLE, at)
    assert meaning is not None
    assert meaning.name == name
    assert said in meaning.about
    assert WHOLE[meaning.start : meaning.end] == name


def test_plain_words_mean_nothing() -> None:
    assert explain(PROJECT, "p.yml", WHOLE, WHOLE.index("echo {{") + 1) is None
    assert explain(PROJECT, "p.yml", "a: [", 1) is None
