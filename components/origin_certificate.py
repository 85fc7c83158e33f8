"""The load balancer's certificate, signed by Cloudflare for Cloudflare: browsers never see it."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_cloudflare as cloudflare
import pulumi_hcloud as hcloud
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from components.labels import labels
from components.network import Part
from components.resource_ids import as_int
from components.secrets import secret

DAYS = 5475
"""15 years, the longest that Origin CA signs."""


@dataclass(frozen=True)
class OriginCertificateArgs:
    environment: str
    api_host: str
    key: SecretStr
    """EC P-256 private key, PEM."""


class OriginCertificate(pulumi.ComponentResource):
    """An Origin CA certificate for the API's host name, in the Hetzner project for the load balancer to show.

    Another key or host name is another certificate; the old one goes when the load balancer shows the new one.
    """

    certificate_id: pulumi.Output[int]
    """At Hetzner."""

    def __init__(self, name: str, args: OriginCertificateArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("opticworks:index:OriginCertificate", name, None, opts)
        signed = cloudflare.OriginCaCertificate(
            f"{name}-signed",
            csr=signing_request(args.key.get_secret_value(), args.api_host),
            hostnames=[args.api_host],
            request_type="origin-ecc",
            requested_validity=DAYS,
            opts=pulumi.ResourceOptions(parent=self),
        )
        uploaded = hcloud.UploadedCertificate(
            # Named by Pulumi, each time another way: old and new are there at once, and names are unique.
            f"{name}-uploaded",
            certificate=signed.certificate,
            private_key=secret(args.key),
            labels=labels(args.environment, Part.BALANCER),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.certificate_id = as_int(uploaded.id)
        self.register_outputs({"expiresOn": signed.expires_on})


def signing_request(key_pem: str, host: str) -> str:
    """A certificate signing request, PEM: the same bytes for the same key and host name (RFC 6979).

    Signed with a random number as usual, it would be another one at each run, and so the certificate.
    Raises ValueError for a key that is no EC key.
    """
    key = load_pem_private_key(key_pem.encode(), password=None)
    if not isinstance(key, EllipticCurvePrivateKey):
        raise ValueError("is not an EC private key")
    request = (
        x509.CertificateSigningRequestBuilder()
        # For people who look at it; what is signed is `hostnames`.
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host[:64])]))
        .sign(key, SHA256(), ecdsa_deterministic=True)
    )
    return request.public_bytes(Encoding.PEM).decode()
