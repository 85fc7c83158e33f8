"""From an original's bytes to a variant's, with Pillow."""

from __future__ import annotations

import io
import json
import math
import struct
from dataclasses import dataclass

from PIL import Image, ImageCms, ImageColor, ImageEnhance, ImageFilter, ImageOps, ImageSequence, UnidentifiedImageError

from localcloud.cloudflare.images_service.geometry import Plan, plan
from localcloud.cloudflare.images_service.options import SIDE, Options

BYTES = 10 * 1024 * 1024
"""Of an original that is kept."""
SOURCE_BYTES = 70 * 1024 * 1024
"""Of a picture elsewhere that is transformed by its URL."""
PIXELS = 100_000_000
KINDS = {"JPEG": "image/jpeg", "PNG": "image/png", "GIF": "image/gif", "WEBP": "image/webp", "AVIF": "image/avif"}
"""Of originals, with their content types."""
AVIF_SIDE = 1600
"""Pixels; a larger picture goes out as WebP where the format is left to us: to encode it as AVIF takes too long."""
MOVING_PIXELS = 50_000_000
"""Of all frames of an animation together; of a larger one the first frame is delivered."""
COPYRIGHT, ORIENTATION = 0x8298, 0x0112
# Pillow's own limit only warns, at another count; ours is looked at before anything is decoded.
Image.MAX_IMAGE_PIXELS = None


class PictureError(Exception):
    """Not a picture that is served, or beyond a limit. ``code`` is Cloudflare's for it."""

    def __init__(self, message: str, code: int = 9523) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Rendered:
    """``kept``: it was made before."""

    content: bytes
    content_type: str
    kept: bool = False


def check(content: bytes, most: int = BYTES) -> tuple[str, int]:
    """An original's kind (a key of :data:`KINDS`) and its count of pixels. ``most``: bytes.

    :raises PictureError: it is beyond a limit; no pixel was decoded.
    """
    if len(content) > most:
        raise PictureError(f"The picture has {len(content)} bytes; at most {most} ({most >> 20} MiB) are taken.", 9402)
    try:
        with Image.open(io.BytesIO(content), formats=list(KINDS)) as image:
            kind, (width, height) = str(image.format), image.size
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError):
        raise PictureError("This is not a JPEG, PNG, WebP, GIF or AVIF picture.", 9520) from None
    if max(width, height) > SIDE:
        raise PictureError(f"The picture is {width} × {height} pixels; a side has at most {SIDE}.", 9413)
    if width * height > PIXELS:
        raise PictureError(f"The picture has {width * height} pixels; at most {PIXELS} are taken.", 9413)
    return kind, width * height


def choose(options: Options, kind: str, accept: str, longest: int) -> str:
    """The format to deliver. ``auto``: the best that the Accept header names, else the original's own."""
    named = {part.split(";")[0].strip().lower() for part in accept.split(",")}
    match options.format:
        case "auto" if "image/avif" in named and longest <= AVIF_SIDE:
            return "AVIF"
        case "auto" if "image/webp" in named:
            return "WEBP"
        case "auto":
            return kind if kind in ("JPEG", "PNG", "GIF") else "JPEG"
        case "jpeg" | "baseline-jpeg":
            return "JPEG"
        case _:
            return options.format.upper()


def transform(content: bytes, options: Options, accept: str) -> Rendered:
    """Never larger than the limits. Colours become sRGB and the camera's turn is applied, whatever metadata is kept.
    What moves goes on moving, where the format to deliver is left to us and can."""
    kind, pixels = check(content, SOURCE_BYTES)
    try:
        with Image.open(io.BytesIO(content), formats=[kind]) as image:
            exif = image.getexif()
            size = _size(image, exif, options)
            planned = plan(size, options)
            moving = _moving(image, pixels, options, accept)
            if moving:
                return _animated(image, moving, options, planned)
            _draft(image, size, planned)
            seen = _seen(_upright(image, options), size, planned, options)
    except (OSError, ValueError, SyntaxError, struct.error):
        raise PictureError("The picture is broken.") from None
    if options.format == "json":
        return _described(size, seen.size, content, kind)
    return _encoded(seen, choose(options, kind, accept, max(seen.size)), options, exif)


def _size(image: Image.Image, exif: Image.Exif, options: Options) -> tuple[int, int]:
    """As it is to be seen: turned by the camera, and as the options ask."""
    width, height = image.size
    across = (exif.get(ORIENTATION, 1) in (5, 6, 7, 8)) != (options.rotate in (90, 270))
    return (height, width) if across else (width, height)


def _draft(image: Image.Image, size: tuple[int, int], planned: Plan) -> None:
    """Have a JPEG decoded at a fraction of its size, where twice what is asked for is left of it: its pixels are not
    all in memory then."""
    left, top, right, bottom = planned.crop
    scale = 2 * max(planned.size[0] / (right - left), planned.size[1] / (bottom - top))
    if scale < 1:
        across = image.size != size
        wanted = math.ceil(size[0] * scale), math.ceil(size[1] * scale)
        image.draft(None, wanted[::-1] if across else wanted)


def _seen(upright: Image.Image, size: tuple[int, int], planned: Plan, options: Options) -> Image.Image:
    """A picture of ``size``, which may have been decoded smaller, as the options ask for it."""
    wide, high = upright.size[0] / size[0], upright.size[1] / size[1]
    left, top, right, bottom = planned.crop
    crop = left * wide, top * high, min(right * wide, upright.size[0]), min(bottom * high, upright.size[1])
    seen = upright.resize(planned.size, Image.Resampling.LANCZOS, crop, reducing_gap=3.0)
    seen = _adjusted(seen, options)
    if options.blur:
        seen = seen.filter(ImageFilter.GaussianBlur(options.blur / 2))
    if options.sharpen:
        seen = seen.filter(ImageFilter.UnsharpMask(2, round(options.sharpen * 50), 2))
    if planned.canvas or options.background:
        seen = _laid(seen, planned.canvas or seen.size, options)
    return seen


def _moving(image: Image.Image, pixels: int, options: Options, accept: str) -> str:
    """The format of an animation to deliver, empty for a still picture."""
    frames = getattr(image, "n_frames", 1)
    if frames < 2 or not options.anim or frames * pixels > MOVING_PIXELS:
        return ""
    if options.format == "webp" or (options.format == "auto" and "image/webp" in accept):
        return "WEBP"
    return "GIF" if options.format == "auto" and image.format == "GIF" else ""


def _animated(image: Image.Image, wanted: str, options: Options, planned: Plan) -> Rendered:
    frames, durations = [], []
    for frame in ImageSequence.Iterator(image):
        durations.append(int(frame.info.get("duration") or 100))
        upright = _upright(frame, options)
        frames.append(_seen(upright, upright.size, planned, options))
    out = io.BytesIO()
    how: dict[str, object] = {"quality": options.quality, "method": 2} if wanted == "WEBP" else {"disposal": 2}
    # A GIF that says nothing plays once.
    how["loop"] = int(image.info.get("loop", 1))
    frames[0].save(out, wanted, save_all=True, append_images=frames[1:], duration=durations, **how)
    return Rendered(out.getvalue(), KINDS[wanted])


def _upright(image: Image.Image, options: Options) -> Image.Image:
    turned = ImageOps.exif_transpose(image)
    profile = turned.info.get("icc_profile")
    alpha = turned.mode in ("RGBA", "LA", "PA") or "transparency" in turned.info
    if profile and turned.mode in ("RGB", "CMYK", "L"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(turned, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
            turned = converted or turned
        except (ImageCms.PyCMSError, OSError):
            pass  # A broken profile: browsers pass over it too.
    turned = turned.convert("RGBA" if alpha else "RGB")
    return turned.rotate(-options.rotate, expand=True) if options.rotate else turned


def _adjusted(seen: Image.Image, options: Options) -> Image.Image:
    """Mirrored, lighter, of other colours: alpha stays as it is."""
    if "h" in options.flip:
        seen = ImageOps.mirror(seen)
    if "v" in options.flip:
        seen = ImageOps.flip(seen)
    for factor, enhancer in (
        (options.brightness, ImageEnhance.Brightness),
        (options.contrast, ImageEnhance.Contrast),
        (options.saturation, ImageEnhance.Color),
    ):
        if factor != 1:
            seen = enhancer(seen).enhance(factor)
    if options.gamma != 1:
        curve = [round(255 * (level / 255) ** (1 / options.gamma)) for level in range(256)]
        whole = list(range(256))
        seen = seen.point(curve * 3 + (whole if seen.mode == "RGBA" else []))
    return seen


def _laid(seen: Image.Image, canvas: tuple[int, int], options: Options) -> Image.Image:
    try:
        color = ImageColor.getcolor(options.background or "white", "RGBA")
    except ValueError:
        raise PictureError(f"The background {options.background!r} is no colour.") from None
    ground = Image.new("RGBA", canvas, color)
    ground.alpha_composite(seen.convert("RGBA"), ((canvas[0] - seen.size[0]) // 2, (canvas[1] - seen.size[1]) // 2))
    opaque = isinstance(color, tuple) and color[3] == 255
    return ground.convert("RGB") if opaque else ground


def _described(before: tuple[int, int], after: tuple[int, int], content: bytes, kind: str) -> Rendered:
    original = {"file_size": len(content), "width": before[0], "height": before[1], "format": KINDS[kind]}
    told = {"width": after[0], "height": after[1], "original": original}
    return Rendered(json.dumps(told, separators=(",", ":")).encode(), "application/json")


def _encoded(seen: Image.Image, wanted: str, options: Options, exif: Image.Exif) -> Rendered:
    if wanted == "JPEG" and seen.mode == "RGBA":
        ground = Image.new("RGBA", seen.size, "white")
        ground.alpha_composite(seen)
        seen = ground.convert("RGB")
    if wanted == "GIF":
        seen = seen.convert("RGB").quantize() if seen.mode == "RGB" else seen
    how: dict[str, object] = {"quality": options.quality}
    match wanted:
        case "JPEG":
            how |= {"optimize": True, "progressive": options.format != "baseline-jpeg"}
        case "AVIF":
            # Its scale is another: 85 would be larger than the JPEG.
            how = {"quality": max(1, options.quality - 25), "speed": 8, "max_threads": 1}
        case "WEBP":
            how |= {"method": 2}
        case _:
            how = {}
    if kept := _kept(exif, options.metadata):
        how["exif"] = kept
    out = io.BytesIO()
    seen.info.clear()
    seen.save(out, wanted, **how)
    return Rendered(out.getvalue(), KINDS[wanted])


def _kept(exif: Image.Exif, which: str) -> bytes | None:
    """The turn is applied already: told again, it would be done twice."""
    if which == "none" or (which == "copyright" and COPYRIGHT not in exif):
        return None
    kept = Image.Exif()
    names = exif if which == "keep" else [COPYRIGHT]
    for name in names:
        if name != ORIENTATION:
            kept[name] = exif[name]
    return kept.tobytes() if len(kept) else None
