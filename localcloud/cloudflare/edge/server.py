"""The edge's listeners: http and https on loopback, HTTP/2 where the client speaks it, by hypercorn."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Any

from hypercorn.asyncio import serve
from hypercorn.config import Config

from localcloud.cloudflare.edge import listener
from localcloud.cloudflare.edge.application import Application
from localcloud.cloudflare.edge.authority import Authority


class _Config(Config):
    """hypercorn's settings, with a TLS context of our own: its own reads one certificate from files."""

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__()
        self._context = context

    @property
    def ssl_enabled(self) -> bool:
        return True

    def create_ssl_context(self) -> ssl.SSLContext:
        return self._context


def configuration(authority: Authority, *, addresses: tuple[str, ...], http_port: int, https_port: int) -> Config:
    """Settings of the listeners on these addresses."""
    config = _Config(authority.server_context())
    config.bind = [f"{address}:{https_port}" for address in addresses]
    config.insecure_bind = [f"{address}:{http_port}" for address in addresses]
    config.include_server_header = False
    config.include_date_header = False
    config.keep_alive_timeout = 400  # Cloudflare's, in seconds
    config.keep_alive_max_requests = 1_000_000
    config.graceful_timeout = 3
    _quiet(config)
    return config


def internal(path: Path) -> Config:
    """Settings of a listener on a Unix socket, for processes of this machine's user alone."""
    config = Config()
    config.bind = [f"unix:{path}"]
    config.umask = 0o177
    config.graceful_timeout = 1
    # workerd ends connections that were idle for 5 s: ended from here as well, a request would fall between the two.
    config.keep_alive_timeout = 3600
    config.keep_alive_max_requests = 1_000_000
    config.include_server_header = False
    _quiet(config)
    return config


async def run(application: Any, config: Config, done: asyncio.Event, ready: asyncio.Event) -> None:
    """Serve until ``done`` is set; ``ready`` is set once connections are answered."""
    if isinstance(application, Application):
        await listener.serve(application, config, done, ready)
        return

    async def until_done() -> None:
        ready.set()  # hypercorn asks for this once its listeners are open
        await done.wait()

    await serve(application, config, shutdown_trigger=until_done, mode="asgi")


def _quiet(config: Config) -> None:
    config.accesslog = None
    config.errorlog = "-"
    config.loglevel = "WARNING"
