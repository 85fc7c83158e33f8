"""What the Hetzner Cloud API says of the stack's servers and its load balancer, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hcloud import Client

DETAILS = {
    "layer4_no_connection": "nothing accepts connections on port {port}",
    "layer4_timeout": "port {port} does not answer in time",
    "layer7_timeout": "{path} does not answer in time",
    "unexpected_http_status": "{path} answers {code}",
    "unexpected_http_content": "{path} answers something unexpected",
    "unspecified": "the load balancer is not content yet, and names no reason",
}
"""The API's `health_status[].detail` in words."""


@dataclass(frozen=True)
class Target:
    """What the load balancer thinks of one server: "healthy", "unhealthy" or "unknown", and why.

    It is `settled` unless the load balancer is still making up its mind: a target that has just joined passes a few
    checks before it is called healthy, and no check of it has failed for a reason.
    """

    health: str
    reason: str = ""
    settled: bool = True


@dataclass(frozen=True)
class Server:
    """One server. Memory in GB, disk and volumes in GB, as the API gives them."""

    id: int
    name: str
    status: str
    server_type: str
    cores: int
    memory: float
    disk: int
    location: str
    address: str
    private_addresses: tuple[str, ...]
    volumes: tuple[int, ...] = ()


@dataclass(frozen=True)
class Balancer:
    """The load balancer; `targets` by server id. `max_targets` is its type's limit."""

    name: str
    address: str
    private_address: str
    type: str
    location: str
    max_targets: int
    services: tuple[str, ...] = ()
    targets: Mapping[int, Target] = field(default_factory=dict)


@dataclass(frozen=True)
class View:
    """All that was asked of the API, at one time."""

    servers: tuple[Server, ...]
    balancer: Balancer | None


def view(client: Client, balancer_address: str) -> View:
    """Two lists and the volumes of the servers: three calls in all, however many servers there are."""
    sizes = {volume.id: volume.size or 0 for volume in client.volumes.get_all()}
    servers = tuple(_server(server, sizes) for server in client.servers.get_all())
    balancers = (_balancer(found) for found in client.load_balancers.get_all())
    return View(servers, next((found for found in balancers if found.address == balancer_address), None))


def _server(server: Any, volume_sizes: Mapping[int | None, int]) -> Server:
    ipv4 = server.public_net.ipv4 if server.public_net else None
    kind = server.server_type
    return Server(
        id=server.id,
        name=server.name,
        status=server.status,
        server_type=kind.name,
        cores=kind.cores,
        memory=kind.memory,
        disk=server.primary_disk_size or kind.disk,
        location=server.location.name,
        address=ipv4.ip if ipv4 else "",
        private_addresses=tuple(net.ip for net in server.private_net or ()),
        volumes=tuple(volume_sizes.get(volume.id, 0) for volume in server.volumes or ()),
    )


def _balancer(found: Any) -> Balancer:
    checks = {service.listen_port: service for service in found.services or ()}
    return Balancer(
        name=found.name,
        address=found.public_net.ipv4.ip if found.public_net and found.public_net.ipv4 else "",
        private_address=found.private_net[0].ip if found.private_net else "",
        type=found.load_balancer_type.name,
        location=found.location.name,
        max_targets=found.load_balancer_type.max_targets,
        services=tuple(f"{s.protocol} {s.listen_port} → {s.destination_port}" for s in checks.values()),
        targets={t.server.id: _target(t.health_status or (), checks) for t in found.targets or () if t.server},
    )


def _target(statuses: Any, checks: Mapping[int, Any]) -> Target:
    """One word for all services: unhealthy if any is, healthy if all are."""
    bad = next((status for status in statuses if status.status == "unhealthy"), None)
    if bad is not None:
        return Target("unhealthy", _reason(bad, checks.get(bad.listen_port)))
    if statuses and all(status.status == "healthy" for status in statuses):
        return Target("healthy")
    return Target("unknown", "the load balancer has not finished its first check", settled=False)


def _reason(status: Any, service: Any) -> str:
    check = service.health_check if service else None
    path = (check.http.path if check and check.http else None) or "the health check"
    words = DETAILS.get(status.detail or "unspecified", status.detail)
    return str(words).format(port=check.port if check else "?", path=path, code=status.http_status_code or "an error")
