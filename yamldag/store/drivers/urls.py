"""URLs of databases: the file that one names, and how a person may see it."""

from __future__ import annotations

import os
import re

SQLITE = "sqlite:///"
# To the last `@`: a password may have signs in it that should have been escaped.
_PASSWORD = re.compile(r"(?<=://)([^:@/?#]*):.*@", re.DOTALL)
_OPTION = re.compile(r"(password=)[^&#]*")


def sqlite_path(url: str) -> str | None:
    """The absolute path that the URL of a SQLite database names, whatever signs are in it; None for any other."""
    return os.path.abspath(url[len(SQLITE) :]) if url.startswith(SQLITE) else None


def without_password(url: str) -> str:
    """The URL with `***` for its password."""
    return _OPTION.sub(r"\1***", _PASSWORD.sub(r"\1:***@", url))
