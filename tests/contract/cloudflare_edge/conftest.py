"""An edge with workerd behind it, on free ports of loopback."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from localcloud.cloudflare.edge.service import Service, Settings


def cache() -> Path:
    """The cache that a prepared machine has filled."""
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "localcloud"
    return Path(os.environ.get("LOCALCLOUD_CACHE") or default)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@dataclass
class Running:
    """A running edge, and clients that trust it."""

    service: Service
    settings: Settings

    def client(self, host: str, *, scheme: str = "https", http2: bool = False, **options: object) -> httpx.AsyncClient:
        """A client of one host name: connections go to loopback, Host and the TLS name are the host's."""
        port = self.settings.https_port if scheme == "https" else self.settings.http_port
        context = ssl.create_default_context(cafile=str(self.service.certificate_path))
        return httpx.AsyncClient(
            base_url=f"{scheme}://{host}:{port}",
            transport=Loopback(verify=context, http2=http2),
            follow_redirects=False,
            timeout=30,
        )


class Loopback(httpx.AsyncHTTPTransport):
    """Connects to loopback whatever the host name resolves to."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.extensions = {**request.extensions, "sni_hostname": request.url.host}
        request.url = request.url.copy_with(host="127.0.0.1")
        return await super().handle_async_request(request)


@pytest.fixture
async def edge(tmp_path: Path) -> AsyncIterator[Running]:
    settings = Settings(home=tmp_path, cache=cache(), http_port=free_port(), https_port=free_port())
    service = Service(settings)
    done = asyncio.Event()
    serving = asyncio.create_task(service.run(done))
    await service.listening()
    yield Running(service, settings)
    done.set()
    await serving
