"""What every input must go through unharmed: a pass says by an exception that something is wrong with it."""

from collections.abc import Callable, Iterator
from unicodedata import category

from yamldag.compile.load import compile_bytes
from yamldag.compile.project import Project
from yamldag.plan.pipeline import from_text, to_text
from yamldag.syntax import locate, parse
from yamldag.syntax.codes import CODES
from yamldag.syntax.diagnostic import Diagnostic
from yamldag.syntax.report.columns import visible
from yamldag.syntax.source import Source
from yamldag.syntax.tree import Map, Node, Scalar, Seq, plain


def reads(source: Source) -> list[Diagnostic]:
    """A tree that is no deeper and no larger than promised, or diagnostics."""
    roots, found = parse.documents(source)
    for root in roots:
        if root is not None:
            plain(root)
    return found


def locates(source: Source) -> list[Diagnostic]:
    """Every scalar is found in the text again, its characters from left to right."""
    for node in scalars(source):
        assert locate.pieces(node) is not None, f"not found: {node.text!r}"
        last = locate.content(node)
        for offset in range(min(len(node.text), 200)):
            start, end = locate.span(node, offset, offset + 1)
            assert last <= start < end <= node.end, f"out of place: {node.text!r} at {offset}"
            last = end
    return []


def finds_comments(source: Source) -> list[Diagnostic]:
    for found in parse.ignores(source):
        assert source.text[found.place.start] == "#"
        assert [source.text[place.start : place.end] for place in found.places] == list(found.codes)
    return []


NOWHERE = Project("/nowhere", None, None, {})
"""No file lies beside the input: what it names is not there."""


def compiles(source: Source) -> list[Diagnostic]:
    """The whole compile, advice included. A pipeline without errors has a plan, which comes back from JSON as it
    was; one with errors has none."""
    result = compile_bytes(NOWHERE, "/nowhere/fuzz.yml", source.text.encode(), lints=True)
    for unit in result.units:
        plan = unit.plan()
        assert (plan is None) == (not unit.sound)
        if plan is not None:
            assert from_text(to_text(plan)) == plan
            told = {task.id for task in plan.tasks}
            assert all(parent in told for parent, _ in plan.edges), "an edge from nowhere"
    assert result.broken or all(unit.sound for unit in result.units), "unsound, and nobody says why"
    assert len({mark(each) for each in result.found}) == len(result.found), "the same is said twice"
    return result.found


def mark(each: Diagnostic) -> tuple[str, str, int, int, str]:
    return each.code, each.place.source.path, each.place.start, each.place.end, each.message


PASSES: tuple[Callable[[Source], list[Diagnostic]], ...] = (reads, locates, finds_comments, compiles)


def one_input(data: bytes) -> None:
    source, found = parse.read("fuzz.yml", data)
    assert (source is None) == bool(found)
    if source is not None:
        found = [each for one in PASSES for each in one(source)]
    for each in found:
        told_well(each)


def told_well(each: Diagnostic) -> None:
    """With a known code, in one line of words, at places that are in the text."""
    assert each.code in CODES
    assert each.message
    assert one_line(visible(each.message)), each.message
    assert one_line(visible(each.help or "")), each.help
    for place in (each.place, *(related.place for related in each.related)):
        assert 0 <= place.start <= place.end <= len(place.source.text), each.message
        place.source.place(place.start)
        place.source.place(place.end)


def one_line(shown: str) -> bool:
    """Nothing that a terminal would obey. A message quotes what the file holds: the report makes it visible."""
    return not any(category(letter) in ("Cc", "Zl", "Zp") for letter in shown)


def scalars(source: Source) -> Iterator[Scalar]:
    """Each scalar once, keys included, however many aliases it has."""
    todo: list[Node | None] = list(parse.documents(source)[0])
    seen: set[int] = set()
    while todo:
        node = todo.pop()
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, Scalar):
            yield node
        elif isinstance(node, Seq):
            todo += node.items
        elif isinstance(node, Map):
            todo += [part for entry in node.items.values() for part in entry]
