"""A plan that a run goes on by instead of its own."""

from __future__ import annotations

import json

from msgspec import Struct

from yamldag.engine.memory.params import resolve
from yamldag.engine.memory.reading import read_params
from yamldag.plan.pipeline import Plan


class Newer(Struct, frozen=True):
    plan: Plan
    version: str
    """Its hash."""

    def params(self, stored: str) -> str:
        """The params of a run, as JSON, where it goes on by this plan: those that it declares. Raises BadParams,
        Unreadable."""
        known = {param.name for param in self.plan.params}
        kept = {name: value for name, value in read_params(stored).items() if name in known}
        return json.dumps(resolve(self.plan, kept), ensure_ascii=False)
