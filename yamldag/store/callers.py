"""Reads that say who asks: one query for a request, one for all streams that are open."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from yamldag.store.sessions import IDLE
from yamldag.store.tables import account, api_token, login_session


def by_session(db: sa.Connection, secret: str, now: float) -> sa.Row[Any, Any, Any] | None:
    """(name, role, seen) of whoever is logged in by a session that goes on."""
    query = (
        sa.select(account.c.name, account.c.role, login_session.c.seen)
        .join(login_session, login_session.c.account == account.c.name)
        .where(login_session.c.hash == secret, *_goes_on(now))
    )
    return db.execute(query).one_or_none()


def by_token(db: sa.Connection, secret: str, now: float) -> sa.Row[Any, Any, Any] | None:
    """(name, role, last use) of a token that works."""
    query = sa.select(api_token.c.name, api_token.c.role, api_token.c.used)
    return db.execute(query.where(api_token.c.hash == secret, *_works(now))).one_or_none()


def still(db: sa.Connection, secrets: Collection[str], now: float) -> set[str]:
    """Of these secrets of sessions and tokens those that work."""
    some = list(secrets)
    sessions = (
        sa.select(login_session.c.hash)
        .join(account, login_session.c.account == account.c.name)
        .where(login_session.c.hash.in_(some), *_goes_on(now))
    )
    tokens = sa.select(api_token.c.hash).where(api_token.c.hash.in_(some), *_works(now))
    return set(db.execute(sa.union_all(sessions, tokens)).scalars())


def any_account(db: sa.Connection) -> bool:
    """Whether anybody has an account, be it disabled."""
    return db.execute(sa.select(account.c.name).limit(1)).first() is not None


def any_token(db: sa.Connection, now: float) -> bool:
    """Whether a token works."""
    return db.execute(sa.select(api_token.c.name).where(*_works(now)).limit(1)).first() is not None


def _goes_on(now: float) -> tuple[sa.ColumnElement[bool], ...]:
    session = login_session.c
    return account.c.disabled.is_(None), session.until > now, session.seen > now - IDLE


def _works(now: float) -> tuple[sa.ColumnElement[bool], ...]:
    token = api_token.c
    return token.revoked.is_(None), sa.or_(token.expires.is_(None), token.expires > now)
