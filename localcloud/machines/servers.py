"""The life of servers: disk, boot, stop, rebuild, snapshot, delete."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from localcloud.machines import disks, firewall, images, network, nspawn, processes, record, seed, snapshots, volumes
from localcloud.machines.instance import Instance
from localcloud.machines.interface import FirewallRule, PrivateNic, ServerSpec
from localcloud.machines.record import Record

SHUTDOWN_SECONDS = 45.0
"""How long a machine that goes down by itself may take before a start or a delete pulls the plug."""


def layers(instance: Instance, image: str) -> tuple[str, ...]:
    """The read-only trees of an image, uppermost first; a base image is built now if it is not there."""
    if snapshots.exists(instance, image):
        return snapshots.layers(instance, image)
    return (str(images.build(instance.cache, image)),)


def prepare(instance: Instance, spec: ServerSpec) -> None:
    """Make the server's disk from its image; one that is there stays."""
    folder = instance.server_folder(spec.id)
    if (folder / "machine.json").exists():
        return
    trees = layers(instance, spec.image)
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    _make_disk(folder, Record(spec, trees))
    record.write(folder, Record(spec, trees))


def _make_disk(folder: Path, server: Record) -> None:
    disks.make(folder)
    root = disks.mount(folder, server.layers)
    seed.write(root, server.spec)


def boot(instance: Instance, server_id: int) -> None:
    folder = instance.server_folder(server_id)
    with record.locked(folder):
        server = record.read(folder)
        nspawn.boot(instance, server, volumes.devices(instance, server))


def power_on(instance: Instance, server_id: int) -> None:
    """Start the server; one that is just going down is started once it is down."""
    record.read(instance.server_folder(server_id))
    if nspawn.is_running(instance, server_id):
        if nspawn.leader(instance, server_id) and not nspawn.is_stopping(instance, server_id):
            return
        nspawn.settle(instance, server_id, SHUTDOWN_SECONDS)
    boot(instance, server_id)


def rebuild(instance: Instance, spec: ServerSpec) -> None:
    """Throw the disk away, keep interfaces and volumes, boot a new disk of ``spec.image``."""
    folder = instance.server_folder(spec.id)
    old = record.read(folder)
    trees = layers(instance, spec.image)
    nspawn.power_off(instance, spec.id)
    with record.locked(folder):
        disks.unmount(folder)
        disks.trash(instance.folder, folder / "disk")
        server = replace(old, spec=spec, layers=trees)
        _make_disk(folder, server)
        record.write(folder, server)
    boot(instance, spec.id)


def update(instance: Instance, spec: ServerSpec) -> None:
    """Take over a changed spec; what concerns the boot shows at the next one."""
    folder = instance.server_folder(spec.id)
    with record.locked(folder):
        record.write(folder, replace(record.read(folder), spec=spec))


def delete(instance: Instance, server_id: int) -> None:
    folder = instance.server_folder(server_id)
    nspawn.power_off(instance, server_id)
    firewall.remove(instance, network.port_name(server_id))
    if not folder.exists():
        return
    attached = record.read(folder).volumes if (folder / "machine.json").exists() else {}
    disks.unmount(folder)
    disks.trash(instance.folder, folder)
    for volume in attached.values():
        volumes.release(instance, volume)


def set_password(instance: Instance, server_id: int, password: str) -> None:
    nspawn.enter(instance, server_id, ["chpasswd"], stdin=f"root:{password}\n")


def attach_network(instance: Instance, server_id: int, nic: PrivateNic) -> None:
    folder, port = instance.server_folder(server_id), network.port_name(server_id)
    with record.locked(folder):
        server = record.read(folder)
        before = server.position(nic.network_id)
        unchanged = before is not None and server.nics[before].ip == nic.ip and server.nics[before].mac == nic.mac
        server = server.with_nic(nic)
        record.write(folder, server)
        if not nspawn.is_running(instance, server_id):
            return
        if unchanged and network.is_plugged(instance, nic.network_id, port):
            network.set_aliases(instance, port, nic)
            return
        position = server.position(nic.network_id)
        assert position is not None
        name = instance.server_namespace(server_id)
        network.plug_private(instance, name, port, network.interface_name(position), nic)


def detach_network(instance: Instance, server_id: int, network_id: int) -> None:
    folder = instance.server_folder(server_id)
    if not (folder / "machine.json").exists():
        return
    with record.locked(folder):
        server = record.read(folder)
        if server.position(network_id) is None:
            return
        record.write(folder, server.without_nic(network_id))
        network.unplug_private(instance, network_id, network.port_name(server_id))


def set_firewall(instance: Instance, server_id: int, rules: Sequence[FirewallRule] | None) -> None:
    firewall.apply(instance, network.port_name(server_id), rules)


def attach_volume(instance: Instance, volume_id: int, server_id: int, automount: bool) -> None:
    folder = instance.server_folder(server_id)
    with record.locked(folder):
        server = record.read(folder)
        if volume_id in server.volumes.values():
            return
        server = server.with_volume(volume_id)
        record.write(folder, server)
        if nspawn.is_running(instance, server_id):
            volumes.show(instance, server, volume_id)
        if automount:
            volumes.automount(instance, server, volume_id)


def detach_volume(instance: Instance, volume_id: int) -> None:
    for server_id in record.server_ids(instance):
        folder = instance.server_folder(server_id)
        with record.locked(folder):
            server = record.read(folder)
            if volume_id not in server.volumes.values():
                continue
            if nspawn.is_running(instance, server_id):
                volumes.hide(instance, server, volume_id)
            record.write(folder, server.without_volume(volume_id))
    volumes.release(instance, volume_id)


def create_image(instance: Instance, server_id: int, image: str) -> float:
    """Freeze the server's disk as ``image``; returns its size in GB (10^9 bytes)."""
    folder = instance.server_folder(server_id)
    if nspawn.is_running(instance, server_id):
        nspawn.enter(instance, server_id, ["sync"])
    with record.locked(folder):
        return snapshots.create(instance, image, folder / "disk" / "up", record.read(folder).layers)


def release_all(instance: Instance) -> None:
    """End every machine and let its disk go; disks stay."""
    ids = record.server_ids(instance)
    for server_id in ids:
        nspawn.kill(instance, server_id)
    for server_id in ids:
        nspawn.settle(instance, server_id, timeout=5.0)
        disks.unmount(instance.server_folder(server_id))


def remove_unknown_groups(instance: Instance, wanted: frozenset[int]) -> None:
    """End machines whose record is gone: a daemon killed half-way through a delete leaves such."""
    for name in processes.groups(instance.prefix):
        kind = name.rpartition("/")[2]
        if kind.startswith("s") and kind[1:].isdigit() and int(kind[1:]) not in wanted:
            processes.end(name)
