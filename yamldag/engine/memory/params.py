"""The params of a run: what was given and what is declared, checked before the run exists."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from yamldag.plan.hidden import is_hidden
from yamldag.plan.pipeline import Json, Param, Plan
from yamldag.syntax import fitting

DEEPEST = 100
"""Lists and mappings in each other, as in files."""
_TOO_DEEP = f"must not be nested more than {DEEPEST} deep"
_TYPES = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
}


class BadParams(Exception):  # noqa: N818
    """What was given does not fit; each of `faults` says so to a person."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def resolve(plan: Plan, given: Mapping[str, Json], *, as_text: bool = False) -> dict[str, Json]:
    """The value of every param, in the order of the plan. Raises BadParams.

    With `as_text`, values are texts from a command line: as they are where the param is text, else JSON.
    """
    return fill(plan.params, given, as_text=as_text)


def fill(
    params: Sequence[Param],
    given: Mapping[str, Json],
    *,
    as_text: bool = False,
    what: str = "param",
    optional: Collection[str] = (),
) -> dict[str, Json]:
    """The same of params, or of what else is filled in by name: `what` is the word for one of them. Of `optional` ones
    those have no value that are not given and have no default. Raises BadParams."""
    known = {param.name: param for param in params}
    faults = [_unknown(name, known, what) for name in given if name not in known]
    values: dict[str, Json] = {}
    for name, param in known.items():
        fault = None
        if name in given:
            value, fault = _read(param, given[name], what) if as_text else (given[name], None)
            fault = fault or _unfit_for_json(name, value, what)
        elif not param.required:
            value = param.schema["default"]
        elif name in optional:
            continue
        else:
            value, fault = None, f"{what} `{name}` is required, and no value was given"
        values[name] = value
        faults += [fault] if fault else _misfits(param, value, what)
    if faults:
        raise BadParams(faults)
    return values


def _unknown(name: str, known: Mapping[str, Param], what: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, known, 1)
    if near:
        hint = f"; did you mean `{near[0]}`?"
    elif known:
        hint = f"; there are {', '.join(f'`{each}`' for each in known)}"
    else:
        hint = "; the pipeline declares none" if what == "param" else "; there are none"
    return f"there is no {what} `{name}`{hint}"


def _read(param: Param, text: Json, what: str) -> tuple[Json, str | None]:
    types = _types_of(param)
    if not isinstance(text, str) or types == {"string"}:
        return text, None
    try:
        return json.loads(text, parse_constant=_refuse), None
    except RecursionError:
        return None, f"{what} `{param.name}` {_TOO_DEEP}"
    except ValueError:
        if not types or "string" in types:
            return text, None
        wanted = " or ".join(_TYPES.get(each, each) for each in sorted(types))
        found = "" if is_hidden(param.schema) else f", found `{text}`"
        return None, f"{what} `{param.name}` must be {wanted}{found}"


def _unfit_for_json(name: str, value: Json, what: str) -> str | None:
    """What JSON does not have, or what none of us would write."""
    if _depth(value) > DEEPEST:
        return f"{what} `{name}` {_TOO_DEEP}"
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return f"{what} `{name}` must be text of whole characters, found bytes that are not UTF-8 or half a character"
    except ValueError:
        return f"{what} `{name}` must hold numbers that are finite, and none beyond 1.8e308"
    return None


def _depth(value: Json) -> int:
    """How deep lists and mappings stand in each other, as far as that is borne."""
    depth = 0
    level = [value] if isinstance(value, dict | list) else []
    while level and depth <= DEEPEST:
        depth += 1
        items = (each for one in level for each in (one.values() if isinstance(one, dict) else one))
        level = [each for each in items if isinstance(each, dict | list)]
    return depth


def _types_of(param: Param) -> set[str]:
    """The JSON types that it may have; nothing if the schema leaves that open."""
    written = param.schema.get("type")
    if isinstance(written, str):
        return {written}
    if isinstance(written, list):
        return {str(each) for each in written}
    choices = param.schema.get("enum")
    if isinstance(choices, list) and choices and all(isinstance(each, str) for each in choices):
        return {"string"}
    return set()


def _refuse(constant: str) -> float:
    raise ValueError(constant)


def _misfits(param: Param, value: Json, what: str) -> list[str]:
    try:
        errors = fitting.misfits(value, param.schema)
    except fitting.SchemaError as error:
        return [f"the schema of {what} `{param.name}` {error}"]
    if not errors:
        return []
    from jsonschema.exceptions import best_match

    return [_words(param, best_match(errors), what)]


def _words(param: Param, error: Any, what: str) -> str:
    """The first fault that the validator found, in a person's words, which begin with the name."""
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path)
    said = f"must {_wanted(error)}" if is_hidden(param.schema) else wanted_and_found(error)
    return f"{what} `{param.name}{where}` {said}"


def wanted_and_found(error: Any) -> str:
    """A fault that the validator found, in a person's words, without its place."""
    found = json.dumps(error.instance, ensure_ascii=False)
    found = found if len(found) <= 60 else found[:59] + "…"
    return f"must {_wanted(error)}, found `{found}`"


def _wanted(error: Any) -> str:
    value = error.validator_value
    texts = {
        "minimum": f"be at least {value}",
        "maximum": f"be at most {value}",
        "exclusiveMinimum": f"be more than {value}",
        "exclusiveMaximum": f"be less than {value}",
        "multipleOf": f"be a multiple of {value}",
        "minLength": f"have at least {value} characters",
        "maxLength": f"have at most {value} characters",
        "minItems": f"have at least {value} items",
        "maxItems": f"have at most {value} items",
        "uniqueItems": "have no item twice",
        "pattern": f"match `{value}`",
        "format": f"be a valid {value}",
        "const": f"be {json.dumps(value, ensure_ascii=False)}",
        "additionalProperties": "have no keys but those declared",
        "maxProperties": "have no keys" if value == 0 else f"have at most {value} keys",
    }
    if error.validator == "type":
        return "be " + " or ".join(_TYPES.get(each, each) for each in _listed(value))
    if error.validator == "enum":
        return "be one of " + ", ".join(json.dumps(each, ensure_ascii=False) for each in value)
    if error.validator == "required":
        return "have the key " + ", ".join(f"`{each}`" for each in value if each not in error.instance)
    return texts.get(error.validator, f"fit `{error.validator}` of its schema")


def _listed(value: Any) -> Iterator[str]:
    return iter([value] if isinstance(value, str) else value)
