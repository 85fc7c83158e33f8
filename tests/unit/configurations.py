"""A right configuration for each environment, for tests to spoil one key at a time."""

from __future__ import annotations

import functools
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from components.settings import KEYS
from scripts.operator.release import archive

Configuration = dict[str, str]

SECRETS = tuple(name for name, key in KEYS.items() if key.secret)

HOSTS = {
    "local": {},
    "staging": {"storefrontHost": "staging.optic.works", "apiHost": "api-staging.optic.works"},
    "production": {"storefrontHost": "optic.works", "apiHost": "api.optic.works"},
}


@functools.cache
def private_key() -> str:
    """An ed25519 key in OpenSSH format."""
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()


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
        "sshPrivateKey": private_key(),
        "hostKeySecret": "h" * 43,
        "databasePassword": "d" * 43,
        "redisDurablePassword": "r" * 43,
        "redisCachePassword": "c" * 43,
        "jwtSecret": "j" * 43,
        "cookieSecret": "k" * 43,
        "stripeApiKey": f"sk_{mode}_" + "a" * 24,
        "stripeWebhookSecret": "whsec_" + "w" * 32,
    }
