"""Calls a user's function, or a script as if it were one, and turns what comes of it into a result.

Modules that only a script, an exception or a mistake needs are imported there, for a quick start.
"""

from __future__ import annotations

import importlib
import os
import sys
from types import CoroutineType

from yamldag import Fail, Skip
from yamldag.executors.plain import NotPlainError, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Any

_HERE = os.path.dirname(__file__) + os.sep
_LONGEST = 2000
"""Characters of a reason."""


class UncallableError(Exception):
    """The user's function cannot be found or called: why, in words."""


def call(spec: dict[str, Any]) -> dict[str, Any]:
    """The result `{state, output, reason, retry}`. The border of the user's code: it lets nothing through."""
    try:
        function = _found(spec)
        output = plain(_value(function, spec["args"]))
        if spec.get("promised") is not None:
            _keep_promise(output, spec["promised"])
        return {"state": "success", "output": output}
    except Skip as skip:
        return {"state": "skipped", "reason": str(skip) or "it skipped itself"}
    except Fail as fail:
        return _failed(str(fail) or "it failed itself", retry=False)
    except NotPlainError as error:
        return _failed(str(error), retry=False)
    except UncallableError as error:
        return _failed(str(error), retry=True)
    except SystemExit as end:
        return _exited(end.code)
    except BaseException as error:
        print_traceback(error)
        return _failed(last_line(error), retry=True)


def _found(spec: dict[str, Any]) -> Callable[..., object]:
    if "plugin" in spec:
        return _brought(spec)
    sys.path.insert(0, spec["folder"])
    return _script(spec) if "script" in spec else function_of(spec["module"], spec["function"])


def _brought(spec: dict[str, Any]) -> Callable[..., object]:
    """The `run` of a plug-in's operator, if the parameters fit its schema: it need not look at them again."""
    from yamldag.operators import output
    from yamldag.operators.plugins.loading import load
    from yamldag.operators.plugins.shape import completed

    brought = load(spec["plugin"])
    schema, run = getattr(brought, "schema", None), getattr(brought, "run", None)
    if not isinstance(schema, dict) or not callable(run):
        raise UncallableError(
            f"the plug-in that brings `{spec['name']}` has no `schema` or no `run` any more"
        )
    spec["args"], spec["promised"] = _as_wanted(spec["args"], schema), schema.get("x-output")
    try:
        output.check(_written(spec["args"]), completed(schema), "its parameters")
    except output.BadOutputError as misfit:
        raise Fail(str(misfit)) from None
    return run  # type: ignore[no-any-return]


def _keep_promise(value: Any, promised: dict[str, Any]) -> None:
    """Whoever reads it goes by what the plug-in says of it."""
    from yamldag.operators import output

    try:
        output.check(value, promised)
    except output.BadOutputError as misfit:
        raise Fail(f"it does not fit the plug-in's `x-output`: {misfit}") from None


def _as_wanted(params: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """A template of a number gives a number; where text is wanted it becomes text."""
    from yamldag.operators.contract import text

    properties = schema.get("properties", {})
    texts = {
        name for name, each in properties.items() if isinstance(each, dict) and each.get("type") == "string"
    }
    return {
        name: text(value) if name in texts and isinstance(value, bool | int | float) else value
        for name, value in params.items()
    }


def _written(params: dict[str, Any]) -> dict[str, Any]:
    """As the pipeline has them: a connection is its settings by now, and was its id."""
    is_settings = isinstance(params.get("connection"), dict)
    return {name: value for name, value in params.items() if name != "connection" or not is_settings}


def _failed(reason: str, *, retry: bool) -> dict[str, Any]:
    return {"state": "failed", "reason": reason[:_LONGEST].encode(errors="replace").decode(), "retry": retry}


def _exited(code: object) -> dict[str, Any]:
    if code is None or code == 0:
        return {"state": "success", "output": None}
    return _failed(f"exit code {code}" if isinstance(code, int) else str(code), retry=True)


def _value(function: Callable[..., object], args: dict[str, Any]) -> object:
    try:
        value = function(**args)
    except TypeError as error:
        if _users(error.__traceback__) is None:
            _fit(function, args)
        raise
    if isinstance(value, CoroutineType):
        import asyncio

        return asyncio.run(value)
    return value


def function_of(module: str, name: str) -> Callable[..., object]:
    """Raises UncallableError, and whatever the module raises as it is loaded."""
    try:
        found: Any = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise  # one that the module itself wants
        raise UncallableError(
            f"there is no module `{error.name}` beside the pipeline's file or among the installed ones"
        ) from None
    for part in name.split("."):
        if not hasattr(found, part):
            raise UncallableError(f"the module `{module}` has no function `{name}`")
        found = getattr(found, part)
    if not callable(found):
        raise UncallableError(f"`{module}:{name}` is not a function")
    return found  # type: ignore[no-any-return]


def _fit(function: Callable[..., object], args: dict[str, Any]) -> None:
    """Says which arguments are missing or too many, if that is what is wrong."""
    import inspect

    try:
        taken = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return  # of some built-in functions nothing is known
    if any(each.kind is each.VAR_KEYWORD for each in taken.values()):
        unknown = []
    else:
        unknown = [name for name in args if name not in taken]
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    missing = [
        n for n, each in taken.items() if each.kind in named and each.default is each.empty and n not in args
    ]
    if unknown or missing:
        parts = [f"needs the argument `{name}`" for name in missing]
        parts += [f"takes no argument `{name}`" for name in unknown]
        raise UncallableError(f"the function {', '.join(parts)}")


def _script(spec: dict[str, Any]) -> Callable[..., object]:
    """The script as the body of a function: the args are its variables, `return` gives the output."""
    import ast
    import linecache

    source, name = spec["script"], f"<script of {spec['task']}>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    tree = ast.parse(source, name)
    head = ast.parse("def script(): pass").body[0]
    assert isinstance(head, ast.FunctionDef)
    head.args.kwonlyargs = [ast.arg(arg) for arg in spec["args"]]
    head.args.kw_defaults = [None] * len(spec["args"])
    head.body = tree.body or head.body
    tree.body = [head]
    scope: dict[str, Any] = {"__name__": "__script__", "__file__": name}
    exec(compile(ast.fix_missing_locations(tree), name, "exec"), scope)  # noqa: S102
    return scope["script"]  # type: ignore[no-any-return]


def print_traceback(error: BaseException) -> None:
    """The traceback, without our frames and those of the import machinery above the user's."""
    import traceback

    traceback.print_exception(error.with_traceback(_users(error.__traceback__)))


def _users(trace: TracebackType | None) -> TracebackType | None:
    while trace is not None and _is_ours(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    return trace


def _is_ours(file: str) -> bool:
    return file.startswith((_HERE, "<frozen importlib")) or file == importlib.__file__


def last_line(error: BaseException) -> str:
    import traceback

    return "".join(traceback.format_exception_only(error)).strip().rsplit("\n", 1)[-1]
