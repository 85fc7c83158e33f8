"""Workers behind the edge, in workerd: by host name, by version, with their bindings and files."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from localcloud.cloudflare.edge.control import decode, encode
from localcloud.cloudflare.runtime.model import AssetFile, Assets, RuntimeFailure
from tests.contract.cloudflare_edge.conftest import Running
from tests.contract.cloudflare_edge.workers import snapshot, version


async def test_a_worker_answers_for_its_host_name_over_tls(edge: Running) -> None:
    """A Worker told http://127.0.0.1 would redirect customers to an address that exists nowhere."""
    await edge.service.apply(snapshot(version("v1")))
    async with edge.client("store.localhost") as client:
        response = await client.post("/cart?item=1", content=b"two")
    told = response.json()
    assert told["method"] == "POST"
    assert told["body"] == "two"
    assert told["url"] == f"https://store.localhost:{edge.settings.https_port}/cart?item=1"
    assert told["headers"]["cf-connecting-ip"] == "127.0.0.1"
    assert told["headers"]["cf-visitor"] == '{"scheme":"https"}'
    assert told["headers"]["x-forwarded-proto"] == "https"
    assert told["headers"]["cdn-loop"] == "cloudflare; loops=1"
    assert told["headers"]["cf-ray"] == response.headers["cf-ray"]
    assert told["cf"]["colo"] == "LCL"
    assert not [name for name in told["headers"] if name.startswith("x-localcloud")]


async def test_a_client_cannot_claim_another_address(edge: Running) -> None:
    """A login limit by cf-connecting-ip would count whatever the attacker sends."""
    await edge.service.apply(snapshot(version("v1")))
    spoofed = {"cf-connecting-ip": "1.2.3.4", "cf-ipcountry": "DE", "x-localcloud-cf": '{"country":"DE"}'}
    async with edge.client("store.localhost", scheme="http") as client:
        told = (await client.get("/", headers=spoofed)).json()
    assert told["headers"]["cf-connecting-ip"] == "127.0.0.1"
    assert told["headers"]["cf-ipcountry"] == told["cf"]["country"] == "XX"


async def test_a_host_name_that_nobody_declared_is_told(edge: Running) -> None:
    """A mistyped name that reached some Worker would hide the mistake until production."""
    await edge.service.apply(snapshot(version("v1")))
    async with edge.client("stroe.localhost", scheme="http") as client:
        response = await client.get("/")
    assert response.status_code == 404
    assert "stroe.localhost" in response.text


async def test_requests_are_split_as_deployed_and_stick_to_a_key(edge: Running) -> None:
    """A canary of 10 % that takes half of the traffic is none; a visitor who hops between versions loses a cart."""
    await edge.service.apply(snapshot(version("v1"), version("v2"), split={"v1": 90, "v2": 10}))
    async with edge.client("store.localhost", scheme="http") as client:
        counts = Counter([(await client.get("/")).json()["version"] for _ in range(1000)])
        assert 60 <= counts["v2"] <= 145  # 10 % ± 4.5 standard deviations
        key = {"cloudflare-workers-version-key": "customer-7"}
        assert len({(await client.get("/", headers=key)).json()["version"] for _ in range(30)}) == 1
        asked = {"cloudflare-workers-version-overrides": 'store="v2"'}
        assert (await client.get("/", headers=asked)).json()["version"] == "v2"


async def test_a_new_version_drops_no_request(edge: Running) -> None:
    """Each deploy under traffic would show some customers an error page."""
    await edge.service.apply(snapshot(version("v0")))
    failures: list[Any] = []
    seen: Counter[str] = Counter()
    over = asyncio.Event()

    async def customer() -> None:
        async with edge.client("store.localhost", scheme="http") as client:
            while not over.is_set():
                response = await client.get("/")
                if response.status_code != 200:
                    failures.append((response.status_code, response.text))
                else:
                    seen[response.json()["version"]] += 1

    customers = [asyncio.create_task(customer()) for _ in range(4)]
    for number in range(1, 6):
        before = seen[f"v{number}"]
        await edge.service.apply(snapshot(version(f"v{number}")))
        async with asyncio.timeout(10):
            while seen[f"v{number}"] == before:
                await asyncio.sleep(0.01)
    over.set()
    await asyncio.gather(*customers)
    assert failures == []


async def test_a_script_that_does_not_run_leaves_the_former_one_serving(edge: Running) -> None:
    """One upload with a syntax error would take the store down."""
    await edge.service.apply(snapshot(version("v1")))
    with pytest.raises(RuntimeFailure, match="SyntaxError"):
        await edge.service.apply(snapshot(version("v2", "export default {{")))
    async with edge.client("store.localhost", scheme="http") as client:
        assert (await client.get("/")).json()["version"] == "v1"


async def test_workerd_that_dies_is_started_again(edge: Running) -> None:
    """A crashed runtime would stay down until somebody notices."""
    await edge.service.apply(snapshot(version("v1")))
    first = edge.service.workerd_pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    async with edge.client("store.localhost", scheme="http") as client, asyncio.timeout(10):
        while (await client.get("/")).status_code != 200 or edge.service.workerd_pid == first:
            await asyncio.sleep(0.01)


async def test_bindings_hold_values_namespaces_services_and_files(edge: Running, tmp_path: Path) -> None:
    """A storefront that finds no KV, no service or no file answers 500 on its first page."""
    page = tmp_path / "about.html"
    page.write_text("<h1>About</h1>")
    script = """
    export default { async fetch(request, env) {
      await env.KV.put("a/ü", "eins", {metadata: {n: 1}});
      await env.KV.put("b", "zwei");
      await env.KV.delete("b");
      const listed = await env.KV.list({prefix: "a/"});
      return Response.json({
        text: env.TEXT, secret: env.SECRET, json: env.JSON, version: env.META,
        kv: await env.KV.getWithMetadata("a/ü"), gone: await env.KV.get("b"), keys: listed.keys,
        other: (await (await env.OTHER.fetch("https://other/x")).json()).version,
        file: await (await env.ASSETS.fetch("https://assets/about")).text(),
      });
    } };"""
    bindings = (
        {"type": "plain_text", "name": "TEXT", "text": 'Grüße "\\\n'},
        {"type": "secret_text", "name": "SECRET", "text": "s"},
        {"type": "json", "name": "JSON", "json": {"a": [1, None]}},
        {"type": "version_metadata", "name": "META"},
        {"type": "kv_namespace", "name": "KV", "namespace_id": "f00d"},
        {"type": "service", "name": "OTHER", "service": "other"},
        {"type": "assets", "name": "ASSETS"},
    )
    files = Assets({"/about.html": AssetFile(page, "text/html", "abc")}, {"run_worker_first": True})
    sent = snapshot(version("v1", script, bindings=bindings, assets=files), version("o1", worker="other"))
    await edge.service.apply(decode(encode(sent)))
    async with edge.client("store.localhost", scheme="http") as client:
        response = await client.get("/about")
    assert response.status_code == 200, response.text
    told = response.json()
    assert told["text"] == 'Grüße "\\\n'
    assert told["secret"] == "s"
    assert told["json"] == {"a": [1, None]}
    assert told["version"]["id"] == "v1"
    assert told["kv"]["value"] == "eins"
    assert told["kv"]["metadata"] == {"n": 1}
    assert told["gone"] is None
    assert told["keys"] == [{"name": "a/ü", "metadata": {"n": 1}}]
    assert told["other"] == "o1"
    assert told["file"] == "<h1>About</h1>"


async def test_files_come_before_the_worker(edge: Running, tmp_path: Path) -> None:
    """Each script and picture that woke the Worker would cost a request and its time."""
    script = tmp_path / "app.js"
    script.write_text("let a = 1;")
    files = Assets({"/_next/app.js": AssetFile(script, "text/javascript", "tag")}, {"_headers": "/_next/*\n  X-A: b"})
    await edge.service.apply(snapshot(version("v1", assets=files)))
    async with edge.client("store.localhost", scheme="http") as client:
        response = await client.get("/_next/app.js")
        assert response.text == "let a = 1;"
        assert response.headers["x-a"] == "b"
        assert response.headers["cf-cache-status"] == "HIT"
        again = await client.get("/_next/app.js", headers={"if-none-match": response.headers["etag"]})
        assert again.status_code == 304
        assert (await client.get("/other")).json()["version"] == "v1"


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_curl_speaks_http_2_and_trusts_the_local_authority(edge: Running) -> None:
    """A browser without HTTP/2 loads the storefront's fifty files one after the other."""
    await edge.service.apply(snapshot(version("v1")))
    port = edge.settings.https_port
    done = await asyncio.to_thread(
        subprocess.run,
        ["curl", "-sS", "--cacert", edge.service.certificate_path, "--resolve", f"store.localhost:{port}:127.0.0.1",
         "-o", "/dev/null", "-w", "%{http_version} %{http_code}", f"https://store.localhost:{port}/"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout == "2 200", done.stderr
