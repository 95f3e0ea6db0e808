"""What is wrong with a `dbt` task as it is written: its command, its project's folder."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from yamldag.compile.dbt.project import missing
from yamldag.compile.draft import Entry, strings
from yamldag.compile.seen import Seen
from yamldag.operators import dbt
from yamldag.syntax.diagnostic import Diagnostic, Place, at
from yamldag.syntax.locate import place
from yamldag.syntax.nearest import nearest
from yamldag.syntax.tree import Node, Scalar, Seq


def faults(given: Mapping[str, Entry], key: Scalar, faulty: set[int], seen: Seen) -> Iterator[Diagnostic]:
    """`given` are the parameters in force, `key` that of the operator."""
    if "command" in given and id(given["command"].node) not in faulty:
        yield from _of_command(given["command"].node)
    project = given.get("project")
    if project is None or (type(project.node) is Scalar and not _is_open(project.node, faulty)):
        folder = folder_of(project, key)
        if (fault := missing(folder, _written(project, key), seen)) is not None:
            yield fault
    profiles = given["profiles"].node if "profiles" in given else None
    if type(profiles) is Scalar and not _is_open(profiles, faulty):
        path = os.path.join(beside(key), profiles.text)
        seen.look(path)
        if not os.path.isdir(path):
            message = f"there is no folder `{profiles.text}` beside the pipeline's file"
            yield Diagnostic("YD705", message, at(profiles))


def folder_of(project: Entry | None, key: Scalar) -> str:
    """Where the dbt project is."""
    path = project.node.text if project is not None and type(project.node) is Scalar else "."
    return os.path.normpath(os.path.join(beside(key), path))


def words_of(node: Node) -> list[Scalar] | None:
    """The words of a command; None where they are known only when it runs."""
    if type(node) is Seq:
        words = [each for each in node.items if type(each) is Scalar]
        return words if len(words) == len(node.items) else None
    if type(node) is not Scalar:
        return None
    split = dbt.split(node.text)
    return (
        None
        if split is None
        else [Scalar(word, word, node.start, node.end, node.style, node.source) for word in split]
    )


def _of_command(node: Node) -> Iterator[Diagnostic]:
    if type(node) is Scalar and dbt.split(node.text) is None:
        yield Diagnostic(
            "YD406", "a quote is open in this command", at(node), "close it, or write a list of words"
        )
        return
    words = words_of(node) or []
    first = words[0] if words else None
    if first is not None and _is_unknown(first):
        near = nearest(first.text, dbt.COMMANDS)
        help_ = f"did you mean `{near}`?" if near else "such as build, run, test or seed"
        yield Diagnostic("YD404", f"dbt has no command `{first.text}`", _spot(node, first), help_)
    for word in words:
        option = dbt.taken(word.text)
        if option is not None:
            instead = dbt.TAKEN[option]
            help_ = f"write `{instead}:` beside `command:`" if instead else "take it out"
            yield Diagnostic("YD707", dbt.refusal(option), _spot(node, word, option), help_)


def _is_unknown(first: Scalar) -> bool:
    known = first.text in dbt.COMMANDS or first.text.startswith("-")  # an option may stand before it
    return not known and not _is_open(first, set())


def _spot(node: Node, word: Scalar, text: str | None = None) -> Place:
    if type(node) is not Scalar:
        return at(word)
    start = node.text.find(text or word.text)
    return at(node) if start < 0 else place(node, start, start + len(text or word.text))


def _written(project: Entry | None, key: Scalar) -> Scalar:
    return project.node if project is not None and type(project.node) is Scalar else key


def beside(key: Scalar) -> str:
    """The folder that paths start from: that of the task's file."""
    return os.path.dirname(os.path.abspath(key.source.path))


def _is_open(node: Scalar, faulty: set[int]) -> bool:
    """Whether its value is known only when it runs, or is none."""
    return id(node) in faulty or any(True for _ in strings(node))
