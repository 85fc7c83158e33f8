"""/health tells the truth, at once, when what it stands on goes, and when that is back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.store.checkout import Checkout, eventually

PARTS = {
    "database": ("postgres-local", "postgresql@17-main.service"),
    "redis": ("redis-local", "redis-durable.service"),
}


def own_health(store: Checkout) -> tuple[int, float, dict[str, Any]]:
    """Status, seconds and body of the instance's own /health, past the balancer, which hides the body of a 503."""
    address = store.outputs()["sshHosts"]["medusa-local"]["privateAddress"]
    question = f"curl -s -m 5 -w '\\n%{{http_code}} %{{time_total}}' http://{address}:8000/health"
    body, numbers = store.run("scripts/store", "ssh", "medusa-local", question).stdout.rsplit("\n", 1)
    code, seconds = numbers.split()
    return int(code), float(seconds), json.loads(body)


@pytest.mark.parametrize("part", PARTS)
def test_health_is_the_truth_while_a_part_is_down_and_when_it_is_back(store: Checkout, part: str) -> None:
    """Medusa's own /health stays 200 with the database down: the balancer kept sending customers into it."""
    host, unit = PARTS[part]
    other = next(name for name in PARTS if name != part)
    store.run("scripts/store", "ssh", host, "sudo", "systemctl", "stop", unit)
    try:
        code, seconds, body = own_health(store)
        assert code == 503
        assert body[part] != "connected" and body[other] == "connected" and body["status"] != "ok"
        assert set(body) == {"status", "database", "redis"}
        assert seconds < 1.0, "a check that hangs is as bad as one that lies"

        eventually("the balancer notices", lambda: store.status()["instances"][0]["health"] == "unhealthy", 30)
        report = store.status()
        assert report["healthy"] is False and report[part]["health"] == "unhealthy"
        assert report[other]["health"] == "healthy"
        assert part in report["instances"][0]["reason"]
        assert store.run("scripts/store", "smoke", check=False).code == 1
    finally:
        store.run("scripts/store", "ssh", host, "sudo", "systemctl", "start", unit)
    eventually("the instance is healthy again", lambda: own_health(store)[0] == 200, 30)
    eventually("the balancer notices that too", lambda: store.status()["healthy"], 30)
    store.run("scripts/store", "smoke")
