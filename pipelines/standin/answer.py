"""What the server answers: a status, a kind of content, and bytes."""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    kind: str
    body: bytes
    slow: bool = False


def data(value: object, *, status: int = 200, slow: bool = False) -> Answer:
    return Answer(status, "application/json", json.dumps(value, ensure_ascii=False).encode(), slow)


def failure(status: int, detail: str) -> Answer:
    return data({"detail": detail}, status=status)
