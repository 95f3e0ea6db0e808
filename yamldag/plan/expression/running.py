"""Runs templates that need Jinja, and says in words what went wrong and where."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from types import TracebackType
from typing import Any, NamedTuple

import jinja2
from jinja2 import Template, Undefined, UndefinedError, nodes
from jinja2.visitor import NodeTransformer

from yamldag.plan.expression import limits
from yamldag.plan.expression.analysis import Analysis, analyse, analyse_expression
from yamldag.plan.expression.reach import resolve
from yamldag.plan.expression.sandbox import ENVIRONMENT
from yamldag.plan.expression.tree import expression, marks_of, template
from yamldag.plan.expression.values import Json, TemplateError, json_of
from yamldag.plan.expression.written import as_written


class _Code(NamedTuple):
    """A template that is ready to run."""

    text: str
    analysis: Analysis
    template: Template


_RESULT = "result"
_FAILURES = (
    jinja2.TemplateError,
    TypeError,
    ValueError,
    ArithmeticError,
    LookupError,
    AttributeError,
    RecursionError,
)


def text_of_template(text: str, context: Mapping[str, Any], into_bash: bool = False) -> str:
    """The template as text; `into_bash`: what has neither `| sh` nor `| raw` must be safe in bash."""
    code = _template(text, into_bash)
    found: str = _guarded(code, context, lambda: _joined(code.template, context))
    return found


def value_of_template(text: str, context: Mapping[str, Any]) -> Json:
    """The value, as JSON, of a template that is one `{{ }}`."""
    return _value(_whole(text), context)


def value_of_expression(text: str, context: Mapping[str, Any]) -> Json:
    """The value, as JSON, of a bare expression."""
    return _value(_expression(text), context)


@lru_cache(maxsize=1024)
def _template(text: str, into_bash: bool) -> _Code:
    tree = template(text, list(marks_of(text)))
    if into_bash:
        _check_outputs(tree)
    return _compiled(text, analyse(text), tree)


def _check_outputs(tree: nodes.Node) -> None:
    """Has every value checked that goes into the script; what `set` keeps is checked where it is used."""
    for child in tree.iter_child_nodes():
        if isinstance(child, nodes.Output):
            child.nodes = [_checked(part) for part in child.nodes]
        elif not isinstance(child, nodes.AssignBlock | nodes.Expr):
            _check_outputs(child)


def _checked(part: nodes.Expr) -> nodes.Expr:
    return part if isinstance(part, nodes.TemplateData) else _filter(part, "bash")


@lru_cache(maxsize=1024)
def _whole(text: str) -> _Code:
    output = next(template(text, list(marks_of(text))).find_all(nodes.Output))
    found = next(child for child in output.nodes if not isinstance(child, nodes.TemplateData))
    return _compiled(text, analyse(text), _assigned(found))


@lru_cache(maxsize=1024)
def _expression(text: str) -> _Code:
    return _compiled(
        text, analyse_expression(text), _assigned(expression(text, list(marks_of(text, "variable"))))
    )


def _assigned(found: nodes.Expr) -> nodes.Template:
    target = nodes.Name(_RESULT, "store", lineno=1)
    return nodes.Template([nodes.Assign(target, found, lineno=1)], lineno=1)


def _compiled(text: str, analysis: Analysis, tree: nodes.Template) -> _Code:
    try:
        bounded = _Bounds().visit(tree)
        bounded.set_environment(ENVIRONMENT)
        return _Code(text, analysis, ENVIRONMENT.from_string(bounded))
    except (RecursionError, SyntaxError, MemoryError):
        raise TemplateError("the template is nested too deeply", 0, len(text)) from None


class _Bounds(NodeTransformer):
    """Rewrites what Jinja would do without asking the sandbox, so that it is counted."""

    def visit_Concat(self, node: nodes.Concat) -> nodes.Expr:  # noqa: N802
        self.generic_visit(node)
        return _filter(nodes.List(node.nodes, lineno=node.lineno), "~")

    def visit_Compare(self, node: nodes.Compare) -> nodes.Expr:  # noqa: N802
        self.generic_visit(node)
        node.expr = _filter(node.expr, "==")
        for operand in node.ops:
            operand.expr = _filter(operand.expr, "==")
        return node

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Expr:  # noqa: N802
        self.generic_visit(node)
        if isinstance(node.arg, nodes.Slice):
            node.node = _filter(node.node, "==")
        return node

    def visit_For(self, node: nodes.For) -> nodes.For:  # noqa: N802
        body = [part for child in node.body for part in child.find_all(nodes.Node)]
        steps = 1 + (len(body) + len(node.body)) // 10
        characters = sum(len(part.data) for part in body if isinstance(part, nodes.TemplateData))
        self.generic_visit(node)
        node.iter = _filter(node.iter, "for", steps, characters)
        return node


def _filter(node: nodes.Node, name: str, *args: int) -> nodes.Filter:
    assert isinstance(node, nodes.Expr)
    given = [nodes.Const(arg, lineno=node.lineno) for arg in args]
    return nodes.Filter(node, name, given, [], None, None, lineno=node.lineno)


# running


def _joined(code: Template, context: Mapping[str, Any]) -> str:
    pieces = []
    size = 0
    for piece in code.root_render_func(code.new_context(dict(context))):
        pieces.append(piece)
        size += len(piece)
        if size > limits.MAX_TEXT:
            limits.write(size)
    return "".join(pieces)


def _value(code: _Code, context: Mapping[str, Any]) -> Json:
    def run() -> Json:
        known = code.template.new_context(dict(context))
        for _ in code.template.root_render_func(known):
            pass
        value = known.vars[_RESULT]
        return None if type(value) is Undefined else json_of(value, limits.spend)

    found: Json = _guarded(code, context, run)
    return found


def _guarded(code: _Code, context: Mapping[str, Any], run: Callable[[], Any]) -> Any:
    """Runs a template; the border at which all that goes wrong in it becomes a TemplateError in its place."""
    try:
        with limits.budget():
            return run()
    except TemplateError as error:
        if error.end:
            raise
        raise _placed(error.message, error.__traceback__, code) from None
    except UndefinedError as error:
        raise _undefined(error, code, context) from None
    except _FAILURES as error:
        raise _placed(_words(error), error.__traceback__, code) from None


def _words(error: BaseException) -> str:
    if isinstance(error, RecursionError):
        return "the template is nested too deeply"
    if isinstance(error, ZeroDivisionError):
        return "a number is divided by zero"
    return "the values do not fit together, such as text compared with a number"


def _undefined(error: UndefinedError, code: _Code, context: Mapping[str, Any]) -> TemplateError:
    """Says which reference it was, as the template writes it, if one in that place can't be resolved."""
    placed = _placed(error.message or "", error.__traceback__, code)
    for reference in code.analysis.references:
        inside = placed.start <= reference.start < placed.end
        if inside and not reference.guarded and all(segment.name is not None for segment in reference.path):
            try:
                resolve(reference, context)
            except TemplateError as found:
                return found
    return placed


def _placed(message: str, trace: TracebackType | None, code: _Code) -> TemplateError:
    start, end = _place(trace, code)
    return TemplateError(f"{message}, in `{_shown(code.text[start:end])}`", start, end)


def _place(trace: TracebackType | None, code: _Code) -> tuple[int, int]:
    """The `{{ }}` or the statement that ran when it happened: the innermost line of the template's code."""
    offset = 0
    while trace:
        if trace.tb_frame.f_globals.get("__jinja_template__") is code.template:
            offset = code.template.get_corresponding_lineno(trace.tb_lineno)
        trace = trace.tb_next
    for output in code.analysis.outputs:
        if code.analysis.whole or output.start <= offset < output.end:
            return output.start, output.end
    for start, end in code.analysis.tags:
        if start <= offset < end:
            return start, end
    return 0, len(code.text)


def _shown(text: str) -> str:
    line = " ".join(as_written(text).split())
    return line if len(line) <= 60 else line[:59] + "…"
