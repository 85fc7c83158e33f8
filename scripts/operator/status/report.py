"""The store's state, put together from the stack's outputs, the API, the balancer's answers and, where needed, SSH."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from scripts.operator.status.cloud import Balancer, Server, Target, View
from scripts.operator.status.edge import Seen
from scripts.operator.status.probe import Answer

GONE = "the server is gone: pulumi refresh, then pulumi up, makes it anew"


@dataclass(frozen=True)
class Instance:
    """One Medusa instance. `health` is the load balancer's word; `reason` says why it is not "healthy".

    `release` is the first 12 characters of its digest, from the instance itself; null if it could not be asked.
    """

    name: str
    address: str
    privateAddress: str
    release: str | None
    health: str
    reason: str
    status: str
    serverType: str
    cores: int | None
    memoryGb: float | None
    diskGb: int | None
    location: str


@dataclass(frozen=True)
class Service:
    """PostgreSQL or Redis: `health` is what the instances' /health says now, or "unhealthy" if its server is down."""

    address: str
    health: str
    reason: str
    server: str | None
    status: str
    serverType: str | None
    cores: int | None
    memoryGb: float | None
    volumesGb: tuple[int, ...] = ()
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """What `status --json` prints, key for key (camelCase, as in the stack's outputs)."""

    stack: str
    environment: str
    healthy: bool
    apiUrl: str
    release: str | None
    instances: tuple[Instance, ...]
    loadBalancer: dict[str, Any]
    database: Service
    redis: Service

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def instance(entry: Mapping[str, Any], view: View, seen: Seen, answer: Answer | None) -> Instance:
    """One instance of the stack's output, as things stand."""
    server = _by_name(view, entry["name"])
    target = _judged(server, view.balancer)
    reason = target.reason
    if answer and answer.reason and target.health != "healthy":
        reason = f"{reason}; {answer.reason}" if reason else answer.reason
    release = seen.releases.get(entry["name"]) or (answer.release if answer else "")
    return Instance(
        name=entry["name"],
        address=server.address if server else entry.get("address") or "",
        privateAddress=entry.get("privateAddress") or "",
        release=release or None,
        health=target.health,
        reason=reason,
        status=server.status if server else "gone",
        serverType=server.server_type if server else entry.get("serverType") or "",
        cores=server.cores if server else None,
        memoryGb=server.memory if server else None,
        diskGb=server.disk if server else None,
        location=server.location if server else entry.get("location") or "",
    )


def unwell(entries: list[Mapping[str, Any]], view: View) -> set[str]:
    """Names of instances that run, but that the load balancer is not content with: worth a question over SSH."""
    found = {entry["name"]: _by_name(view, entry["name"]) for entry in entries}
    return {
        name
        for name, server in found.items()
        if server and server.status == "running" and _judged(server, view.balancer).health != "healthy"
    }


def settling(entries: list[Mapping[str, Any]], view: View) -> bool:
    """Whether the load balancer is still making up its mind about an instance that runs."""
    servers = [_by_name(view, entry["name"]) for entry in entries]
    return any(s.status == "running" and not _judged(s, view.balancer).settled for s in servers if s)


def service(key: str, address: str, view: View, healths: list[Mapping[str, Any]], **detail: Any) -> Service:
    """PostgreSQL (`key` "database") or Redis ("redis") at a private address ("10.0.2.10" or with ":port")."""
    server = next((s for s in view.servers if address.split(":")[0] in s.private_addresses), None)
    words = {str(health[key]) for health in healths if health.get(key)}
    if server is None:
        health, reason = "unhealthy", GONE
    elif server.status != "running":
        health, reason = "unhealthy", f"its server is {server.status}"
    elif not words:
        health, reason = "unknown", "no instance could be asked"
    elif words == {"connected"}:
        health, reason = "healthy", ""
    else:
        health, reason = "unhealthy", f"the instances say: {', '.join(sorted(words))}"
    return Service(
        address=address,
        health=health,
        reason=reason,
        server=server.name if server else None,
        status=server.status if server else "gone",
        serverType=server.server_type if server else None,
        cores=server.cores if server else None,
        memoryGb=server.memory if server else None,
        volumesGb=server.volumes if server else (),
        detail=detail,
    )


def balancer(address: str, found: Balancer | None, instances: tuple[Instance, ...]) -> dict[str, Any]:
    """The load balancer's part of the report."""
    healthy = sum(1 for one in instances if one.health == "healthy")
    if found is None:
        return {
            "address": address,
            "health": "unhealthy",
            "reason": "the load balancer is gone: pulumi refresh, then up",
        }
    return {
        "name": found.name,
        "address": found.address,
        "privateAddress": found.private_address,
        "type": found.type,
        "location": found.location,
        "health": "healthy" if healthy else "unhealthy",
        "reason": "" if healthy else "no instance is healthy",
        "services": list(found.services),
        "targets": {"healthy": healthy, "total": len(found.targets), "limit": found.max_targets},
    }


def _by_name(view: View, name: str) -> Server | None:
    return next((server for server in view.servers if server.name == name), None)


def _judged(server: Server | None, found: Balancer | None) -> Target:
    if server is None:
        return Target("unhealthy", GONE)
    if found is None:
        return Target("unknown", "there is no load balancer")
    target = found.targets.get(server.id)
    if target is None:
        return Target("unknown", "it is not among the load balancer's targets")
    if server.status != "running" and target.health != "healthy":
        return Target(target.health, f"the server is {server.status}: hcloud server poweron {server.name}")
    return target
