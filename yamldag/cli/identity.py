"""Who is at the keyboard, for the audit log."""

from __future__ import annotations

import getpass
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from yamldag.store.audit import Deed


def deed(action: str, target: str, **detail: Any) -> Deed:
    """What is done by a command, for the audit log."""
    from yamldag.store.audit import Deed

    return Deed(person(), "command", "", action, target, detail)


def person() -> str:
    """The account on this machine that a command runs by."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # it has no name here
        return str(os.getuid())
