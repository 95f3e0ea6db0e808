"""Which mistakes are reported, at which place, and in which words."""

from __future__ import annotations

import pytest

from tests.check.schema import HTTP, PIPELINE
from tests.check.trees import tree
from yamldag.syntax.check import Checking, compile_schema
from yamldag.syntax.check.part import Schema
from yamldag.syntax.diagnostic import Diagnostic, at, in_order
from yamldag.syntax.tree import Map, Node, Scalar, located, plain


def no_constant(scalar: Scalar) -> Node | None:
    raise AssertionError(f"nothing to fold in {scalar.text}")


def checked(text: str, schema: Schema = PIPELINE) -> list[Diagnostic]:
    checking = Checking([], set(), no_constant)
    compile_schema(schema, lambda ref: {"operators/http.json": HTTP}[ref])(tree(text), None, checking)
    return in_order(checking.report)


def said(text: str, schema: Schema = PIPELINE) -> list[tuple[str, str, str]]:
    """Code, marked text and message of each mistake."""
    return [(d.code, marked(d), d.message) for d in checked(text, schema)]


def marked(diagnostic: Diagnostic) -> str:
    place = diagnostic.place
    return place.source.text[place.start : place.end]


def in_task(line: str) -> list[tuple[str, str, str]]:
    return said(f"pipeline: p\ntasks:\n  load:\n    {line}\n")


def help_in_task(line: str) -> str | None:
    (only,) = checked(f"pipeline: p\ntasks:\n  load:\n    {line}\n")
    return only.help


ID = " must be an id of letters, digits, `_` and `-`, found "
DURATION = "`timeout` must be a duration such as 30s or 1h30m, found "
STATUS = "an item of `expect` must be a whole number from 100 to 599, found `99`"
WHOLE = "`retries` must be a whole number from 0 to 1000, found "


@pytest.mark.parametrize(
    ("line", "code", "mark", "message"),
    [
        ("retries: three", "YD403", "three", WHOLE + "`three`"),
        ('retries: "3"', "YD403", '"3"', WHOLE + 'the text `"3"`'),
        ("retries: 1.5", "YD403", "1.5", WHOLE + "`1.5`"),
        ("retries: true", "YD403", "true", WHOLE + "`true`"),
        ("retries: 2000", "YD405", "2000", WHOLE + "`2000`"),
        ("retries: [1]", "YD403", "[1]", WHOLE + "a list"),
        ("retries: {}", "YD403", "{}", WHOLE + "an empty mapping"),
        ("retries:", "YD403", "retries", WHOLE + "nothing"),
        ("retries: null", "YD403", "null", WHOLE + "`null`"),
        ("needs:", "YD403", "needs", "`needs` must be a task or a list of tasks, found nothing"),
        ("ratio: 1", "YD405", "1", "`ratio` must be a number above 0 and below 1, found `1`"),
        ("setup: yep", "YD403", "yep", "`setup` must be `true` or `false`, found `yep`"),
        ("tags: a", "YD403", "a", "`tags` must be a list, found `a`"),
        ("tags: [3]", "YD403", "3", "an item of `tags` must be text, found the number `3`"),
        ("tags: [a, b, c, d]", "YD405", "[a, b, c, d]", "`tags` must hold at most 3 items, found 4"),
        ("tags: [a, b, a]", "YD405", "a", "`tags` holds `a` twice"),
        ("tasks: {}", "YD405", "{}", "`tasks` must not be empty"),
        ("timeout: 30", "YD407", "30", DURATION + "the number `30`"),
        ("timeout: 5x", "YD407", "5x", DURATION + "`5x`"),
        ("retires: 3", "YD401", "retires", "unknown key `retires` in `load`"),
        ("http: {expect: []}", "YD402", "http", "the key `url` is missing in `http`"),
        ("needs: [a b]", "YD201", "a b", "an item of `needs`" + ID + "`a b`"),
        ("tasks: {9: {}}", "YD201", "9", "a key in `tasks`" + ID + "`9`"),
        ("http: {url: u, expect: [99]}", "YD405", "99", STATUS),
        (
            "trigger_rule: all_succes",
            "YD404",
            "all_succes",
            "`trigger_rule` must be one of `all_success`, `all_done`, `all_failed`, `one_success` or "
            "`none_failed`, found `all_succes`",
        ),
    ],
)  # fmt: skip
def test_a_mistake_is_told_once_at_its_place(line: str, code: str, mark: str, message: str) -> None:
    assert in_task(line) == [(code, mark, message)]


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("retires: 3", "did you mean `retries`?"),
        ("unheard_of: 3", None),
        ("trigger_rule: all_succes", "did you mean `all_success`?"),
        ('retries: "3"', "take the quotes off"),
        ("tags: [3]", 'put it in quotes: `"3"`'),
        ("timeout: 30", "say the unit: `30s`, `30m` or `30h`"),
        ("setup: yes", "write `true`"),
        ("tags: a", "write it as a list: `[a]`"),
        ("http: {url: u, methd: GET}", "did you mean `method`? known here: `expect`, `method` and `url`"),
        ("http: {url: u, zzz: GET}", "known here: `expect`, `method` and `url`"),
    ],
)
def test_help_says_what_to_write(line: str, hint: str | None) -> None:
    assert help_in_task(line) == hint


@pytest.mark.parametrize(
    ("line", "mended"), [("retries: '3'", "3"), ("tags: [3]", '"3"'), ("setup: yes", "true")]
)
def test_a_fix_is_the_whole_new_value(line: str, mended: str) -> None:
    text = f"pipeline: p\ntasks:\n  load:\n    {line}\n"
    (only,) = checked(text)
    assert only.fix is not None
    assert only.fix.text == mended
    place = only.fix.place
    assert said(text[: place.start] + only.fix.text + text[place.end :]) == []


def test_a_number_that_no_quotes_make_right_is_not_told_to_be_quoted() -> None:
    schema = {"type": "string", "pattern": "^[a-z]+$", "title": "the name"}
    (only,) = checked("30", schema)
    assert (only.message, only.help, only.fix) == ("the name must be text, found the number `30`", None, None)


def test_a_missing_key_at_the_top_is_told_at_the_first_key() -> None:
    assert said("owner: me\npipeline: p\n") == [
        ("YD402", "owner", "the key `tasks` is missing at the top level")
    ]


def test_a_missing_key_of_an_empty_document_is_told_at_its_first_character() -> None:
    assert [(code, mark) for code, mark, _ in said("{ }")] == [("YD402", "{"), ("YD402", "{")]


def test_a_missing_key_of_a_list_item_is_told_in_that_item() -> None:
    calls = {"properties": {"calls": {"type": "array", "items": {"type": "object", "required": ["to"]}}}}
    told = said("calls:\n- to: a\n- from: b\n", calls)
    assert told == [("YD402", "from", "the key `to` is missing in an item of `calls`")]


def test_a_misspelt_key_speaks_for_the_missing_one() -> None:
    (only,) = checked("pipelin: p\ntasks: {a: {}}\n")
    assert (only.code, only.help and only.help[:26]) == ("YD401", "did you mean `pipeline`? k")


def test_a_misspelt_key_does_not_hide_another_missing_key() -> None:
    assert [code for code, _, _ in said("pipelin: p\n")] == ["YD401", "YD402"]


def test_all_independent_mistakes_are_told_in_one_go() -> None:
    text = "pipeline: 9\nowner: 3\ntasks:\n  a: {retries: x, bsh: y}\n  b: {timeout: 3, needs: [1 2]}\n"
    assert [mark for _, mark, _ in said(text)] == ["9", "3", "x", "bsh", "3", "1 2"]


def test_nothing_below_a_value_of_a_wrong_type_is_told() -> None:
    assert len(in_task("tags: {retires: {x: 3}}")) == 1


def test_a_mistake_that_aliases_show_twice_is_told_once() -> None:
    text = "pipeline: p\ntasks:\n  a: &a {retries: x}\n  b: *a\n"
    assert [mark for _, mark, _ in said(text)] == ["x"]


def test_an_item_that_an_alias_repeats_is_told() -> None:
    assert [code for code, _, _ in in_task("tags: [&a x, *a]")] == ["YD405"]


def test_true_is_not_one_and_one_is_not_true() -> None:
    assert said("catchup: 1\npipeline: p\ntasks: {a: {}}")[0][0] == "YD404"
    assert said("true", {"enum": [1]})[0][0] == "YD404"
    assert said("true", {"type": "array", "items": {"const": 1}})[0][0] == "YD403"
    assert [mark for _, mark, _ in said("[1, true, 1.0]", {"items": {"const": 1}})] == ["true"]


def test_a_value_found_good_once_does_not_excuse_its_look_alike() -> None:
    schema = {"type": "array", "items": {"type": "integer"}}
    assert [mark for _, mark, _ in said("[1, '1', true, 1, 1.0]", schema)] == ["'1'", "true"]


def test_a_pattern_ends_where_the_text_ends() -> None:
    assert [code for code, _, _ in in_task('timeout: "5m\\n"')] == ["YD407"]


def test_foreign_digits_are_no_digits() -> None:
    assert [code for code, _, _ in in_task("timeout: ٣m")] == ["YD407"]


def test_a_long_or_broken_text_is_cut_in_the_message() -> None:
    ((_, _, message),) = in_task("retries: " + "a" * 100)
    assert message == WHOLE + "`" + "a" * 39 + "…`"
    ((_, _, message),) = in_task("retries: |\n      one\n      two")
    assert message == WHOLE + "the text `one…`"


def test_an_anchor_is_no_part_of_what_was_found() -> None:
    ((_, _, message),) = in_task("retries: &a three")
    assert message == WHOLE + "`three`"


def test_a_list_of_many_choices_moves_into_the_help() -> None:
    (only,) = checked("fou", {"enum": [f"word_{i}" for i in range(12)] + ["four"], "title": "this"})
    assert only.message == "this must be one of 13 values, found `fou`"
    assert only.help is not None
    assert only.help.startswith("did you mean `four`? it takes `word_0`, `word_1`,")


def test_words_of_the_schema_win_over_words_made_of_it() -> None:
    schema = {
        "enum": ["a", "b"],
        "x-wanted": "a good letter",
        "x-code": "YD410",
        "x-help": "try a",
        "title": "it",
    }
    (only,) = checked("c", schema)
    assert (only.code, only.message, only.help) == ("YD410", "it must be a good letter, found `c`", "try a")


def test_words_beside_a_reference_win_over_those_behind_it() -> None:
    schema = {
        "$ref": "#/definitions/a",
        "x-wanted": "mine",
        "definitions": {"a": {"type": "null", "x-wanted": "its"}},
    }
    assert said("x", schema)[0][2] == "the document must be mine, found `x`"


def test_keys_beginning_x_are_free_where_the_schema_says_so() -> None:
    assert said("x-anything: {retires: 3}\npipeline: p\ntasks: {a: {x-mine: 3}}") == []
    assert [code for code, _, _ in in_task("http: {url: u, x-a: 3}")] == ["YD401"]


def test_a_schema_behind_a_reference_is_asked_for_only_when_a_document_uses_it() -> None:
    asked: list[str] = []

    def resolve(ref: str) -> Schema:
        asked.append(ref)
        return HTTP

    check = compile_schema(PIPELINE, resolve)
    checking = Checking([], set(), no_constant)
    check(tree("pipeline: p\ntasks: {a: {bash: x}}"), None, checking)
    assert asked == []
    check(tree("pipeline: p\ntasks: {a: {http: x}, b: {http: y}}"), None, checking)
    assert asked == ["operators/http.json"]


def test_a_reference_leads_from_the_folder_of_all_schemas_wherever_it_stands() -> None:
    schemas: dict[str, Schema] = {
        "a/one.json": {"properties": {"x": {"$ref": "a/two.json#/definitions/y"}}},
        "a/two.json": {"definitions": {"y": {"$ref": "#/definitions/z"}, "z": {"$ref": "three.json"}}},
        "three.json": {"type": "null"},
    }
    asked: list[str] = []

    def resolve(name: str) -> Schema:
        asked.append(name)
        return schemas[name]

    checking = Checking([], set(), no_constant)
    check = compile_schema({"items": {"$ref": "a/one.json"}}, resolve)
    check(tree("[{x: 3}, {x: null}]"), None, checking)
    assert asked == ["a/one.json", "a/two.json", "three.json"]
    assert [d.message for d in checking.report] == ["`x` must be nothing, found `3`"]


def test_faulty_nodes_are_known_to_later_passes() -> None:
    document = tree("pipeline: p\ntasks:\n  a: {retries: x, zzz: 1, retry: 2, http: {}}\n")
    checking = Checking([], set(), no_constant)
    compile_schema(PIPELINE, lambda _: HTTP)(document, None, checking)
    assert isinstance(document, Map)
    tasks = document.items["tasks"][1]
    assert isinstance(tasks, Map)
    task = tasks.items["a"][1]
    assert isinstance(task, Map)
    faulty = {name for name, (_, value) in task.items.items() if id(value) in checking.faulty}
    assert faulty == {"retries", "zzz", "retry", "http"}
    assert id(task) not in checking.faulty


def test_a_thousand_misspelt_keys_are_all_told() -> None:
    tasks = "\n".join(f"  t{i}: {{retires: 1}}" for i in range(1000))
    found = checked(f"pipeline: p\ntasks:\n{tasks}\n")
    assert {d.help for d in found} == {"did you mean `retries`?"}
    assert len(found) == 1000


def folding(text: str, constants: dict[str, Node]) -> tuple[Node, list[Diagnostic], list[str]]:
    """The tree after the check, what was reported, and which texts were to be folded."""
    asked: list[str] = []

    def fold(scalar: Scalar) -> Node | None:
        asked.append(scalar.text)
        if scalar.text not in constants:
            checking.report.append(Diagnostic("YD505", "no constant", at(scalar)))
            return None
        return constants[scalar.text]

    document = tree(text)
    checking = Checking([], set(), fold)
    compile_schema(PIPELINE, lambda _: HTTP)(document, None, checking)
    return document, checking.report, asked


LIKE = tree("'{{ like }}'")


def test_a_constant_takes_the_place_of_its_template() -> None:
    text = "pipeline: p\nschedule: '{{ vars.s }}'\ntasks: {a: {tags: ['{{ vars.t }}', b]}}\n"
    constants = {"{{ vars.s }}": located({"every": "5m"}, LIKE), "{{ vars.t }}": located("t", LIKE)}
    document, report, _ = folding(text, constants)
    assert report == []
    assert plain(document) == {
        "pipeline": "p", "schedule": {"every": "5m"}, "tasks": {"a": {"tags": ["t", "b"]}},
    }  # fmt: skip


def test_a_constant_is_checked_in_its_place() -> None:
    text = "pipeline: p\ntasks: {a: {retries: '{{ vars.r }}'}}\n"
    _, report, _ = folding(text, {"{{ vars.r }}": located("many", LIKE)})
    assert [d.message for d in report] == [WHOLE + "`many`"]


def test_what_has_no_constant_is_told_by_the_folder_alone() -> None:
    text = "pipeline: p\ntasks:\n  a: {retries: &r '{{ run.id }}'}\n  b: {retries: *r}\n"
    _, report, asked = folding(text, {})
    assert ([d.message for d in report], asked) == (["no constant"], ["{{ run.id }}"])


def test_a_constant_that_is_a_template_again_does_not_go_round() -> None:
    text = "pipeline: p\ntasks: {a: {retries: '{{ vars.r }}'}}\n"
    _, report, _ = folding(text, {"{{ vars.r }}": located("{{ vars.r }}", LIKE)})
    assert [d.code for d in report] == ["YD505"]


def test_constants_are_folded_deep_below_a_key_that_takes_anything() -> None:
    document, report, _ = folding(
        "pipeline: p\nvars: {a: [{b: '{{ vars.x }}'}]}\ntasks: {a: {}}\n",
        {"{{ vars.x }}": located([1], LIKE)},
    )
    assert report == []
    assert isinstance(document, Map)
    assert plain(document.items["vars"][1]) == {"a": [{"b": [1]}]}


@pytest.mark.parametrize("line", ["needs: '{{ x }}'", "needs: ['{{ x }}']"])
def test_needs_are_never_templates(line: str) -> None:
    assert [(code, mark) for code, mark, _ in in_task(line)] == [("YD505", "'{{ x }}'")]


def test_an_id_is_never_a_template() -> None:
    assert [code for code, _, _ in said("pipeline: '{{ x }}'\ntasks: {a: {}}")] == ["YD505"]


@pytest.mark.parametrize(
    "line", ["bash: '{{ x }}'", "http: '{% if x %}y{% endif %}'", "http: {url: u, expect: '{{ x }}'}"]
)
def test_a_template_fits_any_type_where_templates_are_rendered(line: str) -> None:
    assert in_task(line) == []


def test_a_statement_is_plain_text_where_no_template_is_rendered() -> None:
    assert [code for code, _, _ in in_task("timeout: '{% x %}'")] == ["YD407"]


@pytest.mark.parametrize(
    "line",
    [
        "env: {'{{ x }}': 1}",
        "env: {a: [{'{{ x }}': 1}]}",
        "tasks: {'{{ x }}': {}}",
        "'{{ x }}': 1",
        "http: {url: u, '{{ x }}': 1}",
    ],
)
def test_a_key_is_never_a_template(line: str) -> None:
    assert [(code, mark) for code, mark, _ in in_task(line)] == [("YD505", "'{{ x }}'")]
