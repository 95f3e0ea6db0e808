"""Advice: what is no mistake, but what a careful reviewer would ask about."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from yamldag.compile import connecting
from yamldag.compile.bind import Binding
from yamldag.compile.draft import Draft, Entries
from yamldag.compile.project import Project
from yamldag.plan import graph, schedule
from yamldag.plan.pipeline import Plan
from yamldag.syntax.codes import CODES
from yamldag.syntax.diagnostic import Diagnostic, Fix, at
from yamldag.syntax.locate import place
from yamldag.syntax.tree import Map, Node, Scalar, Seq, value_at

if TYPE_CHECKING:
    from yamldag.plan.expression.reference import Reference

_REMOTE = frozenset(("http", "sql", "copy", "ssh", "docker", "kubernetes"))
# A whole line of a comment, or a redirection that opens the file of stdout or stderr to write it from its beginning.
_ANEW = re.compile(
    r"^[ \t]*\#.*$|(?<![>&])(?P<from>[012]?)>\|?[ \t]*(?P<quote>[\"']?)"
    r"(?P<to>/dev/(?:std(?:out|err)|fd/[12])|/proc/self/fd/[12])(?P=quote)(?![\w/.-])",
    re.MULTILINE,
)


def advice(root: Draft, entries: Entries, binding: Binding) -> list[Diagnostic]:
    """All lints of one pipeline; those that the project does not want are left out."""
    selected, ignored = binding.project.lints
    found = [
        *_unused(root, binding),
        *_redundant(root),
        *_both_days(entries),
        *_fragile(root, entries),
        *_emptied(root),
        *_lost(root, binding.project),
        *_pasted(root),
    ]
    return [d for d in found if _wanted(d.code, selected, ignored)]


def of_plugins(root: Draft, plan: Plan, value: Scalar, project: Project) -> list[Diagnostic]:
    """What the advice of plug-ins is on a sound pipeline, whose id is at `value`."""
    from yamldag.compile import plugins

    selected, ignored = project.lints
    found = plugins.advice(root, plan, value)
    return [d for d in found if d.severity == "error" or _wanted(d.code, selected, ignored)]


def _wanted(code: str, selected: frozenset[str], ignored: frozenset[str]) -> bool:
    """Whether the project asks for a lint, by its code, a beginning of it, or its name."""
    if _named(code, ignored):
        return False
    return not selected or _named(code, selected)


def _named(code: str, words: frozenset[str]) -> bool:
    return any(code.startswith(word) or CODES[code].name == word for word in words)


def _unused(root: Draft, binding: Binding) -> Iterator[Diagnostic]:
    for name, declared in root.scope.params.items():
        if (id(root.scope), name) not in binding.mentions.used_params:
            message = f"param `{name}` is declared and never used"
            yield Diagnostic(
                "YD801", message, at(declared.key), f"take it out, or read it as `params.{name}`"
            )
    own = root.document.items.get("vars")
    for name, (key, _) in own[1].items.items() if own and type(own[1]) is Map else ():
        if name not in binding.mentions.used_vars and f"vars.{name}" not in root.scope.source.text:
            yield Diagnostic("YD805", f"var `{name}` is declared and never used", at(key), "take it out")


def _redundant(root: Draft) -> Iterator[Diagnostic]:
    """Only where all must be a success does one need imply those above it; and `branch` chooses among the tasks
    directly below it."""
    from yamldag.compile import freeze

    tasks = {task.id: task for task in root.tasks()}
    if graph.rings({name: list(task.parents) for name, task in tasks.items()}):
        return
    judged = {
        name: list(task.parents) if freeze.rule(task) == "all_success" and not task.setups else []
        for name, task in tasks.items()
    }
    for parent, child in graph.redundant(judged):
        task = tasks[child]
        origin = task.needed.get(parent)
        if origin is not None and parent not in task.referenced and tasks[parent].operator != "branch":
            message = f"`{child}` needs `{parent}` already through another of its needs"
            yield Diagnostic("YD803", message, origin.place(), "take it out")


def _lost(root: Draft, project: Project) -> Iterator[Diagnostic]:
    """What reaches nothing without a connection, and has none: neither its own, nor one of `defaults`."""
    if project.file is None or project.unsure("connections"):
        return
    for task in root.tasks():
        operator = task.operator or ""
        if operator not in ("wait", *connecting.LOST):
            continue
        key, node = task.entries[operator]
        given = [entry.node for entry in task.values(operator)]
        if operator == "wait":
            asked = value_at(node, "sql")
            operator, given = "sql", [asked] if asked else []
        if given and not any(connecting.may_have(operator, each) for each in given):
            message = f"`{operator}` has no `connection` to go by"
            yield Diagnostic("YD810", message, at(key), "name one of `connections:` in yamldag.yml")


def _both_days(entries: Entries) -> Iterator[Diagnostic]:
    entry = entries.get("schedule")
    for node in _crons(entry[1]) if entry else ():
        if schedule.both_days(node.text):
            message = "this fires on the days of the month and on the days of the week: cron takes either"
            yield Diagnostic("YD804", message, at(node), "set one of the two fields to `*`")


def _crons(node: Node) -> Iterator[Scalar]:
    if type(node) is Scalar:
        yield node
    elif type(node) is Seq:
        for item in node.items:
            yield from _crons(item)
    elif type(node) is Map and "cron" in node.items:
        yield from _crons(node.items["cron"][1])


def _fragile(root: Draft, entries: Entries) -> Iterator[Diagnostic]:
    for task in root.tasks():
        if task.operator in _REMOTE and task.get("retries") is None:
            message = f"`{task.name}` reaches over the network and has no retries"
            yield Diagnostic("YD806", message, at(task.key), "give it `retries: 2`")
        if "timeout" not in entries and task.get("timeout") is None and task.operator in _REMOTE:
            message = f"neither `{task.name}` nor its run has a timeout: it could hang for ever"
            yield Diagnostic("YD807", message, at(task.key), "give it `timeout: 10m`")


def _emptied(root: Draft) -> Iterator[Diagnostic]:
    """Stdout and stderr of a task are its log, a file: whoever opens that by name cuts it off."""
    for _, script in _texts_of(root, "bash", "script"):
        for found in _ANEW.finditer(script.text):
            if found["to"]:
                message = f"`{found[0]}` opens the log of the task anew, and what stood in it is gone"
                number = "1" if found["to"].endswith(("out", "1")) else "2"
                spot = place(script, found.start(), found.end())
                new = f"{found['from']}>&{number}"
                yield Diagnostic(
                    "YD808", message, spot, f"write `{new}`", fix=Fix(f"write `{new}`", spot, new)
                )


def _pasted(root: Draft) -> Iterator[Diagnostic]:
    """A text from outside that becomes part of a query is read as SQL."""
    for task, query in _texts_of(root, "sql", "query"):
        if "{{" not in query.text:
            continue
        from yamldag.plan.expression.analysis import analyse

        for reference in analyse(query.text).references:
            if reference.root in ("params", "tasks") and not _is_bounded(reference, task):
                written = query.text[reference.start : reference.stop]
                message = f"`{written}` becomes part of the query, and is read as SQL"
                help_ = f"bind it: `:value` in the query, and `params: {{value: '{{{{ {written} }}}}'}}` beside it"
                yield Diagnostic("YD811", message, place(query, reference.start, reference.stop), help_)


def _is_bounded(reference: Reference, task: Draft) -> bool:
    """Whether it is a param that can't be just any text."""
    names = [str(segment.name) for segment in reference.path]
    declared = task.scope.params.get(names[0]) if reference.root == "params" and len(names) == 1 else None
    if declared is None:
        return False
    schema = declared.schema
    is_text = schema.get("type") in ("string", None) or isinstance(schema.get("type"), list)
    return not is_text or bool({"enum", "const", "pattern", "format"} & schema.keys())


def _texts_of(root: Draft, operator: str, parameter: str) -> Iterator[tuple[Draft, Scalar]]:
    """The tasks of an operator whose value, or that parameter of it, is a text."""
    for task in root.tasks():
        given = task.get(operator) if task.operator == operator else None
        node = given.node if given else None
        text = value_at(node, parameter) or node
        if type(text) is Scalar:
            yield task, text
