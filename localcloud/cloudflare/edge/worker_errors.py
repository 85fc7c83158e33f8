"""What clients get in place of a Worker's response when there is none."""

from __future__ import annotations

from localcloud.cloudflare.edge import messages
from localcloud.cloudflare.edge.messages import Response

UNCAUGHT = b"Internal Server Error"
"""workerd's whole answer for a Worker that threw or can never respond; a Worker's own text has a type."""


def threw() -> Response:
    """Cloudflare's error 1101."""
    return messages.text(500, "error code: 1101\nWorker threw exception")


def exceeded() -> Response:
    """Cloudflare's error 1102."""
    return messages.text(503, "error code: 1102\nWorker exceeded resource limits")


async def told(response: Response) -> Response:
    """A response of workerd's, or what Cloudflare says in place of its answer for an exception."""
    headers = response.headers
    if (
        response.status != 500
        or headers.get("content-type") is not None
        or headers.get("content-length") != str(len(UNCAUGHT))
    ):
        return response
    found = await response.read()
    if found and found != UNCAUGHT:
        response.body = messages.chunks(found)
        return response
    await response.aclose()
    return threw()
