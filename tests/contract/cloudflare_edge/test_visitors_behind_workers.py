"""The Worker before the storefront, at the edge: whom the API and the zone's rate limits see behind its requests."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from components.storefront import read
from localcloud.cloudflare.runtime.model import Module, Version
from tests.contract.cloudflare_edge.conftest import Running
from tests.contract.cloudflare_edge.origin import behind, serving
from tests.contract.cloudflare_edge.test_outbound import together
from tests.contract.cloudflare_edge.workers import snapshot
from tests.unit.storefront.folders import write

PAGE = """
export default { async fetch(request, env) {
  const headers = { "x-real-ip": "203.0.113.9" };
  const answer = await fetch(new URL("/store/products", env.MEDUSA_BACKEND_URL), { headers });
  return new Response(await answer.text(), { status: answer.status });
} };
"""


def composed(tmp_path: Path, **variables: str) -> Version:
    """A storefront of one module, that asks for nothing of Node's, with the store's Worker before it."""
    raw = {"worker.js": PAGE, "assets/a.txt": "a"}
    raw["wrangler.json"] = json.dumps({"main": "worker.js", "compatibility_date": "2026-04-01"})
    bundle = read(write(tmp_path / "raw", raw), paid=False, project=tmp_path)
    modules = tuple(Module(one.name, one.content_type, (tmp_path / one.file).read_bytes()) for one in bundle.modules)
    bindings = tuple({"type": "plain_text", "name": name, "text": text} for name, text in variables.items())
    return Version("v1", "store", bundle.main_module, modules, bindings, "2026-04-01", bundle.compatibility_flags)


async def test_the_api_sees_the_visitor_of_the_page(edge: Running, tmp_path: Path) -> None:
    """All visitors were the Worker: ten carts in a minute, and checkout was closed to everybody."""
    if shutil.which("node") is None:
        pytest.skip("no node on PATH")
    api = f"https://api.localhost:{edge.settings.https_port}"
    store = composed(tmp_path, MEDUSA_BACKEND_URL=api, ORIGIN_SECRET="s" * 32)
    async with serving() as origin:
        await edge.service.apply(together(snapshot(store), behind(origin)))
        async with edge.client("store.localhost") as client:
            answer = await client.get("/")
        assert answer.status_code == 200, edge.settings.log_path.read_text()
        _, fields = origin.requests[0]
        assert fields["cf-connecting-ip"] == "127.0.0.1" and fields["x-origin-secret"] == "s" * 32
