"""Fields of a form from the params of a pipeline: each by its JSON Schema, and back from texts to values."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs

from yamldag.engine.memory.params import BadParams, fill
from yamldag.plan.hidden import MASK, is_hidden
from yamldag.plan.pipeline import Json, Param, Plan
from yamldag.web.ask import Ask

PREFIX = "p."
"""What the names of params have before them in a form."""
_FEW = 4
"""Choices that are all shown at once."""
_INPUTS = {"date": "date", "time": "time"}
_TEXTS = ("text", "lines")
"""Kinds of which the empty text is a value."""


@dataclass(frozen=True, slots=True)
class Field:
    """One param as a person fills it in."""

    name: str
    kind: str
    """`check`, `radio`, `select`, `checks`, `text`, `lines`, `number`, `json`, or an input's type like `date`; of
    one that nobody may see `password`."""
    says: str
    """Its type and bounds on one line."""
    description: str
    required: bool
    default: str | None
    """As it is written in the form, or a mask; None: there is none."""
    choices: Sequence[str]
    texts: Sequence[str]
    """What is filled in; several where several are ticked. No page that goes to a browser holds a password."""
    error: str = ""

    @property
    def is_hidden(self) -> bool:
        return self.kind == "password"

    @property
    def text(self) -> str:
        return self.texts[0] if self.texts else ""


def posted(ask: Ask) -> dict[str, list[str]]:
    """The fields of a form, each with all its values."""
    if not ask.request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return {}
    return parse_qs(ask.body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=2000)


def asked(ask: Ask) -> dict[str, list[str]]:
    """The same of the query."""
    return parse_qs(ask.request.url.query, keep_blank_values=True, max_num_fields=2000)


def fields(
    params: Iterable[Param],
    given: Mapping[str, Sequence[str]],
    errors: Mapping[str, str] | None = None,
    optional: Collection[str] = (),
) -> list[Field]:
    """Those of all params; what is not given has its default."""
    return [
        _unseen(_field(param, given.get(PREFIX + param.name), (errors or {}).get(param.name, ""), optional))
        for param in params
    ]


def _unseen(field: Field) -> Field:
    """As it goes to a browser."""
    if not field.is_hidden:
        return field
    return replace(field, texts=(), default=None if field.default is None else MASK)


def values(
    params: Iterable[Param],
    given: Mapping[str, Sequence[str]],
    what: str = "param",
    optional: Collection[str] = (),
) -> tuple[dict[str, Json], dict[str, str]]:
    """The params that were filled in, and of those with a mistake its words. What was left empty has its default."""
    found: dict[str, Json] = {}
    errors: dict[str, str] = {}
    for param in params:
        field = _field(param, given.get(PREFIX + param.name), "", optional)
        text = _text(field)
        filled = {} if text is None else {param.name: text}
        try:
            found |= fill((param,), filled, as_text=True, what=what, optional=optional)
        except BadParams as bad:
            words = bad.faults[0].removeprefix(f"{what} `{param.name}` ")
            errors[param.name] = words if words != bad.faults[0] else bad.faults[0].removeprefix(f"{what} ")
    return found, errors


def command(params: Iterable[Param], found: Mapping[str, Json], option: str = "--param") -> list[str]:
    """The option for each that is not its default."""
    words = []
    for param in params:
        if param.name in found and (
            "default" not in param.schema or param.schema["default"] != found[param.name]
        ):
            value = MASK if is_hidden(param.schema) else as_text(found[param.name])
            words += [option, f"{param.name}={value}"]
    return words


def as_text(value: Json) -> str:
    """As a command line takes it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def texts_of(plan: Plan, stored: Mapping[str, Json]) -> dict[str, list[str]]:
    """The params of an earlier run as a form has them; what is hidden is asked for again."""
    return {
        PREFIX + param.name: _texts(_kind(param.schema)[0], stored[param.name])
        for param in plan.params
        if param.name in stored and not is_hidden(param.schema)
    }


def _field(param: Param, given: Sequence[str] | None, error: str, optional: Collection[str] = ()) -> Field:
    schema = param.schema
    kind, choices = _kind(schema)
    default = as_text(schema["default"]) if "default" in schema else None
    if kind == "password":
        texts = list(given or ())
    elif given is None:
        texts = _texts(kind, schema["default"]) if "default" in schema else []
    else:
        sent = [each.replace("\r\n", "\n") for each in given]  # a browser ends the lines of a form so
        texts = [each for each in sent if each != "" or kind not in ("check", "checks")]
    if kind == "text" and any("\n" in each for each in (*texts, default or "")):
        kind = "lines"  # one line of input would join them without a word
    described = schema.get("description")
    return Field(
        param.name, kind, _says(schema), described if isinstance(described, str) else "",
        param.required and param.name not in optional, default,
        choices, texts, error,
    )  # fmt: skip


def _texts(kind: str, value: Json) -> list[str]:
    if kind == "checks" and isinstance(value, list):
        return [as_text(each) for each in value]
    if kind == "check":
        return ["true"] if value is True else []
    return [as_text(value)]


def _text(field: Field) -> str | None:
    """What a command line would be given. None: nothing."""
    if field.kind == "check":
        return "true" if field.text == "true" else "false"
    if field.kind == "checks":
        return json.dumps([_loose(each) for each in field.texts], ensure_ascii=False)
    if field.text == "" and (field.required or field.kind not in _TEXTS):
        return None
    return field.text


def _loose(text: str) -> Any:
    return text


def _kind(schema: Mapping[str, Any]) -> tuple[str, Sequence[str]]:
    if is_hidden(schema):
        return "password", ()
    written = schema.get("type")
    if written == "boolean":
        return "check", ()
    if isinstance(choices := schema.get("enum"), list) and choices:
        return ("radio" if len(choices) <= _FEW else "select"), [as_text(each) for each in choices]
    if written == "array":
        items = schema.get("items")
        among = items.get("enum") if isinstance(items, dict) else None
        if isinstance(among, list) and among and all(isinstance(each, str) for each in among):
            return "checks", among
        return "json", ()
    if written in ("integer", "number"):
        return "number", ()
    if written == "string":
        return _INPUTS.get(str(schema.get("format")), "text"), ()
    return "json", ()


def _says(schema: Mapping[str, Any]) -> str:
    written = schema.get("type", "enum" if "enum" in schema else "any")
    kind = " or ".join(map(str, written)) if isinstance(written, list) else str(written)
    if "format" in schema:
        kind = f"{kind}, {schema['format']}"
    low = _bound(schema, minimum="", minLength="", exclusiveMinimum=">")
    high = _bound(schema, maximum="", maxLength="", exclusiveMaximum="<")
    if low or high:
        kind += f" {low}…{high}"
    return kind + (f", like {schema['pattern']}" if "pattern" in schema else "")


def _bound(schema: Mapping[str, Any], **signs: str) -> str:
    """The first of these bounds that it has, with its sign before it."""
    return next((f"{sign}{schema[name]}" for name, sign in signs.items() if name in schema), "")
