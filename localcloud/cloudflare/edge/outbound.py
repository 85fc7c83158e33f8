"""What Workers ``fetch``: the edge itself where it serves the host name, this machine's loopback, and nothing else.

workerd sends every request of a Worker here as to a proxy, with the whole address in the request line and with the
Worker in a header field of the generated configuration.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from urllib.parse import urlsplit

from localcloud.cloudflare.edge import content, forwarding, messages, origins
from localcloud.cloudflare.edge.messages import Caller, Request, Response
from localcloud.cloudflare.edge.routing import Table
from localcloud.cloudflare.edge.upstream import OriginError, Upstream
from localcloud.cloudflare.runtime.capnp import CALLER_HEADER

WORKER_ADDRESS = "2a06:98c0:3600::103"
"""The client's address that Cloudflare gives for every Worker of another zone."""
MAX_DEPTH = 16
MAX_OPEN = 256
"""Requests of Workers that wait for Workers at one time. A Worker that asks itself, without passing on the field that
counts how deep it is, is stopped here."""
DEPTH_HEADER = "cf-ew-via"
PORTS = {"http": 80, "https": 443}


class Outbound:
    """Answers workerd's ``globalOutbound``. ``table``: the edge's; ``serve``: its way of answering a client."""

    def __init__(
        self, table: Callable[[], Table], serve: Callable[[Request], Awaitable[Response]], upstream: Upstream
    ) -> None:
        self._table = table
        self._serve = serve
        self._upstream = upstream
        self._open = 0

    async def handle(self, proxied: Request) -> Response:
        """The response to a Worker's request."""
        url = urlsplit(proxied.path)
        if url.scheme not in PORTS or not url.hostname:
            return messages.text(400, "Only http and https are fetched from here.\n")
        table = self._table()
        request = self._request(table, proxied)
        assert request.caller is not None
        if request.caller.depth > MAX_DEPTH:
            return _loop()
        destination = table.destination(request.scheme, request.host, request.path)
        try:
            # The team's keys verify Access's tokens; pictures and managed buckets are in no zone.
            if destination.known or request.host == table.snapshot.access.team or content.own(request.host):
                return await self._through_edge(request, to_worker=destination.origin is None)
            return await self._direct(table, request, url.port or PORTS[url.scheme])
        except OriginError as error:
            return messages.text(error.status, f"error code: {error.code}\n{error}")

    def _request(self, table: Table, proxied: Request) -> Request:
        """The request as the edge takes it from a client."""
        url = urlsplit(proxied.path)
        headers = proxied.headers.copy()
        worker, strictly_public = json.loads(headers.get(CALLER_HEADER) or '["", false]')
        home = table.worker_zone(worker)
        target = table.zone((url.hostname or "").rstrip("."))
        depth = headers.get(DEPTH_HEADER) or "0"
        caller = Caller(
            worker=worker,
            zone=home.name if home else "",
            past_routes=not strictly_public and home is not None and home == target,
            depth=int(depth) + 1 if depth.isdecimal() and len(depth) < 4 else 1,
        )
        # Within a zone the visitor's address goes along with the fields that the Worker was given.
        own = headers.get("x-real-ip") if home is not None and home == target else None
        headers.remove(CALLER_HEADER, "host")
        headers.set("host", url.netloc)
        return replace(
            proxied,
            scheme=url.scheme,
            host=(url.hostname or "").rstrip("."),
            authority=url.netloc,
            path=url.path or "/",
            headers=headers,
            client_ip=own if own and origins.literal(own) else WORKER_ADDRESS,
            caller=caller,
        )

    async def _through_edge(self, request: Request, *, to_worker: bool) -> Response:
        if to_worker and self._open >= MAX_OPEN:
            return _loop()
        self._open += to_worker
        try:
            return await self._serve(request)
        finally:
            self._open -= to_worker

    async def _direct(self, table: Table, request: Request, port: int) -> Response:
        """Past the edge: to loopback, or to the address of a record that is not proxied."""
        if origins.is_loopback(request.host):
            address = "127.0.0.1" if request.host == "localhost" else request.host
        elif origins.literal(request.host):
            return messages.text(403, "error code: 1003\nDirect IP access not allowed")
        else:
            address = origins.address(table, request.host)
        encodings = request.headers.get("accept-encoding")
        request.ray = forwarding.new_ray()
        forwarding.arrive(request)
        if encodings is not None:  # what the Worker can read is not the edge's to say
            request.headers.set("accept-encoding", encodings)
        return await self._upstream.to_origin(
            address,
            port,
            request,
            forwarding.outgoing(request, request.authority),
            tls="strict" if request.scheme == "https" else None,
            server_name=request.host,
        )


def _loop() -> Response:
    return messages.text(530, "error code: 1019\nCompute server error: a Worker asks itself without end")
