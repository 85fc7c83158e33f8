"""The machine layer on systemd-nspawn: :class:`NspawnMachines` puts the parts of this package together."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from localcloud.machines import (
    balancer,
    hosting,
    images,
    network,
    nspawn,
    recipe,
    record,
    servers,
    snapshots,
    volumes,
)
from localcloud.machines.instance import Instance, load
from localcloud.machines.interface import (
    Desired,
    FirewallRule,
    HealthStatus,
    LoadBalancerSpec,
    NetworkSpec,
    PrivateNic,
    ServerSpec,
    VolumeSpec,
)


class NspawnMachines:
    """Booted Debian machines of one instance; ``home`` holds their disks, ``cache`` the images and packages of all."""

    def __init__(self, home: Path, cache: Path) -> None:
        self._instance: Instance = load(home, cache)
        self._balancers: dict[int, LoadBalancerSpec] = {}

    @property
    def cache(self) -> Path:
        """Where images and packages are kept for all instances."""
        return self._instance.cache

    @property
    def public_ipv4_pool(self) -> IPv4Network:
        return self._instance.public_ipv4

    @property
    def public_ipv6_pool(self) -> IPv6Network:
        return self._instance.public_ipv6

    def start(self, desired: Desired) -> None:
        hosting.start(self._instance, desired)
        self._balancers = {spec.id: spec for spec in desired.load_balancers}

    def stop(self) -> None:
        hosting.stop(self._instance)

    # Servers

    def create_server(self, spec: ServerSpec) -> None:
        servers.prepare(self._instance, spec)
        servers.boot(self._instance, spec.id)

    def prepare_server(self, spec: ServerSpec) -> None:
        servers.prepare(self._instance, spec)

    def update_server(self, spec: ServerSpec) -> None:
        servers.update(self._instance, spec)

    def power_on(self, server_id: int) -> None:
        servers.power_on(self._instance, server_id)

    def shutdown(self, server_id: int) -> None:
        nspawn.press_power_button(self._instance, server_id)

    def power_off(self, server_id: int) -> None:
        nspawn.power_off(self._instance, server_id)

    def reboot(self, server_id: int) -> None:
        nspawn.reboot(self._instance, server_id)

    def is_running(self, server_id: int) -> bool:
        return nspawn.is_running(self._instance, server_id)

    def rebuild_server(self, spec: ServerSpec) -> None:
        servers.rebuild(self._instance, spec)

    def delete_server(self, server_id: int) -> None:
        servers.delete(self._instance, server_id)

    def set_root_password(self, server_id: int, password: str) -> None:
        servers.set_password(self._instance, server_id, password)

    # Images

    def create_image(self, server_id: int, image: str) -> float:
        return servers.create_image(self._instance, server_id, image)

    def delete_image(self, image: str) -> None:
        """Remove a snapshot. One that a server's disk lies on stays until that server is gone and it is asked again."""
        tree = str(self._instance.folder / "images" / image / "tree")
        for server_id in record.server_ids(self._instance):
            if tree in record.read(self._instance.server_folder(server_id)).layers:
                snapshots.retire(self._instance, image)
                return
        snapshots.delete(self._instance, image)

    def image_available(self, image: str) -> bool:
        if image in recipe.SUITES:
            return images.is_built(self._instance.cache, image) or shutil.which("mmdebstrap") is not None
        return snapshots.exists(self._instance, image)

    # Networks

    def create_network(self, spec: NetworkSpec) -> None:
        network.ensure(self._instance, spec)

    def update_network(self, spec: NetworkSpec) -> None:
        network.ensure(self._instance, spec)

    def delete_network(self, network_id: int) -> None:
        network.delete(self._instance, network_id)

    def attach_network(self, server_id: int, nic: PrivateNic) -> None:
        servers.attach_network(self._instance, server_id, nic)

    def detach_network(self, server_id: int, network_id: int) -> None:
        servers.detach_network(self._instance, server_id, network_id)

    def set_firewall(self, server_id: int, rules: Sequence[FirewallRule] | None) -> None:
        servers.set_firewall(self._instance, server_id, rules)

    # Volumes

    def create_volume(self, spec: VolumeSpec) -> None:
        volumes.create(self._instance, spec)

    def resize_volume(self, volume_id: int, size_gb: int) -> None:
        volumes.resize(self._instance, volume_id, size_gb)

    def attach_volume(self, volume_id: int, server_id: int, automount: bool = False) -> None:
        servers.attach_volume(self._instance, volume_id, server_id, automount)

    def detach_volume(self, volume_id: int) -> None:
        servers.detach_volume(self._instance, volume_id)

    def delete_volume(self, volume_id: int) -> None:
        volumes.delete(self._instance, volume_id)

    # Load balancers

    def apply_load_balancer(self, spec: LoadBalancerSpec) -> None:
        balancer.apply(self._instance, spec)
        self._balancers[spec.id] = spec

    def delete_load_balancer(self, load_balancer_id: int) -> None:
        balancer.delete(self._instance, load_balancer_id)
        self._balancers.pop(load_balancer_id, None)

    def health(self, load_balancer_id: int) -> Mapping[tuple[str, int], HealthStatus]:
        spec = self._balancers.get(load_balancer_id)
        return balancer.health(self._instance, spec) if spec else {}

    def metrics(self, load_balancer_id: int) -> Mapping[str, float]:
        return balancer.metrics(self._instance, load_balancer_id)
