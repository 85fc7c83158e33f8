"""Cron triggers, run by workerd."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from localcloud.cloudflare.edge.process import EdgeProcess
from localcloud.cloudflare.edge.snapshot import Snapshot
from localcloud.cloudflare.runtime.model import RuntimeFailure, Version
from tests.contract.cloudflare_edge.conftest import Running, cache, free_port
from tests.contract.cloudflare_edge.workers import snapshot, version

SCRIPT = """
export default {
  async scheduled(controller, env, context) {
    if (controller.cron === "0 1 * * *") throw new Error("no");
    context.waitUntil(env.KV.put("ran", JSON.stringify([controller.cron, controller.scheduledTime, env.VERSION])));
  },
  async fetch(request, env) { return new Response(await env.KV.get("ran")); },
};
"""
KV = ({"type": "kv_namespace", "name": "KV", "namespace_id": "f00d"},)


def scheduled(*versions: Version) -> Snapshot:
    sent = snapshot(*versions)
    return replace(sent, program=replace(sent.program, scheduled=("store",)))


async def test_a_trigger_runs_the_handler_and_what_it_waits_for(edge: Running) -> None:
    """A nightly clean-up that never runs in tests is first run on customers' data."""
    await edge.service.apply(scheduled(version("v1", SCRIPT, bindings=KV)))
    assert await edge.service.scheduled("store", "*/5 * * * *", 1_800_000_000.0) == "ok"
    async with edge.client("store.localhost", scheme="http") as client:
        assert (await client.get("/")).json() == ["*/5 * * * *", 1_800_000_000_000, "v1"]
    assert await edge.service.scheduled("store", "0 1 * * *", 0) == "exception"
    await edge.service.apply(scheduled(version("v2", SCRIPT, bindings=KV)))
    assert await edge.service.scheduled("store", "* * * * *", 60.0) == "ok"
    async with edge.client("store.localhost", scheme="http") as client:
        assert (await client.get("/")).json() == ["* * * * *", 60_000, "v2"]


async def test_a_worker_without_a_handler_or_a_schedule_says_so(edge: Running) -> None:
    """A trigger of a renamed Worker would be taken for one that went well."""
    await edge.service.apply(scheduled(version("v1"), version("o1", SCRIPT, worker="other", bindings=KV)))
    assert await edge.service.scheduled("store", "* * * * *", 0) == "exception"
    with pytest.raises(RuntimeFailure, match="nobody"):
        await edge.service.scheduled("nobody", "* * * * *", 0)
    with pytest.raises(RuntimeFailure, match="other"):
        await edge.service.scheduled("other", "* * * * *", 0)


def test_the_process_runs_them_for_its_owner(tmp_path: Path) -> None:
    """The clock is in another process than workerd."""
    process = EdgeProcess(tmp_path, cache(), http_port=free_port(), https_port=free_port())
    try:
        process.apply(scheduled(version("v1", SCRIPT, bindings=KV)))
        assert process.scheduled("store", "* * * * *", 0) == "ok"
        with pytest.raises(RuntimeFailure):
            process.scheduled("nobody", "* * * * *", 0)
    finally:
        process.stop()
