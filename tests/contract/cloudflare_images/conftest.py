"""The embedded Cloudflare as the daemon runs it: its API, its data plane and an edge as a process of its own."""

from __future__ import annotations

import io
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from PIL import Image

from localcloud.cloudflare.dataplane.local import LocalDataPlane
from localcloud.cloudflare.dataplane.memory import MemoryDataPlane
from tests.contract.cloudflare.serving import ZONE, Served, serve
from tests.contract.cloudflare_edge.conftest import cache, free_port

BROWSER = "image/avif,image/webp,image/apng,*/*;q=0.8"
SHOP = f"shop.{ZONE}"


def picture(width: int = 400, height: int = 200, kind: str = "PNG") -> bytes:
    """Left half red, right half blue."""
    image = Image.new("RGB", (width, height), "red")
    image.paste("blue", (width // 2, 0, width, height))
    out = io.BytesIO()
    image.save(out, kind)
    return out.getvalue()


def opened(answer: httpx.Response) -> Image.Image:
    assert answer.status_code == 200, (answer.status_code, answer.text)
    return Image.open(io.BytesIO(answer.content))


class Loopback(httpx.HTTPTransport):
    """Connects to loopback whatever the host name resolves to."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.extensions = {**request.extensions, "sni_hostname": request.url.host}
        request.url = request.url.copy_with(host="127.0.0.1")
        return super().handle_request(request)


@dataclass
class Stack:
    """The API, and a browser that trusts the edge."""

    api: Served
    plane: LocalDataPlane
    browser: httpx.Client
    port: int
    edge_pid: int

    def url(self, host: str, path: str) -> str:
        return f"https://{host}:{self.port}{path}"

    def get(self, host: str, path: str, accept: str = BROWSER, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.browser.get(self.url(host, path), headers={"accept": accept, **named})

    def upload(self, name: str, content: bytes = b"", **fields: str) -> Any:
        form: dict[str, Any] = {"file": ("a.png", content or picture(), "image/png")}
        form |= {key: (None, value) for key, value in ({"id": name} | fields).items() if value}
        return self.api.result("POST", "A/images/v1", files=form)

    @property
    def hash(self) -> str:
        found: str = self.upload("hash", picture(1, 1))["variants"][0].split("/")[3]
        self.api.result("DELETE", "A/images/v1/hash")
        return found

    def settle(self) -> None:
        """Wait until the edge serves what is declared."""
        assert self.api.cloud.publisher.settle(30)
        assert self.api.cloud.publisher.problems == {}


@contextmanager
def running(home: Path) -> Iterator[Stack]:
    """All of it on free ports, with its state in ``home``, until the context ends."""
    ports = free_port(), free_port()
    plane = LocalDataPlane(home, cache(), ports)
    plane.start()
    try:
        with serve(home, cast(MemoryDataPlane, plane)) as api:
            trusted = ssl.create_default_context(cafile=str(home / "ca" / "ca.pem"))
            with httpx.Client(transport=Loopback(verify=trusted), timeout=60) as browser:
                assert plane.edge_pid is not None
                yield Stack(api, plane, browser, ports[1], plane.edge_pid)
    finally:
        plane.stop()


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("cloud")) as found:
        yield found
