"""What a warm process may load before it knows its task: installed modules, as the task's own file would.

A user's own modules are loaded by each task anew: they are small, they may be edited, and what they do as they
are loaded (read the clock or the environment, print) belongs to the task. Installed ones are loaded ahead only
as far as the file begins with their imports, so that nothing of the user's would have run before them.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import os
import signal
import sys
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

_PLACES = ("stdlib", "platstdlib", "purelib", "platlib")


class UnfitError(Exception):
    """What was loaded has left a trace in the process that a task of its own would have to leave."""


def load(folder: str, module: str) -> None:
    """Load what `module` in `folder` begins with. Raises UnfitError: this process is then of no use.

    A trace is: output, a thread, an open file, a signal's handler, a variable of the environment, another
    current folder, a module of the user's own.
    """
    before = _traces()
    with _listening() as said, _seeking(folder):
        try:
            for name in _leading(folder, module):
                importlib.import_module(name)
        except BaseException as error:  # the border: installed modules may do anything
            raise UnfitError from error
    if said() or _traces() != before or any(map(is_foreign, list(sys.modules.values()))):
        raise UnfitError


def installed() -> tuple[str, ...]:
    """The folders of what is installed."""
    return tuple(dict.fromkeys(os.path.realpath(sysconfig.get_path(name)) for name in _PLACES))


def _leading(folder: str, module: str) -> Iterator[str]:
    """Up to the first statement that is no import, and through the user's own modules as far as they begin."""
    waiting, seen = [module], set[str]()
    while waiting:
        name = waiting.pop(0)
        path = _own_file(folder, name)
        if path is None:
            yield name
        elif path not in seen:
            seen.add(path)
            waiting = _imports(path)  # what stands after it runs after its statements


def _own_file(folder: str, name: str) -> str | None:
    """The file of a module of the user's own; None: it is an installed one, or there is none."""
    top = name.partition(".")[0]
    for start in (os.path.join(folder, top), os.path.join(folder, *name.split("."))):
        for path in (f"{start}.py", os.path.join(start, "__init__.py")):
            if os.path.exists(path):
                return path
    with suppress(ImportError, ValueError):
        found = importlib.util.find_spec(top)
        if found is not None and found.origin and found.has_location and not _is_installed(found.origin):
            return found.origin
    return None


def _imports(path: str) -> list[str]:
    found: list[str] = []
    try:
        with open(path, "rb") as file:
            body = ast.parse(file.read()).body
    except (OSError, SyntaxError, ValueError):
        return found
    for node in body:
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found += [] if node.module == "__future__" else [node.module]
        elif not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Constant):  # a docstring
            break
    return found


def is_foreign(module: object) -> bool:
    """Whether it is neither installed nor ours."""
    path = getattr(module, "__file__", None)
    return isinstance(path, str) and not _is_installed(path) and not path.startswith(_OURS)


def _is_installed(path: str) -> bool:
    return os.path.realpath(path).startswith(_INSTALLED)


_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_INSTALLED = tuple(folder + os.sep for folder in installed())


def _traces() -> list[object]:
    return [
        dict(os.environ),
        os.getcwd(),
        [signal.getsignal(number) for number in signal.valid_signals()],
        sorted(os.listdir("/proc/self/fd")),
        len(os.listdir("/proc/self/task")),
    ]


@contextmanager
def _listening() -> Iterator[Callable[[], int]]:
    """Whether anything was printed."""
    kept = os.memfd_create("said")
    before = [os.dup(number) for number in (1, 2)]
    size = [0]
    for number in (1, 2):
        os.dup2(kept, number)
    try:
        yield lambda: size[0]
    finally:
        size[0] = os.fstat(kept).st_size
        for number, old in zip((1, 2), before, strict=True):
            os.dup2(old, number)
            os.close(old)
        os.close(kept)


@contextmanager
def _seeking(folder: str) -> Iterator[None]:
    """As tasks do: beside the file first."""
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)
