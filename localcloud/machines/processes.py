"""Long-running processes of an instance, each group in control groups of its own.

A group outlives the daemon that started it, is found again by its name, and can be ended whole. Where the host's
init is systemd, a group is a transient unit (control groups are systemd's there); elsewhere it is a directory in every
hierarchy, entered by a small shell before the program starts.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from localcloud.machines.commands import run, succeeds
from localcloud.machines.interface import MachineError

CGROUPS = Path("/sys/fs/cgroup")
CONTROLLERS_V1 = ("systemd", "unified", "memory", "pids", "cpu,cpuacct", "cpu", "cpuacct", "freezer")
SHELL = ("/bin/sh", "-c")
ENTER = 'n=$1; shift; while [ "$n" -gt 0 ]; do echo $$ > "$1/cgroup.procs"; shift; n=$((n-1)); done; exec "$@"'


def host_runs_systemd() -> bool:
    """Whether units can be asked of the host's init."""
    return Path("/run/systemd/system").is_dir() and Path("/proc/1/comm").read_text().strip() == "systemd"


def hybrid_hierarchies() -> bool:
    return (CGROUPS / "systemd").is_dir()


def directories(group: str) -> list[Path]:
    """The control group's directory in each hierarchy, the one with all its processes first."""
    if host_runs_systemd():
        prefix = "-".join(group.split("/")[0].split("-")[:2])
        unit = f"lc.slice/{prefix}.slice/{unit_name(group)}"
        return [CGROUPS / "systemd" / unit, CGROUPS / "unified" / unit] if hybrid_hierarchies() else [CGROUPS / unit]
    if hybrid_hierarchies():
        return [CGROUPS / name / group for name in CONTROLLERS_V1 if (CGROUPS / name).is_dir()]
    return [CGROUPS / group]


def unit_name(group: str) -> str:
    return f"{group.replace('/', '-')}.service"


def members(group: str) -> list[int]:
    """Process ids in the group and the groups below it."""
    found: set[int] = set()
    for folder in directories(group)[:1]:
        for path, _, files in os.walk(folder):
            if "cgroup.procs" in files:
                try:
                    found.update(int(word) for word in Path(path, "cgroup.procs").read_text().split())
                except OSError:
                    continue
    return sorted(found - {0})


def _set_limits(group: str, memory: int, cpus: float) -> None:
    for folder in directories(group):
        kind = folder.relative_to(CGROUPS).parts[0]
        if not hybrid_hierarchies():
            if memory:
                (folder / "memory.max").write_text(str(memory))
            if cpus:
                (folder / "cpu.max").write_text(f"{int(cpus * 100_000)} 100000")
        elif kind == "memory" and memory:
            (folder / "memory.limit_in_bytes").write_text(str(memory))
        elif kind in ("cpu", "cpu,cpuacct") and cpus:
            (folder / "cpu.cfs_quota_us").write_text(str(int(cpus * 100_000)))


def _make_directories(group: str) -> None:
    if not hybrid_hierarchies():
        for parent in (CGROUPS, CGROUPS / group.split("/")[0]):
            parent.mkdir(exist_ok=True)
            for controller in ("memory", "cpu", "pids"):
                try:
                    (parent / "cgroup.subtree_control").write_text(f"+{controller}")
                except OSError:
                    continue  # a controller that this host does not hand out: the limit is then not set
    for folder in directories(group):
        folder.mkdir(parents=True, exist_ok=True)


def spawn(
    group: str,
    argv: Sequence[str],
    log: Path,
    *,
    memory: int = 0,
    cpus: float = 0,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Start ``argv`` in the group (``lc-ID/NAME``), its output appended to ``log``; memory in bytes (0: no limit)."""
    extra = dict(environment or {})
    if host_runs_systemd():
        prefix = group.split("/")[0]
        properties = ["Delegate=yes", "KillMode=mixed", "TasksMax=16384", f"StandardOutput=append:{log}",
                      f"StandardError=append:{log}"]  # fmt: skip
        properties += [f"MemoryMax={memory}"] if memory else []
        properties += [f"CPUQuota={int(cpus * 100)}%"] if cpus else []
        run(
            ["systemd-run", "--quiet", "--collect", f"--unit={unit_name(group)}", f"--slice={prefix}.slice",
             *(f"--setenv={key}={value}" for key, value in extra.items()),
             *(word for one in properties for word in ("-p", one)), "--", *argv]
        )  # fmt: skip
        return
    _make_directories(group)
    try:
        _set_limits(group, memory, cpus)
    except OSError as error:
        raise MachineError(f"cannot limit control group {group}: {error}") from None
    folders = [str(folder) for folder in directories(group)]
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*SHELL, ENTER, "enter", str(len(folders)), *folders, *argv],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env={**os.environ, **extra},
        )
    # The daemon is the parent as long as it lives: collect the exit status, or the process stays as a zombie.
    threading.Thread(target=process.wait, name=f"wait-{group}", daemon=True).start()


def end(group: str, *, gracefully: float = 0.0, timeout: float = 15.0) -> None:
    """End every process of the group: SIGTERM with ``gracefully`` seconds to obey, then SIGKILL; remove the group."""
    deadline = time.monotonic() + gracefully
    if gracefully:
        _signal(group, signal.SIGTERM)
        while members(group) and time.monotonic() < deadline:
            time.sleep(0.01)
    deadline = time.monotonic() + timeout
    while members(group):
        _signal(group, signal.SIGKILL)
        if time.monotonic() > deadline:
            raise MachineError(f"processes {members(group)} of {group} do not end")
        time.sleep(0.01)
    remove(group)


def end_starting(words: Callable[[list[str]], bool]) -> bool:
    """End processes that a killed daemon had just started and that are in no group yet; whether there were any.

    ``words``: whether a command line, after the words that lead it into its group, is one of the instance's.
    """
    found = False
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            line = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        entering = line[:4] == [*SHELL, ENTER, "enter"]
        if (entering or "localcloud.machines.services" in line) and words(line):
            found = True
            with suppress(ProcessLookupError):
                os.kill(int(entry.name), signal.SIGKILL)
    return found


def _signal(group: str, number: signal.Signals) -> None:
    for process in members(group):
        try:
            os.kill(process, number)
        except ProcessLookupError:
            continue


def remove(group: str) -> None:
    """Remove the control groups of a group that has no process any more."""
    if host_runs_systemd():
        succeeds(["systemctl", "stop", unit_name(group)])
        succeeds(["systemctl", "reset-failed", unit_name(group)])
        return
    for top in directories(group):
        for path, _, _ in os.walk(top, topdown=False):
            try:
                os.rmdir(path)
            except OSError:
                continue


def remove_tree(prefix: str) -> None:
    """Remove the instance's own control group once no group is in it."""
    if host_runs_systemd():
        succeeds(["systemctl", "stop", f"{prefix}.slice"])
    else:
        remove(prefix)


def groups(prefix: str) -> list[str]:
    """Names of the groups of the instance with ``prefix`` (``lc-ID``) that exist."""
    found: set[str] = set()
    if host_runs_systemd():
        root = directories(f"{prefix}/x")[0].parent
        for folder in root.glob(f"{prefix}-*.service"):
            found.add(f"{prefix}/{folder.name.removeprefix(prefix + '-').removesuffix('.service')}")
        return sorted(found)
    for top in directories(prefix):
        if top.is_dir():
            found.update(f"{prefix}/{entry.name}" for entry in top.iterdir() if entry.is_dir())
    return sorted(found)


def children(process: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except OSError:
        return []


def command_name(process: int) -> str:
    try:
        return Path(f"/proc/{process}/comm").read_text().strip()
    except OSError:
        return ""
