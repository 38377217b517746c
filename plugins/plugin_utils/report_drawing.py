# Copyright (c) 2026 Meridian contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where things stand in the report's drawing of the regions; the template draws them.

The regions are boxes on an ellipse. In a centralized fleet the storage region stands in the middle,
and an arrow leads there from every other one: the samples' way. Lines between all boxes are the
probes. Lengths are in the drawing's own units, about a pixel each on a wide screen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import cos, hypot, pi, sin

from ansible_collections.meridian.metrics.plugins.plugin_utils.report_model import (
    DOWN,
    PARTIAL,
    UNKNOWN,
    UP,
    Path,
    Region,
    Report,
)

WIDTH = 208.0
LINE = 17.0
# The title, the line below it, and the room around the text.
HEAD = 58.0
GAP = 44.0
# More of it around the box in the middle, where all arrows end.
MIDDLE_GAP = 72.0
MARGIN = 12.0
# What fits into a line of a box.
CHARACTERS = 29
# Of an arrow, and the distance between the ways that two lines between the same boxes take.
HEAD_LENGTH = 9.0
BESIDE = 9.0
# How far out a line between two boxes of the ellipse bows, as a part of its length: it keeps away
# from the middle.
BOW = 0.09
WORST = (DOWN, PARTIAL, UNKNOWN, UP)


@dataclass(frozen=True, slots=True)
class Box:
    """A region's box, known by its middle, and the lines of text in it."""

    region: Region
    x: float
    y: float
    height: float
    lines: tuple[str, ...]
    stores: bool
    """Whether metrics are stored there."""

    @property
    def left(self) -> float:
        """Its left edge."""
        return self.x - WIDTH / 2

    @property
    def top(self) -> float:
        """Its upper edge."""
        return self.y - self.height / 2


@dataclass(frozen=True, slots=True)
class Line:
    """A line between two boxes, as SVG path data."""

    data: str
    state: str
    title: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """The whole drawing; its origin is the middle of the ellipse."""

    left: float
    top: float
    width: float
    height: float
    boxes: tuple[Box, ...]
    probes: tuple[Line, ...]
    writes: tuple[Line, ...]


def draw(report: Report) -> Drawing:
    """Place the regions' boxes and the lines between them."""
    storages = {region.stored_in for region in report.regions}
    middle = next(iter(storages)) if len(storages) == 1 and len(report.regions) > 1 else None
    boxes = _placed([_box(region, storages) for region in report.regions], middle)
    bows = [_bow(one, other) for i, one in enumerate(boxes) for other in boxes[:i]]
    left = min([box.left for box in boxes] + [x for x, _y in bows]) - MARGIN
    top = min([box.top for box in boxes] + [y for _x, y in bows]) - MARGIN
    right = max([box.left + WIDTH for box in boxes] + [x for x, _y in bows]) + MARGIN
    bottom = max([box.top + box.height for box in boxes] + [y for _x, y in bows]) + MARGIN
    by_name = {box.region.name: box for box in boxes}
    return Drawing(
        left=left,
        top=top,
        width=right - left,
        height=bottom - top,
        boxes=tuple(boxes),
        probes=tuple(_probes(report.paths, by_name, middle)),
        writes=tuple(
            Line(
                data=_arrow(box, by_name[box.region.stored_in]),
                state=UP,
                title=f"{box.region.name} writes to {box.region.stored_in}",
            )
            for box in boxes
            if box.region.stored_in != box.region.name
        ),
    )


def _box(region: Region, storages: set[str]) -> Box:
    lines = [""]
    for component, count in region.components:
        item = f"{count} {component}"
        joined = f"{lines[-1]} · {item}" if lines[-1] else item
        if len(joined) <= CHARACTERS:
            lines[-1] = joined
        else:
            lines.append(item)
    if not region.components:
        lines = ["no host in this inventory"]
    height = HEAD + LINE * len(lines)
    return Box(region, 0, 0, height, tuple(lines), region.name in storages)


def _placed(boxes: Sequence[Box], middle: str | None) -> list[Box]:
    """Put the boxes on the smallest ellipse on which no two of them touch."""
    centre = [box for box in boxes if box.region.name == middle]
    around = [box for box in boxes if box.region.name != middle]
    # An even number stands beside the top, so that the drawing is wide rather than high.
    start = -pi / 2 + (pi / len(around) if len(around) % 2 == 0 else 0.0)
    angles = [start + 2 * pi * position / len(around) for position in range(len(around))]
    radius = 60.0 if len(around) > 1 else 0.0
    while True:
        placed = [
            Box(b.region, 1.7 * radius * cos(a), radius * sin(a), b.height, b.lines, b.stores)
            for b, a in zip(around, angles, strict=True)
        ] + centre
        pairs = [(one, other) for i, one in enumerate(placed) for other in placed[:i]]
        if not any(
            _touch(one, other, MIDDLE_GAP if one in centre or other in centre else GAP)
            for one, other in pairs
        ):
            return placed
        radius += 10.0


def _touch(one: Box, other: Box, gap: float) -> bool:
    return (
        abs(one.x - other.x) < WIDTH + gap
        and abs(one.y - other.y) < (one.height + other.height) / 2 + gap
    )


def _probes(
    paths: Sequence[Sequence[Path | None]], boxes: Mapping[str, Box], middle: str | None
) -> list[Line]:
    """One line for each pair of regions that probe each other; the worse way gives its state."""
    by_pair: dict[tuple[str, str], list[Path]] = {}
    for path in (each for row in paths for each in row if each):
        pair = (min(path.source, path.target), max(path.source, path.target))
        by_pair.setdefault(pair, []).append(path)
    lines = []
    for (one, other), both in sorted(by_pair.items()):
        state = min((path.state for path in both), key=WORST.index)
        words = {UP: "succeed", DOWN: "fail", PARTIAL: "fail in part", UNKNOWN: "are not known"}
        title = f"probes between {one} and {other} {words[state]}"
        a, b = boxes[one], boxes[other]
        straight = middle in (one, other)
        lines.append(Line(_beside(a, b) if straight else _around(a, b), state, title))
    # The bad ones lie on top.
    return sorted(lines, key=lambda line: -WORST.index(line.state))


def _beside(a: Box, b: Box) -> str:
    """From middle to middle, beside the way of the samples; the boxes hide the ends."""
    length = hypot(b.x - a.x, b.y - a.y)
    dx, dy = -(b.y - a.y) / length * BESIDE, (b.x - a.x) / length * BESIDE
    return f"M{a.x + dx:.1f} {a.y + dy:.1f}L{b.x + dx:.1f} {b.y + dy:.1f}"


def _around(a: Box, b: Box) -> str:
    """From middle to middle, bowed."""
    x, y = _bow(a, b)
    # The curve comes half as near to its control point as the straight line is away from it.
    control = f"{2 * x - (a.x + b.x) / 2:.1f} {2 * y - (a.y + b.y) / 2:.1f}"
    return f"M{a.x:.1f} {a.y:.1f}Q{control} {b.x:.1f} {b.y:.1f}"


def _bow(a: Box, b: Box) -> tuple[float, float]:
    """The outermost point of the bow between two boxes."""
    x, y = (a.x + b.x) / 2, (a.y + b.y) / 2
    dx, dy = -(b.y - a.y) * BOW, (b.x - a.x) * BOW
    outward = 1 if x * dx + y * dy >= 0 else -1
    return x + outward * dx, y + outward * dy


def _arrow(source: Box, target: Box) -> str:
    """From the middle of a box to the edge of another, with room for the arrow's head."""
    dx, dy = source.x - target.x, source.y - target.y
    length = hypot(dx, dy)
    reach = min(
        WIDTH / 2 / abs(dx) if dx else float("inf"),
        target.height / 2 / abs(dy) if dy else float("inf"),
    )
    reach += HEAD_LENGTH / length
    end = f"{target.x + dx * reach:.1f} {target.y + dy * reach:.1f}"
    return f"M{source.x:.1f} {source.y:.1f}L{end}"
