"""Which keys make sense beside each other in one task, group or use."""

from __future__ import annotations

from yamldag.compile.draft import Draft
from yamldag.operators import catalog
from yamldag.operators.builtin import BUILT_IN, KEYS
from yamldag.syntax.diagnostic import Diagnostic, Related, at
from yamldag.syntax.nearest import Known, likely
from yamldag.syntax.tree import Map

GROUP = frozenset(
    (
        "tasks",
        "needs",
        "trigger_rule",
        "when",
        "foreach",
        "matrix",
        "max_active",
        "defaults",
        "env",
        "description",
    )
)
USE = GROUP - {"tasks"} | {"use", "with"}
CALLING = ("branch", "short_circuit", "wait")
"""The operators that may ask a function, which is given as `python` is."""
_NO_DEFAULT = frozenset(("args", "with", "setup", "teardown_of", "output", "produces", "cache"))
OPERATORS = set(BUILT_IN)
"""Those of plug-ins join once a document uses one: to look for them costs more than a small file does."""
_ALL = Known((*KEYS, *BUILT_IN))


def look_for_plugins() -> bool:
    """Whether plug-ins bring operators; from then on theirs are known."""
    brought = {*catalog.plugins().names("operators"), *catalog.plugins().names("notifiers")}
    OPERATORS.intersection_update(BUILT_IN)
    OPERATORS.update(brought)
    return bool(brought)


def classify(draft: Draft, found: list[Diagnostic]) -> None:
    """Settle what a draft is (its kind and operator), and report keys that can't stand side by side."""
    entries = draft.entries
    if "tasks" in entries or "use" in entries:
        _classify_group(draft, found)
        return
    operators = [name for name in entries if name in OPERATORS]
    if operators:
        draft.operator = operators[0]
        if len(operators) > 1:
            draft.operator = owner_of_the_other(*operators[:2]) or operators[0]
            found.append(_two(draft, operators[0], operators[1]))
    elif entries and not _has_unknown(draft):
        help_ = "give it one, such as `bash: echo hello`, or `noop:` for none"
        found.append(Diagnostic("YD412", f"task `{draft.name}` has no operator", at(draft.key), help_))
    if len(entries) > 1:
        _check_task(draft, found)


def empty(draft: Draft) -> Diagnostic:
    """A task of nothing at all: `extract:` or `extract: {}`."""
    help_ = "give it one, such as `bash: echo hello`, or `noop:` for none"
    return Diagnostic("YD412", f"task `{draft.name}` has no operator", at(draft.key), help_)


def _classify_group(draft: Draft, found: list[Diagnostic]) -> None:
    entries = draft.entries
    draft.kind = "group" if "tasks" in entries else "use"
    allowed = GROUP if draft.kind == "group" else USE
    if "tasks" in entries and "use" in entries:
        found.append(_beside(draft, "tasks", "use", "a use brings its template's tasks"))
        return
    for name, (key, _) in entries.items():
        if name in allowed or name.startswith("x-"):
            continue
        if name in OPERATORS:
            what, help_ = (
                ("group", "make it a task of the group")
                if draft.kind == "group"
                else ("use", "make it a task of its own")
            )
            message = f"a {what} has no operator of its own, but `{draft.name}` has `{name}`"
            found.append(Diagnostic("YD411", message, at(key), help_))
        elif name in KEYS:
            message = f"`{name}` has no meaning on a {draft.kind}"
            hint = "put it under its `defaults:`, or on its tasks" if name not in _NO_DEFAULT else None
            if (draft.kind, name) == ("use", "args"):
                hint = "the params of a use are given in `with`"
            found.append(Diagnostic("YD418", message, at(key), hint))
    _check_mapping(draft, found)


def _check_task(draft: Draft, found: list[Diagnostic]) -> None:
    entries = draft.entries
    if _is_written(draft, "with") and draft.operator not in ("pipeline", None):
        found.append(_misplaced(draft, "with", "`with` gives the params of a `use` or a `pipeline`"))
    if _is_written(draft, "args") and draft.operator is not None and not _calls_function(draft):
        inside = "those of an operator of Airflow stand under `airflow`, beside `operator`"
        words = (
            inside
            if draft.operator == "airflow"
            else "`args` are the keyword arguments of a `python` function"
        )
        found.append(_misplaced(draft, "args", words))
    if "defaults" in entries and (draft.operator or not _has_unknown(draft)):
        found.append(_misplaced(draft, "defaults", "`defaults` stand on groups, files and templates"))
    if "teardown_of" in entries:
        if "setup" in entries:
            found.append(_beside(draft, "setup", "teardown_of", "a task is a setup or a teardown"))
        if "trigger_rule" in entries:
            found.append(_beside(draft, "teardown_of", "trigger_rule", "the rule of a teardown is fixed"))
    _check_mapping(draft, found)


def _check_mapping(draft: Draft, found: list[Diagnostic]) -> None:
    entries = draft.entries
    if "foreach" in entries and "matrix" in entries:
        found.append(_beside(draft, "foreach", "matrix", "a task is mapped by one of them"))
    elif "max_active" in entries and not ("foreach" in entries or "matrix" in entries or is_vague(draft)):
        found.append(
            _misplaced(draft, "max_active", "`max_active` bounds the instances of a `foreach` or `matrix`")
        )


def _is_written(draft: Draft, name: str) -> bool:
    """Whether it has that key, and not one that was misspelt and counts as that."""
    return name in draft.entries and draft.entries[name][0].text == name


def _calls_function(draft: Draft) -> bool:
    """Whether it is Python's operator, or one that asks a function: `branch: {python: …}`."""
    node = draft.entries[draft.operator][1] if draft.operator in CALLING else None
    return draft.operator == "python" or (type(node) is Map and "python" in node.items)


def _has_unknown(draft: Draft) -> bool:
    """Then that is all that is said: the unknown key may well be the operator, misspelt."""
    return any(name not in KEYS and not name.startswith("x-") for name in draft.entries)


def is_vague(draft: Draft) -> bool:
    """Whether it has a key that is like none: it may have been meant for any of those that it lacks."""
    return any(
        name not in KEYS
        and name not in OPERATORS
        and not name.startswith("x-")
        and likely(name, _ALL) is None
        for name in draft.entries
    )


def may_give(draft: Draft, name: str) -> bool:
    """Whether a task that lacks `args` or `with` has the other one, or a vague key: what it gives is not known then."""
    other = {"args": "with", "with": "args"}[name]
    return name not in draft.entries and (other in draft.entries or is_vague(draft))


def owner_of_the_other(first: str, second: str) -> str | None:
    """Which of two operators has a parameter that is called as the other one is: `docker` and `command`."""
    for owner, other in ((first, second), (second, first)):
        known = catalog.operator(owner)
        if known is not None and other in known.schema.get("properties", {}):
            return owner
    return None


def _two(draft: Draft, first: str, second: str) -> Diagnostic:
    message = f"task `{draft.name}` has two operators, `{first}` and `{second}`"
    related = (Related(f"`{first}` is here", at(draft.entries[first][0])),)
    help_ = "make two tasks of it"
    if (owner := owner_of_the_other(first, second)) is not None:
        other = second if owner == first else first
        help_ = f"make two tasks of it, or write the `{other}` of `{owner}` below that"
    return Diagnostic("YD413", message, at(draft.entries[second][0]), help_, related)


def _beside(draft: Draft, one: str, other: str, why: str) -> Diagnostic:
    first, second = sorted((draft.entries[one][0], draft.entries[other][0]), key=lambda key: key.start)
    message = f"`{second.text}` can't stand beside `{first.text}`: {why}"
    return Diagnostic("YD411", message, at(second), None, (Related(f"`{first.text}` is here", at(first)),))


def _misplaced(draft: Draft, name: str, why: str) -> Diagnostic:
    return Diagnostic("YD418", f"`{name}` has no meaning here: {why}", at(draft.entries[name][0]))
