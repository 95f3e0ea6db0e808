"""From a sealed call to its values: the templates that the engine left are rendered, secrets among their names."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from yamldag.executors.guard.keyring import Keyring
from yamldag.operators import airflow
from yamldag.operators.airflow_words import DEFAULT
from yamldag.operators.contract import Json
from yamldag.operators.guarded import connects, with_connections
from yamldag.operators.scripts import SCRIPTS
from yamldag.plan.expression import render, render_script, render_text

DATES = ("logical_date", "data_interval_start", "data_interval_end")


class Call:
    """A call of an operator, with every value in it known."""

    def __init__(self, sealed: Mapping[str, Any], keys: Keyring) -> None:
        """Raises TemplateError, UnresolvedError."""
        context = {**_context(sealed), **keys.names}
        self.operator: str = sealed["operator"]
        values = {name: sealed[name] for name in ("params", "args", "env")}
        for path in sealed["templates"]:
            *way, last = path
            holder = values
            for step in way:
                holder = holder[step]
            holder[last] = _rendered(holder[last], context, path, self.operator)
        self.params: dict[str, Json] = values["params"]
        self.args: dict[str, Json] = values["args"]
        self.env: dict[str, str] = values["env"]
        if self.operator == "airflow":
            asked = airflow.named(self.params.get("args"))
            self.params["connections"] = dict(keys.handed_on(asked, DEFAULT))
        elif connects(self.operator, self.params):
            self.params = with_connections(
                self.operator, self.params, lambda name: {**keys.connection(name), "root": keys.root}
            )


def _rendered(text: str, context: Mapping[str, Any], path: list[Any], operator: str) -> Json:
    if path[0] == "env":
        return render_text(text, context)
    script = SCRIPTS.get(operator)
    if script is not None and path == ["params", script.parameter]:
        return render_script(text, context, script.words)
    return render(text, context)


def _context(sealed: Mapping[str, Any]) -> dict[str, Any]:
    """The names that the templates use, dates as dates again."""
    names: dict[str, Any] = sealed["names"]
    zone = ZoneInfo(sealed["timezone"])
    for holder in (names, names.get("run", {})):
        for name in DATES:
            if name in holder:
                holder[name] = datetime.fromisoformat(holder[name]).astimezone(zone)
    return names
