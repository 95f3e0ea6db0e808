"""From a class path and arguments to an operator; what does not fit is told in words, with what was likely meant."""

from __future__ import annotations

import importlib
import inspect
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from datetime import time as time_of_day
from types import ModuleType
from typing import Any

from yamldag.executors.airflow import surroundings
from yamldag.executors.call import UncallableError, function_of, last_line, print_traceback
from yamldag.operators.airflow_words import operator_instead_of
from yamldag.syntax.duration import seconds
from yamldag.syntax.nearest import nearest

MISSING = (
    "`airflow` needs Airflow 3, which is not installed here: name it and its providers in `requirements`, such as "
    "`[apache-airflow-task-sdk, apache-airflow-providers-standard]`"
)
_FUNCTION = re.compile(r"[\w.]+:[\w.]+")


class Unfit(Exception):  # noqa: N818
    """Why there is no such operator, or none with these arguments, in words."""


def made(spec: Mapping[str, Any]) -> Any:
    """The operator, as the one task of a DAG. Raises Unfit."""
    try:
        sdk = surroundings.load()
    except ModuleNotFoundError as error:
        if error.name not in ("airflow", "airflow.sdk"):
            raise
        raise Unfit(MISSING) from None
    sys.path.insert(0, spec["folder"])
    kind = _class(spec["class"])
    takes = dict(_parameters(kind))
    args = {
        name: _fitted(name, value, takes[name]) if name in takes else value
        for name, value in spec["args"].items()
    }
    dag = sdk.DAG(spec["told"].get("pipeline") or "pipeline", schedule=None)
    try:
        task = kind(task_id=spec["task"], dag=dag, **args)
    except Exception as error:  # other people's code: it may refuse by anything
        raise _refused(kind, spec["args"], takes, error) from None
    for name in task.template_fields:
        if (value := getattr(task, name, None)) is not None:
            setattr(task, name, _read(value, tuple(task.template_ext), spec["folder"]))
    return task


# The class


def _class(path: str) -> Any:
    module_name, _, name = path.rpartition(".")
    module = _module(module_name)
    kind = getattr(module, name, None)
    if kind is None:
        near = nearest(name, (each for each, one in vars(module).items() if _is_operator(one)))
        raise Unfit(f"`{module_name}` has no `{name}`" + (f": did you mean `{near}`?" if near else ""))
    if not _is_operator(kind):
        raise Unfit(f"`{path}` is no operator of Airflow")
    if (ours := operator_instead_of(each.__name__ for each in kind.__mro__)) is not None:
        raise Unfit(f"`{name}` speaks to Airflow's scheduler: the operator `{ours}` does that here")
    return kind


def _module(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            print_traceback(error)
            raise Unfit(
                f"`{name}` can't be loaded: it needs `{error.name}`, which is not installed"
            ) from None
        raise Unfit(f"there is no module `{error.name}`{_help(name, error.name)}") from None
    except Exception as error:
        print_traceback(error)
        raise Unfit(f"`{name}` can't be loaded: {last_line(error)}") from None


def _help(name: str, missing: str) -> str:
    """What to do about a module that is not there."""
    parent, _, last = missing.rpartition(".")
    if parent in ("airflow.providers", "airflow.providers.apache", "airflow.providers.microsoft"):
        package = f"apache-airflow-providers-{missing.removeprefix('airflow.providers.').replace('.', '-')}"
        near = nearest(last, _inside(parent))
        return f": did you mean `{parent}.{near}`?" if near else f": is `{package}` among its `requirements`?"
    near = nearest(last, _inside(parent)) if parent else None
    return f": did you mean `{name.replace(missing, f'{parent}.{near}', 1)}`?" if near else ""


def _inside(package: str) -> list[str]:
    import pkgutil

    found = sys.modules.get(package)
    return [each.name for each in pkgutil.iter_modules(getattr(found, "__path__", []))]


def _is_operator(kind: object) -> bool:
    from airflow.sdk import BaseOperator

    return isinstance(kind, type) and issubclass(kind, BaseOperator)


# The arguments


def _parameters(kind: type) -> Iterator[tuple[str, inspect.Parameter]]:
    """All that its constructor takes, and those of the classes that it hands the rest to."""
    seen = set[str]()
    for each in kind.__mro__:
        own: Any = vars(each).get("__init__")
        if own is None or each is object:
            continue
        taken = inspect.signature(own).parameters
        for name, parameter in taken.items():
            named = parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
            if named and name not in ("self", *seen):
                seen.add(name)
                yield name, parameter
        if not any(each.kind is each.VAR_KEYWORD for each in taken.values()):
            return


def _fitted(name: str, value: Any, parameter: inspect.Parameter) -> Any:
    """What YAML has no word for, where the constructor wants it: a function, a span, a moment."""
    if not isinstance(value, str):
        return value
    wanted = parameter.annotation if isinstance(parameter.annotation, str) else str(parameter.annotation)
    also_text = re.search(r"\bstr\b", re.sub(r"Callable\[.*\]", "Callable", wanted)) is not None
    for word, read, example in _READ:
        if re.search(rf"\b{word}\b", wanted):
            found = read(value)
            if found is None and not also_text:
                raise Unfit(f"`{name}` in `args` should be {example}, found `{value}`")
            return value if found is None or (also_text and word != "Callable") else found
    return value


def _function(text: str) -> Callable[..., object] | None:
    if not _FUNCTION.fullmatch(text):
        return None
    module, _, name = text.partition(":")
    try:
        return function_of(module, name)
    except UncallableError as problem:
        raise Unfit(str(problem)) from None


def _span(text: str) -> timedelta | None:
    found = seconds(text)
    return None if found is None else timedelta(seconds=found)


def _moment(text: str) -> datetime | None:
    import pendulum

    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    moment: datetime = pendulum.instance(found if found.tzinfo else found.replace(tzinfo=pendulum.UTC))
    return moment


def _hour(text: str) -> time_of_day | None:
    try:
        return time_of_day.fromisoformat(text)
    except ValueError:
        return None


_READ: tuple[tuple[str, Callable[[str], Any], str], ...] = (
    ("Callable", _function, "a function, as `module:function`"),
    ("timedelta", _span, "a duration such as `5m`"),
    (r"datetime(?!\.)", _moment, "a moment such as `2026-03-09T06:00:00Z`"),
    ("time", _hour, "a time of day such as `06:00`"),
)


def _read(value: Any, endings: tuple[str, ...], folder: str) -> Any:
    """The text of a file beside the pipeline's, where Airflow takes the name of one: `load.sql`."""
    if isinstance(value, list):
        return [_read(each, endings, folder) for each in value]
    if not (isinstance(value, str) and endings and value.endswith(endings)):
        return value
    path = os.path.join(folder, value)
    if not os.path.isfile(path):
        return value
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError) as problem:
        raise Unfit(f"`{value}` can't be read: {problem}") from None
    if "{{" in text or "{%" in text:
        raise Unfit(f"`{value}` holds templates, and files are not rendered: put its text into `args`")
    return text


def _refused(
    kind: type, args: Mapping[str, Any], takes: Mapping[str, inspect.Parameter], error: Exception
) -> Unfit:
    """Why the constructor does not take them."""
    own = inspect.signature(kind).parameters
    unknown = [name for name in args if name not in takes]
    missing = [
        name
        for name, each in own.items()
        if each.default is each.empty
        and each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)
        and name not in ("self", "task_id", *args)
    ]
    parts = [f"needs `{name}`" for name in missing]
    for name in unknown:
        near = nearest(name, takes)
        parts.append(f"takes no `{name}`" + (f" (did you mean `{near}`?)" if near else ""))
    if parts:
        return Unfit(f"`args` do not fit: `{kind.__name__}` {', '.join(parts)}")
    words = str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__
    return Unfit(f"`{kind.__name__}` does not take its `args`: {words}")
