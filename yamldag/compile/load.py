"""The compiler's door: files, bytes or a name in, diagnostics and pipelines out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from yamldag.compile import documents, ignores, plugins, survey
from yamldag.compile.compiler import Compiled, Compiler, Unit, doubled
from yamldag.compile.documents import File
from yamldag.compile.files import shown
from yamldag.compile.project import Project
from yamldag.root import names_file
from yamldag.syntax.diagnostic import Diagnostic, in_order
from yamldag.syntax.nearest import nearest
from yamldag.syntax.tree import Map


def compile_files(
    project: Project,
    paths: Iterable[str],
    *,
    lints: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Compiled:
    """Compile files together: ids are compared among them."""
    compiler = Compiler(project, lints=lints)
    result = Compiled()
    for path in paths:
        result.files += 1
        compiler.file(compiler.read(path), result)
        if progress is not None:
            progress(result.files)
    return across_files(compiler, compiler.close(result))


def compile_bytes(project: Project, path: str, data: bytes, *, lints: bool = False) -> Compiled:
    """Compile one file that is at hand as bytes: an editor's buffer, a fuzzer's input."""
    compiler = Compiler(project, lints=lints)
    result = Compiled(files=1)
    compiler.file(documents.from_bytes(path, path, data), result)
    return across_files(compiler, compiler.close(result))


def across_files(compiler: Compiler, result: Compiled) -> Compiled:
    """The checks that cross files, and the project file's own mistakes; everything in order, without what comments
    silence."""
    files = compiler.files  # before more are read for what they say of these
    found = [
        *compiler.project.found,
        *plugins.check(compiler.project),
        *_of_executor(compiler.project),
        *_doubled_pipelines(result.units),
        *survey.across(compiler, result.units),
    ]
    if found:
        result.found = in_order([*result.found, *found])
    result.found = ignores.silenced(result.found, files, lints=compiler.lints)
    return result


def _of_executor(project: Project) -> Iterable[Diagnostic]:
    if project.executor is None:
        return ()
    from yamldag.compile import executor  # few need it

    return executor.faults(project)


def _doubled_pipelines(units: list[Unit]) -> list[Diagnostic]:
    first: dict[str, Unit] = {}
    found = []
    for unit in sorted(units, key=lambda unit: (unit.key.source.path, unit.key.start)):
        other = first.setdefault(unit.name, unit)
        if other is not unit and unit.name:
            found.append(doubled("pipeline", unit.name, unit.value, other.value))
    return found


# One pipeline, by id or by file


def find(project: Project, target: str) -> tuple[Unit | None, Compiled, str | None]:
    """The pipeline that a command names, by its id or its file: (unit, what was compiled, what was wrong with
    the name)."""
    is_file = os.path.isfile(target)
    if names_file(target):
        return _in_file(project, target) if is_file else (None, Compiled(), f"there is no file `{target}`")
    found = _by_id(project, target)
    return _in_file(project, target) if is_file and found[2] is not None else found


def _in_file(project: Project, target: str) -> tuple[Unit | None, Compiled, str | None]:
    compiled = compile_files(project, [target])
    units = compiled.units
    if not units and not compiled.broken:
        return None, compiled, f"`{target}` holds templates alone, which run where a pipeline uses them"
    if len(units) == 1 or not units:
        return (units[0] if units else None), compiled, None
    ids = ", ".join(unit.name for unit in units)
    return None, compiled, f"`{target}` holds several pipelines, so name one by its id: {ids}"


def _by_id(project: Project, target: str) -> tuple[Unit | None, Compiled, str | None]:
    known: list[str] = []
    unread: list[File] = []
    compiler = Compiler(project)
    for path in project.files():
        file = compiler.read(path)
        ids = [documents.scalar(one, "pipeline") for one in file.documents if type(one) is Map]
        names = [one.text for one in ids if one is not None]
        if target in names:
            result = Compiled(files=1)
            compiler.file(file, result)
            result = across_files(compiler, compiler.close(result))
            return next(unit for unit in result.units if unit.name == target), result, None
        known += names
        if file.found and not file.documents:
            unread.append(file)
    for file in unread:
        if (
            os.path.splitext(os.path.basename(file.path))[0] == target
        ):  # it is in there, as far as one can tell
            return None, Compiled(files=1, found=file.found), None
    return (
        None,
        Compiled(),
        f"there is no pipeline `{target}` in this project; {_hint(target, known, unread)}",
    )


def _hint(target: str, known: list[str], unread: list[File]) -> str:
    if near := nearest(target, known):
        return f"did you mean `{near}`?"
    if unread:
        names = ", ".join(f"`{shown(file.path)}`" for file in unread[:3])
        return f"it may be in {names}, which can't be read: `yamldag validate` says why"
    return f"known: {', '.join(known[:20])}" if known else "there are none yet"
