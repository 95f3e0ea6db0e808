"""What a word of a text means: of a key what it is for, of a name what it names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from yamldag.compile import documents
from yamldag.compile.completing import around as surroundings
from yamldag.compile.completing import part as schemas
from yamldag.compile.completing.around import Around, Named
from yamldag.compile.completing.spot import Step
from yamldag.compile.project import Project
from yamldag.syntax.source import Source
from yamldag.syntax.tree import Map, Node, Scalar, Seq

_CHAIN = re.compile(r"(?<![\w.])[A-Za-z_]\w*(?:\.\w+|\['[^']*'\]|\[\"[^\"]*\"\])*")
_STEP = re.compile(r"[\w-]+")
_TEMPLATE = re.compile(r"\{[{%].*?(?:[}%]\}|$)")


class Meaning(NamedTuple):
    """What is said of a word; the offsets are those of the word, in code points."""

    name: str
    detail: str
    """Its type, its kind or what it takes, in a few words."""
    about: str
    start: int
    end: int


class _Word(NamedTuple):
    """A key or a value, and the way to it: of a key, to its mapping."""

    path: tuple[Step, ...]
    node: Scalar
    is_key: bool


def explain(project: Project, path: str, text: str, offset: int) -> Meaning | None:
    """What stands at an offset, in code points; None where nothing is known of it, or the text is no YAML."""
    file = documents.from_bytes(path, path, text.encode("utf-8", "surrogatepass"))
    for root in file.documents:
        word = _at(root, offset)
        if type(root) is Map and word is not None:
            around = Around(project, file, root, word.path)
            kind = documents.kind_of(root) or "pipeline"
            return _of_key(around, kind, word) if word.is_key else _of_value(around, kind, word, offset)
    return None


def _at(root: Node, offset: int) -> _Word | None:
    """The scalar that an offset is in."""
    way: tuple[Step, ...] = ()
    node = root
    while type(node) is not Scalar:
        for key, step, value in _entries(node):
            if key is not None and key.start <= offset <= key.end:
                return _Word(way, key, True)
            if value.start <= offset <= value.end:
                node, way = value, (*way, step)
                break
        else:
            return None
    return _Word(way, node, False)


def _entries(node: Node) -> Iterator[tuple[Scalar | None, Step, Node]]:
    if type(node) is Map:
        yield from ((key, name, value) for name, (key, value) in node.items.items())
    elif type(node) is Seq:
        yield from ((None, number, item) for number, item in enumerate(node.items))


def _of_key(around: Around, kind: str, word: _Word) -> Meaning | None:
    key = word.node
    named = _declared(around, word)
    if named is not None:
        return _meaning(named, key.start, key.end)
    part = schemas.at(kind, (*word.path, key.text))
    return _meaning(_said(key.text, part), key.start, key.end) if part is not None else None


def _declared(around: Around, word: _Word) -> Named | None:
    """What the file itself names there: a task, or a param."""
    site, name = around.site, word.node.text
    if site is None:
        return None
    if around.left == ("tasks",) and name in site.children:
        return surroundings.task(name, site.children[name])
    if word.path == ("params",) and name in site.scope.params:
        return surroundings.shaped(name, site.scope.params[name].schema)
    return None


def _of_value(around: Around, kind: str, word: _Word, offset: int) -> Meaning | None:
    part = schemas.at(kind, word.path)
    bare = part is not None and bool(part.schema.get("x-expression"))
    spoken = _in_expression(around, word.node.source, offset, bare=bare)
    if spoken is not None:
        return spoken
    node = word.node
    keys = [step for step in word.path if isinstance(step, str)]
    if keys[-1:] in (["needs"], ["teardown_of"]):
        named = next((one for one in around.tasks() if one.name == node.text), None)
        return _meaning(named, node.start, node.end) if named else None
    if part is None:
        return None
    choices, said = part.schema.get("enum", []), part.schema.get("enumDescriptions", [])
    if node.value in choices and len(said) == len(choices):
        about = said[choices.index(node.value)]
        return Meaning(node.text, "", about, node.start, node.end)
    return None


def _in_expression(around: Around, source: Source, offset: int, *, bare: bool) -> Meaning | None:
    number, column = source.place(offset)
    line, begin = source.line(number), offset - column + 1
    within = [found.span() for found in _TEMPLATE.finditer(line)]
    if not bare and not any(start <= column - 1 <= end for start, end in within):
        return None
    for chain in _CHAIN.finditer(line):
        steps = [*_STEP.finditer(chain[0])]
        for number, step in enumerate(steps):
            start, end = (begin + chain.start() + at for at in step.span())
            if start <= offset <= end:
                names = [one[0] for one in steps[: number + 1]]
                known = around.members(names[:-1]) if len(names) > 1 else around.roots()
                named = next((one for one in known if one.name == names[-1]), None)
                return _meaning(named, start, end) if named else None
    return None


def _said(name: str, part: schemas.Part) -> Named:
    detail = part.wanted
    if "default" in part.schema:
        default = part.schema["default"]
        shown = default if isinstance(default, str) else str(default).lower()
        detail = f"{detail}; `{shown}` if left out" if detail else f"`{shown}` if left out"
    return Named(name, detail, part.about)


def _meaning(named: Named, start: int, end: int) -> Meaning | None:
    return Meaning(*named, start, end) if named.detail or named.about else None
