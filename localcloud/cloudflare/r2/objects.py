"""The S3 operations on one object, and deleting several."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import BinaryIO
from urllib.parse import unquote

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from localcloud.cloudflare.r2 import conditions, payload, xml
from localcloud.cloudflare.r2.blobs import CHUNK
from localcloud.cloudflare.r2.call import Call, answer, describe
from localcloud.cloudflare.r2.errors import R2Error
from localcloud.cloudflare.r2.model import Attributes, Body, Object, within

DELETE_LIMIT = 1000
OVERRIDES = {
    "response-content-type": "content-type",
    "response-content-language": "content-language",
    "response-content-encoding": "content-encoding",
    "response-content-disposition": "content-disposition",
    "response-cache-control": "cache-control",
    "response-expires": "expires",
}


async def put(call: Call) -> Response:
    bucket = call.store.bucket(call.bucket)
    attributes = call.attributes(bucket.storage_class)
    body = await call.receive()
    made = _place(call, body, attributes)
    shown = {payload.PREFIX + name: value for name, value in made.checksums.items()}
    return Response(headers={"etag": f'"{made.etag}"', **shown})


def _place(call: Call, body: Body, attributes: Attributes) -> Object:
    """Make ``body`` the object if the request's conditions hold; what was received is removed if they do not."""
    try:
        return call.store.put(
            call.bucket, call.key, body, attributes, lambda there: conditions.check_write(there, call.headers)
        )
    except BaseException:
        call.store.blobs.remove([body.blob])
        raise


async def get(call: Call) -> Response:
    entry, source = call.store.opened(call.bucket, call.key)
    try:
        status, headers, first, length = _looked_at(call, entry)
    except BaseException:
        source.close()
        raise
    if call.wire.method == "HEAD":
        source.close()
        return Response(status_code=status, headers=headers)
    return StreamingResponse(_bytes(source, first, length), status, headers)


def _looked_at(call: Call, entry: Object) -> tuple[int, dict[str, str], int, int]:
    """(status, headers, first byte, count of bytes) of the answer."""
    conditions.check_read(entry, call.headers)
    headers = describe(entry, call.headers.get("x-amz-checksum-mode", "").upper() == "ENABLED")
    headers |= {header: call.query[name] for name, header in OVERRIDES.items() if name in call.query}
    part = conditions.span(call.headers.get("range"), entry.size)
    if_range = call.headers.get("if-range")
    if if_range and if_range.strip('"') != entry.etag and if_range != headers["last-modified"]:
        part = None
    if part is None:
        return 200, {**headers, "content-length": str(entry.size)}, 0, entry.size
    first, length = part
    # The checksum is of the whole: with a part of the bytes it would be a lie to clients that compare.
    headers = {name: value for name, value in headers.items() if not name.startswith("x-amz-checksum-")}
    headers |= {"content-length": str(length), "content-range": f"bytes {first}-{first + length - 1}/{entry.size}"}
    return 206, headers, first, length


async def _bytes(source: BinaryIO, first: int, length: int) -> AsyncIterator[bytes]:
    with source:
        source.seek(first)
        while length > 0 and (data := await run_in_threadpool(source.read, min(CHUNK, length))):
            length -= len(data)
            yield data


async def delete(call: Call) -> Response:
    call.store.delete(call.bucket, call.key)
    return Response(status_code=204)


async def copy(call: Call) -> Response:
    entry, source = source_of(call)
    with source:
        return await _copied(call, entry, source)


async def _copied(call: Call, entry: Object, source: BinaryIO) -> Response:
    replacing = call.headers.get("x-amz-metadata-directive", "COPY").upper() == "REPLACE"
    if (entry.bucket, entry.key) == (call.bucket, call.key) and not replacing:
        raise R2Error("InvalidRequest", "An object is copied onto itself only with its metadata replaced.")
    default = call.store.bucket(call.bucket).storage_class
    asked = call.attributes(default)
    attributes = asked if replacing else type(asked)(
        entry.attributes.headers, entry.attributes.metadata, asked.storage_class
    )  # fmt: skip
    body = await run_in_threadpool(call.store.blobs.copy, source, 0, entry.size, list(entry.checksums))
    made = _place(call, body, attributes)
    return answer("CopyObjectResult", [("ETag", f'"{made.etag}"'), ("LastModified", xml.time(made.modified))])


def source_of(call: Call) -> tuple[Object, BinaryIO]:
    """The object, open, that x-amz-copy-source names, if the key may read it and the conditions on it hold."""
    bucket, _, key = unquote(call.headers["x-amz-copy-source"].partition("?")[0]).lstrip("/").partition("/")
    if "." in bucket:
        raise R2Error("InvalidBucketName")
    bucket = within(call.jurisdiction, bucket)
    if not call.signed.key.may(bucket, write=False):
        raise R2Error("AccessDenied")
    entry, source = call.store.opened(bucket, key)
    try:
        conditions.check_read(entry, call.headers, "x-amz-copy-source-")
    except BaseException:
        source.close()
        raise
    return entry, source


async def delete_many(call: Call) -> Response:
    """Each on its own: what is locked is told, the others go."""
    call.store.bucket(call.bucket)
    root = xml.parse(await call.document(), "Delete")
    keys = [item.findtext("Key") or "" for item in root.findall("Object")]
    if not 1 <= len(keys) <= DELETE_LIMIT:
        raise R2Error("MalformedXML", f"{len(keys)} objects; a request names 1 to {DELETE_LIMIT}.")
    quiet = (root.findtext("Quiet") or "").lower() == "true"
    told: list[xml.Node] = []
    for key in keys:
        try:
            call.store.delete(call.bucket, key)
        except R2Error as refused:
            told.append(("Error", [("Key", key), ("Code", refused.code), ("Message", refused.message)]))
        else:
            if not quiet:
                told.append(("Deleted", [("Key", key)]))
    return answer("DeleteResult", told)
