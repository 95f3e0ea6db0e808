"""What the process is told from outside."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Protocol


class Told(Protocol):
    def stop(self) -> None: ...

    def reload(self) -> None: ...


@contextmanager
def signals(service: Told) -> Iterator[None]:
    """INT and TERM stop it, HUP makes it look at its files."""

    wanted = {
        signal.SIGINT: service.stop,
        signal.SIGTERM: service.stop,
        signal.SIGHUP: service.reload,
    }

    def heed(number: int, _: FrameType | None) -> None:
        wanted[signal.Signals(number)]()

    before = {number: signal.signal(number, heed) for number in wanted}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
