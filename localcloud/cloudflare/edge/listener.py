"""Listens for an application: connections answer what is simple themselves and give the rest to hypercorn."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.asyncio.worker_context import WorkerContext
from hypercorn.config import Config
from hypercorn.typing import AppWrapper
from hypercorn.utils import wrap_app

from localcloud.cloudflare.edge.application import Application, Body, to_request
from localcloud.cloudflare.edge.connection import Connection
from localcloud.cloudflare.edge.messages import Headers, Request
from localcloud.cloudflare.edge.replay import Replays

LOOK_SECONDS = 30.0
"""How often idle connections are looked for."""


class Listener:
    """Serves one application where hypercorn's settings say, until :meth:`close`."""

    def __init__(self, application: Application, config: Config) -> None:
        self.replays: Replays | None = application.replays
        self.closing = False
        self.handle = application.handle
        self._config = config
        self._application: AppWrapper = wrap_app(application, config.wsgi_max_body_size, "asgi")  # type: ignore[arg-type]
        self._context = WorkerContext(None)
        self._connections: set[Connection] = set()
        self._taken: set[asyncio.Task[Any]] = set()
        self._servers: list[asyncio.Server] = []
        self._look: asyncio.TimerHandle | None = None

    async def open(self) -> None:
        """Returns once connections are answered.

        :raises OSError: an address is taken.
        """
        loop = asyncio.get_running_loop()
        sockets = self._config.create_sockets()
        context: ssl.SSLContext | None = self._config.create_ssl_context() if self._config.ssl_enabled else None
        kinds = [(sockets.secure_sockets, context), (sockets.insecure_sockets, None)]
        for some, tls in kinds:
            for one in some:
                timeout = self._config.ssl_handshake_timeout if tls else None
                server = await loop.create_server(
                    lambda: Connection(self), sock=one, ssl=tls, backlog=self._config.backlog,
                    ssl_handshake_timeout=timeout,
                )  # fmt: skip
                self._servers.append(server)
        self._look = loop.call_later(LOOK_SECONDS, self._end_idle)

    async def close(self) -> None:
        """Take no more, let requests end for a while, then end connections."""
        self.closing = True
        if self._look:
            self._look.cancel()
        await self._context.terminated.set()
        for server in self._servers:
            server.close()
        for connection in [one for one in self._connections if not one.busy]:
            connection.close()
        until = asyncio.get_running_loop().time() + self._config.graceful_timeout
        while (waiting := [*self._taken]) or any(one.busy for one in self._connections):
            left = until - asyncio.get_running_loop().time()
            if left <= 0:
                break
            answering = [one.answered() for one in self._connections if one.busy]
            tasks = [*waiting, *(asyncio.ensure_future(one) for one in answering)]
            await asyncio.wait(tasks, timeout=left)
        for task in self._taken:
            task.cancel()
        for connection in list(self._connections):
            connection.abort()
        await asyncio.gather(*self._taken, return_exceptions=True)

    def make_request(self, method: str, target: str, headers: Headers, scheme: str, client: str) -> Request:
        """The request of a head without a body."""
        path, _, query = target.encode("latin-1").partition(b"?")
        scope = {
            "method": method, "scheme": scheme, "http_version": "1.1", "headers": headers.pairs, "raw_path": path,
            "query_string": query, "client": (client, 0),
        }  # fmt: skip
        return to_request(scope, Body(_nothing))

    def opened(self, connection: Connection) -> None:
        self._connections.add(connection)

    def closed(self, connection: Connection) -> None:
        self._connections.discard(connection)

    async def take_over(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection by hypercorn to its end."""
        task = asyncio.current_task()
        assert task is not None
        self._taken.add(task)
        task.add_done_callback(self._taken.discard)
        loop = asyncio.get_running_loop()
        await TCPServer(self._application, loop, self._config, self._context, {}, reader, writer)

    def _end_idle(self) -> None:
        loop = asyncio.get_running_loop()
        since = loop.time() - self._config.keep_alive_timeout
        for connection in [one for one in self._connections if not one.busy and one.used < since]:
            connection.close()
        self._look = loop.call_later(LOOK_SECONDS, self._end_idle)


async def _nothing() -> dict[str, Any]:
    return {"type": "http.disconnect"}


async def serve(application: Application, config: Config, done: asyncio.Event, ready: asyncio.Event) -> None:
    """Serve until ``done`` is set; ``ready`` is set once connections are answered.

    :raises OSError: an address is taken.
    """
    listener = Listener(application, config)
    try:
        await listener.open()
        ready.set()
        await done.wait()
    finally:
        await listener.close()
