"""What a task hands to the tasks below it: one JSON value, read from the file that it wrote, and checked."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Collection, Mapping
from typing import Any, NoReturn, cast

from yamldag.operators.contract import Json, text
from yamldag.syntax import fitting

LIMIT = 1 << 20
"""The most bytes that an output may have."""
TOO_LONG = "the output is longer than 1 MiB: write it to a file and hand on its path"


class BadOutputError(Exception):
    """Why an output cannot be taken, in words."""


def read(path: str, limit: int = LIMIT) -> bytes | None:
    """What the file holds, None if there is none. BadOutputError; never waits, whatever a task put there."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError:
        raise BadOutputError(f"the output `{path}` cannot be read") from None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise BadOutputError(f"the output `{path}` is no plain file")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            data = file.read(limit + 1)
    finally:
        os.close(descriptor)
    if len(data) > limit:
        raise BadOutputError(TOO_LONG)
    return data


def of_shell(data: bytes | None, declared: Mapping[str, Json] | None) -> Json:
    """What a shell wrote: all of it JSON, else lines `name=value`; nothing is null. Raises BadOutputError."""
    try:
        written = (data or b"").decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadOutputError("the output is not UTF-8 text") from None
    if not written.strip():
        return None
    try:
        return loads(written)
    except NotJsonError as error:
        if error.why or written.lstrip()[0] in "[{":
            raise BadOutputError(f"the output is not JSON: {error.why or error.place}") from None
    return _pairs(written, _properties(declared))


class NotJsonError(Exception):
    def __init__(self, place: str, why: str = "") -> None:
        self.place = place
        self.why = why
        """What JSON lacks, if it is nearly JSON."""


def loads(written: str) -> Json:
    """JSON as its standard has it: no NaN, nothing too deep, no half surrogates. Raises NotJsonError."""
    try:
        value = json.loads(written, parse_constant=_no_constant)
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise NotJsonError(f"line {error.lineno}, column {error.colno} is not understood") from None
    except RecursionError:
        raise NotJsonError("", "it is nested too deeply") from None
    except ValueError:
        raise NotJsonError("", "it holds a number or a character that JSON does not have") from None
    return cast(Json, value)


def _no_constant(name: str) -> NoReturn:
    raise NotJsonError("", f"it does not have `{name}`")


_PAIR = re.compile(r"([A-Za-z_][A-Za-z0-9_.-]*)=(.*)", re.DOTALL)


def _pairs(written: str, properties: Mapping[str, Json]) -> Json:
    pairs: dict[str, Json] = {}
    for number, line in enumerate(written.split("\n"), 1):
        if not line.strip():
            continue
        match = _PAIR.fullmatch(line.removesuffix("\r"))
        if match is None:
            raise BadOutputError(
                f"the output should be JSON or lines `name=value`, found `{_short(line)}` in line {number}"
            )
        pairs[match[1]] = _value(match[1], match[2], properties.get(match[1]))
    return pairs


def _value(name: str, written: str, declared: Json) -> Json:
    """JSON if it is declared as anything but a string."""
    wanted = declared.get("type") if isinstance(declared, dict) else None
    if wanted is None or wanted == "string" or (isinstance(wanted, list) and "string" in wanted):
        return written
    try:
        return loads(written)
    except NotJsonError:
        raise BadOutputError(f"`{name}` should be {_kind(wanted)}, found `{_short(written)}`") from None


def _properties(declared: Mapping[str, Json] | None) -> Mapping[str, Json]:
    properties = (declared or {}).get("properties")
    return properties if isinstance(properties, dict) else {}


def check(output: Json, declared: Mapping[str, Json] | None, what: str = "the output") -> None:
    """Raises BadOutputError if the output does not fit the JSON Schema that was declared for it."""
    if declared is None:
        return
    try:
        errors = fitting.misfits(output, declared)
    except fitting.SchemaError as error:
        whose = f"{what}'" if what.endswith("s") else f"{what}'s"
        raise BadOutputError(f"{whose} declaration {error}") from None
    if errors:
        errors.sort(key=lambda error: [str(part) for part in error.path])
        raise BadOutputError("; ".join(_misfit(error, what) for error in errors[:3]))


def _misfit(error: Any, what: str) -> str:
    where = _path(error.absolute_path, what)
    wanted = error.validator_value
    if error.validator == "required":
        missing = [name for name in wanted if name not in error.instance]
        return f"{where} lacks {', '.join(f'`{name}`' for name in missing)}"
    if error.validator == "type":
        return f"{where} should be {_kind(wanted)}, found {_found(error.instance)}"
    if error.validator == "enum":
        return f"{where} should be one of {', '.join(_code(each) for each in wanted)}, {_found_too(error)}"
    return f"{where} should fit {_code({error.validator: wanted})}, {_found_too(error)}"


def _found_too(error: Any) -> str:
    return f"found {_found(error.instance)}"


def _path(parts: Collection[str | int], what: str) -> str:
    if not parts:
        return what
    steps = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return f"`{steps.removeprefix('.')}`"


_KINDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "null",
}


def _kind(wanted: Json) -> str:
    names = wanted if isinstance(wanted, list) else [wanted]
    return " or ".join(_KINDS.get(str(name), str(name)) for name in names)


def _found(value: Json) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        return "a mapping"
    return f"the text {_code(value)}" if isinstance(value, str) else _code(value)


def _code(value: Json) -> str:
    return f"`{_short(json.dumps(value, ensure_ascii=False))}`"


def _short(written: str) -> str:
    return written if len(written) <= 80 else f"{written[:79]}…"


def holds_secret(output: Json, secrets: Collection[str]) -> bool:
    """Whether one of `secrets`, of 8 characters or more, stands anywhere in the output, keys included."""
    long = [secret for secret in secrets if len(secret) >= 8]
    return bool(long) and _holds(output, long)


def _holds(value: Json, secrets: Collection[str]) -> bool:
    if isinstance(value, dict):
        return any(_holds(key, secrets) or _holds(each, secrets) for key, each in value.items())
    if isinstance(value, list):
        return any(_holds(each, secrets) for each in value)
    return any(secret in text(value) for secret in secrets)
