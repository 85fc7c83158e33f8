"""A right configuration for each environment, for tests to spoil one key at a time."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from components.settings import KEYS
from scripts.operator.release import archive
from tests.unit.storefront import folders

Configuration = dict[str, str]

ALL_SECRETS = tuple(name for name, key in KEYS.items() if key.secret)
OPTIONAL = ("originSecretPrevious", "passSecretPrevious", "stagingOriginSecret", "storefrontSecrets")
"""Secrets that a stack can do without."""
SECRETS = tuple(name for name in ALL_SECRETS if name not in OPTIONAL)
"""Those that every stack has."""

ACCOUNT = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
ZONE = "f9e8d7c6b5a493827160f5e4d3c2b1a0"

HOSTS = {
    "local": {
        "domain": "store.localhost",
        "storefrontHost": "store.localhost",
        "apiHost": "api.store.localhost",
        "publicPort": "8443",
    },
    "staging": {"storefrontHost": "staging.optic.works", "apiHost": "api-staging.optic.works"},
    "production": {"storefrontHost": "optic.works", "apiHost": "api.optic.works"},
}


@functools.cache
def private_key() -> str:
    """An ed25519 key in OpenSSH format."""
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()


@functools.cache
def certificate_key() -> str:
    """A P-256 key as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@functools.cache
def public_key() -> str:
    public = Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return f"{public.decode()} somebody@example"


def weak_public_key() -> str:
    """An RSA key that is too short to be let in."""
    public = rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key()
    return public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def tiny_release(folder: Path) -> Path:
    """A real release archive with hardly anything in it, made in `folder`."""
    for part in ("app", "node"):
        (folder / part).mkdir()
        (folder / part / "file").write_text(part)
    described = archive.Release(name="store", digest="", node="22.0.0", medusa="2.0.0", created_from="0" * 16)
    path, _ = archive.write({part: folder / part for part in ("app", "node")}, described, folder)
    return path


@functools.cache
def bundle() -> Path:
    """A composed bundle of the storefront with hardly anything in it; it goes when the tests end."""
    folder = Path(tempfile.mkdtemp(prefix="storefront-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folders.composed(folder)


def configuration(environment: str, release: Path) -> Configuration:
    """Values as Pulumi hands them over: strings, JSON for lists. `release`: an archive that is there."""
    mode = "live" if environment == "production" else "test"
    return {
        "environment": environment,
        **HOSTS[environment],
        "databaseName": f"medusa-{environment}",
        "stripeMode": mode,
        "sshAllowedCidrs": '["203.0.113.0/24"]',
        "sshPublicKeys": f'["{public_key()}"]',
        "protect": "false" if environment == "local" else "true",
        "backendRelease": str(release),
        "cloudflareAccountId": ACCOUNT,
        "cloudflarePlan": "pro",
        "workersPaid": "true",
        "cloudflareImages": "true",
        "imagesAccountHash": "Vi7wi5KSItxGFsWRG2Us6Q",
        "storefrontBundle": str(bundle()),
        "accessAdmins": '["@optic.works"]',
        "alertEmails": '["on-call@optic.works"]',
        "sshPrivateKey": private_key(),
        "hostKeySecret": "h" * 43,
        "databasePassword": "d" * 43,
        "redisDurablePassword": "r" * 43,
        "redisCachePassword": "c" * 43,
        "jwtSecret": "j" * 43,
        "cookieSecret": "k" * 43,
        "originSecret": "o" * 43,
        "originCertificateKey": certificate_key(),
        "passSecret": "p" * 43,
        "stripeApiKey": f"sk_{mode}_" + "a" * 24,
        "stripeWebhookSecret": "whsec_" + "w" * 32,
    }
