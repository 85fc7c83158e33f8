"""The S3 operations of multipart uploads."""

from __future__ import annotations

import re

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from localcloud.cloudflare.r2 import checksums, conditions, payload, uploads, xml
from localcloud.cloudflare.r2.call import Call, answer, storage_class
from localcloud.cloudflare.r2.errors import R2Error
from localcloud.cloudflare.r2.model import Body, Part, Upload
from localcloud.cloudflare.r2.objects import source_of


def _upload(call: Call) -> Upload:
    return uploads.get(call.store, call.bucket, call.key, call.query["uploadId"])


async def create(call: Call) -> Response:
    algorithm = call.headers.get("x-amz-checksum-algorithm", "").lower() or None
    if algorithm and algorithm not in checksums.ALGORITHMS:
        raise R2Error("InvalidRequest", f"The checksum algorithm {algorithm!r} is not known.")
    whole = call.headers.get("x-amz-checksum-type", "").upper() == "FULL_OBJECT" or algorithm == "crc64nvme"
    attributes = call.attributes(call.store.bucket(call.bucket).storage_class)
    made = uploads.create(call.store, call.bucket, call.key, attributes, algorithm, whole)
    told: list[xml.Node] = [("Bucket", call.bucket), ("Key", call.key), ("UploadId", made.id)]
    return answer("InitiateMultipartUploadResult", told)


async def put(call: Call) -> Response:
    upload = _upload(call)
    body = await call.receive()
    part = _add(call, upload, body)
    shown = {payload.PREFIX + name: value for name, value in part.checksums.items()}
    return Response(headers={"etag": f'"{part.etag}"', **shown})


async def copy(call: Call) -> Response:
    upload = _upload(call)
    entry, source = source_of(call)
    with source:
        asked = call.headers.get("x-amz-copy-source-range")
        span = conditions.span(asked, entry.size)
        if asked and (span is None or not re.fullmatch(r"bytes=\d+-\d+", asked)):
            raise R2Error("InvalidArgument", f"The range {asked!r} is not bytes=FIRST-LAST.")
        first, length = span or (0, entry.size)
        body = await run_in_threadpool(call.store.blobs.copy, source, first, length)
    part = _add(call, upload, body)
    return answer("CopyPartResult", [("ETag", f'"{part.etag}"'), ("LastModified", xml.time(part.modified))])


def _add(call: Call, upload: Upload, body: Body) -> Part:
    try:
        return uploads.add_part(call.store, upload, call.number("partNumber", 0), body)
    except BaseException:
        call.store.blobs.remove([body.blob])
        raise


async def complete(call: Call) -> Response:
    upload = _upload(call)
    root = xml.parse(await call.document(), "CompleteMultipartUpload")
    try:
        chosen = [
            (int(part.findtext("PartNumber") or ""), (part.findtext("ETag") or "").strip('"'))
            for part in root.findall("Part")
        ]
    except ValueError:
        raise R2Error("MalformedXML") from None
    made = await run_in_threadpool(
        uploads.complete, call.store, upload, chosen, lambda there: conditions.check_write(there, call.headers)
    )
    told: list[xml.Node] = [("Location", f"/{call.bucket}/{call.key}"), ("Bucket", call.bucket), ("Key", call.key)]
    told.append(("ETag", f'"{made.etag}"'))
    told += [(f"Checksum{name.upper()}", value) for name, value in made.checksums.items()]
    return answer("CompleteMultipartUploadResult", told)


async def abort(call: Call) -> Response:
    uploads.abort(call.store, _upload(call))
    return Response(status_code=204)


async def list_parts(call: Call) -> Response:
    upload = _upload(call)
    after, count = call.number("part-number-marker", 0), min(call.number("max-parts", 1000), 1000)
    there = [part for part in uploads.parts(call.store, upload) if part.number > after]
    shown = there[:count]
    told: list[xml.Node] = [("Bucket", call.bucket), ("Key", call.key), ("UploadId", upload.id)]
    told += [("PartNumberMarker", str(after)), ("MaxParts", str(count))]
    told += [("NextPartNumberMarker", str(shown[-1].number))] if shown else []
    told.append(("IsTruncated", "true" if len(there) > len(shown) else "false"))
    told.append(("StorageClass", storage_class(upload.attributes.storage_class)))
    for part in shown:
        about: list[xml.Node] = [("PartNumber", str(part.number)), ("ETag", f'"{part.etag}"'), ("Size", str(part.size))]
        about.append(("LastModified", xml.time(part.modified)))
        told.append(("Part", about + [(f"Checksum{name.upper()}", value) for name, value in part.checksums.items()]))
    return answer("ListPartsResult", told)


async def list_uploads(call: Call) -> Response:
    prefix, encoding = call.query.get("prefix", ""), call.query.get("encoding-type")
    after = (call.query.get("key-marker", "").encode(), call.query.get("upload-id-marker", ""))
    there = sorted(uploads.under_way(call.store, call.bucket, prefix), key=lambda u: (u.key.encode(), u.id))
    there = [u for u in there if (u.key.encode() > after[0] if not after[1] else (u.key.encode(), u.id) > after)]
    count = min(call.number("max-uploads", 1000), 1000)
    shown = there[:count]
    told: list[xml.Node] = [("Bucket", call.bucket), ("Prefix", xml.encoded(prefix, encoding))]
    told.append(("MaxUploads", str(count)))
    told += [("EncodingType", encoding)] if encoding else []
    told.append(("IsTruncated", "true" if len(there) > len(shown) else "false"))
    if len(there) > len(shown) and shown:
        told += [("NextKeyMarker", xml.encoded(shown[-1].key, encoding)), ("NextUploadIdMarker", shown[-1].id)]
    for upload in shown:
        about: list[xml.Node] = [("Key", xml.encoded(upload.key, encoding)), ("UploadId", upload.id)]
        about.append(("StorageClass", storage_class(upload.attributes.storage_class)))
        told.append(("Upload", [*about, ("Initiated", xml.time(upload.created))]))
    return answer("ListMultipartUploadsResult", told)
