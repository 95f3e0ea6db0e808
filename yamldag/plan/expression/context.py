"""The names that templates see, and their values for one attempt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import Enum
from functools import lru_cache
from typing import Any

from yamldag.plan.expression.dates import compact
from yamldag.plan.expression.rendering import render
from yamldag.plan.expression.values import Json, TemplateError
from yamldag.plan.expression.vocabulary import ROOTS


def names() -> frozenset[str]:
    """Every name that a template can begin with."""
    return ROOTS


class _Unset(Enum):
    """So that an item may be null."""

    UNSET = "unset"


UNSET = _Unset.UNSET


def build(  # noqa: PLR0913
    *,
    params: Mapping[str, Json],
    vars: Mapping[str, Json],  # noqa: A002
    env: Mapping[str, str],
    tasks: Mapping[str, Mapping[str, Any]],
    run: Mapping[str, Any],
    task_id: str,
    attempt: int,
    item: Json | _Unset = UNSET,
    index: int | None = None,
    matrix: Mapping[str, Json] | None = None,
    uses: Mapping[str, Mapping[str, Json]] | None = None,
    secrets: Mapping[str, Any] | None = None,
    connections: Mapping[str, Any] | None = None,
    task: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What templates of one attempt see.

    `run` has the keys of RUN_KEYS, its dates being datetimes in the pipeline's zone; `tasks` maps full ids to
    `{"output": …, "state": …}`; `uses` maps ids of groups to params that may be templates, rendered in this
    context when they are asked for. `task` adds keys to `task`, as notifications have them. `item`, `index`
    and `matrix` are there only if they are given.
    """
    moment: datetime = run["logical_date"]
    context: dict[str, Any] = {
        "params": params,
        "vars": vars,
        "env": env,
        "secrets": secrets or {},
        "connections": connections or {},
        "tasks": tasks,
        "run": run,
        "run_id": run["id"],
        "task": {"id": task_id, **(task or {})},
        "attempt": attempt,
        "logical_date": moment,
        "data_interval_start": run["data_interval_start"],
        "data_interval_end": run["data_interval_end"],
        **_dates(moment),
    }
    mapped = {
        "item": item,
        "index": UNSET if index is None else index,
        "matrix": UNSET if matrix is None else matrix,
    }
    context.update({name: value for name, value in mapped.items() if value is not UNSET})
    context["uses"] = {group: Rendered(given, context) for group, given in (uses or {}).items()}
    return context


@lru_cache(maxsize=64)
def _dates(moment: datetime) -> Mapping[str, str]:
    """The same for all attempts of a run."""
    return {
        "ds": moment.date().isoformat(),
        "ds_nodash": compact(moment)[:8],
        "ts": moment.isoformat(),
        "ts_nodash": compact(moment),
    }


class Rendered(Mapping[str, Json]):
    """Params of a use: each is rendered in the user's context when it is first asked for."""

    __slots__ = ("_context", "_done", "_given")

    def __init__(self, given: Mapping[str, Json], context: Mapping[str, Any]) -> None:
        self._given = given
        self._context = context
        self._done: dict[str, Json] = {}

    def __getitem__(self, name: str) -> Json:
        if name not in self._done:
            self._done[name] = self._rendered(name)
        return self._done[name]

    def _rendered(self, name: str) -> Json:
        given = self._given[name]
        try:
            return render(given, self._context)
        except TemplateError as error:  # its place is in another text than the one that asks
            raise TemplateError(f"{error.message} (in the param `{name}` of the template)") from None

    def as_given(self, name: str) -> Json:
        """As it stands below `with`."""
        return self._given[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._given)

    def __len__(self) -> int:
        return len(self._given)
