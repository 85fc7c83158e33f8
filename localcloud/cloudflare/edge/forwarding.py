"""The header fields that Cloudflare sets on a request before a Worker or an origin sees it."""

from __future__ import annotations

import json
import re
import secrets

from localcloud.cloudflare.edge import websockets
from localcloud.cloudflare.edge.messages import Headers, Request
from localcloud.cloudflare.runtime.capnp import BINDINGS_SERVICE_HEADER, CF_HEADER, SCHEME_HEADER

COLO = "LCL"
"""The airport code of this edge, in ``cf-ray`` and ``request.cf.colo``."""
COUNTRY = "XX"
"""Cloudflare's code for an address whose country it does not know."""
LOOPS = re.compile(r"cloudflare; loops=(\d{1,3})[^,]*")
SPOOFABLE = (
    "cf-connecting-ip", "cf-connecting-ipv6", "cf-ipcountry", "cf-ray", "cf-visitor", "cf-worker", "cf-ew-via",
    "true-client-ip", "x-forwarded-proto", "x-real-ip", BINDINGS_SERVICE_HEADER, CF_HEADER, SCHEME_HEADER,
)  # fmt: skip
"""Fields that a client's own value never passes in."""


def new_ray() -> str:
    """A request's id: 16 hex digits; ``cf-ray`` adds the place."""
    return secrets.token_hex(8)


def arrive(request: Request) -> None:
    """Set what every request carries from here on."""
    headers = request.headers
    headers.remove(*SPOOFABLE)
    headers.set("cf-connecting-ip", request.client_ip)
    headers.set("cf-ipcountry", COUNTRY)
    headers.set("cf-ray", f"{request.ray}-{COLO}")
    headers.set("cf-visitor", json.dumps({"scheme": request.scheme}, separators=(",", ":")))
    headers.set("x-forwarded-proto", request.scheme)
    before = headers.get("x-forwarded-for")
    if before is None or before.rpartition(",")[2].strip() != request.client_ip:
        headers.set("x-forwarded-for", f"{before}, {request.client_ip}" if before else request.client_ip)
    if request.caller is not None:
        headers.set("cf-worker", request.caller.zone or request.caller.worker)
        headers.set("cf-ew-via", str(request.caller.depth))
    headers.set("cdn-loop", _loops(headers.get("cdn-loop"), subrequest=request.caller is not None))
    headers.set("accept-encoding", "gzip, br")


def _loops(before: str | None, *, subrequest: bool) -> str:
    """The next value of ``cdn-loop`` (RFC 8586); what other networks wrote into it stays."""
    found = LOOPS.search(before or "")
    own = f"cloudflare; loops={int(found[1]) + 1 if found else 1}" + ("; subreqs=1" if subrequest else "")
    others = [one for word in (before or "").split(",") if (one := word.strip()) and not one.startswith("cloudflare")]
    return ", ".join([*others, own])


def outgoing(request: Request, host: str) -> Headers:
    """Fields for the next hop; ``host`` is the Host field's value."""
    headers = request.headers.without_hop_by_hop()
    headers.set("host", host)
    if request.websocket:
        websockets.ask(headers)
    if request.body is None:
        if request.method in ("POST", "PUT", "PATCH"):
            headers.set("content-length", "0")
    elif headers.get("content-length") is None:
        headers.set("transfer-encoding", "chunked")
    return headers


def cf_object(request: Request) -> str:
    """``request.cf`` of a Worker, as JSON; what an edge without a map of the world knows."""
    return json.dumps(
        {
            "asn": 0,
            "asOrganization": "",
            "clientAcceptEncoding": request.accept_encoding,
            "colo": COLO,
            "country": COUNTRY,
            "httpProtocol": f"HTTP/{request.http_version}",
            "requestPriority": "",
            "timezone": "Etc/UTC",
            "tlsVersion": "TLSv1.3" if request.scheme == "https" else "",
            "tlsCipher": "AEAD-AES128-GCM-SHA256" if request.scheme == "https" else "",
        },
        separators=(",", ":"),
    )
