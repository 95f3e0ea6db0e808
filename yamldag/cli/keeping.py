"""What `secrets` and `connections` share: values that are read without being shown, and what the database keeps."""

from __future__ import annotations

import argparse
import getpass
import re
import sys
from typing import TYPE_CHECKING

from yamldag.cli.main import UsageError

if TYPE_CHECKING:
    from yamldag.compile.project import Project
    from yamldag.executors.guard.keyring import Keyring

KEPT = "the database keeps `{name}`, encrypted"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,199}")


def wanted(
    args: argparse.Namespace, command: str, with_name: tuple[str, ...], with_file: tuple[str, ...]
) -> None:
    """Whether what is given goes with the action. Raises UsageError."""
    if (args.action in with_name) != (args.name is not None):
        needs = "the NAME of one" if args.action in with_name else "nothing"
        raise UsageError(f"`{command} {args.action}` wants {needs}, found {args.name or 'nothing'}")
    if args.server and args.action != "list":
        raise UsageError(f"`{command} {args.action}` is done on this machine: it wants no `--server`")
    if args.file is not None and args.action not in with_file:
        raise UsageError(f"`--file` goes with `{command} {with_file[0]}`")
    if args.action in with_file and not _NAME.fullmatch(args.name):
        raise UsageError(f"`{args.name}` is no name: letters, digits, `_` and `-`")


def typed(file: str | None, what: str) -> str:
    """A value from a file (`-`: standard input), from a terminal that does not show it, or from standard input; never
    from the command itself, which others may see. The end of the last line does not count."""
    try:
        if file is not None and file != "-":
            with open(file, encoding="utf-8", newline="") as opened:
                value = opened.read()
        elif file is None and sys.stdin.isatty():
            value = getpass.getpass(f"{what} (it is not shown): ")
        else:
            value = sys.stdin.read()
    except (OSError, UnicodeDecodeError) as error:
        words = (getattr(error, "strerror", None) or "it is no text").lower()
        raise UsageError(f"{what} can't be read from `{file or '-'}`: {words}") from None
    except EOFError:
        value = ""
    value = value.removesuffix("\n").removesuffix("\r")
    if not value:
        raise UsageError(f"{what} is empty: type it, or give it by `--file` or standard input")
    return value


def keys(project: Project) -> Keyring:
    """What resolves its secrets and connections here."""
    from yamldag.engine.asking.secrets import keys_of

    return keys_of(project, _kept(project))


def _kept(project: Project) -> dict[str, dict[str, str]]:
    """What the database keeps, encrypted. One that can't be read is said to be, and keeps nothing."""
    from sqlalchemy.exc import SQLAlchemyError

    from yamldag.store import stored
    from yamldag.store.drivers.contract import CannotOpen
    from yamldag.store.patience import Away

    try:
        return stored.kept(project.database)
    except (SQLAlchemyError, CannotOpen, Away, OSError):
        sys.stderr.write(
            "the database can't be read, so what it keeps is left out; `yamldag doctor` tells more\n"
        )
        return {}


def keys_made(project: Project) -> None:
    from yamldag.operators import strongbox

    sys.stderr.write(
        f"made the key `{strongbox.path(project.root)}`: keep a copy of it, elsewhere than copies of the database; "
        "without it nobody can read what the database keeps\n"
    )
