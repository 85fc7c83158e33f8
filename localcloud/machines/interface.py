"""What the Hetzner API asks of the machines behind it.

The API (``localcloud.hetzner``) keeps the state that its users see and decides every identifier and address; a
:class:`Machines` implementation makes that state real (``localcloud.machines.driver``) or, for tests of the API
alone, only remembers it (``localcloud.machines.memory``). The calls are blocking and are made from worker threads,
several at once for different resources, never two at once for the same resource. Each is idempotent: asked again for
what already is, it does nothing, so that a daemon that was killed can simply ask for everything again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Network
from typing import Literal, Protocol

HealthStatus = Literal["healthy", "unhealthy", "unknown"]


class MachineError(Exception):
    """The machine layer could not do what was asked; the message is fit for an action's ``error.message``."""


@dataclass(frozen=True)
class PrivateNic:
    """One attachment of a server to a private network. ``mac`` is lower case with colons."""

    network_id: int
    ip: IPv4Address
    mac: str
    alias_ips: tuple[IPv4Address, ...] = ()
    subnet: IPv4Network | None = None
    """The subnet that ``ip`` is of, as the metadata service tells it."""


@dataclass(frozen=True)
class ServerSpec:
    """A server as it is to be. Memory in GiB, disk in GB, as in a server type."""

    id: int
    name: str
    image: str
    """Name of a system image, for example ``debian-13``, or ``snapshot-ID`` for an image made of a server."""
    cores: int
    memory_gib: float
    disk_gb: int
    user_data: str = ""
    ssh_keys: tuple[str, ...] = ()
    """OpenSSH public keys for root."""
    root_password: str | None = None
    public_ipv4: IPv4Address | None = None
    public_ipv6: IPv6Network | None = None
    location: str = "fsn1"


@dataclass(frozen=True)
class NetworkSpec:
    """A private network: every member reaches every other through the gateway, the range's first address."""

    id: int
    ip_range: IPv4Network
    routes: tuple[tuple[IPv4Network, IPv4Address], ...] = ()
    name: str = ""
    """As the metadata service tells it."""


@dataclass(frozen=True)
class FirewallRule:
    """One rule of a firewall; ``cidrs`` are sources (in) or destinations (out).

    ``port`` is ``"80"``, ``"1024-5000"`` or None.
    """

    direction: Literal["in", "out"]
    protocol: Literal["tcp", "udp", "icmp", "esp", "gre"]
    cidrs: tuple[str, ...]
    port: str | None = None


@dataclass(frozen=True)
class VolumeSpec:
    """A block device of ``size_gb`` GB; ``format`` is made once, when the volume is created."""

    id: int
    size_gb: int
    format: Literal["ext4", "xfs"] | None = None


@dataclass(frozen=True)
class HealthCheck:
    """Times in seconds; ``status_codes`` may hold the wildcards ``?`` and ``*``."""

    protocol: Literal["tcp", "http"]
    port: int
    interval: int
    timeout: int
    retries: int
    domain: str = ""
    path: str = "/"
    response: str = ""
    status_codes: tuple[str, ...] = ("2??", "3??")
    tls: bool = False


@dataclass(frozen=True)
class Certificate:
    """PEM texts of one certificate of an HTTPS service."""

    id: int
    certificate: str
    private_key: str


@dataclass(frozen=True)
class Service:
    """A load balancer's service; times in seconds."""

    protocol: Literal["tcp", "http", "https"]
    listen_port: int
    destination_port: int
    proxyprotocol: bool
    health_check: HealthCheck
    sticky_sessions: bool = False
    cookie_name: str = "HCLBSTICKY"
    cookie_lifetime: int = 300
    timeout_idle: int = 50
    redirect_http: bool = False
    certificates: tuple[Certificate, ...] = ()


@dataclass(frozen=True)
class Target:
    """Where a load balancer sends to, already resolved to one address. ``key`` names it in :meth:`Machines.health`."""

    key: str
    ip: IPv4Address
    private: bool


@dataclass(frozen=True)
class LoadBalancerSpec:
    """A load balancer as it is to be; applying it again changes it in place without dropping connections."""

    id: int
    name: str
    algorithm: Literal["round_robin", "least_connections"]
    max_connections: int
    public_ipv4: IPv4Address | None
    network_id: int | None = None
    private_ip: IPv4Address | None = None
    services: tuple[Service, ...] = ()
    targets: tuple[Target, ...] = ()


@dataclass(frozen=True)
class Desired:
    """Everything that is to be, for :meth:`Machines.start`: what a daemon finds in its state when it starts."""

    networks: Sequence[NetworkSpec] = ()
    servers: Sequence[ServerSpec] = ()
    running: frozenset[int] = frozenset()
    """Ids of the servers that are to be running."""
    nics: Mapping[int, Sequence[PrivateNic]] = field(default_factory=dict)
    """Server id → its private networks."""
    firewalls: Mapping[int, Sequence[FirewallRule] | None] = field(default_factory=dict)
    """Server id → merged rules; None where no firewall is applied."""
    volumes: Sequence[VolumeSpec] = ()
    attached: Mapping[int, int] = field(default_factory=dict)
    """Volume id → server id."""
    load_balancers: Sequence[LoadBalancerSpec] = ()


class Machines(Protocol):
    """The machine layer. Every method may raise :class:`MachineError`."""

    @property
    def public_ipv4_pool(self) -> IPv4Network:
        """The range that public addresses of this cloud come from; its first two and its last are not to be used."""
        ...

    @property
    def public_ipv6_pool(self) -> IPv6Network:
        """The range that servers' public /64 networks come from (a /48)."""
        ...

    def start(self, desired: Desired) -> None:
        """Set the host up, adopt what an earlier daemon left running, make all else as desired, remove the rest."""
        ...

    def stop(self) -> None:
        """End every process, remove every trace on the host (mounts, namespaces, loop devices, rules); disks stay."""
        ...

    def create_server(self, spec: ServerSpec) -> None:
        """Make the disk from the image and boot it for the first time; returns once the machine's init runs.

        The private networks, volumes and firewall of the server are asked for by calls of their own; what is attached
        before the first start (``start_after_create: false``) is there when it boots.
        """
        ...

    def prepare_server(self, spec: ServerSpec) -> None:
        """Make the disk only; the server stays off."""
        ...

    def update_server(self, spec: ServerSpec) -> None:
        """Take over a changed name, type or public address of a server that is off (a name also when it runs)."""
        ...

    def power_on(self, server_id: int) -> None: ...

    def shutdown(self, server_id: int) -> None:
        """Press the power button; does not wait for the machine to be off."""
        ...

    def power_off(self, server_id: int) -> None:
        """Pull the plug and wait until it is off."""
        ...

    def reboot(self, server_id: int) -> None:
        """Ask the machine to reboot (soft)."""
        ...

    def is_running(self, server_id: int) -> bool: ...

    def rebuild_server(self, spec: ServerSpec) -> None:
        """Throw the disk away and boot a new one from the image; volumes and networks stay."""
        ...

    def delete_server(self, server_id: int) -> None: ...

    def set_root_password(self, server_id: int, password: str) -> None: ...

    def create_image(self, server_id: int, image: str) -> float:
        """Store the server's disk as ``image`` (``snapshot-ID``); returns its size in GB."""
        ...

    def delete_image(self, image: str) -> None: ...

    def image_available(self, image: str) -> bool:
        """Whether the machine layer can boot this image (built now or buildable on first use)."""
        ...

    def create_network(self, spec: NetworkSpec) -> None: ...

    def update_network(self, spec: NetworkSpec) -> None: ...

    def delete_network(self, network_id: int) -> None: ...

    def attach_network(self, server_id: int, nic: PrivateNic) -> None:
        """Plug a private interface in (hot when the server runs); also used to change its alias addresses."""
        ...

    def detach_network(self, server_id: int, network_id: int) -> None: ...

    def set_firewall(self, server_id: int, rules: Sequence[FirewallRule] | None) -> None:
        """The merged rules of a server's public interface. None: no firewall. ``[]``: nothing in, all out."""
        ...

    def create_volume(self, spec: VolumeSpec) -> None: ...

    def resize_volume(self, volume_id: int, size_gb: int) -> None: ...

    def attach_volume(self, volume_id: int, server_id: int, automount: bool = False) -> None:
        """Show the volume in the server as /dev/disk/by-id/scsi-0HC_Volume_ID, now (if it runs) and at each boot."""
        ...

    def detach_volume(self, volume_id: int) -> None: ...

    def delete_volume(self, volume_id: int) -> None: ...

    def apply_load_balancer(self, spec: LoadBalancerSpec) -> None: ...

    def delete_load_balancer(self, load_balancer_id: int) -> None: ...

    def health(self, load_balancer_id: int) -> Mapping[tuple[str, int], HealthStatus]:
        """(target key, listen port) → what the health check says now."""
        ...

    def metrics(self, load_balancer_id: int) -> Mapping[str, float]:
        """open_connections, connections_per_second, requests_per_second, bandwidth.in and .out, as they are now."""
        ...
