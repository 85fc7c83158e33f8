"""R2 bindings of Workers, answered through the edge from the store that S3 clients use too."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

from localcloud.cloudflare.edge import messages
from localcloud.cloudflare.edge.messages import Headers, Request, Response
from localcloud.cloudflare.r2 import binding
from localcloud.cloudflare.r2.store import Store
from localcloud.cloudflare.runtime.capnp import BINDINGS_SERVICE_HEADER


class R2Binding:
    """Answers calls for any bucket of a store; which one is in the header field of workerd's configuration."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def handle(self, request: Request) -> Response:
        """The response to one call."""
        bucket = json.loads(request.headers.get(BINDINGS_SERVICE_HEADER) or '["r2", ""]')[1]
        given = {name.decode(): value.decode("latin-1") for name, value in request.headers.pairs}
        answer = await binding.answer(self._store, bucket, request.method, given, request.body or messages.chunks())
        headers = Headers((name.encode(), value.encode("latin-1")) for name, value in answer.headers.items())
        response = Response(answer.status, headers, _body(answer))
        if answer.source is not None:
            response.resources.callback(answer.source.close)
        return response


async def _body(answer: binding.Answer) -> AsyncIterator[bytes]:
    for data in answer.chunks():
        yield data
