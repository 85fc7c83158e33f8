"""R2 behind the control plane: what was declared there is what the store serves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime

from localcloud.cloudflare.dataplane import interface
from localcloud.cloudflare.r2 import listing, uploads
from localcloud.cloudflare.r2.errors import R2Error
from localcloud.cloudflare.r2.keys import AccessKey, Grant, MemoryKeys
from localcloud.cloudflare.r2.model import Attributes, Object, within
from localcloud.cloudflare.r2.store import Store


class R2Objects:
    """Implements :class:`~localcloud.cloudflare.dataplane.interface.Objects`. ``keys`` is for the S3 server."""

    def __init__(self, store: Store) -> None:
        self.store, self.keys = store, MemoryKeys()
        self.domains: Mapping[str, str] = {}
        """Host names that serve a bucket to everybody, with the store's names of the buckets."""

    def apply(self, buckets: Sequence[interface.Bucket], credentials: Sequence[interface.Credential]) -> None:
        wanted = {within(bucket.jurisdiction, bucket.name): bucket for bucket in buckets}
        there = {bucket.name for bucket in self.store.buckets()}
        try:
            for name in there - set(wanted):
                self.store.drop_bucket(name)
            for name, bucket in wanted.items():
                if name not in there:
                    self.store.create_bucket(name, jurisdiction=bucket.jurisdiction)
                self.store.set_storage_class(name, bucket.storage_class)
                self.store.set_lifecycle(name, [dict(rule) for rule in bucket.lifecycle])
                self.store.set_lock(name, [dict(rule) for rule in bucket.locks])
                self.store.set_cors(name, [dict(rule) for rule in bucket.cors] or None)
        except R2Error as refused:
            raise interface.DataPlaneError(refused.message) from refused
        self.domains = {host: name for name, bucket in wanted.items() for host in bucket.domains}
        self.keys.replace(_key(credential) for credential in credentials)

    def check_empty(self, jurisdiction: str, bucket: str) -> None:
        name = within(jurisdiction, bucket)
        with suppress(R2Error):
            if listing.page(self.store, name, count=1).objects or uploads.under_way(self.store, name):
                raise interface.BucketNotEmpty(f"The bucket {bucket!r} is not empty.")

    def listing(self, jurisdiction: str, bucket: str, prefix: str = "") -> list[interface.Stored]:
        found, after = [], ""
        while True:
            page = listing.page(self.store, within(jurisdiction, bucket), prefix, after=after)
            found += [_stored(entry) for entry in page.objects]
            if page.last is None:
                return found
            after = page.last

    def get(self, jurisdiction: str, bucket: str, key: str) -> tuple[interface.Stored, bytes] | None:
        try:
            entry, source = self.store.opened(within(jurisdiction, bucket), key)
        except R2Error:
            return None
        with source:
            return _stored(entry), source.read()

    def put(self, jurisdiction: str, bucket: str, key: str, content: bytes, content_type: str = "") -> interface.Stored:
        name = within(jurisdiction, bucket)
        try:
            there = self.store.bucket(name)
            headers = {"content-type": content_type} if content_type else {}
            with self.store.draft() as draft:
                draft.write(content)
                attributes = Attributes(headers, storage_class=there.storage_class)
                return _stored(self.store.put(name, key, draft.finish(), attributes))
        except R2Error as refused:
            raise _as_declared(refused) from refused

    def delete(self, jurisdiction: str, bucket: str, key: str) -> None:
        try:
            self.store.delete(within(jurisdiction, bucket), key)
        except R2Error as refused:
            raise _as_declared(refused) from refused


def _as_declared(refused: R2Error) -> interface.DataPlaneError:
    kind = interface.Locked if refused.code == "ObjectLockedByBucketPolicy" else interface.DataPlaneError
    return kind(refused.message)


def _key(credential: interface.Credential) -> AccessKey:
    if credential.buckets is None:
        return AccessKey(credential.access, credential.secret, (Grant(None, credential.write),))
    grants = (Grant(within(*bucket), credential.write) for bucket in sorted(credential.buckets))
    return AccessKey(credential.access, credential.secret, tuple(grants))


def _stored(entry: Object) -> interface.Stored:
    uploaded = datetime.fromtimestamp(entry.modified, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return interface.Stored(
        entry.key,
        entry.size,
        entry.etag,
        uploaded,
        entry.attributes.headers.get("content-type", "application/octet-stream"),
        entry.attributes.metadata,
        entry.attributes.storage_class,
    )
