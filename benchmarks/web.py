"""What pages and the API cost on a store of 300 pipelines × 100 runs, beside the time of the SQL that they need."""

from __future__ import annotations

import asyncio
import socket
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa

from benchmarks.painting import painted
from tests.web.seeds import NOW, Seeded, seed
from yamldag.web.address import address_of
from yamldag.web.routes import TABLE
from yamldag.web.server import answering, warm
from yamldag.web.site import Site, site_of

TIMES, STREAMS, SILENCE = 40, 200, 5.0
PAGES = (
    ("home", "/"),
    ("the list of pipelines", "/pipelines"),
    ("a pipeline, its graph and runs", "/pipelines/p000"),
    ("a run and a log", "/runs/p000-00050?task=t0"),
    ("50 runs by the API", "/api/v1/runs"),
    ("300 pipelines by the API", "/api/v1/pipelines?limit=500"),
    ("metrics", "/metrics"),
)
LARGE = (
    ("the grid of 500 tasks × 100 runs", "/pipelines/p000?runs=100"),
    ("its graph", "/pipelines/p000/graph"),
    ("a run of 500 tasks", "/runs/p000-00050"),
    ("its tasks by the API", "/api/v1/runs/p000-00050/tasks?limit=500"),
)


class Sql:
    """Seconds and number of all statements of an engine."""

    def __init__(self, engine: sa.Engine) -> None:
        self.seconds, self.number, self._begun = 0.0, 0, 0.0
        sa.event.listen(engine, "before_cursor_execute", self._before)
        sa.event.listen(engine, "after_cursor_execute", self._after)

    def _before(self, *_: Any) -> None:
        self._begun = time.perf_counter()

    def _after(self, *_: Any) -> None:
        self.seconds += time.perf_counter() - self._begun
        self.number += 1


@contextmanager
def served(seeded: Seeded) -> Iterator[tuple[Site, str]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = int(listener.getsockname()[1])
        address = address_of("127.0.0.1", port)
        site = site_of(seeded.board, seeded.url, seeded.folder, address, lambda: NOW, TABLE)
        warm(site)
        with answering(listener, site):
            yield site, f"http://127.0.0.1:{port}"


def web(folder: Path) -> str:
    lines = [
        "## Web\n",
        f"300 pipelines × 100 runs × 3 tasks, one request after another, {TIMES} of each; SQL is the time within the",
        "database's cursors, the sign-in's included.\n",
        "| what | p50 | p95 | of it SQL | statements | KB |",
        "|---|---|---|---|---|---|",
    ]
    with served(seed(folder / "many", 300, 100, 3)) as (site, url):
        lines += _asked(site, url, PAGES)
        streams = asyncio.run(_streams(url))
        seen = painted(url, PAGES[:4])
    with served(seed(folder / "large", 1, 100, 500)) as (site, url):
        lines += _asked(site, url, LARGE)
        seen += painted(url, LARGE[:3], LARGE[0][1])
    head = ["In Chromium without a graphics card, on the same two cores:\n", "| what | |", "|---|---|"]
    return "\n".join([*lines, "", streams, "", *head, *seen, ""])


def _asked(site: Site, url: str, pages: tuple[tuple[str, str], ...]) -> Iterator[str]:
    sql = Sql(site.engine)
    with httpx.Client(base_url=url, timeout=120) as client:
        for words, path in pages:
            answer = client.get(path)
            if answer.status_code == 404:  # of a page that is not there yet
                continue
            assert answer.status_code == 200, f"{path}: {answer.status_code}"
            sql.seconds, sql.number, times = 0.0, 0, []
            for _ in range(TIMES):
                begun = time.perf_counter()
                client.get(path)
                times.append((time.perf_counter() - begun) * 1000)
            p95 = statistics.quantiles(times, n=20)[-1]
            each = sql.seconds / TIMES * 1000
            size = len(answer.content) / 1000
            cells = (f"{statistics.median(times):.1f} ms", f"{p95:.1f} ms", f"{each:.1f} ms")
            yield f"| {words} | {' | '.join(cells)} | {sql.number / TIMES:.0f} | {size:.0f} |"


async def _streams(url: str) -> str:
    """The CPU of this process while so many listen and nothing happens, beside that while nobody does."""
    alone = await _cpu()
    async with httpx.AsyncClient(timeout=None, limits=httpx.Limits(max_connections=None)) as client:
        opened = [await _open(client, f"{url}/live") for _ in range(STREAMS)]
        listened = await _cpu()
        for answer in opened:
            await answer.aclose()
    return (
        f"{STREAMS} open streams while nothing happens: {(listened - alone) * 100:.1f} % of a core more than none "
        f"({SILENCE:.0f} s; who listens is in the same process)."
    )


async def _open(client: httpx.AsyncClient, url: str) -> httpx.Response:
    answer = await client.send(client.build_request("GET", url), stream=True)
    assert answer.status_code == 200
    return answer


async def _cpu() -> float:
    begun, at = time.process_time(), time.perf_counter()
    await asyncio.sleep(SILENCE)
    return (time.process_time() - begun) / (time.perf_counter() - at)
