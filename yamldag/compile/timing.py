"""When a pipeline runs: its schedule, zone, bounds and deadline, checked where they are written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yamldag.compile.draft import Draft, Entries
from yamldag.syntax.diagnostic import Diagnostic, Related, at
from yamldag.syntax.locate import place
from yamldag.syntax.tree import Map, Node, Scalar, Seq, plain

if TYPE_CHECKING:
    from yamldag.plan.schedule import Fault


_BOUNDS = ("start", "end", "timezone")


def check(root: Draft, entries: Entries, faulty: set[int], found: list[Diagnostic]) -> None:
    """`entries` are the pipeline's keys in force, those of `pipeline_defaults` among them."""
    if not entries.keys() & {"schedule", "timezone", "start", "end", "deadline"}:
        return
    from yamldag.plan import schedule

    before = len(found)
    zone = _timezone(entries, faulty, found)
    _bounds(entries, zone, faulty, found)
    _deadline(entries, faulty, found)
    sound = len(found) == before and not any(
        id(entries[name][1]) in faulty for name in _BOUNDS if name in entries
    )
    entry = entries.get("schedule")
    if entry is None or id(entry[1]) in faulty:
        return
    if not any(id(node) in faulty for node in _below(entry[1])):
        bounds = (_text(entries, "start"), _text(entries, "end")) if sound else (None, None)
        faults = schedule.faults(plain(entry[1]), zone, *bounds)
        found += [_located(entry[0], entry[1], fault) for fault in faults]
    _required_params(root, entry[0], faulty, found)


def _timezone(entries: Entries, faulty: set[int], found: list[Diagnostic]) -> str:
    entry = entries.get("timezone")
    if entry is None or id(entry[1]) in faulty or type(entry[1]) is not Scalar:
        return "UTC"
    from yamldag.plan import schedule

    name = entry[1].text
    if schedule.zone(name) is not None:
        return name
    message = f"there is no time zone `{name}` in the IANA database"
    found.append(Diagnostic("YD603", message, at(entry[1]), schedule.near_zone(name)))
    return "UTC"


def _bounds(entries: Entries, zone_name: str, faulty: set[int], found: list[Diagnostic]) -> None:
    from yamldag.plan import schedule

    zone = schedule.zone(zone_name)
    assert zone is not None
    moments = {}
    for name in ("start", "end"):
        entry = entries.get(name)
        if entry is None or id(entry[1]) in faulty or type(entry[1]) is not Scalar:
            continue
        moments[name] = schedule.moment(entry[1].text, zone, last=name == "end")
        if moments[name] is None:
            message = (
                f"`{name}` must be a date or a time that exists, such as `2026-01-31` or `2026-01-31T06:00`"
            )
            found.append(Diagnostic("YD408", f"{message}, found `{entry[1].text}`", at(entry[1])))
    start, end = moments.get("start"), moments.get("end")
    if start is not None and not schedule.within(start):
        message = f"`start` must lie between {schedule.ENDS}, found `{_text(entries, 'start')}`"
        found.append(Diagnostic("YD408", message, at(entries["start"][1])))
    if start is not None and end is not None and end < start:
        related = (Related("`start` is here", at(entries["start"][1])),)
        found.append(Diagnostic("YD605", "`end` lies before `start`", at(entries["end"][1]), None, related))


def _deadline(entries: Entries, faulty: set[int], found: list[Diagnostic]) -> None:
    entry = entries.get("deadline")
    if entry is None or type(entry[1]) is not Map or id(entry[1]) in faulty:
        return
    items = entry[1].items
    if not items:
        found.append(Diagnostic("YD402", "`deadline` needs `after` or `at`", at(entry[0])))
    elif "after" in items and "at" in items:
        first, second = sorted((items["after"][0], items["at"][0]), key=lambda key: key.start)
        message = f"`{second.text}` can't stand beside `{first.text}`: a deadline is one of them"
        related = (Related(f"`{first.text}` is here", at(first)),)
        found.append(Diagnostic("YD411", message, at(second), None, related))


def _located(key: Scalar, value: Node, fault: Fault) -> Diagnostic:
    node, last = value, key
    for part in fault.path:
        if type(node) is Map and str(part) in node.items:
            last, node = node.items[str(part)]
        elif type(node) is Seq and isinstance(part, int) and part < len(node.items):
            node = node.items[part]
    if fault.at_key:
        where = at(last)
    elif type(node) is Scalar and node.text:
        where = place(node, fault.start, fault.end) if fault.end > fault.start else at(node)
    else:
        where = at(node) if node.end > node.start else at(last)
    return Diagnostic(fault.code, fault.message, where, fault.help)


def _required_params(root: Draft, schedule_key: Scalar, faulty: set[int], found: list[Diagnostic]) -> None:
    for name, declared in root.scope.params.items():
        node = declared.node
        told = id(node) in faulty or (type(node) is Map and node.items and not declared.schema)
        if declared.required and not told:
            message = f"param `{name}` has no default, so no scheduled run could start"
            related = (Related("the schedule is here", at(schedule_key)),)
            found.append(Diagnostic("YD414", message, at(declared.key), "give it a `default`", related))


def _below(node: Node) -> list[Node]:
    found = [node]
    for one in found:
        if type(one) is Map:
            found.extend(value for _, value in one.items.values())
        elif type(one) is Seq:
            found.extend(one.items)
    return found


def _text(entries: Entries, name: str) -> str | None:
    entry = entries.get(name)
    return entry[1].text if entry and type(entry[1]) is Scalar else None


def duration(node: Node | None) -> float | None:
    """Seconds, for the plan: what the schema has let through."""
    from yamldag.syntax.duration import seconds

    return seconds(node.text) if type(node) is Scalar else None
