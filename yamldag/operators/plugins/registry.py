"""The plug-ins of one project, by kind and name: which of them counts, and what is wrong with the others."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

from msgspec import Struct

from yamldag.operators.builtin import BUILT_IN, KEYS
from yamldag.operators.plugins import announced
from yamldag.operators.plugins.announced import KINDS, Advice, Announced, Described, Missing

_NAME = re.compile(r"(?!x-)[a-z][a-z0-9_-]{0,63}")
_OWN: Mapping[str, tuple[str, ...]] = {
    "operators": BUILT_IN,
    "notifiers": BUILT_IN,
    "secrets": ("environment", "files", "store", "keyring", "vault"),
    "executors": ("local",),
    "lint": (),
}
"""What yamldag brings itself of each kind."""


class Wrong(Struct, frozen=True):
    """A plug-in that can't be used, whatever is in it."""

    plugin: Announced
    why: str


class Plugins:
    """What is announced is read once; what a plug-in says of itself is asked when it is first needed."""

    def __init__(self, root: str | None, modules: tuple[str, ...], *, run: bool = True) -> None:
        """`root` is the project's folder, None: there is no project. `modules` are its `plugins:`. Without `run` no
        code of theirs is run: what can't be read of one is not checked."""
        self.root = root
        self.modules = modules
        self.run = run
        self.were_asked = False
        """Whether they may have had a say in anything."""
        self.missing: list[str] = []
        """Modules of `plugins:` that are not there."""
        self._described: dict[Announced, Described] = {}
        self._own: list[Announced] = []
        if root is not None:
            self._own += announced.of_folder(root)
            for each in announced.of_modules(root, modules):
                if isinstance(each, Missing):
                    self.missing.append(each.module)
                else:
                    self._own.append(each)
        self._stamps = announced.stamps(root, self._own) if root is not None else frozenset()

    def are_those_of(self, root: str | None, modules: tuple[str, ...], *, run: bool) -> bool:
        """Whether this is what would be made now."""
        if (root, modules, run) != (self.root, self.modules, self.run):
            return False
        return root is None or announced.stamps(root, self._own) == self._stamps

    def all(self) -> list[Announced]:
        """Every one that is announced, of all kinds, the project's own first."""
        return [each for kind in KINDS for each in self._of(kind)]

    def names(self, kind: str) -> tuple[str, ...]:
        """The names that count, sorted."""
        found = tuple(sorted(self._known[kind]))
        self.were_asked = self.were_asked or bool(found)
        return found

    def announced(self, name: str, *kinds: str) -> Announced | None:
        """The plug-in of this name, of the first of these kinds that has one: operators and notifiers, unless said."""
        for kind in kinds or ("operators", "notifiers"):
            if name in self._known[kind]:
                return self._known[kind][name]
        return None

    def described(self, name: str, *kinds: str) -> Described | None:
        """What it says of itself, or why it can't be used; None: there is none."""
        found = self.announced(name, *kinds)
        if found is None:
            return None
        self.were_asked = True
        return self._answer([found])[0]

    def ask(self, names: Iterable[str]) -> None:
        """All of these at once: together they take as long as the slowest."""
        self._answer([found for name in names if (found := self.announced(name))])

    def states(self) -> list[tuple[Announced, Described]]:
        """All that are announced, whether they count or not, and what each says of itself."""
        every = self.all()
        return list(zip(every, self._answer(every), strict=True))

    def advice(self, plan: str) -> Iterator[tuple[Announced, list[Advice] | Described]]:
        """What each plug-in of advice has to say of a plan, which is JSON."""
        if not self.run:
            return
        from yamldag.operators.plugins import asking

        for name in self.names("lint"):
            each = self._known["lint"][name]
            why = self._wrong.get(each)
            yield each, Described(fault=why) if why else asking.advice(each, plan)

    def misnamed(self) -> list[Wrong]:
        """Those of the project's own that can't be used for their name. What is installed is not looked at."""
        return [Wrong(each, why) for each, why in _clashing(self._own).items()]

    def _answer(self, plugins: list[Announced]) -> list[Described]:
        unknown = [each for each in dict.fromkeys(plugins) if each not in self._described]
        sound = [each for each in unknown if each not in self._wrong]
        self._described |= {
            each: Described(fault=self._wrong[each]) for each in unknown if each in self._wrong
        }
        if sound:
            self._described |= dict(zip(sound, self._told(sound), strict=True))
        return [self._described[each] for each in plugins]

    def _told(self, plugins: list[Announced]) -> list[Described]:
        if not self.run:
            from yamldag.operators.plugins.reading import read

            return read(plugins)
        from yamldag.operators.plugins.asking import described  # it starts processes: few need it

        return described(plugins)

    def unchecked(self) -> list[Announced]:
        """Those that were of use, and take whatever they are given, as nothing is known of them."""
        from yamldag.operators.plugins.reading import UNCHECKED

        found = [each for each, told in self._described.items() if told is UNCHECKED]
        return sorted(found, key=lambda each: each.name)

    def _of(self, kind: str) -> list[Announced]:
        own = [each for each in self._own if each.kind == kind]
        return [*own, *self._installed[kind]]

    @cached_property
    def _installed(self) -> Mapping[str, list[Announced]]:
        return {kind: announced.installed(kind) for kind in KINDS}

    @cached_property
    def _known(self) -> Mapping[str, Mapping[str, Announced]]:
        """By kind and name. Nothing replaces what yamldag brings, or a key; of two alike neither can be used, and the
        first is here to say so."""
        found: dict[str, dict[str, Announced]] = {}
        for kind in KINDS:
            named = found[kind] = {}
            for each in self._of(kind):
                if not _unfit(each):
                    named.setdefault(each.name, each)
        return found

    @cached_property
    def _wrong(self) -> Mapping[Announced, str]:
        return _clashing(self.all())


def _clashing(plugins: Iterable[Announced]) -> dict[Announced, str]:
    """Those whose name is none, or another's, and why."""
    found: dict[Announced, str] = {}
    alike: dict[tuple[str, str], list[Announced]] = {}
    for each in plugins:
        if why := _unfit(each):
            found[each] = why
        else:
            alike.setdefault((each.kind, each.name), []).append(each)
    for (_, name), those in alike.items():
        if len(those) > 1:
            origins = " and ".join(f"`{one.origin}`" for one in those)
            found |= dict.fromkeys(those, f"there is more than one `{name}`: {origins}")
    return found


def _unfit(plugin: Announced) -> str | None:
    """Why nothing can have this name."""
    if not _NAME.fullmatch(plugin.name):
        return f"`{plugin.name}` is no name: small letters, digits, `_` and `-`, a letter first"
    if plugin.name in _OWN[plugin.kind]:
        return f"`{plugin.name}` is yamldag's own: give it another name"
    if plugin.kind in ("operators", "notifiers") and plugin.name in KEYS:
        return f"`{plugin.name}` is a key of tasks: give it another name"
    return None
