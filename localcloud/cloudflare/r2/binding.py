"""What workerd speaks for a Worker's R2 binding: JSON in a header or before the body, and JSON before the answer.

A read is a GET with the request in a header; a write is a PUT whose body begins with the request, its length in
another header. An answer begins with JSON likewise.
"""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from localcloud.cloudflare.r2 import conditions, listing, uploads
from localcloud.cloudflare.r2.blobs import CHUNK, Draft
from localcloud.cloudflare.r2.errors import R2Error
from localcloud.cloudflare.r2.model import Attributes, Body, Json, Object
from localcloud.cloudflare.r2.store import Store

REQUEST, SIZE, ERROR = "cf-r2-request", "cf-r2-metadata-size", "cf-r2-error"
REQUEST_LIMIT = 1 << 20
DETAILED_PAGE = 100
"""Objects in a listing that shows their metadata."""
DETAILS = {0: "httpFields", 1: "customFields"}
FIELDS = {
    "contentType": "content-type",
    "contentLanguage": "content-language",
    "contentDisposition": "content-disposition",
    "contentEncoding": "content-encoding",
    "cacheControl": "cache-control",
}


@dataclass
class Answer:
    """``content`` is sent first, then ``length`` bytes of ``source`` from where it stands; the sender closes it."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes = b""
    source: BinaryIO | None = None
    length: int = 0

    def chunks(self) -> Iterator[bytes]:
        """All of it, read piece by piece; closes the source."""
        yield self.content
        left = self.length
        if self.source:
            with self.source:
                while left > 0 and (data := self.source.read(min(CHUNK, left))):
                    yield data
                    left -= len(data)


async def answer(
    store: Store, bucket: str, method: str, headers: Mapping[str, str], body: AsyncIterator[bytes]
) -> Answer:
    """One call of a binding. ``headers`` have names in lower case; ``bucket`` is the store's name of it."""
    try:
        if method == "GET":
            # workerd writes keys in it as UTF-8; fields are read as Latin-1.
            return _read(store, bucket, json.loads(headers[REQUEST].encode("latin-1").decode()))
        size = int(headers[SIZE])
        if size > REQUEST_LIMIT:
            raise R2Error("InvalidArgument", "The request's description is too long.")
        buffer = bytearray()
        while len(buffer) < size:
            data = await anext(body, None)
            if data is None:
                raise R2Error("IncompleteBody")
            buffer += data
        return await _write(store, bucket, json.loads(buffer[:size]), bytes(buffer[size:]), body)
    except R2Error as refused:
        return Answer(refused.status, {ERROR: _error(refused), "content-length": "0"})


def _read(store: Store, bucket: str, asked: Json) -> Answer:
    match asked["method"]:
        case "head":
            return _told(_shown(store.get(bucket, asked["object"])))
        case "list":
            return _told(_listed(store, bucket, asked))
        case "get":
            return _got(store, bucket, asked)
    raise R2Error("NotImplemented")


def _got(store: Store, bucket: str, asked: Json) -> Answer:
    entry, source = store.opened(bucket, asked["object"])
    try:
        _check(entry, asked.get("onlyIf"))
        first, length = _span(asked, entry.size)
    except R2Error as refused:
        source.close()
        if refused.code != "PreconditionFailed":
            raise
        # The Worker gets the object without its body.
        shown = _told(_shown(entry))
        shown.status = refused.status
        shown.headers[ERROR] = _error(refused)
        return shown
    source.seek(first)
    told = _told(_shown(entry) | {"range": {"offset": first, "length": length}})
    told.source, told.length = source, length
    told.headers["content-length"] = str(len(told.content) + length)
    return told


def _span(asked: Json, size: int) -> tuple[int, int]:
    if asked.get("rangeHeader"):
        return conditions.span(asked["rangeHeader"], size) or (0, size)
    given = asked.get("range") or {}
    if given.get("suffix") is not None:
        length = min(int(given["suffix"]), size)
        return size - length, length
    first = int(given.get("offset") or 0)
    length = min(int(given["length"]) if given.get("length") is not None else size, size - first)
    if first > size or (first == size and size):
        raise R2Error("InvalidRange")
    return first, length


def _listed(store: Store, bucket: str, asked: Json) -> Json:
    include = {DETAILS.get(one, one) for one in asked.get("include") or ()}
    after = base64.b64decode(asked["cursor"]).decode() if asked.get("cursor") else asked.get("startAfter") or ""
    count = min(int(asked.get("limit") or listing.PAGE), DETAILED_PAGE if include else listing.PAGE)
    page = listing.page(store, bucket, asked.get("prefix") or "", asked.get("delimiter") or "", after, count)
    empty: Json = {"httpFields": {}, "customFields": []}
    hidden = {name: nothing for name, nothing in empty.items() if name not in include}
    told: Json = {"objects": [_shown(entry) | hidden for entry in page.objects], "delimitedPrefixes": page.prefixes}
    told["truncated"] = page.last is not None
    return told | ({"cursor": base64.b64encode(page.last.encode()).decode()} if page.last is not None else {})


async def _write(store: Store, bucket: str, asked: Json, first: bytes, body: AsyncIterator[bytes]) -> Answer:
    key = asked.get("object", "")
    match asked["method"]:
        case "delete":
            for name in asked.get("objects") or [key]:
                store.delete(bucket, name)
            return Answer(headers={"content-length": "0"})
        case "put":
            attributes = _attributes(store, bucket, asked)
            with store.draft([name for name in ("sha1", "sha256") if asked.get(name)]) as draft:
                received = await _received(draft, first, body, asked)
                made = store.put(bucket, key, received, attributes, lambda there: _check(there, asked.get("onlyIf")))
            return _told(_shown(made))
        case "createMultipartUpload":
            return _told({"uploadId": uploads.create(store, bucket, key, _attributes(store, bucket, asked)).id})
    upload = uploads.get(store, bucket, key, asked.get("uploadId", ""))
    match asked["method"]:
        case "uploadPart":
            with store.draft() as draft:
                received = await _received(draft, first, body, asked)
                part = uploads.add_part(store, upload, int(asked["partNumber"]), received)
            return _told({"etag": part.etag})
        case "completeMultipartUpload":
            parts = sorted((int(part["part"]), str(part["etag"])) for part in asked["parts"])
            return _told(_shown(uploads.complete(store, upload, parts)))
        case "abortMultipartUpload":
            uploads.abort(store, upload)
            return Answer(headers={"content-length": "0"})
    raise R2Error("NotImplemented")


async def _received(draft: Draft, first: bytes, body: AsyncIterator[bytes], asked: Json) -> Body:
    draft.write(first)
    async for data in body:
        draft.write(data)
    received = draft.finish()
    if asked.get("md5") and base64.b64decode(asked["md5"]).hex() != received.md5:
        raise R2Error("BadDigest")
    if any(bytes.fromhex(asked[name]) != base64.b64decode(known) for name, known in received.checksums.items()):
        raise R2Error("BadDigest")
    return received


def _attributes(store: Store, bucket: str, asked: Json) -> Attributes:
    fields = asked.get("httpFields") or {}
    headers = {header: str(fields[name]) for name, header in FIELDS.items() if fields.get(name)}
    metadata = {pair["k"]: pair["v"] for pair in asked.get("customFields") or ()}
    return Attributes(headers, metadata, store.bucket(bucket).storage_class)


def _check(entry: Object | None, wanted: Json | None) -> None:
    """A Worker's ``onlyIf``."""
    if not wanted:
        return
    match, none = wanted.get("etagMatches"), wanted.get("etagDoesNotMatch")
    before, after = wanted.get("uploadedBefore"), wanted.get("uploadedAfter")
    holds = not match or (entry is not None and _matches(entry, match))
    holds = holds and not (none and entry is not None and _matches(entry, none))
    if entry is None:
        holds = holds and after is None
    else:
        # Milliseconds since 1970.
        at = (int(entry.modified) if wanted.get("secondsGranularity") else entry.modified) * 1000
        holds = holds and not (before is not None and at >= float(before))
        holds = holds and not (after is not None and at <= float(after))
    if not holds:
        raise R2Error("PreconditionFailed")


def _matches(entry: Object, tags: list[Json]) -> bool:
    return any(tag["type"] == "wildcard" or tag.get("value") == entry.etag for tag in tags)


def _shown(entry: Object) -> Json:
    headers = entry.attributes.headers
    return {
        "name": entry.key,
        "version": entry.blob,
        "size": entry.size,
        "etag": entry.etag,
        "uploaded": int(entry.modified * 1000),
        "httpFields": {name: headers[header] for name, header in FIELDS.items() if header in headers},
        "customFields": [{"k": name, "v": value} for name, value in entry.attributes.metadata.items()],
        "checksums": {} if entry.parts else {"0": entry.etag},
        "storageClass": entry.attributes.storage_class,
    }


def _error(refused: R2Error) -> str:
    return json.dumps({"version": 1, "v4code": refused.number, "message": refused.message})


def _told(about: Any) -> Answer:
    content = json.dumps(about).encode()
    headers = {SIZE: str(len(content)), "content-type": "application/json", "content-length": str(len(content))}
    return Answer(200, headers, content)
