"""The S3 operations on buckets: listing them and what is in them, making and deleting."""

from __future__ import annotations

import base64
import binascii

from starlette.responses import Response

from localcloud.cloudflare.r2 import listing, xml
from localcloud.cloudflare.r2.call import Call, answer, storage_class
from localcloud.cloudflare.r2.errors import R2Error
from localcloud.cloudflare.r2.model import Object

OWNER: xml.Node = ("Owner", [("ID", "localcloud"), ("DisplayName", "localcloud")])


async def list_buckets(call: Call) -> Response:
    there = [("Bucket", [("Name", b.name), ("CreationDate", xml.time(b.created))]) for b in call.store.buckets()]
    return answer("ListAllMyBucketsResult", [OWNER, ("Buckets", there)])


async def head(call: Call) -> Response:
    return Response(headers={"x-amz-bucket-region": call.store.bucket(call.bucket).location.lower()})


async def create(call: Call) -> Response:
    call.store.create_bucket(call.bucket)
    return Response(headers={"location": f"/{call.bucket}"})


async def delete(call: Call) -> Response:
    call.store.delete_bucket(call.bucket)
    return Response(status_code=204)


async def location(call: Call) -> Response:
    return answer("LocationConstraint", call.store.bucket(call.bucket).location)


async def list_objects(call: Call) -> Response:
    """Version 1 and 2; they differ in how the next page is asked for."""
    second = call.query.get("list-type") == "2"
    prefix, delimiter = call.query.get("prefix", ""), call.query.get("delimiter", "")
    encoding = call.query.get("encoding-type")
    if encoding not in (None, "", "url"):
        raise R2Error("InvalidArgument", f"encoding-type {encoding!r} is not url.")
    after = call.query.get("start-after", "") if second else call.query.get("marker", "")
    token = call.query.get("continuation-token")
    if second and token is not None:
        after = _read_token(token)
    count = min(call.number("max-keys", listing.PAGE), listing.PAGE)
    found = listing.page(call.store, call.bucket, prefix, delimiter, after, count)
    told: list[xml.Node] = [("Name", call.bucket), ("Prefix", xml.encoded(prefix, encoding))]
    if delimiter:
        told.append(("Delimiter", xml.encoded(delimiter, encoding)))
    told += [("MaxKeys", str(count)), ("IsTruncated", "true" if found.last is not None else "false")]
    if encoding:
        told.append(("EncodingType", encoding))
    if second:
        told.append(("KeyCount", str(len(found.objects) + len(found.prefixes))))
        told += [("ContinuationToken", token)] if token is not None else []
        told += [("StartAfter", xml.encoded(after, encoding))] if after and token is None else []
        told += [("NextContinuationToken", _token(found.last))] if found.last is not None else []
    else:
        told.append(("Marker", xml.encoded(after, encoding)))
        told += [("NextMarker", xml.encoded(found.last, encoding))] if found.last is not None else []
    owner = not second or call.query.get("fetch-owner") == "true"
    told += [("Contents", _entry(entry, encoding, owner)) for entry in found.objects]
    told += [("CommonPrefixes", [("Prefix", xml.encoded(folder, encoding))]) for folder in found.prefixes]
    return answer("ListBucketResult", told)


def _entry(entry: Object, encoding: str | None, owner: bool) -> list[xml.Node]:
    told: list[xml.Node] = [
        ("Key", xml.encoded(entry.key, encoding)), ("Size", str(entry.size)),
        ("LastModified", xml.time(entry.modified)), ("ETag", f'"{entry.etag}"'),
        ("StorageClass", storage_class(entry.attributes.storage_class)),
    ]  # fmt: skip
    told += [("ChecksumAlgorithm", name.upper()) for name in entry.checksums]
    return [*told, OWNER] if owner else told


def _token(last: str) -> str:
    return base64.urlsafe_b64encode(last.encode()).decode()


def _read_token(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token.encode()).decode()
    except (binascii.Error, UnicodeError):
        raise R2Error("InvalidArgument", "The continuation token provided is incorrect") from None
