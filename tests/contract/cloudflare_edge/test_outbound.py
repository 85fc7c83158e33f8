"""What a Worker's own ``fetch`` reaches, and as whom."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from localcloud.cloudflare.edge.snapshot import Record, Route, Ruleset, Snapshot
from localcloud.cloudflare.runtime.model import Version
from tests.contract.cloudflare_edge.conftest import Running
from tests.contract.cloudflare_edge.origin import Origin, behind, rule, serving
from tests.contract.cloudflare_edge.workers import ZONE, snapshot, version

PUBLIC = ("global_fetch_strictly_public",)
ASK = """
export default { async fetch(request) {
  const url = new URL(request.url);
  const headers = {"x-mine": "1", "x-localcloud-worker": '["evil", true]', "cf-ew-via": "0", "cf-connecting-ip": "9"};
  const asked = url.searchParams.get("all")
    ? new Request(url.searchParams.get("url"), request) : url.searchParams.get("url");
  const sent = request.method === "POST" ? {method: "POST", body: request.body, headers} : {redirect: "manual"};
  const answer = await fetch(asked, url.searchParams.get("all") ? undefined : sent);
  return new Response(answer.body, {status: answer.status, headers: answer.headers});
} };
"""


@pytest.fixture
async def origin() -> AsyncIterator[Origin]:
    async with serving() as served:
        yield served


def asking(*flags: str) -> Version:
    """A Worker that fetches what ``?url=`` says."""
    return replace(version("ask1", ASK, worker="ask"), compatibility_flags=flags)


def together(workers: Snapshot, origins: Snapshot, **more: Any) -> Snapshot:
    return replace(workers, records=origins.records, rulesets=origins.rulesets, **more)


async def fetched(edge: Running, url: str, **more: Any) -> Any:
    async with edge.client("ask.localhost", scheme="http") as client:
        return (
            await client.post("/", params={"url": url}, **more) if more else await client.get("/", params={"url": url})
        )


async def test_a_worker_reaches_the_api_by_its_public_name_through_the_zones_rules(
    edge: Running, origin: Origin
) -> None:
    """A storefront that goes past the edge is refused by origins that want the edge's secret, or leaves the machine."""
    secret = {"headers": {"X-Origin-Secret": {"operation": "set", "value": "right"}}}
    late = Ruleset("zone", "http_request_late_transform", (rule("true", "rewrite", action_parameters=secret),))
    await edge.service.apply(together(snapshot(asking(*PUBLIC)), behind(origin, late)))
    port = edge.settings.https_port
    response = await fetched(edge, f"https://api.localhost:{port}/store/carts?a=1", content=b"x" * 300_000)
    assert (response.status_code, response.text) == (200, "from the origin"), edge.settings.log_path.read_text()
    response = await fetched(edge, "https://api.localhost/store/products")
    assert response.status_code == 200
    (first, fields), (second, plain) = origin.requests
    assert (first, second) == ("POST /store/carts?a=1", "GET /store/products")
    assert fields["host"] == f"api.localhost:{port}"
    assert plain["host"] == "api.localhost"
    assert fields["x-origin-secret"] == "right"
    assert fields["x-forwarded-proto"] == "https"
    assert fields["cf-visitor"] == '{"scheme":"https"}'
    assert fields["cf-worker"] == "localhost"
    assert fields["cf-connecting-ip"] == "2a06:98c0:3600::103"
    assert fields["cdn-loop"] == "cloudflare; loops=1; subreqs=1"
    assert fields["x-mine"] == "1"
    assert not [name for name in fields if name.startswith("x-localcloud")]


async def test_a_visitors_address_goes_along_within_the_zone(edge: Running, origin: Origin) -> None:
    """A limit of logins by address would count every visitor of the storefront as one."""
    await edge.service.apply(together(snapshot(asking()), behind(origin)))
    async with edge.client("ask.localhost", scheme="http") as client:
        await client.get("/", params={"url": "http://api.localhost/", "all": "1"})
    fields = origin.requests[0][1]
    assert fields["cf-connecting-ip"] == fields["x-forwarded-for"] == "127.0.0.1"
    assert fields["cf-ew-via"] == "1"
    assert fields["cdn-loop"] == "cloudflare; loops=2; subreqs=1"


async def test_only_with_the_flag_does_a_worker_meet_its_zones_routes(edge: Running, origin: Origin) -> None:
    """A Worker on a route that fetches its own address would call itself for ever."""
    routes = (Route("zone", "api.localhost/*", "store"),)
    for flags, expected in ((PUBLIC, "v1"), ((), None)):
        workers = snapshot(asking(*flags), version("v1"))
        await edge.service.apply(together(workers, behind(origin), routes=routes))
        response = await fetched(edge, "http://api.localhost/")
        assert (response.json()["version"] if expected else response.text) == (expected or "from the origin")
        # A custom domain's Worker is the origin: it answers either way.
        assert (await fetched(edge, "http://store.localhost/")).json()["version"] == "v1"


async def test_what_nobody_here_serves_is_not_looked_for_elsewhere(edge: Running, origin: Origin) -> None:
    """A test storefront that reaches the real shop's API changes real carts."""
    unproxied = Record("zone", "plain.localhost", "A", "127.0.0.1", proxied=False)
    elsewhere = Record("zone", "far.localhost", "A", "203.0.113.9")
    sent = behind(origin)
    records = (*sent.records, unproxied, elsewhere)
    await edge.service.apply(replace(together(snapshot(asking()), sent), records=records))
    for url, status, code in (
        ("https://api.stripe.com/v1/charges", 530, "1016"),
        ("http://unknown.localhost/", 530, "1016"),
        ("http://203.0.113.9/", 403, "1003"),
        ("http://far.localhost/", 523, "523"),
    ):
        response = await fetched(edge, url)
        assert (response.status_code, response.text.split("\n")[0]) == (status, f"error code: {code}")
    assert (await fetched(edge, f"http://127.0.0.1:{origin.port}/a")).text == "from the origin"
    assert (await fetched(edge, f"http://localhost:{origin.port}/a")).text == "from the origin"
    assert (await fetched(edge, f"http://plain.localhost:{origin.port}/a")).text == "from the origin"
    assert origin.requests[0][1]["cf-worker"] == "localhost"


async def test_redirects_are_the_workers_own_to_follow(edge: Running, origin: Origin) -> None:
    """A login that answers with a redirect and a cookie would lose the cookie."""
    zone = replace(ZONE, settings={"ssl": "flexible", "always_use_https": "on"})
    await edge.service.apply(together(replace(snapshot(asking()), zones=(zone,)), behind(origin, zone=zone)))
    async with edge.client("ask.localhost") as client:
        response = await client.get("/", params={"url": "http://api.localhost/a"})
    assert response.status_code == 301
    assert response.headers["location"] == f"https://api.localhost:{edge.settings.https_port}/a"


async def test_responses_stream_through(edge: Running) -> None:
    """A page that streams its slow part would be held back until all of it is there."""
    seen = asyncio.Event()

    async def slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        await seen.wait()
        writer.write(b"6\r\nsecond\r\n0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(slowly, "127.0.0.1", 0)
    await edge.service.apply(together(snapshot(asking()), behind(Origin(server.sockets[0].getsockname()[1]))))
    async with (
        edge.client("ask.localhost", scheme="http") as client,
        client.stream("GET", "/", params={"url": "http://api.localhost/"}) as response,
    ):
        parts = response.aiter_raw()
        assert await anext(parts) == b"first"
        seen.set()
        assert await anext(parts) == b"second"
    server.close()


@pytest.mark.parametrize("headers", [{"all": "1"}, {}])
async def test_a_worker_that_asks_itself_without_end_is_stopped(edge: Running, headers: Mapping[str, str]) -> None:
    """One typing error in a host name would take all of the machine's memory."""
    again = """export default { async fetch(request) {
      return fetch(new URL(request.url).searchParams.get("all") ? request : request.url);
    } };"""
    await edge.service.apply(snapshot(version("v1", again)))
    async with edge.client("store.localhost", scheme="http") as client:
        response = await client.get("/", params=headers)
    assert response.status_code == 530
    assert response.text.startswith("error code: 1019")
