"""The body of a request, which is never longer than we bear."""

from __future__ import annotations

from starlette.requests import Request

LIMIT = 1_000_000
"""Bytes."""


class TooLong(Exception):  # noqa: N818
    """It goes on for more than the limit."""


async def body_of(request: Request) -> bytes:
    """All of it. Raises TooLong as soon as that is known, ClientDisconnect."""
    parts, length = [], 0
    async for part in request.stream():
        length += len(part)
        if length > LIMIT:
            raise TooLong
        parts.append(part)
    return b"".join(parts)
