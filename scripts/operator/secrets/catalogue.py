"""The stack's secrets: what each is for, how one is made, and how one that cannot be made is obtained."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from scripts.operator.engine import LOCAL


@dataclass(frozen=True)
class Secret:
    """One secret config key.

    `make` gives a new value, or is None where only a person can obtain it (`obtain` says how). `stand_in` is a value
    that the local stack can live with instead. `rotation` is why a value in use is not simply made anew, if it is not.
    `previous` is the key that holds the value before while both are valid. An `optional` one is often rightly not set.
    """

    key: str
    purpose: str
    make: Callable[[], str] | None = None
    obtain: str = ""
    stand_in: Callable[[], str] | None = None
    rotation: str = ""
    previous: str = ""
    optional: bool = False

    def maker(self, stack: str) -> Callable[[], str] | None:
        """How `stack` gets a value by itself; None where a person must set it."""
        return self.stand_in if self.make is None and stack == LOCAL else self.make


def random_text() -> str:
    """A password of 256 bits in characters that need no quoting in a URL, a shell or a configuration file."""
    return secrets.token_hex(32)


def ssh_private_key() -> str:
    """A new ed25519 key in OpenSSH's format, with the newline at its end that ssh insists on."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()


def certificate_key() -> str:
    """A new private key on P-256 as PEM, what Cloudflare's origin certificates of type origin-ecc are made for."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


PEM = frozenset({"sshPrivateKey", "originCertificateKey"})
"""Keys of secrets that end in a line break."""


def _made_up_stripe(prefix: str) -> Callable[[], str]:
    # Stripe's own keys are letters and digits only: the words say at a glance that this one opens nothing.
    return lambda: f"{prefix}madeUpForTheLocalStack{secrets.token_hex(8)}"


_STRIPE = "Stripe dashboard, {mode} mode → Developers → "
SECRETS: tuple[Secret, ...] = (
    Secret(
        "sshPrivateKey",
        "the key that Pulumi and `store ssh` connect with",
        make=ssh_private_key,
        rotation="servers let in only the key they know: add the new public key to sshPublicKeys, "
        "run pulumi up, then `secrets set sshPrivateKey`",
    ),
    Secret(
        "hostKeySecret",
        "what every server's SSH host key is derived from",
        make=random_text,
        rotation="servers keep the host keys they booted with, so Pulumi would refuse to connect to all of them: "
        "set it by hand only together with new servers",
    ),
    Secret("databasePassword", "the database role's password", make=random_text),
    Secret("redisDurablePassword", "the password of the durable Redis (6379)", make=random_text),
    Secret("redisCachePassword", "the password of the cache Redis (6380)", make=random_text),
    Secret("jwtSecret", "signs customers' and admins' tokens; a new one logs everybody out", make=random_text),
    Secret("cookieSecret", "signs session cookies; a new one logs everybody out", make=random_text),
    Secret(
        "originSecret",
        "what the edge sends to the API's proxies; without it they refuse",
        make=random_text,
        rotation="proxies must accept the new one before the edge sends it: scripts/store secrets rotate originSecret",
        previous="originSecretPrevious",
    ),
    Secret(
        "originSecretPrevious",
        "accepted beside originSecret while that is rotated",
        obtain="`scripts/store secrets rotate originSecret` puts it there",
        optional=True,
    ),
    Secret(
        "originCertificateKey",
        "the key of the certificate that the load balancer shows to Cloudflare; a new one makes a new certificate",
        make=certificate_key,
    ),
    Secret(
        "passSecret",
        "signs operators' passes through maintenance",
        make=random_text,
        rotation="passes in use would be refused: scripts/store secrets rotate passSecret",
        previous="passSecretPrevious",
    ),
    Secret(
        "passSecretPrevious",
        "its passes are valid while passSecret is rotated",
        obtain="`scripts/store secrets rotate passSecret` puts it there",
        optional=True,
    ),
    Secret(
        "stagingOriginSecret",
        "production only: originSecret of the staging that shares the zone",
        obtain="`pulumi config get originSecret -s staging`",
        optional=True,
    ),
    Secret(
        "storefrontSecrets",
        "secret variables of the storefront, by name",
        obtain="pulumi config set --secret --path 'storefrontSecrets.NAME'",
        optional=True,
    ),
    Secret(
        "stripeApiKey",
        "Stripe's secret key, of the stack's mode",
        obtain=_STRIPE + "API keys → secret key (sk_{mode}_… or a restricted rk_{mode}_…)",
        stand_in=_made_up_stripe("sk_test_"),
    ),
    Secret(
        "stripeWebhookSecret",
        "proves that a webhook comes from Stripe",
        obtain=_STRIPE + "Webhooks → the endpoint → signing secret (whsec_…)",
        stand_in=_made_up_stripe("whsec_"),
    ),
)


def find(key: str) -> Secret | None:
    """The secret with this key."""
    return next((secret for secret in SECRETS if secret.key == key), None)
