"""Origin CA certificates: signed for real, from the client's own request."""

from __future__ import annotations

from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from localcloud.cloudflare.certificates import authority
from localcloud.cloudflare.errors import ApiError, bad_request
from localcloud.cloudflare.routing import Answer, Body, Call, Route, now
from localcloud.cloudflare.store import Row
from localcloud.cloudflare.zones.routes import of_host

KIND = "origin_certificate"
VALIDITIES = (7, 30, 90, 365, 730, 1095, 5475)
"""Days."""
KEYS: dict[str, type[Any]] = {"origin-rsa": rsa.RSAPublicKey, "origin-ecc": ec.EllipticCurvePublicKey}


class Request(Body):
    csr: str
    hostnames: list[str]
    request_type: str
    requested_validity: float | int = 5475


def create(call: Call) -> Answer:
    body = call.body(Request, 1000)
    if body.requested_validity not in VALIDITIES:
        told = ", ".join(map(str, VALIDITIES))
        raise bad_request(f"requested_validity {body.requested_validity} is not one of {told} days", 1004)
    if body.request_type not in KEYS:
        raise bad_request(f"request_type '{body.request_type}' is not one of {', '.join(KEYS)}", 1004)
    request = _request(body)
    if not body.hostnames:
        raise bad_request("at least one hostname is required", 1004, "/hostnames")
    for name in body.hostnames:
        if of_host(call.tx, call.account, name.removeprefix("*.").lower()) is None:
            raise ApiError(403, 1010, f"Failed to validate requested hostname {name}: it is in no zone of your account")
    certificate = authority.sign(call.tx, request, body.hostnames, int(body.requested_validity))
    row: Row = {
        "id": str(certificate.serial_number),
        "certificate": certificate.public_bytes(serialization.Encoding.PEM).decode(),
        "expires_on": certificate.not_valid_after_utc.strftime("%Y-%m-%d %H:%M:%S +0000 UTC"),
        "hostnames": body.hostnames,
        "csr": body.csr,
        "request_type": body.request_type,
        "requested_validity": body.requested_validity,
    }
    return Answer(call.tx.put(KIND, call.account, row["id"], row))


def _request(body: Request) -> x509.CertificateSigningRequest:
    try:
        request = x509.load_pem_x509_csr(body.csr.encode())
    except ValueError:
        raise bad_request("Failed to parse the certificate signing request", 1005, "/csr") from None
    if not request.is_signature_valid:
        raise bad_request("The signature of the certificate signing request is not valid", 1005, "/csr")
    if not isinstance(request.public_key(), KEYS[body.request_type]):
        raise bad_request(f"The key of the request is not of the kind {body.request_type} names", 1004, "/request_type")
    return request


def _find(call: Call) -> Row:
    row = call.tx.get(KIND, call.account, call.path["id"])
    if row is None:
        raise ApiError(404, 1101, "The certificate does not exist, or was revoked.")
    return row


def listing(call: Call) -> Answer:
    rows = call.tx.all(KIND, call.account)
    zone = call.tx.get("zone", call.account, call.query.get("zone_id", ""))
    if "zone_id" in call.query:
        rows = [row for row in rows if zone and any(name.endswith(zone["name"]) for name in row["hostnames"])]
    return call.page(rows, dict, 20, 50)


def get(call: Call) -> Answer:
    return Answer(_find(call))


def revoke(call: Call) -> Answer:
    row = _find(call)
    call.tx.remove(KIND, call.account, row["id"])
    return Answer({"id": row["id"], "revoked_at": now()})


ROUTES = [
    Route("GET", "/certificates", listing),
    Route("POST", "/certificates", create),
    Route("GET", "/certificates/{id}", get),
    Route("DELETE", "/certificates/{id}", revoke),
]
