"""Logs: pieces of what an attempt wrote, and all that it writes while it goes on."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import sqlalchemy as sa
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response, StreamingResponse

from yamldag.engine.asking.naming import task_named
from yamldag.engine.memory.reading import Unreadable
from yamldag.engine.refused import Refused, unknown
from yamldag.plan.state import ATTEMPT_FINAL, FINAL, RUN_FINAL
from yamldag.store import views
from yamldag.store.patience import Away
from yamldag.web.api.checked import misunderstood, parameter, refusal
from yamldag.web.api.runs import the_run
from yamldag.web.api.shapes import TASK, ref
from yamldag.web.api.tasks import wanted
from yamldag.web.ask import Ask
from yamldag.web.auth.roles import Role
from yamldag.web.live.hub import Full, Listener, Topic, message
from yamldag.web.log.places import opened
from yamldag.web.route import Doc, Kind, Route

PIECE = 256 * 1024
"""Bytes of one answer, at most."""
BEAT = 0.25
"""Seconds between two looks at a log that is followed."""


class Piece(NamedTuple):
    text: str
    next: int
    """Where the next one begins."""
    size: int
    """Bytes of the whole log."""


def piece(ask: Ask, path: str | None, offset: int, limit: int) -> Piece:
    """From that byte on; it ends at the end of a character, so that pieces can be put together."""
    file = opened(path, ask.site.logs)
    if file is None:
        return Piece("", offset, 0)
    with file:
        size = os.fstat(file.fileno()).st_size
        file.seek(offset)
        data = file.read(limit)
    cut = len(data) - _torn(data) if offset + len(data) < size or len(data) > 4 else len(data)
    return Piece(data[:cut].decode(errors="replace"), offset + cut, size)


def _torn(data: bytes) -> int:
    """How many bytes at the end are the beginning of a character."""
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte & 0xC0 != 0x80:
            wants = 4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2 if byte >= 0xC0 else 1
            return back if wants > back else 0
    return 0


def log(ask: Ask) -> Response:
    """A piece of one attempt's log: the newest, or that number."""
    with ask.site.reading() as db:
        row = _attempt(ask, db)
    found = piece(ask, row["log"], parameter(ask, "offset"), parameter(ask, "limit"))
    return JSONResponse(
        {
            "attempt": row["number"],
            "state": row["state"],
            "offset": parameter(ask, "offset"),
            "next": found.next,
            "size": found.size,
            "text": found.text,
        }
    )


def _attempt(ask: Ask, db: sa.Connection) -> sa.RowMapping:
    """Raises Refused."""
    run, name = the_run(ask, db)["id"], wanted(ask)
    task, index, _ = task_named(db, run, name)
    rows = views.attempts(db, run, task, index)
    number = parameter(ask, "attempt")
    found = [row for row in rows if number in (None, row["number"])]
    if not found:
        what = "has not begun" if number is None else f"has no attempt {number}"
        raise unknown(f"`{name}` of run {run} {what}")
    if len({row["map_index"] for row in found}) > 1:
        raise Refused(f"`{name}` has several instances: name one of them, like `{task}[0]`")
    return found[-1]


# Following


async def follow(ask: Ask) -> Response:
    """All that a task writes from now on and has written so far, attempt after attempt, until nothing more can
    come. The events `log` have `{attempt, map_index, text}`; `end` is the last one."""
    wrong = misunderstood(ask)
    if wrong is not None:
        return wrong
    try:
        run = await run_in_threadpool(_checked, ask)
    except Refused as refused:
        return refusal(refused)
    try:
        listener = await ask.site.hub.subscribe(Topic(run), ask.who, None)
    except Full:
        return ask.failed(503, "Too many listen", "As many listen as may.", {"retry-after": "30"})
    return StreamingResponse(_parts(ask, listener), media_type="text/event-stream")


def _checked(ask: Ask) -> str:
    with ask.site.reading() as db:
        run = the_run(ask, db)["id"]
        task_named(db, run, wanted(ask))
    return str(run)


async def _parts(ask: Ask, listener: Listener) -> AsyncIterator[bytes]:
    places: dict[int, int] = {}
    done: set[int] = set()
    try:
        while True:
            told, over = await run_in_threadpool(_written, ask, places, done)
            for part in told:
                yield part
            if over and not told:
                yield message("end", {})
                return
            if await _ended(listener):
                return
    except (Away, Refused, Unreadable):
        return  # what was there is there no more: without its `end` whoever follows knows that more may come
    finally:
        ask.site.hub.leave(listener)


async def _ended(listener: Listener) -> bool:
    """Wait for a beat, or for something to happen. True: whoever listens may do so no more."""
    try:
        return await asyncio.wait_for(listener.queue.get(), BEAT) is None
    except TimeoutError:
        return False


def _written(ask: Ask, places: dict[int, int], done: set[int]) -> tuple[list[bytes], bool]:
    """What has come, of each attempt behind its place, and whether nothing more can come."""
    with ask.site.reading() as db:
        run = the_run(ask, db)
        task, index, rows = task_named(db, run["id"], wanted(ask))
        found = views.attempts(db, run["id"], task, index)
    over = run["state"] in RUN_FINAL or bool(rows and all(row.state in FINAL for row in rows))
    told = []
    for row in found:
        if row["id"] in done:
            continue
        part = piece(ask, row["log"], places.get(row["id"], 0), PIECE)
        if part.text:
            told.append(message("log", _part(row, part)))
        elif row["state"] in ATTEMPT_FINAL:
            done.add(row["id"])
        places[row["id"]] = part.next
    return told, over


def _part(row: sa.RowMapping, part: Piece) -> dict[str, Any]:
    index = None if row["map_index"] < 0 else row["map_index"]
    return {"attempt": row["number"], "map_index": index, "text": part.text}


_ATTEMPT = {"type": "integer", "minimum": 1, "maximum": 1_000_000}
_QUERY = {
    "task": TASK,
    "attempt": _ATTEMPT,
    "offset": {"type": "integer", "minimum": 0, "maximum": 2**53, "default": 0, "description": "bytes"},
    "limit": {"type": "integer", "minimum": 4, "maximum": PIECE, "default": 65_536, "description": "bytes"},
}
_RUN = "/api/v1/runs/{run}"

ROUTES = (
    Route(
        "api_log", "GET", f"{_RUN}/log", log, Role.VIEWER, Kind.API,
        doc=Doc("A piece of what the newest attempt wrote, or that of `attempt`", ref("LogPiece"), query=_QUERY),
    ),
    Route(
        "api_follow", "GET", f"{_RUN}/log/follow", follow, Role.VIEWER, Kind.STREAM,
        doc=Doc("What a task writes, as events, until it has ended", {"type": "string"}, query={"task": TASK}),
    ),
)  # fmt: skip
