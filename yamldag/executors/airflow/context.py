"""The context that an operator is executed with: Airflow's names for what is known of the run and the attempt."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from yamldag import Fail

_DATES = ("logical_date", "data_interval_start", "data_interval_end")


class TaskInstance:
    """`ti`: this attempt, as far as operators ask of it."""

    state = "running"
    is_mapped = False
    rendered_map_index = None
    log_url = mark_success_url = ""
    end_date = None

    def __init__(self, spec: Mapping[str, Any], task: Any) -> None:
        self.task = task
        self.task_id: str = spec["task"]
        self.dag_id: str = task.dag.dag_id
        self.run_id: str = spec["run"]
        self.try_number: int = spec["number"]
        self.map_index: int = -1 if spec["map_index"] is None else spec["map_index"]
        self.max_tries: int = spec["told"].get("retries", 0)
        self.hostname = socket.gethostname()
        self.start_date = datetime.now(UTC)
        self.operator = type(task).__name__
        self.key = SimpleNamespace(
            dag_id=self.dag_id, task_id=self.task_id, run_id=self.run_id, try_number=self.try_number,
            map_index=self.map_index,
        )  # fmt: skip
        self.context: dict[str, Any] = {}
        self._pushed: dict[str, Any] = {}
        self._first_look: datetime | None = None

    def xcom_push(self, key: str, value: Any, **_more: Any) -> None:
        """For this attempt alone: a task has one output, which is what it returns."""
        self._pushed[key] = value

    def xcom_pull(
        self,
        task_ids: Any = None,
        dag_id: str | None = None,
        key: str = "return_value",
        *,
        default: Any = None,
        **_more: Any,
    ) -> Any:
        if task_ids in (None, self.task_id, [self.task_id]) and dag_id in (None, self.dag_id):
            return self._pushed.get(key, default)
        asked = task_ids if isinstance(task_ids, str) else "ID"
        raise Fail(
            f"`xcom_pull` reaches no other task here: give the operator `{{{{ tasks.{asked}.output }}}}` in its `args`"
        )

    def get_template_context(self) -> dict[str, Any]:
        return self.context

    def get_first_reschedule_date(self, _context: object = None) -> datetime | None:
        """When a sensor that looks again and again has begun to; None: this is the first look."""
        return self._first_look

    def looked(self) -> None:
        self._first_look = self._first_look or self.start_date


def made(spec: Mapping[str, Any], task: Any) -> dict[str, Any]:
    """Airflow's keys. Dates are in the pipeline's zone, as in all templates."""
    from airflow.sdk.execution_time.context import (
        ConnectionAccessor,
        MacrosAccessor,
        OutletEventAccessors,
        VariableAccessor,
    )

    told, ti = spec["told"], TaskInstance(spec, task)
    dates = {name: _date(told[name]) for name in _DATES if told.get(name)}
    params = {**(told.get("params") or {}), **task.params}
    run = SimpleNamespace(
        dag_id=ti.dag_id, run_id=ti.run_id, run_type=told.get("type"), conf=params, state="running",
        start_date=ti.start_date, run_after=dates.get("logical_date"), **dates,
    )  # fmt: skip
    context: dict[str, Any] = {
        "dag": task.dag,
        "dag_run": run,
        "task": task,
        "ti": ti,
        "task_instance": ti,
        "run_id": ti.run_id,
        "params": params,
        "task_instance_key_str": f"{ti.dag_id}__{ti.task_id}__{ti.run_id}",
        "map_index_template": None,
        "test_mode": False,
        "inlets": [],
        "outlets": [],
        "inlet_events": {},
        "outlet_events": OutletEventAccessors(),
        "triggering_asset_events": {},
        "macros": MacrosAccessor(),
        "conn": ConnectionAccessor(),
        "var": {
            "json": VariableAccessor(deserialize_json=True),
            "value": VariableAccessor(deserialize_json=False),
        },
        **dates,
    }
    if (logical := dates.get("logical_date")) is not None:
        ds, ts = logical.date().isoformat(), logical.isoformat()
        context |= {
            "ds": ds,
            "ds_nodash": ds.replace("-", ""),
            "ts": ts,
            "ts_nodash": re.sub("[-:]", "", ts[:19]),
            "ts_nodash_with_tz": ts.replace("-", "").replace(":", ""),
        }
    ti.context = context
    return context


def _date(text: str) -> Any:
    """Airflow's operators expect the methods of pendulum."""
    import pendulum

    return pendulum.instance(datetime.fromisoformat(text))


@contextmanager
def current(context: dict[str, Any]) -> Iterator[None]:
    """For those who ask by `get_current_context()`."""
    from airflow.sdk.execution_time.context import set_current_context

    with set_current_context(context):
        yield


def variables(context: dict[str, Any]) -> dict[str, str]:
    """`AIRFLOW_CTX_DAG_ID` and the like."""
    from airflow.sdk.execution_time.context import context_to_airflow_vars

    return dict(context_to_airflow_vars(context, in_env_var_format=True))
