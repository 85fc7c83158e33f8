"""Asks everybody there is to ask, and makes the report."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from scripts.operator import hetzner, http
from scripts.operator.engine import Engine, past_proxies
from scripts.operator.errors import OperatorError
from scripts.operator.ssh import hosts
from scripts.operator.status import cloud, edge, probe, report
from scripts.operator.status.edge import Seen

if TYPE_CHECKING:
    from hcloud import Client

POLL_SECONDS = 1.0


def collect(engine: Engine, wait: float = 0) -> report.Report:
    """The state of the stack. OperatorError if it is not up, or the API cannot be asked.

    Up to `wait` seconds are given to the load balancer for targets that have only just joined or come back.
    """
    past_proxies(engine.stack)
    outputs = engine.outputs()
    if "instances" not in outputs:
        raise OperatorError(f"stack {engine.stack} is only partly up", advice=f"pulumi up -s {engine.stack}")
    address = outputs.get("loadBalancerAddress") or ""
    entries = outputs["instances"]
    view = hetzner.ask(engine, lambda client: _settled(client, address, entries, wait))
    unwell = report.unwell(entries, view)
    well = [entry["name"] for entry in entries if entry["name"] not in unwell]
    with http.client(str(outputs["apiUrl"]).rstrip("/")) as client:
        seen = edge.look(client, well) if address else Seen(problem="no load balancer")
    answers = probe.ask(engine, _to_probe(outputs, unwell))
    return assemble(engine.stack, outputs, view, seen, answers)


def _settled(client: Client, address: str, entries: list[Mapping[str, Any]], wait: float) -> cloud.View:
    """The API's view, once the load balancer has made up its mind, or when the time is up."""
    end = time.monotonic() + wait
    while True:
        view = cloud.view(client, address)
        if not report.settling(entries, view) or time.monotonic() >= end:
            return view
        time.sleep(POLL_SECONDS)


def assemble(
    stack: str, outputs: Mapping[str, Any], view: cloud.View, seen: Seen, answers: Mapping[str, probe.Answer]
) -> report.Report:
    """The report from what was found; asks nobody."""
    instances = tuple(report.instance(e, view, seen, answers.get(e["name"])) for e in outputs["instances"])
    healths = [health for health in (seen.health, *(answer.health for answer in answers.values())) if health]
    database = report.service(
        "database", outputs.get("databaseAddress") or "", view, healths, name=outputs.get("databaseName")
    )
    durable, cache = outputs.get("redisDurableAddress") or "", outputs.get("redisCacheAddress") or ""
    redis = report.service("redis", durable, view, healths, durableAddress=durable, cacheAddress=cache)
    balancer = report.balancer(outputs.get("loadBalancerAddress") or "", view.balancer, instances)
    if seen.problem and not balancer["reason"]:
        balancer |= {"health": "unhealthy", "reason": seen.problem}
    words = [*(one.health for one in instances), database.health, redis.health, balancer["health"]]
    return report.Report(
        stack=stack,
        environment=str(outputs.get("environment") or stack),
        healthy=all(word == "healthy" for word in words),
        apiUrl=outputs.get("apiUrl") or "",
        release=outputs.get("release"),
        instances=instances,
        loadBalancer=balancer,
        database=database,
        redis=redis,
    )


def _to_probe(outputs: Mapping[str, Any], names: set[str]) -> dict[str, hosts.Host]:
    """Instance name → SSH host, matched by the public address."""
    if not names or not outputs.get("sshHosts"):
        return {}
    by_address = {host.address: host for host in hosts.from_outputs(outputs).values()}
    return {
        entry["name"]: by_address[entry["address"]]
        for entry in outputs["instances"]
        if entry["name"] in names and entry["address"] in by_address
    }
