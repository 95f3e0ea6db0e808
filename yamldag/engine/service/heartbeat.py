"""Tells somebody elsewhere, again and again, that the scheduler is at work: when it stops, they raise the alarm.

A request for a URL, as healthchecks.io and its like want it. It goes by a thread of its own, so that a slow answer
holds nothing up; but it is the loop that asks for it, so that a loop which hangs is not called alive.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from msgspec import Struct, field

from yamldag.compile.project import Project
from yamldag.store import stored
from yamldag.store.database import Database

PATIENCE = 10.0
"""Seconds for an answer."""
Send = Callable[[str], str | None]
"""Requests a URL; words if that went wrong."""


class Wanted(Struct, frozen=True):
    """What the project file says."""

    url: str
    every: float
    """Seconds."""


def of(project: Project, database: Database) -> Wanted | str | None:
    """What the project wants by now, secrets put in: those of this machine and of the database."""
    if project.heartbeat is None:
        return None
    url, every = project.heartbeat
    if "{{" not in url:
        return Wanted(url, every)
    from yamldag.engine.asking.secrets import keys_of
    from yamldag.plan.expression import TemplateError, render_text

    keys = keys_of(project, stored.tokens(database), far=False)
    try:
        return Wanted(render_text(url, {"secrets": keys.names["secrets"]}), every)
    except TemplateError as error:
        return str(error)


class Heartbeat(Struct):
    say: Callable[[str], None]
    send: Send
    _due: float = 0.0
    _thread: threading.Thread | None = None
    _answers: list[str | None] = field(default_factory=list)
    _complained: bool = False

    def beat(self, wanted: Callable[[], Wanted | str | None], now: float) -> None:
        """If it is time, and the last one is back. `wanted` may be words on why there is nothing to request; None:
        nobody wants to be told."""
        self._hear()
        if now < self._due <= now + _LONGEST or (self._thread is not None and self._thread.is_alive()):
            return
        told = wanted()
        if told is None:
            self._due = now + _LOOK
        elif isinstance(told, str):
            self._due = now + _LOOK
            self._answers.append(told)
        else:
            self._due = now + told.every
            self._thread = threading.Thread(
                target=self._tell, args=(told.url,), daemon=True, name="heartbeat"
            )
            self._thread.start()

    def _tell(self, url: str) -> None:
        self._answers.append(self.send(url))

    def _hear(self) -> None:
        """A complaint once, until it goes well again."""
        while self._answers:
            wrong = self._answers.pop(0)
            if wrong and not self._complained:
                self.say(f"nobody hears the heartbeat: {wrong}")
            elif not wrong and self._complained:
                self.say("the heartbeat is heard again")
            self._complained = bool(wrong)


_LONGEST = 86_400.0
_LOOK = 10.0
"""Seconds between two looks at whether it is wanted."""


def request(url: str) -> str | None:
    """GET. Words if the answer is none, or no success; the URL is not among them: it is a secret of sorts."""
    import httpx

    try:
        answer = httpx.get(url, timeout=PATIENCE, follow_redirects=True, headers={"User-Agent": "yamldag"})
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, ValueError):
        return "`heartbeat` is no URL that can be requested"
    except httpx.HTTPError:
        return "there is no answer"
    return None if answer.is_success else f"the answer is {answer.status_code}"
