"""Health checks that ask, notifications that go out, cron triggers by the clock; all by a clock of the test's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from localcloud.cloudflare.dataplane.interface import DataPlaneError
from localcloud.cloudflare.health.probe import EdgePorts
from localcloud.cloudflare.watch import Watch
from localcloud.common.journal import Journal
from tests.contract.cloudflare.serving import ZONE, Served, serve
from tests.contract.cloudflare_edge.origin import Origin, serving
from tests.contract.cloudflare_edge.test_origin_tls import Issuer, listener

CHECK = {"name": "api", "type": "HTTP", "interval": 60, "timeout": 5, "retries": 0, "consecutive_fails": 2}
HOOKS = "A/alerting/v3/destinations/webhooks"


@dataclass
class Watched:
    """A cloud and its watch, whose clock stands until the test moves it."""

    api: Served
    home: Path
    origin: Origin
    journal: Journal = field(default_factory=Journal)
    watch: Watch = field(init=False)

    def __post_init__(self) -> None:
        self.watch = Watch(self.api.cloud, self.journal, self.home, EdgePorts(self.origin.port, self.origin.port))

    async def at(self, seconds: float) -> int:
        """Let it be so late; how many checks asked."""
        tasks = self.watch.check(seconds)
        await asyncio.gather(*tasks)
        return len(tasks)

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        return await asyncio.to_thread(self.api.result, method, path, body)

    async def declare(self, **changes: Any) -> str:
        config = {"port": self.origin.port, "path": "/health", "expected_codes": ["2xx"], **changes.pop("config", {})}
        sent = {**CHECK, "address": "127.0.0.1", "http_config": config, **changes}
        return str((await self.ask("POST", "Z/healthchecks", sent))["id"])

    async def state(self, check: str) -> tuple[str, str]:
        found = await self.ask("GET", f"Z/healthchecks/{check}")
        return found["status"], found["failure_reason"]

    def outbox(self) -> list[dict[str, Any]]:
        file = self.home / "outbox.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    async with serving() as origin:
        with serve(tmp_path) as api:
            made = Watched(api, tmp_path, origin)
            yield made
            await made.watch.aclose()


async def test_a_check_asks_at_its_interval_and_changes_its_mind_slowly(watched: Watched) -> None:
    """One lost answer at night wakes somebody; or none does though the store is down."""
    check = await watched.declare()
    assert await watched.state(check) == ("unknown", "")
    assert [await watched.at(seconds) for seconds in (0, 30, 59.9, 60)] == [1, 0, 0, 1]
    assert await watched.state(check) == ("healthy", "")
    line, fields = watched.origin.requests[0]
    assert line == "GET /health" and fields["host"] == f"127.0.0.1:{watched.origin.port}"
    assert f"healthcheck-id: {check}" in fields["user-agent"]
    watched.origin.status = 503
    await watched.at(120)
    assert await watched.state(check) == ("healthy", "")
    await watched.at(180)
    assert await watched.state(check) == ("unhealthy", "Response code mismatch error: 503")
    watched.origin.status = 204
    await watched.at(240)
    assert await watched.state(check) == ("healthy", "")
    await watched.ask("PATCH", f"Z/healthchecks/{check}", {"suspended": True})
    assert await watched.state(check) == ("suspended", "")
    assert await watched.at(1000) == 0
    await watched.ask("PATCH", f"Z/healthchecks/{check}", {"suspended": False})
    assert await watched.state(check) == ("unknown", "")
    assert await watched.at(1001) == 1


async def test_each_failure_has_its_reason(watched: Watched) -> None:
    """Whoever is woken has to find out first what was asked."""
    body = await watched.declare(config={"expected_body": "OK"}, consecutive_fails=1)
    down = await watched.declare(config={"port": 1}, consecutive_fails=1)
    lost = await watched.declare(address=f"gone.{ZONE}", consecutive_fails=1)
    port = await watched.declare(type="TCP", tcp_config={"port": watched.origin.port}, consecutive_fails=1)
    assert await watched.at(0) == 4
    assert await watched.state(body) == ("unhealthy", "Response body mismatch error")
    assert await watched.state(down) == ("unhealthy", "TCP connection failed")
    assert await watched.state(lost) == ("unhealthy", "DNS resolution failed")
    assert await watched.state(port) == ("healthy", "")


async def test_a_name_is_asked_where_it_leads(watched: Watched) -> None:
    """A check of the public name that goes past the edge stays green while every customer sees an error."""
    proxied = {"type": "A", "name": f"api.{ZONE}", "content": "198.18.0.9", "proxied": True}
    direct = {"type": "A", "name": f"origin.{ZONE}", "content": "127.0.0.1", "proxied": False}
    for record in (proxied, direct):
        await watched.ask("POST", "Z/dns_records", record)
    public = await watched.declare(address=f"api.{ZONE}", config={"port": 80})
    origin = await watched.declare(address=f"origin.{ZONE}", config={"header": {"Host": ["shop.test"]}})
    await watched.at(0)
    assert await watched.state(public) == await watched.state(origin) == ("healthy", "")
    assert {fields["host"] for _, fields in watched.origin.requests} == {
        f"api.{ZONE}:{watched.origin.port}",
        "shop.test",
    }


async def test_tls_is_checked_against_public_authorities_unless_told_otherwise(
    watched: Watched, tmp_path: Path
) -> None:
    """What Origin CA signed is trusted by the edge, and by no health check: one that insists is red for ever."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = f"api.{ZONE}"
    certificate = await asyncio.to_thread(Issuer(watched.api).issue, key, [name])
    about = {"type": "HTTPS", "consecutive_fails": 1}
    async with serving(ssl=listener(tmp_path, key, certificate)) as origin:
        config = {"port": origin.port, "header": {"Host": [name]}}
        strict = await watched.declare(**about, config=config)
        loose = await watched.declare(**about, config={**config, "allow_insecure": True})
        await watched.at(0)
    assert await watched.state(strict) == ("unhealthy", "TLS untrusted certificate error")
    assert await watched.state(loose) == ("healthy", "")


async def test_whoever_wants_to_know_is_told_and_nothing_leaves_the_machine(watched: Watched) -> None:
    """An outage that nobody hears of lasts until a customer writes; a test's alarm wakes the real team."""
    check = await watched.declare()
    hooks = {}
    async with serving() as receiver:
        for name, url in (
            ("here", f"http://127.0.0.1:{receiver.port}/hook?a=1"),
            ("away", "https://hooks.example.com/x"),
        ):
            hooks[name] = (await watched.ask("POST", HOOKS, {"name": name, "url": url, "secret": "s3"}))["id"]
        mechanisms = {"email": [{"id": "ops@example.com"}], "webhooks": [{"id": one} for one in hooks.values()]}
        policy = {"name": "down", "alert_type": "health_check_status_notification", "mechanisms": mechanisms}
        one = {"filters": {"health_check_id": [check], "status": ["Unhealthy"]}, "enabled": True}
        await watched.ask("POST", "A/alerting/v3/policies", {**policy, **one})
        mail = {"email": [{"id": "nobody@example.com"}]}
        for more in ({"enabled": False}, {"filters": {"health_check_id": ["x"]}}, {"alert_type": "universal_ssl"}):
            await watched.ask("POST", "A/alerting/v3/policies", {**policy, "mechanisms": mail, **more})
        await watched.at(0)
        watched.origin.status = 500
        for seconds in (60, 120, 180):
            await watched.at(seconds)
        watched.origin.status = 200
        await watched.at(240)
    assert await watched.state(check) == ("healthy", "")
    assert [(mail["to"], mail["subject"]) for mail in watched.outbox()] == [
        ("ops@example.com", "Health check api is Unhealthy")
    ]
    assert [line for line, _ in receiver.requests] == ["POST /hook?a=1"]
    assert receiver.requests[0][1]["cf-webhook-auth"] == "s3"
    told = json.loads(receiver.bodies[0])
    assert told["name"] == "down" and told["data"]["status"] == "Unhealthy" and told["data"]["health_check_id"] == check
    here = await watched.ask("GET", f"{HOOKS}/{hooks['here']}")
    away = await watched.ask("GET", f"{HOOKS}/{hooks['away']}")
    assert here["last_success"] and not here["last_failure"]
    assert away["last_failure"] and not away["last_success"]
    history = await watched.ask("GET", "A/alerting/v3/history")
    assert sorted(one["mechanism_type"] for one in history) == ["email", "webhook", "webhook"]
    listed = await asyncio.to_thread(watched.api.sdk.alerting.history.list, account_id=watched.api.account)
    assert "Response code mismatch error: 500" in str(next(iter(listed)).alert_body)


async def test_triggers_run_in_their_minute_and_stand_in_the_journal(watched: Watched) -> None:
    """A trigger that fails each night is noticed when somebody looks for what it should have made."""
    await asyncio.to_thread(watched.api.script, "shop")
    await watched.ask("PUT", "A/workers/scripts/shop/schedules", [{"cron": "*/5 * * * *"}, {"cron": "0 3 * * *"}])
    traffic = (await asyncio.to_thread(watched.api.settled)).traffic
    for minute in (0, 4, 5):
        await asyncio.gather(*watched.watch.trigger(datetime(2026, 1, 1, 12, minute, tzinfo=UTC)))
    assert [(cron, datetime.fromtimestamp(at, UTC).minute) for _, cron, at in traffic.ran] == [
        ("*/5 * * * *", 0), ("*/5 * * * *", 5),
    ]  # fmt: skip

    def fail(worker: str, expression: str, moment: float) -> str:
        raise DataPlaneError("the edge is gone")

    traffic.run_scheduled = fail  # type: ignore[method-assign]
    await asyncio.gather(*watched.watch.trigger(datetime(2026, 1, 1, 3, 0, tzinfo=UTC)))
    entries = [entry for entry in watched.journal.since(0) if entry["method"] == "CRON"]
    assert [(entry["path"], entry["query"], entry["status"]) for entry in entries[-2:]] == [
        ("shop", "*/5 * * * *", 500), ("shop", "0 3 * * *", 500),
    ]  # fmt: skip
    assert entries[-1]["body"]["outcome"] == "the edge is gone"
    answer = await asyncio.to_thread(watched.api.http.post, "/_localcloud/scheduled", json={"worker": "shop"})
    assert (answer.status_code, answer.json()) == (500, {"outcome": "the edge is gone"})
