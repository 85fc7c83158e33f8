"""The services that an instance's hub offers its machines, in one small process.

``python -m localcloud.machines.services HOME CACHE``: metadata, DNS, the package cache, the relay to the outside, and
the machines' memory figures. Its sockets live in the hub's namespace, the process itself in the host's: it reaches
registries and resolvers as any program of the host does. It ends on SIGTERM. Machines run on without it.
"""

from __future__ import annotations

import asyncio
import functools
import signal
import socket
import sys
import threading
from pathlib import Path

from localcloud.machines import host, metadata, netns, packages, processes, procfs, record, relay, resolver
from localcloud.machines.instance import METADATA, RESOLVERS, Instance, load
from localcloud.machines.interface import MachineError

MEMORY_SECONDS = 5.0
"""How often the machines' memory figures are brought up to date."""


def ready_path(instance: Instance) -> Path:
    """Exists once every service answers."""
    return instance.folder / "services.ready"


def group(instance: Instance) -> str:
    return f"{instance.prefix}/services"


def _used_bytes(name: str) -> int:
    """Memory that a group's processes take; the page cache, which gives way, is not counted."""
    total = 0
    for folder in processes.directories(name):
        for file, key in (("memory.stat", "anon"), ("memory.stat", "total_rss")):
            try:
                lines = (folder / file).read_text().splitlines()
            except OSError:
                continue
            total += next((int(line.split()[1]) for line in lines if line.split()[0] == key), 0)
    return total


def refresh_memory(instance: Instance) -> None:
    """Write each running machine's memory figures once."""
    for server_id in record.server_ids(instance):
        name = f"{instance.prefix}/s{server_id}"
        folder = instance.server_folder(server_id)
        if not processes.members(name):
            continue
        try:
            procfs.write_meminfo(folder, record.read(folder).spec.memory_gib, _used_bytes(name))
        except (OSError, MachineError):
            continue  # deleted meanwhile


async def _refresh_forever(instance: Instance) -> None:
    while True:
        await asyncio.to_thread(refresh_memory, instance)
        await asyncio.sleep(MEMORY_SECONDS)


async def run(instance: Instance) -> None:
    """Serve until SIGTERM."""
    loop = asyncio.get_running_loop()
    done = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, done.set)
    store = packages.Store(instance.cache / "packages")
    threading.Thread(target=store.prune, daemon=True).start()
    stream = functools.partial(netns.bound_socket, instance.hub, socket.SOCK_STREAM)
    for address in RESOLVERS:
        datagram = netns.bound_socket(instance.hub, socket.SOCK_DGRAM, str(address), 53)
        await loop.create_datagram_endpoint(resolver.Relay, sock=datagram)
        await asyncio.start_server(resolver.serve_stream, sock=stream(str(address), 53))
    await asyncio.start_server(functools.partial(metadata.serve, instance), sock=stream(str(METADATA), 80))
    await asyncio.start_server(store.serve, sock=stream("0.0.0.0", host.HTTP_PORT), limit=packages.MAX_HEAD)
    await asyncio.start_server(relay.serve, sock=stream("0.0.0.0", host.TLS_PORT), limit=relay.CHUNK)
    ready_path(instance).touch()
    refresher = loop.create_task(_refresh_forever(instance))
    await done.wait()
    refresher.cancel()


def main(arguments: list[str]) -> int:
    home, cache = arguments
    asyncio.run(run(load(Path(home), Path(cache))))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
