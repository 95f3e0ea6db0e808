"""The log of one attempt: folded lines, a search over the whole, the file itself, and what is written just now."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from typing import BinaryIO
from urllib.parse import quote

import sqlalchemy as sa
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response, StreamingResponse

from yamldag.plan.state import ATTEMPT_FINAL
from yamldag.store import overview
from yamldag.store.database import Away
from yamldag.web.ask import Ask
from yamldag.web.auth.roles import Role
from yamldag.web.log.ansi import drawn
from yamldag.web.log.index import Log
from yamldag.web.log.places import opened
from yamldag.web.log.view import FOUND, UNFOLDED, Shown, unfolded
from yamldag.web.route import Kind, Route

STREAMS = 100
"""Logs that are followed at once."""
_BEAT = 0.4
"""Seconds between two looks at a file that is followed."""
_ASKED = 5
"""Looks after which it is asked again whether the attempt goes on, and whoever follows may."""
_PIECE = 1 << 16


def attempt(ask: Ask, db: sa.Connection) -> sa.RowMapping | None:
    """The attempt that the query names: of a task, by its index and number; without a number the newest."""
    index = ask.query("index")
    number = int(index) if re.fullmatch("[0-9]{1,9}", index) else -1
    rows = overview.attempts_of(db, ask.path["run"], ask.query("task"), number)
    asked = ask.query("try")
    return next((row for row in reversed(rows) if asked in ("", str(row["number"]))), None)


def _found(ask: Ask) -> sa.RowMapping | None:
    with ask.site.reading() as db:
        return attempt(ask, db)


def lines(ask: Ask) -> Response:
    """The lines from `from` to `to`, as they stand in the page."""
    row = _found(ask)
    first = ask.number("from")
    last = ask.number("to", first + UNFOLDED - 1)
    parts = row and unfolded(row["log"], ask.site.logs, first, last, failed=row["state"] == "failed")
    return ask.missing() if parts is None else ask.page("log_lines.html", pieces=parts)


def search(ask: Ask) -> Response:
    """The numbers of the lines that hold `find`."""
    row = _found(ask)
    if row is None:
        return ask.missing()
    file = opened(row["log"], ask.site.logs)
    if file is None:
        return JSONResponse({"lines": [], "more": False})
    with file:
        found = Log(file).search(ask.query("find")[:200], FOUND + 1)
    return JSONResponse({"lines": found[:FOUND], "more": len(found) > FOUND})


def download(ask: Ask) -> Response:
    row = _found(ask)
    file = opened(row["log"], ask.site.logs) if row else None
    if row is None or file is None:
        return ask.missing()
    name = f"{ask.path['run']}.{ask.query('task')}.{row['number']}.log"
    headers = {"content-disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"}
    return StreamingResponse(_pieces(file), media_type="text/plain; charset=utf-8", headers=headers)


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while piece := file.read(_PIECE):
            yield piece


# Following


_following = 0


async def follow(ask: Ask) -> Response:
    """Lines as they are written, until the attempt has ended. `after`: the number of lines that are known."""
    if _following >= STREAMS:
        return ask.failed(503, "Too many follow", "As many logs are followed as may.", {"retry-after": "30"})
    row = await run_in_threadpool(_found, ask)
    if row is None:
        return ask.failed(404, "No such log", "There is no such attempt.")
    last = ask.request.headers.get("last-event-id", "") or ask.query("after", "0")
    after = int(last) if re.fullmatch("[0-9]{1,12}", last) else 0
    return StreamingResponse(_followed(ask, row, after), media_type="text/event-stream")


async def _followed(ask: Ask, row: sa.RowMapping, after: int) -> AsyncIterator[bytes]:
    global _following  # noqa: PLW0603  (a number, of one loop)
    _following += 1
    try:
        looks, size, known = 0, -1, after
        yield b"retry: 2000\n\n"
        while True:
            over = row["state"] in ATTEMPT_FINAL
            told = await run_in_threadpool(_news, ask, row["log"], known, size, over)
            for text, number, read in told:
                known, size = number, read
                yield f"id: {known}\nevent: lines\ndata: {json.dumps(text)}\n\n".encode()
            if over:
                yield b"event: end\ndata: {}\n\n"
                return
            await asyncio.sleep(_BEAT)
            looks += 1
            if looks % _ASKED == 0:
                fresh = await run_in_threadpool(_still, ask)
                if fresh is None:
                    return
                row = fresh
                yield b": still here\n\n"
    finally:
        _following -= 1


def _still(ask: Ask) -> sa.RowMapping | None:
    """The attempt as it is now; None: whoever asks may hear no more of it."""
    try:
        return _found(ask) if ask.site.gate.who(ask.request).may(Role.VIEWER) else None
    except Away:
        return None


def _news(ask: Ask, path: str | None, after: int, size: int, over: bool) -> list[tuple[str, int, int]]:
    """(HTML, lines known by then, size of the file) of what has come. A line that has no end yet comes later."""
    file = opened(path, ask.site.logs)
    if file is None:
        return []
    with file:
        log = Log(file)
        if log.size == size and not over:
            return []
        last = log.lines if over or log.whole else log.lines - 1
        found = log.window(after + 1, min(last, after + UNFOLDED), 200_000)
    if not found:
        return []
    parts = [Shown(each.number, drawn(each.data), each.more, False) for each in found]
    text = ask.site.frame.templates.get_template("log_parts.html").render(pieces=parts)
    rest = -1 if found[-1].number < last else log.size
    return [(text, found[-1].number, rest)]


_LOG = "/runs/{run}/log"

ROUTES = (
    Route("log", "GET", _LOG, lines, Role.VIEWER, Kind.PAGE),
    Route("log_search", "GET", f"{_LOG}/search", search, Role.VIEWER, Kind.PROBE),
    Route("log_file", "GET", f"{_LOG}/file", download, Role.VIEWER, Kind.PAGE),
    Route("log_follow", "GET", f"{_LOG}/follow", follow, Role.VIEWER, Kind.STREAM),
)
