"""Where a project begins, and the settings that its environment gives."""

from __future__ import annotations

import os

NAMES = ("yamldag.yml", "yamldag.yaml")
AS_YAML = ("vars", "defaults", "pipeline_defaults", "pools", "connections", "secrets", "lint", "slots")
"""Settings that an environment variable gives as YAML: `YAMLDAG_POOLS='{db: 4}'`."""
OVERRIDABLE = ("pipelines", "database", "executor", "allow_env", "allow_hosts", "allow_paths", "plugins")
"""Settings that an environment variable gives as text: `YAMLDAG_DATABASE`."""
_SQLITE = "sqlite:///"


def locate(start: str) -> tuple[str, str | None]:
    """The root that a folder belongs to, and the project's file: it is sought upwards. Without one, the folder
    itself is the root."""
    folder = start = os.path.abspath(start)
    while True:
        for name in NAMES:
            if os.path.isfile(os.path.join(folder, name)):
                return folder, os.path.join(folder, name)
        above = os.path.dirname(folder)
        if above == folder:
            return start, None
        folder = above


def names_file(target: str) -> bool:
    """Whether it can't be a pipeline's id, by how it is written."""
    return "/" in target or target.endswith((".yml", ".yaml"))


def variable(setting: str) -> str:
    """The environment variable of a setting."""
    return f"YAMLDAG_{setting.upper()}"


def state_folder(root: str) -> str:
    """Where runs, logs and the default database are."""
    return os.path.join(root, ".yamldag")


def database_url(root: str, given: object) -> str:
    """The database's URL. A path of SQLite's starts from the root, wherever a command is called."""
    url = str(given) if given is not None else f"{_SQLITE}{os.path.join(state_folder(root), 'yamldag.db')}"
    start, path = url[: len(_SQLITE)], url[len(_SQLITE) :]
    return f"{start}{os.path.join(root, path)}" if start == _SQLITE and path else url
