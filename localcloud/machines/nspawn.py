"""Boot, stop and look into machines: systemd-nspawn under a small supervisor of its own.

The supervisor is a shell that starts the machine again when it rebooted itself, and takes its network away when it is
off. It belongs to no daemon: machines run on when the daemon is killed, and are adopted by the next one.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from localcloud.machines import disks, netns, network, processes, procfs
from localcloud.machines.commands import run
from localcloud.machines.instance import Instance
from localcloud.machines.interface import MachineError
from localcloud.machines.record import Record

REBOOTED = 133
"""Exit status of systemd-nspawn when the machine asked for a reboot."""
POWEROFF = 34 + 4
REBOOT = 34 + 5
"""Signals that systemd as init understands (SIGRTMIN+4 and +5; the C library's SIGRTMIN is 34)."""
CTRL_ALT_DEL_BLOCKED = 1 << (POWEROFF - 1)

SUPERVISOR = """\
namespace=$1 home=$2 cache=$3 server=$4; shift 4
while :; do
  "$@"
  [ $? = 133 ] || break
  "$LOCALCLOUD_PYTHON" -m localcloud.machines.boot "$home" "$cache" "$server" || break
done
ip netns del "$namespace"
"""


def group(instance: Instance, server_id: int) -> str:
    return f"{instance.prefix}/s{server_id}"


def command(instance: Instance, record: Record) -> list[str]:
    """The command that boots the machine."""
    folder = instance.server_folder(record.spec.id)
    return [
        "systemd-nspawn", "--quiet", "--boot", "--keep-unit", "--register=no", f"--machine={record.spec.name}",
        f"--directory={folder / 'disk' / 'root'}",
        f"--network-namespace-path={netns.FOLDER / instance.server_namespace(record.spec.id)}",
        "--capability=CAP_NET_ADMIN", f"--bind-ro={folder / 'hardware'}:/run/hardware", "--console=pipe",
        "--resolv-conf=off", "--link-journal=no", "--timezone=off", "--settings=no",
    ]  # fmt: skip


def is_running(instance: Instance, server_id: int) -> bool:
    return bool(processes.members(group(instance, server_id)))


def leader(instance: Instance, server_id: int) -> int:
    """The machine's init as the host sees it; 0 when there is none now."""
    for process in processes.members(group(instance, server_id)):
        if processes.command_name(process) == "systemd-nspawn":
            inner = processes.children(process)
            return inner[0] if inner else 0
    return 0


def boot(instance: Instance, record: Record, devices: Mapping[int, tuple[int, str]]) -> None:
    """Start the machine and wait until its init runs; ``devices`` is position → (volume id, loop device)."""
    spec = record.spec
    folder = instance.server_folder(spec.id)
    name = group(instance, spec.id)
    if is_running(instance, spec.id):
        return
    disks.mount(folder, record.layers)
    procfs.write(folder, spec.memory_gib, devices)
    network.plug_server(instance, record)
    package_root = str(Path(__file__).parents[2])
    processes.spawn(
        name,
        ["/bin/sh", "-c", SUPERVISOR, f"machine-{spec.id}", instance.server_namespace(spec.id), str(instance.home),
         str(instance.cache), str(spec.id), *command(instance, record)],
        folder / "console.log",
        memory=int(spec.memory_gib * 1024**3),
        cpus=spec.cores if spec.cores < (os.cpu_count() or 1) else 0,
        environment={
            # The machine sees control groups v2 only, and its own network settings are writable, as on a server.
            "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1",
            "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "network",
            "LOCALCLOUD_PYTHON": sys.executable,
            "PYTHONPATH": package_root,
        },
    )  # fmt: skip
    _wait_for_init(instance, record)


def _wait_for_init(instance: Instance, record: Record, timeout: float = 60.0) -> None:
    """Wait until init takes signals: before that, a shutdown asked of it would be lost."""
    log = instance.server_folder(record.spec.id) / "console.log"
    deadline = time.monotonic() + timeout
    started = False
    while time.monotonic() < deadline:
        if _takes_signals(leader(instance, record.spec.id)):
            return
        running = is_running(instance, record.spec.id)
        if started and not running:
            raise MachineError(f"server {record.spec.name} does not boot: {log.read_text(errors='replace')[-500:]}")
        started = started or running
        time.sleep(0.01)
    raise MachineError(f"server {record.spec.name} did not boot within {timeout:.0f} s")


def _takes_signals(process: int) -> bool:
    if not process:
        return False
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return False
    masks = dict(line.split(":\t") for line in status.splitlines() if line.startswith("Sig") and "\t" in line)
    return bool(int(masks.get("SigBlk", "0"), 16) & CTRL_ALT_DEL_BLOCKED)


def press_power_button(instance: Instance, server_id: int) -> None:
    _tell(instance, server_id, POWEROFF)


def reboot(instance: Instance, server_id: int) -> None:
    _tell(instance, server_id, REBOOT)


def _tell(instance: Instance, server_id: int, number: int) -> None:
    process = leader(instance, server_id)
    if process:
        try:
            os.kill(process, number)
        except ProcessLookupError:
            return


def is_stopping(instance: Instance, server_id: int) -> bool:
    """Whether the machine is on its way down (its init says so)."""
    try:
        state = enter(instance, server_id, ["systemctl", "is-system-running"])
    except MachineError as error:
        # `is-system-running` fails for every state but "running"; a machine that is gone is stopping as well.
        return "stopping" in str(error) or not leader(instance, server_id)
    return "stopping" in state


def kill(instance: Instance, server_id: int) -> None:
    """Pull the plug without waiting."""
    process = leader(instance, server_id)
    if process:
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            return


def power_off(instance: Instance, server_id: int) -> None:
    """Pull the plug: everything of the machine is killed at once, its network and control group are gone after."""
    kill(instance, server_id)
    settle(instance, server_id, timeout=5.0)


def settle(instance: Instance, server_id: int, timeout: float) -> None:
    """Wait until a machine that goes down is down, then clear away what it leaves; past ``timeout`` it is killed."""
    name = group(instance, server_id)
    deadline = time.monotonic() + timeout
    while processes.members(name) and time.monotonic() < deadline:
        time.sleep(0.01)
    processes.end(name)
    host_side = instance.server_namespace(server_id)
    if netns.exists(host_side):
        netns.remove(host_side)


def enter(instance: Instance, server_id: int, argv: Sequence[str], stdin: str | None = None) -> str:
    """Run a command inside the running machine, as the hypervisor's agent would, and return its output."""
    process = leader(instance, server_id)
    if not process:
        raise MachineError(f"server {server_id} is off")
    return run(["nsenter", "--target", str(process), "--all", "--", *argv], stdin=stdin)
