"""One night of a data team, written straight into the store: what the pictures of the tour show, and a project in
which everything that a page may show is there: groups, mapped tasks, tries, waits, failures, versions, a broken file.

It is 03:07 in Berlin. Everything follows from the numbers, so that two nights are equal.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from tests.web.seeds import Seeded
from yamldag.compile.project import find
from yamldag.engine import times
from yamldag.engine.schedule.catalogue import Catalogue
from yamldag.engine.schedule.known import Known
from yamldag.engine.status import Board, Status
from yamldag.plan import graph
from yamldag.store import moves
from yamldag.store.database import Database, open_database

NOW = datetime(2026, 11, 20, 2, 7, 12, tzinfo=UTC).timestamp()
MINUTE, HOUR = 60.0, 3600.0

SALES = """\
pipeline: sales_etl
description: Orders of the day into the warehouse, with the numbers that the shops read at breakfast.
owner: data-platform
tags: [etl, tier-1]
schedule: "15 2 * * *"
timezone: Europe/Berlin
catchup: {catchup}
max_active_runs: 1
deadline: {{at: "04:00"}}
params:
  region: {{type: string, default: all, description: Which shops}}
defaults: {{retries: {retries}, retry_delay: 1m}}

tasks:
  # What the shops and the site have written since yesterday.
  extract:
    tasks:
      orders: {{bash: "./extract orders --region {{{{ params.region }}}}"}}
      customers: {{bash: ./extract customers}}
      products: {{bash: ./extract products}}
      refunds: {{bash: ./extract refunds}}
      web_events:
        foreach: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]
        bash: "./extract events --shard {{{{ item }}}}"
  wait_fx_rates: {{wait: {{delay: 1m}}}}
  stage:
    needs: extract
    tasks:
      customers: {{bash: ./stage customers}}
      orders: {{bash: ./stage orders}}
      events: {{bash: ./stage events}}
  transform:
    tasks:
{currency}      dim_customer: {{needs: stage.customers, bash: ./build dim_customer}}
      dim_product: {{needs: extract.products, bash: ./build dim_product}}
      fct_orders:
        needs: [stage.orders, dim_customer, dim_product]
        description: One row for each order, in euros.
        bash: |
          ./build fct_orders
          ./count fct_orders
      fct_refunds: {{needs: extract.refunds, bash: ./build fct_refunds}}
      fct_sessions: {{needs: stage.events, bash: ./build fct_sessions}}
  quality:
    tasks:
      row_counts: {{needs: transform.fct_orders, bash: ./check counts}}
      reconcile: {{needs: {reconcile}, bash: ./check sums}}
      freshness: {{needs: transform.fct_sessions, bash: ./check fresh}}
  publish:
    tasks:
      revenue_mart: {{needs: [quality.row_counts, quality.reconcile], bash: ./publish revenue, produces: revenue_mart}}
      exec_dashboard: {{needs: revenue_mart, bash: ./publish dashboard}}
      reverse_etl: {{needs: transform.fct_refunds, bash: ./publish crm}}
  month_close: {{needs: stage.orders, when: "params.region == 'month'", bash: ./close}}
  notify: {{needs: [publish, quality.freshness], trigger_rule: all_done, bash: ./notify}}
  cleanup: {{needs: notify, trigger_rule: all_done, bash: rm -rf work}}
"""
OLD = SALES.format(catchup="latest", retries=1, currency="", reconcile="transform.fct_orders")
NEW = SALES.format(
    catchup="all",
    retries=2,
    currency="      currency: {needs: wait_fx_rates, bash: ./build currency}\n",
    reconcile="[transform.fct_orders, transform.currency]",
)


def _simple(name: str, owner: str, tags: str, schedule: str, tasks: Sequence[str], more: str = "") -> str:
    chain = "\n".join(
        f"  {task}: {{bash: ./{task}{f', needs: {tasks[at - 1]}' if at else ''}}}"
        for at, task in enumerate(tasks)
    )
    when = f"schedule: {schedule}\n" if schedule else ""
    return f"pipeline: {name}\nowner: {owner}\ntags: [{tags}]\n{when}{more}tasks:\n{chain}\n"


BERLIN = "timezone: Europe/Berlin\n"
FILES = {
    "sales_etl": OLD,
    "fx_rates": _simple("fx_rates", "finance-eng", "http", '"*/15 * * * *"', ["fetch", "store"], BERLIN),
    "crm_sync": _simple("crm_sync", "growth", "http, tier-2", '"0 */2 * * *"', ["pull", "match", "push_contacts"],
                        BERLIN + "max_active_runs: 1\n"),
    "partner_feed": _simple("partner_feed", "growth", "sftp", '"0 4 * * *"', ["extract", "load"], BERLIN),
    "clickstream_hourly": _simple("clickstream_hourly", "web-analytics", "etl", '"@hourly"',
                                  ["collect", "sessionize", "enrich", "load"]),
    "inventory_snapshot": _simple("inventory_snapshot", "supply", "etl", '"0 3 * * *"', ["stores", "load"], BERLIN),
    "billing_invoices": _simple("billing_invoices", "finance-eng", "tier-1", '"0 1 * * *"', ["rate", "render", "send"], BERLIN),
    "fraud_scores": _simple("fraud_scores", "risk", "ml, asset", "{assets: [revenue_mart]}", ["score", "report"]),
    "rocket_launches": _simple("rocket_launches", "data-team", "demo", '"0 16 * * *"', ["fetch", "notify"],
                               "timezone: Asia/Seoul\n"),
    "warehouse_vacuum": _simple("warehouse_vacuum", "data-platform", "maintenance", '"0 4 * * 0"', ["vacuum"], BERLIN),
    "gdpr_erasure": _simple("gdpr_erasure", "legal-ops", "manual", '"0 9 * * 1"', ["collect", "erase", "prove"], BERLIN),
    "new_idea": _simple("new_idea", "data-team", "demo", "", ["first"]),
}  # fmt: skip
BROKEN = FILES["partner_feed"].replace("needs: extract}", "needs: extrct}")
ERROR = 'ERROR: duplicate key value violates unique constraint "fct_orders_pkey" (order_id=8841203, EUR)'


@dataclass
class Pen:
    """Writes runs."""

    database: Database
    catalogue: Catalogue
    life: int
    logs: Path
    dice: random.Random = field(default_factory=lambda: random.Random(7))
    instances: int = 0

    def run(
        self, name: str, tick: float, *, fails: Mapping[str, str] | None = None, slow: Mapping[str, float] | None = None,
        state: str = "", kind: str = "scheduled", wait: float = 0.0, took: Mapping[str, float] | None = None,
    ) -> str:  # fmt: skip
        """A run from its tick on, as far as it is by now."""
        known = self.catalogue.pipelines[name]
        date = times.stored_at(tick)
        id_ = f"{name}-{datetime.fromtimestamp(tick, UTC):%m%dT%H%M}"
        if state == "queued":
            self._row(id_, known, kind, state, date, tick, None, None)
            return id_
        began = tick + wait
        rows = self._simulate(known, began, fails or {}, slow or {}, took or {})
        ends = [row["ended"] for row in rows if row["ended"]]
        is_open = any(row["state"] not in ("success", "failed", "upstream_failed", "skipped") for row in rows)
        bad = any(row["state"] == "failed" for row in rows)
        was = state or ("running" if is_open else "failed" if bad else "success")
        self._row(id_, known, kind, was, date, tick, began, None if is_open else max(ends))
        for row in rows:
            self._instance(id_, row)
        return id_

    def _row(  # noqa: PLR0917
        self, id_: str, known: Known, kind: str, state: str, date: str, created: float, began: float | None,
        ended: float | None,
    ) -> None:  # fmt: skip
        self.database.execute(
            "INSERT INTO run (id, pipeline, version, type, state, logical_date, data_interval_start, "
            "data_interval_end, tick, params, created, started, ended, owner) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (id_, known.plan.pipeline, known.version if began else None, kind, state, date, date, date,
             date if kind == "scheduled" else None, "{}", created, began, ended, self.life if began else None),
        )  # fmt: skip

    def _simulate(
        self,
        known: Known,
        began: float,
        fails: Mapping[str, str],
        slow: Mapping[str, float],
        took: Mapping[str, float],
    ) -> list[dict[str, Any]]:
        plan = known.plan
        parents = {task.id: task.needs for task in plan.tasks}
        rules = {task.id: task for task in plan.tasks}
        state: dict[str, str] = {}
        end: dict[str, float] = {}
        rows: list[dict[str, Any]] = []
        for task in graph.order(parents):
            ready = max([began, *(end[parent] for parent in parents[task])])
            judged = [state[parent] for parent in (rules[task].judged or parents[task])]
            if rules[task].trigger_rule == "all_success" and any(
                each in ("failed", "upstream_failed") for each in judged
            ):
                rows.append(self._plain(task, "upstream_failed", ready))
                state[task], end[task] = "upstream_failed", ready
                continue
            if ready >= NOW or any(
                each in ("running", "none", "deferred", "up_for_retry") for each in judged
            ):
                rows.append(self._plain(task, "none", None))
                state[task], end[task] = "none", NOW + 1
                continue
            if rules[task].when:
                rows.append(self._plain(task, "skipped", ready) | {"reason": "`when` is false"})
                state[task], end[task] = "skipped", ready
                continue
            items = range(12) if rules[task].mapped_by == task else [-1]
            those = [self._attempts(task, index, ready, fails, slow, took) for index in items]
            rows += those
            states = [row["state"] for row in those]
            state[task] = next(
                (each for each in ("failed", "running", "deferred") if each in states), "success"
            )
            end[task] = max(row["ended"] or NOW + 1 for row in those)
        return rows

    def _plain(self, task: str, state: str, ended: float | None) -> dict[str, Any]:
        return {
            "task": task,
            "index": -1,
            "state": state,
            "started": None,
            "ended": ended,
            "tries": [],
            "reason": None,
        }

    def _attempts(
        self, task: str, index: int, ready: float, fails: Mapping[str, str], slow: Mapping[str, float],
        took: Mapping[str, float],
    ) -> dict[str, Any]:  # fmt: skip
        base = took.get(task) or 40.0 + random.Random(task).random() * 260
        length = base * slow.get(task, 1.0) * self.dice.uniform(0.85, 1.2)
        tries: list[tuple[str, float, float | None]] = []
        at = ready + 1
        wrong = task in fails and (index in (-1, 7))
        for _ in range(2 if wrong else 0):
            tries.append(("failed", at, at + length / 2))
            at += length / 2 + MINUTE
        over = at + length
        last = "failed" if wrong else "success"
        if over > NOW:
            last, over = ("deferred" if task == "wait_fx_rates" else "running"), 0.0
        tries.append((last, at, over or None))
        return {"task": task, "index": index, "state": last, "started": at, "ended": over or None, "tries": tries,
                "reason": "exit code 1" if last == "failed" else None, "said": fails.get(task)}  # fmt: skip

    def _instance(self, run: str, row: dict[str, Any]) -> None:
        self.instances += 100
        first, tries = self.instances, row["tries"]
        newest = first + len(tries) if tries else None
        self.database.execute(
            "INSERT INTO task_instance (id, run, task, map_index, state, attempts, tries, attempt, ready, started, ended, reason) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (first, run, row["task"], row["index"], row["state"], len(tries), len(tries), newest, row["started"],
             row["started"], row["ended"], row["reason"]),
        )  # fmt: skip
        if row["state"] == "deferred":
            self.database.execute(
                "INSERT INTO deferral (instance, attempt, spec, since) VALUES (?, ?, '{}', ?)",
                (first, newest, row["started"]),
            )
        for number, (state, started, ended) in enumerate(tries, 1):
            log = None
            if state in ("failed", "running"):
                log = self.logs / f"{first + number}.log"
                said = row.get("said") if state == "failed" else "2 of 9 parts"
                log.write_text(
                    f"connecting to warehouse\nbuilding {row['task']}\n{said or 'ERROR: time is over'}\n"
                )
            self.database.execute(
                "INSERT INTO attempt (id, instance, number, state, runner, started, ended, exit_code, reason, message, log) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (first + number, first, number, state, self.life, started, ended, int(state == "failed") if ended else None,
                 "exit" if state == "failed" else None, None, str(log) if log else None),
            )  # fmt: skip


def night(root: Path) -> Seeded:
    """The project, its database, and the status of a scheduler at work."""
    folder = root / "pipelines"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in FILES.items():
        (folder / f"{name}.yml").write_text(text)
    logs = root / ".yamldag" / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    url = f"sqlite:///{root}/.yamldag/yamldag.db"
    database = open_database(url)
    catalogue = Catalogue(find(str(root), None, {}))
    life = moves.begin_runner(database, moves.Life("serve", "here", 1, "x", NOW - 3 * 24 * HOUR))
    _save(database, catalogue, NOW - 60 * 24 * HOUR)
    pen = Pen(database, catalogue, life, logs)
    database.write(lambda: _past(pen))
    (folder / "sales_etl.yml").write_text(NEW)
    catalogue.refresh()
    _save(database, catalogue, NOW - 37 * HOUR)
    database.write(lambda: _tonight(pen))
    database.write(lambda: database.execute("UPDATE pipeline SET paused = 1 WHERE id = 'gdpr_erasure'"))
    (folder / "partner_feed.yml").write_text(BROKEN)
    catalogue.refresh()
    database.close()
    return Seeded(root, url, catalogue, Board(_status(catalogue)))


def _save(database: Database, catalogue: Catalogue, at: float) -> None:
    for known in catalogue.pipelines.values():
        moves.save_version(
            database, moves.Version(known.plan.pipeline, known.plan.file, known.version, known.text, at)
        )


def _past(pen: Pen) -> None:
    tonight = datetime(2026, 11, 20, 1, 15, tzinfo=UTC).timestamp()
    bad = {9: {"publish.reverse_etl": "HTTP 502 from crm.example"}, 18: {"transform.fct_orders": ERROR},
           24: {"extract.refunds": "ERROR: the dump ends in the middle"}, 31: {"extract.web_events": "timed out after 15 m"}}  # fmt: skip
    for back in range(39, 0, -1):
        pen.run("sales_etl", tonight - back * 24 * HOUR, fails=bad.get(back), wait=2.0)
    for at in range(32, 0, -1):
        tick = datetime(2026, 11, 20, 2, 0, tzinfo=UTC).timestamp() - (at - 1) * 15 * MINUTE
        fails = {"fetch": "HTTP 503 from api.ecb.example/daily.json after 4 s"} if at <= 3 else None
        pen.run("fx_rates", tick, fails=fails, took={"fetch": 5.0, "store": 3.0})
    _nights(pen)


def _nights(pen: Pen) -> None:
    two = datetime(2026, 11, 19, 21, 0, tzinfo=UTC).timestamp()
    for back in range(30, -1, -1):
        fails = {"match": "KeyError: 'email'"} if back == 27 else None
        pen.run(
            "crm_sync",
            two - back * 2 * HOUR,
            fails=fails,
            took={"pull": 600.0, "match": 900.0, "push_contacts": 900.0},
        )
    for name, hour, days in (
        ("billing_invoices", 0, 30),
        ("inventory_snapshot", 2, 29),
        ("partner_feed", 3, 29),
    ):
        tick = datetime(2026, 11, 20 if hour < 2 else 19, hour, 0, tzinfo=UTC).timestamp()
        for back in range(days, -1, -1):
            pen.run(name, tick - back * 24 * HOUR)
    for back in range(40, 0, -1):
        tick = datetime(2026, 11, 20, 2, 0, tzinfo=UTC).timestamp() - back * HOUR
        fails = {"enrich": "ValueError: no such country: XK"} if back == 11 else None
        pen.run("clickstream_hourly", tick, fails=fails)
    for back in range(12, -1, -1):
        pen.run("warehouse_vacuum", NOW - 4.9 * 24 * HOUR - back * 7 * 24 * HOUR, took={"vacuum": 7200.0})
        pen.run(
            "gdpr_erasure", NOW - 4 * 24 * HOUR - back * 7 * 24 * HOUR, state="cancelled" if back == 0 else ""
        )
        pen.run("rocket_launches", NOW - 19 * HOUR - back * 24 * HOUR, took={"fetch": 12.0, "notify": 5.0})
        pen.run(
            "fraud_scores",
            NOW - 21 * HOUR - back * 24 * HOUR,
            kind="assets",
            took={"score": 90.0, "report": 40.0},
        )


def _tonight(pen: Pen) -> None:
    pen.run(
        "sales_etl", datetime(2026, 11, 20, 1, 15, tzinfo=UTC).timestamp(),
        fails={"transform.fct_orders": ERROR}, slow={"extract.web_events": 0.6, "stage.events": 8.0, "wait_fx_rates": 90.0},
    )  # fmt: skip
    for hour, state in ((23, ""), (1, "queued")):
        tick = datetime(2026, 11, 19 if hour > 12 else 20, hour, 0, tzinfo=UTC).timestamp()
        pen.run(
            "crm_sync", tick, state=state, took={"pull": 900.0, "match": 900.0, "push_contacts": 90_000.0}
        )
    pen.run("clickstream_hourly", datetime(2026, 11, 20, 2, 0, tzinfo=UTC).timestamp())
    pen.run(
        "inventory_snapshot", datetime(2026, 11, 20, 2, 0, tzinfo=UTC).timestamp(), took={"stores": 900.0}
    )


def _status(catalogue: Catalogue) -> Status:
    paused = frozenset({"gdpr_erasure"})
    coming = {
        name: tick.timestamp()
        for name, known in catalogue.pipelines.items()
        if name not in paused
        for tick in [next(known.schedule.ticks(datetime.fromtimestamp(NOW, UTC)), None)]
        if tick is not None
    }
    status = Status(NOW - 3 * 24 * HOUR, NOW - 0.4, 32, running=5, queued=1, late=0.2)
    return replace(status, pipelines=catalogue.pipelines, broken=catalogue.broken, next=coming, paused=paused)
