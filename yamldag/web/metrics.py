"""`/metrics` as Prometheus reads it, and `/ready`. Numbers are made when they are asked for, by four queries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

from yamldag import __version__
from yamldag.engine.status import Status
from yamldag.store import counts
from yamldag.store.patience import Away
from yamldag.store.tally import Tally
from yamldag.web.ask import Ask
from yamldag.web.auth.roles import Role
from yamldag.web.route import Kind, Route
from yamldag.web.site import Site

if TYPE_CHECKING:
    from prometheus_client import Metric

KIND = "text/plain; version=0.0.4; charset=utf-8"
"""The oldest format, which everything reads."""


class Numbers:
    """A collector of `prometheus_client`."""

    def __init__(self, site: Site, now: float) -> None:
        self.site, self.now = site, now

    def collect(self) -> Iterator[Metric]:
        yield from self._scheduler()
        try:
            yield from self._database()
        except Away:
            yield _gauge("yamldag_database_up", "Whether the database answers.", 0)

    def _scheduler(self) -> Iterator[Metric]:
        from prometheus_client.core import InfoMetricFamily

        status, now = self.site.board.status, self.now
        yield InfoMetricFamily("yamldag_build", "What runs here.", value={"version": __version__})
        yield _gauge("yamldag_healthy", "Whether a scheduler turns.", status.healthy(now))
        yield _gauge("yamldag_schedulers", "Schedulers at work on this database.", status.schedulers)
        yield _gauge("yamldag_waiting_runs", "Runs that wait for room.", status.queued)
        yield _gauge("yamldag_pipelines", "Pipelines in force.", len(status.pipelines))
        yield _gauge("yamldag_broken_files", "Files with errors.", len(status.broken))
        yield _gauge("yamldag_streams", "Pages and programs that listen.", len(self.site.hub))
        if not status.apart:
            yield from self._own(status)

    def _own(self, status: Status) -> Iterator[Metric]:
        """What only a scheduler knows, of itself."""
        age = max(0.0, self.now - status.turned)
        yield _gauge("yamldag_leads", "Whether it makes the ticks and starts the runs.", status.leads)
        yield _gauge("yamldag_running_attempts", "Attempts that run here.", status.running)
        yield _gauge("yamldag_slots", "Attempts that may run here at once.", status.slots)
        yield _gauge("yamldag_schedule_lag_seconds", "From the newest tick to its run.", status.late)
        yield _gauge("yamldag_turn_age_seconds", "Since the scheduler turned.", age)
        steps = "Steps of the engine, with what they stored and started."
        yield _histogram("yamldag_step_seconds", steps, status.steps)
        waits = "How long attempts were ready before they started."
        yield _histogram("yamldag_queue_wait_seconds", waits, status.starts)
        writes = "Transactions of the scheduler."
        yield _histogram("yamldag_database_write_seconds", writes, status.writes)

    def _database(self) -> Iterator[Metric]:
        from prometheus_client.core import GaugeMetricFamily

        with self.site.reading() as db:
            by_state = counts.runs_by_state(db)
            tasks, oldest = counts.open_tasks_by_state(db), counts.oldest_ready(db)
            paused = counts.paused_pipelines(db)
        yield _gauge("yamldag_database_up", "Whether the database answers.", 1)
        runs = GaugeMetricFamily("yamldag_runs", "Runs that are recorded.", labels=("pipeline", "state"))
        for pipeline, state, number in by_state:
            runs.add_metric((pipeline, state), number)
        yield runs
        waiting = GaugeMetricFamily(
            "yamldag_tasks", "Tasks of open runs that have not ended.", labels=("state",)
        )
        for state, number in sorted(tasks.items()):
            waiting.add_metric((state,), number)
        yield waiting
        age = 0.0 if oldest is None else max(0.0, self.now - oldest)
        yield _gauge(
            "yamldag_oldest_queued_task_seconds", "How long the first of those queued has waited.", age
        )
        yield _gauge("yamldag_paused_pipelines", "Pipelines that are paused.", paused)


def _gauge(name: str, words: str, value: float) -> Metric:
    from prometheus_client.core import GaugeMetricFamily

    return GaugeMetricFamily(name, words, value=float(value))


def _histogram(name: str, words: str, tally: Tally) -> Metric:
    from prometheus_client.core import HistogramMetricFamily

    within = accumulate(list(tally.counts))  # at one moment, while the scheduler counts on
    bounds = [*map(str, tally.bounds), "+Inf"]
    return HistogramMetricFamily(name, words, [*zip(bounds, within, strict=True)], tally.seconds)


def metrics(ask: Ask) -> Response:
    from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector, generate_latest

    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    registry.register(Numbers(ask.site, ask.now))
    return Response(generate_latest(registry), headers={"content-type": KIND})


def ready(ask: Ask) -> Response:
    """Whether it does its work: it turns, and its database answers. Why not is for whoever may see pages."""
    why = list(_complaints(ask.site, ask.now))
    told: dict[str, object] = {"ready": not why}
    if ask.who.may(Role.VIEWER):
        told["why"] = why
    return JSONResponse(told, 503 if why else 200, {"retry-after": "5"} if why else None)


def _complaints(site: Site, now: float) -> Iterable[str]:
    status = site.board.status
    if status.stopping:
        yield "the scheduler stops"
    elif status.apart and not status.schedulers:
        yield "no scheduler is at work"
    elif not status.healthy(now):
        yield f"the scheduler has not turned for {now - status.turned:.0f} s"
    try:
        with site.reading() as db:
            counts.paused_pipelines(db)
    except Away as away:
        yield f"the database is away: {away}"


ROUTES = (
    Route("metrics", "GET", "/metrics", metrics, Role.VIEWER, Kind.PROBE),
    Route("ready", "GET", "/ready", ready, Role.PUBLIC, Kind.PROBE),
)
