"""The key that signs tokens (RS256), in a file so that tokens outlive a restart, and its public half for origins."""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

BITS = 2048
YEARS = 10
LEEWAY = 5
"""Seconds that ``nbf`` may lie ahead."""


class Keys:
    """Signs and verifies JSON Web Tokens with the key in ``folder``/key.pem (0600), made when it is not there."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / "key.pem"
        if not path.exists():
            _make(path)
        key = serialization.load_pem_private_key(path.read_bytes(), None)
        assert isinstance(key, rsa.RSAPrivateKey)
        self._key = key
        self._public = key.public_key()
        spki = self._public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        self.kid = hashlib.sha256(spki).hexdigest()
        self._certs = self._describe()

    def sign(self, claims: Mapping[str, Any]) -> str:
        """A token of these claims."""
        header = {"alg": "RS256", "kid": self.kid, "typ": "JWT"}
        signed = f"{_encode(_json(header))}.{_encode(_json(claims))}"
        return f"{signed}.{_encode(self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    def verify(self, token: str, kind: str) -> dict[str, Any] | None:
        """The claims of a token of our own, of this ``type``, whose time it is; else None."""
        try:
            signed, _, signature = token.rpartition(".")
            header, claims = (json.loads(_decode(part)) for part in signed.split("."))
            if header.get("alg") != "RS256" or header.get("kid") != self.kid:
                return None
            self._public.verify(_decode(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        except (ValueError, AttributeError, InvalidSignature):
            return None
        now = time.time()
        fits = claims.get("type") == kind and claims.get("exp", 0) > now and claims.get("nbf", 0) <= now + LEEWAY
        return dict(claims) if fits else None

    def certs(self) -> dict[str, Any]:
        """What ``/cdn-cgi/access/certs`` answers: the JSON Web Key Set, and the same keys as certificates."""
        return self._certs

    def _describe(self) -> dict[str, Any]:
        numbers = self._public.public_numbers()
        modulus = numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big")
        exponent = numbers.e.to_bytes(3, "big")
        key = {"kid": self.kid, "kty": "RSA", "alg": "RS256", "use": "sig", "e": _encode(exponent),
               "n": _encode(modulus)}  # fmt: skip
        cert = {"kid": self.kid, "cert": self._certificate()}
        return {"keys": [key], "public_cert": cert, "public_certs": [cert]}

    def _certificate(self) -> str:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cloudflareaccess of this machine")])
        start = datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._public)
            .serial_number(int(self.kid[:30], 16))  # the same at every start, as the key is
            .not_valid_before(start)
            .not_valid_after(start + datetime.timedelta(days=365 * YEARS))
            .sign(self._key, hashes.SHA256())
        )
        return made.public_bytes(serialization.Encoding.PEM).decode()


def _make(path: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=BITS)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    draft = path.with_suffix(".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(pem)
    draft.replace(path)


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
