"""The filters of templates: our own, and Jinja's within bounds."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from functools import wraps
from typing import Any

import jinja2.filters
from jinja2 import Undefined, pass_context
from jinja2.exceptions import FilterArgumentError
from jinja2.runtime import Context

from yamldag.plan.expression import dates, limits, texts
from yamldag.plan.expression.values import Absent, TemplateError, json_of, kind_of, text_of, unsafe_bare
from yamldag.plan.expression.vocabulary import JINJA_FILTERS

_MISFITS = (
    TypeError,
    ValueError,
    ArithmeticError,
    LookupError,
    AttributeError,
    FilterArgumentError,
)

_LOOKS = {
    **dict.fromkeys(("length", "count", "first", "last"), lambda _: None),
    **dict.fromkeys(("sort", "unique", "min", "max", "groupby", "dictsort"), limits.compared),
}


def bounded(name: str, apply: Callable[..., Any]) -> Callable[..., Any]:
    """A filter that counts what it costs and fails in words."""
    look = _LOOKS.get(name, limits.looked_at)
    own = 1 if hasattr(apply, "jinja_pass_arg") else 0

    @wraps(apply)
    def call(*args: Any, **kwargs: Any) -> Any:
        value, *extras = args[own:]
        if isinstance(value, Absent):
            value.fail()
        look(value)
        for extra in (*extras, *kwargs.values()):
            limits.width(extra)
        try:
            result = apply(*args, **kwargs)
            paid = limits.paid(result)
            return result if isinstance(result, Ready) else paid
        except _MISFITS:
            raise TemplateError(f"`| {name}` can't be applied to {kind_of(value)} in this way") from None

    return call


class Ready(str):
    """Text that its author has let into the shell."""

    __slots__ = ()


def sh(value: Any) -> Ready:
    """Quoted, so that the shell takes it as one word."""
    return Ready(shlex.quote(text_of(value, limits.spend)))


def raw(value: Any) -> Ready:
    """Let into the shell as it is."""
    return Ready(text_of(value, limits.spend))


def string(value: Any) -> str:
    """Any value as text."""
    return text_of(value, limits.spend)


@pass_context
def ds(context: Context, value: Any) -> str:
    """The date, as 2026-01-31."""
    return dates.read(_given(value, "ds"), _zone(context)).date().isoformat()


@pass_context
def ts(context: Context, value: Any) -> str:
    """The moment, as ISO 8601 with offset."""
    return dates.read(_given(value, "ts"), _zone(context)).isoformat()


@pass_context
def date_(context: Context, value: Any, form: str = "%Y-%m-%d") -> str:
    """The moment in a form of one's own, such as `%d %B %Y`."""
    if not isinstance(form, str):
        raise TemplateError(f"`| date` wants a form such as '%Y-%m-%d', found {kind_of(form)}")
    return dates.written(dates.read(_given(value, "date"), _zone(context)), form)


def add_days(value: Any, days: Any) -> Any:
    """So many days later, of the same kind: text stays text, a date a date."""
    if isinstance(days, bool) or not isinstance(days, int):
        raise TemplateError(f"`| add_days` wants a whole number of days, found {kind_of(days)}")
    return dates.add_days(_given(value, "add_days"), days)


def _given(value: Any, name: str) -> str | date | datetime:
    if isinstance(value, str | date):
        return value
    raise TemplateError(f"`| {name}` wants a date, found {kind_of(value)}")


def _zone(context: Context) -> Any:
    moment = context.get("logical_date")
    return moment.tzinfo if isinstance(moment, datetime) else None


def tojson(value: Any, indent: int | None = None) -> str:
    """As JSON text."""
    return json.dumps(json_of(value, limits.spend), ensure_ascii=False, indent=indent)


@pass_context
def join(context: Context, value: Any, d: Any = "", attribute: str | int | None = None) -> str:
    """One text of a list's items, with `d` between them."""
    return texts.joined(_attributes(context, value, attribute), text_of(d))


@pass_context
def total(context: Context, value: Any, attribute: str | int | None = None, start: Any = 0) -> Any:
    """The sum of numbers."""
    result = start
    for item in (start, *_attributes(context, value, attribute)):
        if isinstance(item, str | list | tuple | Mapping):
            raise TemplateError(f"`| sum` adds numbers, found {kind_of(item)}")
        result = result if item is start else limits.calculate("+", result, item)
    return result


def _attributes(context: Context, value: Any, attribute: str | int | None) -> Iterable[Any]:
    if attribute is None:
        return value  # type: ignore[no-any-return]
    return map(jinja2.filters.make_attrgetter(context.environment, attribute), value)


def format_(value: Any, *args: Any, **kwargs: Any) -> str:
    """`'%05d' | format(7)`"""
    if args and kwargs:
        raise TypeError
    return texts.percent(text_of(value), kwargs or args)


def default(value: Any, default_value: Any = "", boolean: bool = False) -> Any:
    """Another value where a name or key is not there."""
    return default_value if isinstance(value, Undefined) or (boolean and not value) else value


def escape(value: Any) -> str:
    """For HTML."""
    return str(jinja2.filters.FILTERS["escape"](text_of(value)))


# What follows has no name that a template can write: statements and operators are rewritten to it.


def _walked(items: Any, steps: int, characters: int) -> Any:
    """What a `for` walks over, paid beforehand: so many steps and characters of text for each item."""
    if isinstance(items, Absent):
        items.fail()
    if not isinstance(items, Iterable):
        raise TemplateError(f"`for` wants a list, found {kind_of(items)}")
    items = items if isinstance(items, str | list | tuple | Mapping | range) else limits.paid(iter(items))
    limits.spend(len(items) * steps)
    limits.make(len(items) * characters)
    return items


def _compared(value: Any) -> Any:
    limits.compared(value)
    return value


def _into_bash(value: Any) -> str:
    """A value on its way into a script: plain words, unless it comes from `| sh` or `| raw`."""
    if isinstance(value, Undefined) and not isinstance(value, Absent):
        return ""
    if isinstance(value, Ready):
        return value
    text = text_of(value, limits.spend)
    reason = unsafe_bare(text)
    if reason:
        raise TemplateError(f"the value can't go into a shell as it is, as {reason}; {QUOTE_IT}")
    return text


QUOTE_IT = "quote it with `| sh`, or hand it over in `env`"


def _table() -> dict[str, Callable[..., Any]]:
    own: dict[str, Callable[..., Any]] = {
        "sh": sh, "raw": raw, "string": string, "ds": ds, "ts": ts, "date": date_, "add_days": add_days,
        "tojson": tojson, "replace": texts.replace, "join": join, "indent": texts.indent, "sum": total,
        "format": format_, "escape": escape, "e": escape,
    }  # fmt: skip
    jinja = {name: jinja2.filters.FILTERS[name] for name in JINJA_FILTERS}
    table = {name: bounded(name, apply) for name, apply in {**jinja, **own}.items()}
    unnamed: dict[str, Callable[..., Any]] = {"~": texts.joined, "for": _walked, "==": _compared}
    return {**table, "default": default, "d": default, "bash": _into_bash, **unnamed}


FILTERS = _table()
"""All filters by name."""
