"""Runs as OpenTelemetry has them: a run is a trace, an attempt a span. The extra `yamldag[otel]`.

Spans are made of what is recorded when a run has ended, by a thread of their own. Their ids follow from the run's and
the attempts', so that a run that is told of twice is one trace. Where they go, OTEL_EXPORTER_OTLP_ENDPOINT says.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from yamldag import __version__
from yamldag.store import views
from yamldag.store.patience import Away
from yamldag.store.tables import attempt, task_instance

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter

WHERE = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_MOST = 5_000
"""Attempts of a run that are told of."""


class Traces:
    """`exporter` None: nobody wants to know."""

    def __init__(self, url: str, exporter: SpanExporter | None) -> None:
        self._url, self._exporter = url, exporter
        self._thread = ThreadPoolExecutor(1, "traces") if exporter is not None else None

    def tell(self, run: str) -> None:
        """A run has ended. This takes no time: what goes wrong on the way is nothing to wait for."""
        if self._thread is not None:
            self._thread.submit(self._tell, run)

    def close(self) -> None:
        """Tell of what has ended so far."""
        if self._thread is not None and self._exporter is not None:
            self._thread.shutdown()
            self._exporter.shutdown()

    def _tell(self, run: str) -> None:
        assert self._exporter is not None
        with suppress(Away, OSError):
            self._exporter.export(spans(self._url, run))


def spans(url: str, run_id: str) -> list[ReadableSpan]:
    """Of a run that has ended and was begun; else none."""
    with views.reading(url) as db:
        run = views.one_run(db, run_id)
        if run is None or run["started"] is None or run["ended"] is None:
            return []
        rows = db.execute(
            sa.select(attempt, task_instance.c.task, task_instance.c.map_index)
            .join(task_instance, task_instance.c.id == attempt.c.instance)
            .where(
                task_instance.c.run == run_id, attempt.c.started.is_not(None), attempt.c.ended.is_not(None)
            )
            .order_by(attempt.c.id)
            .limit(_MOST)
        ).mappings()
        return [_of_run(run), *(_of_attempt(run_id, row) for row in rows)]


def _of_run(run: Mapping[str, Any] | sa.RowMapping) -> ReadableSpan:
    about = {name: run[name] for name in ("pipeline", "type", "state", "logical_date", "reason")}
    return _span(f"run {run['pipeline']}", run["id"], None, run, about | {"run": run["id"]})


def _of_attempt(run: str, row: Mapping[str, Any] | sa.RowMapping) -> ReadableSpan:
    about = {name: row[name] for name in ("task", "state", "exit_code", "reason")}
    index = None if row["map_index"] < 0 else row["map_index"]
    return _span(
        row["task"], run, row["id"], row, about | {"attempt": row["number"], "map_index": index, "run": run}
    )


def _span(
    name: str, run: str, of: int | None, row: Mapping[str, Any] | sa.RowMapping, about: Mapping[str, Any]
) -> ReadableSpan:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import Status, StatusCode

    bad = row["state"] in ("failed", "cancelled")
    return ReadableSpan(
        name,
        _context(run, of),
        parent=None if of is None else _context(run, None),
        resource=Resource.create({"service.name": "yamldag", "service.version": __version__}),
        attributes={f"yamldag.{key}": value for key, value in about.items() if value is not None},
        status=Status(StatusCode.ERROR if bad else StatusCode.OK, row["reason"] if bad else None),
        start_time=int(row["started"] * 1e9),
        end_time=int(row["ended"] * 1e9),
    )


def _context(run: str, of: int | None) -> Any:
    from opentelemetry.trace import SpanContext, TraceFlags

    trace = int.from_bytes(hashlib.sha256(run.encode()).digest()[:16])
    span = int.from_bytes(hashlib.sha256(f"{run}\n{of}".encode()).digest()[:8])
    return SpanContext(trace, span, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))


def traces_of(url: str, environment: Mapping[str, str], say: Callable[[str], None]) -> Traces:
    """To where the variables say; nowhere if they say nothing, or if the extra is missing, which `say` tells."""
    if not any(environment.get(name) for name in WHERE):
        return Traces(url, None)
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError:
        say("no traces are told: `pip install 'yamldag[otel]'` installs what that takes")
        return Traces(url, None)
    return Traces(url, OTLPSpanExporter())
