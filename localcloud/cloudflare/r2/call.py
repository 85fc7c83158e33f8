"""One S3 request, taken apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from starlette.requests import Request
from starlette.responses import Response

from localcloud.cloudflare.r2 import payload, xml
from localcloud.cloudflare.r2.errors import R2Error
from localcloud.cloudflare.r2.model import JURISDICTIONS, Attributes, Body, Object, within
from localcloud.cloudflare.r2.signature import Signed, Wire
from localcloud.cloudflare.r2.store import Store

HEADERS = (
    "content-type", "content-encoding", "content-language", "content-disposition", "cache-control", "expires",
)  # fmt: skip
"""What is kept of a PUT's headers and given back by a GET."""
META = "x-amz-meta-"
CLASSES = {"STANDARD": "Standard", "STANDARD_IA": "InfrequentAccess"}


@dataclass
class Call:
    """``key`` is empty for the bucket itself, ``bucket`` for the account."""

    store: Store
    request: Request
    wire: Wire
    jurisdiction: str
    bucket: str
    key: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    _signed: Signed | None = field(default=None)

    @property
    def signed(self) -> Signed:
        if self._signed is None:
            raise R2Error("Unauthorized")
        return self._signed

    def sign(self, signed: Signed) -> None:
        self._signed = signed

    def number(self, name: str, default: int) -> int:
        value = self.query.get(name, str(default))
        if not value.isdigit():
            raise R2Error("InvalidArgument", f"{name} {value!r} is no number.")
        return int(value)

    async def document(self) -> bytes:
        """A small body, held against its digests."""
        with self.store.draft(payload.algorithms(self.headers)) as draft:
            body = await payload.receive(draft, self.request.stream(), self.headers, self.signed)
            try:
                if body.size > xml.LIMIT:
                    raise R2Error("MalformedXML", f"The document has {body.size} bytes; at most {xml.LIMIT} are read.")
                return self.store.blobs.path(body.blob).read_bytes()
            finally:
                draft.discard()

    async def receive(self, algorithm: str | None = None) -> Body:
        """The body as a file that the caller puts somewhere or removes."""
        wanted = payload.algorithms(self.headers)
        if algorithm and algorithm not in wanted:
            wanted.append(algorithm)
        if "content-length" not in self.headers and "transfer-encoding" not in self.headers:
            raise R2Error("MissingContentLength")
        with self.store.draft(wanted) as draft:
            return await payload.receive(draft, self.request.stream(), self.headers, self.signed)

    def attributes(self, default_class: str) -> Attributes:
        """What the headers say of the object."""
        kept = {name: self.headers[name] for name in HEADERS if name in self.headers}
        coding = [part.strip() for part in kept.pop("content-encoding", "").split(",")]
        # aws-chunked says how the body travels, not what it is.
        if coding := [part for part in coding if part and part != "aws-chunked"]:
            kept["content-encoding"] = ", ".join(coding)
        metadata = {name.removeprefix(META): value for name, value in self.headers.items() if name.startswith(META)}
        asked = self.headers.get("x-amz-storage-class")
        if asked and asked not in CLASSES:
            raise R2Error("InvalidArgument", f"The storage class {asked!r} is not one of {', '.join(CLASSES)}.")
        return Attributes(kept, metadata, CLASSES[asked] if asked else default_class)


def take_apart(store: Store, request: Request) -> Call:
    """Path style only: /BUCKET/KEY. A jurisdiction's buckets are reached by a host name with its label, as in R2."""
    wire = _wire(request)
    bucket, _, key = unquote_to_bytes(wire.path[1:]).partition(b"/")
    name = _name(bucket)
    labels = (wire.header("host") or "").split(":")[0].split(".")
    jurisdiction = next((label for label in labels if label in JURISDICTIONS), "default")
    # A dot would reach into another jurisdiction.
    if "." in name:
        raise R2Error("InvalidBucketName")
    named = within(jurisdiction, name) if name else ""
    return Call(store, request, wire, jurisdiction, named, _name(key), dict(wire.parameters()), dict(wire.headers))


def public_call(store: Store, request: Request, bucket: str) -> Call:
    """A request under a bucket's own host name: the whole path is the key, and the query says nothing."""
    wire = _wire(request)
    key = _name(unquote_to_bytes(wire.path[1:]))
    return Call(store, request, wire, store.bucket(bucket).jurisdiction, bucket, key, {}, dict(wire.headers))


def _wire(request: Request) -> Wire:
    raw = request.scope.get("raw_path") or request.scope["path"].encode()
    headers = [(name.decode("latin-1"), _text(value)) for name, value in request.scope["headers"]]
    return Wire(request.method, raw.partition(b"?")[0].decode("latin-1"), _text(request.scope["query_string"]), headers)


def _name(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise R2Error("InvalidURI") from None


def _text(raw: bytes) -> str:
    return raw.decode(errors="surrogateescape")


def describe(entry: Object, checksums: bool) -> dict[str, str]:
    """A GET's or HEAD's headers, but for the length."""
    shown = {"content-type": "application/octet-stream", **entry.attributes.headers}
    shown |= {META + name: value for name, value in entry.attributes.metadata.items()}
    shown |= {"etag": f'"{entry.etag}"', "last-modified": xml.http_time(entry.modified), "accept-ranges": "bytes"}
    if entry.attributes.storage_class != "Standard":
        shown["x-amz-storage-class"] = storage_class(entry.attributes.storage_class)
    if checksums:
        shown |= {payload.PREFIX + name: value for name, value in entry.checksums.items()}
        if entry.checksums:
            composite = any("-" in value for value in entry.checksums.values())
            shown["x-amz-checksum-type"] = "COMPOSITE" if composite else "FULL_OBJECT"
    if entry.parts:
        shown["x-amz-mp-parts-count"] = str(entry.parts)
    return shown


def storage_class(name: str) -> str:
    return next(shown for shown, kept in CLASSES.items() if kept == name)


def answer(name: str, content: str | list[xml.Node]) -> Response:
    return Response(xml.render(name, content), media_type="application/xml")
