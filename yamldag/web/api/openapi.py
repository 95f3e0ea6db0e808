"""The OpenAPI document, made of the table of routes: nothing is served that it does not say, nor the other way."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse, Response

from yamldag import __version__
from yamldag.web.api.shapes import SCHEMAS, ref
from yamldag.web.ask import Ask
from yamldag.web.auth.roles import Role
from yamldag.web.route import PATTERNS, Doc, Kind, Route, Table

PATH = "/api/v1/openapi.json"


def openapi(ask: Ask) -> Response:
    return JSONResponse(document(ask.site.table))


def document(table: Table) -> dict[str, Any]:
    """OpenAPI 3.1."""
    paths: dict[str, dict[str, Any]] = {}
    for route in table.routes:
        if route.doc is not None:
            paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, route.doc)
    return {
        "openapi": "3.1.0",
        "info": {"title": "yamldag", "version": __version__},
        "paths": paths,
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}],
    }


def _operation(route: Route, doc: Doc) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": route.name,
        "summary": doc.summary,
        "description": f"Wants the role {route.role.word}.",
        "parameters": [*_in_path(route), *_in_query(doc), *_key(route, doc)],
        "responses": {str(doc.status): _answer(route, doc), **_PROBLEMS},
    }
    if doc.body is not None:
        content = {"application/json": {"schema": doc.body}}
        made["requestBody"] = {"required": bool(doc.body.get("required")), "content": content}
    return made


def _in_path(route: Route) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "pattern": f"^{PATTERNS[name]}$"}}
        for name in route.parameters
    ]  # fmt: skip


def _in_query(doc: Doc) -> list[dict[str, Any]]:
    return [{"name": name, "in": "query", "schema": dict(schema)} for name, schema in doc.query.items()]


def _key(route: Route, doc: Doc) -> list[dict[str, Any]]:
    if route.method != "POST" or not doc.keyed:
        return []
    words = "asked again with the same key, it is answered as before and not done again, for a day"
    schema = {"type": "string", "pattern": "^[!-~]{1,200}$"}
    return [{"name": "Idempotency-Key", "in": "header", "description": words, "schema": schema}]


def _answer(route: Route, doc: Doc) -> dict[str, Any]:
    kind = "text/event-stream" if route.kind is Kind.STREAM else "application/json"
    return _json("Done", doc.answer, kind)


def _json(words: str, schema: Any, kind: str = "application/json") -> dict[str, Any]:
    return {"description": words, "content": {kind: {"schema": schema}}}


_PROBLEMS = {
    code: _json(words, ref("Problem"), "application/problem+json")
    for code, words in (
        ("400", "It was not understood"),
        ("401", "Nobody is known by that"),
        ("403", "Whoever it is may not"),
        ("404", "There is none"),
        ("409", "That can't be done now"),
        ("413", "It is too long"),
        ("422", "It was understood and can't be done, or its idempotency key came with another request"),
        ("500", "That is a bug of ours"),
        ("503", "The database is away"),
    )
}

ROUTES = (
    Route(
        "api_document", "GET", PATH, openapi, Role.VIEWER, Kind.API,
        doc=Doc("This document", {"type": "object"}),
    ),
)  # fmt: skip
