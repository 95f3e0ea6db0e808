"""The list of pipelines: how each one is doing, found by name, owner, tag and state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from statistics import median

from markupsafe import Markup
from starlette.responses import Response

from yamldag.engine.schedule.known import Known
from yamldag.engine.status import Status
from yamldag.plan import schedule
from yamldag.store import overview
from yamldag.store.overview import Open
from yamldag.web import words
from yamldag.web.ask import Ask
from yamldag.web.auth.roles import Role
from yamldag.web.pages import bars, links, records, troubles
from yamldag.web.route import Kind, Route

_LISTED = 50
"""Pipelines that a page lists."""
STATES = ("failed", "late", "broken", "running", "queued", "paused")
"""What the list can be narrowed to."""
SORTS = ("attention", "name", "next")
_ORDER = ("failed", "late", "broken", "running", "queued", "cancelled", "success", "none")


@dataclass(frozen=True, slots=True)
class Standing:
    """How a pipeline is doing, before its runs are looked at."""

    known: Known
    marks: frozenset[str]
    """Those of STATES that it is."""
    state: str
    """The one of them that needs a person first, or how its last run ended."""
    says: str
    """Why it needs somebody."""
    due: float | None
    paused: bool

    @property
    def name(self) -> str:
        return self.known.plan.pipeline


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the list."""

    at: Standing
    drawn: Markup | None
    """Its last runs as bars."""
    usual: str
    last: records.RunLine | None
    """Its newest run."""
    schedule: str
    waits_for: str
    """The assets that it waits for, in words."""


def pipelines(ask: Ask) -> Response:
    status, now = ask.site.board.status, ask.now
    with ask.site.reading() as db:
        all_ = _standings(
            status, overview.last_states(db), overview.open_counts(db), overview.failing(db), now
        )
        wanted = _wanted(ask, all_)
        pages = max(1, -(-len(wanted) // _LISTED))
        page = ask.number("page", most=pages)
        listed = wanted[(page - 1) * _LISTED : page * _LISTED]
        lately = overview.lately(db, records.BARS, [each.name for each in listed])
    marks = Counter(mark for each in all_ for mark in each.marks)
    given = {name: ask.query(name) for name in ("q", "state", "owner", "tag", "sort")}
    return ask.page(
        "pipelines.html",
        lines=[_line(each, lately.get(each.name), now) for each in listed],
        all=len(all_),
        found=len(wanted),
        marks=[(mark, marks[mark]) for mark in STATES if marks[mark]],
        owners=sorted({each.known.plan.owner for each in all_ if each.known.plan.owner}),
        tags=sorted({tag for each in all_ for tag in each.known.plan.tags}),
        sorts=SORTS,
        given=given,
        link=lambda **other: links.query("/pipelines", **{**given, **other}),
        page=page,
        pages=pages,
    )


def _standings(
    status: Status, ended: Mapping[str, str], opened: Mapping[str, Open],
    failing: Collection[tuple[str, str]], now: float,
) -> list[Standing]:  # fmt: skip
    certain = {
        name for name, task in failing
        if name in status.pipelines and not troubles.may_fail(task, status.pipelines[name])
    }  # fmt: skip
    return [
        _standing(known, status, ended.get(name, "none"), opened.get(name, _NONE), now, fails=name in certain)
        for name, known in status.pipelines.items()
    ]


def _standing(known: Known, status: Status, ended: str, opened: Open, now: float, *, fails: bool) -> Standing:
    name = known.plan.pipeline
    paused = name in status.paused
    due = status.next.get(name)
    if opened is _NONE and not (fails or paused or ended == "failed" or known.stale):
        return Standing(known, _UNMARKED, ended, "", due, paused)
    waits = now - records.instant(opened.oldest) if opened.oldest else 0.0
    reasons = {
        "failed": "its run fails" if fails else "its last run failed" if ended == "failed" else "",
        "late": f"{words.span(waits)} late" if waits > troubles.PATIENCE and not paused else "",
        "broken": "its file does not compile" if known.stale else "",
        "running": words.counted(opened.running, "run") if opened.running else "",
        "queued": f"{words.counted(opened.queued, 'run')} wait{'s' * (opened.queued == 1)}"
        * bool(opened.queued),
        "paused": "paused" if paused else "",
    }
    state = next((each for each in _ORDER if reasons.get(each)), ended)
    says = reasons[state] if state in _ORDER[:3] else ""
    marks = frozenset(mark for mark in STATES if reasons[mark])
    return Standing(known, marks, state, says, due, paused)


_NONE, _UNMARKED = Open(), frozenset[str]()


def _wanted(ask: Ask, all_: Collection[Standing]) -> list[Standing]:
    """Those that were asked for, in the order that was asked for. What no pipeline has finds none."""
    text, state = ask.query("q").strip().lower()[:200], ask.query("state")
    owner, tag = ask.query("owner"), ask.query("tag")
    found = [
        each
        for each in all_
        if (not state or state in each.marks)
        and (not owner or each.known.plan.owner == owner)
        and (not tag or tag in each.known.plan.tags)
        and (not text or text in _text(each.known))
    ]
    return sorted(found, key=_KEYS.get(ask.query("sort"), _attention))


def _text(known: Known) -> str:
    plan = known.plan
    return " ".join([plan.pipeline, plan.description or "", plan.owner or "", *plan.tags]).lower()


def _attention(each: Standing) -> tuple[object, ...]:
    return _ORDER.index(each.state) if each.state in _ORDER else len(_ORDER), each.name


_KEYS: dict[str, Callable[[Standing], tuple[object, ...]]] = {
    "name": lambda each: (each.name,),
    "next": lambda each: (each.due is None, each.due or 0.0, each.name),
}


@lru_cache(maxsize=4096)
def _drawn(lengths: tuple[records.Length, ...]) -> tuple[Markup, str]:
    """The bars, and how long the good ones usually take; of most pipelines nothing has changed since the last look."""
    good = [each.seconds for each in lengths if each.state == "success"]
    return bars.bars(lengths, records.BARS).svg("last runs"), words.span(median(good)) if good else ""


def _line(each: Standing, lately: overview.Lately | None, now: float) -> Line:
    condition = each.known.schedule.assets
    drawn, usual = _drawn(records.lengths(lately.ends, now)) if lately else (None, "")
    return Line(
        each,
        drawn,
        usual,
        records.run_line(lately.newest, each.known, now) if lately else None,
        records.schedule_words(each.known.plan.schedule),
        schedule.in_words(condition).replace("`", "") if condition is not None else "",
    )


ROUTES = (
    Route("pipelines", "GET", "/pipelines", pipelines, Role.VIEWER, Kind.PAGE, place="Pipelines", keys="g p"),
)
