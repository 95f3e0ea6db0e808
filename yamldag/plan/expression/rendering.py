"""Renders templates in a run. Jinja is imported only for what needs it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from yamldag.plan.expression import limits
from yamldag.plan.expression.analysis import Analysis, Reference, analyse, analyse_expression
from yamldag.plan.expression.reach import resolve
from yamldag.plan.expression.values import Json, TemplateError, json_of, kind_of, text_of, unsafe_bare
from yamldag.plan.expression.written import chain

MAX_ITEMS = limits.MAX_ITEMS
QUOTE_IT = "quote it with `| sh`, or hand it over in `env`"


def render(value: Json, context: Mapping[str, Any]) -> Json:
    """The value with every string in it rendered, at any depth; a string that is one `{{ }}` keeps its type.

    Dates become ISO 8601 text with their offset. Raises TemplateError.
    """
    if isinstance(value, str):
        return _whole(value, context) if "{" in value else value
    if isinstance(value, list):
        return [render(item, context) for item in value]
    if isinstance(value, dict):
        return {name: render(item, context) for name, item in value.items()}
    return value


def render_text(text: str, context: Mapping[str, Any]) -> str:
    """The template as text: other types as JSON, dates as ISO 8601. Raises TemplateError."""
    return _text(text, context, into_bash=False)


def render_shell(text: str, context: Mapping[str, Any]) -> str:
    """The template as a bash script: what comes without `| sh` or `| raw` must be plain words.

    Raises TemplateError, before anything has run.
    """
    return _text(text, context, into_bash=True)


def render_script(value: Json, context: Mapping[str, Any], words: bool) -> Json:
    """A script, as `render_shell` has it; where there may be `words`, also a list of them, which no shell reads.

    Raises TemplateError.
    """
    if not isinstance(value, str):
        return render(value, context)
    if words and analyse(value).whole and isinstance(found := render(value, context), list):
        return found
    return render_shell(value, context)


def condition(expression: str | bool, context: Mapping[str, Any]) -> bool:
    """Whether a `when` holds: null, zero and what is empty do not; text raises TemplateError."""
    if isinstance(expression, bool):
        return expression
    value = evaluate(expression, context)
    if isinstance(value, str):
        message = "text is neither true nor false; compare it with something"
        raise TemplateError(message, 0, len(expression))
    return bool(value)


def evaluate(expression: str, context: Mapping[str, Any]) -> Json:
    """The value of a bare expression, or of one `{{ }}`. Raises TemplateError."""
    if "{{" in expression and analyse(expression).whole:
        return _whole(expression, context)
    analysis = _sound(analyse_expression(expression))
    if analysis.parts is not None:
        return _resolved(analysis.references[0], context)
    from yamldag.plan.expression.running import value_of_expression

    return _writable(value_of_expression(expression, context))


def items(value: Json, context: Mapping[str, Any]) -> list[Json]:
    """What `foreach` walks over: at most 100,000 items, a list or a template of one. Raises TemplateError."""
    found = render(value, context)
    if not isinstance(found, list):
        raise TemplateError(f"a list is wanted, found {kind_of(found)}")
    if len(found) > MAX_ITEMS:
        raise TemplateError(f"a list of at most {MAX_ITEMS:,} items is wanted, found {len(found):,}")
    return found


def _whole(text: str, context: Mapping[str, Any]) -> Json:
    analysis = _sound(analyse(text))
    if not analysis.whole:
        return _text(text, context, into_bash=False)
    if analysis.parts is not None:
        return _resolved(analysis.references[0], context)
    from yamldag.plan.expression.running import value_of_template

    return _writable(value_of_template(text, context))


def _text(text: str, context: Mapping[str, Any], into_bash: bool) -> str:
    if "{" not in text:
        return text
    analysis = _sound(analyse(text))
    if analysis.literal:
        return text
    if analysis.parts is None:
        from yamldag.plan.expression.running import text_of_template

        return _writable(text_of_template(text, context, into_bash))
    with limits.budget():
        parts = analysis.parts
        pieces = [part if isinstance(part, str) else _piece(part, context, into_bash) for part in parts]
    return _writable("".join(pieces))


def _piece(reference: Reference, context: Mapping[str, Any], into_bash: bool) -> str:
    try:
        text = text_of(resolve(reference, context), limits.spend)
        limits.write(len(text))
    except TemplateError as error:
        raise _at(error, reference.start, reference.stop) from None
    reason = unsafe_bare(text) if into_bash else None
    if reason:
        message = f"the value of `{chain(reference)}` can't go into a shell as it is, as {reason}; {QUOTE_IT}"
        raise TemplateError(message, reference.start, reference.stop)
    return text


def _resolved(reference: Reference, context: Mapping[str, Any]) -> Json:
    try:
        with limits.budget():
            return _writable(json_of(resolve(reference, context), limits.spend))
    except TemplateError as error:
        raise _at(error, reference.start, reference.stop) from None


def _at(error: TemplateError, start: int, end: int) -> TemplateError:
    return error if error.end else TemplateError(error.message, start, end)


def _sound(analysis: Analysis) -> Analysis:
    """A plan holds checked templates alone; one from elsewhere is refused in the words of its first fault."""
    for fault in analysis.faults:
        raise TemplateError(fault.message, fault.start, fault.end)
    return analysis


T = TypeVar("T")


def _writable(value: T) -> T:
    try:
        if isinstance(value, str):
            value.encode()
    except UnicodeEncodeError:
        raise TemplateError("the template gives half a character, which no text can hold") from None
    return value
