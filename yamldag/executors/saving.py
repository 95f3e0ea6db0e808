"""Keeps the rows of a query in a file."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from yamldag.executors.tabular.forms import form_of
from yamldag.executors.tabular.writing import Take, writing


@contextmanager
def saving(path: str, columns: Sequence[str]) -> Iterator[Take]:
    """What takes rows of JSON values, some at a time. The file is there whole, or not at all. Raises OSError,
    MisshapenError."""
    form = form_of(path)
    assert form is not None
    folder, name = os.path.split(path)
    os.makedirs(folder or ".", exist_ok=True)
    part = os.path.join(folder, f".{name}.part")
    try:
        with open(part, "wb") as file, writing(file, form, columns) as take:
            yield take
        os.replace(part, path)
    except BaseException:
        if os.path.exists(part):
            os.unlink(part)
        raise
