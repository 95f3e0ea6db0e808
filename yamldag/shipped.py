"""Where the files that ship beside the code are: `schemas/`, `templates/`, and the pages of `explain/`."""

import os

_HERE = os.path.dirname(os.path.abspath(__file__))
_INSTALLED = os.path.join(_HERE, "_data")
_CHECKOUT = {"explain": os.path.join("docs", "reference", "diagnostics")}
"""Where a checkout keeps what a wheel holds under another name."""


def path(folder: str, *parts: str) -> str:
    """The absolute path of a shipped file, such as `path("schemas", "pipeline.schema.json")`."""
    if os.path.isdir(_INSTALLED):
        return os.path.join(_INSTALLED, folder, *parts)
    return os.path.join(os.path.dirname(_HERE), _CHECKOUT.get(folder, folder), *parts)
