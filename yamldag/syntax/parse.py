"""YAML as a located tree: the only module that knows PyYAML.

One flat loop over the parser's events builds the nodes, with a stack of its own: nesting, aliases and merges
are counted as they come, so that no text, however hostile, costs more than its size."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import islice
from typing import Any, TypeAlias

import yaml
from yaml.error import MarkedYAMLError, YAMLError
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from yaml.reader import ReaderError

from yamldag.syntax import comments, core, wording
from yamldag.syntax.comments import Ignore
from yamldag.syntax.diagnostic import Diagnostic, Fix, Place, Related, at
from yamldag.syntax.reading import read, unprintable
from yamldag.syntax.source import Source
from yamldag.syntax.tree import Map, Node, Scalar, Seq

__all__ = ["Ignore", "documents", "ignores", "read"]

MAX_DEPTH = 100
MAX_SCALAR = 256 * 1024
MAX_EVENTS = 1_000_000
MAX_DOCUMENTS = 1_000
MAX_EXPANDED = 100_000
LETTERS = 100
"""So many characters of what aliases repeat count as one value more: long texts grow, too."""
MAX_TAG_LINES = 16

Items: TypeAlias = dict[str, tuple[Scalar, Node]] | list[Node]
Parser: TypeAlias = Callable[[str], Any]

# libyaml where PyYAML was built with it: ten times as fast.
_fastest: Parser = yaml._yaml.CParser if yaml.__with_libyaml__ else yaml.SafeLoader

_SURELY_SMALL = MAX_SCALAR // 4
_TAG_LINE = re.compile("(?:^|[\r\n\x85\u2028\u2029])%TAG")
_TAG = re.compile(r"!<[^>\s]*>|!\S*")
_SPECIAL_KEYS = frozenset(("<<", ""))


def documents(source: Source, parser: Parser = _fastest) -> tuple[list[Node | None], list[Diagnostic]]:
    """The documents of a text; None for one that is empty.

    Mistakes that leave a tree behind (a repeated key, a tag, a number that can't be kept, a key that is no
    text) are told beside it, with something harmless in their place. A text that can't be read as a whole
    gives no document and one diagnostic: what stopped it."""
    reader = _Reader(source)
    stopped = _stopped(reader, parser)
    if stopped:
        return [], [stopped]
    return [None if _is_empty(root) else root for root in reader.roots], reader.found


def ignores(source: Source) -> list[Ignore]:
    """The comments that silence a lint, in order; none in a text that is not YAML."""
    if "yamldag:" not in source.text:
        return []
    scalars, is_whole = _scalars(source, _fastest)
    return comments.ignores(source, scalars) if is_whole else []


def _scalars(source: Source, parser: Parser) -> tuple[list[Scalar], bool]:
    """Every scalar as it was written, keys included, as far as the text is YAML; whether it is to its end."""
    found = []
    try:
        for event in iter(parser(source.text).get_event, None):
            if type(event) is ScalarEvent and event.start_mark and event.end_mark:
                first, last = event.start_mark.index, event.end_mark.index
                found.append(Scalar(None, event.value, first, last, event.style or "", source))
    except (YAMLError, ValueError, OverflowError):
        return found, False
    return found, True


def _is_empty(root: Node) -> bool:
    return type(root) is Scalar and not root.style and root.start == root.end


def _stopped(reader: _Reader, parser: Parser) -> Diagnostic | None:
    """Read all events, and say what stopped that, if anything did."""
    source = reader.source
    if "%TAG" in source.text and len(_TAG_LINE.findall(source.text)) > MAX_TAG_LINES:
        # They cost the parser time that grows with their square.
        return Diagnostic(
            "YD105", f"expected at most {MAX_TAG_LINES} `%TAG` lines, found more", Place(source, 0, 0)
        )
    try:
        next_event = parser(source.text).get_event
        reader.run(next_event)
        rest = None if reader.stopped else next_event()
    except (ReaderError, ValueError, OverflowError):
        return unprintable(source) or _impossible_character(source)
    except MarkedYAMLError as error:
        return _syntax(source, error, parser)
    if rest:
        return _too_large(f"{MAX_EVENTS:,} values and brackets", reader.at(rest))
    if len(reader.roots) > MAX_DOCUMENTS:
        return _too_large(f"{MAX_DOCUMENTS:,} documents", at(reader.roots[MAX_DOCUMENTS]))
    return reader.stopped


def _impossible_character(source: Source) -> Diagnostic:
    """Only PyYAML without libyaml, which has a place for it, comes here."""
    message = "expected escapes of characters that exist, found one that does not"
    return Diagnostic("YD101", message, Place(source, 0, 0), "unicode ends at `\\U0010FFFF`")


def _too_large(bound: str, place: Place) -> Diagnostic:
    return Diagnostic("YD105", f"expected at most {bound}, found more", place, "split it into several files")


def _too_deep(place: Place) -> Diagnostic:
    return Diagnostic(
        "YD106", f"expected mappings and lists nested at most {MAX_DEPTH} deep, found more", place
    )


def _syntax(source: Source, error: MarkedYAMLError, parser: Parser) -> Diagnostic:
    found_at = error.problem_mark.index if error.problem_mark else 0
    began_at = error.context_mark.index if error.context_mark else found_at
    if "nesting depth" in (
        error.problem or ""
    ):  # libyaml's own bound, which it reaches before we see a thing
        return _too_deep(Place(source, min(found_at, len(source.text)), min(found_at + 1, len(source.text))))
    scalars = _scalars(source, parser)[0]
    last = scalars[-1] if scalars else None
    return wording.syntax(source, error.problem or "", found_at, error.context or "", began_at, last)


class _Anchor:
    """What an alias stands for, how much it expands to, and how deep it goes. No node: still open."""

    __slots__ = ("begun", "height", "node", "size")

    def __init__(self, begun: int, node: Node | None = None) -> None:
        self.begun = begun
        self.node = node
        self.size = 1
        self.height = 0


class _Unusual:
    """What is to be done at the end of an open node besides setting its end."""

    __slots__ = ("anchor", "merges", "template")

    def __init__(self) -> None:
        self.anchor: _Anchor | None = None
        self.merges: list[tuple[int, Scalar, Node]] = []
        self.template: int | None = None


class _Reader:
    """One pass over one text."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.roots: list[Node] = []
        self.found: list[Diagnostic] = []
        self.stopped: Diagnostic | None = None
        self.anchors: dict[str, _Anchor] = {}
        self.unusual: dict[int, _Unusual] = {}
        self.spent = 0

    # One function, as a call per event would cost a tenth of the whole compilation.
    def run(self, next_event: Callable[[], Any]) -> None:  # noqa: C901, PLR0912, PLR0915
        """Build the nodes; ends early, with `stopped` set, where reading on makes no sense."""
        source = self.source
        outer: list[tuple[Map | Seq, Items, Scalar | None, int]] = []
        items: Items = self.roots
        key: Scalar | None = None
        below = 0  # how many levels the innermost open node has in it so far
        reached = 0  # the end of what was read last: a block's own mark is where the next thing begins
        node: Node | None
        for count, event in enumerate(islice(iter(next_event, None), MAX_EVENTS)):
            kind = type(event)
            if kind is ScalarEvent:
                text, style = event.value, event.style or ""
                reached = event.end_mark.index
                node = Scalar(text, text, event.start_mark.index, reached, style, source)
                if event.anchor or event.tag or len(text) > _SURELY_SMALL:
                    self.look_at(node, event, key is None and type(items) is dict)
                elif not style and text[:1] in core.HEADS and (key or type(items) is list):
                    node.value = self.resolved(node, core.resolve(text))
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                height = below + 1
                node, items, key, below = outer.pop()
                if event.end_mark.index > event.start_mark.index:  # a bracket, which a block has not
                    reached = event.end_mark.index
                node.end = reached
                if self.unusual:
                    node = self.closed(node, len(outer) + 1, count, height)
                below = max(below, height)
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                opened = self.opened(event, len(outer) + 1, count)
                if opened is None:
                    return
                outer.append((opened, items, key, below))
                items, key, below = opened.items, None, 0
                continue
            elif kind is AliasEvent:
                node, below = self.aliased(event, len(outer), below)
                reached = event.end_mark.index
            else:
                if kind is DocumentStartEvent:
                    self.anchors = {}
                continue
            if node is None:
                return
            if isinstance(items, list):
                items.append(node)
            elif key is None:
                key = node if type(node) is Scalar else self.bad_key(node, len(outer))
                if "{" in key.text and self.is_glued(key):
                    return
            else:
                if key.text in items or key.text in _SPECIAL_KEYS:
                    self.add(items, key, node, len(outer))
                else:
                    items[key.text] = (key, node)
                key = None

    def stop(self, code: str, message: str, place: Place, helping: str | None = None) -> None:
        self.stopped = Diagnostic(code, message, place, helping)

    def too_deep(self, event: Any) -> None:
        self.stopped = _too_deep(self.at(event))

    def at(self, event: Any) -> Place:
        return Place(self.source, event.start_mark.index, event.end_mark.index)

    # Mappings and lists

    def opened(self, event: Any, depth: int, count: int) -> Map | Seq | None:
        if depth > MAX_DEPTH:
            self.too_deep(event)
            return None
        is_map = type(event) is MappingStartEvent
        if event.tag and event.tag not in ("!", core.TAGS + ("map" if is_map else "seq")):
            self.unknown_tag(event)
        if event.anchor:
            self.anchors[event.anchor] = self.at_end_of(depth).anchor = _Anchor(count + self.spent)
        start = event.start_mark.index
        return Map({}, start, start, self.source) if is_map else Seq([], start, start, self.source)

    def at_end_of(self, depth: int) -> _Unusual:
        return self.unusual.setdefault(depth, _Unusual())

    def closed(self, node: Map | Seq, depth: int, count: int, height: int) -> Node | None:
        unusual = self.unusual.pop(depth, None)
        if unusual is None:
            return node
        whole: Node | None = node
        if unusual.template is not None:
            whole = self.template(unusual.template, node.end)
        elif type(node) is Map and unusual.merges:
            whole = self.merged(node, unusual.merges)
        if unusual.anchor:
            unusual.anchor.node, unusual.anchor.height = whole, height
            unusual.anchor.size += count + self.spent - unusual.anchor.begun
            unusual.anchor.size += (node.end - node.start) // LETTERS
        return whole

    def template(self, start: int, end: int) -> Scalar:
        """`{{ x }}` without quotes, which is a mapping to YAML: taken as if it had them."""
        text = self.source.text[start:end]
        node = Scalar(text, text, start, end, "", self.source)
        shown, quote = wording.cut(text), "'" if '"' in text else '"'
        message = f"expected text, found a mapping: `{shown}` is a template only in quotes"
        fix = None
        if quote not in text and "\\" not in text:
            fix = Fix("put quotes around the template", at(node), quote + text + quote)
        helping = f"quote the template: {quote}{shown}{quote}"
        self.found.append(Diagnostic("YD111", message, at(node), helping, fix=fix))
        return node

    # Keys

    def bad_key(self, node: Node, depth: int) -> Scalar:
        """What stands in for a key that is a mapping or a list: an empty one, which `add` drops."""
        if type(node) is Map and self.source.text.startswith("{{", node.start - 1):
            self.at_end_of(depth).template = node.start - 1
        else:
            found = "a mapping" if type(node) is Map else "a list"
            self.tell("YD111", f"expected text as a key, found {found}", node)
        return Scalar("", "", -1, -1, "", self.source)

    def is_glued(self, key: Scalar) -> bool:
        """Whether a bracket is taken for a part of its key, as in `load:{bash: ls}`: then there is no reading on."""
        if not key.style and "}" not in key.text:  # `x{2}` may be a pattern of names
            self.stopped = wording.glued_key(self.source, key.start)
        return self.stopped is not None

    def add(self, items: dict[str, tuple[Scalar, Node]], key: Scalar, node: Node, depth: int) -> None:
        """An entry that is not simply put in: a merge, a repeated key, an empty one."""
        name = key.text
        if name == "<<" and not key.style:
            self.at_end_of(depth).merges.append((len(items), key, node))
        elif not name and not key.style:
            if key.start >= 0:
                self.tell("YD111", "expected a key before `:`, found nothing", key)
        elif name in items:
            first = Related("first given here", at(items[name][0]))
            message = f"the key `{wording.cut(name)}` is given twice"
            self.found.append(Diagnostic("YD102", message, at(key), "remove or rename one of them", (first,)))
        else:
            items[name] = (key, node)

    def merged(self, node: Map, merges: list[tuple[int, Scalar, Node]]) -> Map | None:
        """The mapping with what `<<` brings, in its place: own keys win, then earlier sources."""
        own, done = list(node.items.items()), 0
        result: dict[str, tuple[Scalar, Node]] = {}
        for position, key, value in merges:
            result.update(own[done:position])
            done = position
            for source in value.items if type(value) is Seq else [value]:
                if type(source) is not Map:
                    self.bad_merge(key, source)
                    return None
                self.spent += len(source.items)
                for name, entry in source.items.items():
                    if name not in node.items:
                        result.setdefault(name, entry)
            if self.expands_too_far(at(key)):
                return None
        result.update(own[done:])
        node.items = result
        return node

    def bad_merge(self, key: Scalar, found: Node) -> None:
        written = f"`{wording.cut(found.text)}`" if type(found) is Scalar else "a list"
        message = f"expected a mapping or a list of mappings after `<<`, found {written}"
        self.stop("YD109", message, at(key))

    # Aliases

    def aliased(self, event: Any, depth: int, below: int) -> tuple[Node | None, int]:
        """The node that an alias stands for, which it shares, and the height of the open node with it."""
        name, anchor = event.anchor, self.anchors.get(event.anchor)
        if anchor is None:
            helping = f"put `&{name}` before the value that is meant, above this line"
            self.stop(
                "YD108", f"expected an anchor `&{name}` before its alias, found none", self.at(event), helping
            )
        elif anchor.node is None:
            message = f"expected a value that ends, found the alias `*{name}` inside its own anchor"
            self.stop("YD107", message, self.at(event))
        elif depth + anchor.height > MAX_DEPTH:
            self.too_deep(event)
        else:
            self.spent += anchor.size
            if not self.expands_too_far(self.at(event)):
                return anchor.node, max(below, anchor.height)
        return None, below

    def expands_too_far(self, place: Place) -> bool:
        if self.spent > MAX_EXPANDED:
            message = (
                f"expected aliases that expand to at most {MAX_EXPANDED:,} values, "
                f"or {MAX_EXPANDED * LETTERS:,} characters, found more"
            )
            self.stop("YD107", message, place)
        return self.spent > MAX_EXPANDED

    # Scalars

    def look_at(self, node: Scalar, event: Any, is_key: bool) -> None:
        """A scalar with an anchor or a tag, or a long one."""
        if event.anchor:
            anchor = self.anchors[event.anchor] = _Anchor(0, node)
            anchor.size += len(node.text) // LETTERS
        if len(node.text.encode("utf-8", "replace")) > MAX_SCALAR:
            self.tell("YD105", "expected a text of at most 256 KiB, found a longer one", node)
            return
        tag = event.tag or ("" if node.style else "?")
        if tag.startswith(core.TAGS) and tag[len(core.TAGS) :] in core.SCALAR_TAGS:
            node.value = self.resolved(node, core.tagged(tag[len(core.TAGS) :], node.text))
        elif tag not in ("", "!", "?"):
            self.unknown_tag(event)
        elif tag == "?" and (event.anchor or not is_key):
            node.value = self.resolved(node, core.resolve(node.text))

    def resolved(self, node: Scalar, value: core.Value | core.Refused) -> core.Value:
        """A refused number is told and counts as 1, within most bounds, so that nothing follows from it."""
        if isinstance(value, core.Refused):
            self.tell(value.code, value.message, node)
            return 1
        return value

    def unknown_tag(self, event: Any) -> None:
        written = _TAG.search(self.source.text, event.start_mark.index)
        assert written
        message = f"expected a value without a tag, found `{wording.cut(written[0])}`"
        place = Place(self.source, *written.span())
        self.found.append(
            Diagnostic("YD104", message, place, "remove the tag; `!!str` and the like are known")
        )

    def tell(self, code: str, message: str, node: Node, helping: str | None = None) -> None:
        self.found.append(Diagnostic(code, message, at(node), helping))
