"""Requests from the edge to what answers them: a Worker's socket or an origin, over connections that are kept."""

from __future__ import annotations

import errno
import ssl
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpcore

from localcloud.cloudflare.edge import client
from localcloud.cloudflare.edge.messages import Headers, Request, Response, chunks

CONNECT_SECONDS = 15.0
"""After this Cloudflare answers 522."""
READ_SECONDS = 100.0
"""After this Cloudflare answers 524."""
TIMEOUTS = {"connect": CONNECT_SECONDS, "read": READ_SECONDS, "write": READ_SECONDS, "pool": CONNECT_SECONDS}
KEPT_SECONDS = {"socket": 4.0}
"""How long an idle connection is kept, by where it leads: workerd ends its own after 5 s."""
KEPT_ORIGIN_SECONDS = 60.0
IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})
"""Requests that may be sent again (RFC 9110, 9.2.2)."""
MAX_REPEATED = 64 * 1024
"""Bytes of a body that are remembered, to be sent again."""
UNREACHABLE = frozenset({errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EADDRNOTAVAIL})


class OriginError(Exception):
    """No response, with the status and the words Cloudflare has for the reason."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Upstream:
    """Connection pools by where they lead."""

    def __init__(self) -> None:
        self._pools: dict[tuple[str, ...], httpcore.AsyncConnectionPool] = {}
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._authorities: tuple[str, ...] = ()
        self._client = client.Client()

    async def trust(self, authorities: tuple[str, ...]) -> None:
        """PEM certificates that a strict origin's certificate may be signed by, besides the system's."""
        if authorities != self._authorities:
            self._authorities = authorities
            self._contexts.pop("strict", None)
            self._client.drop(lambda place: place.tls is not None)
            await self._drop([key for key in self._pools if key[0] == "strict"])

    async def forget_missing_sockets(self) -> None:
        """Close connections to Workers that ended."""
        self._client.drop(lambda place: bool(place.socket) and not Path(place.socket).exists())
        await self._drop([key for key in self._pools if key[0] == "socket" and not Path(key[1]).exists()])

    async def aclose(self) -> None:
        self._client.drop()
        await self._drop(list(self._pools))

    async def to_socket(
        self, path: str, request: Request, headers: Headers, *, seconds: float = READ_SECONDS
    ) -> Response:
        """Ask what listens on a Unix socket, which may take ``seconds`` to begin its response."""
        url = httpcore.URL(scheme="http", host="localhost", port=80, target=request.target.encode("latin-1"))
        more = {} if seconds == READ_SECONDS else {"timeout": {**TIMEOUTS, "read": seconds}}
        return await self._send(("socket", path), url, request, headers, more)

    async def to_origin(
        self, address: str, port: int, request: Request, headers: Headers, *, tls: str | None, server_name: str
    ) -> Response:
        """Ask an origin. ``tls``: None (plain), ``full`` (any certificate), ``strict`` (a valid one for the name) or
        ``public`` (a valid one of an authority that everybody trusts)."""
        url = httpcore.URL(
            scheme="https" if tls else "http", host=address, port=port, target=request.target.encode("latin-1")
        )
        key = (tls or "plain", server_name if tls else "")
        return await self._send(key, url, request, headers, {"sni_hostname": server_name} if tls else {})

    def _pool(self, key: tuple[str, ...]) -> httpcore.AsyncConnectionPool:
        if (found := self._pools.get(key)) is None:
            found = self._pools[key] = self._new_pool(key)
        return found

    def _new_pool(self, key: tuple[str, ...], *, keep: bool = True) -> httpcore.AsyncConnectionPool:
        return httpcore.AsyncConnectionPool(
            ssl_context=self._context(key[0]),
            uds=key[1] if key[0] == "socket" else None,
            max_connections=512,
            max_keepalive_connections=64 if keep else 0,
            keepalive_expiry=KEPT_SECONDS.get(key[0], KEPT_ORIGIN_SECONDS),
        )

    def _context(self, mode: str) -> ssl.SSLContext | None:
        if mode not in ("full", "strict", "public"):
            return None
        if (found := self._contexts.get(mode)) is None:
            found = self._contexts[mode] = ssl.create_default_context()
            if mode == "full":
                found.check_hostname = False
                found.verify_mode = ssl.CERT_NONE
            for authority in self._authorities if mode == "strict" else ():
                found.load_verify_locations(cadata=authority)
        return found

    async def _send(
        self, key: tuple[str, ...], url: httpcore.URL, request: Request, headers: Headers, extensions: dict[str, Any]
    ) -> Response:
        body = _Remembered(request.body) if request.body is not None else b""
        outgoing = httpcore.Request(
            request.method,
            url,
            headers=headers.pairs,
            content=body,
            extensions={"timeout": TIMEOUTS, **extensions},
        )
        resources = AsyncExitStack()
        try:
            response = await self._attempt(key, outgoing, body, resources)
        except BaseException as error:
            await resources.aclose()
            if isinstance(
                error,
                httpcore.ConnectError | httpcore.ProtocolError | httpcore.NetworkError | httpcore.TimeoutException,
            ):
                raise _told(error, tls=url.scheme == b"https") from None
            raise
        resources.push_async_callback(response.aclose)
        received = Headers(response.headers).without_hop_by_hop()
        if response.status == 101:
            return Response(101, received, chunks(), resources, upgraded=response.extensions["network_stream"])
        return Response(response.status, received, _stream(response), resources)

    async def _attempt(
        self, key: tuple[str, ...], outgoing: httpcore.Request, body: bytes | _Remembered, resources: AsyncExitStack
    ) -> httpcore.Response | client.Answer:
        try:
            if body == b"" and not any(name == b"upgrade" for name, _ in outgoing.headers):
                return await self._ask_plainly(key, outgoing)
            return await self._pool(key).handle_async_request(outgoing)
        except (httpcore.RemoteProtocolError, httpcore.ReadError, httpcore.WriteError):
            # A kept connection may end just as a request goes out on it; others of the pool may have ended with it.
            whole = not isinstance(body, _Remembered) or body.whole
            if outgoing.method.decode() not in IDEMPOTENT or not whole:
                raise
            fresh = await resources.enter_async_context(self._new_pool(key, keep=False))
            return await fresh.handle_async_request(outgoing)

    async def _ask_plainly(self, key: tuple[str, ...], outgoing: httpcore.Request) -> client.Answer:
        if key[0] == "socket":
            place = client.Place(socket=key[1])
        else:
            url, tls = outgoing.url, self._context(key[0])
            place = client.Place("", url.host.decode(), url.port or 0, tls, key[1] if tls else None)
        seconds = outgoing.extensions["timeout"]
        kept = KEPT_SECONDS.get(key[0], KEPT_ORIGIN_SECONDS)
        return await self._client.ask(place, outgoing, connect=seconds["connect"], read=seconds["read"], kept=kept)

    async def _drop(self, keys: Iterable[tuple[str, ...]]) -> None:
        for key in keys:
            await self._pools.pop(key).aclose()


class _Remembered:
    """A request's body that can be sent a second time as long as it is short."""

    def __init__(self, source: AsyncIterator[bytes]) -> None:
        self._source = source
        self._sent: list[bytes] = []
        self._size = 0

    @property
    def whole(self) -> bool:
        return self._size <= MAX_REPEATED

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in list(self._sent):
            yield chunk
        async for chunk in self._source:
            self._size += len(chunk)
            if self.whole:
                self._sent.append(chunk)
            else:
                self._sent.clear()
            yield chunk


async def _stream(response: httpcore.Response | client.Answer) -> AsyncIterator[bytes]:
    async for chunk in response.aiter_stream():
        yield chunk


def _told(error: Exception, *, tls: bool) -> OriginError:
    """What Cloudflare says of a request that got no response."""
    if isinstance(error, httpcore.ConnectTimeout):
        return OriginError(522, 522, "Connection timed out")
    if isinstance(error, httpcore.ReadTimeout):
        return OriginError(524, 524, "A timeout occurred")
    if not isinstance(error, httpcore.ConnectError):
        return OriginError(520, 520, "Web server is returning an unknown error")
    number = None
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return OriginError(526, 526, "Invalid SSL certificate")
        if isinstance(cause, ssl.SSLError):
            return OriginError(525, 525, "SSL handshake failed")
        if isinstance(cause, OSError):
            number = cause.errno
        cause = cause.__cause__ or cause.__context__
    if number in UNREACHABLE:
        return OriginError(523, 523, "Origin is unreachable")
    if tls and number in (None, errno.ECONNRESET, errno.EPIPE):
        return OriginError(525, 525, "SSL handshake failed")  # the connection was made, and ended before TLS was
    return OriginError(521, 521, "Web server is down")
