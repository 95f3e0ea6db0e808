"""Assets: who makes each, who waits for it, when it was updated last, and how all that hangs together."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from markupsafe import Markup
from starlette.responses import Response

from yamldag.plan.pipeline import Plan, Task
from yamldag.plan.schedule import names
from yamldag.render.svg import picture
from yamldag.store import listing
from yamldag.web.ask import Ask
from yamldag.web.auth.roles import Role
from yamldag.web.route import Kind, Route

_DRAWN = 200
"""Assets and pipelines of a graph that is drawn."""


def assets(ask: Ask) -> Response:
    made: dict[str, list[tuple[str, str]]] = {}
    awaited: dict[str, list[str]] = {}
    for name, known in sorted(ask.site.board.status.pipelines.items()):
        for task in known.plan.tasks:
            for asset in task.produces:
                made.setdefault(asset, []).append((name, task.id))
        if known.schedule.assets is not None:
            for asset in dict.fromkeys(names(known.schedule.assets)):
                awaited.setdefault(asset, []).append(name)
    with ask.site.reading() as db:
        newest = listing.newest_updates(db)
    rows = [
        {
            "name": name,
            "made": made.get(name, []),
            "awaited": awaited.get(name, []),
            "newest": newest.get(name),
        }
        for name in sorted({*made, *awaited, *newest})
    ]
    edges = {(f"pipeline {pipeline}", name) for name, those in made.items() for pipeline, _ in those}
    edges |= {(name, f"pipeline {pipeline}") for name, those in awaited.items() for pipeline in those}
    graph, why = _graph(tuple(sorted(edges)))
    return ask.page("assets.html", assets=rows, graph=graph, why=why)


@lru_cache(maxsize=8)
def _graph(edges: tuple[tuple[str, str], ...]) -> tuple[Markup | None, str]:
    """The lineage as a drawing, or why there is none."""
    needs: dict[str, set[str]] = {}
    for before, after in edges:
        needs.setdefault(before, set())
        needs.setdefault(after, set()).add(before)
    if not needs:
        return None, ""
    if len(needs) > _DRAWN:
        return None, f"There are more than {_DRAWN} pipelines and assets: the table tells the same."
    if _has_ring(needs):
        return None, "Pipelines wait for each other in a ring, which is not drawn: the table tells the same."
    tasks = tuple(
        Task(
            _shown(name, needs),
            "pipeline" if name.startswith("pipeline ") else "asset",
            needs=tuple(sorted(_shown(each, needs) for each in above)),
            judged=tuple(sorted(_shown(each, needs) for each in above)),
        )
        for name, above in sorted(needs.items())
    )
    return Markup(picture(Plan("assets", tasks=tasks))[0]), ""  # noqa: S704  (it escapes all that it is given)


def _shown(name: str, needs: Mapping[str, set[str]]) -> str:
    """A pipeline by its id alone, unless an asset has the same name."""
    shown = name[9:] if name.startswith("pipeline ") and name[9:] not in needs else name
    return shown.replace(".", "\N{ONE DOT LEADER}")  # a dot would make a group of what is before it


def _has_ring(needs: Mapping[str, set[str]]) -> bool:
    left = {name: set(above) for name, above in needs.items()}
    while left:
        free = [name for name, above in left.items() if not above]
        if not free:
            return True
        for name in free:
            del left[name]
        for above in left.values():
            above.difference_update(free)
    return False


ROUTES = (Route("assets", "GET", "/assets", assets, Role.VIEWER, Kind.PAGE, place="Assets", keys="g s"),)
