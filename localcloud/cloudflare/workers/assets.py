"""Uploading static files: a session says which are missing, they come in buckets, and a last token names them all."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
import secrets
import time
from typing import Any

from localcloud.cloudflare.errors import ApiError, bad_request
from localcloud.cloudflare.routing import Answer, Call, Route, hex_id
from localcloud.cloudflare.store import Row, Transaction
from localcloud.cloudflare.workers.model import check_name

ASSET = "asset"
SESSION = "asset_session"
HASH = re.compile(r"[0-9a-fA-F]{32}")
MAX_FILES = 100_000
MAX_BYTES = 25 * 1024 * 1024
BUCKET_FILES = 200
BUCKET_BYTES = 30 * 1024 * 1024
LIFE_SECONDS = 3600


def _sign(tx: Transaction, claims: dict[str, Any]) -> str:
    secret = tx.get_meta("asset_secret")
    if secret is None:
        secret = secrets.token_hex(32)
        tx.set_meta("asset_secret", secret)
    head = _encode(b'{"alg":"HS256","typ":"JWT"}')
    body = f"{head}.{_encode(json.dumps(claims, separators=(',', ':')).encode())}"
    return f"{body}.{_encode(hmac.digest(secret.encode(), body.encode(), 'sha256'))}"


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _session(call: Call, token: str) -> Row:
    """The session that a token is of; raises 401."""
    wrong = ApiError(401, 10013, "The asset upload token is not valid, or has expired; begin a new upload session.")
    parts = token.split(".")
    secret = call.tx.get_meta("asset_secret")
    if len(parts) != 3 or secret is None:
        raise wrong
    expected = _encode(hmac.digest(secret.encode(), ".".join(parts[:2]).encode(), "sha256"))
    if not hmac.compare_digest(expected, parts[2]):
        raise wrong
    claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=="))
    row = call.tx.get(SESSION, call.account, claims["session"])
    if row is None or row["ends"] < time.time():
        raise wrong
    return row


def begin(call: Call) -> Answer:
    """``{"manifest": {"/path": {"hash", "size"}}}`` → a token, and the hashes that are not there yet, in buckets."""
    script = check_name(call.path["script"])
    manifest = call.object().get("manifest")
    if not isinstance(manifest, dict):
        raise bad_request("manifest must be an object of paths", 10021, "/manifest")
    if len(manifest) > MAX_FILES:
        raise bad_request(f"the manifest has {len(manifest)} files; at most {MAX_FILES} are allowed", 10021)
    for path, one in manifest.items():
        _check_entry(path, one)
    for old in call.tx.all(SESSION, call.account):
        if old["ends"] < time.time():
            call.tx.remove(SESSION, call.account, old["id"])
    row: Row = {"id": hex_id(), "script": script, "manifest": manifest, "ends": time.time() + LIFE_SECONDS}
    call.tx.put(SESSION, call.account, row["id"], row)
    sizes = {one["hash"]: one["size"] for one in manifest.values()}
    missing = {name: size for name, size in sizes.items() if call.tx.get(ASSET, call.account, name) is None}
    return Answer({"jwt": _sign(call.tx, {"session": row["id"]}), "buckets": _buckets(missing)})


def _check_entry(path: str, one: Any) -> None:
    good = isinstance(one, dict) and HASH.fullmatch(str(one.get("hash"))) and isinstance(one.get("size"), int)
    if not path.startswith("/") or not good:
        raise bad_request(f"manifest entry {path}: a path begins with / and has a hash of 32 hex digits and a size",
                          10021)  # fmt: skip
    if one["size"] > MAX_BYTES:
        told = f"{one['size'] / 1048576:.1f} MiB"
        raise ApiError(413, 10027, f"asset {path} is {told}; a file may have at most {MAX_BYTES // 1048576} MiB")


def _buckets(missing: dict[str, int]) -> list[list[str]]:
    found: list[list[str]] = []
    size = 0
    for name, one in missing.items():
        if not found or len(found[-1]) >= BUCKET_FILES or size + one > BUCKET_BYTES:
            found.append([])
            size = 0
        found[-1].append(name)
        size += one
    return found


def upload(call: Call) -> Answer:
    """One bucket's files: parts named by their hash, in Base64. 202 until none is missing, then 201 and a token."""
    token = call.headers.get("authorization", "").partition(" ")[2].strip()
    session = _session(call, token)
    sizes = {one["hash"]: one["size"] for one in session["manifest"].values()}
    for part in call.form():
        name = part.name
        if name not in sizes:
            raise bad_request(f"asset {name} is not in the manifest", 10021)
        try:
            content = base64.b64decode(part.content) if call.query.get("base64") == "true" else part.content
        except binascii.Error:
            raise bad_request(f"asset {name} is no Base64", 10021) from None
        if len(content) != sizes[name]:
            raise bad_request(f"asset {name} has {len(content)} bytes; the manifest says {sizes[name]}", 10021)
        kind = part.content_type if part.content_type != "application/null" else ""
        row = {"id": name, "blob": call.tx.blobs.put(content), "size": len(content), "content_type": kind}
        call.tx.put(ASSET, call.account, name, row)
    missing = [name for name in sizes if call.tx.get(ASSET, call.account, name) is None]
    if missing:
        return Answer({"jwt": None}, 202)
    return Answer({"jwt": _sign(call.tx, {"session": session["id"], "complete": True})}, 201)


def resolve(call: Call, script: str, sent: Any, former: Row | None, keep: bool) -> Row | None:
    """The assets of a new version: ``{manifest, config}`` of a completed session, or those of the version before."""
    before: Row | None = former.get("assets") if former else None
    if not isinstance(sent, dict):
        return before if keep else None
    config = sent.get("config") or {}
    if not sent.get("jwt"):
        if before is None:
            raise bad_request("assets need the token of a completed upload", 10021, "/assets/jwt")
        return {"manifest": before["manifest"], "config": config or before["config"]}
    session = _session(call, str(sent["jwt"]))
    if session["script"] != script:
        raise bad_request(f"the assets were uploaded for Worker {session['script']}", 10021, "/assets/jwt")
    missing = [path for path, one in session["manifest"].items()
               if call.tx.get(ASSET, call.account, one["hash"]) is None]  # fmt: skip
    if missing:
        raise bad_request(f"the upload is not complete: {missing[0]} is missing", 10021, "/assets/jwt")
    return {"manifest": session["manifest"], "config": config}


def etag(row: Row | None) -> str:
    """A digest of all that an assets manifest says."""
    return hashlib.sha256(json.dumps(row, sort_keys=True).encode()).hexdigest()


ROUTES = [
    Route("POST", "/accounts/{account_id}/workers/scripts/{script}/assets-upload-session", begin),
    Route("POST", "/accounts/{account_id}/workers/assets/upload", upload),
]
