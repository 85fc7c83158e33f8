"""One key of a Workers KV namespace: raw on the way out, a form on the way in."""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import urlencode

from localcloud.plugins.base.values import Properties
from localcloud.plugins.cloudflare.client import Api, ApiError, Part
from localcloud.plugins.cloudflare.plan import same_json
from localcloud.plugins.cloudflare.resource import CloudflareResource
from localcloud.plugins.cloudflare.rest import Rest
from localcloud.plugins.cloudflare.shape import compact

_NAMESPACE = "/accounts/{accountId}/storage/kv/namespaces/{namespaceId}"
_QUERY = {"expiration": "expiration", "expirationTtl": "expiration_ttl"}


class WorkersKv(CloudflareResource):
    """A key with its value and metadata."""

    rest: ClassVar[Rest] = Rest(
        "WorkersKv",
        _NAMESPACE + "/values/{keyName}",
        item=_NAMESPACE + "/values/{keyName}",
        id="keyName",
        create="PUT",
        replace=frozenset({"accountId", "namespaceId", "keyName"}),
        import_id="{accountId}/{namespaceId}/{keyName}",
        same={"metadata": same_json},
    )

    def make(self, api: Api, inputs: Properties) -> tuple[str, Properties]:
        asked = {written: inputs[name] for name, written in _QUERY.items() if name in inputs}
        path = self.path(self.item, "", inputs) + ("?" + urlencode(asked) if asked else "")
        parts = [Part("value", str(inputs["value"]).encode())]
        if inputs.get("metadata"):
            parts.append(Part("metadata", str(inputs["metadata"]).encode()))
        api.ask("PUT", path, form=parts)
        return str(inputs["keyName"]), {}

    def change(self, api: Api, id: str, state: Properties, planned: Properties, changed: set[str]) -> Properties:
        return self.make(api, planned)[1]

    def look(self, api: Api, id: str, state: Properties) -> Properties | None:
        value = api.find(self.path(self.item, id, state))
        if value is None:
            return None
        metadata = self._metadata(api, id, state)
        return {"value": value.content.decode(errors="replace"), "metadata": metadata}

    def _metadata(self, api: Api, id: str, state: Properties) -> str | None:
        try:
            found = api.get(self.path(_NAMESPACE + "/metadata/{keyName}", id, state))
        except ApiError as error:
            if error.status == 404:
                return None
            raise
        return None if found is None else compact(found)


PLAIN: tuple[Rest, ...] = ()
SPECIAL = (WorkersKv,)
