"""What a page says about one task, one row after the other, as HTML."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html import escape

from yamldag.plan.pipeline import Json, Plan, Task
from yamldag.render.colours import LOOKS, look
from yamldag.render.drawing import Drawing, Node, instances
from yamldag.render.text import clean, lines

_SHORT = 60


def overview(drawn: Drawing) -> str:
    """What stands there while no task is chosen."""
    plan = drawn.plan
    rows = [
        ("Description", _words(plan.description)),
        ("Tasks", str(len(drawn.nodes))),
        ("Groups", str(len(drawn.frames)) if drawn.frames else ""),
        ("Schedule", _code(_written(plan.schedule)) if plan.schedule is not None else ""),
        ("Time zone", _words(plan.timezone) if plan.schedule is not None else ""),
        ("Owner", _words(plan.owner)),
        ("Tags", _words(", ".join(plan.tags))),
        ("Params", ", ".join(_code(param.name) for param in plan.params)),
        ("File", _code(plan.file) if plan.file else ""),
    ]
    return f'<section id="overview"><h2>{_text(plan.pipeline)}</h2>{_list(rows)}</section>'


def sections(drawn: Drawing) -> Iterator[str]:
    """One section per task, `about-0`, `about-1`, … in the order of the plan."""
    number = {node.id: at for at, node in enumerate(drawn.nodes)}
    feeds: dict[str, list[str]] = {node.id: [] for node in drawn.nodes}
    for edge in drawn.edges:
        feeds[edge.parent].append(edge.child)
    for at, node in enumerate(drawn.nodes):
        rows = _rows(drawn.plan, node, feeds[node.id], number)
        yield (
            f'<section id="about-{at}" class="about-task"><h2>{_text(node.id)}</h2>{_state(node)}'
            f"{_list(rows)}{_params(node.task)}</section>"
        )


def _rows(plan: Plan, node: Node, feeds: list[str], number: Mapping[str, int]) -> list[tuple[str, str]]:
    task = node.task
    return [
        ("Description", _words(task.description)),
        ("Operator", _code(task.operator)),
        ("Needs", _links(task.needs, number, task)),
        ("Feeds", _links(tuple(feeds), number)),
        ("Trigger rule", _code(task.trigger_rule)),
        ("When", "<br>".join(_code(_written(each)) for each in task.when)),
        ("Mapped", _mapped(plan, task)),
        ("Retries", _retries(task)),
        ("Timeout", _seconds(task.timeout) if task.timeout is not None else ""),
        ("Pool", _pool(task)),
        ("Setup", "yes" if task.setup else ""),
        ("Teardown of", _links(task.teardown_of, number)),
        ("May fail", "yes" if task.allow_failure else ""),
        ("Waits for the past", "yes" if task.depends_on_past else ""),
        ("Produces", ", ".join(_code(each) for each in task.produces)),
        ("Queue", _code(task.queue) if task.queue else ""),
        ("Defined at", _code(f"{task.file}:{task.line}") if task.file else ""),
    ]


def _list(rows: list[tuple[str, str]]) -> str:
    shown = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in rows if value)
    return f"<dl>{shown}</dl>"


def _state(node: Node) -> str:
    if node.state is None:
        return ""
    state = node.state if node.state in LOOKS else "none"
    glyph = f'<svg class="sign" aria-hidden="true"><use class="glyph" href="#state-{state}"/></svg>'
    return f'<p class="pill state-{state}">{glyph}<span class="word">{look(state).word}</span></p>'


def _links(identifiers: tuple[str, ...], number: Mapping[str, int], task: Task | None = None) -> str:
    return "<br>".join(_link(each, number, task) for each in identifiers)


def _link(identifier: str, number: Mapping[str, int], task: Task | None) -> str:
    aside = ""
    if task is not None and identifier in task.referenced:
        aside = " <small>only named in a template</small>"
    elif task is not None and task.judged and identifier not in task.judged:
        aside = " <small>must only have ended</small>"
    if identifier not in number:
        return f"{_text(identifier)}{aside}"
    return f'<a href="#about-{number[identifier]}">{_text(identifier)}</a>{aside}'


def _mapped(plan: Plan, task: Task) -> str:
    mapping = plan.mapped.get(task.mapped_by or "")
    if mapping is None:
        return ""
    over = mapping.matrix if mapping.matrix is not None else mapping.foreach
    by = f" by group {_text(task.mapped_by or '')}" if task.mapped_by != task.id else ""
    most = f", at most {mapping.max_active} at once" if mapping.max_active else ""
    return f"{instances(mapping)}{by}{most}: {_code(_clipped(_written(over)))}"


def _retries(task: Task) -> str:
    if not task.retries:
        return "none"
    backoff = f", then × {task.retry_backoff:g}" if task.retry_backoff != 1 else ""
    return f"{task.retries}, after {_seconds(task.retry_delay)}{backoff}"


def _pool(task: Task) -> str:
    slots = f", {task.pool_slots} slots" if task.pool_slots != 1 else ""
    priority = f"priority {task.priority}" if task.priority else ""
    return ", ".join(part for part in (f"{_code(task.pool)}{slots}" if task.pool else "", priority) if part)


def _seconds(seconds: float) -> str:
    parts = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size:
            parts.append(f"{int(seconds // size)}{unit}")
            seconds %= size
    return " ".join([*parts, *([f"{seconds:g}s"] if seconds or not parts else [])])


def _params(task: Task) -> str:
    """The operator's parameters, its arguments and its environment; texts of several lines as they are."""
    blocks = [
        _block(name, value)
        for values in (task.params, {f"args.{key}": value for key, value in task.args.items()})
        for name, value in values.items()
    ]
    if task.env:
        blocks.append(_block("env", "\n".join(f"{name}={value}" for name, value in task.env.items())))
    return "".join(blocks)


def _block(name: str, value: Json) -> str:
    shown = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    return f"<h3>{_text(name)}</h3><pre>{escape(lines(shown))}</pre>"


def _written(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _clipped(text: str) -> str:
    return text if len(text) <= _SHORT else text[: _SHORT - 1] + "…"


def _words(text: str | None) -> str:
    return escape(lines(text)) if text else ""


def _text(text: str) -> str:
    return escape(clean(text))


def _code(text: str) -> str:
    return f"<code>{_text(text)}</code>"
