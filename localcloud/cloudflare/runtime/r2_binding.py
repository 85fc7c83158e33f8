"""The HTTP that workerd speaks for an R2 binding, answered from the store that S3 clients use too.

A call's description is JSON: in a header field for reads, before the value in the body for the rest. Multipart uploads
by a binding are refused; S3 clients have them.
"""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from typing import Any, BinaryIO

from localcloud.cloudflare.edge import messages
from localcloud.cloudflare.edge.messages import Headers, Request, Response
from localcloud.cloudflare.r2 import listing
from localcloud.cloudflare.r2.errors import R2Error
from localcloud.cloudflare.r2.model import Attributes, Object
from localcloud.cloudflare.r2.store import Store
from localcloud.cloudflare.runtime.capnp import BINDINGS_SERVICE_HEADER

REQUEST_HEADER = "cf-r2-request"
SIZE_HEADER = "cf-r2-metadata-size"
ERROR_HEADER = "cf-r2-error"
CHUNK = 256 * 1024
DETAILED_PAGE = 100
"""Objects in a listing that shows their metadata."""
FIELDS = {
    "contentType": "content-type",
    "contentLanguage": "content-language",
    "contentDisposition": "content-disposition",
    "contentEncoding": "content-encoding",
    "cacheControl": "cache-control",
}


class R2Binding:
    """Answers calls for any bucket of a store; which one is in the header field of workerd's configuration."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def handle(self, request: Request) -> Response:
        """The response to one call."""
        bucket = json.loads(request.headers.get(BINDINGS_SERVICE_HEADER) or '["r2", ""]')[1]
        try:
            if request.method == "GET":
                # workerd writes keys in it as UTF-8
                call = (request.headers.get(REQUEST_HEADER) or "{}").encode("latin-1").decode()
                return self._read(bucket, json.loads(call))
            return await self._write(bucket, request)
        except R2Error as error:
            return _error(error)

    def _read(self, bucket: str, call: dict[str, Any]) -> Response:
        if call["method"] == "list":
            return _result(self._listing(bucket, call))
        if call["method"] == "head":
            return _result(_described(self._store.get(bucket, call["object"])))
        entry, file = self._store.opened(bucket, call["object"])
        try:
            if not _holds(call.get("onlyIf"), entry):
                raise R2Error("PreconditionFailed")
            first, length = _range(call, entry.size)
        except R2Error as error:
            file.close()
            return _error(error, entry if error.code == "PreconditionFailed" else None)
        told = _described(entry)
        told["range"] = {"offset": first, "length": length}
        return _result(told, file, first, length)

    async def _write(self, bucket: str, request: Request) -> Response:
        body = Body(request.body)
        call = json.loads(await body.prefix(int(request.headers.get(SIZE_HEADER) or 0)))
        match call["method"]:
            case "delete":
                for key in [call["object"]] if "object" in call else call["objects"]:
                    self._store.delete(bucket, key)
                return messages.text(200, "")
            case "put":
                return await self._put(bucket, call, body)
        raise R2Error("NotImplemented", f"An R2 binding has no {call['method']} here: upload in parts by S3.")

    async def _put(self, bucket: str, call: dict[str, Any], body: Body) -> Response:
        fields = call.get("httpFields") or {}
        attributes = Attributes(
            {header: fields[name] for name, header in FIELDS.items() if name in fields},
            {one["k"]: one["v"] for one in call.get("customFields") or ()},
            self._store.bucket(bucket).storage_class,
        )

        def guard(there: Object | None) -> None:
            if not _holds(call.get("onlyIf"), there):
                raise R2Error("PreconditionFailed")

        with self._store.draft() as draft:
            async for chunk in body:
                draft.write(chunk)
            received = draft.finish()
            if "md5" in call and base64.b64decode(call["md5"]).hex() != received.md5:
                raise R2Error("BadDigest")
            made = self._store.put(bucket, call["object"], received, attributes, guard)
        return _result(_described(made))

    def _listing(self, bucket: str, call: dict[str, Any]) -> dict[str, Any]:
        shown = {0: "httpFields", 1: "customFields"}
        include = {shown.get(one, one) for one in call.get("include") or ()}
        limit = min(call.get("limit") or listing.PAGE, DETAILED_PAGE if include else listing.PAGE)
        after = call.get("startAfter") or ""
        if call.get("cursor"):
            after = base64.b64decode(call["cursor"]).decode()
        page = listing.page(self._store, bucket, call.get("prefix") or "", call.get("delimiter") or "", after, limit)
        objects = []
        for entry in page.objects:
            told = _described(entry)
            told["httpFields"] = told["httpFields"] if "httpFields" in include else {}
            told["customFields"] = told["customFields"] if "customFields" in include else []
            objects.append(told)
        result = {"objects": objects, "truncated": page.last is not None, "delimitedPrefixes": page.prefixes}
        if page.last is not None:
            result["cursor"] = base64.b64encode(page.last.encode()).decode()
        return result


class Body:
    """A request's body of which the beginning is read apart."""

    def __init__(self, source: AsyncIterator[bytes] | None) -> None:
        self._source = source
        self._rest = b""

    async def prefix(self, size: int) -> bytes:
        """The first ``size`` bytes."""
        while len(self._rest) < size and self._source is not None:
            chunk = await anext(self._source, None)
            if chunk is None:
                raise R2Error("IncompleteBody")
            self._rest += chunk
        first, self._rest = self._rest[:size], self._rest[size:]
        return first

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._rest:
            yield self._rest
        if self._source is not None:
            async for chunk in self._source:
                yield chunk


def _described(entry: Object) -> dict[str, Any]:
    headers = entry.attributes.headers
    checksums = {"0": entry.etag} if not entry.parts else {}
    return {
        "name": entry.key,
        "version": entry.blob,
        "size": entry.size,
        "etag": entry.etag,
        "uploaded": int(entry.modified * 1000),
        "httpFields": {name: headers[header] for name, header in FIELDS.items() if header in headers},
        "customFields": [{"k": name, "v": value} for name, value in entry.attributes.metadata.items()],
        "checksums": checksums,
        "storageClass": entry.attributes.storage_class,
    }


def _holds(condition: dict[str, Any] | None, entry: Object | None) -> bool:
    """Whether ``onlyIf`` is met; times in milliseconds since 1970."""
    if condition is None:
        return True

    def named(tags: list[dict[str, str]]) -> bool:
        return entry is not None and any(tag["type"] == "wildcard" or tag.get("value") == entry.etag for tag in tags)

    if "etagMatches" in condition and not named(condition["etagMatches"]):
        return False
    if "etagDoesNotMatch" in condition and named(condition["etagDoesNotMatch"]):
        return False
    if entry is None:
        return "uploadedAfter" not in condition
    uploaded = entry.modified * 1000
    if condition.get("secondsGranularity"):
        uploaded = uploaded // 1000 * 1000
    if "uploadedBefore" in condition and uploaded >= float(condition["uploadedBefore"]):
        return False
    return not ("uploadedAfter" in condition and uploaded <= float(condition["uploadedAfter"]))


def _range(call: dict[str, Any], size: int) -> tuple[int, int]:
    """First byte and length of what is asked for."""
    asked = call.get("range")
    if asked is None and call.get("rangeHeader", "").startswith("bytes=") and "," not in call["rangeHeader"]:
        first, _, last = call["rangeHeader"][6:].partition("-")
        if not first:
            asked = {"suffix": int(last)}
        else:
            asked = {"offset": int(first)} | ({"length": int(last) - int(first) + 1} if last else {})
    if asked is None:
        return 0, size
    if "suffix" in asked:
        length = min(int(asked["suffix"]), size)
        return size - length, length
    offset = int(asked.get("offset", 0))
    if offset > size or (offset == size and size):
        raise R2Error("InvalidRange")
    return offset, min(int(asked.get("length", size)), size - offset)


def _result(told: dict[str, Any], file: BinaryIO | None = None, first: int = 0, length: int = 0) -> Response:
    data = json.dumps(told).encode()
    headers = Headers([(b"content-type", b"application/json")])
    headers.set(SIZE_HEADER, str(len(data)))
    headers.set("content-length", str(len(data) + length))
    response = Response(200, headers, _body(data, file, first, length))
    if file is not None:
        response.resources.callback(file.close)
    return response


async def _body(data: bytes, file: BinaryIO | None, first: int, length: int) -> AsyncIterator[bytes]:
    yield data
    if file is None:
        return
    file.seek(first)
    while length > 0 and (chunk := file.read(min(CHUNK, length))):
        length -= len(chunk)
        yield chunk


def _error(error: R2Error, entry: Object | None = None) -> Response:
    response = _result(_described(entry)) if entry is not None else Response(0, Headers(), messages.chunks())
    response.status = error.status
    told = {"message": error.message, "version": 1, "v4code": error.number}
    response.headers.set(ERROR_HEADER, json.dumps(told))
    return response
