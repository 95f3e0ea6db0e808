"""Finds references, outputs and faults in Jinja's syntax tree."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from jinja2 import TemplateSyntaxError, nodes

from yamldag.plan.expression.kinds import kind
from yamldag.plan.expression.reference import Analysis, Fault, Output, Reference, Segment, kind_of
from yamldag.plan.expression.tree import expression, marks_of, template
from yamldag.plan.expression.values import text_of
from yamldag.plan.expression.vocabulary import FILTERS, FORBIDDEN, FUNCTIONS, METHODS, ROOTS, TESTS
from yamldag.plan.expression.wording import nearest, syntax_fault, too_deep

if TYPE_CHECKING:
    from collections.abc import Iterator

    from yamldag.plan.expression.tokens import Mark

MAX_DEPTH = 110
"""Nodes above one another: a hundred levels, and room for the template and the `{{ }}` around them."""
MAX_LOOPS = 15
"""Loops within loops: Python itself stops at twenty blocks."""


def read(text: str) -> Analysis:
    """The analysis of a template."""
    return _guarded(text, None, _read_template)


def read_expression(text: str) -> Analysis:
    """The analysis of a bare expression."""
    if not text.strip():
        return Analysis(faults=(Fault("YD501", "the expression is empty", 0, len(text)),))
    return _guarded(text, "variable", _read_expression)


def _guarded(text: str, state: str | None, go_on: Callable[[str, list[Mark]], Analysis]) -> Analysis:
    marks: list[Mark] = []
    try:
        marks.extend(marks_of(text, state))  # those before a mistake are kept
        forbidden = (*_open_raw(marks), *_forbidden(marks))
        return Analysis(faults=forbidden) if forbidden else go_on(text, marks)
    except TemplateSyntaxError as error:
        return Analysis(faults=(syntax_fault(error.message or "", error.lineno, text, marks),))
    except (RecursionError, _TooDeepError):
        return Analysis(faults=(too_deep(text),))
    except ValueError:  # a whole number of more digits than Python reads
        return Analysis(faults=(Fault("YD501", "a number in the template is too large", 0, len(text)),))


def _open_raw(marks: list[Mark]) -> Iterator[Fault]:
    """Jinja takes a `{% raw %}` at the very end for closed."""
    found = [mark for mark in marks if mark.kind in ("raw_begin", "raw_end")]
    if found and found[-1].kind == "raw_begin":
        yield Fault("YD501", "`{% raw %}` is not closed by `{% endraw %}`", found[-1].start, found[-1].end)


def _forbidden(marks: list[Mark]) -> Iterator[Fault]:
    signs = [mark for mark in marks if mark.kind != "whitespace"]
    for sign, word in pairwise(signs):
        if sign.kind == "block_begin" and word.text in FORBIDDEN:
            yield Fault("YD504", f"`{word.text}` can't be used in a template", word.start, word.end)


def _read_template(text: str, marks: list[Mark]) -> Analysis:
    reader = _Reader(text, marks)
    reader.visit(template(text, marks))
    bare = not any(mark.kind in ("block_begin", "raw_begin") for mark in marks)
    blank = not any(mark.kind == "data" and mark.text.strip() for mark in marks)
    return reader.result(whole=bare and blank and len(reader.outputs) == 1)


def _read_expression(text: str, marks: list[Mark]) -> Analysis:
    reader = _Reader(text, marks)
    tree = expression(text, marks)
    signs = reader.signs
    reader.output(tree, signs[0].start, signs[-1].end)
    return reader.result(whole=True)


class _TooDeepError(Exception):
    """The tree is deeper than is read."""


class _Reader:
    """One walk over a tree."""

    def __init__(self, text: str, marks: list[Mark]) -> None:
        self.text = text
        self.signs = [mark for mark in marks if mark.kind != "whitespace"]
        self.index = {mark.start: position for position, mark in enumerate(self.signs)}
        self.closing = _closing(self.signs)
        self.spans = list(_spans(self.signs))
        self.scopes: list[set[str]] = [set()]
        self.faults: list[Fault] = []
        self.references: list[Reference] = []
        self.outputs: list[Output] = []
        self.kinds: list[str | None] = []
        self.tested: set[tuple[object, ...]] = set()
        self.depth = 0
        self.loops = 0

    def result(self, whole: bool) -> Analysis:
        if self.faults:
            return Analysis(faults=tuple(sorted(self.faults, key=lambda fault: (fault.start, fault.code))))
        found = sorted({self._tested(reference) for reference in self.references}, key=lambda one: one.start)
        return Analysis(
            references=tuple(found),
            outputs=tuple(one._replace(bare=one.bare and self._tested(one.bare)) for one in self.outputs),
            tags=tuple(_tags(self.signs)),
            whole=whole,
            kind=self.kinds[0] if whole else None,
        )

    def _tested(self, reference: Reference) -> Reference:
        """A reference that the same template asks about with `is defined` may well be undefined."""
        return reference._replace(guarded=True) if _key(reference) in self.tested else reference

    # walking

    def visit(self, node: nodes.Node | None) -> None:
        if node is None:
            return
        if isinstance(node, nodes.Pair):  # no level of its own
            self.visit_all((node.key, node.value))
            return
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _TooDeepError
        visitor = _VISITORS.get(type(node))
        if visitor:
            visitor(self, node)
        else:
            self.visit_all(node.iter_child_nodes())
        self.depth -= 1

    def visit_all(self, found: Iterable[nodes.Node | None]) -> None:
        for node in found:
            self.visit(node)

    @contextmanager
    def scope(self, *names: str) -> Iterator[None]:
        self.scopes.append(set(names))
        yield
        self.scopes.pop()

    def is_local(self, name: str) -> bool:
        return any(name in scope for scope in self.scopes)

    def fault(self, code: str, message: str, start: int, end: int, hint: str | None = None) -> None:
        self.faults.append(Fault(code, message, start, end, hint))

    def after(self, start: int, steps: int = 1) -> Mark:
        """The token so many tokens after the one that starts there."""
        return self.signs[self.index[start] + steps]

    # statements

    def for_(self, node: nodes.For) -> None:
        self.loops += 1
        if self.loops > MAX_LOOPS:
            raise _TooDeepError
        if node.recursive:
            word = self.after(self.closing_tag(node.lineno), -1)
            self.fault("YD504", "a loop can't be `recursive`", word.start, word.end)
        self.visit(node.iter)
        with self.scope(*_names(node.target)):
            self.visit(node.test)
            self.scopes[-1].add("loop")
            self.visit_all(node.body)
        with self.scope():
            self.visit_all(node.else_)
        self.loops -= 1

    def closing_tag(self, start: int) -> int:
        """Where the `%}` stands that ends the tag of the statement that begins at `start`."""
        return next(mark.start for mark in self.signs[self.index[start] :] if mark.kind == "block_end")

    def with_(self, node: nodes.With) -> None:
        self.visit_all(node.values)
        with self.scope(*(name for target in node.targets for name in _names(target))):
            self.visit_all(node.body)

    def assign(self, node: nodes.Assign) -> None:
        self.visit(node.node)
        self.bind(node.target)

    def assign_block(self, node: nodes.AssignBlock) -> None:
        self.visit(node.filter)
        with self.scope():
            self.visit_all(node.body)
        self.bind(node.target)

    def filter_block(self, node: nodes.FilterBlock) -> None:
        self.visit(node.filter)
        with self.scope():
            self.visit_all(node.body)

    def bind(self, target: nodes.Node) -> None:
        for part in target.find_all(nodes.NSRef) if not isinstance(target, nodes.NSRef) else (target,):
            mark = self.signs[self.index[part.lineno]]
            self.fault("YD501", "`set` gives a value to a plain name only", mark.start, mark.end)
        self.scopes[-1].update(_names(target))

    def output_node(self, node: nodes.Output) -> None:
        for child in node.nodes:
            if not isinstance(child, nodes.TemplateData):
                self.output(child, *self.spans[len(self.outputs)])

    def output(self, node: nodes.Expr, start: int, end: int) -> None:
        bare = None
        if isinstance(node, _CHAIN):
            bare = self.chain(node)
        else:
            self.visit(node)
        choices = tuple(self.choices(node))
        self.outputs.append(Output(start, end, bare, tuple(_filters(node)), _literal(node), choices))
        self.kinds.append(kind_of(bare) if bare else kind(node))

    # expressions

    def choices(self, node: nodes.Node) -> Iterator[Segment]:
        """The literal texts that may come out of an expression, alone or in a list."""
        if isinstance(node, nodes.Const) and isinstance(node.value, str):
            mark = self.signs[self.index[node.lineno]]
            yield Segment(node.value, mark.start + 1, mark.end - 1)
        elif isinstance(node, nodes.CondExpr):
            for each in (node.expr1, node.expr2):
                yield from self.choices(each) if each is not None else ()
        elif isinstance(node, nodes.List):
            for each in node.items:
                yield from self.choices(each)

    def chain(self, node: nodes.Node, guarded: bool = False) -> Reference | None:
        """A name with what hangs on it; noted as a reference unless the template itself binds the name."""
        segments, inner = [], node
        while isinstance(inner, nodes.Getattr | nodes.Getitem):
            segments.append(self.segment(inner))
            inner = inner.node
        if len(segments) > MAX_DEPTH:
            raise _TooDeepError
        if not isinstance(inner, nodes.Name):
            self.visit(inner)
            return None
        if self.is_local(inner.name) or inner.name in FUNCTIONS:
            return None
        end = inner.lineno + len(inner.name)
        stop = self.stop(node) if segments else end
        found = Reference(inner.name, inner.lineno, end, tuple(reversed(segments)), stop, guarded)
        self.references.append(found)
        return found

    def segment(self, node: nodes.Getattr | nodes.Getitem) -> Segment:
        if isinstance(node, nodes.Getattr):
            mark = self.after(node.lineno)
            return Segment(node.attr, mark.start, mark.end)
        arg = node.arg
        if isinstance(arg, nodes.Const) and type(arg.value) in (str, int):
            mark = self.signs[self.index[arg.lineno]]
            quote = isinstance(arg.value, str)
            return Segment(arg.value, mark.start + quote, mark.end - quote)
        if isinstance(arg, nodes.Neg) and isinstance(arg.node, nodes.Const) and type(arg.node.value) is int:
            return Segment(-arg.node.value, arg.lineno, self.after(arg.lineno).end)
        self.visit(arg)
        return Segment(None, node.lineno + 1, self.closing[node.lineno] - 1)

    def stop(self, node: nodes.Node) -> int:
        closing = self.closing.get(node.lineno)
        return self.after(node.lineno).end if closing is None else closing

    def filter(self, node: nodes.Filter) -> None:
        if node.name not in FILTERS:
            mark = self.signs[self.index[node.lineno]]
            self.fault(
                "YD502",
                f"there is no filter `{node.name}`",
                mark.start,
                mark.end,
                nearest(node.name, FILTERS),
            )
        if node.name in ("default", "d") and isinstance(node.node, _CHAIN):
            self.chain(node.node, guarded=True)
        else:
            self.visit(node.node)
        self.applied(node)
        self.arguments(node)

    def applied(self, node: nodes.Filter) -> None:
        """`map('upper')` and `select('odd')` name a filter or a test in their first text."""
        position = {"map": 0, "select": 0, "reject": 0, "selectattr": 1, "rejectattr": 1}.get(node.name)
        if position is None or len(node.args) <= position:
            return
        arg = node.args[position]
        known, code, what = (FILTERS, "YD502", "filter") if node.name == "map" else (TESTS, "YD503", "test")
        if isinstance(arg, nodes.Const) and isinstance(arg.value, str) and arg.value not in known:
            mark = self.signs[self.index[arg.lineno]]
            hint = nearest(arg.value, known)
            self.fault(code, f"there is no {what} `{arg.value}`", mark.start + 1, mark.end - 1, hint)

    def test(self, node: nodes.Test) -> None:
        if node.name in ("defined", "undefined") and isinstance(node.node, _CHAIN):
            found = self.chain(node.node, guarded=True)
            if found:
                self.tested.add(_key(found))
        else:
            self.visit(node.node)
        if node.name not in TESTS:
            mark = self.after(node.lineno)
            mark = self.after(mark.start) if mark.text == "not" else mark
            self.fault(
                "YD503", f"there is no test `{node.name}`", mark.start, mark.end, nearest(node.name, TESTS)
            )
        self.arguments(node)

    def call(self, node: nodes.Call) -> None:
        target = node.node
        if isinstance(target, nodes.Getattr):
            self.method(target)
            self.visit(target.node)
        elif isinstance(target, nodes.Name):
            self.function(target)
        else:
            self.visit(target)
        self.arguments(node)

    def function(self, target: nodes.Name) -> None:
        if self.is_local(target.name) or target.name in FUNCTIONS:
            return
        start, end = target.lineno, target.lineno + len(target.name)
        hint = nearest(target.name, FUNCTIONS)
        if target.name in FILTERS:
            hint = f"`{target.name}` is a filter: `value | {target.name}`"
        self.fault("YD503", f"there is no function `{target.name}`", start, end, hint)

    def method(self, target: nodes.Getattr) -> None:
        if target.attr in METHODS or self.of_a_stranger(target):
            return
        mark = self.after(target.lineno)
        hint = nearest(target.attr, METHODS)
        if target.attr in ("items", "keys", "values", "get"):
            hint = _INSTEAD[target.attr]
        self.fault("YD503", f"there is no method `{target.attr}`", mark.start, mark.end, hint)

    def of_a_stranger(self, target: nodes.Expr) -> bool:
        """Whether the name that it all begins with means nothing here: that is the mistake then, not the method."""
        while isinstance(target, nodes.Getattr | nodes.Getitem | nodes.Call):
            target = target.node
        return isinstance(target, nodes.Name) and not self.is_local(target.name) and target.name not in ROOTS

    def arguments(self, node: nodes.Filter | nodes.Test | nodes.Call) -> None:
        self.visit_all([*node.args, *node.kwargs, node.dyn_args, node.dyn_kwargs])


_CHAIN = (nodes.Name, nodes.Getattr, nodes.Getitem)
_INSTEAD = {
    "items": "a mapping's pairs are `x | items`",
    "keys": "a mapping in a loop gives its keys: `x | list`",
    "values": "a mapping's pairs are `x | items`",
    "get": "write `x.key | default(…)`",
}
_VISITORS: dict[type[nodes.Node], Callable[[_Reader, Any], object]] = {
    nodes.For: _Reader.for_,
    nodes.With: _Reader.with_,
    nodes.Assign: _Reader.assign,
    nodes.AssignBlock: _Reader.assign_block,
    nodes.FilterBlock: _Reader.filter_block,
    nodes.Output: _Reader.output_node,
    nodes.Name: _Reader.chain,
    nodes.Getattr: _Reader.chain,
    nodes.Getitem: _Reader.chain,
    nodes.Filter: _Reader.filter,
    nodes.Test: _Reader.test,
    nodes.Call: _Reader.call,
}


def _key(reference: Reference) -> tuple[object, ...]:
    return (reference.root, *(segment.name for segment in reference.path))


def _names(target: nodes.Node) -> list[str]:
    if isinstance(target, nodes.Name):
        return [target.name]
    return [name.name for name in target.find_all(nodes.Name)]


def _filters(node: nodes.Node) -> list[str]:
    found: list[str] = []
    while isinstance(node, nodes.Filter) and node.node is not None:
        found.append(node.name)
        node = node.node
    return found[::-1]


def _literal(node: nodes.Node) -> str | None:
    return text_of(node.value) if isinstance(node, nodes.Const) else None


def _closing(signs: list[Mark]) -> dict[int, int]:
    """End of the closing bracket by the start of the opening one."""
    found: dict[int, int] = {}
    opened: list[int] = []
    for mark in signs:
        if mark.kind == "operator" and mark.text in ("(", "[", "{"):
            opened.append(mark.start)
        elif mark.kind == "operator" and mark.text in (")", "]", "}") and opened:
            found[opened.pop()] = mark.end
    return found


def _spans(signs: list[Mark]) -> Iterator[tuple[int, int]]:
    """Start and end of what stands inside each `{{ }}`."""
    first = 0
    for position, mark in enumerate(signs):
        if mark.kind == "variable_begin":
            first = signs[position + 1].start if position + 1 < len(signs) else mark.end
        elif mark.kind == "variable_end":
            yield first, signs[position - 1].end


def _tags(signs: list[Mark]) -> Iterator[tuple[int, int]]:
    start = 0
    for mark in signs:
        if mark.kind in ("variable_begin", "block_begin"):
            start = mark.start
        elif mark.kind in ("variable_end", "block_end"):
            yield start, mark.start + len(mark.text.rstrip())
        elif mark.kind in ("raw_begin", "raw_end"):
            yield mark.start, mark.start + len(mark.text.rstrip())
