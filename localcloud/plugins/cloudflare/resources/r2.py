"""R2: buckets and what is set on them. Every call names the bucket's jurisdiction in a header."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from localcloud.plugins.base.values import Properties
from localcloud.plugins.cloudflare.client import Api
from localcloud.plugins.cloudflare.plan import same_letters, same_time
from localcloud.plugins.cloudflare.resource import CloudflareResource
from localcloud.plugins.cloudflare.rest import Rest

_BUCKETS = "/accounts/{accountId}/r2/buckets"
_BUCKET = _BUCKETS + "/{bucketName}"
_DEFAULTS = {"jurisdiction": "default"}
_OWNER = frozenset({"accountId", "bucketName"})
_UNSENT = frozenset({"jurisdiction"})
_IMPORT = "{accountId}/{bucketName}/{jurisdiction}"


def jurisdiction(properties: Mapping[str, Any]) -> dict[str, str]:
    """The header that says where the bucket's data may be."""
    return {"cf-r2-jurisdiction": str(properties.get("jurisdiction") or "default")}


class R2Bucket(CloudflareResource):
    """A bucket. A change of the storage class is a PATCH without a body; a change of the jurisdiction alone as well,
    which moves nothing: the provider has it so."""

    rest: ClassVar[Rest] = Rest(
        "R2Bucket",
        _BUCKETS,
        item=_BUCKETS + "/{name}",
        id="name",
        update="PATCH",
        replace=frozenset({"accountId", "name", "location"}),
        import_id="{accountId}/{name}/{jurisdiction}",
        defaults=_DEFAULTS | {"storageClass": "Standard"},
        unsent=_UNSENT,
        names={"location": "locationHint"},
        same={"location": same_letters},
        headers=jurisdiction,
    )

    def change(self, api: Api, id: str, state: Properties, planned: Properties, changed: set[str]) -> Properties:
        headers = jurisdiction(planned) | {"cf-r2-storage-class": str(planned["storageClass"])}
        answer = api.ask("PATCH", self.path(self.item, id, planned), headers=headers)
        return self.told(answer.result, planned)


class R2CustomDomain(CloudflareResource):
    """A host name of a bucket; what the answer to a change leaves out is asked for."""

    rest: ClassVar[Rest] = Rest(
        "R2CustomDomain",
        _BUCKET + "/domains/custom",
        item=_BUCKET + "/domains/custom/{domain}",
        id="domain",
        replace=_OWNER | {"domain", "zoneId"},
        import_id="{accountId}/{bucketName}/{domain}/{jurisdiction}",
        defaults=_DEFAULTS,
        unsent=_UNSENT,
        unordered=frozenset({"ciphers"}),
        stable=frozenset({"zoneName"}),
        headers=jurisdiction,
    )

    def make(self, api: Api, inputs: Properties) -> tuple[str, Properties]:
        id, told = super().make(api, inputs)
        return id, self._completed(api, id, told, inputs)

    def change(self, api: Api, id: str, state: Properties, planned: Properties, changed: set[str]) -> Properties:
        told = super().change(api, id, state, planned, changed)
        return self._completed(api, id, told, planned)

    def _completed(self, api: Api, id: str, told: Properties, known: Properties) -> Properties:
        if told.get("zoneName"):
            return told
        return told | (self.look(api, id, known) or {})


class R2ManagedDomain(CloudflareResource):
    """The bucket's r2.dev address. The provider never reads it, so that a change behind its back stays unseen."""

    rest: ClassVar[Rest] = Rest(
        "R2ManagedDomain",
        _BUCKET + "/domains/managed",
        item=_BUCKET + "/domains/managed",
        id="bucketName",
        create="PUT",
        delete=False,
        replace=_OWNER,
        defaults=_DEFAULTS,
        unsent=_UNSENT,
        stable=frozenset({"bucketId", "domain"}),
        headers=jurisdiction,
    )

    def look(self, api: Api, id: str, state: Properties) -> Properties | None:
        return {}


def _setting(name: str, path: str, *, delete: bool, same: Mapping[str, Any] | None = None) -> Rest:
    return Rest(
        name,
        f"{_BUCKET}/{path}",
        item=f"{_BUCKET}/{path}",
        id="bucketName",
        create="PUT",
        delete=delete,
        replace=_OWNER,
        import_id=_IMPORT,
        defaults=_DEFAULTS,
        plain=frozenset({"rules"}),
        unsent=_UNSENT,
        same=same or {},
        headers=jurisdiction,
    )


_TRANSITIONS = ("deleteObjectsTransition", "storageClassTransitions")
PLAIN = (
    _setting(
        "R2BucketLifecycle",
        "lifecycle",
        delete=False,
        same={f"rules.{transition}.condition.date": same_time for transition in _TRANSITIONS},
    ),
    _setting("R2BucketLock", "lock", delete=False, same={"rules.condition.date": same_time}),
    _setting("R2BucketCors", "cors", delete=True),
)
SPECIAL = (R2Bucket, R2CustomDomain, R2ManagedDomain)
