"""SSH host keys that are known before a server exists.

A server's ed25519 host key is derived from one secret of the stack and the server's name (HKDF-SHA256, RFC 5869), so
that the first connection is already pinned, and a server that is rebuilt or replaced keeps its identity.
"""

from __future__ import annotations

import base64
import hashlib
import struct
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_private_key

INFO = b"opticworks-store ssh host key ed25519 v1\0"
KEY_TYPE = b"ssh-ed25519"


@dataclass(frozen=True)
class HostKey:
    private_openssh: str = field(repr=False)
    """PEM in OpenSSH's own format, unencrypted; ends in a line break."""
    public_openssh: str
    """`ssh-ed25519 AAAA…`, one line, no comment, no line break."""


def host_key(secret: str, server_name: str) -> HostKey:
    """The host key of the server of that name. The same arguments give the same bytes, private file included."""
    seed = HKDF(algorithm=SHA256(), length=32, salt=None, info=INFO + server_name.encode()).derive(secret.encode())
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    blob = _string(KEY_TYPE) + _string(public)
    return HostKey(
        private_openssh=_private_pem(seed, public, blob, comment=server_name.encode()),
        public_openssh=f"{KEY_TYPE.decode()} {base64.b64encode(blob).decode()}",
    )


def public_half(private_openssh: str) -> str:
    """The public key, in one line without a comment, of a private key in OpenSSH format. Raises ValueError."""
    key = load_ssh_private_key(private_openssh.encode(), password=None)
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def _string(data: bytes) -> bytes:
    """A string of the SSH wire format (RFC 4251, section 5)."""
    return struct.pack(">I", len(data)) + data


def _private_pem(seed: bytes, public: bytes, blob: bytes, comment: bytes) -> str:
    """OpenSSH's private key format (PROTOCOL.key).

    Written here because libraries draw its check number at random, and user_data must not change from run to run.
    """
    check = hashlib.sha256(INFO + public).digest()[:4]
    private = check * 2 + _string(KEY_TYPE) + _string(public) + _string(seed + public) + _string(comment)
    private += bytes(range(1, 1 + -len(private) % 8))
    body = b"openssh-key-v1\0" + _string(b"none") * 2 + _string(b"") + struct.pack(">I", 1)
    body += _string(blob) + _string(private)
    text = base64.b64encode(body).decode()
    lines = [text[start : start + 70] for start in range(0, len(text), 70)]
    return "\n".join(["-----BEGIN OPENSSH PRIVATE KEY-----", *lines, "-----END OPENSSH PRIVATE KEY-----", ""])
