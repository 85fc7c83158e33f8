"""Machines that are only remembered: for tests of the API alone, where nothing boots."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network

from localcloud.machines.interface import (
    Desired,
    FirewallRule,
    HealthStatus,
    LoadBalancerSpec,
    MachineError,
    NetworkSpec,
    PrivateNic,
    ServerSpec,
    VolumeSpec,
)

IMAGES = ("debian-12", "debian-13")
SNAPSHOT_GB = 1.5


class MemoryMachines:
    """Implements :class:`~localcloud.machines.interface.Machines` on dictionaries, and refuses what makes no sense.

    The dictionaries are open to tests: what the API asked for can be read from them, and a machine that "dies" is
    taken out of ``running``.
    """

    public_ipv4_pool = IPv4Network("198.18.0.0/16")
    public_ipv6_pool = IPv6Network("2001:db8::/48")
    architectures = ("x86", "arm")

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self.servers: dict[int, ServerSpec] = {}
        self.running: set[int] = set()
        self.networks: dict[int, NetworkSpec] = {}
        self.nics: dict[int, dict[int, PrivateNic]] = {}
        self.firewalls: dict[int, Sequence[FirewallRule] | None] = {}
        self.volumes: dict[int, VolumeSpec] = {}
        self.attached: dict[int, int] = {}
        self.load_balancers: dict[int, LoadBalancerSpec] = {}
        self.passwords: dict[int, str] = {}
        self.images: set[str] = set()
        self.unhealthy: set[str] = set()
        """Target keys that are to be reported as unhealthy though their server runs."""

    def start(self, desired: Desired) -> None:
        with self._lock:
            self.networks = {one.id: one for one in desired.networks}
            self.servers = {one.id: one for one in desired.servers}
            self.running = set(desired.running)
            self.nics = {number: {nic.network_id: nic for nic in nics} for number, nics in desired.nics.items()}
            self.firewalls = dict(desired.firewalls)
            self.volumes = {one.id: one for one in desired.volumes}
            self.attached = dict(desired.attached)
            self.load_balancers = {one.id: one for one in desired.load_balancers}

    def stop(self) -> None:
        with self._lock:
            self.running.clear()

    def create_server(self, spec: ServerSpec) -> None:
        self.prepare_server(spec)
        self.power_on(spec.id)

    def prepare_server(self, spec: ServerSpec) -> None:
        if not self.image_available(spec.image):
            raise MachineError(f"image {spec.image} does not exist")
        self.servers[spec.id] = spec

    def update_server(self, spec: ServerSpec) -> None:
        self._server(spec.id)
        self.servers[spec.id] = spec

    def _server(self, server_id: int) -> ServerSpec:
        if server_id not in self.servers:
            raise MachineError(f"there is no machine for server {server_id}")
        return self.servers[server_id]

    def power_on(self, server_id: int) -> None:
        self._server(server_id)
        self.running.add(server_id)

    def shutdown(self, server_id: int) -> None:
        self.power_off(server_id)

    def power_off(self, server_id: int) -> None:
        self.running.discard(server_id)

    def reboot(self, server_id: int) -> None:
        self.power_on(server_id)

    def is_running(self, server_id: int) -> bool:
        return server_id in self.running

    def rebuild_server(self, spec: ServerSpec) -> None:
        self.power_off(spec.id)
        self.create_server(spec)

    def delete_server(self, server_id: int) -> None:
        with self._lock:
            self.power_off(server_id)
            for known in (self.servers, self.nics, self.firewalls, self.passwords):
                known.pop(server_id, None)

    def set_root_password(self, server_id: int, password: str) -> None:
        self._server(server_id)
        self.passwords[server_id] = password

    def create_image(self, server_id: int, image: str) -> float:
        self._server(server_id)
        self.images.add(image)
        return SNAPSHOT_GB

    def delete_image(self, image: str) -> None:
        self.images.discard(image)

    def image_available(self, image: str) -> bool:
        return image in IMAGES or image in self.images

    def create_network(self, spec: NetworkSpec) -> None:
        self.networks[spec.id] = spec

    def update_network(self, spec: NetworkSpec) -> None:
        self.networks[spec.id] = spec

    def delete_network(self, network_id: int) -> None:
        self.networks.pop(network_id, None)

    def attach_network(self, server_id: int, nic: PrivateNic) -> None:
        self._server(server_id)
        if nic.network_id not in self.networks:
            raise MachineError(f"network {nic.network_id} does not exist")
        self.nics.setdefault(server_id, {})[nic.network_id] = nic

    def detach_network(self, server_id: int, network_id: int) -> None:
        self.nics.get(server_id, {}).pop(network_id, None)

    def set_firewall(self, server_id: int, rules: Sequence[FirewallRule] | None) -> None:
        self._server(server_id)
        self.firewalls[server_id] = rules

    def create_volume(self, spec: VolumeSpec) -> None:
        self.volumes[spec.id] = spec

    def resize_volume(self, volume_id: int, size_gb: int) -> None:
        old = self.volumes[volume_id]
        self.volumes[volume_id] = VolumeSpec(old.id, size_gb, old.format)

    def attach_volume(self, volume_id: int, server_id: int, automount: bool = False) -> None:
        self._server(server_id)
        self.attached[volume_id] = server_id

    def detach_volume(self, volume_id: int) -> None:
        self.attached.pop(volume_id, None)

    def delete_volume(self, volume_id: int) -> None:
        self.volumes.pop(volume_id, None)

    def apply_load_balancer(self, spec: LoadBalancerSpec) -> None:
        self.load_balancers[spec.id] = spec

    def delete_load_balancer(self, load_balancer_id: int) -> None:
        self.load_balancers.pop(load_balancer_id, None)

    def health(self, load_balancer_id: int) -> Mapping[tuple[str, int], HealthStatus]:
        """A target is healthy while the server that has its address runs."""
        with self._lock:
            spec = self.load_balancers.get(load_balancer_id)
            if spec is None:
                raise MachineError(f"there is no load balancer {load_balancer_id}")
            up = {str(nic.ip) for number in self.running for nic in self.nics.get(number, {}).values()}
            up |= {str(self.servers[number].public_ipv4) for number in self.running if number in self.servers}
            return {
                (target.key, service.listen_port): (
                    "healthy" if target.key in up and target.key not in self.unhealthy else "unhealthy"
                )
                for target in spec.targets
                for service in spec.services
            }

    def metrics(self, load_balancer_id: int) -> Mapping[str, float]:
        names = ("open_connections", "connections_per_second", "requests_per_second", "bandwidth.in", "bandwidth.out")
        return dict.fromkeys(names, 0.0)
