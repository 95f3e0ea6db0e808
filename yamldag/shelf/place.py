"""Where a result is kept: under a name made of all that it is for."""

from __future__ import annotations

import os
from collections.abc import Mapping

from yamldag.operators.secrets import CONNECTION
from yamldag.root import AS_YAML, OVERRIDABLE, state_folder, variable
from yamldag.shelf.maker import maker
from yamldag.shelf.record import digest

FOLDER = "compiled"
_SECRET = ("database",)
"""Settings that no plan depends on, and that are better not written down: they are read anew each time."""


def of(
    root: str, file: str | None, environment: str | None, around: Mapping[str, str], what: str
) -> str | None:
    """The path for `what` of the project with this root and file, in an environment and the process's variables; by
    this compiler. None: nothing can be kept."""
    names = (name for name in (*AS_YAML, *OVERRIDABLE) if name not in _SECRET)
    given = {name: around.get(variable(name)) for name in names}
    connections = sorted(name for name in around if name.startswith(CONNECTION))  # each declares one
    try:
        key = repr((what, root, file, environment, given, connections, maker()))
    except OSError:
        return None
    return os.path.join(state_folder(root), FOLDER, digest(key.encode("utf-8", "surrogateescape")))
