"""Where the files that ship beside the code are: `schemas/` and `templates/`."""

import os

_HERE = os.path.dirname(os.path.abspath(__file__))
_INSTALLED = os.path.join(_HERE, "_data")
_FOLDER = _INSTALLED if os.path.isdir(_INSTALLED) else os.path.dirname(_HERE)


def path(*parts: str) -> str:
    """The absolute path of a shipped file, such as `path("schemas", "pipeline.schema.json")`."""
    return os.path.join(_FOLDER, *parts)
