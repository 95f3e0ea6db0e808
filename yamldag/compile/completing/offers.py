"""What may be written at a place of a text: keys, values, and names in expressions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from yamldag.compile import documents, keys
from yamldag.compile.completing import part as schemas
from yamldag.compile.completing import spot as spots
from yamldag.compile.completing.around import Around, Named
from yamldag.compile.completing.expression import Unfinished, unfinished
from yamldag.compile.completing.part import Part
from yamldag.compile.completing.spot import MARK, Spot
from yamldag.compile.project import Project
from yamldag.plan.expression import vocabulary
from yamldag.syntax import core
from yamldag.syntax.tree import Map, Scalar, Seq

MOST = 100
"""Offers of one place."""
_PLAIN = re.compile(r"[A-Za-z0-9_./][\w ./*+-]*")
_NAME = re.compile(r"[A-Za-z_]\w*")


class Offer(NamedTuple):
    """Something that may be written."""

    label: str
    text: str
    """What to put in place of the text from `start` on up to the end of the word."""
    start: int
    """In code points."""
    kind: str
    """`key`, `operator`, `value`, `task` or `name`."""
    detail: str
    about: str


class Offers(NamedTuple):
    """The best first; `end` is where the word ends that they replace."""

    offers: list[Offer]
    end: int


def complete(project: Project, path: str, text: str, offset: int) -> Offers:
    """What may be written at an offset, in code points; nothing where nothing is known."""
    spot = spots.find(path, text, offset)
    if spot is None:
        return Offers([], offset)
    around = Around(project, spot.file, spot.root, spot.path)
    begun = unfinished(spot, around)
    if begun is not None:
        found = list(_names(around, begun))
        return Offers(_fitting(found, begun.word), begun.end)
    found = [*_keys(around, spot), *_values(around, spot)]
    return Offers(_fitting(found, spot.word), spot.end)


def _fitting(offers: Iterable[Offer], word: str) -> list[Offer]:
    """Those that begin with the word, then those that hold it."""
    wanted = word.lower()
    holding = [offer for offer in offers if wanted in offer.label.lower()]
    once = {offer.label: offer for offer in reversed(holding)}
    mine = [offer for offer in holding if once[offer.label] is offer]
    return sorted(mine, key=lambda offer: not offer.label.lower().startswith(wanted))[:MOST]


# Keys


def _keys(around: Around, spot: Spot) -> Iterator[Offer]:
    """What is no key yet of the mapping that the word is in, or may begin."""
    if not spot.is_key and not (spot.begins_line and spot.node.text == MARK):
        return
    part = schemas.at(_kind(spot), spot.path)
    if part is None:
        return
    there = spot.siblings
    if spot.path[-1:] == ("with",):
        named = [one for one in around.params_of_use() if one.name not in there]
        yield from (_key(spot, one.name, ": ", one.detail, one.about) for one in named)
    own = around.is_task and not around.left
    for name, one in _in_order(part, there, own=own).items():
        kind = "operator" if part.takes_operators and name in keys.OPERATORS else "key"
        ends = ":" if one.types and set(one.types) <= {"object", "array"} and spot.begins_line else ": "
        yield _key(spot, name, ends, one.wanted, one.about, kind)


def _in_order(part: Part, there: set[str], *, own: bool) -> dict[str, Part]:
    """The keys that may be added. A task without an operator wants one first; one that has it, no other."""
    known = {name: one for name, one in schemas.keys(part).items() if name not in there}
    if not own:
        return known
    if not there.isdisjoint(("tasks", "use")):
        allowed = keys.GROUP if "tasks" in there else keys.USE
        return {name: one for name, one in known.items() if name in allowed - {"tasks", "use"}}
    if there.isdisjoint(keys.OPERATORS):
        return known
    other = keys.OPERATORS | {"tasks", "use", "defaults"}
    return {name: one for name, one in known.items() if name not in other}


def _key(spot: Spot, name: str, ends: str, detail: str, about: str, kind: str = "key") -> Offer:
    return Offer(name, name if spot.keyed else name + ends, spot.start, kind, detail, about)


def _kind(spot: Spot) -> str:
    return documents.kind_of(spot.root) or "pipeline"


# Values


def _values(around: Around, spot: Spot) -> Iterator[Offer]:
    """What the value under a key may be. A word alone on its line may be one, or become a key."""
    alone = spot.is_key and spot.begins_line and not spot.keyed and not spot.siblings and bool(spot.path)
    if not alone and (spot.is_key or spot.node.text != MARK):
        return
    named = _named(around, spot)
    if named is not None:
        kind = "task" if _last(spot) in _OF_TASKS else "value"
        yield from (Offer(one.name, one.name, spot.start, kind, one.detail, one.about) for one in named)
        return
    part = schemas.at(_kind(spot), spot.path)
    if part is not None and not alone:
        yield from _fixed(part, spot)


_OF_TASKS = ("needs", "teardown_of")


def _last(spot: Spot) -> str:
    """The key that the value stands under, through lists."""
    return next((step for step in reversed(spot.path) if isinstance(step, str)), "")


def _named(around: Around, spot: Spot) -> list[Named] | None:
    """What values of some keys name; None: this one names nothing."""
    last = _last(spot)
    if last in _OF_TASKS and around.is_task and around.left[:1] == (last,):
        beside = spot.holder.items if type(spot.holder) is Seq else []
        return around.tasks(without=[item.text for item in beside if type(item) is Scalar])
    if last == "pool":
        return [Named(name, f"{slots} slots") for name, slots in around.project.pools.items()]
    if last == "connection":
        known = sorted(around.project.connections)
        return [Named(name, around.project.kind_of_connection(name) or "") for name in known]
    if last == "use" and around.is_task:
        return [Named(name, "template") for name in _templates(spot)]
    return None


def _templates(spot: Spot) -> Iterator[str]:
    for root in spot.file.documents:
        name = documents.scalar(root, "template") if type(root) is Map else None
        if name is not None:
            yield name.text


def _fixed(part: Part, spot: Spot) -> Iterator[Offer]:
    """Those of a closed list, or examples."""
    schema = part.schema
    choices = schema.get("enum") or ([True, False] if part.types == ("boolean",) else None)
    said = schema.get("enumDescriptions", [])
    values: list[Any] = choices if choices is not None else _examples(part)
    for number, value in enumerate(values):
        default = "default" if "default" in schema and schema["default"] == value else ""
        detail = default or ("" if choices is not None else "example")
        text = _written(value, quoted=bool(spot.node.style))
        if isinstance(value, str | int | float | bool):
            about = said[number] if number < len(said) else ""
            yield Offer(_shown(value), text, spot.start, "value", detail, about)


def _examples(part: Part) -> list[Any]:
    default = [part.schema["default"]] if "default" in part.schema else []
    more = [one for one in part.schema.get("examples", []) if one not in default]
    return default + (more if "string" in part.types or not part.types else [])


def _shown(value: str | float | bool) -> str:
    return value if isinstance(value, str) else str(value).lower()


def _written(value: Any, *, quoted: bool) -> str:
    """A value as YAML, in quotes where it would be read as something else."""
    if not isinstance(value, str) or quoted:
        return _shown(value)
    is_plain = _PLAIN.fullmatch(value) and core.resolve(value) == value
    return value if is_plain else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


# Names in expressions


def _names(around: Around, begun: Unfinished) -> Iterator[Offer]:
    if begun.wants == "filter":
        known = [Named(name, vocabulary.FILTER_KINDS.get(name, "")) for name in sorted(vocabulary.FILTERS)]
    elif begun.wants == "test":
        known = [Named(name) for name in sorted(vocabulary.TESTS) if _NAME.fullmatch(name)]
    elif begun.wants == "statement":
        known = [Named(name) for name in sorted(vocabulary.STATEMENTS)]
    elif begun.chain:
        known = around.members(begun.chain)
    else:
        known = around.roots()
    for one in known:
        text, start = one.name, begun.start
        if begun.chain and not _NAME.fullmatch(one.name):
            text, start = f"['{one.name}']", begun.start - 1
        yield Offer(one.name, text, start, "name", one.detail, one.about)
