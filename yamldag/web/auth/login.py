"""Logging in and out. Tries are counted before a password is looked at, so that none is free."""

from __future__ import annotations

from dataclasses import dataclass

from yamldag.store import audit, sessions, users
from yamldag.store.database import Database
from yamldag.web.auth import passwords
from yamldag.web.auth.secrets import digest, new_secret

PER_NAME, PER_ADDRESS = 5, 20
"""Tries in a minute: by one name from one address, and from one address."""


@dataclass(frozen=True, slots=True)
class Refused:
    """`words` say why. `wait`: seconds after which it may be tried again; 0: at once."""

    words: str
    wait: int = 0


WRONG = Refused("the name or the password is wrong")


def log_in(database: Database, name: str, password: str, address: str, now: float) -> str | Refused:
    """What the browser is to keep, or why not. Whoever had a session keeps it in no other browser than that."""
    name, address = name[:200], address[:100]
    same, all_of_them = database.write(lambda: sessions.note_try(database, name, address, now))
    if same > PER_NAME or all_of_them > PER_ADDRESS:
        return Refused("too many tries: wait a minute", int(sessions.WINDOW))
    found = users.user(database, name)
    try:
        good = passwords.matches(found.password if found else None, password)
    except passwords.Busy:
        return Refused("too many people log in at this moment: try again", 2)
    if not good or found is None or found.disabled is not None:
        deed = audit.Deed(name, "session", address, "login", name)
        database.write(lambda: audit.record(database, deed, "refused", now))
        return WRONG
    return _begin(database, found, password, address, now)


def _begin(database: Database, found: users.User, password: str, address: str, now: float) -> str | Refused:
    secret = new_secret()
    renewed = passwords.hash_password(password) if passwords.is_dated(found.password) else None

    def work() -> bool:
        standing = users.user(database, found.name)
        if standing is None or standing.disabled is not None or standing.password != found.password:
            return False  # changed while the password was looked at
        if renewed is not None:
            users.renew_hash(database, found.name, found.password, renewed)
        sessions.forget_tries(database, found.name, address)
        sessions.begin(database, digest(secret), found.name, address, now)
        audit.record(
            database, audit.Deed(found.name, "session", address, "login", found.name), "logged in", now
        )
        return True

    return secret if database.write(work) else WRONG


def log_out(database: Database, secret: str, name: str, address: str, now: float) -> None:
    """`secret`: the digest of the session's."""

    def work() -> None:
        if sessions.end(database, secret):
            audit.record(database, audit.Deed(name, "session", address, "logout", name), "logged out", now)

    database.write(work)
