"""How large a picture becomes, and which part of it is seen: arithmetic only. Sizes are (width, height) in pixels."""

from __future__ import annotations

from dataclasses import dataclass

from localcloud.cloudflare.images_service.options import SIDE, Options

Size = tuple[int, int]


@dataclass(frozen=True)
class Plan:
    """Take ``crop`` (left, top, right, bottom) out of the original, make it ``size``, lay it on ``canvas`` if given."""

    crop: tuple[float, float, float, float]
    size: Size
    canvas: Size | None = None


def plan(size: Size, options: Options) -> Plan:
    """For an original of ``size``, turned already as it is to be seen."""
    width, height = size
    whole = (0.0, 0.0, float(width), float(height))
    asked = [None if side is None else min(SIDE, max(1, round(side * options.dpr))) for side in _sides(options)]
    if asked == [None, None]:
        return Plan(whole, size)
    # With one side given the other follows the picture, and no fit has anything to cut off or fill.
    box_width = asked[0] or max(1, round(width * (asked[1] or 1) / height))
    box_height = asked[1] or max(1, round(height * (asked[0] or 1) / width))
    inside = min(box_width / width, box_height / height)
    match options.fit:
        case "squeeze":
            return Plan(whole, (box_width, box_height))
        case "contain":
            return Plan(whole, _scaled(size, inside))
        case "pad":
            return Plan(whole, _scaled(size, inside), (box_width, box_height))
        case "cover":
            return _cut(size, (box_width, box_height), options.gravity)
        case "crop" if width > box_width or height > box_height:
            return _cut(size, (min(box_width, width), min(box_height, height)), options.gravity)
        case _:
            return Plan(whole, _scaled(size, min(1.0, inside)))


def _sides(options: Options) -> tuple[int | None, int | None]:
    return options.width, options.height


def _scaled(size: Size, factor: float) -> Size:
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def _cut(size: Size, box: Size, gravity: tuple[float, float]) -> Plan:
    """Fill the box; what is over is cut off, around the point of gravity."""
    factor = max(box[0] / size[0], box[1] / size[1])
    seen = min(size[0], box[0] / factor), min(size[1], box[1] / factor)
    left = min(max(0.0, gravity[0] * size[0] - seen[0] / 2), size[0] - seen[0])
    top = min(max(0.0, gravity[1] * size[1] - seen[1] / 2), size[1] - seen[1])
    return Plan((left, top, left + seen[0], top + seen[1]), box)
