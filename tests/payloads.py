"""Texts that a careless paste into a shell, or into a template, would run."""

from __future__ import annotations

import string
from itertools import product

PLAIN = set(string.ascii_letters + string.digits + "_@%+=:,./-")


def payloads() -> list[str]:
    """Texts that a careless paste would run, split, expand or take for an option."""
    acts = ("touch $MARK", "touch ${MARK}", 'echo x > "$MARK"', "exit 0", "kill $$")
    shapes = (
        "; {}", "&& {}", "|| {}", "| {}", "& {}", "\n{}\n", "$({})", "`{}`", "'; {} #", '"; {} #', "'\"; {} #",
        "$({}", "a; {}", "<({})", "${{x:-$({})}}", "{{{},}}", "\\\n{}", "a\r\n{}", "x=1; {}", "$(( $({}) ))", "!!; {}",
        "a || {} #", "[[ -v $({}) ]]", ") {} (", "}}; {}", "fi; {}", "done; {}", "EOF\n{}\nEOF",
    )  # fmt: skip
    made = [shape.format(act) for shape, act in product(shapes, acts)]
    made += [f"a{sign}b" for sign in string.punctuation if sign not in PLAIN]
    made += [f"a{sign}b" for sign in "\n\r\x0b\x0c\x1b\x7f\u00a0\u2028\u200b\u0085"]
    made += [
        "-rf",
        "--help",
        "-",
        "-n x",
        "a -b",
        "-e 1",
        "-1x",
        "--1",
        "-1-",
        "-inf",
        "~",
        "~root",
        "*",
        "?",
        "[a]",
        "#x",
        "a b;c",
    ]
    made += [
        "$MARK",
        "${MARK}",
        "$1",
        "!x",
        "=$(id)",
        "a=$(id)",
        "{a,b}",
        "<x",
        ">x",
        "2>&1",
        "\\",
        "a\\",
        "'",
        '"',
        "`",
    ]
    return list(dict.fromkeys(made))


TEMPLATES = (
    "{{ 6 * 7 }}",
    "{{ item }}",
    "{{ cycler.__init__.__globals__.os.system('touch $MARK') }}",
    "{% raw %}",
    "{% endraw %}{{ 6 * 7 }}",
    "{# gone #}",
    "{#",
    "$(MARK)",
    "$$(MARK)",
    "%(MARK)s",
    "<% MARK %>",
)
"""Texts that one would be put into, or be taken for a template: by us, by dbt, by Airflow, by a cluster."""
