"""What lifecycle rules do when their time has come. R2 takes up to a day over it; here it happens at each sweep."""

from __future__ import annotations

from dataclasses import dataclass, replace

from localcloud.cloudflare.r2 import rules, uploads
from localcloud.cloudflare.r2.errors import R2Error
from localcloud.cloudflare.r2.model import Bucket, Object
from localcloud.cloudflare.r2.store import Store

BATCH = 1000


@dataclass
class Swept:
    """How many objects were deleted, moved to another storage class, and uploads given up."""

    deleted: int = 0
    moved: int = 0
    aborted: int = 0


def sweep(store: Store) -> Swept:
    """Apply all buckets' rules as of the store's clock. A lock is stronger than a rule: what is locked stays."""
    done = Swept()
    for bucket in store.buckets():
        _objects(store, bucket, done)
        _uploads(store, bucket, done)
    return done


def _objects(store: Store, bucket: Bucket, done: Swept) -> None:
    wanted = [rule for rule in bucket.lifecycle if rule.get("enabled", True)]
    wanted = [rule for rule in wanted if rule.get("deleteObjectsTransition") or rule.get("storageClassTransitions")]
    after = b""
    while wanted and (batch := store.scan(bucket.name, after, b"", BATCH)):
        for entry in batch:
            _object(store, [rule for rule in wanted if entry.key.startswith(rules.prefix(rule))], entry, done)
        after = batch[-1].key.encode()


def _object(store: Store, covering: list[dict[str, object]], entry: Object, done: Swept) -> None:
    now = store.clock()

    def unchanged(there: Object | None) -> None:
        """Somebody may have written a new one since the rules were looked at."""
        if there != entry:
            raise R2Error("PreconditionFailed")

    try:
        for rule in covering:
            end = rule.get("deleteObjectsTransition")
            if isinstance(end, dict) and rules.due(end["condition"], entry.modified, now):
                store.delete(entry.bucket, entry.key, unchanged)
                done.deleted += 1
                return
        for rule in covering:
            steps = rule.get("storageClassTransitions")
            for step in steps if isinstance(steps, list) else ():
                if step["storageClass"] != entry.attributes.storage_class and rules.due(
                    step["condition"], entry.modified, now
                ):
                    store.reclassify(entry, replace(entry.attributes, storage_class=step["storageClass"]))
                    done.moved += 1
                    return
    except R2Error:
        return


def _uploads(store: Store, bucket: Bucket, done: Swept) -> None:
    now = store.clock()
    for upload in uploads.under_way(store, bucket.name):
        for rule in bucket.lifecycle:
            end = rule.get("abortMultipartUploadsTransition")
            covered = rule.get("enabled", True) and upload.key.startswith(rules.prefix(rule))
            if end and covered and rules.due(end["condition"], upload.created, now):
                uploads.abort(store, upload)
                done.aborted += 1
                break
