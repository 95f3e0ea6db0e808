"""The generated parts of the reference: from the schemas, the states, the codes and the commands themselves."""

from __future__ import annotations

import argparse
import importlib
import json
import posixpath
from collections.abc import Iterable, Iterator
from itertools import combinations_with_replacement
from typing import Any, TypeAlias

from yamldag import shipped
from yamldag.cli.main import COMMANDS
from yamldag.plan import state, trigger_rule
from yamldag.syntax.codes import CODES

Schema: TypeAlias = dict[str, Any]

_SIGNS = {"run": "run", "skipped": "skip", "upstream_failed": "**up**", "wait": "…"}


def pipeline_keys() -> str:
    return _keys(_schema("pipeline.schema.json"), "pipeline.schema.json")


def template_keys() -> str:
    return _keys(_schema("template.schema.json"), "template.schema.json")


def project_keys() -> str:
    return _keys(_schema("project.schema.json"), "project.schema.json")


def task_keys() -> str:
    task = _schema("pipeline.schema.json")["definitions"]["task"]
    own = {name: part for name, part in task["properties"].items() if not _is_operator(part)}
    return _keys({**task, "properties": own}, "pipeline.schema.json")


def operators() -> str:
    task = _schema("pipeline.schema.json")["definitions"]["task"]
    return "\n".join(_operator(name) for name, part in task["properties"].items() if _is_operator(part))


def task_states() -> str:
    rows = ((f"`{one}`", _end(one in state.FINAL), words) for one, words in state.TASK_MEANINGS.items())
    return _table(("state", "over?", "what is true in it"), rows)


def run_states() -> str:
    rows = ((f"`{one}`", _end(one in state.RUN_FINAL), words) for one, words in state.RUN_MEANINGS.items())
    return _table(("state", "over?", "what is true in it"), rows)


def task_moves() -> str:
    return f"```mermaid\n{state.mermaid(state.TASK_MOVES)}```\n"


def trigger_rules() -> str:
    """Every rule against every end of one parent, of two, and of one while another is unfinished."""
    sets = [
        "s",
        "f",
        "u",
        "k",
        *map("".join, combinations_with_replacement("sfuk", 2)),
        "s…",
        "f…",
        "u…",
        "k…",
    ]
    rows = (
        (f"`{rule}`", *(_SIGNS[_answer(rule, parents)] for parents in sets)) for rule in trigger_rule.RULES
    )
    return _table(("rule", *sets), rows)


def codes() -> str:
    rows = ((f"`{code.code}`", f"`{code.name}`", code.severity, code.summary) for code in CODES.values())
    return _table(("code", "name", "severity", "reported when"), rows)


def commands() -> str:
    return "\n".join(_command(name, words) for name, words in COMMANDS.items())


def _schema(name: str) -> Schema:
    with open(shipped.path("schemas", name), encoding="utf-8") as file:
        schema: Schema = json.load(file)
    return schema


def _followed(part: Schema, home: str) -> Schema:
    """A part of the schema file `home`, its `$ref` followed."""
    if "$ref" not in part:
        return part
    file, _, fragment = part["$ref"].partition("#")
    whole = _schema(posixpath.normpath(posixpath.join(posixpath.dirname(home), file)) if file else home)
    found: Schema = whole["definitions"][fragment.removeprefix("/definitions/")] if fragment else whole
    return found


def _is_operator(part: Schema) -> bool:
    return str(part.get("$ref", "")).startswith("operators/")


def _keys(schema: Schema, home: str) -> str:
    rows = []
    for name, part in schema["properties"].items():
        found = _followed(part, home)
        needed = " (required)" if name in schema.get("required", ()) else ""
        default = f"`{json.dumps(found['default'])}`" if "default" in found else ""
        rows.append((f"`{name}`{needed}", found.get("description", ""), default))
    return _table(("key", "meaning", "default"), rows)


def _operator(name: str) -> str:
    home = f"operators/{name}.schema.json"
    schema = _schema(home)
    lines = [f"### `{name}`", "", schema["description"] + ".", ""]
    if schema.get("x-short"):
        lines += [f"Short form: its value alone is `{schema['x-short']}`.", ""]
    parts = schema.get("properties", {})
    if parts:
        rows = ((f"`{key}`", _followed(part, home).get("description", "")) for key, part in parts.items())
        lines += [_table(("parameter", "meaning"), rows)]
    return "\n".join(lines)


def _end(over: bool) -> str:
    return "yes" if over else ""


def _answer(rule: str, parents: str) -> str:
    s, f, u, k = (parents.count(end) for end in "sfuk")
    return trigger_rule.decide(rule, s, f, u, k, len(parents))


def _command(name: str, words: str) -> str:
    try:
        module = importlib.import_module(f"yamldag.cli.{name}")
    except ModuleNotFoundError:
        return f"### `yamldag {name}`\n\n{words[0].upper()}{words[1:]}.\n"
    parser = argparse.ArgumentParser(prog=f"yamldag {name}", add_help=False)
    module.add_arguments(parser)
    about = (module.__doc__ or words).strip()
    rows = list(_arguments(parser))
    return "\n".join(
        [f"### `yamldag {name}`", "", about, "", _table(("argument", "meaning"), rows) if rows else ""]
    )


def _arguments(parser: argparse.ArgumentParser, before: str = "") -> Iterator[tuple[str, str]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, inner in action.choices.items():
                yield f"`{name}`", next((a.help or "" for a in action._choices_actions if a.dest == name), "")
                yield from _arguments(inner, f"{name} ")
        elif action.help != argparse.SUPPRESS:
            yield f"`{before}{_spelling(action)}`", (action.help or "") % {"default": action.default}


def _spelling(action: argparse.Action) -> str:
    if isinstance(action.metavar, tuple):
        return ", ".join(action.option_strings) + f" {' '.join(action.metavar)}"
    value = action.metavar or (
        "\u007c".join(map(str, action.choices)) if action.choices else action.dest.upper()
    )
    if isinstance(value, tuple):
        value = " ".join(value)
    if not action.option_strings:
        return str(value)
    return ", ".join(action.option_strings) + (f" {value}" if action.nargs != 0 else "")


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = list(head)
    lines = [_row(names), _row(["---"] * len(names)), *(_row(row) for row in rows)]
    return "\n".join(lines) + "\n"


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
