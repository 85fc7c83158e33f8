"""What the local stack answers at its addresses, asked by plain HTTP: nothing here trusts what a deployment said."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ANSWER_SECONDS = 10.0
HEALTHY_SECONDS = 45.0
"""Three health checks of the load balancer and then some: how long its targets may take to be called healthy."""


@dataclass(frozen=True)
class Row:
    """One address of the table: what it is, where, and what it answered."""

    name: str
    url: str
    ok: bool
    said: str


def check(outputs: Mapping[str, Any], endpoint: str, token: str) -> list[Row]:
    """Asks every address that the stack's outputs name, and the embedded cloud's own."""
    url = str(outputs["apiUrl"]).rstrip("/")
    rows = [targets(endpoint, token), health(url)]
    if outputs.get("publishableKey"):
        rows.append(products(url, str(outputs["publishableKey"])))
    rows.append(admin(url))
    rows.append(cloud(endpoint, token))
    return rows


def health(url: str) -> Row:
    status, body = ask(f"{url}/health")
    said = body.strip() if len(body) < 200 else f"{status}"
    return Row("Health", f"{url}/health", status == 200 and parsed(body).get("status") == "ok", said or str(status))


def products(url: str, key: str) -> Row:
    status, body = ask(f"{url}/store/products", {"x-publishable-api-key": key})
    found = parsed(body).get("products", [])
    return Row("Store API", f"{url}/store/products", status == 200 and bool(found), f"{len(found)} products")


def admin(url: str) -> Row:
    status, _ = ask(f"{url}/app")
    return Row("Admin", f"{url}/app", status == 200, f"answers {status}")


def cloud(endpoint: str, token: str) -> Row:
    status, body = ask(f"{endpoint}/servers", authorised(token))
    servers = parsed(body).get("servers", [])
    running = sum(1 for server in servers if server.get("status") == "running")
    ok = status == 200 and bool(servers) and running == len(servers)
    return Row("Hetzner Cloud API", endpoint, ok, f"{running} of {len(servers)} servers run")


def targets(endpoint: str, token: str) -> Row:
    """The load balancers' targets, as their health checks see them; waits for those that were not asked yet."""
    deadline = time.monotonic() + HEALTHY_SECONDS
    while True:
        status, body = ask(f"{endpoint}/load_balancers", authorised(token))
        states = [
            entry["status"]
            for balancer in parsed(body).get("load_balancers", [])
            for target in balancer.get("targets", [])
            for entry in target.get("health_status") or [{"status": "unknown"}]
        ]
        healthy = states.count("healthy")
        ok = status == 200 and bool(states) and healthy == len(states)
        if ok or status != 200 or not states or time.monotonic() > deadline:
            said = f"{healthy} of {len(states)} targets healthy" if status == 200 else f"answers {status}"
            return Row("Load balancer", f"{endpoint}/load_balancers", ok, said)
        time.sleep(0.5)


def authorised(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def ask(url: str, headers: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Status and body; 0 and the reason where nothing answers. Past any proxy: all of it is on this host."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url, headers=dict(headers or {})), timeout=ANSWER_SECONDS) as answer:
            return int(answer.status), answer.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")
    except (urllib.error.URLError, OSError) as error:
        return 0, str(getattr(error, "reason", error))


def parsed(body: str) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
