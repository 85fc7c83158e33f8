"""Responses that are sent again as they were: only as long as everything that decided about them stands."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from localcloud.cloudflare.edge.replay import Replays
from localcloud.cloudflare.edge.snapshot import Access, Purge, Ruleset, Snapshot
from localcloud.cloudflare.runtime.model import AssetFile, Assets
from tests.contract.cloudflare_edge.conftest import Running
from tests.contract.cloudflare_edge.origin import Origin, behind, rule, serving
from tests.contract.cloudflare_edge.workers import snapshot, version

COUNTED = {"characteristics": ["ip.src"], "period": 60, "requests_per_period": 3, "mitigation_timeout": 60}


@pytest.fixture
async def origin() -> AsyncIterator[Origin]:
    async with serving() as served:
        served.headers = {"cache-control": "max-age=600", "etag": '"1"'}
        yield served


def replays(edge: Running) -> Replays:
    return edge.service._edge.replays


async def twice(client: httpx.AsyncClient, path: str = "/a.js") -> list[httpx.Response]:
    return [await client.get(path) for _ in range(4)]


def kept(edge: Running) -> int:
    return len(replays(edge)._kept)


async def test_the_same_request_gets_the_same_file_with_an_id_of_its_own(edge: Running, origin: Origin) -> None:
    """Two requests with one id cannot be told apart in the log."""
    await edge.service.apply(behind(origin))
    async with edge.client("api.localhost") as client:
        answers = await twice(client)
    assert kept(edge) == 1
    assert len(origin.requests) == 1
    assert {answer.text for answer in answers} == {"from the origin"}
    assert [answer.headers["cf-cache-status"] for answer in answers] == ["MISS", "HIT", "HIT", "HIT"]
    assert len({answer.headers["cf-ray"] for answer in answers}) == 4
    assert all("age" in answer.headers and "date" in answer.headers for answer in answers[1:])


async def test_what_was_purged_or_is_declared_otherwise_is_not_sent_again(edge: Running, origin: Origin) -> None:
    """Customers kept the old price list after it was purged."""
    declared = behind(origin)
    await edge.service.apply(declared)
    async with edge.client("api.localhost") as client:
        await twice(client)
        origin.body, origin.headers["etag"] = b"new", '"2"'
        purge = Purge("p", "zone", {"purge_everything": True})
        await edge.service.apply(replace(declared, purges=(purge,)))
        assert (await client.get("/a.js")).text == "new"
        block = Ruleset("zone", "http_request_firewall_custom", (rule("true", "block"),))
        await edge.service.apply(behind(origin, block))
        assert (await client.get("/a.js")).status_code == 403
        await edge.service.apply(Snapshot())
        assert (await client.get("/a.js")).status_code == 404


async def test_what_the_cache_dropped_is_not_sent_again(edge: Running, origin: Origin) -> None:
    """A lifetime of a second must not become one without end."""
    await edge.service.apply(behind(origin))
    async with edge.client("api.localhost") as client:
        await twice(client)
        edge.service._edge._cache.purge(lambda *_: True)
        assert (await client.get("/a.js")).headers["cf-cache-status"] == "MISS"


async def test_what_is_counted_or_guarded_or_by_chance_is_judged_each_time(edge: Running, origin: Origin) -> None:
    """A rate limit that does not see most requests limits nobody; a file behind a login went to whoever asked next."""
    limit = Ruleset("zone", "http_ratelimit", (rule("true", "block", ratelimit=COUNTED),))
    chance = {"headers": {"x-id": {"operation": "set", "expression": "cf.ray_id"}}}
    change = Ruleset("zone", "http_response_headers_transform", (rule("true", "rewrite", action_parameters=chance),))
    await edge.service.apply(behind(origin, limit))
    async with edge.client("api.localhost") as client:
        assert [answer.status_code for answer in await twice(client)] == [200, 200, 200, 429]
        assert kept(edge) == 0
        await edge.service.apply(behind(origin, change))
        assert len({answer.headers["x-id"] for answer in await twice(client)}) == 4
        assert kept(edge) == 0
        app = {
            "id": "app", "aud": "a" * 64, "domain": "api.localhost", "type": "self_hosted", "name": "app",
            "policies": [{"id": "p", "decision": "bypass", "include": [{"everyone": {}}]}],
        }  # fmt: skip
        await edge.service.apply(replace(behind(origin), access=Access(team="team.localhost", applications=(app,))))
        assert [answer.status_code for answer in await twice(client)] == [200] * 4
        assert kept(edge) == 0


async def test_a_file_of_two_versions_is_chosen_each_time(edge: Running, tmp_path: Path) -> None:
    """Half of the customers were to get the new file, and all of one address got the same."""
    versions = []
    for name in ("v1", "v2"):
        (tmp_path / name).write_text(name)
        files = {"/a.txt": AssetFile(tmp_path / name, "application/octet-stream", name)}
        versions.append(version(name, assets=Assets(files)))
    await edge.service.apply(snapshot(*versions, split={"v1": 50, "v2": 50}))
    async with edge.client("store.localhost") as client:
        assert {(await client.get("/a.txt")).text for _ in range(40)} == {"v1", "v2"}
        assert kept(edge) == 0
        await edge.service.apply(snapshot(versions[1]))
        assert {answer.text for answer in await twice(client, "/a.txt")} == {"v2"}
        assert kept(edge) == 1
