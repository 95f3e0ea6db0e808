"""Runs as traces: what is recorded of a run is what its spans say."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from tests.web.seeds import NOW, seed
from yamldag.engine.traces import Traces, spans, traces_of
from yamldag.store.database import open_database


def failed(url: str) -> str:
    database = open_database(url)
    try:
        row = database.execute("SELECT id FROM run WHERE state = 'failed' ORDER BY id").fetchone()
        assert row is not None
        return str(row[0])
    finally:
        database.close()


def test_a_run_is_a_trace_and_an_attempt_a_span(tmp_path: Path) -> None:
    url = seed(tmp_path).url
    name = failed(url)
    whole, *attempts = spans(url, name)
    assert [each.name for each in attempts] == ["t0", "t1", "t2"]
    assert {each.context.trace_id for each in (whole, *attempts) if each.context} == {whole.context.trace_id}
    assert {each.parent.span_id for each in attempts if each.parent} == {whole.context.span_id}
    assert [each.status.status_code for each in attempts] == [StatusCode.OK, StatusCode.OK, StatusCode.ERROR]
    assert whole.attributes is not None
    assert whole.attributes["yamldag.run"] == name
    assert (attempts[0].end_time or 0) - (attempts[0].start_time or 0) == 30_000_000_000
    again = spans(url, name)
    assert [each.context for each in again] == [each.context for each in (whole, *attempts)], (
        "told twice, it is one"
    )


def test_a_run_that_goes_on_is_not_told(tmp_path: Path) -> None:
    url = seed(tmp_path).url
    assert spans(url, "p000-00004") == []
    assert spans(url, "nothing") == []


def test_what_has_ended_is_told_before_the_end(tmp_path: Path) -> None:
    url, exporter = seed(tmp_path).url, InMemorySpanExporter()
    traces = Traces(url, exporter)
    name = failed(url)
    traces.tell(name)
    traces.close()
    assert len(exporter.get_finished_spans()) == 4
    assert NOW


def test_without_the_extra_it_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    traces_of("sqlite:///x", {}, said.append).tell("x")
    assert said == [], "nobody asked for traces"
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    traces_of("sqlite:///x", {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}, said.append).tell("x")
    assert said == ["no traces are told: `pip install 'yamldag[otel]'` installs what that takes"]
