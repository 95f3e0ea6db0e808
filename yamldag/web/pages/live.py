"""`/live`: what has changed, as a stream of events for as long as somebody listens."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

from starlette.responses import Response, StreamingResponse

from yamldag.web.ask import Ask
from yamldag.web.auth.roles import Role
from yamldag.web.live.hub import Full, Hub, Listener, Topic
from yamldag.web.route import PATTERNS, Kind, Route


async def live(ask: Ask) -> Response:
    """Of a run (`?run=`), of a pipeline (`?pipeline=`), or of all; `since` an event, unless the browser itself says
    what it has heard last."""
    run, pipeline = ask.query("run") or None, ask.query("pipeline") or None
    for name, value in (("run", run), ("pipeline", pipeline)):
        if value is not None and not re.fullmatch(PATTERNS[name], value):
            return ask.failed(400, "No such topic", f"`{name}` is no id.")
    last = ask.request.headers.get("last-event-id", "") or ask.query("since")
    since = int(last) if re.fullmatch("[0-9]{1,18}", last) else None
    hub = ask.site.hub
    try:
        listener = await hub.subscribe(Topic(run, pipeline), ask.who, since)
    except Full:
        words = "As many pages listen as may; this one shows what was so when it was opened."
        return ask.failed(503, "Too many listen", words, {"retry-after": "30"})
    return StreamingResponse(_parts(hub, listener), media_type="text/event-stream")


async def _parts(hub: Hub, listener: Listener) -> AsyncIterator[bytes]:
    try:
        while (part := await listener.queue.get()) is not None:
            yield part
    finally:
        hub.leave(listener)


ROUTES = (Route("live", "GET", "/live", live, Role.VIEWER, Kind.STREAM),)
