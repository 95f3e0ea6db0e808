"""Passwords: argon2id, no more at once than the machine bears."""

from __future__ import annotations

import threading
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST, LONGEST = 10, 1000
_AT_ONCE, _WAITING = 2, 4

_hasher = PasswordHasher()
_slots = threading.BoundedSemaphore(_AT_ONCE)
_queue = threading.BoundedSemaphore(_AT_ONCE + _WAITING)


class Busy(Exception):  # noqa: N818
    """Too many passwords are being checked."""


def complaint(password: str) -> str | None:
    """What is wrong with a new password, in words."""
    if len(password) < SHORTEST:
        return f"a password has at least {SHORTEST} characters"
    if len(password) > LONGEST:
        return f"a password has at most {LONGEST} characters"
    if password.strip() != password or not password.isprintable():
        return "a password neither begins nor ends with a space, and has no control characters"
    return None


@cache
def _nobody() -> str:
    """Of no password that anybody has: verified for names that are not there, so that these take as long."""
    return _hasher.hash("nobody has this one")


def hash_password(password: str) -> str:
    return _hasher.hash(password)


def matches(stored: str | None, password: str) -> bool:
    """Whether it is the password of that hash; None: of nobody, which takes as long to deny. Raises Busy."""
    if not _queue.acquire(blocking=False):
        raise Busy
    try:
        with _slots:
            nobody = _nobody()
            return _hasher.verify(stored or nobody, password[:LONGEST]) and stored is not None
    except (VerificationError, InvalidHashError):
        return False
    finally:
        _queue.release()


def is_dated(stored: str) -> bool:
    """Whether today's measure is another one."""
    return _hasher.check_needs_rehash(stored)
