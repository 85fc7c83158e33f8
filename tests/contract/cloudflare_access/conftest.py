"""An edge with applications before its Workers, and browsers that log in."""

from __future__ import annotations

import hashlib
import re
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest

from localcloud.cloudflare.edge.access.codes import last_code
from localcloud.cloudflare.edge.snapshot import Access
from tests.contract.cloudflare_edge.conftest import Running, edge
from tests.contract.cloudflare_edge.workers import snapshot, version

__all__ = ["edge"]
TEAM = "access.localhost"
ADMIN = "ada@example.com"
CLIENT_ID, SECRET = "0123456789abcdef.access", "s" * 64
HTML = {"accept": "text/html,application/xhtml+xml"}


def policy(name: str = "admins", decision: str = "allow", **more: Any) -> dict[str, Any]:
    """A policy; who it is about is ADMIN unless said otherwise."""
    return {"id": name, "decision": decision, "include": [{"email": {"email": ADMIN}}], **more}


def application(domain: str, *policies: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A self-hosted application as the API keeps it."""
    aud = hashlib.sha256(domain.encode()).hexdigest()
    return {
        "id": domain, "aud": aud, "name": f"The {domain}", "type": "self_hosted", "domain": domain,
        "self_hosted_domains": [domain], "policies": list(policies or (policy(),)), "session_duration": "24h", **more,
    }  # fmt: skip


class Loopback(httpx.AsyncHTTPTransport):
    """Connects to loopback whatever a host name resolves to; cookies and redirects go by the name."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await super().handle_async_request(
            httpx.Request(
                request.method,
                request.url.copy_with(host="127.0.0.1"),
                headers=request.headers,
                stream=request.stream,
                extensions={**request.extensions, "sni_hostname": request.url.host},
            )
        )


@dataclass
class Protected:
    """A running edge. ``declare`` puts applications before the Workers ``store`` and ``other``."""

    edge: Running
    access: Access = field(default_factory=Access)

    async def declare(self, *applications: Mapping[str, Any], **more: Any) -> None:
        tokens = {CLIENT_ID: ("token", hashlib.sha256(SECRET.encode()).hexdigest())}
        self.access = Access(TEAM, tuple(applications), **{"tokens": tokens, "account": "a" * 32, **more})
        workers = snapshot(version("v1"), version("v2", worker="other"))
        await self.edge.service.apply(replace(workers, access=self.access))

    @property
    def port(self) -> int:
        return self.edge.settings.https_port

    def url(self, host: str, path: str = "/", scheme: str = "https") -> str:
        port = self.port if scheme == "https" else self.edge.settings.http_port
        return f"{scheme}://{host}:{port}{path}"

    def code(self, email: str = ADMIN) -> str | None:
        return last_code(self.edge.settings.home, email)

    @asynccontextmanager
    async def browser(self, **headers: str) -> AsyncIterator[httpx.AsyncClient]:
        """A client with cookies, that asks for pages and takes each step of a redirect by itself."""
        context = ssl.create_default_context(cafile=str(self.edge.service.certificate_path))
        client = httpx.AsyncClient(transport=Loopback(verify=context), headers={**HTML, **headers}, timeout=30)
        async with client:
            yield client

    async def sign_in(
        self, browser: httpx.AsyncClient, url: str, email: str = ADMIN, code: str | None = None
    ) -> httpx.Response:
        """Open a page as a person does, up to what is there after the login."""
        page = await browser.get(url, follow_redirects=True)
        assert "Send code" in page.text, page.text
        page = await browser.post(page.url, data={"email": email})
        sent = code or self.code(email)
        data = {"attempt": hidden(page), "code": sent or "000000"}
        return await browser.post(page.url, data=data, follow_redirects=True)


def hidden(page: httpx.Response) -> str:
    """The name of the attempt in the second form."""
    found = re.search(r"name=attempt value='([^']+)'", page.text)
    assert found, page.text
    return found[1]


@pytest.fixture
def protected(edge: Running) -> Protected:
    return Protected(edge)
