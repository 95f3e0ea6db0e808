"""The frame of every page: its templates, and what each of them may speak of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape
from starlette.requests import HTTPConnection

from yamldag import __version__, shipped
from yamldag.engine.status import Status
from yamldag.web import looks, words
from yamldag.web.auth.who import Who
from yamldag.web.route import Table

ZONE, THEME, KEYS = "yamldag-zone", "yamldag-theme", "yamldag-keys"
"""Cookies of what a viewer has chosen. None of them opens anything."""
THEMES = ("light", "dark")
SAID = {
    "paused": "It is paused.",
    "unpaused": "It goes on.",
    "unchanged": "It was so already.",
    "cancelled": "It is cancelled.",
    "asked": "The scheduler was asked to: it happens in a moment.",
    "over": "It was over already.",
    "triggered": "It is queued: a scheduler begins it as soon as there is room.",
    "cleared": "It is cleared, and waits for room.",
    "marked": "It is marked.",
    "approved": "You said yes: it goes on.",
    "declined": "You said no: the task is skipped.",
    "nothing": "There was nothing to do.",
    "backfilled": "The runs are queued.",
    "done": "It is done.",
}
"""What a page says of an action that led to it, by its outcome in `?did=`. Nothing else is said."""
_ZONES = frozenset(available_timezones())


@dataclass(frozen=True, slots=True)
class Look:
    """How somebody wants pages to be."""

    zone: str
    theme: str
    """`light`, `dark`, or empty: as the system has it."""
    keys: bool
    """Whether single letters do something."""
    chosen: bool
    """Whether a zone was chosen: else it is UTC until the browser has told its own."""

    @property
    def tz(self) -> tzinfo:
        return UTC if self.zone == "UTC" else ZoneInfo(self.zone)


def look_of(request: HTTPConnection) -> Look:
    zone, theme = request.cookies.get(ZONE, ""), request.cookies.get(THEME, "")
    known = is_zone(zone)
    return Look(
        zone if known else "UTC",
        theme if theme in THEMES else "",
        request.cookies.get(KEYS) != "off",
        known,
    )


def is_zone(name: str) -> bool:
    """Whether it is the name of a time zone."""
    return name in _ZONES


class Frame:
    """Of one site."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.templates = _environment()

    def warm(self) -> None:
        """Compile all templates, which the first page of each kind would wait for."""
        for name in self.templates.list_templates(extensions=["html"]):
            self.templates.get_template(name)

    def page(
        self,
        template: str,
        *,
        request: HTTPConnection,
        who: Who,
        status: Status,
        now: float,
        since: int | None,
        values: dict[str, Any],
    ) -> str:
        """The whole page, read after the event of the number `since`. Pages for nobody in particular tell nothing
        of the project."""
        look = look_of(request)
        path = request.url.path
        shared = {
            "status": status,
            "now": now,
            "since": since,
            "healthy": status.healthy(now),
            "scheduler": _at_work(status, now),
            "version": __version__,
            "who": who,
            "look": look,
            "here": path + (f"?{request.url.query}" if request.url.query else ""),
            "path": path,
            "places": [
                route for route in self.table.routes if route.place is not None and who.may(route.role)
            ],
            "did": SAID.get(request.query_params.get("did", ""), ""),
            "clock": words.moment(now // 60 * 60, look.tz, now),
        }
        return self.templates.get_template(template).render(shared | values)


def _at_work(status: Status, now: float) -> str:
    """The scheduler, in a word or two."""
    number = status.schedulers
    if status.stopping:
        return "scheduler is stopping"
    if not status.healthy(now):
        return "no scheduler works" if status.apart else "scheduler does not turn"
    if number == 1:
        return "scheduler works"
    if status.apart:
        return f"{number} schedulers work"
    return f"scheduler works, one of {number}" + (" and leads" if status.leads else "")


def _environment() -> Environment:
    loader = FileSystemLoader(shipped.path("templates", "web"))
    made = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.globals.update(
        word=looks.word, task_word=looks.task_word, sprite=looks.sprite(), counted=words.counted, span=words.span,
        about=words.about, size=words.size, when=_when, ago=_ago, symbol=looks.glyph,
    )  # fmt: skip
    made.filters.update(moment=datetime.fromisoformat, timed=_timed)
    return made


@pass_context
def _when(context: Context, at: float | datetime | None) -> Markup:
    """A moment in the viewer's zone, with the zone written; in its tooltip in UTC."""
    if at is None:
        return Markup("")
    return _time(at, words.moment(at, context["look"].tz, context["now"]))


@pass_context
def _timed(context: Context, sentence: str, moments: Sequence[str]) -> Markup:
    """A sentence with the moments that stand in it, ISO 8601, as `when` shows them."""
    for at, moment in enumerate(moments):
        before, found, after = sentence.partition(moment)
        if found:
            shown = _when(context, datetime.fromisoformat(moment))
            return escape(before) + shown + _timed(context, after, moments[at + 1 :])
    return escape(sentence)


@pass_context
def _ago(context: Context, at: float | None) -> Markup:
    """How far a moment is; in its tooltip when that was."""
    return Markup("") if at is None else _time(at, words.about(at - context["now"]))


def _time(at: float | datetime, shown: str) -> Markup:
    moment = (at if isinstance(at, datetime) else datetime.fromtimestamp(at, UTC)).astimezone(UTC)
    exact = moment.isoformat(timespec="seconds").replace("+00:00", "Z")
    return Markup(f'<time datetime="{exact}" title="{exact}">{escape(shown)}</time>')  # noqa: S704  (a time, and escaped)
