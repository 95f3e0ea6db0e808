"""What a task's name means: it is sought among siblings, then group by group outwards; dots go down."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from yamldag.compile.draft import Draft


def find(name: str, site: Draft) -> Draft | None:
    """The task or group that a dotted name means where `site` stands, or None."""
    first, *rest = name.split(".")
    draft = outward(first, site)
    for part in rest:
        if draft is None:
            break
        if draft.open:
            return draft
        draft = draft.children.get(part)
    return draft if draft is not None or not rest else outward(name, site)


def outward(name: str, site: Draft) -> Draft | None:
    """The nearest task or group of that name, from the site's siblings up to the root of its scope."""
    top = site.scope.root
    group = site.group if site.group is not None else site
    while True:
        found = group.children.get(name)
        if found is not None:
            return found
        if group is top or group.group is None:
            return None
        group = group.group


def _around(site: Draft) -> Iterator[Draft]:
    """The groups whose names are known there, the innermost first."""
    group: Draft | None = site.group if site.group is not None else site
    while group is not None:
        yield group
        group = group.group if group is not site.scope.root else None


def _inside(group: Draft) -> Iterator[str]:
    """Its names, and those one dot further down."""
    for child in group.children.values():
        yield child.name
        yield from (f"{child.name}.{below}" for below in child.children)


def known(site: Draft) -> dict[str, Draft]:
    """What each name means there: the nearest of each, and those one dot further down."""
    told = [name for group in _around(site) for name in _inside(group)]
    return {name: found for name in dict.fromkeys(told) if (found := find(name, site)) is not None}


def suggestion(name: str, site: Draft, *, without: Iterable[str] = ()) -> str | None:
    """Help for a name that means nothing there."""
    for group in _around(site):
        near = site.scope.nearest(name, id(group), partial(_inside, group))
        if near and near not in without:
            return f"did you mean `{near}`?"
    words = name.replace(",", " ").split()
    if len(words) > 1 and all(find(word, site) for word in words):
        return f"several tasks are a list: `[{', '.join(words)}]`"
    owner, _, last = name.rpartition(".")
    if last in ("output", "state") and find(owner, site):
        return f"name the task alone: `{owner}`"
    inside = site.scope.homes().get(last)
    return f"there is a `{inside}.{last}`: name it so from here" if inside else None
