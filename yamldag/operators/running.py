"""Who carries an operator out: the file of its name, or what a plug-in brings. Loaded when it is first needed."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from yamldag.operators.builtin import BUILT_IN
from yamldag.operators.contract import Operator

_ENGINE = {"approval", "pipeline", "wait"}
"""Carried out by the engine itself."""
_OURS = {*BUILT_IN, "guarded"} - _ENGINE


def runnable(name: str) -> Operator | None:
    """The operator of this name, as `catalog.carried_by` gives it; None: this version does not run it."""
    if name in _OURS:
        return cast(Operator, import_module(f"yamldag.operators.{name}"))
    name, brought, reference = name.partition("=")
    if not brought:
        return None
    from yamldag.operators.brought import Brought

    return Brought(name, reference)
