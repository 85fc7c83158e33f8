"""An embedded Cloudflare for tests: served from this process, with a data plane that only remembers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from cloudflare import Cloudflare

from localcloud.cloudflare.app import create_app
from localcloud.cloudflare.cloud import Cloud
from localcloud.cloudflare.dataplane.memory import MemoryDataPlane
from localcloud.cloudflare.start import start
from localcloud.cloudflare.store import Store
from localcloud.cloudflare.zones.routes import ensure
from tests.contract.listening import listening

TOKEN = "t" * 40
ZONE = "example.localhost"
WORKER = b"export default { async fetch(request) { return new Response('one') } }"


@dataclass
class Served:
    """A running cloud, and clients of it that know the token."""

    url: str
    cloud: Cloud
    dataplane: MemoryDataPlane
    http: httpx.Client
    sdk: Cloudflare

    @property
    def account(self) -> str:
        return self.cloud.account_id

    @property
    def zone(self) -> str:
        return str(self.result("GET", f"/zones?name={ZONE}")[0]["id"])

    def ask(self, method: str, path: str, body: Any = None, **rest: Any) -> httpx.Response:
        """``A`` and ``Z`` at the beginning of a path stand for the account and the zone."""
        if path.startswith("A/"):
            path = f"/accounts/{self.account}{path[1:]}"
        if path.startswith("Z/"):
            path = f"/zones/{self.zone}{path[1:]}"
        if body is not None:
            rest["json"] = body
        return self.http.request(method, f"/client/v4{path}", **rest)

    def result(self, method: str, path: str, body: Any = None, **rest: Any) -> Any:
        """The result of a request that must succeed."""
        response = self.ask(method, path, body, **rest)
        assert response.is_success, f"{method} {path} {body}: {response.status_code} {response.text}"
        answer = response.json()
        assert answer["success"] is True and answer["errors"] == [], answer
        return answer["result"]

    def error(self, method: str, path: str, body: Any = None, **rest: Any) -> tuple[int, int]:
        """(status, code) of a request that must fail."""
        response = self.ask(method, path, body, **rest)
        assert response.is_error, f"{method} {path} {body} was accepted: {response.text}"
        answer = response.json()
        assert answer["success"] is False and answer["result"] is None, answer
        return response.status_code, answer["errors"][0]["code"]

    def settled(self) -> MemoryDataPlane:
        """The data plane once it was told of everything."""
        assert self.cloud.publisher.settle(10)
        assert self.cloud.publisher.problems == {}
        return self.dataplane

    def script(self, name: str = "shop", content: bytes = WORKER, **metadata: Any) -> Any:
        """Upload a script, which is deployed with that."""
        sent = {"main_module": "index.js", "compatibility_date": "2025-01-01", **metadata}
        return self.result("PUT", f"A/workers/scripts/{name}", files=form(sent, content))


def form(metadata: dict[str, Any], content: bytes = WORKER) -> dict[str, Any]:
    """The fields of an upload, for httpx."""
    import json

    return {
        "metadata": (None, json.dumps(metadata), "application/json"),
        "index.js": ("index.js", content, "application/javascript+module"),
    }


@contextmanager
def serve(home: Path, dataplane: MemoryDataPlane | None = None, zones: Sequence[str] = (ZONE,)) -> Iterator[Served]:
    """Run a cloud with its state in ``home`` on a free port until the context ends."""
    dataplane = dataplane or MemoryDataPlane()
    store = Store(home)
    cloud = Cloud(store, dataplane, TOKEN)
    start(cloud, zones)
    try:
        with (
            listening(create_app(cloud)) as url,
            httpx.Client(
                base_url=url, headers={"Authorization": f"Bearer {TOKEN}"}, trust_env=False, timeout=30
            ) as http,
            Cloudflare(
                api_token=TOKEN,
                base_url=f"{url}/client/v4",
                max_retries=0,
                _strict_response_validation=True,
                http_client=httpx.Client(trust_env=False),
            ) as sdk,
        ):
            yield Served(url, cloud, dataplane, http, sdk)
    finally:
        cloud.close()
        store.close()


def remembering(home: Path, zone: str) -> tuple[Cloud, str]:
    """A cloud with that zone, and the zone's id. Nothing is told of what is declared, and nothing runs."""
    cloud = Cloud(Store(home), MemoryDataPlane(), TOKEN)
    with cloud.store.transaction() as tx:
        return cloud, str(ensure(tx, cloud.account_id, zone)["id"])
