"""A request's body into a file, whichever way it was sent: plain, or in ``aws-chunked`` pieces with trailers."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import AsyncIterator, Mapping

from localcloud.cloudflare.r2.blobs import Draft
from localcloud.cloudflare.r2.checksums import ALGORITHMS
from localcloud.cloudflare.r2.errors import R2Error
from localcloud.cloudflare.r2.model import PUT_MAXIMUM, Body
from localcloud.cloudflare.r2.signature import UNSIGNED, Signed, chunk_signature, trailer_signature

STREAMING = "STREAMING-"
LINE = 16 * 1024
CHUNK_MAXIMUM = 16 * 1024 * 1024
PREFIX = "x-amz-checksum-"


def algorithms(headers: Mapping[str, str]) -> list[str]:
    """Which checksums a body's headers promise, here or in the trailer."""
    named = [name for name in ALGORITHMS if PREFIX + name in headers]
    trailers = headers.get("x-amz-trailer", "").lower().replace(" ", "").split(",")
    named += [name for name in ALGORITHMS if PREFIX + name in trailers and name not in named]
    return named


async def receive(draft: Draft, stream: AsyncIterator[bytes], headers: Mapping[str, str], signed: Signed) -> Body:
    """Write the body to the draft and hold it against all that the client said of it."""
    trailers: dict[str, str] = {}
    if signed.payload.startswith(STREAMING):
        length = headers.get("x-amz-decoded-content-length", "")
        if not length.isdigit():
            raise R2Error("MissingContentLength", "x-amz-decoded-content-length is missing.")
        _check_size(int(length))
        trailers = await _chunks(draft, Reader(stream), signed)
        if draft.size != int(length):
            raise R2Error("IncompleteBody")
    else:
        _check_size(int(headers.get("content-length", "0")))
        digest = hashlib.sha256()
        async for data in stream:
            draft.write(data)
            digest.update(data)
        if signed.payload != UNSIGNED and digest.hexdigest() != signed.payload:
            raise R2Error("XAmzContentSHA256Mismatch")
    body = draft.finish()
    _check(body, {**headers, **trailers})
    return body


def _check_size(size: int) -> None:
    if size > PUT_MAXIMUM:
        raise R2Error("EntityTooLarge")


def _check(body: Body, said: Mapping[str, str]) -> None:
    md5 = said.get("content-md5")
    if md5 and md5 != base64.b64encode(bytes.fromhex(body.md5)).decode():
        raise R2Error("BadDigest")
    for name, value in body.checksums.items():
        if said.get(PREFIX + name) != value:
            raise R2Error("BadDigest", f"The {name.upper()} you specified did not match what we received.")


class Reader:
    """Lines and counted bytes out of a stream."""

    def __init__(self, stream: AsyncIterator[bytes]) -> None:
        self._stream, self._buffer = stream, bytearray()

    async def _more(self) -> None:
        async for data in self._stream:
            self._buffer += data
            return
        raise R2Error("IncompleteBody")

    async def line(self) -> bytes:
        while (end := self._buffer.find(b"\r\n")) < 0:
            if len(self._buffer) > LINE:
                raise R2Error("InvalidRequest", "A line of the chunked body is too long.")
            await self._more()
        found = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        return found

    async def exactly(self, count: int) -> bytes:
        while len(self._buffer) < count:
            await self._more()
        found = bytes(self._buffer[:count])
        del self._buffer[:count]
        return found


async def _chunks(draft: Draft, reader: Reader, signed: Signed) -> dict[str, str]:
    """Returns the trailers. With a signed stream each chunk, and the trailers, continue the chain of signatures."""
    chained = signed.payload.startswith("STREAMING-AWS4-HMAC-SHA256-PAYLOAD")
    previous = signed.seed
    while True:
        size, _, extension = (await reader.line()).decode("latin-1").partition(";")
        try:
            count = int(size, 16)
        except ValueError:
            raise R2Error("InvalidRequest", "The body is not aws-chunked as its headers say.") from None
        if not 0 <= count <= CHUNK_MAXIMUM:
            raise R2Error("InvalidRequest", f"A chunk has {count} bytes; at most {CHUNK_MAXIMUM} are taken.")
        data = await reader.exactly(count)
        if chained:
            previous = _match(extension.removeprefix("chunk-signature="), chunk_signature(signed, previous, data))
        if count == 0:
            break
        draft.write(data)
        if await reader.exactly(2) != b"\r\n":
            raise R2Error("InvalidRequest", "A chunk is longer than its size says.")
    if not signed.payload.endswith("-TRAILER"):
        return {}
    return await _trailers(reader, signed, previous if chained else None)


def _match(given: str, expected: str) -> str:
    if not hmac.compare_digest(given.strip().encode("latin-1", "replace"), expected.encode()):
        raise R2Error("SignatureDoesNotMatch")
    return expected


async def _trailers(reader: Reader, signed: Signed, previous: str | None) -> dict[str, str]:
    found: dict[str, str] = {}
    while line := (await reader.line()).decode("latin-1"):
        name, _, value = line.partition(":")
        found[name.strip().lower()] = value.strip()
    signature = found.pop("x-amz-trailer-signature", "")
    if previous is not None:
        text = "".join(f"{name}:{value}\n" for name, value in found.items()).encode("latin-1")
        _match(signature, trailer_signature(signed, previous, text))
    return found
