"""What every input must go through unharmed: a pass says by an exception that something is wrong with it."""

from collections.abc import Callable, Iterator

from yamldag.syntax import locate, parse
from yamldag.syntax.codes import CODES
from yamldag.syntax.diagnostic import Diagnostic
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


PASSES: tuple[Callable[[Source], list[Diagnostic]], ...] = (reads, locates, finds_comments)


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
    assert each.message.isprintable(), each.message
    assert (each.help or "").isprintable(), each.help
    for place in (each.place, *(related.place for related in each.related)):
        assert 0 <= place.start <= place.end <= len(place.source.text), each.message
        place.source.place(place.start)
        place.source.place(place.end)


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
