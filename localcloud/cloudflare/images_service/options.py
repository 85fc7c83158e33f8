"""What may be asked of a picture: a variant's options, and the same in a URL."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

FITS = ("scale-down", "contain", "cover", "crop", "pad", "squeeze")
FORMATS = ("auto", "avif", "webp", "jpeg", "baseline-jpeg", "png", "json")
METADATA = ("keep", "copyright", "none")
SIDE = 12_000
"""Pixels of the longest side."""
SIDES = {"left": (0.0, 0.5), "right": (1.0, 0.5), "top": (0.5, 0.0), "bottom": (0.5, 1.0)}
SIDES |= {"auto": (0.5, 0.5), "center": (0.5, 0.5), "face": (0.5, 0.5)}
QUALITIES = {"high": 90, "medium-high": 80, "medium-low": 70, "low": 50}
SHORT = {"w": "width", "h": "height", "q": "quality", "f": "format", "g": "gravity"}
COLOR = re.compile(r"[0-9a-zA-Z#(),.% ]{1,60}")


class OptionError(ValueError):
    """An option that is not known or out of its range; the message says which."""


@dataclass(frozen=True)
class Options:
    """``width`` and ``height`` in pixels, before ``dpr``; ``gravity`` as fractions of the picture's sides."""

    width: int | None = None
    height: int | None = None
    fit: str = "scale-down"
    metadata: str = "copyright"
    format: str = "auto"
    quality: int = 85
    dpr: float = 1.0
    gravity: tuple[float, float] = (0.5, 0.5)
    background: str | None = None
    blur: int = 0
    sharpen: float = 0.0
    rotate: int = 0
    flip: str = ""
    brightness: float = 1.0
    contrast: float = 1.0
    gamma: float = 1.0
    saturation: float = 1.0
    anim: bool = True
    compression: str = ""
    onerror: str = ""


def of_variant(given: Mapping[str, Any]) -> Options:
    """A variant's ``options`` of the API: fit, width, height, metadata."""
    return _build({name: str(value) for name, value in given.items() if value is not None})


def of_url(text: str) -> Options | None:
    """``w=200,fit=cover`` → options; None if this is the name of a variant instead."""
    if "=" not in text:
        return None
    pairs = [part.partition("=") for part in text.split(",") if part]
    if not pairs:
        return None
    return _build({SHORT.get(name.strip(), name.strip()): value.strip() for name, _, value in pairs})


def _build(given: Mapping[str, str]) -> Options:
    built = Options()
    for name, value in given.items():
        if name not in READERS:
            raise OptionError(f"The option {name!r} is not known. Known: {', '.join(READERS)}.")
        if name == "width" and value == "auto":
            continue
        try:
            built = replace(built, **{name: READERS[name](value)})
        except (ValueError, KeyError):
            raise OptionError(f"The option {name} cannot be {value!r}.") from None
    return built


def _number(low: float, high: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        value = float(text)
        if not low <= value <= high:
            raise ValueError(text)
        return value

    return read


def _whole(low: int, high: int) -> Callable[[str], int]:
    return lambda text: int(_number(low, high)(text))


def _one_of(*allowed: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in allowed:
            raise ValueError(text)
        return text

    return read


def _gravity(text: str) -> tuple[float, float]:
    if text in SIDES:
        return SIDES[text]
    x, _, y = text.partition("x")
    within = _number(0, 1)
    return within(x), within(y)


def _quality(text: str) -> int:
    return QUALITIES[text] if text in QUALITIES else _whole(1, 100)(text)


def _color(text: str) -> str:
    if not COLOR.fullmatch(text):
        raise ValueError(text)
    return text


def _rotate(text: str) -> int:
    return int(_one_of("0", "90", "180", "270")(text))


READERS: dict[str, Callable[[str], Any]] = {
    "width": _whole(1, SIDE),
    "height": _whole(1, SIDE),
    "fit": _one_of(*FITS),
    "metadata": _one_of(*METADATA),
    "format": _one_of(*FORMATS),
    "quality": _quality,
    "dpr": _number(0.1, 3),
    "gravity": _gravity,
    "background": _color,
    "blur": _whole(0, 250),
    "sharpen": _number(0, 10),
    "rotate": _rotate,
    "flip": _one_of("h", "v", "hv"),
    "brightness": _number(0, 10),
    "contrast": _number(0, 10),
    "gamma": _number(0.01, 10),
    "saturation": _number(0, 10),
    "anim": lambda text: _one_of("true", "false")(text) == "true",
    "compression": _one_of("fast"),
    "onerror": _one_of("redirect"),
}
