"""Where everything in the diagram stands: three columns, from the app over the connector to the service."""

from __future__ import annotations

from msgspec import Struct

from connector_core.handbook.content import Diagram, clean, cut

__all__ = ["Arrow", "Box", "Drawing", "drawn"]

WIDTH = 860
_BOX, _ROW, _GAP = 200, 30, 10
_TOP, _EDGE = 62, 20
_MIDDLE = (WIDTH - _BOX) // 2
_LONGEST = 26
"""Characters that a box has room for."""


class Box(Struct, frozen=True):
    """A box with its label; in pixels from the upper left."""

    x: int
    y: int
    width: int
    height: int
    label: str
    kind: str
    """`end` for the app and the service, `read`, `call`, or `more` where some are not drawn."""

    @property
    def center(self) -> tuple[int, int]:
        """Where its label stands."""
        return self.x + self.width // 2, self.y + self.height // 2


class Arrow(Struct, frozen=True):
    """A line with a head at its second end."""

    x1: int
    y1: int
    x2: int
    y2: int
    kind: str


class Drawing(Struct, frozen=True):
    """The diagram, laid out."""

    width: int
    height: int
    boxes: list[Box]
    arrows: list[Arrow]
    frame: Box
    """The connector, around its endpoints."""


def drawn(diagram: Diagram) -> Drawing:
    """The diagram with places for everything; labels are cut where a box has no room for them."""
    labels = [(name, "read") for name in diagram.reads]
    labels += [(f"and {diagram.more_reads} more", "more")] if diagram.more_reads else []
    labels += [(name, "call") for name in diagram.calls]
    labels += [(f"and {diagram.more_calls} more", "more")] if diagram.more_calls else []
    labels = labels or [("nothing to read or call", "more")]
    inner = [
        Box(_MIDDLE, _TOP + number * (_ROW + _GAP), _BOX, _ROW, _fitted(label), kind)
        for number, (label, kind) in enumerate(labels)
    ]
    bottom = inner[-1].y + _ROW
    height = bottom + 2 * _EDGE
    ends = [
        Box(x, _TOP, _BOX, max(bottom - _TOP, 2 * _ROW), _fitted(label), "end")
        for x, label in ((_EDGE, diagram.app), (WIDTH - _BOX - _EDGE, diagram.service))
    ]
    frame = Box(
        _MIDDLE - _EDGE, _EDGE, _BOX + 2 * _EDGE, height - 2 * _EDGE + _GAP, _fitted(diagram.connector), "frame"
    )
    arrows = [arrow for box in inner for arrow in _arrows(box, *ends)]
    return Drawing(WIDTH, height + _GAP, [*ends, *inner], arrows, frame)


def _arrows(box: Box, app: Box, service: Box) -> list[Arrow]:
    """A read comes from the service and goes to the app, a call the other way."""
    y = box.center[1]
    left, right = (app.x + app.width, box.x), (box.x + box.width, service.x)
    if box.kind == "read":
        return [Arrow(right[1], y, right[0], y, "read"), Arrow(left[1], y, left[0], y, "read")]
    if box.kind == "call":
        return [Arrow(left[0], y, left[1], y, "call"), Arrow(right[0], y, right[1], y, "call")]
    return []


def _fitted(label: str) -> str:
    return cut(clean(label), _LONGEST) or "–"
