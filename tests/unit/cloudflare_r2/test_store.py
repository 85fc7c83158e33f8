"""The store under threads, and after a process that was killed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from localcloud.cloudflare.r2.blobs import Draft
from localcloud.cloudflare.r2.errors import R2Error
from localcloud.cloudflare.r2.model import Attributes
from localcloud.cloudflare.r2.store import Store


def put(store: Store, key: str, data: bytes) -> None:
    with store.draft() as draft:
        draft.write(data)
        store.put("bucket", key, draft.finish(), Attributes())


def test_a_reader_sees_one_version_whole_while_it_is_replaced(tmp_path: Path) -> None:
    """A download of the latest backup that fails, or mixes two, because the next one is just being written."""
    store = Store(tmp_path)
    store.create_bucket("bucket")
    put(store, "latest", b"0" * 1000)

    def write(number: int) -> None:
        put(store, "latest", str(number % 10).encode() * 1000)

    def read(_: int) -> bool:
        entry, source = store.opened("bucket", "latest")
        with source:
            data = source.read()
        return len(data) == entry.size == 1000 and len(set(data)) == 1

    with ThreadPoolExecutor(4) as pool:
        writes = pool.map(write, range(200))
        assert all(pool.map(read, range(400)))
        list(writes)
    assert {path.name for path in store.blobs.folder.glob("??/*")} == store.index.blobs()
    store.close()


def test_what_a_killed_process_left_half_written_is_cleared(tmp_path: Path) -> None:
    """A disk that fills up with uploads which nobody can see."""
    store = Store(tmp_path)
    store.create_bucket("bucket")
    put(store, "kept", b"x")
    Draft(store.blobs, ()).write(b"half")
    store.close()
    again = Store(tmp_path)
    assert again.opened("bucket", "kept")[1].read() == b"x"
    assert {path.name for path in again.blobs.folder.glob("??/*")} == again.index.blobs()
    again.close()


def test_a_bucket_with_objects_is_not_deleted(tmp_path: Path) -> None:
    """`pulumi destroy` that takes the backups with it."""
    store = Store(tmp_path)
    store.create_bucket("bucket")
    put(store, "k", b"x")
    for name, code in (("bucket", "BucketNotEmpty"), ("other", "NoSuchBucket")):
        try:
            store.delete_bucket(name)
        except R2Error as refused:
            assert refused.code == code
        else:
            raise AssertionError(name)
    store.delete("bucket", "k")
    store.delete_bucket("bucket")
    assert store.buckets() == []
    store.close()
