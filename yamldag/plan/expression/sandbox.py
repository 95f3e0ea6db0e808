"""The environment in which templates run: Jinja's sandbox with our rules and bounds."""

from __future__ import annotations

from typing import Any, NoReturn

from jinja2 import StrictUndefined, Undefined, pass_context
from jinja2.filters import _GroupTuple
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.tests import TESTS as JINJA_TESTS
from jinja2.utils import missing

from yamldag.plan.expression import limits, texts, vocabulary
from yamldag.plan.expression.filters import FILTERS
from yamldag.plan.expression.reach import missing_words, reach, reach_item
from yamldag.plan.expression.values import Absent, TemplateError, text_of


class Missing(StrictUndefined, Absent):
    """A name or key that is not there. What hangs on it is missing too, and any use of it fails in words."""

    __slots__ = ()

    def fail(self) -> NoReturn:
        self._fail_with_undefined_error()

    @property
    def _undefined_message(self) -> str:
        if self._undefined_hint:
            return "a value is wanted where there is none"
        if self._undefined_obj is missing:
            return f"there is no `{self._undefined_name}`"
        return missing_words(self._undefined_obj, self._undefined_name)


class Sandbox(ImmutableSandboxedEnvironment):
    """A dot reaches what `reach` says; every operator is bounded."""

    intercepted_binops = frozenset(["+", "-", "*", "/", "//", "**", "%"])

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, Undefined):
            return obj
        if isinstance(obj, LoopContext):
            known = attribute in vocabulary.LOOP_METHODS | vocabulary.LOOP_FIELDS
            return getattr(obj, attribute) if known else self._missing(obj, attribute)
        if isinstance(obj, _GroupTuple) and attribute in ("grouper", "list"):
            return getattr(obj, attribute)
        return reach(obj, attribute, self._missing)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(argument, Absent):
            argument.fail()
        return obj if isinstance(obj, Undefined) else reach_item(obj, argument, self._missing)

    def _missing(self, obj: Any, name: Any) -> Undefined:
        return self.undefined(obj=obj, name=name)

    def call_binop(self, _: Context, operator: str, left: Any, right: Any) -> Any:
        for value in (left, right):
            if isinstance(value, Absent):
                value.fail()
        if operator == "%" and isinstance(left, str):
            return texts.percent(left, right)
        return limits.calculate(operator, left, right)


def _range(*args: Any) -> range:
    try:
        made = range(*args)
        length = len(made)
    except (TypeError, ValueError):
        raise TemplateError("`range` wants one to three whole numbers") from None
    except OverflowError:
        length = limits.MAX_ITEMS + 1
    limits.count(length)
    return made


@pass_context
def _finished(_: Context, value: Any) -> str:
    """A value as it stands in text. As it asks for the context, Jinja computes no constants beforehand."""
    if isinstance(value, Undefined) and not isinstance(value, Absent):
        return ""  # an inline `if` without `else`
    text = text_of(value, limits.spend)
    limits.write(len(text))
    return text


def _environment() -> Sandbox:
    made = Sandbox(
        undefined=Missing,
        comment_start_string="\ufdd0#",  # no text holds it: `{#` is bash
        comment_end_string="#\ufdd0",
        keep_trailing_newline=True,
        optimized=False,
        autoescape=False,
        cache_size=0,
        finalize=_finished,
    )
    made.globals = {"range": _range, "dict": dict}
    made.filters = dict(FILTERS)
    made.tests = {name: JINJA_TESTS[name] for name in vocabulary.TESTS}
    return made


ENVIRONMENT = _environment()
