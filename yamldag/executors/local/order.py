"""An attempt that a runner is to start, and the environment that many have alike."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from yamldag.executors.local.orphans import MARK

_OURS = "YAMLDAG_"
Key: TypeAlias = tuple[object, ...]
Environment: TypeAlias = dict[str, str]


class Base:
    """What is below each attempt's own environment."""

    def __init__(self, env: Environment) -> None:
        self.env = env
        self.ours = {name: value for name, value in env.items() if name.startswith(_OURS)}
        """What of it may differ from task to task of one warm process."""
        self.others = frozenset(_others(env).items())


class Order(NamedTuple):
    """An attempt to start."""

    attempt: int
    mark: str
    argv: list[str]
    base: Base
    own: Environment
    cwd: str
    log: str
    log_is_shared: bool
    warm: list[str]
    """`[how, operator, folder, module]`, or nothing."""
    spec: str | None

    @property
    def how(self) -> str:
        """`fork`, `reuse`, or nothing."""
        return self.warm[0] if self.warm else ""

    @property
    def env(self) -> Environment:
        """All of it."""
        return {**self.base.env, **self.own, MARK: self.mark}

    @property
    def ours(self) -> Environment:
        """What of it may differ from task to task of one warm process."""
        own = {name: value for name, value in self.own.items() if name.startswith(_OURS)}
        return {**self.base.ours, **own, MARK: self.mark}

    @property
    def others(self) -> Environment:
        """What they have alike."""
        return {**_others(self.base.env), **_others(self.own)}

    @property
    def kind(self) -> Key:
        """What can be carried out by the same process."""
        same = (tuple(self.argv[:-1]), tuple(self.warm))
        if self.how == "reuse":
            return same
        return (*same, self.cwd, self.base.others, frozenset(_others(self.own).items()))


def _others(env: Environment) -> Environment:
    return {name: value for name, value in env.items() if not name.startswith(_OURS)}
