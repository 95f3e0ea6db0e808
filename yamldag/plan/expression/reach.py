"""What a dot or a bracket reaches: on a mapping a key and never a method, on all else only what is listed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from functools import partial
from typing import Any

from yamldag.plan.expression import dates, limits, texts, vocabulary
from yamldag.plan.expression.reference import Reference
from yamldag.plan.expression.values import TemplateError, kind_of
from yamldag.plan.expression.written import chain


def resolve(reference: Reference, context: Mapping[str, Any]) -> Any:
    """The value of a reference with constant keys; raises TemplateError, in its place, if it is not there."""
    if reference.root not in context:
        raise TemplateError(f"there is no `{reference.root}`", reference.start, reference.end)
    value = context[reference.root]
    for steps, segment in enumerate(reference.path):
        owner = value
        value = _step(owner, segment.name)
        if value is _NOT_THERE:
            words = missing_words(owner, segment.name, chain(reference, steps))
            raise TemplateError(words, segment.start, segment.end)
    return value


_NOT_THERE = object()


def _step(owner: Any, name: Any) -> Any:
    take = reach if isinstance(name, str) else reach_item
    return take(owner, name, lambda *_: _NOT_THERE)


def missing_words(owner: Any, name: object, path: str = "") -> str:
    """Why `owner` has no `name`; `path` is how the template calls the owner."""
    what = kind_of(owner)
    called = f"`{path}`" if path else what
    if isinstance(owner, list | tuple) and isinstance(name, int):
        return f"{called} has {len(owner)} items and no item {name}"
    if isinstance(owner, Mapping):
        return f"{called} has no key `{name}`"
    is_ = f"{called} is {what}" if path else f"{what} is no mapping"
    return f"{is_} and has no key `{name}`" + (
        " (`| default(…)` gives a value for that)" if owner is None else ""
    )


def reach(obj: Any, name: str, missing: Callable[[Any, Any], Any]) -> Any:
    """`obj.name`, or what `missing(obj, name)` gives."""
    if isinstance(obj, Mapping):
        return _key(obj, name, missing)
    for kind, methods, fields in _REACHABLE:
        if isinstance(obj, kind):
            if name in fields and hasattr(obj, name):
                return getattr(obj, name)
            return _method(obj, name) if name in methods and hasattr(obj, name) else missing(obj, name)
    return missing(obj, name)


def reach_item(obj: Any, key: Any, missing: Callable[[Any, Any], Any]) -> Any:
    """`obj[key]`, likewise."""
    if isinstance(obj, Mapping):
        return _key(obj, key, missing)
    if isinstance(obj, str | list | tuple | range) and isinstance(key, int):
        return obj[key] if -len(obj) <= key < len(obj) else missing(obj, key)
    return missing(obj, key)


def _key(obj: Mapping[Any, Any], name: Any, missing: Callable[[Any, Any], Any]) -> Any:
    try:
        return obj[name]
    except (KeyError, TypeError):
        return missing(obj, name)


_NOTHING: frozenset[str] = frozenset()
_REACHABLE: tuple[tuple[type[Any], frozenset[str], frozenset[str]], ...] = (
    (str, vocabulary.TEXT_METHODS, _NOTHING),
    (list, vocabulary.LIST_METHODS, _NOTHING),
    (tuple, vocabulary.LIST_METHODS, _NOTHING),
    (date, vocabulary.DATE_METHODS, vocabulary.DATE_FIELDS),
    (timedelta, vocabulary.SPAN_METHODS, vocabulary.SPAN_FIELDS),
)
_BOUNDED: dict[str, Callable[..., Any]] = {
    "replace": texts.replace,
    "join": lambda between, pieces: texts.joined(pieces, between),
    "format": texts.fill,
    "expandtabs": texts.expand,
}


def _method(obj: Any, name: str) -> Callable[..., Any]:
    found = _BOUNDED.get(name) if isinstance(obj, str) else None
    found = dates.written if name == "strftime" else found
    call = partial(found, obj) if found else getattr(obj, name)

    def method(*args: Any, **kwargs: Any) -> Any:
        limits.looked_at(obj)
        for value in (*args, *kwargs.values()):
            limits.width(value)
            limits.looked_at(value)
        try:
            return limits.paid(call(*args, **kwargs))
        except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError):
            raise TemplateError(f"`.{name}()` of {kind_of(obj)} can't be called in this way") from None

    return method
