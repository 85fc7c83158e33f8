"""Bring a whole instance up as desired, keep its services alive, and take it down without a trace."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from localcloud.machines import (
    balancer,
    disks,
    firewall,
    host,
    netns,
    network,
    nspawn,
    processes,
    record,
    servers,
    services,
    snapshots,
    volumes,
)
from localcloud.machines.instance import Instance
from localcloud.machines.interface import Desired, MachineError, ServerSpec

log = logging.getLogger(__name__)
SERVICES_SECONDS = 20.0
_watchers: dict[str, threading.Event] = {}
"""Instance id → set when its services are not to be kept alive any more."""


def start(instance: Instance, desired: Desired) -> None:
    """Set the host up, adopt what runs, make everything else as desired and remove the rest. Safe to repeat."""
    host.up(instance)
    _restart_services(instance)
    _keep_services(instance)
    for spec in desired.networks:
        network.ensure(instance, spec)
    wanted = frozenset(spec.id for spec in desired.servers)
    servers.remove_unknown_groups(instance, wanted)
    for server_id in set(record.server_ids(instance)) - wanted:
        servers.delete(instance, server_id)
    for volume in desired.volumes:
        if not volumes.path_of(instance, volume.id).exists():
            volumes.create(instance, volume)
    with ThreadPoolExecutor(max_workers=4) as pool:
        # One server that cannot be made (an image that does not build) must not keep all others down: it stays off.
        for server, made in [(one, pool.submit(_make_server, instance, one, desired)) for one in desired.servers]:
            if isinstance(problem := made.exception(), MachineError):
                log.error("server %s (%d) stays off: %s", server.name, server.id, problem)
            else:
                made.result()
    for load_balancer in desired.load_balancers:
        balancer.apply(instance, load_balancer)
    for load_balancer_id in set(balancer.ids(instance)) - {one.id for one in desired.load_balancers}:
        balancer.delete(instance, load_balancer_id)
    _remove_rest(instance, desired)


def _make_server(instance: Instance, spec: ServerSpec, desired: Desired) -> None:
    """Make one server as desired; what is desired of its interfaces and volumes is there before it boots."""
    servers.prepare(instance, spec)
    servers.update(instance, spec)
    nics = desired.nics.get(spec.id, ())
    folder = instance.server_folder(spec.id)
    for nic in record.read(folder).nics.values():
        if nic.network_id not in {one.network_id for one in nics}:
            servers.detach_network(instance, spec.id, nic.network_id)
    for nic in nics:
        servers.attach_network(instance, spec.id, nic)
    for volume, server_id in desired.attached.items():
        if server_id == spec.id:
            servers.attach_volume(instance, volume, spec.id, automount=False)
    firewall.apply(instance, network.port_name(spec.id), desired.firewalls.get(spec.id))
    if spec.id in desired.running:
        servers.power_on(instance, spec.id)
    elif nspawn.is_running(instance, spec.id):
        nspawn.power_off(instance, spec.id)


def _remove_rest(instance: Instance, desired: Desired) -> None:
    for server_id in record.server_ids(instance):
        for volume in record.read(instance.server_folder(server_id)).volumes.values():
            if desired.attached.get(volume) != server_id:
                servers.detach_volume(instance, volume)
    for network_id in set(network.network_ids(instance)) - {one.id for one in desired.networks}:
        network.delete(instance, network_id)
    for volume in set(volumes.volume_ids(instance)) - {one.id for one in desired.volumes}:
        volumes.delete(instance, volume)
    trees = (record.read(instance.server_folder(one)).layers for one in record.server_ids(instance))
    snapshots.remove_unused(instance, frozenset(tree for layers in trees for tree in layers))
    disks.empty_trash(instance.folder)


def stop(instance: Instance) -> None:
    """End every process and remove every trace on the host; disks, volumes and records stay."""
    if os.geteuid() != 0:
        raise MachineError("ending machines needs root")
    if watcher := _watchers.pop(instance.id, None):
        watcher.set()
    balancer.release_all(instance)
    servers.release_all(instance)
    _end_all(instance)
    services.ready_path(instance).unlink(missing_ok=True)
    for device in volumes.loops(instance):
        volumes.release_file(instance, device)
    disks.unmount_below(instance.folder)
    host.down(instance)
    disks.empty_trash(instance.folder, wait=True)
    processes.remove_tree(instance.prefix)


def _end_all(instance: Instance) -> None:
    """End every group, and what was on its way into one when its daemon was killed."""
    home, folder = str(instance.home), str(instance.folder)
    more = True
    while more:
        for name in processes.groups(instance.prefix):
            processes.end(name)
        more = processes.end_starting(
            lambda line: home in line or any(word.startswith(folder) or f"={folder}" in word for word in line)
        )


def _restart_services(instance: Instance) -> None:
    """Start the hub's services afresh, so that they are this daemon's version; returns once they answer."""
    name = services.group(instance)
    processes.end(name, gracefully=1.0)
    ready = services.ready_path(instance)
    ready.unlink(missing_ok=True)
    instance.folder.mkdir(parents=True, exist_ok=True)
    log = instance.folder / "services.log"
    processes.spawn(
        name,
        [sys.executable, "-m", "localcloud.machines.services", str(instance.home), str(instance.cache)],
        log,
        environment={"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    deadline = time.monotonic() + SERVICES_SECONDS
    while not ready.exists():
        if time.monotonic() > deadline:
            raise MachineError(f"the hub's services do not start: {log.read_text(errors='replace')[-500:]}")
        time.sleep(0.02)


def _keep_services(instance: Instance) -> None:
    """Start the services again should they ever die, for as long as this daemon lives and is not stopped."""
    if instance.id in _watchers:
        return
    ended = threading.Event()
    _watchers[instance.id] = ended

    def watch() -> None:
        while not ended.wait(2.0):
            if not processes.members(services.group(instance)) and not ended.is_set() and netns.exists(instance.hub):
                try:
                    _restart_services(instance)
                except MachineError:
                    continue  # tried again; the reason is in services.log

    threading.Thread(target=watch, name="keep-services", daemon=True).start()
