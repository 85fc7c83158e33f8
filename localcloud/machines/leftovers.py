"""What an instance has left on the host: ``python -m localcloud.machines.leftovers HOME``.

Prints one line for each thing and exits non-zero when there is any. Looks at the host itself and not at what the
machine layer believes, so that it also tells what a killed daemon left.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from localcloud.daemon import remains
from localcloud.machines import disks, netns, processes, volumes
from localcloud.machines.commands import run
from localcloud.machines.host import SHARED
from localcloud.machines.instance import Instance, load


def _processes(instance: Instance) -> list[str]:
    """Processes in the instance's control groups or inside its namespaces, and those started with its home."""
    found: set[int] = set()
    for group in processes.groups(instance.prefix):
        found.update(processes.members(group))
    inodes = {(netns.FOLDER / name).stat().st_ino for name in netns.listed() if instance.owns_namespace(name)}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
            inside = os.stat(entry / "ns" / "net").st_ino in inodes
        except OSError:
            continue
        machine = any(word.startswith(str(instance.folder).encode()) for word in words)
        service = b"localcloud.machines.services" in words and str(instance.home).encode() in words
        if inside or machine or service:
            found.add(int(entry.name))
    return [f"process {number} ({processes.command_name(number)})" for number in sorted(found)]


def _control_groups(instance: Instance) -> list[str]:
    if processes.host_runs_systemd():
        return [f"unit {processes.unit_name(group)}" for group in processes.groups(instance.prefix)]
    return [f"control group {path}" for path in processes.directories(instance.prefix) if path.exists()]


def _network(instance: Instance) -> list[str]:
    found = [f"network namespace {name}" for name in netns.listed() if instance.owns_namespace(name)]
    if Path("/sys/class/net", instance.leg).exists():
        found.append(f"interface {instance.leg}")
    for family, pool in (("-4", str(instance.public_ipv4)), ("-6", str(instance.public_ipv6))):
        routes = json.loads(run(["ip", "-j", family, "route", "show"]) or "[]")
        found += [f"route to {pool}" for route in routes if route.get("dst") == pool]
    if instance.id in run(["nft", "list", "tables"]):
        found.append("nftables table")
    return found


def leftovers(home: Path) -> list[str]:
    """Everything that is there, each as a phrase; empty when nothing is."""
    instance = load(home, Path("/nonexistent"))
    found = [*_processes(instance), *_control_groups(instance), *_network(instance)]
    found += [f"process {number} ({what})" for number, what in sorted(remains.processes(instance.home).items())]
    found += [f"folder {folder}" for folder in remains.folders(instance.home)]
    found += [f"mount {path}" for path in disks.mounts_below(instance.home)]
    found += [f"loop device {device} of {file}" for file, device in volumes.loops(instance).items()]
    if instance.run_folder.exists():
        found.append(f"folder {instance.run_folder}")
    try:
        notes = json.loads((SHARED / "host.json").read_text())
    except (OSError, ValueError):
        notes = {"up": {}}
    if instance.id in notes["up"]:
        found.append(f"note in {SHARED / 'host.json'} that it is up")
    return found


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print("usage: python -m localcloud.machines.leftovers HOME\nexample: ... leftovers .local/cloud")
        return 0 if arguments in (["-h"], ["--help"]) else 2
    found = leftovers(Path(arguments[0]))
    print("\n".join(found) if found else "nothing is left")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
