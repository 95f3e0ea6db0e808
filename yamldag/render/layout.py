"""Our own layered layout, for when there is no `dot` or it takes too long: no program, no dice.

Layers and order come from `grid` and `crossings`; here they get coordinates. `along` is the way that edges go
(to the right, or downwards in a long pipeline), `across` the other one.
"""

from __future__ import annotations

from yamldag.render.across import PAD, TITLE, Borders, Shape, across
from yamldag.render.crossings import Rows, order
from yamldag.render.drawing import HEIGHT, Drawing
from yamldag.render.grid import Grid, grid
from yamldag.render.places import Box, Curve, Layout, Point

MARGIN = 16.0


def layout(drawn: Drawing) -> Layout:
    """Every task in a box of its own, in layers; every edge goes forward."""
    made = grid(drawn)
    shape = _shape(drawn, made, order(made))
    centres, frame = across(shape)
    columns = _along(shape)
    ends = [columns[made.layer[token]] for token in range(made.tasks)]
    boxes = [
        Box(ends[at][0], centres[at] - shape.wide[at] / 2, shape.long[at], shape.wide[at])
        for at in range(made.tasks)
    ]
    frames = _frames(shape, columns, frame)

    def bends(parent: int, child: int) -> list[tuple[float, float, float]]:
        way = [parent, *made.chains.get((parent, child), [])]
        return [(*columns[made.layer[token]], centres[token]) for token in way]

    ids = {node.id: at for at, node in enumerate(drawn.nodes)}
    curves = {
        (edge.parent, edge.child): _curve(
            boxes[ids[edge.parent]], boxes[ids[edge.child]], bends(ids[edge.parent], ids[edge.child])
        )
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


def _shape(drawn: Drawing, made: Grid, rows: Rows) -> Shape:
    extra = len(made.layer) - made.tasks
    widths = [node.width for node in drawn.nodes] + [0.0] * extra
    heights = [HEIGHT] * made.tasks + [0.0] * extra
    if drawn.down:
        return Shape(made, rows, heights, widths, PAD, TITLE)
    return Shape(made, rows, widths, heights, TITLE, PAD)


def _along(shape: Shape) -> list[tuple[float, float]]:
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


def _insets(shape: Shape, side: int, pad: float) -> list[float]:
    """By group: how far its frame lies outside its first (0) or last (1) column, for the frames inside it."""
    spans = shape.made.spans()
    insets = [pad] * len(spans)
    for group in sorted(range(len(spans)), key=lambda each: -len(shape.made.around(each))):
        outer = shape.made.parents[group]
        if outer >= 0 and spans[outer][side] == spans[group][side]:
            insets[outer] = max(insets[outer], insets[group] + pad)
    return insets


def _frames(shape: Shape, columns: list[tuple[float, float]], frame: Borders) -> list[Box]:
    opening, closing = _insets(shape, 0, shape.entry), _insets(shape, 1, PAD)
    boxes = []
    for group, (first, last) in enumerate(shape.made.spans()):
        if last < first:
            boxes.append(Box(0, 0, 0, 0))
            continue
        begin, end = columns[first][0] - opening[group], columns[last][1] + closing[group]
        boxes.append(Box(begin, frame.start[group], end - begin, frame.end[group] - frame.start[group]))
    return boxes


def _curve(start: Box, end: Box, bends: list[tuple[float, float, float]]) -> Curve:
    """From box to box, straight through columns between. `bends`: begin, end and height in each column."""
    points: list[Point] = [(start.right, start.y + start.height / 2)]
    _straight_to(points, bends[0][1])
    for begin, finish, height in bends[1:]:
        _bend_to(points, (begin, height))
        _straight_to(points, finish)
    _bend_to(points, (end.x, end.y + end.height / 2))
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
