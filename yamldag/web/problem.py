"""An error as a program reads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse, Response


def problem(
    status: int, title: str, detail: str, headers: Mapping[str, str] | None = None, **more: Any
) -> Response:
    """RFC 9457."""
    told = {"type": "about:blank", "status": status, "title": title, "detail": detail, **more}
    return JSONResponse(told, status, headers, "application/problem+json")
