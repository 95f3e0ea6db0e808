"""What may go into a bash script, and where."""

from __future__ import annotations

import shutil
import subprocess
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from yamldag.plan.expression import Reference, TemplateError, analyse, render_shell, unsafe_bare
from yamldag.plan.expression.shell import MISSING, Missing, shell_faults, shell_quotes
from yamldag.plan.expression.values import Json

BASH = shutil.which("bash") or "/bin/bash"


@pytest.mark.parametrize(
    "value",
    [
        "",
        "orders",
        "a b",
        "s3://bucket/key_1.csv",
        "2026-01-01T00:00:00+09:00",
        "a=b,c%d@e",
        "é日本",
        "-1",
        "-1.5e-3",
        3,
        -4,
        0.5,
        True,
        None,
    ],
)
def test_plain_words_and_numbers_may_go_bare(value: Json) -> None:
    assert unsafe_bare(value) is None


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("a;b", "it holds `;`"),
        ("$(rm)", "it holds `$`"),
        ("`rm`", "it holds a backtick"),
        ("it's", "it holds `'`"),
        ("a\nb", "it holds a line break"),
        ("a\x00", "it holds the character U+0000"),
        ("~root", "it holds `~`"),
        ("*", "it holds `*`"),
        ("-rf", "a word of it begins with `-`"),
        ("a --b", "a word of it begins with `-`"),
        ("-", "a word of it begins with `-`"),
        ([1, 2], "it holds `[`"),
        ({"a": 1}, "it holds `{`"),
    ],
)
def test_anything_else_may_not_and_the_reason_is_told(value: Json, reason: str) -> None:
    assert unsafe_bare(value) == reason


words = st.text(st.sampled_from("_@%+=:,./- \t") | st.characters(categories=["L", "N"]), min_size=1)


@settings(max_examples=50)
@given(words)
def test_bash_takes_what_may_go_bare_for_the_same_words(value: str) -> None:
    assume(unsafe_bare(value) is None)
    done = subprocess.run(
        [BASH, "-c", f"printf '%s\\n' x {value}"], capture_output=True, text=True, check=True
    )
    assert done.stdout.split("\n")[1:-1] == value.split()


def script(text: str, **params: Any) -> str:
    return render_shell(text, {"params": params})


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("echo {{ params.x }}", None),
        ('echo "{{ params.x }}"', None),
        ("echo '{{ params.x }}'", None),
        ("echo {{ params.x ~ '' }}", None),
        ("echo {{ params.x | upper }}", None),
        ("echo {{ params.x | sh | trim }}", None),
        ("echo {{ [params.x] | map('sh') | join(' ') }}", None),
        ("{% for x in [params.x] %}{{ x }}{% endfor %}", None),
        ("{% set q = params.x %}{{ q }}", None),
        ("{% set q %}{{ params.x }}{% endset %}{{ q }}", None),
        ("echo {{ params.x | sh }}", "echo 'a; b'"),
        ("echo {{ params.x | raw }}", "echo a; b"),
        ("echo {{ params.x | upper | sh }}", "echo 'A; B'"),
        ("echo {{ params.x | sh if true else '' }}", "echo 'a; b'"),
        ("echo {{ [params.x] | map('sh') | join(' ') | raw }}", "echo 'a; b'"),
        ("{% set q = params.x | sh %}echo {{ q }}", "echo 'a; b'"),
        ("{% set q %}{{ params.x }}{% endset %}echo {{ q | sh }}", "echo 'a; b'"),
        ("echo {{ params.x | length }}", "echo 4"),
        ("echo ${#a[@]} {{ params.x == 'y' }}", "echo ${#a[@]} false"),
    ],
)
def test_only_what_is_quoted_or_let_through_goes_into_a_script(text: str, wanted: str | None) -> None:
    if wanted is None:
        with pytest.raises(TemplateError, match=r"can't go into a shell as it is, as it holds `[;']`"):
            script(text, x="a; b")
    else:
        assert script(text, x="a; b") == wanted


def test_the_refusal_does_not_show_the_value() -> None:
    for text in ("{{ params.x }}", "{{ params.x | lower }}"):
        with pytest.raises(TemplateError) as caught:
            script(text, x="hunter2;")
        assert "hunter2" not in caught.value.message
        assert text[caught.value.start : caught.value.end] == text[3:-3]


@settings(max_examples=50)
@given(st.text(st.characters(exclude_characters="\x00\r", exclude_categories=["Cs"])))
def test_bash_gives_back_what_was_quoted(value: str) -> None:
    done = subprocess.run(
        [BASH, "-c", script("printf %s {{ params.x | sh }}", x=value)], capture_output=True, check=True
    )
    assert done.stdout.decode() == value


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("echo {{ a }}", ["bare"]),
        ('echo "{{ a }}" {{ b }}', ["double", "bare"]),
        ("echo '{{ a }}' {{ b }}", ["single", "bare"]),
        ('echo "it\'s {{ a }}" {{ b }}', ["double", "bare"]),
        ("echo '\"{{ a }}' {{ b }}", ["single", "bare"]),
        ("echo \\\"{{ a }} \\'{{ b }}", ["bare", "bare"]),
        ('echo "\\"{{ a }}" {{ b }}', ["double", "bare"]),
        ("echo '\\' {{ a }}", ["bare"]),
        ("echo $'\\'{{ a }}' {{ b }}", ["single", "bare"]),
        ('echo "$(ls {{ a }} "{{ b }}") {{ c }}"', ["bare", "double", "double"]),
        ('echo "`ls {{ a }}` {{ b }}"', ["bare", "double"]),
        ('echo "${x:-{{ a }}}" ${x:-{{ b }}}', ["double", "bare"]),
        ("# it's {{ a }}\necho {{ b }}", ["comment", "bare"]),
        ("echo a#'{{ a }}' $# ${#x} {{ b }}", ["single", "bare"]),
        ("cat <<EOF\nit's {{ a }}\nEOF\necho {{ b }}", ["heredoc", "bare"]),
        ("cat <<-'E' > x\n\t\"{{ a }}\n\tE\necho '{{ b }}'", ["heredoc", "single"]),
        ("cat <<A <<B\n{{ a }}\nA\n'{{ b }}\nB\n{{ c }}", ["heredoc", "heredoc", "bare"]),
        ("cat <<< '{{ a }}' {{ b }}", ["single", "bare"]),
        ("x=$(( 1 << 2 )); echo {{ a }}", ["bare"]),
        ("{% if a %}'{{ b }}'{% endif %} {{ c }}", ["single", "bare"]),
        ("{% raw %}'{% endraw %}{{ a }}'", ["single"]),
        ('echo {{ "it\'s" }} {{ a }}', ["bare", "bare"]),
        ("plain", []),
    ],
)
def test_where_a_value_stands_in_a_script(text: str, wanted: list[str]) -> None:
    assert list(shell_quotes(text)) == wanted


@given(st.text(alphabet="'\"\\`$({})#<\n aE", max_size=30))
def test_no_script_whatever_makes_the_scan_fail(text: str) -> None:
    assert len(shell_quotes(text + "{{ a }}")) == len(analyse(text + "{{ a }}").outputs)


def known(reference: Reference) -> Json | Missing:
    values: dict[object, Json] = {"bad": "a; b", "good": "orders", "list": [1]}
    return values.get(reference.path[0].name, MISSING) if reference.root == "params" else MISSING


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("echo '{{ params.x | sh }}'", [("YD508", "sh")]),
        ('echo "{{ params.x | upper | sh }}"', [("YD508", "sh")]),
        ('echo "$(cat {{ params.x | sh }})"', []),
        ("cat <<E\n{{ params.x | sh }}\nE\n", []),
        ("echo {{ params.bad }}", [("YD507", "params.bad")]),
        ('echo "{{ params.bad }}"', [("YD507", "params.bad")]),
        ("echo {{ params.bad | sh }} {{ params.bad | raw }} {{ params.good }}", []),
        ("echo {{ params.list }}", [("YD507", "params.list")]),
        ("echo {{ 'a;b' }} {{ 'ok' }} {{ 3 }}", [("YD507", "'a;b'")]),
        ("echo {{ params.unknown }} {{ tasks.a.output }}", []),
    ],
)
def test_what_can_be_known_is_told_beforehand(text: str, wanted: list[tuple[str, str]]) -> None:
    found = shell_faults(text, analyse(text), known)
    assert [(fault.code, text[fault.start : fault.end]) for fault in found] == wanted
