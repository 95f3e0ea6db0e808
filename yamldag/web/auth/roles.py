"""Roles: each may do what those before it may."""

from __future__ import annotations

from enum import IntEnum


class Role(IntEnum):
    """`PUBLIC` is nobody in particular."""

    PUBLIC = 0
    VIEWER = 1
    OPERATOR = 2
    ADMIN = 3

    @property
    def word(self) -> str:
        """As it is stored and shown."""
        return self.name.lower()
