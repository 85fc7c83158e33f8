"""Origins behind proxied records, and the rules that run in between."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator

import brotli
import pytest
import zstandard

from localcloud.cloudflare.edge.snapshot import Route, Ruleset, Snapshot, Zone
from tests.contract.cloudflare_edge.conftest import Running
from tests.contract.cloudflare_edge.origin import Origin, behind, rule, serving
from tests.contract.cloudflare_edge.workers import snapshot, version


@pytest.fixture
async def origin() -> AsyncIterator[Origin]:
    async with serving() as served:
        yield served


async def test_an_origin_gets_what_cloudflare_adds(edge: Running, origin: Origin) -> None:
    """Medusa behind a proxy that says nothing of the client counts every customer as one."""
    await edge.service.apply(behind(origin))
    async with edge.client("api.localhost") as client:
        response = await client.post("/store/carts?a=1", json={"x": 1})
    assert response.text == "from the origin"
    line, fields = origin.requests[0]
    assert line == "POST /store/carts?a=1"
    assert fields["cf-connecting-ip"] == fields["x-forwarded-for"] == "127.0.0.1"
    assert fields["x-forwarded-proto"] == "https"
    assert fields["cdn-loop"].startswith("cloudflare")


async def test_an_origin_that_is_down_is_521(edge: Running, origin: Origin) -> None:
    """A bare reset tells whoever is on call nothing about which side is broken."""
    dead = Origin(port=1)
    await edge.service.apply(behind(dead))
    async with edge.client("api.localhost", scheme="http") as client:
        assert (await client.get("/")).status_code == 521


async def test_a_header_rule_puts_the_origin_secret_in_and_nobody_else_can(edge: Running, origin: Origin) -> None:
    """Origins that trust this header would trust whoever sends it, were a client's own to pass."""
    parameters = {"headers": {"X-Origin-Secret": {"operation": "set", "value": "right"}}}
    rules = Ruleset("zone", "http_request_late_transform", (rule("true", "rewrite", action_parameters=parameters),))
    await edge.service.apply(behind(origin, rules))
    async with edge.client("api.localhost", scheme="http") as client:
        await client.get("/", headers={"x-origin-secret": "forged"})
    assert origin.requests[0][1]["x-origin-secret"] == "right"


async def test_a_rate_limit_refuses_what_is_too_much(edge: Running, origin: Origin) -> None:
    """Passwords are guessed at the speed of the origin."""
    limit = {"characteristics": ["ip.src", "cf.colo.id"], "period": 60, "requests_per_period": 3}
    expression = 'http.request.uri.path eq "/auth" and http.request.method eq "POST"'
    one = rule(expression, "block", ratelimit={**limit, "mitigation_timeout": 60})
    await edge.service.apply(behind(origin, Ruleset("zone", "http_ratelimit", (one,))))
    async with edge.client("api.localhost", scheme="http") as client:
        statuses = [(await client.post("/auth")).status_code for _ in range(5)]
        other = (await client.get("/auth")).status_code
    assert statuses == [200, 200, 200, 429, 429]
    assert other == 200


async def test_redirects_and_rewrites(edge: Running, origin: Origin) -> None:
    """The guide's address of the admin would end on a page that does not exist."""
    target = {"target_url": {"expression": 'concat("https://", http.host, "/app")'}, "status_code": 302}
    redirect = rule('http.request.uri.path eq "/admin"', "redirect", action_parameters={"from_value": target})
    path = {"uri": {"path": {"expression": 'regex_replace(http.request.uri.path, "^/v1/(.*)$", "/store/${1}")'}}}
    rewrite = rule('starts_with(http.request.uri.path, "/v1/")', "rewrite", action_parameters=path)
    rulesets = (
        Ruleset("zone", "http_request_dynamic_redirect", (redirect,)),
        Ruleset("zone", "http_request_transform", (rewrite,)),
    )
    await edge.service.apply(behind(origin, *rulesets))
    async with edge.client("api.localhost", scheme="http") as client:
        response = await client.get("/admin")
        assert (response.status_code, response.headers["location"]) == (302, "https://api.localhost/app")
        await client.get("/v1/products?q=1")
    assert origin.requests[-1][0] == "GET /store/products?q=1"


async def test_plain_http_is_led_to_tls_where_the_zone_says_so(edge: Running, origin: Origin) -> None:
    """A session cookie would travel in the clear."""
    await edge.service.apply(behind(origin, zone=Zone("zone", "localhost", {"always_use_https": "on"})))
    async with edge.client("api.localhost", scheme="http") as client:
        response = await client.get("/a?b=1")
    assert response.status_code == 301
    assert response.headers["location"] == f"https://api.localhost:{edge.settings.https_port}/a?b=1"


async def test_a_zone_promises_tls(edge: Running, origin: Origin) -> None:
    """A browser that was never told to stay on TLS can be led off it."""
    promise = {"enabled": True, "max_age": 86400, "include_subdomains": True, "nosniff": True}
    zone = Zone("zone", "localhost", {"ssl": "flexible", "security_header": {"strict_transport_security": promise}})
    await edge.service.apply(behind(origin, zone=zone))
    async with edge.client("api.localhost") as client:
        assert (await client.get("/")).headers["strict-transport-security"] == "max-age=86400; includeSubDomains"
    async with edge.client("api.localhost", scheme="http") as client:
        assert "strict-transport-security" not in (await client.get("/")).headers


async def test_a_route_runs_a_worker_before_the_origin_but_where_it_is_disabled(edge: Running, origin: Origin) -> None:
    """A health check that a Worker answers hides an origin that is down."""
    sent = behind(origin)
    workers = snapshot(version("v1"))
    routes = (Route("zone", "api.localhost/*", "store"), Route("zone", "api.localhost/health*", None))
    whole = Snapshot(
        sent.zones, workers.custom_domains, routes, sent.records, workers.deployments, sent.rulesets,
        program=workers.program,
    )  # fmt: skip
    await edge.service.apply(whole)
    async with edge.client("api.localhost", scheme="http") as client:
        assert (await client.get("/products")).json()["version"] == "v1"
        assert (await client.get("/health")).text == "from the origin"


async def test_files_are_kept_and_pages_are_not(edge: Running, origin: Origin) -> None:
    """A cart kept for the next customer; a picture fetched from the origin by every one."""
    origin.headers = {"etag": '"1"', "content-type": "text/css"}
    await edge.service.apply(behind(origin))
    async with edge.client("api.localhost", scheme="http") as client:
        statuses = [(await client.get("/a.css")).headers["cf-cache-status"] for _ in range(2)]
        again = await client.get("/a.css", headers={"if-none-match": '"1"'})
        pages = [(await client.get("/a")).headers["cf-cache-status"] for _ in range(2)]
        origin.headers = {"cache-control": "private"}
        private = [(await client.get("/b.css")).headers["cf-cache-status"] for _ in range(2)]
    assert statuses == ["MISS", "HIT"]
    assert again.status_code == 304
    assert pages == ["DYNAMIC", "DYNAMIC"]
    assert private == ["BYPASS", "BYPASS"]
    assert [line for line, _ in origin.requests].count("GET /a.css") == 1


async def test_a_cache_rule_keeps_what_the_default_does_not(edge: Running, origin: Origin) -> None:
    """A product list that the rule should keep asks the database for each visitor."""
    ttl = {"cache": True, "edge_ttl": {"mode": "override_origin", "default": 60}}
    one = rule('starts_with(http.request.uri.path, "/store/products")', "set_cache_settings", action_parameters=ttl)
    await edge.service.apply(behind(origin, Ruleset("zone", "http_request_cache_settings", (one,))))
    async with edge.client("api.localhost", scheme="http") as client:
        statuses = [(await client.get(f"/store/products?q={q}")).headers["cf-cache-status"] for q in (1, 1, 2)]
    assert statuses == ["MISS", "HIT", "MISS"]


@pytest.mark.parametrize("encoding", ["br", "gzip", "zstd"])
async def test_text_is_compressed_as_the_client_takes_it(edge: Running, origin: Origin, encoding: str) -> None:
    """A page of 400 KB on a phone's connection; or bytes that the client cannot read."""
    origin.body = b"<p>Grillzange</p>" * 500
    origin.headers = {"content-type": "text/html; charset=utf-8", "etag": '"x"'}
    await edge.service.apply(behind(origin))
    async with edge.client("api.localhost", scheme="http") as client:
        for path in ("/", "/a.html"):
            request = client.build_request("GET", path, headers={"accept-encoding": f"{encoding}, deflate;q=0"})
            response = await client.send(request, stream=True)
            raw = b"".join([chunk async for chunk in response.aiter_raw()])
            await response.aclose()
            assert response.headers["content-encoding"] == encoding
            assert response.headers["etag"] == 'W/"x"'
            assert "accept-encoding" in response.headers["vary"]
            assert len(raw) < 1000
            assert _plain(encoding, raw) == origin.body
        plain = await client.get("/", headers={"accept-encoding": "identity"})
        assert "content-encoding" not in plain.headers


def _plain(encoding: str, raw: bytes) -> bytes:
    if encoding == "gzip":
        return gzip.decompress(raw)
    return (
        bytes(brotli.decompress(raw))
        if encoding == "br"
        else zstandard.ZstdDecompressor().decompressobj().decompress(raw)
    )
