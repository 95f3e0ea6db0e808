"""Where plug-ins are announced, and what their names are. Nothing of theirs is imported."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec import Struct

KINDS = ("operators", "notifiers", "secrets", "executors", "lint")
"""Of each there is a group of entry points, `yamldag.operators`, and a folder in a folder of plug-ins; operators
lie in the folder itself."""
FOLDER = "plugins"
"""The project's own, at its root."""
Stamp = tuple[str, int, int, int]
Advice = tuple[str | None, str]
"""A task's id, or None for the whole pipeline, and words."""


class Announced(Struct, frozen=True):
    """A plug-in as it is announced."""

    kind: str
    name: str
    reference: str
    """What `loading.load` takes: the path of a file, or `folder#module:attribute`. The folder is where the module
    is found if it is nowhere else."""
    origin: str
    """For a person: `plugins/shout.py`, `acme_operators`, `acme-tools 1.2`."""
    version: str | None = None
    file: str | None = None
    """Of the project's own: its file."""


class Described(Struct, frozen=True):
    """What a plug-in says of itself, or why it can't be used."""

    description: str = ""
    schema: dict[str, Any] | None = None
    fault: str | None = None
    """Words that begin with its name."""
    file: str | None = None
    """Where its own code breaks off, and in which line."""
    line: int | None = None


class Missing(Struct, frozen=True):
    """A module of `plugins:` that is not there."""

    module: str


def installed(kind: str) -> list[Announced]:
    """What packages announce."""
    from importlib.metadata import entry_points

    found = []
    for point in sorted(entry_points(group=f"yamldag.{kind}")):
        package = point.dist
        folder = str(package.locate_file("")) if package else ""
        version = package.version if package else None
        origin = f"{package.name} {version}" if package else point.value
        reference = f"{os.path.normpath(folder) if folder else ''}#{point.value}"
        found.append(Announced(kind, point.name, reference, origin, version))
    return list(dict.fromkeys(found))


def of_folder(root: str) -> list[Announced]:
    """What the project's own folder announces."""
    return [
        Announced(kind, name, path, os.path.relpath(path, root), file=path)
        for kind, name, path in _files(os.path.join(root, FOLDER))
    ]


def of_modules(root: str, modules: Iterable[str]) -> list[Announced | Missing]:
    """What the modules announce that the project file names: installed ones, or from the project's root."""
    found: list[Announced | Missing] = []
    for module in modules:
        spec = _spec(root, module)
        if spec is None:
            found.append(Missing(module))
            continue
        file, folders = spec
        if not folders:
            name = module.rpartition(".")[2]
            found.append(Announced("operators", name, f"{root}#{module}", module, file=file))
        for folder in folders:
            for kind, name, path in _files(folder):
                inner = name if kind == "operators" else f"{kind}.{name}"
                reference = f"{root}#{module}.{inner}"
                found.append(Announced(kind, name, reference, f"{module}.{inner}", file=path))
    return found


def _spec(root: str, module: str) -> tuple[str | None, Sequence[str]] | None:
    """A module's file, and the folders of a package; None: there is no such module. Its parents are not imported."""
    import sys
    from importlib.machinery import PathFinder

    places: Sequence[str] | None = [*sys.path, root]
    name, spec = "", None
    for part in module.split("."):
        name = f"{name}.{part}" if name else part
        try:
            spec = PathFinder.find_spec(name, places)
        except (ImportError, ValueError):
            return None
        if spec is None:
            return None
        places = spec.submodule_search_locations or []
    return None if spec is None else (spec.origin, [*(spec.submodule_search_locations or ())])


def _files(folder: str, *, helpers: bool = False) -> Iterator[tuple[str, str, str]]:
    """Kind, name and path of each module in a folder of plug-ins; those that begin with `_` are `helpers` of theirs."""
    for kind in KINDS:
        within = folder if kind == "operators" else os.path.join(folder, kind)
        try:
            names = sorted(os.listdir(within))
        except OSError:
            continue
        for name in names:
            if name.endswith(".py") and not name.startswith("." if helpers else ("_", ".")):
                yield kind, name[:-3], os.path.join(within, name)


def files(root: str, known: Iterable[Announced]) -> set[str]:
    """What may be edited: the plug-ins of the project's own, and what lies beside them."""
    found = {path for _, _, path in _files(os.path.join(root, FOLDER), helpers=True)}
    found.update(each.file for each in known if each.file is not None)
    return found


def stamps(root: str, known: Iterable[Announced]) -> frozenset[Stamp]:
    """What changes when a plug-in of the project's own comes, goes or is edited."""
    return frozenset(each for path in files(root, known) if (each := _stamp(path)))


def _stamp(path: str) -> Stamp | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return path, found.st_mtime_ns, found.st_size, found.st_ino


def shown(reference: str) -> str:
    """A reference for a person, without the folder."""
    return reference if reference.endswith(".py") else reference.rpartition("#")[2]
