"""Which form a file of rows has, told by its ending."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, TypeAlias

Row: TypeAlias = Sequence[Any]
FORMS = {".csv": "csv", ".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
PACKED = ".gz"
NO_PARQUET = "Parquet needs one more package: pip install 'yamldag[parquet]'"


class MisshapenError(Exception):
    """Why the rows can't be read or written, in words."""


def form_of(path: str) -> str | None:
    """`csv`, `json`, `jsonl` or `parquet`; None: its ending names none of them."""
    return FORMS.get(os.path.splitext(path.lower().removesuffix(PACKED))[1])


def is_packed(path: str) -> bool:
    """Whether it is compressed by gzip."""
    return path.lower().endswith(PACKED)
