"""Durations: how long each task takes, run by run, and which ones got slower."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from starlette.responses import Response

from yamldag.store import histories
from yamldag.web import words
from yamldag.web.ask import Ask
from yamldag.web.auth.roles import Role
from yamldag.web.pages import bars, records
from yamldag.web.pages.links import tab_link
from yamldag.web.pages.pipeline.frame import known_of, missing, tab_page
from yamldag.web.route import Kind, Route

RUNS = 50
_WIDTH, _HIGH = 300, 26
SORTS = ("slower", "longest", "file")


@dataclass(frozen=True, slots=True)
class Trend:
    """A task over the newest runs."""

    task: str
    link: str
    usual: float
    longest: float
    last: float
    lately: float
    """The newest five against the usual time; 1: as usual."""
    failed: int
    good: str
    """The `d` of the bars of its successes; `bad` of its failures."""
    bad: str
    level: float
    """The height of the usual time."""

    @property
    def slower(self) -> float:
        """How much slower than usual it is, the last time or lately."""
        return max(self.lately, self.last / self.usual if self.usual else 1.0)

    @property
    def warns(self) -> bool:
        """What `change` says is bad news."""
        return self._last_was_long or self.lately >= 1.1

    @property
    def _last_was_long(self) -> bool:
        return bool(self.usual) and self.last / self.usual >= 1.5

    @property
    def change(self) -> str:
        if self._last_was_long:
            return f"the last {self.last / self.usual:.1f} × the usual"
        if abs(self.lately - 1) < 0.1:
            return ""
        return f"{abs(self.lately - 1):.0%} {'slower' if self.lately > 1 else 'faster'} lately"


def durations(ask: Ask) -> Response:
    known = known_of(ask)
    if known is None:
        return missing(ask)
    name = known.plan.pipeline
    with ask.site.reading() as db:
        rows = histories.runs_before(db, name, RUNS)
        found = histories.durations(db, [row["id"] for row in rows])
    runs = [records.run_line(row, known, ask.now) for row in rows]
    place = {row["id"]: at for at, row in enumerate(rows)}
    by_task: dict[str, list[histories.Took]] = {}
    for each in found:
        by_task.setdefault(each.task, []).append(each)
    order = {task.id: at for at, task in enumerate(known.plan.tasks)}
    trends = [_trend(name, task, those, place) for task, those in by_task.items()]
    sort = ask.query("sort") if ask.query("sort") in SORTS else SORTS[0]
    keys = {
        "slower": lambda each: (-each.slower, order.get(each.task, 0)),
        "longest": lambda each: (-each.usual, order.get(each.task, 0)),
        "file": lambda each: (order.get(each.task, len(order)), each.task),
    }
    usual = records.usual(rows)
    return tab_page(
        ask, known, "durations", rows[::-1][: records.BARS],
        trends=sorted(trends, key=keys[sort]),
        width=_WIDTH, high=_HIGH, sort=sort, sorts=SORTS,
        sort_link=lambda way: tab_link(name, "durations", sort=way),
        runs=runs, drawn=bars.bars(runs, len(runs), 20, 72) if runs else None,
        usual="" if usual is None else words.span(usual),
    )  # fmt: skip


def _trend(name: str, task: str, took: Sequence[histories.Took], place: dict[str, int]) -> Trend:
    those = sorted(took, key=lambda each: place[each.run])
    good = [each.ended - each.started for each in those if not each.failed]
    usual = median(good) if good else median(each.ended - each.started for each in those)
    longest = max(each.ended - each.started for each in those)
    scale = (_HIGH - 2) / (longest or 1.0)
    fills: dict[bool, list[str]] = {False: [], True: []}
    for each in those:
        high = max(1.5, (each.ended - each.started) * scale)
        fills[bool(each.failed)].append(f"M{place[each.run] * 6} {_HIGH - high:.1f}h4v{high:.1f}h-4z")
    newest = good[-5:]
    return Trend(
        task,
        tab_link(name, "grid", task=task, run=those[-1].run),
        usual,
        longest,
        those[-1].ended - those[-1].started,
        median(newest) / usual if newest and usual else 1.0,
        sum(bool(each.failed) for each in those),
        "".join(fills[False]),
        "".join(fills[True]),
        round(_HIGH - usual * scale, 1),
    )


ROUTES = (
    Route("pipeline_durations", "GET", "/pipelines/{pipeline}/durations", durations, Role.VIEWER, Kind.PAGE),
)
