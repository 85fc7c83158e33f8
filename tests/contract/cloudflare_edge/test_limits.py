"""Workers that throw, never end or take everything: what their visitors get, and everybody else's."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from localcloud.cloudflare.runtime import watchdog
from localcloud.cloudflare.runtime.model import RuntimeFailure
from tests.contract.cloudflare_edge.conftest import Running
from tests.contract.cloudflare_edge.workers import snapshot, version

BAD = """
export default {
  async fetch(request) {
    switch (new URL(request.url).pathname) {
      case "/loop": for (;;) {}
      case "/greed": { const held = []; for (;;) held.push(new Uint8Array(4e6).fill(1)); }
      case "/throw": throw new Error("boom");
      case "/never": return new Promise(() => {});
      case "/own": return new Response("Internal Server Error", { status: 500 });
    }
    await new Promise(done => setTimeout(done, 300));
    return new Response("well");
  },
};
"""


@pytest.mark.parametrize("path", ["/loop", "/greed"])
async def test_a_worker_without_end_is_ended_and_the_others_go_on(
    edge: Running, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """One endless loop kept every host name from answering until somebody killed workerd by hand."""
    monkeypatch.setattr(watchdog, "CPU_SECONDS", 1.0)
    monkeypatch.setattr(watchdog, "BASE_BYTES", 256 * 2**20)
    await edge.service.apply(snapshot(version("v1", BAD), version("v2", worker="other")))
    async with edge.client("store.localhost") as bad, edge.client("other.localhost") as good:
        ended = await bad.get(path)
        assert (ended.status_code, ended.text.split("\n")[0]) == (503, "error code: 1102")
        assert (await good.get("/")).json()["version"] == "v2"
        assert (await bad.get("/")).text == "well"


async def test_a_worker_that_throws_is_told_as_cloudflare_tells_it(edge: Running) -> None:
    """Alerts and tests look for error 1101; a Worker's own response with the same words is not one."""
    await edge.service.apply(snapshot(version("v1", BAD)))
    async with edge.client("store.localhost") as client:
        for path in ("/throw", "/never"):
            answer = await client.get(path)
            assert (answer.status_code, answer.text.split("\n")[0]) == (500, "error code: 1101")
        assert (await client.head("/throw")).status_code == 500
        assert (await client.get("/own")).text == "Internal Server Error"


async def test_reads_outlive_a_killed_runtime(edge: Running) -> None:
    """Requests that were under way, or came before the next workerd, got 521, which Workers never give."""
    await edge.service.apply(snapshot(version("v1", BAD)))
    async with edge.client("store.localhost") as client:
        under_way = [asyncio.create_task(client.get(f"/{number}")) for number in range(5)]
        await asyncio.sleep(0.1)
        pid = edge.service.workerd_pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        under_way += [asyncio.create_task(client.get(f"/{number}")) for number in range(5, 10)]
        assert [(await one).text for one in under_way] == ["well"] * 10
        posted = asyncio.create_task(client.post("/", content=b"order"))
        await asyncio.sleep(0.1)
        pid = edge.service.workerd_pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        assert (await posted).status_code == 520  # what may have happened must not happen twice


async def test_a_script_that_never_starts_is_refused_soon_and_with_a_reason(edge: Running) -> None:
    """An endless loop outside of handlers held up every other deploy for 30 s, and then said nothing."""
    await edge.service.apply(snapshot(version("v1", BAD)))
    endless = version("v2", "for (;;) {} export default { fetch() {} }", worker="other")
    async with asyncio.timeout(20):
        with pytest.raises(RuntimeFailure, match="startup exceeded CPU time limit"):
            await edge.service.check(snapshot(version("v1", BAD), endless))
