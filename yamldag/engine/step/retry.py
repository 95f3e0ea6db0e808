"""How long the next try waits."""

from __future__ import annotations

import hashlib

from yamldag.plan.pipeline import Task


def delay(task: Task, tries: int, seed: str) -> float:
    """Seconds from the end of try number `tries` to the next: the same for the same seed, whoever asks.

    Jitter, of at most a tenth, only adds; `max_retry_delay` cuts whatever came out.
    """
    try:
        grown = task.retry_delay * float(task.retry_backoff) ** (tries - 1)
    except OverflowError:
        return task.max_retry_delay if task.retry_delay else 0.0
    return min(grown * (1 + _fraction(f"{seed}/{tries}") / 10), task.max_retry_delay)


def _fraction(seed: str) -> float:
    """From 0 up to 1, by the seed alone."""
    return int.from_bytes(hashlib.blake2b(seed.encode(), digest_size=7).digest(), "big") / 2**56
