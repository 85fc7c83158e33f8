"""Requests about load balancers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from localcloud.hetzner.fields import Body, Ipv4, Ipv4Cidr, Labels, Name, Port, Reference

Protocol = Literal["tcp", "http", "https"]


def _no_blanks(text: str) -> str:
    if any(one in text for one in " %\\"):
        raise ValueError("must not contain spaces, percent or backslash symbols")
    return text


def _path(text: str) -> str:
    if not text.startswith("/") or " " in text:
        raise ValueError("must begin with '/' and contain no spaces")
    return text


class HealthCheckHttp(Body):
    domain: Annotated[str, Field(max_length=128), AfterValidator(_no_blanks)] | None = None
    path: Annotated[str, Field(min_length=1, max_length=256), AfterValidator(_path)] | None = None
    response: str | None = Field(default=None, max_length=256)
    status_codes: list[Annotated[str, Field(pattern=r"^[0-9?*]{1,3}$")]] | None = Field(default=None, max_length=20)
    tls: bool | None = None


class HealthCheck(Body):
    """Times in seconds."""

    protocol: Literal["tcp", "http"] | None = None
    port: Port | None = None
    interval: int | None = Field(default=None, ge=3, le=60)
    timeout: int | None = Field(default=None, ge=1, le=60)
    retries: int | None = Field(default=None, ge=1, le=5)
    http: HealthCheckHttp | None = None


class Http(Body):
    """Times in seconds."""

    cookie_name: str | None = Field(default=None, min_length=1, max_length=100)
    cookie_lifetime: int | None = Field(default=None, ge=30, le=86400)
    timeout_idle: int | None = Field(default=None, ge=30, le=300)
    certificates: list[int] | None = None
    redirect_http: bool | None = None
    sticky_sessions: bool | None = None


class ServiceChange(Body):
    """What update_service may say; add_service is the same, with a protocol."""

    protocol: Protocol | None = None
    listen_port: Port | None = None
    destination_port: Port | None = None
    proxyprotocol: bool | None = None
    http: Http | None = None
    health_check: HealthCheck | None = None


class Service(ServiceChange):
    protocol: Protocol


class UpdateService(ServiceChange):
    listen_port: Port


class DeleteService(Body):
    listen_port: Port


class TargetServer(Body):
    id: int
    ip: str | None = None


class TargetSelector(Body):
    selector: str = Field(min_length=1, max_length=1000)


class TargetIp(Body):
    ip: str


class Target(Body):
    type: Literal["server", "label_selector", "ip"]
    server: TargetServer | None = None
    label_selector: TargetSelector | None = None
    ip: TargetIp | None = None
    use_private_ip: bool | None = None


class Algorithm(Body):
    type: Literal["round_robin", "least_connections"]


class PublicNet(Body):
    ipv4: int | None = None
    ipv6: int | None = None


class CreateLoadBalancer(Body):
    name: Name
    load_balancer_type: Reference
    algorithm: Algorithm | None = None
    services: list[Service] | None = None
    targets: list[Target] | None = None
    labels: Labels | None = None
    public_interface: bool | None = None
    public_net: PublicNet | None = None
    network: int | None = None
    network_zone: str | None = None
    location: Reference | None = None


class AttachToNetwork(Body):
    network: int
    ip: Ipv4 | None = None
    ip_range: Ipv4Cidr | None = None


class DetachFromNetwork(Body):
    network: int


class ChangeType(Body):
    load_balancer_type: Reference
