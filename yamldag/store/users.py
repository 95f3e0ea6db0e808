"""Accounts of people, in SQL. The caller owns the transactions."""

from __future__ import annotations

from typing import NamedTuple

from yamldag.store.database import Database


class User(NamedTuple):
    """One who may log in. Times are Unix seconds."""

    name: str
    role: str
    password: str
    """Its argon2 hash."""
    created: float
    disabled: float | None


_COLUMNS = ", ".join(User._fields)


def users(database: Database) -> list[User]:
    """By name."""
    return [User(*row) for row in database.execute(f"SELECT {_COLUMNS} FROM account ORDER BY name")]  # noqa: S608


def user(database: Database, name: str) -> User | None:
    row = database.execute(f"SELECT {_COLUMNS} FROM account WHERE name = ?", (name,)).fetchone()  # noqa: S608
    return None if row is None else User(*row)


def are_there(database: Database) -> bool:
    """Whether anybody has an account, be it disabled."""
    return database.execute("SELECT 1 FROM account LIMIT 1").fetchone() is not None


def add(database: Database, name: str, role: str, password: str, now: float) -> bool:
    """False: that name is taken."""
    return database.add(
        "INSERT INTO account (name, role, password, created) VALUES (?, ?, ?, ?)", (name, role, password, now)
    )


def set_role(database: Database, name: str, role: str) -> bool:
    """It holds from the next request on. False: there is no such user."""
    database.execute("UPDATE account SET role = ? WHERE name = ?", (role, name))
    return user(database, name) is not None


def set_password(database: Database, name: str, password: str) -> bool:
    """Whoever is logged in as that user is no more. False: there is no such user."""
    database.execute("UPDATE account SET password = ? WHERE name = ?", (password, name))
    _log_out(database, name)
    return user(database, name) is not None


def renew_hash(database: Database, name: str, was: str, password: str) -> None:
    """The same password, hashed by today's measure."""
    database.execute("UPDATE account SET password = ? WHERE name = ? AND password = ?", (password, name, was))


def disable(database: Database, name: str, now: float) -> bool:
    """Neither logged in from now on nor to be. False: there is no such user, or it was so."""
    cursor = database.execute(
        "UPDATE account SET disabled = ? WHERE name = ? AND disabled IS NULL", (now, name)
    )
    _log_out(database, name)
    return cursor.rowcount == 1


def enable(database: Database, name: str) -> bool:
    """False: there is no such user, or it is not disabled."""
    cursor = database.execute(
        "UPDATE account SET disabled = NULL WHERE name = ? AND disabled IS NOT NULL", (name,)
    )
    return cursor.rowcount == 1


def delete(database: Database, name: str) -> bool:
    """False: there is no such user."""
    _log_out(database, name)
    return database.execute("DELETE FROM account WHERE name = ?", (name,)).rowcount == 1


def _log_out(database: Database, name: str) -> None:
    database.execute("DELETE FROM login_session WHERE account = ?", (name,))
