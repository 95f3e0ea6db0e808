"""Carries out a `dbt` task: begins dbt, turns its log into lines for people, and what it leaves into the output.

dbt is a program of an environment of its own as often as not, so that it is begun as one, and asked by what it
documents: variables of the environment, a log of JSON lines, `run_results.json`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

from yamldag.executors.environment import Unbuilt, environment
from yamldag.executors.marking import die_with

MISSING = (
    "`dbt` is not installed: pip install dbt-core and the adapter of the database, such as dbt-duckdb, or name them "
    "as `requirements` of the task"
)
_COUNTED = ("success", "pass", "warn", "skipped", "fail", "error")
"""Always told of; another status where there is one."""
_FAILED = ("fail", "error", "runtime error", "partial success")
_ARTIFACTS = ("run_results.json", "sources.json")
_PARSED = "partial_parse.msgpack"
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_HEADING = re.compile(r"\w+ Error in \S+ .* \(.*\)")
"""The first line of a message, which says what is known: which node, in which file."""
_EXCERPT = re.compile(r"^\s*LINE \d+: ?(.*)$", re.MULTILINE)
_LINE = re.compile(r"\bline (\d+)\b")
_LONGEST = 1000
_MOST = 100
_NAMED = 3


def carry_out(spec: dict[str, Any]) -> dict[str, Any]:
    """The result `{state, output, reason, retry}`."""
    try:
        program = _program(spec)
    except (Unbuilt, OSError) as problem:
        return _failed(f"its requirements can't be installed: {problem}")
    if program is None:
        return _failed(MISSING, retry=False)
    shutil.rmtree(spec["place"], ignore_errors=True)
    os.makedirs(spec["place"], 0o700)
    signal.signal(signal.SIGTERM, lambda *_: None)  # dbt gets it too, and its last words are awaited
    kept = _kept_parse(spec)
    process = _begun(program, spec, kept)
    errors = list(_passed_on(process))
    code = process.wait()
    _keep_parse(spec, kept)
    return _result(spec, code, errors)


def _program(spec: dict[str, Any]) -> str | None:
    if spec["requirements"]:
        folder = environment(spec["environments"], spec["requirements"], spec["folder"])
        return shutil.which("dbt", path=os.path.join(folder, "bin"))
    beside = os.path.dirname(sys.executable)
    return shutil.which("dbt", path=os.pathsep.join((beside, os.environ.get("PATH", os.defpath))))


def _begun(program: str, spec: dict[str, Any], kept: str) -> subprocess.Popen[bytes]:
    words = [program, *spec["command"]]
    for name in ("select", "exclude"):
        words += [f"--{name}={each}" for each in spec[name]]
    if spec["vars"] is not None:
        words += ["--vars", spec["vars"]]
    return subprocess.Popen(  # noqa: S603 - it is what the task is for
        words,
        cwd=spec["project"],
        env={**os.environ, **_environment(spec, kept)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        preexec_fn=partial(die_with, signal.SIGKILL, os.getpid()),  # noqa: PLW1509 - there is one thread
    )


def _environment(spec: dict[str, Any], kept: str) -> dict[str, str]:
    """What every command of dbt goes by, which not every one takes as an option."""
    given = {
        "DBT_LOG_FORMAT": "json",
        "DBT_LOG_LEVEL_FILE": "none",
        "DBT_LOG_PATH": spec["place"],
        "DBT_PROJECT_DIR": spec["project"],
        "DBT_TARGET_PATH": spec["place"],
        "DBT_USE_COLORS": "false",
    }
    if spec["target"] is not None:
        given["DBT_TARGET"] = spec["target"]
    if spec["profiles"] is not None:
        given["DBT_PROFILES_DIR"] = spec["profiles"]
    if os.path.exists(kept):
        given["DBT_PARTIAL_PARSE_FILE_PATH"] = kept
    if "DBT_SEND_ANONYMOUS_USAGE_STATS" not in os.environ:
        given["DBT_SEND_ANONYMOUS_USAGE_STATS"] = "false"
    return given


# What dbt keeps of having read a project, which takes it longer than most models


def _kept_parse(spec: dict[str, Any]) -> str:
    """dbt itself looks whether it is still true."""
    key = hashlib.sha256(f"{spec['project']}\n{spec['target']}\n{spec['profiles']}".encode()).hexdigest()[:32]
    return os.path.join(spec["parsed"], f"{key}.msgpack")


def _keep_parse(spec: dict[str, Any], kept: str) -> None:
    """Others may read it meanwhile, or write theirs."""
    ours = f"{kept}.{os.getpid()}"
    with contextlib.suppress(OSError):
        os.makedirs(spec["parsed"], 0o700, exist_ok=True)
        shutil.copyfile(os.path.join(spec["place"], _PARSED), ours)
        os.replace(ours, kept)


# The log


def _passed_on(process: subprocess.Popen[bytes]) -> Iterator[str]:
    """Write what it says, line by line; what are errors comes back."""
    assert process.stdout is not None
    for data in process.stdout:
        line = data.decode(errors="replace").rstrip("\r\n")
        try:
            info = json.loads(line)["info"]
            level, words = str(info["level"]), _COLOUR.sub("", str(info["msg"]))
        except (ValueError, KeyError, TypeError, RecursionError):
            level, words = "", line  # what a hook, or Python itself, prints
        if words.strip():
            os.write(1, f"{words.rstrip()}\n".encode(errors="replace"))
        if level == "error":
            yield words


# The result


def _result(spec: dict[str, Any], code: int, errors: list[str]) -> dict[str, Any]:
    told = _told(spec["place"])
    results = told.get("results", [])
    name = f"dbt {spec['command'][0]}"
    if code < 0:
        return _failed(f"`{name}` was ended by signal {-code} ({signal.Signals(-code).name})")
    if failed := [each for each in results if each.get("status") in _FAILED]:
        if errors:  # of an operation, the log alone says why
            failed = [{**each, "message": each.get("message") or _said(errors)} for each in failed]
        told_of = _Nodes(spec).all(failed[:_MOST])
        return _failed(_sentence(name, told_of, len(failed), len(results)))
    if code:
        return _failed(f"`{name}` ended with {code}: {_said(errors)}")
    if spec["must_select"] and not results:
        select = " ".join(spec["select"])
        return _failed(
            f"`{name}` found nothing to do for `{select}`: is it still in the dbt project?", retry=False
        )
    return {"state": "success", "output": _output(spec, name, told)}


def _output(spec: dict[str, Any], name: str, told: dict[str, Any]) -> dict[str, Any]:
    results = told.get("results", [])
    counts = dict.fromkeys(_COUNTED, 0)
    for each in results:
        status = str(each.get("status"))
        counts[status] = counts.get(status, 0) + 1
    warned = [each for each in results if each.get("status") == "warn"][:_MOST]
    return {
        "command": name,
        "elapsed": round(float(told.get("elapsed_time") or 0.0), 3),
        "counts": counts,
        "warned": _Nodes(spec).all(warned) if warned else [],
    }


def _told(place: str) -> dict[str, Any]:
    """What the command left of its results; most leave none."""
    for name in _ARTIFACTS:
        with (
            contextlib.suppress(OSError, ValueError),
            open(os.path.join(place, name), encoding="utf-8") as file,
        ):
            told = json.load(file)
            if isinstance(told, dict):
                return told
    return {}


class _Nodes:
    """What dbt knows of the nodes of its results."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self._project = spec["project"]
        self._known: dict[str, Any] = {}
        with contextlib.suppress(OSError, ValueError):
            with open(os.path.join(spec["place"], "manifest.json"), encoding="utf-8") as file:
                manifest = json.load(file)
            for section in ("unit_tests", "sources", "nodes"):
                self._known |= manifest.get(section) or {}

    def all(self, results: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Of each `{name, kind, status, message, file, line}`; they are told in the log, too."""
        found = [self._told(each) for each in results]
        for each in found:
            line = f"{each['status']}: {each['kind']} `{each['name']}`{_where(each)}: {each['message']}\n"
            os.write(1, line.encode(errors="replace"))
        return found

    def _told(self, result: dict[str, Any]) -> dict[str, Any]:
        id_ = str(result.get("unique_id") or "")
        node = self._known.get(id_, {})
        kind, _, rest = id_.partition(".")
        message = _plain(str(result.get("message") or result.get("error") or result.get("status")))
        file = node.get("original_file_path")
        return {
            "name": node.get("name") or rest.partition(".")[2] or id_,
            "kind": kind.replace("_", " "),
            "status": str(result.get("status")),
            "message": message[:_LONGEST],
            "file": file,
            "line": self._line(node, str(result.get("message") or "")) if file else None,
        }

    def _line(self, node: dict[str, Any], message: str) -> int | None:
        """In the node's own file: that of what the database shows of the query, of the mistake in Jinja, or of the
        test."""
        try:
            with open(os.path.join(self._project, node["original_file_path"]), encoding="utf-8") as file:
                lines = file.read().splitlines()
        except (OSError, ValueError):
            return None
        if node.get("test_metadata"):
            return _line_of_test(node, lines)
        for excerpt in _EXCERPT.findall(message):
            wanted = excerpt.strip().strip(".").strip()
            found = [number for number, line in enumerate(lines, 1) if wanted and wanted in line]
            if found:
                return found[0]
        match = _LINE.search(message)
        return int(match[1]) if match and int(match[1]) <= len(lines) else None


def _line_of_test(node: dict[str, Any], lines: list[str]) -> int | None:
    """Below the name of what it looks at, and of its column, the first that has the test's name."""
    attached = str(node.get("attached_node") or "").rpartition(".")[2]
    named = [
        rf"\bname:\s*['\"]?{re.escape(str(one))}\b" for one in (attached, node.get("column_name")) if one
    ]
    number = 0
    for pattern in (*named, rf"(?<![\w.]){re.escape(str(node['test_metadata'].get('name')))}\b"):
        found = (n for n in range(number, len(lines)) if re.search(pattern, lines[n]))
        if (number := next(found, -1)) < 0:
            return None
    return number + 1


def _plain(message: str) -> str:
    """On one line, and without the heading that says what stands beside it."""
    lines = [line.strip() for line in _COLOUR.sub("", message).splitlines() if line.strip()]
    if len(lines) > 1 and _HEADING.fullmatch(lines[0]):
        lines = lines[1:]
    return " ".join(
        line for line in lines if not line.startswith(("compiled code at", "> in macro", "> called by"))
    )


def _sentence(name: str, failures: list[dict[str, Any]], count: int, total: int) -> str:
    """Which have failed, and what the first of them says."""
    shown = [f"{each['kind']} `{each['name']}`{_where(each)}" for each in failures[:_NAMED]]
    if count > _NAMED:
        shown.append(f"{count - _NAMED} more")
    together = shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
    first = failures[0]["message"].rstrip(".")
    return f"{count} of {total} failed in `{name}`: {together}; {first if count == 1 else f'the first says {first}'}"


def _where(failure: dict[str, Any]) -> str:
    if failure["file"] is None:
        return ""
    return f" ({failure['file']}:{failure['line']})" if failure["line"] else f" ({failure['file']})"


def _said(errors: list[str]) -> str:
    """The last thing that it said of its errors."""
    lines = [line.strip() for words in errors for line in words.splitlines() if line.strip()]
    told = [line for line in lines if not line.endswith("Error") and line != "Encountered an error:"]
    return " ".join(told[:2]) if told else "its log tells more"


def _failed(reason: str, *, retry: bool = True) -> dict[str, Any]:
    return {"state": "failed", "reason": reason, "retry": retry}
