"""Secrets that we give away: 256 random bits, of which the database has the SHA-256 alone."""

from __future__ import annotations

import hashlib
import secrets

PREFIX = "yd_"
"""Of API tokens, by which scanners for leaked secrets find them."""


def new_secret() -> str:
    return secrets.token_urlsafe(32)


def new_token() -> str:
    return PREFIX + new_secret()


def digest(secret: str) -> str:
    """What is stored. No salt and no slow hash: there is nothing to guess in 256 random bits."""
    return hashlib.sha256(secret.encode()).hexdigest()
