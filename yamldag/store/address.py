"""A database's URL as SQLAlchemy takes it."""

from __future__ import annotations

import os

import sqlalchemy as sa

_SQLITE = "sqlite:///"


def address(url: str) -> sa.URL:
    """A path of SQLite's is the path as it is, whatever signs are in it."""
    if not url.startswith(_SQLITE) or len(url) == len(_SQLITE):
        return sa.make_url(url)
    return sa.URL.create("sqlite", database=os.path.abspath(url[len(_SQLITE) :]))
