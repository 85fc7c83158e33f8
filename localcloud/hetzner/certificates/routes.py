"""Routes of certificates."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import Field

from localcloud.hetzner import common
from localcloud.hetzner.actionlog import now
from localcloud.hetzner.catalogue_routes import action_routes
from localcloud.hetzner.errors import ApiError, invalid
from localcloud.hetzner.fields import Body, Labels, Name
from localcloud.hetzner.routing import Answer, Call, Route
from localcloud.hetzner.store import Row

KIND = "certificate"
MAX_KEY = 5_000
MAX_CHAIN = 30_000
MAX_CERTIFICATES = 5
BEGIN = "-----BEGIN CERTIFICATE-----"


class CreateCertificate(Body):
    name: Name
    type: Literal["uploaded", "managed"] = "uploaded"
    labels: Labels | None = None
    certificate: str | None = Field(default=None, max_length=MAX_CHAIN)
    private_key: str | None = Field(default=None, max_length=MAX_KEY)
    domain_names: list[str] | None = None


def read(certificate: str, private_key: str) -> dict[str, Any]:
    """What the API shows of a PEM chain and its key. Raises 422 if they are no such, or do not belong together."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization

    if certificate.count(BEGIN) > MAX_CERTIFICATES:
        raise invalid("certificate", f"must hold at most {MAX_CERTIFICATES} certificates")
    try:
        leaf = x509.load_pem_x509_certificates(certificate.encode())[0]
    except ValueError:
        raise invalid("certificate", "is not a certificate in PEM format") from None
    try:
        key = serialization.load_pem_private_key(private_key.encode(), None)
    except (ValueError, TypeError):
        raise invalid("private_key", "is not an unencrypted private key in PEM format") from None
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    if key.public_key().public_bytes(*form) != leaf.public_key().public_bytes(*form):
        raise invalid("private_key", "does not belong to the certificate")
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        domains = names.get_values_for_type(x509.DNSName)
    except x509.ExtensionNotFound:
        common_names = leaf.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        domains = [str(one.value) for one in common_names]
    digest = leaf.fingerprint(hashes.SHA1()).hex()  # the API shows SHA-1
    return {
        "not_valid_before": _stamp(leaf.not_valid_before_utc),
        "not_valid_after": _stamp(leaf.not_valid_after_utc),
        "domain_names": domains,
        "fingerprint": ":".join(digest[at : at + 2] for at in range(0, len(digest), 2)),
    }


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def show(call: Call, row: Row) -> dict[str, Any]:
    """The certificate as clients see it: its key is never shown."""
    used = [
        {"id": balancer["id"], "type": "load_balancer"}
        for balancer in call.tx.all("load_balancer")
        if any(row["id"] in (service.get("http") or {}).get("certificates", ()) for service in balancer["services"])
    ]
    return {**{key: value for key, value in row.items() if key != "private_key"}, "used_by": used}


def listing(call: Call) -> Answer:
    types = call.choice("type", ("uploaded", "managed"))
    rows = [row for row in call.tx.all(KIND) if not types or row["type"] in types]
    return call.listing("certificates", rows, lambda row: show(call, row), ("id", "name", "created"))


def get(call: Call) -> Answer:
    return Answer(200, {KIND: show(call, call.find(KIND))})


def create(call: Call) -> Answer:
    body = call.body(CreateCertificate)
    common.check_name_free(call.tx, KIND, body.name)
    if body.type == "managed":
        if not body.domain_names:
            raise invalid("domain_names", "Missing data for required field.")
        # Let's Encrypt issues only for zones on Hetzner's DNS, and this project has no zones.
        raise ApiError("dns_zone_not_found", f"DNS zone of {body.domain_names[0]} not found")
    for field in ("certificate", "private_key"):
        if not getattr(body, field):
            raise invalid(field, "Missing data for required field.")
    call.cloud.check_limit(call.tx, KIND)
    row = call.tx.add(
        KIND,
        {
            "name": body.name,
            "labels": body.labels or {},
            "type": "uploaded",
            "certificate": body.certificate,
            "private_key": body.private_key,
            "created": now(),
            **read(body.certificate or "", body.private_key or ""),
            "status": None,
        },
    )
    return Answer(201, {KIND: show(call, row), "action": None})


def update(call: Call) -> Answer:
    return common.update(call, KIND, show)


def delete(call: Call) -> Answer:
    row = call.find(KIND)
    if show(call, row)["used_by"]:
        raise ApiError("service_error", "certificate still in use")
    call.tx.remove(KIND, row["id"])
    return Answer(204)


def retry(call: Call) -> Answer:
    call.find(KIND)
    raise ApiError("unsupported_error", "only the issuance of managed certificates can be retried")


ROUTES = [
    Route("GET", "/certificates", listing),
    Route("POST", "/certificates", create),
    Route("GET", "/certificates/{id}", get),
    Route("PUT", "/certificates/{id}", update),
    Route("DELETE", "/certificates/{id}", delete),
    Route("POST", "/certificates/{id}/actions/retry", retry),
    *action_routes("certificates", KIND),
]
