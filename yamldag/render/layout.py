"""Our own layered layout, for when there is no `dot` or it takes too long: no program, no randomness, no surprise.

Layers and order come from `grid` and `crossings`; here they get coordinates. `along` is the way that edges go (to the
right, or downwards in a long pipeline), `across` the other one.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

from yamldag.render.crossings import Rows, order
from yamldag.render.drawing import HEIGHT, Drawing
from yamldag.render.grid import Grid, grid
from yamldag.render.places import Box, Curve, Layout, Point

MARGIN = 16.0
GAP = 20.0
"""Between boxes side by side: room for the chips on their borders."""
PAD, TITLE = 12.0, 26.0
"""Between a frame and what it holds; on the side where its name stands."""
_FAR = 1e4
_BEND = 10.0
"""Between a line and its neighbour."""


@dataclass(slots=True)
class _Frame:
    start: list[float]
    """By group, across: where it begins, and where it ends."""
    end: list[float]


@dataclass(slots=True)
class _Shape:
    """The sizes of things, turned so that `along` and `across` are enough."""

    made: Grid
    rows: Rows
    long: list[float]
    wide: list[float]
    head: float
    """What a frame keeps free before its first member, across; the other sides keep PAD, along the name's side too."""
    entry: float


def layout(drawn: Drawing) -> Layout:
    """Every task in a box of its own, in layers; every edge goes forward."""
    made = grid(drawn)
    shape = _shape(drawn, made, order(made))
    centres, frame = _across(shape)
    columns = _along(shape)
    ends = [columns[made.layer[token]] for token in range(made.tasks)]
    boxes = [
        Box(ends[at][0], centres[at] - shape.wide[at] / 2, shape.long[at], shape.wide[at])
        for at in range(made.tasks)
    ]
    frames = _frames(shape, columns, frame)
    ids = {node.id: at for at, node in enumerate(drawn.nodes)}
    curves = {
        (edge.parent, edge.child): _curve(shape, columns, centres, boxes, ids[edge.parent], ids[edge.child])
        for edge in drawn.edges
    }
    placed = Layout(
        0,
        0,
        {node.id: boxes[at] for at, node in enumerate(drawn.nodes)},
        {each.group.id: box for each, box in zip(drawn.frames, frames, strict=True) if box.width > 0},
        curves,
    )
    return _framed(_turned(placed) if drawn.down else placed)


def _shape(drawn: Drawing, made: Grid, rows: Rows) -> _Shape:
    extra = len(made.layer) - made.tasks
    widths = [node.width for node in drawn.nodes] + [0.0] * extra
    heights = [HEIGHT] * made.tasks + [0.0] * extra
    if drawn.down:
        return _Shape(made, rows, heights, widths, PAD, TITLE)
    return _Shape(made, rows, widths, heights, TITLE, PAD)


def _along(shape: _Shape) -> list[tuple[float, float]]:
    """By layer: where its column begins and ends."""
    opening = _insets(shape, 0, shape.entry)
    closing = _insets(shape, 1, PAD)
    busy = [0] * len(shape.rows)
    for a, _ in shape.made.links:
        busy[shape.made.layer[a]] += 1
    spans = shape.made.spans()
    before, after = [0.0] * len(shape.rows), [0.0] * len(shape.rows)
    for group, (first, last) in enumerate(spans):
        if first <= last:
            before[first] = max(before[first], opening[group])
            after[last] = max(after[last], closing[group])
    columns = []
    at = 0.0
    for layer, row in enumerate(shape.rows):
        begin = at + before[layer]
        end = begin + max(shape.long[token] for token in row)
        columns.append((begin, end))
        at = end + after[layer] + 40 + 2.0 * min(busy[layer], 30)
    return columns


def _insets(shape: _Shape, side: int, pad: float) -> list[float]:
    """By group: how far its frame lies outside the column of its first (0) or last (1) layer, for frames inside it."""
    spans = shape.made.spans()
    insets = [pad] * len(spans)
    for group in sorted(range(len(spans)), key=lambda each: -len(shape.made.around(each))):
        outer = shape.made.parents[group]
        if outer >= 0 and spans[outer][side] == spans[group][side]:
            insets[outer] = max(insets[outer], insets[group] + pad)
    return insets


def _frames(shape: _Shape, columns: list[tuple[float, float]], frame: _Frame) -> list[Box]:
    opening, closing = _insets(shape, 0, shape.entry), _insets(shape, 1, PAD)
    boxes = []
    for group, (first, last) in enumerate(shape.made.spans()):
        if last < first:
            boxes.append(Box(0, 0, 0, 0))
            continue
        begin, end = columns[first][0] - opening[group], columns[last][1] + closing[group]
        boxes.append(Box(begin, frame.start[group], end - begin, frame.end[group] - frame.start[group]))
    return boxes


# -- across -------------------------------------------------------------------------------------------------------


class _Rods:
    """Points on a line that must keep their distances: tokens, then the beginnings and the ends of the frames."""

    def __init__(self, shape: _Shape) -> None:
        self.shape = shape
        tokens, groups = len(shape.made.layer), len(shape.made.parents)
        self.size = tokens + 2 * groups
        self.first, self.last = tokens, tokens + groups
        arcs: dict[tuple[int, int], float] = {}
        for row in shape.rows:
            self._row(row, arcs)
        self.before: list[list[tuple[int, float]]] = [[] for _ in range(self.size)]
        self.after: list[list[tuple[int, float]]] = [[] for _ in range(self.size)]
        for (a, b), room in arcs.items():
            self.after[a].append((b, room))
            self.before[b].append((a, room))
        self.arcs = self._sorted()

    def _row(self, row: list[int], arcs: dict[tuple[int, int], float]) -> None:
        """What stands in one layer, with the borders of the frames that are left and entered in between."""
        points: list[int] = []
        path: tuple[int, ...] = ()
        for token in row:
            inner = self.shape.made.path(token)
            points += [*self._borders(path, inner), token]
            path = inner
        points += self._borders(path, ())
        for a, b in pairwise(points):
            arcs[a, b] = max(arcs.get((a, b), 0.0), self._room(a, b))

    def _borders(self, left: tuple[int, ...], entered: tuple[int, ...]) -> list[int]:
        shared = 0
        while left[shared : shared + 1] == entered[shared : shared + 1] != ():
            shared += 1
        ends = [self.last + group for group in reversed(left[shared:])]
        return ends + [self.first + group for group in entered[shared:]]

    def _room(self, a: int, b: int) -> float:
        """The least distance between two neighbours."""
        wide, first, last = self.shape.wide, self.first, self.last
        reach = (wide[a] / 2 if a < first else 0.0) + (wide[b] / 2 if b < first else 0.0)
        if first <= a < last:
            return reach + self.shape.head
        if b >= last:
            return reach + PAD
        if a < first and b < first:
            return reach + (GAP if wide[a] and wide[b] else _BEND)
        return reach + PAD

    def _sorted(self) -> list[tuple[int, int, float]]:
        """Arcs so that all into a point stand before all out of it."""
        waits = [len(before) for before in self.before]
        ready = [point for point, number in enumerate(waits) if not number]
        found = []
        self.order = ready
        for point in ready:
            for other, room in self.after[point]:
                found.append((point, other, room))
                waits[other] -= 1
                if not waits[other]:
                    ready.append(other)
        return found

    def apart(self, wish: list[float]) -> list[float]:
        """Places near `wish` that keep all distances: half-way between pushing on only and pushing back only."""
        on, back = wish[:], wish[:]
        for a, b, room in self.arcs:
            on[b] = max(on[b], on[a] + room)
        for a, b, room in reversed(self.arcs):
            back[a] = min(back[a], back[b] - room)
        return [(one + other) / 2 for one, other in zip(on, back, strict=True)]


def _across(shape: _Shape) -> tuple[list[float], _Frame]:
    """By token its centre; by group its borders."""
    rods = _Rods(shape)
    at = rods.apart([0.0] * rods.size)
    pull = _Pull(shape, rods)
    for _ in range(max(8, min(60, 400_000 // (rods.size + 1)))):
        at = rods.apart(pull.wish(at))
    for turn in range(16):
        pull.relax(at, back=turn % 2 == 1)
        at = pull.tight(at)
    for _ in range(2):
        pull.align(at)
        at = pull.tight(at)
    at = [float(round(each * 2) / 2) for each in at]
    return at[: rods.first], _Frame(at[rods.first : rods.last], at[rods.last :])


class _Pull:
    """Where each point would like to be: among its neighbours, straight along its line, close around its members."""

    def __init__(self, shape: _Shape, rods: _Rods) -> None:
        made = shape.made
        self.rods, self.made, self.shape = rods, made, shape
        self.near: list[list[int]] = [[] for _ in range(len(made.layer))]
        for a, b in made.links:
            self.near[a].append(b)
            self.near[b].append(a)
        self.straight = self._straight()
        self.pairs = self._pairs()
        self.order = [token for row in shape.rows for token in row]
        self.marks = [point for point in rods.order if point >= rods.first]

    def _straight(self) -> list[list[int]]:
        """Runs of tokens on one line, with the tasks at both ends."""
        runs: dict[int, list[int]] = {}
        for (parent, child), chain in self.made.chains.items():
            if chain and (chain[0] not in runs or len(runs[chain[0]]) < len(chain) + 2):
                runs[chain[0]] = [parent, *chain, child]
        return list(runs.values())

    def wish(self, at: list[float]) -> list[float]:
        wish = at[:]
        for token, near in enumerate(self.near):
            if near:
                wish[token] = (sum(at[other] for other in near) / len(near) * 2 + at[token]) / 3
        for run in self.straight:
            mean = sum(at[token] for token in run) / len(run)
            for token in run[1:-1]:
                wish[token] = (mean * 3 + at[token]) / 4
        return self.tight(wish)

    def relax(self, at: list[float], back: bool) -> None:
        """Each token between its neighbours, one after the other, as far as those beside it let it.

        Frames give way on one side at a time, so that two of them never want the same room.
        """
        self._loosen(at, ends=back)
        for token in reversed(self.order) if back else self.order:
            near = self.near[token]
            if near:
                self._move(at, token, sum(at[other] for other in near) / len(near))

    def align(self, at: list[float]) -> None:
        """One behind the other on one line, wherever those beside them leave room for it."""
        for ends in (True, False):
            self._loosen(at, ends)
            for a, b in self.pairs:
                self._move(at, b, at[a])
            for a, b in reversed(self.pairs):
                self._move(at, a, at[b])

    def _loosen(self, at: list[float], ends: bool) -> None:
        """The frames' beginnings, or their ends, as far out as what stands before them allows."""
        rods = self.rods
        for mark in reversed(self.marks) if ends else self.marks:
            if ends and mark >= rods.last:
                at[mark] = min((at[b] - room for b, room in rods.after[mark]), default=at[mark] + _FAR)
            elif not ends and mark < rods.last:
                at[mark] = max((at[a] + room for a, room in rods.before[mark]), default=at[mark] - _FAR)

    def _move(self, at: list[float], token: int, wish: float) -> None:
        least = max((at[a] + room for a, room in self.rods.before[token]), default=wish)
        most = min((at[b] - room for b, room in self.rods.after[token]), default=wish)
        if least <= most:
            at[token] = max(least, min(most, wish))

    def _pairs(self) -> list[tuple[int, int]]:
        """Links between tokens that have no other on that side, from the first layer to the last."""
        into, out = Counter(b for _, b in self.made.links), Counter(a for a, _ in self.made.links)
        alone = [(a, b) for a, b in self.made.links if out[a] == 1 and into[b] == 1]
        return sorted(alone, key=lambda link: self.made.layer[link[0]])

    def tight(self, wish: list[float]) -> list[float]:
        """With the frames close around what they hold."""
        rods, close = self.rods, wish[:]
        close[rods.first : rods.last] = [float("inf")] * (rods.last - rods.first)
        close[rods.last :] = [float("-inf")] * (rods.size - rods.last)
        for a, b, room in reversed(rods.arcs):
            if rods.first <= a < rods.last:
                close[a] = min(close[a], close[b] - room)
        for a, b, room in rods.arcs:
            if b >= rods.last:
                close[b] = max(close[b], close[a] + room)
        return close


# -- edges ---------------------------------------------------------------------------------------------------------


def _curve(
    shape: _Shape,
    columns: list[tuple[float, float]],
    centres: list[float],
    boxes: list[Box],
    parent: int,
    child: int,
) -> Curve:
    start, end = boxes[parent], boxes[child]
    points: list[Point] = [(start.right, centres[parent])]
    _straight_to(points, columns[shape.made.layer[parent]][1])
    for token in shape.made.chains.get((parent, child), []):
        begin, finish = columns[shape.made.layer[token]]
        _bend_to(points, (begin, centres[token]))
        _straight_to(points, finish)
    _bend_to(points, (end.x, centres[child]))
    return tuple(points)


def _straight_to(points: list[Point], along: float) -> None:
    begin, across = points[-1]
    if along > begin:
        third = (along - begin) / 3
        points += [(begin + third, across), (along - third, across), (along, across)]


def _bend_to(points: list[Point], to: Point) -> None:
    x, y = points[-1]
    half = (to[0] - x) / 2
    points += [(x + half, y), (to[0] - half, to[1]), to]


# -- the whole -----------------------------------------------------------------------------------------------------


def _turned(placed: Layout) -> Layout:
    def turn(box: Box) -> Box:
        return Box(box.y, box.x, box.height, box.width)

    return Layout(
        placed.height,
        placed.width,
        {name: turn(box) for name, box in placed.boxes.items()},
        {name: turn(box) for name, box in placed.frames.items()},
        {edge: tuple((y, x) for x, y in curve) for edge, curve in placed.curves.items()},
    )


def _framed(placed: Layout) -> Layout:
    """Moved to begin at the margin, with the size that all of it takes."""
    boxes = [*placed.boxes.values(), *placed.frames.values()]
    xs = [box.x for box in boxes] + [x for curve in placed.curves.values() for x, _ in curve]
    ys = [box.y for box in boxes] + [y for curve in placed.curves.values() for _, y in curve]
    dx, dy = MARGIN - min(xs, default=0.0), MARGIN - min(ys, default=0.0)
    right = max([box.right for box in boxes] + xs, default=0.0) + dx
    bottom = max([box.bottom for box in boxes] + ys, default=0.0) + dy

    def move(box: Box) -> Box:
        return Box(box.x + dx, box.y + dy, box.width, box.height)

    return Layout(
        right + MARGIN,
        bottom + MARGIN,
        {name: move(box) for name, box in placed.boxes.items()},
        {name: move(box) for name, box in placed.frames.items()},
        {edge: tuple((x + dx, y + dy) for x, y in curve) for edge, curve in placed.curves.items()},
    )
