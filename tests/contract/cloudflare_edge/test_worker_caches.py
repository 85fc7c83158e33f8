"""The Cache API of Workers, and the ``_redirects`` of their files."""

from __future__ import annotations

from pathlib import Path

from localcloud.cloudflare.runtime.model import AssetFile, Assets
from tests.contract.cloudflare_edge.conftest import Running
from tests.contract.cloudflare_edge.workers import snapshot, version

CACHES = """
export default {
  async fetch(request) {
    const url = new URL(request.url);
    const cache = url.searchParams.has("named") ? await caches.open("mine") : caches.default;
    const key = "https://store.localhost" + url.pathname;
    if (request.method === "DELETE") return Response.json({ gone: await cache.delete(key) });
    if (request.method === "PUT") {
      const headers = { "cache-control": url.searchParams.get("control"), "x-kept": "yes", etag: '"t"' };
      const text = await request.text();
      const parts = new ReadableStream({ start(to) { to.enqueue(new TextEncoder().encode(text)); to.close(); } });
      await cache.put(key, new Response(parts, { status: 201, headers }).clone());
      return new Response("put");
    }
    const found = await cache.match(new Request(key, { headers: request.headers }));
    return found ?? new Response("none", { status: 404 });
  },
};
"""


async def test_a_worker_keeps_responses_by_the_cache_api(edge: Running) -> None:
    """Every Worker that looks into ``caches.default`` answered 500: OpenNext's regional cache does on each page."""
    await edge.service.apply(snapshot(version("v1", CACHES)))
    async with edge.client("store.localhost") as client:
        assert (await client.get("/a")).status_code == 404
        assert (await client.put("/a?control=max-age%3D60", content=b"one" * 1000)).text == "put"
        found = await client.get("/a")
        assert (found.status_code, found.text, found.headers["x-kept"]) == (201, "one" * 1000, "yes")
        assert (await client.get("/a", headers={"if-none-match": '"t"'})).status_code == 304
        assert (await client.get("/a?named")).status_code == 404
        assert (await client.get("/b")).status_code == 404
        await client.put("/p?control=private%2C%20max-age%3D60", content=b"mine")
        assert (await client.get("/p")).status_code == 404
        assert (await client.delete("/a")).json() == {"gone": True}
        assert (await client.delete("/a")).json() == {"gone": False}
        assert (await client.get("/a")).status_code == 404


async def test_redirects_of_the_files_come_before_files_and_worker(edge: Running, tmp_path: Path) -> None:
    """Old product addresses in ``_redirects`` went to the Worker, which knows none of them: 404 in search results."""
    page = tmp_path / "page"
    page.write_text("page")
    rules = """
    # moved in spring
    /old /new/ 301
    /to/* /shop/:splat
    /p/:id/:name https://else.example/:name?id=:id 308
    /shown /about 200
    /page /elsewhere # though it is there
    no-slash /x
    /bad /x 299
    """
    files = Assets(
        {"/about.html": AssetFile(page, "text/html", "a"), "/page.html": AssetFile(page, "text/html", "p")},
        {"_redirects": rules},
    )
    await edge.service.apply(snapshot(version("v1", assets=files)))
    async with edge.client("store.localhost") as client:
        for path, status, location in (
            ("/old?a=1", 301, "/new/?a=1"),
            ("/to/a/b%C3%BC", 302, "/shop/a/b%C3%BC"),
            ("/p/7/lens", 308, "https://else.example/lens?id=7"),
            ("/page", 302, "/elsewhere"),
        ):
            answer = await client.get(path)
            assert (answer.status_code, answer.headers["location"]) == (status, location)
        assert (await client.get("/shown")).text == "page"
        assert (await client.get("/bad")).json()["version"] == "v1"
