"""Before and after a handler of the API: what is asked is checked by its schemas, and what carries a key is done
once."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any, cast

from jsonschema import Draft202012Validator
from starlette.responses import Response

from yamldag.engine.memory.params import wanted_and_found
from yamldag.engine.memory.reading import Unreadable
from yamldag.engine.refused import BAD, NOT_NOW, NOT_YOURS, UNKNOWN, Refused
from yamldag.store import answers
from yamldag.store.answers import Earlier
from yamldag.store.database import Database
from yamldag.store.moves import Lost
from yamldag.web.api.paging import BadCursor
from yamldag.web.api.shapes import SCHEMAS
from yamldag.web.ask import Ask, problem
from yamldag.web.route import Doc, Schema

HEADER = "idempotency-key"
_KEY = re.compile(r"[!-~]{1,200}")


def checked(ask: Ask) -> Response:
    """The answer of the route's handler to a request that its document allows."""
    route = ask.route
    assert route is not None
    assert route.doc is not None
    if (wrong := misunderstood(ask)) is not None:
        return wrong
    if route.method == "POST" and (keys := ask.request.headers.getlist(HEADER)):
        if not route.doc.keyed:
            return problem(
                400, "No key is taken", "What this is answered is kept nowhere; its name is used once."
            )
        return _whole(lambda: _once(ask, keys))
    return _whole(lambda: _handled(ask))


def misunderstood(ask: Ask) -> Response | None:
    """What is wrong with the request by the document of its route; None: nothing."""
    assert ask.route is not None
    assert ask.route.doc is not None
    wrong = _wrong(ask, ask.route.doc)
    if not wrong:
        return None
    words = "; ".join(f"{each['at']}: {each['message']}" for each in wrong)
    return problem(400, "That was not understood", words[:1000], errors=wrong)


_REFUSALS = {
    UNKNOWN: (404, "There is nothing of that name"),
    BAD: (422, "That can't be done"),
    NOT_NOW: (409, "That can't be done now"),
    NOT_YOURS: (403, "That is for others to do"),
}


def refusal(refused: Refused) -> Response:
    """The words of the engine, as a problem."""
    status, title = _REFUSALS[refused.kind]
    return problem(status, title, str(refused))


def _handled(ask: Ask) -> Response:
    assert ask.route is not None
    try:
        return cast(Response, ask.route.handler(ask))
    except Refused as refused:
        return refusal(refused)
    except Unreadable as unreadable:
        return problem(409, "That can't be read", f"Of that run, {unreadable}.")
    except BadCursor:
        return problem(422, "No such cursor", "`cursor` is `next` of a page that was given before.")


def _whole(answer: Callable[[], Response]) -> Response:
    """What is lost to others in the middle is not half done: its transaction is over by now."""
    try:
        return answer()
    except Lost:
        return problem(
            409, "That can't be done now", "The run is being moved by others all the time: try again."
        )


# What is asked


def _wrong(ask: Ask, doc: Doc) -> list[dict[str, str]]:
    found = []
    given = ask.request.query_params
    for name in dict.fromkeys(given.keys()):
        if name not in doc.query:
            known = ", ".join(doc.query) or "none"
            found.append({"at": f"query.{name}", "message": f"there is no such parameter; known: {known}"})
        elif len(given.getlist(name)) > 1:
            found.append({"at": f"query.{name}", "message": "it is given twice"})
        else:
            found += _mistakes(f"query.{name}", doc.query[name], _read(given[name], doc.query[name]))
    if doc.body is None:
        return found
    try:
        body = ask.json()
    except (ValueError, RecursionError):
        return [*found, {"at": "body", "message": "it is no JSON"}]
    return found + _mistakes("body", doc.body, body if ask.body.strip() else {})


def _read(text: str, schema: Schema) -> Any:
    """A parameter as the type that it is to have, if it reads as one."""
    if schema.get("type") == "integer" and re.fullmatch("-?[0-9]{1,18}", text):
        return int(text)
    if schema.get("type") == "boolean" and text in ("true", "false"):
        return text == "true"
    return text


def _mistakes(at: str, schema: Mapping[str, Any], value: Any) -> list[dict[str, str]]:
    whole = {**schema, "components": {"schemas": SCHEMAS}}
    errors = sorted(Draft202012Validator(whole).iter_errors(value), key=lambda error: error.json_path)
    return [
        {"at": at + error.json_path.removeprefix("$"), "message": _said(error)[:200]} for error in errors[:20]
    ]


def _said(error: Any) -> str:
    """In our words. A key that there is not is named, with those that there are."""
    if error.validator != "additionalProperties" or not isinstance(error.schema, Mapping):
        return wanted_and_found(error)
    known = error.schema.get("properties", {})
    unknown = ", ".join(f"`{name}`" for name in error.instance if name not in known)
    return f"there is no key {unknown}; known: {', '.join(known) or 'none'}"


def parameter(ask: Ask, name: str) -> Any:
    """A parameter of the query of its type, or its default, or null."""
    assert ask.route is not None
    assert ask.route.doc is not None
    schema = ask.route.doc.query[name]
    text = ask.request.query_params.get(name)
    return schema.get("default") if text is None else _read(text, schema)


# Once


class _Undone(Exception):  # noqa: N818
    """The answer says that nothing was done, so the key is free again."""

    def __init__(self, made: Response) -> None:
        self.made = made


def _once(ask: Ask, keys: list[str]) -> Response:
    """The deed and the answer to its key are one commit: whatever ends this process, both are there or neither."""
    if len(keys) != 1 or not _KEY.fullmatch(keys[0]):
        return problem(400, "No such key", "`Idempotency-Key` wants 1 to 200 visible ASCII characters.")
    key, who = keys[0], f"{ask.who.via}:{ask.who.name}"
    parts = (ask.request.url.path, ask.request.url.query, ask.body.hex())
    fingerprint = hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def work(database: Database) -> Response:
        earlier = answers.claim(database, who, key, fingerprint, ask.now)
        if earlier is not None:
            return _again(earlier, fingerprint)
        made = _handled(ask)
        if made.status_code >= 500:
            raise _Undone(made)
        answers.keep(database, who, key, made.status_code, bytes(made.body).decode())
        return made

    try:
        return ask.site.in_one(work)
    except _Undone as undone:
        return undone.made


def _again(earlier: Earlier, fingerprint: str) -> Response:
    if earlier.fingerprint != fingerprint:
        return problem(422, "That key is taken", "This `Idempotency-Key` came with another request.")
    if earlier.status is None:
        words = "The request with this key is being done; if it goes on like this, look at what it has done."
        return problem(409, "Not yet", words, {"retry-after": "1"})
    kind = "application/json" if earlier.status < 400 else "application/problem+json"
    return Response(earlier.body, earlier.status, {"idempotency-replayed": "true"}, kind)
