"""What the embedded cloud itself serves under declared host names, asked for over the daemon's Unix socket."""

from __future__ import annotations

from pathlib import Path

from localcloud.cloudflare.edge import forwarding, messages
from localcloud.cloudflare.edge.messages import Request, Response
from localcloud.cloudflare.edge.upstream import Upstream
from localcloud.cloudflare.images_service import names

MANAGED = ".r2.localhost"
"""End of the managed host names of buckets, in the place of ``pub-….r2.dev``."""
PART_HEADER = "x-localcloud-part"
"""Which of them a request is for."""
PICTURES, RESIZING, OBJECTS = "pictures", "resizing", "objects"


def own(host: str) -> bool:
    """Whether a host name is the cloud's, and in no zone."""
    return host == names.HOST or host.endswith(MANAGED)


class Content:
    """The socket's client. ``socket`` is None for an edge that stands alone: there is nothing of this kind then."""

    def __init__(self, upstream: Upstream, socket: Path | None) -> None:
        self._upstream = upstream
        self._socket = socket

    async def ask(self, part: str, request: Request) -> Response:
        """The answer of one of them."""
        if self._socket is None:
            return messages.text(404, "This edge stands alone: there are no pictures and no buckets behind it.\n")
        headers = forwarding.outgoing(request, request.authority)
        headers.set(PART_HEADER, part)
        return await self._upstream.to_socket(str(self._socket), request, headers)
