"""Requests from the edge to what answers them: a Worker's socket or an origin, over connections that are kept."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack
from pathlib import Path

import httpcore

from localcloud.cloudflare.edge.messages import Headers, Request, Response

CONNECT_SECONDS = 15.0
"""After this Cloudflare answers 522."""
READ_SECONDS = 100.0
"""After this Cloudflare answers 524."""
TIMEOUTS = {"connect": CONNECT_SECONDS, "read": READ_SECONDS, "write": READ_SECONDS, "pool": CONNECT_SECONDS}
REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS"})


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
        self._authorities: tuple[str, ...] = ()

    async def trust(self, authorities: tuple[str, ...]) -> None:
        """PEM certificates that a strict origin's certificate may be signed by, besides the system's."""
        if authorities != self._authorities:
            self._authorities = authorities
            await self._drop([key for key in self._pools if key[0] == "strict"])

    async def forget_missing_sockets(self) -> None:
        """Close connections to Workers that ended."""
        await self._drop([key for key in self._pools if key[0] == "socket" and not Path(key[1]).exists()])

    async def aclose(self) -> None:
        await self._drop(list(self._pools))

    async def to_socket(self, path: str, request: Request, headers: Headers) -> Response:
        """Ask what listens on a Unix socket."""
        pool = self._pool(("socket", path))
        url = httpcore.URL(scheme="http", host="localhost", port=80, target=request.target.encode("latin-1"))
        return await _send(pool, url, request, headers, {})

    async def to_origin(
        self, address: str, port: int, request: Request, headers: Headers, *, tls: str | None, server_name: str
    ) -> Response:
        """Ask an origin. ``tls``: None (plain), ``full`` (any certificate) or ``strict`` (a valid one for the name)."""
        pool = self._pool((tls or "plain", server_name if tls else ""))
        url = httpcore.URL(
            scheme="https" if tls else "http", host=address, port=port, target=request.target.encode("latin-1")
        )
        return await _send(pool, url, request, headers, {"sni_hostname": server_name} if tls else {})

    def _pool(self, key: tuple[str, ...]) -> httpcore.AsyncConnectionPool:
        if (found := self._pools.get(key)) is not None:
            return found
        context = None
        if key[0] == "full":
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        elif key[0] == "strict":
            context = ssl.create_default_context()
            for authority in self._authorities:
                context.load_verify_locations(cadata=authority)
        pool = httpcore.AsyncConnectionPool(
            ssl_context=context,
            uds=key[1] if key[0] == "socket" else None,
            max_connections=512,
            max_keepalive_connections=64,
            keepalive_expiry=60,
        )
        self._pools[key] = pool
        return pool

    async def _drop(self, keys: Iterable[tuple[str, ...]]) -> None:
        for key in keys:
            await self._pools.pop(key).aclose()


async def _send(
    pool: httpcore.AsyncConnectionPool,
    url: httpcore.URL,
    request: Request,
    headers: Headers,
    extensions: dict[str, str],
) -> Response:
    outgoing = httpcore.Request(
        request.method,
        url,
        headers=headers.pairs,
        content=request.body if request.body is not None else b"",
        extensions={"timeout": TIMEOUTS, **extensions},
    )
    try:
        response = await _attempt(pool, outgoing, again=request.body is None and request.method in REPEATABLE)
    except httpcore.ConnectTimeout:
        raise OriginError(522, 522, "Connection timed out") from None
    except httpcore.ConnectError as error:
        raise _connect_error(error) from None
    except httpcore.ReadTimeout:
        raise OriginError(524, 524, "A timeout occurred") from None
    except (httpcore.ProtocolError, httpcore.NetworkError, httpcore.TimeoutException):
        raise OriginError(520, 520, "Web server is returning an unknown error") from None
    resources = AsyncExitStack()
    resources.push_async_callback(response.aclose)
    received = Headers(response.headers).without_hop_by_hop()
    return Response(response.status, received, _stream(response), resources)


async def _attempt(pool: httpcore.AsyncConnectionPool, outgoing: httpcore.Request, *, again: bool) -> httpcore.Response:
    try:
        return await pool.handle_async_request(outgoing)
    except (httpcore.RemoteProtocolError, httpcore.ReadError, httpcore.WriteError):
        # A kept connection may end just as a request goes out on it.
        if not again:
            raise
        return await pool.handle_async_request(outgoing)


async def _stream(response: httpcore.Response) -> AsyncIterator[bytes]:
    async for chunk in response.aiter_stream():
        yield chunk


def _connect_error(error: Exception) -> OriginError:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return OriginError(526, 526, "Invalid SSL certificate")
        if isinstance(cause, ssl.SSLError):
            return OriginError(525, 525, "SSL handshake failed")
        cause = cause.__cause__ or cause.__context__
    if "Name or service not known" in str(error) or "getaddrinfo" in str(error):
        return OriginError(530, 1016, "Origin DNS error")
    return OriginError(521, 521, "Web server is down")
