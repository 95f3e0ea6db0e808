"""Tokens by which programs ask. The caller owns the transactions."""

from __future__ import annotations

from typing import NamedTuple

from yamldag.store.database import Database


class Token(NamedTuple):
    """Times are Unix seconds. What a token is was shown once, and is kept nowhere."""

    name: str
    role: str
    created: float
    creator: str
    expires: float | None
    used: float | None
    revoked: float | None

    def works(self, now: float) -> bool:
        return self.revoked is None and (self.expires is None or now < self.expires)


_COLUMNS = ", ".join(Token._fields)


def tokens(database: Database) -> list[Token]:
    """By name, those that work no more too."""
    return [Token(*row) for row in database.execute(f"SELECT {_COLUMNS} FROM api_token ORDER BY name")]  # noqa: S608


def add(database: Database, token: Token, secret: str) -> bool:
    """`secret`: its SHA-256. False: that name is taken."""
    marks = ", ".join("?" for _ in Token._fields)
    return database.add(f"INSERT INTO api_token ({_COLUMNS}, hash) VALUES ({marks}, ?)", (*token, secret))  # noqa: S608


def revoke(database: Database, name: str, now: float) -> bool:
    """False: there is none of that name that works."""
    cursor = database.execute(
        "UPDATE api_token SET revoked = ? WHERE name = ? AND revoked IS NULL", (now, name)
    )
    return cursor.rowcount == 1


def use(database: Database, secret: str, now: float) -> None:
    """It is in use."""
    database.execute("UPDATE api_token SET used = ? WHERE hash = ?", (now, secret))
