"""From a plug-in's reference to its object: in processes that may run the code of others."""

from __future__ import annotations

import importlib
import os
import sys
from functools import reduce

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def load(reference: str) -> Any:
    """The plug-in's object. Raises whatever its module raises."""
    if reference.endswith(".py"):
        return _of_file(reference)
    folder, _, value = reference.rpartition("#")
    module, _, attribute = value.partition(":")
    if folder and folder not in sys.path:
        sys.path.append(folder)  # behind all others: what is installed wins
    return reduce(getattr, filter(None, attribute.split(".")), importlib.import_module(module))


def place(reference: str) -> tuple[str, str]:
    """The folder and the name of its module."""
    if reference.endswith(".py"):
        folder, name = os.path.split(reference)
        return folder, name[:-3]
    folder, _, value = reference.rpartition("#")
    return folder or "/", value.partition(":")[0]


def _of_file(path: str) -> Any:
    """A module of the project's own: its name is not one that an import could mean."""
    from importlib.util import module_from_spec, spec_from_file_location

    folder, name = place(path)
    if folder not in sys.path:
        sys.path.append(folder)  # for its helpers, `import _shared`
    full = f"yamldag_plugins.{name}"
    if full in sys.modules and sys.modules[full].__file__ == path:
        return sys.modules[full]
    spec = spec_from_file_location(full, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not Python")
    module = module_from_spec(spec)
    sys.modules[full] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[full]
        raise
    return module
