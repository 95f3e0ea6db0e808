"""`dbt`: a command of dbt in one of its projects, or, of an expanded project, the part of one node in it."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Mapping, Sequence

from yamldag.operators import requirements
from yamldag.operators.contract import Attempt, Json, Outcome, Work, text, words
from yamldag.operators.ending import of_task as outcome
from yamldag.operators.process import argv

__all__ = ["COMMANDS", "TAKEN", "inline", "outcome", "prepare", "split"]

inline = False

COMMANDS = (
    *(
        "build",
        "clean",
        "clone",
        "compile",
        "debug",
        "deps",
        "docs",
        "init",
        "list",
        "ls",
        "parse",
        "retry",
        "run",
    ),
    *("run-operation", "seed", "show", "snapshot", "source", "test"),
)
TAKEN = {
    "--select": "select", "-s": "select", "--models": "select", "-m": "select", "--exclude": "exclude",
    "--project-dir": "project", "--profiles-dir": "profiles", "--target": "target", "-t": "target", "--vars": "vars",
    "--target-path": None, "--log-format": None, "--log-path": None,
}  # fmt: skip
"""Options that a parameter sets, or None: that are yamldag's own."""
_TEMPLATE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_OPENING = re.compile(r"\{(?=[{%#])")
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
"""What YAML, as which dbt reads its variables, does not take as it is, and JSON does."""


def split(line: str) -> list[str] | None:
    """The words of a command line as a shell would have them, templates whole; None: a quote is open."""
    held: list[str] = []

    def hold(match: re.Match[str]) -> str:
        held.append(match[0])
        return f"\0{len(held) - 1}\0"

    try:
        found = shlex.split(_TEMPLATE.sub(hold, line.replace("\0", "")))
    except ValueError:
        return None
    return [re.sub("\0([0-9]+)\0", lambda match: held[int(match[1])], word) for word in found]


def taken(word: str) -> str | None:
    """The option in a word that the command may not have."""
    option = word.partition("=")[0]
    return option if option in TAKEN else None


def refusal(option: str) -> str:
    """Words for one that it may not have."""
    instead = TAKEN[option]
    return f"`{option}` is " + (
        f"the parameter `{instead}`" if instead else "set by yamldag, for each attempt anew"
    )


def prepare(params: Mapping[str, Json], _args: Mapping[str, Json], attempt: Attempt) -> Work | Outcome:
    command, given = _command(params["command"]), params.get("vars")
    packages = requirements.listed(params.get("requirements"))
    if isinstance(command, Outcome):
        return command
    if (fault := requirements.fault(packages)) is not None:
        return Outcome("failed", fault)
    if given is not None and not isinstance(given, dict):
        return Outcome("failed", f"`vars` should be a mapping of names to values, found `{text(given)}`")
    project = _folder(attempt, params.get("project")) or attempt.folder
    if not os.path.isfile(os.path.join(project, "dbt_project.yml")):
        return Outcome("failed", f"there is no `dbt_project.yml` in `{project}`")
    instance = "" if attempt.map_index is None else f"-{attempt.map_index}"
    told = "" if attempt.notification is None else f"@{attempt.notification}"
    spec: dict[str, Json] = {
        "operator": "dbt",
        "result": attempt.result_path,
        "command": list(command),
        "select": _selectors(params.get("select")),
        "exclude": _selectors(params.get("exclude")),
        "vars": None if not given else _written(given),
        "project": project,
        "folder": attempt.folder,
        "target": None if params.get("target") is None else text(params["target"]),
        "profiles": _folder(attempt, params.get("profiles")),
        "place": os.path.join(
            attempt.run_dir, "dbt", f"{attempt.task_id}{instance}{told}", str(attempt.number)
        ),
        "parsed": requirements.beside_runs(attempt, "dbt"),
        "must_select": "expand" in params,
        **requirements.environment(packages, attempt),
    }
    return Work(argv(attempt.spec_path), spec=spec)


def _command(given: Json) -> Sequence[str] | Outcome:
    found = words(given) if isinstance(given, list) else split(text(given))
    if found is None:
        return Outcome("failed", f"`command` has a quote that is not closed: `{text(given)}`")
    if not found or not found[0]:
        return Outcome("failed", "`command` should be a dbt command such as build, found nothing")
    for option in filter(None, map(taken, found)):
        return Outcome("failed", refusal(option))
    return found


def _folder(attempt: Attempt, given: Json) -> str | None:
    return None if given is None else os.path.normpath(os.path.join(attempt.folder, text(given)))


def _selectors(given: Json) -> list[Json]:
    """dbt reads several in one word as it reads several words; none may pass as an option."""
    every = given if isinstance(given, list) else [] if given is None else [given]
    return [word for each in every for word in text(each).split()]


def _written(given: Mapping[str, Json]) -> str:
    """As JSON that reads the same as YAML. dbt takes a text for a template, which a value from elsewhere must not
    be."""
    values = {
        name: _OPENING.sub("{{ '{' }}", value) if isinstance(value, str) else value
        for name, value in given.items()
    }
    written = json.dumps(values, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", written)
