"""Routes of SSH keys."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Any

from localcloud.hetzner import common
from localcloud.hetzner.actionlog import now
from localcloud.hetzner.errors import ApiError, invalid
from localcloud.hetzner.fields import Body, Labels, Name
from localcloud.hetzner.routing import Answer, Call, Route
from localcloud.hetzner.store import Row

KIND = "ssh_key"
TYPES = (
    "ssh-ed25519",
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)


class CreateSshKey(Body):
    name: Name
    public_key: str
    labels: Labels | None = None


def fingerprint(public_key: str) -> str:
    """MD5 of the key's wire form as pairs of hex digits, the way the API shows it. Raises 422 if it is no key."""
    parts = public_key.split()
    try:
        wire = base64.b64decode(parts[1], validate=True)
        length = int.from_bytes(wire[:4], "big")
        named = wire[4 : 4 + length].decode()
    except (IndexError, binascii.Error, UnicodeDecodeError):
        raise invalid("public_key", "SSH key is not valid") from None
    if named != parts[0] or named not in TYPES:
        raise invalid("public_key", "SSH key is not valid")
    digest = hashlib.md5(wire, usedforsecurity=False).hexdigest()
    return ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))


def show(call: Call, row: Row) -> dict[str, Any]:
    return dict(row)


def listing(call: Call) -> Answer:
    rows = call.tx.all(KIND)
    wanted = call.value("fingerprint")
    if wanted is not None:
        rows = [row for row in rows if row["fingerprint"] == wanted]
    return call.listing("ssh_keys", rows, dict, ("id", "name"))


def create(call: Call) -> Answer:
    body = call.body(CreateSshKey)
    mark = fingerprint(body.public_key)
    common.check_name_free(call.tx, KIND, body.name)
    if any(row["fingerprint"] == mark for row in call.tx.all(KIND)):
        details = {"fields": [{"name": "public_key"}]}
        raise ApiError("uniqueness_error", "SSH key with the same fingerprint already exists", details)
    call.cloud.check_limit(call.tx, KIND)
    row = call.tx.add(
        KIND,
        {
            "name": body.name,
            "fingerprint": mark,
            "public_key": body.public_key.strip(),
            "labels": body.labels or {},
            "created": now(),
        },
    )
    return Answer(201, {KIND: dict(row)})


def get(call: Call) -> Answer:
    return Answer(200, {KIND: dict(call.find(KIND))})


def update(call: Call) -> Answer:
    return common.update(call, KIND, show)


def delete(call: Call) -> Answer:
    call.tx.remove(KIND, call.find(KIND)["id"])
    return Answer(204)


ROUTES = [
    Route("GET", "/ssh_keys", listing),
    Route("POST", "/ssh_keys", create),
    Route("GET", "/ssh_keys/{id}", get),
    Route("PUT", "/ssh_keys/{id}", update),
    Route("DELETE", "/ssh_keys/{id}", delete),
]
