"""The plan of a pipeline that is to be run here: the one that was kept, or compiled anew."""

from __future__ import annotations

import argparse
import os
import time
from typing import TYPE_CHECKING

from yamldag.cli import options
from yamldag.shelf.runs import Kept, Shelf

if TYPE_CHECKING:
    from yamldag.compile.compiler import Compiled, Unit
    from yamldag.compile.project import Project
    from yamldag.operators.plugins.chosen import Chosen
    from yamldag.plan.pipeline import Plan


def to_run(args: argparse.Namespace) -> Kept:
    """What the user named, ready to run; else what is wrong with it is printed, and the exit is 1.

    A dry run makes no state folder to keep the plan in.
    """
    shelf = Shelf.of(args.pipeline, args.env, os.environ)
    kept = shelf.find() if shelf else None
    return kept or _compiled(args, shelf)


def _compiled(args: argparse.Namespace, shelf: Shelf | None) -> Kept:
    begun = time.time_ns()
    project = options.running_project(args)
    unit, compiled = _sound(project, args.pipeline)
    plan = unit.plan()
    assert plan is not None
    if shelf is not None and not (args.dry_run and not os.path.isdir(project.state_folder)):
        _keep(shelf, plan, project, compiled, begun)
    return Kept(plan, project.database, project.state_folder, project.pools, _chosen(project))


def _chosen(project: Project) -> Chosen | None:
    if project.executor is None:
        return None
    from yamldag.compile import executor

    return executor.chosen(project)


def _sound(project: Project, target: str) -> tuple[Unit, Compiled]:
    unit, compiled = options.compiled(project, target)
    return unit, compiled


def _keep(shelf: Shelf, plan: Plan, project: Project, compiled: Compiled, begun: int) -> None:
    """For the next time, unless others than the files that were read had a say: the rest of the project, plug-ins."""
    from yamldag.operators import catalog
    from yamldag.plan.pipeline import to_text
    from yamldag.shelf import grounds

    if compiled.seen.beyond or catalog.plugins_were_asked():
        return
    files = dict(compiled.seen.files)
    if project.file is not None:
        files[project.file] = project.stamp
    rests_on = grounds.of(files, compiled.seen.modules, begun)
    if rests_on is not None:
        noted = {"database": project.said("database", None), "pools": project.pools}
        shelf.keep(noted, rests_on, to_text(plan))


def callees(args: argparse.Namespace, plan: Plan) -> tuple[Plan, ...]:
    """The plans of all pipelines that its tasks and notifications call, and that those call in turn."""
    found: dict[str, Plan] = {}
    waiting = [plan]
    while waiting:
        for name in waiting.pop().called:
            if name not in found:
                made = _sound(options.project(args), name)[0].plan()
                assert made is not None
                found[name] = made
                waiting.append(made)
    return tuple(found.values())
