"""Files of this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

from yamldag.executors.copying.places import Place
from yamldag.executors.reach import Reach
from yamldag.operators.copy import path_of


@contextmanager
def opened(place: Place, mode: str, _reach: Reach) -> Iterator[BinaryIO]:
    path = path_of(place["url"])
    if mode == "rb":
        with open(path, "rb") as file:
            yield file
        return
    folder, name = os.path.split(path)
    os.makedirs(folder or ".", exist_ok=True)
    part = os.path.join(folder, f".{name}.part")
    try:
        with open(part, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(part)
        raise
