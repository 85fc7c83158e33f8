"""HTTP to the store, wherever it is: on the internet, or on this machine below `.localhost`.

Debian resolves no name below `.localhost` but that one, and the embedded edge's certificates come from an authority
that only this machine has. Both are mended for these names and for no other: no other host is reached differently, and
none is trusted for having a certificate of the local authority.
"""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from typing import Any

import httpx

from scripts.operator.engine import cloud_home

LOOPBACK = "127.0.0.1"
HERE = ("localhost", "*.localhost", LOOPBACK)
"""Hosts of this machine: no proxy leads to them."""


def client(base_url: str = "", *, authority: Path | None = None, **options: Any) -> httpx.Client:
    """A client for the store's addresses; `options` are httpx's own.

    :param authority: PEM of the local authority; else $OPTICWORKS_CA, else the embedded cloud's of this checkout.
    """
    limits = options.get("limits") or httpx.Limits()
    here = LocalTransport(authority or local_authority(), limits)
    mounts = {f"all://{host}": here for host in HERE}
    return httpx.Client(base_url=base_url, mounts=mounts, **{"verify": ssl.create_default_context(), **options})


def local_authority() -> Path:
    """The certificate that the embedded edge's are signed with; it may not be there (yet)."""
    return Path(os.environ.get("OPTICWORKS_CA") or cloud_home() / "ca" / "ca.pem")


class LocalTransport(httpx.BaseTransport):
    """Connects to loopback; Host, SNI and the name in the certificate stay those of the URL."""

    def __init__(self, authority: Path, limits: httpx.Limits) -> None:
        self._authority = authority
        self._limits = limits
        # Connections of their own for each name: one made for one host must not carry another's requests.
        self._by_host: dict[str, httpx.HTTPTransport] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        host = request.url.host
        if host not in self._by_host:
            self._by_host[host] = httpx.HTTPTransport(verify=self._trust(), limits=self._limits)
        request.url = request.url.copy_with(host=LOOPBACK)
        if host != LOOPBACK:
            request.extensions = {**request.extensions, "sni_hostname": host}
        try:
            return self._by_host[host].handle_request(request)
        finally:
            # What is told of the request, and where its redirects lead, is by its own name.
            request.url = request.url.copy_with(host=host)

    def close(self) -> None:
        for transport in self._by_host.values():
            transport.close()

    def _trust(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        # Asked at the first request: the edge makes its authority when it first starts.
        if self._authority.is_file():
            context.load_verify_locations(cafile=str(self._authority))
        return context
