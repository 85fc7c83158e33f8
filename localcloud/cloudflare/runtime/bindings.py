"""What answers for what workerd reaches over HTTP: KV namespaces, a version's assets, the Cache API."""

from __future__ import annotations

import json

from localcloud.cloudflare.edge import messages
from localcloud.cloudflare.edge.messages import Request, Response
from localcloud.cloudflare.runtime import asset_server, kv_binding
from localcloud.cloudflare.runtime.cache_binding import CacheStore
from localcloud.cloudflare.runtime.capnp import BINDINGS_SERVICE_HEADER
from localcloud.cloudflare.runtime.kv import KvStore
from localcloud.cloudflare.runtime.model import Assets, Program


class Bindings:
    """Knows the assets of every version that has run, and the stores behind the rest."""

    def __init__(self, kv: KvStore) -> None:
        self._kv = kv
        self._caches = CacheStore()
        self._assets: dict[str, Assets] = {}

    def learn(self, program: Program) -> None:
        """Answer for this program's assets too; versions never change, so that older ones stay right."""
        self._assets.update({version.id: version.assets for version in program.versions if version.assets})

    def assets(self, version_id: str) -> Assets | None:
        return self._assets.get(version_id)

    async def handle(self, request: Request) -> Response:
        """Answer workerd; which binding asks is in a header field of the generated configuration."""
        kind, identity = json.loads(request.headers.get(BINDINGS_SERVICE_HEADER) or '["", ""]')
        match kind:
            case "kv":
                return await kv_binding.answer(self._kv, identity, request)
            case "assets" if (assets := self._assets.get(identity)) is not None:
                return await asset_server.answer(assets, request)
            case "cache":
                return await self._caches.answer(identity, request)
        return messages.text(404, "no such binding")
