"""Cursors: where a page of a list ends, written so that nobody is tempted to make one up."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any


class BadCursor(ValueError):  # noqa: N818
    """It is none that we gave."""


def cursor(*place: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def place(text: str, *types: type) -> tuple[Any, ...]:
    """What `cursor` was given. Raises BadCursor."""
    try:
        found = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        raise BadCursor from None
    if not isinstance(found, list) or len(found) != len(types):
        raise BadCursor
    if not all(type(value) is wanted for value, wanted in zip(found, types, strict=True)):
        raise BadCursor
    return tuple(found)
