"""The body of a request, which is never longer than we bear."""

from __future__ import annotations

import asyncio

from starlette.requests import Request

LIMIT = 1_000_000
"""Bytes."""


PATIENCE = 20.0
"""Seconds within which a body is there."""


class TooSlow(Exception):  # noqa: N818
    """It does not come."""


class TooLong(Exception):  # noqa: N818
    """It goes on for more than the limit."""


async def body_of(request: Request) -> bytes:
    """All of it. Raises TooLong as soon as that is known, TooSlow, ClientDisconnect."""
    try:
        return await asyncio.wait_for(_all_of(request), PATIENCE)
    except TimeoutError:
        raise TooSlow from None


async def _all_of(request: Request) -> bytes:
    parts, length = [], 0
    async for part in request.stream():
        length += len(part)
        if length > LIMIT:
            raise TooLong
        parts.append(part)
    return b"".join(parts)
