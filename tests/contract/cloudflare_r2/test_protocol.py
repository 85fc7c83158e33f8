"""The rest of what S3 clients do: pages, parts, copies, conditions, ranges, signed URLs and streamed bodies."""

from __future__ import annotations

import base64
import hashlib
import io
import time
import zlib
from typing import Any

import httpx
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from localcloud.cloudflare.r2 import payload, signature
from localcloud.cloudflare.r2.keys import Grant

from .conftest import R2

MEGABYTE = 1024 * 1024


def status(caught: pytest.ExceptionInfo[ClientError]) -> int:
    return int(caught.value.response["ResponseMetadata"]["HTTPStatusCode"])


def test_a_listing_is_whole_over_its_pages(s3: Any, bucket: str) -> None:
    """A restore that misses the newest backup, or sees it twice, because it lies on a page's border."""
    keys = sorted([f"medusa/{day:02}/dump-{part}" for day in range(5) for part in range(3)] + ["a", "medusa", "z"])
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    for operation in ("list_objects_v2", "list_objects"):
        pages = s3.get_paginator(operation).paginate(Bucket=bucket, PaginationConfig={"PageSize": 4})
        assert [entry["Key"] for page in pages for entry in page.get("Contents", [])] == keys
        pages = list(s3.get_paginator(operation).paginate(
            Bucket=bucket, Prefix="medusa/", Delimiter="/", PaginationConfig={"PageSize": 2}
        ))  # fmt: skip
        folders = [entry["Prefix"] for page in pages for entry in page.get("CommonPrefixes", [])]
        assert (folders, len(pages)) == ([f"medusa/{day:02}/" for day in range(5)], 3)
    assert s3.list_objects_v2(Bucket=bucket, StartAfter="medusa/04/dump-1")["KeyCount"] == 2


def test_parts_become_one_object(s3: Any, bucket: str) -> None:
    """Dumps above 8 MB go up in parts by themselves: joined in the wrong order they are lost."""
    data = b"".join(bytes([number]) * 5 * MEGABYTE for number in range(2)) + b"end"
    upload = s3.create_multipart_upload(Bucket=bucket, Key="big", ChecksumAlgorithm="CRC32", Metadata={"a": "b"})[
        "UploadId"
    ]
    about = {"Bucket": bucket, "Key": "big", "UploadId": upload}
    parts = []
    for number in (3, 1, 2):
        piece = data[(number - 1) * 5 * MEGABYTE : number * 5 * MEGABYTE]
        put = s3.upload_part(**about, PartNumber=number, Body=piece)
        parts.append({"PartNumber": number, "ETag": put["ETag"], "ChecksumCRC32": put["ChecksumCRC32"]})
    assert [part["PartNumber"] for part in s3.list_parts(**about)["Parts"]] == [1, 2, 3]
    assert [entry["Key"] for entry in s3.list_multipart_uploads(Bucket=bucket)["Uploads"]] == ["big"]
    with pytest.raises(ClientError) as caught:
        s3.complete_multipart_upload(**about, MultipartUpload={"Parts": parts})
    assert caught.value.response["Error"]["Code"] == "InvalidPartOrder"
    parts.sort(key=lambda part: part["PartNumber"])
    done = s3.complete_multipart_upload(**about, MultipartUpload={"Parts": parts})
    assert done["ETag"].endswith('-3"')
    got = s3.get_object(Bucket=bucket, Key="big")
    assert got["Body"].read() == data and got["Metadata"] == {"a": "b"}
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)
    s3.upload_fileobj(io.BytesIO(data * 2), bucket, "by-itself")
    assert s3.head_object(Bucket=bucket, Key="by-itself")["ContentLength"] == 2 * len(data)
    gone = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    s3.abort_multipart_upload(Bucket=bucket, Key="k", UploadId=gone)
    with pytest.raises(ClientError) as caught:
        s3.upload_part(Bucket=bucket, Key="k", UploadId=gone, PartNumber=1, Body=b"")
    assert caught.value.response["Error"]["Code"] == "NoSuchUpload"


def test_copies_keep_or_replace_what_is_said_of_them(s3: Any, bucket: str) -> None:
    """A backup promoted from daily to weekly keeps its checksum and date."""
    s3.put_object(Bucket=bucket, Key="a b/ü", Body=b"data", Metadata={"x": "1"}, ContentType="t/t")
    source = {"Bucket": bucket, "Key": "a b/ü"}
    s3.copy_object(Bucket=bucket, Key="kept", CopySource=source)
    s3.copy_object(Bucket=bucket, Key="new", CopySource=source, MetadataDirective="REPLACE", Metadata={"y": "2"})
    kept, new = (s3.get_object(Bucket=bucket, Key=key) for key in ("kept", "new"))
    assert (kept["Metadata"], kept["ContentType"], kept["Body"].read()) == ({"x": "1"}, "t/t", b"data")
    assert (new["Metadata"], new["Body"].read()) == ({"y": "2"}, b"data")


def test_conditions_and_ranges(s3: Any, bucket: str) -> None:
    """Two backups that run at once must not overwrite each other; a resumed download gets the bytes it lacks."""
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"0123456789", IfNoneMatch="*")["ETag"]
    with pytest.raises(ClientError) as caught:
        s3.put_object(Bucket=bucket, Key="k", Body=b"other", IfNoneMatch="*")
    assert status(caught) == 412
    for wanted, refused in (({"IfNoneMatch": etag}, 304), ({"IfMatch": '"0"'}, 412), ({"Range": "bytes=10-"}, 416)):
        with pytest.raises(ClientError) as caught:
            s3.get_object(Bucket=bucket, Key="k", **wanted)
        assert status(caught) == refused
    for asked, expected in (("bytes=2-4", b"234"), ("bytes=-3", b"789"), ("bytes=8-99", b"89")):
        got = s3.get_object(Bucket=bucket, Key="k", Range=asked)
        assert (got["Body"].read(), got["ResponseMetadata"]["HTTPStatusCode"]) == (expected, 206)
    assert s3.put_object(Bucket=bucket, Key="k", Body=b"new", IfMatch=etag)["ETag"] != etag


def test_signed_urls_work_until_they_expire_and_unchanged_only(s3: Any, bucket: str) -> None:
    """A link for one file must not open the next one, nor work for ever."""
    put = s3.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "sub/a b"}, ExpiresIn=60)
    assert httpx.put(put, content=b"x").status_code == 200
    got = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "sub/a b"}, ExpiresIn=60)
    assert httpx.get(got).content == b"x"
    for wrong in (got.replace("sub/", "other/"), got.replace("Expires=60", "Expires=600")):
        assert "SignatureDoesNotMatch" in httpx.get(wrong).text
    assert "<Code>InvalidArgument" in httpx.get(got.split("?")[0]).text
    short = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "sub/a b"}, ExpiresIn=1)
    end = time.time() + 5
    while "ExpiredRequest" not in (text := httpx.get(short).text) and time.time() < end:
        time.sleep(0.2)
    assert "ExpiredRequest" in text


def streamed(r2: R2, url: str, kind: str, data: bytes, crc: bytes, tamper: bool = False) -> httpx.Response:
    """A PUT in aws-chunked form, signed with botocore, its chunks as S3's documentation has them."""
    key = r2.key(Grant(None, write=True))
    request = AWSRequest("PUT", url)
    request.headers["Host"] = httpx.URL(url).netloc.decode()
    request.headers["Content-Encoding"] = "aws-chunked"
    request.headers["x-amz-decoded-content-length"] = str(len(data))
    request.headers["x-amz-trailer"] = "x-amz-checksum-crc32"
    auth = S3SigV4Auth(Credentials(key.id, key.secret), "s3", "auto")
    auth.payload = lambda _: kind  # type: ignore[method-assign]
    auth.add_auth(request)
    headers = dict(request.headers.items())
    wire = signature.Wire("PUT", httpx.URL(url).path, "", [(k.lower(), v) for k, v in headers.items()])
    signed = signature.verify(wire, r2.keys, time.time())
    previous, body = signed.seed, b""
    for piece in (data[:5], data[5:], b""):
        extension = ""
        if kind.startswith("STREAMING-AWS4"):
            previous = signature.chunk_signature(signed, previous, piece)
            extension = f";chunk-signature={previous}"
        body += f"{len(piece):x}{extension}\r\n".encode() + piece + (b"\r\n" if piece else b"")
    trailer = f"x-amz-checksum-crc32:{base64.b64encode(crc).decode()}"
    body += trailer.encode() + b"\r\n"
    if kind.startswith("STREAMING-AWS4"):
        last = signature.trailer_signature(signed, previous, f"{trailer}\n".encode())
        body += f"x-amz-trailer-signature:{last}\r\n".encode()
    body += b"\r\n"
    return httpx.put(url, content=body.replace(b"hello", b"jello") if tamper else body, headers=headers)


@pytest.mark.parametrize("kind", ["STREAMING-UNSIGNED-PAYLOAD-TRAILER", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"])
def test_streamed_bodies_are_unwrapped_and_checked(r2: R2, s3: Any, bucket: str, kind: str) -> None:
    """Over https boto3 sends chunks with a trailer: stored as they come, every backup would be unreadable."""
    url, data = f"{r2.url}/{bucket}/streamed", b"hello world"
    crc = zlib.crc32(data).to_bytes(4, "big")
    assert streamed(r2, url, kind, data, crc).status_code == 200
    got = s3.get_object(Bucket=bucket, Key="streamed")
    assert got["Body"].read() == data and "ContentEncoding" not in got
    assert "BadDigest" in streamed(r2, url, kind, data, b"\0" * 4).text
    wrong = streamed(r2, url, kind, data, crc, tamper=True).text
    assert ("SignatureDoesNotMatch" if "AWS4" in kind else "BadDigest") in wrong
    assert payload.STREAMING in kind


def test_a_body_that_is_not_what_was_signed_is_refused(r2: R2, s3: Any, bucket: str) -> None:
    """A body changed on its way must not be kept."""
    with pytest.raises(ClientError) as caught:
        s3.put_object(Bucket=bucket, Key="k", Body=b"x", ContentMD5=base64.b64encode(b"0" * 16).decode())
    assert caught.value.response["Error"]["Code"] == "BadDigest"
    for name in ("SHA1", "SHA256", "CRC32C", "CRC64NVME"):
        if name in ("SHA1", "SHA256"):
            right = base64.b64encode(hashlib.new(name.lower(), b"x").digest()).decode()
            s3.put_object(Bucket=bucket, Key="k", Body=b"x", **{f"Checksum{name}": right})
        with pytest.raises(ClientError) as caught:
            s3.put_object(Bucket=bucket, Key="k", Body=b"x", **{f"Checksum{name}": "AAAAAAAAAAA="})
        assert caught.value.response["Error"]["Code"] == "BadDigest"
    assert [p for p in (r2.store.blobs.folder).glob("??/*") if p.name not in r2.store.index.blobs()] == []
