"""Calls that may see a secret are sealed: all in them is rendered but what names one. No secret is known here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from yamldag.operators.guarded import CONNECTING, connects
from yamldag.operators.scripts import SCRIPTS
from yamldag.plan.expression import TemplateError, analyse, render, render_script, render_text
from yamldag.plan.expression.analysis import Reference
from yamldag.plan.pipeline import Call, Json, Task

Declared = Callable[[], str]
"""What the project's file says of secrets and connections, as JSON: `Project.declared`."""
ANY: Mapping[str, Json] = {"schema": None}
"""Of a sealed call's output: it may be anything."""
_PRIVATE = ("secrets", "connections")
_NESTED = (dict, list)
Path = list[str | int]


Kept = Callable[[], Mapping[str, Mapping[str, str]]]
"""By kind, `secret` or `connection`, and name: values that only the keys of a machine open."""


def nothing_kept() -> Mapping[str, Mapping[str, str]]:
    """No database."""
    return {}


def nothing() -> str:
    """No project's file."""
    return "{}"


def is_private(call: Task | Call) -> bool:
    """Whether it may see a secret. Asked of every attempt: few texts so much as hold the words."""
    if connects(call.operator, call.params):
        return True
    for values in (call.params, call.env, call.args):
        for value in values.values():
            if type(value) is str:
                if ("secrets" in value or "connections" in value) and _names_one(value):
                    return True
            elif type(value) in _NESTED and _names_one(value):
                return True
    return False


def asks_privately(call: Task) -> bool:
    """The same of what a `wait` asks."""
    looks = [(name, call.params[name]) for name in CONNECTING if name in call.params]
    connected = any(
        connects(name, given if isinstance(given, dict) else {"url": given}) for name, given in looks
    )
    return connected or _names_one(call.params) or _names_one(call.env)


def seal(
    operator: str,
    params: Mapping[str, Json],
    call: Task | Call,
    context: Mapping[str, Any],
    timezone: str,
) -> dict[str, Json]:
    """The call as its guard opens it. Raises TemplateError."""
    templates: list[Path] = []
    names: dict[str, Any] = {}
    sealer = _Sealer(context, templates, names)
    script = SCRIPTS.get(operator)

    def renders(name: str, value: Json) -> Callable[[Any, Mapping[str, Any]], Json]:
        if script is None or script.parameter != name or not isinstance(value, str):
            return render
        return partial(render_script, words=script.words)

    values: dict[str, Json] = {
        name: sealer.value(value, ["params", name], renders(name, value)) for name, value in params.items()
    }
    return {
        "operator": operator,
        "params": values,
        "args": {name: sealer.value(value, ["args", name], render) for name, value in call.args.items()},
        "env": {name: sealer.value(value, ["env", name], render_text) for name, value in call.env.items()},
        "templates": [list(path) for path in templates],
        "names": names,
        "timezone": timezone,
    }


class _Sealer:
    def __init__(self, context: Mapping[str, Any], templates: list[Path], names: dict[str, Any]) -> None:
        self._context = context
        self._templates = templates
        self._names = names

    def value(self, value: Json, path: Path, render: Callable[[Any, Mapping[str, Any]], Json]) -> Json:
        if isinstance(value, dict):
            return {name: self.value(each, [*path, name], render) for name, each in value.items()}
        if isinstance(value, list):
            return [self.value(each, [*path, index], render) for index, each in enumerate(value)]
        if not isinstance(value, str):
            return value
        if not _names_one(value):
            return render(value, self._context)
        self._templates.append(path)
        for reference in analyse(value).references:
            self._take(reference)
        return value

    def _take(self, reference: Reference) -> None:
        """Keep what the template will ask for, besides secrets."""
        root = reference.root
        if root in _PRIVATE or root not in self._context:
            return
        found = self._context[root]
        first, second, *_ = (*(segment.name for segment in reference.path), None, None)
        if root == "tasks":
            try:
                self._names.setdefault(root, {})[str(first)] = dict(found[str(first)])
            except KeyError:
                raise TemplateError(f"there is no task `{first}`") from None
        elif root == "uses":
            used = found[str(first)]
            wanted: Iterable[str] = used if second is None else [str(second)]
            self._names.setdefault(root, {}).setdefault(str(first), {}).update(
                {name: used[name] for name in wanted}
            )
        else:
            self._names[root] = _plain(found)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    return value


def _names_one(value: Any) -> bool:
    if isinstance(value, str):
        if "secrets" not in value and "connections" not in value:
            return False
        return any(reference.root in _PRIVATE for reference in analyse(value).references)
    if isinstance(value, dict):
        return any(map(_names_one, value.values()))
    return isinstance(value, list) and any(map(_names_one, value))
