"""Names that pictures are served by, and what a browser's Accept header means for them; pure, without Pillow."""

from __future__ import annotations

HOST = "imagedelivery.localhost"
"""In the place of imagedelivery.net."""
DELIVERY = "/cdn-cgi/imagedelivery"
"""Before /HASH/PICTURE/VARIANT where pictures are served under a host name of one's own."""
RESIZING = "/cdn-cgi/image"
"""Before /OPTIONS/SOURCE: a picture of anybody's, transformed by its URL."""
MODERN = ("image/avif", "image/webp")


def taken(accept: str) -> str:
    """The modern formats that an Accept header names, in our order: requests that agree in it get the same bytes."""
    named: dict[str, bool] = {}
    for part in accept.split(","):
        kind, *parameters = (word.strip().lower() for word in part.split(";"))
        weight = next((word[2:] for word in parameters if word.startswith("q=")), "1")
        named[kind] = weight.strip("0.") != ""
    return ",".join(kind for kind in MODERN if named.get(kind))


def source(text: str) -> str:
    """What comes after the options in a URL, as an address or as a path of the same host."""
    scheme, colon, rest = text.partition(":")
    if colon and scheme.lower() in ("http", "https"):
        # A proxy before us may have made one slash of two.
        return f"{scheme.lower()}://{rest.lstrip('/')}"
    return text if "://" in text else f"/{text.lstrip('/')}"
