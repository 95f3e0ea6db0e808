"""What analysis finds in a template: faults, references, outputs. Offsets count code points of the text."""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct

from yamldag.plan.expression.vocabulary import KINDS


class Fault(Struct, frozen=True):
    """A mistake that can be known without a run."""

    code: str
    message: str
    start: int
    end: int
    help: str | None = None


class Segment(NamedTuple):
    """One `.name` or `['name']` of a chain. `name` is None where it is not constant, as in `x[y]`;
    the offsets are those of the name itself, inside the quotes."""

    name: str | int | None
    start: int
    end: int


class Reference(NamedTuple):
    """A name from the context and the chain behind it: `tasks.load.output.rows`."""

    root: str
    start: int
    end: int
    path: tuple[Segment, ...]
    stop: int
    """Where the whole chain ends."""
    guarded: bool
    """It stands under `| default(…)` or `is defined`: a missing key is no mistake."""


class Output(NamedTuple):
    """One `{{ … }}`; the offsets are those of what stands inside."""

    start: int
    end: int
    bare: Reference | None
    """Set if it is a reference and nothing else."""
    filters: tuple[str, ...]
    """Of the whole expression, in the order in which they are applied."""
    text: str | None
    """What it gives, if it is a literal."""
    choices: tuple[Segment, ...] = ()
    """The texts among which it chooses, as far as they are written out: the two of `'a' if x else 'b'`."""


class Analysis:
    """All that one template says about itself. With faults there are no references."""

    __slots__ = ("faults", "kind", "literal", "outputs", "parts", "references", "tags", "whole")

    def __init__(  # noqa: PLR0913
        self,
        *,
        faults: tuple[Fault, ...] = (),
        references: tuple[Reference, ...] = (),
        outputs: tuple[Output, ...] = (),
        tags: tuple[tuple[int, int], ...] = (),
        parts: tuple[str | Reference, ...] | None = None,
        whole: bool = False,
        literal: bool = False,
        kind: str | None = None,
    ) -> None:
        self.faults = faults
        self.references = references
        """In the order of the text, without names that the template itself binds."""
        self.outputs = outputs
        self.tags = tags
        """Start and end of each `{{ … }}` and `{% … %}`, signs included."""
        self.parts = parts
        """Text and references in turn, if there is nothing else: it is rendered without Jinja."""
        self.whole = whole
        """Exactly one `{{ … }}` and, around it, only white space."""
        self.literal = literal
        """No template in it at all."""
        self.kind = kind
        """JSON type of a whole value, where it is known beforehand: `string`, `boolean`, `number`, `array`,
        `object`, `null`."""


def kind_of(reference: Reference) -> str | None:
    """JSON type of a name that always has the same."""
    names = tuple(segment.name for segment in reference.path)
    if names:
        return "string" if (reference.root, *names) in _TEXTS else None
    return KINDS.get(reference.root)


_TEXTS = {("task", "id"), ("run", "id"), ("run", "pipeline"), ("run", "type"), ("run", "dir"), ("run", "url")}
