"""Signature Version 4, from the server's side: what the client should have signed, and whether it did.

Everything is taken as it came over the wire (raw path, raw query): to decode and encode again would turn a right
signature of an odd key into a wrong one.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, unquote

from localcloud.cloudflare.r2.errors import R2Error
from localcloud.cloudflare.r2.keys import AccessKey, Keys

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED = "UNSIGNED-PAYLOAD"
SKEW = 15 * 60
"""Seconds by which a signed request's time may be off."""
PRESIGNED_LIMIT = 7 * 86400
HEADER = re.compile(rf"{ALGORITHM} +Credential=([^,]+), *SignedHeaders=([^,]+), *Signature=([0-9a-f]{{64}})")


@dataclass(frozen=True)
class Wire:
    """A request as it came. ``query`` without its question mark; ``headers`` with names in lower case."""

    method: str
    path: str
    query: str
    headers: Sequence[tuple[str, str]]

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name), None)

    def parameters(self) -> list[tuple[str, str]]:
        """Decoded; S3 does not take a plus sign for a space."""
        pairs = (part.partition("=") for part in self.query.split("&") if part)
        return [(unquote(name), unquote(value)) for name, _, value in pairs]


@dataclass(frozen=True)
class Signed:
    """What a right signature says. ``payload`` is the SHA-256 the client claims, or a word; ``seed``, ``scope``,
    ``date`` and ``secret`` continue the signature over the chunks of a streamed body."""

    key: AccessKey
    payload: str
    seed: str
    scope: str
    date: str
    signing_key: bytes


def verify(wire: Wire, keys: Keys, now: float) -> Signed:
    """Raise unless the request is signed rightly by a key we know."""
    given = dict(wire.parameters())
    header = wire.header("authorization")
    if header is None and "X-Amz-Signature" not in given:
        raise R2Error("InvalidArgument", "Authorization")
    if header is not None:
        match = HEADER.fullmatch(header.strip())
        if not match:
            raise R2Error("InvalidArgument", f"The Authorization header is not {ALGORITHM} with its three parts.")
        credential, names, signature = match.groups()
        date = wire.header("x-amz-date") or ""
        payload = wire.header("x-amz-content-sha256") or ""
        if not payload:
            raise R2Error("InvalidArgument", "Missing x-amz-content-sha256")
        query = wire.query
    else:
        credential, names = given.get("X-Amz-Credential", ""), given.get("X-Amz-SignedHeaders", "")
        signature, date = given["X-Amz-Signature"], given.get("X-Amz-Date", "")
        payload = given.get("X-Amz-Content-Sha256") or wire.header("x-amz-content-sha256") or UNSIGNED
        query = "&".join(part for part in wire.query.split("&") if not part.startswith("X-Amz-Signature="))
    access_key, scope = _scope(credential, date)
    _check_time(date, now, given.get("X-Amz-Expires") if header is None else None)
    key = keys.find(access_key)
    if key is None:
        raise R2Error("InvalidAccessKeyId")
    signed = names.split(";")
    if "host" not in signed:
        raise R2Error("SignatureDoesNotMatch", "The host header must be signed.")
    secret = signing_key(key.secret, scope)
    text = string_to_sign(date, scope, canonical_request(wire, query, signed, payload))
    if not hmac.compare_digest(_sign(secret, text).hex(), signature):
        raise R2Error("SignatureDoesNotMatch")
    return Signed(key, payload, signature, scope, date, secret)


def _scope(credential: str, date: str) -> tuple[str, str]:
    access_key, _, scope = credential.partition("/")
    parts = scope.split("/")
    if len(parts) != 4 or parts[2:] != ["s3", "aws4_request"] or not re.fullmatch(r"\d{8}T\d{6}Z", date):
        raise R2Error("InvalidArgument", "The credential is not KEY/DATE/REGION/s3/aws4_request with an X-Amz-Date.")
    if parts[1] not in ("auto", "us-east-1", ""):
        raise R2Error("InvalidArgument", f"The region {parts[1]!r} is not valid: use auto.")
    if parts[0] != date[:8]:
        raise R2Error("SignatureDoesNotMatch", "The credential's date is not the request's.")
    return access_key, scope


def _check_time(date: str, now: float, expires: str | None) -> None:
    try:
        signed = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise R2Error("InvalidArgument", f"X-Amz-Date {date!r} is no date.") from None
    if expires is None:
        if abs(now - signed) > SKEW:
            raise R2Error("RequestTimeTooSkewed")
        return
    if not expires.isdigit() or not 1 <= int(expires) <= PRESIGNED_LIMIT:
        raise R2Error("InvalidArgument", f"X-Amz-Expires {expires!r} is not between 1 and {PRESIGNED_LIMIT} seconds.")
    if now > signed + int(expires):
        raise R2Error("ExpiredRequest")
    if signed > now + SKEW:
        raise R2Error("RequestTimeTooSkewed")


def canonical_request(wire: Wire, query: str, signed: Sequence[str], payload: str) -> str:
    lines = [wire.method, _escaped(wire.path, "/~"), _canonical_query(query)]
    for name in signed:
        values = [" ".join(value.split()) for key, value in wire.headers if key == name]
        lines.append(f"{name}:{','.join(values)}")
    return "\n".join([*lines, "", ";".join(signed), payload])


def _canonical_query(query: str) -> str:
    pairs = (part.partition("=") for part in query.split("&") if part)
    return "&".join(f"{n}={v}" for n, v in sorted((_escaped(n, "~"), _escaped(v, "~")) for n, _, v in pairs))


def _escaped(text: str, safe: str) -> str:
    """The one canonical way to escape, whichever of the allowed ones the client used."""
    return quote(unquote(text, errors="surrogateescape"), safe=safe, errors="surrogateescape")


def string_to_sign(date: str, scope: str, request: str) -> str:
    return "\n".join([ALGORITHM, date, scope, hashlib.sha256(request.encode(errors="surrogateescape")).hexdigest()])


def signing_key(secret: str, scope: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = _sign(key, part)
    return key


def _sign(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def chunk_signature(signed: Signed, previous: str, data: bytes) -> str:
    """Of one chunk of a body that is signed as it streams; ``previous`` is the signature before it."""
    empty = hashlib.sha256(b"").hexdigest()
    lines = [f"{ALGORITHM}-PAYLOAD", signed.date, signed.scope, previous, empty, hashlib.sha256(data).hexdigest()]
    return _sign(signed.signing_key, "\n".join(lines)).hex()


def trailer_signature(signed: Signed, previous: str, trailers: bytes) -> str:
    """Of the trailing headers, each ``name:value`` and a line feed."""
    digest = hashlib.sha256(trailers).hexdigest()
    lines = [f"{ALGORITHM}-TRAILER", signed.date, signed.scope, previous, digest]
    return _sign(signed.signing_key, "\n".join(lines)).hex()
