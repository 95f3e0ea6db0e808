"""Where one statement of a script ends, and which colons in it name a value."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from yamldag.executors.statements import statements


def _texts(script: str, **how: bool) -> list[str]:
    """The statements as SQLAlchemy sends them."""
    found = statements(script, by_position=how.get("by_position", False), escapes=how.get("escapes", False))
    return [str(sa.text(each.text)) for each in found]


@pytest.mark.parametrize(
    ("script", "wanted"),
    [
        ("select 1; select 2;", ["select 1", "select 2"]),
        ("select ';' ; ; select \";\"", ["select ';'", 'select ";"']),
        ("select 1 -- ; no\n; /* ; */ select 2", ["select 1 -- ; no", "/* ; */ select 2"]),
        ("-- nothing\n/* at all */", []),
        ("select $$a;b$$; select $x$ $$;' $x$", ["select $$a;b$$", "select $x$ $$;' $x$"]),
        ("select `a;b`", ["select `a;b`"]),
        ("select 'it''s; so'", ["select 'it''s; so'"]),
        ("select 'C:\\'; select 2", ["select 'C:\\'", "select 2"]),
        ("select a::text, '12:30', b[1:2]", ["select a::text, '12:30', b[1:2]"]),
        (
            "create trigger t after insert on a begin update b set c = 1; delete from d; end; select 1",
            ["create trigger t after insert on a begin update b set c = 1; delete from d; end", "select 1"],
        ),
        (
            "create or replace function f() returns int as $$ begin return 1; end; $$ language plpgsql; select f()",
            [
                "create or replace function f() returns int as $$ begin return 1; end; $$ language plpgsql",
                "select f()",
            ],
        ),
        (
            "create procedure p() begin set @a = case when 1 then 2 end; if 1 then select 3; end if; end -- that\n; call p()",
            [
                "create procedure p() begin set @a = case when 1 then 2 end; if 1 then select 3; end if; end -- that",
                "call p()",
            ],
        ),
        (
            "/* begin */ create function f() returns text as 'begin;'; select 1",
            ["/* begin */ create function f() returns text as 'begin;'", "select 1"],
        ),
    ],
)
def test_statements(script: str, wanted: list[str]) -> None:
    assert _texts(script) == wanted


def test_a_backslash_keeps_a_quote_from_ending_a_text_in_mysql() -> None:
    assert _texts("select 'it\\'s; so'; select 2", escapes=True) == ["select 'it\\'s; so'", "select 2"]


def test_names_of_values() -> None:
    (found,) = statements("select :a, ':b', c::d, :e_1 -- :f", by_position=False, escapes=False)
    assert found.names == ("a", "e_1")
    (found,) = statements("select ?, '?', :a, ?", by_position=True, escapes=False)
    assert found.names == ("_1", "_2")
