"""Steps on systemd units.

What a service was last (re)started with is remembered as a digest of the files that it reads. A run that broke off
between writing a file and restarting therefore restarts in the next run; so does a file that somebody edited by hand.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from components.bootstrap.files import write_atomically
from components.bootstrap.host import Host
from components.bootstrap.report import Failure

# Digests of files that may hold secrets: for root only.
STATE = Path("/var/lib/store-bootstrap/applied")


def files_digest(paths: Sequence[str]) -> str:
    """SHA-256 over names and contents; a directory stands for the files directly in it, a missing path for itself."""
    found: list[Path] = []
    for path in map(Path, paths):
        found += sorted(path.iterdir()) if path.is_dir() else [path]
    digest = hashlib.sha256()
    for path in found:
        content = path.read_bytes() if path.is_file() else b"\0absent"
        digest.update(f"{path}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def applied(key: str, digest: str) -> bool:
    """Whether ``key`` (a unit's name) was last brought into effect with files of this digest."""
    try:
        return (STATE / key).read_text().strip() == digest
    except FileNotFoundError:
        return False


def remember(key: str, digest: str) -> None:
    STATE.parent.mkdir(mode=0o755, exist_ok=True)
    STATE.mkdir(mode=0o700, exist_ok=True)
    write_atomically(STATE / key, f"{digest}\n".encode(), 0o600)


def properties(host: Host, unit: str) -> dict[str, str]:
    names = "LoadState,UnitFileState,ActiveState,ConditionResult,ConditionTimestampMonotonic,NeedDaemonReload"
    shown = host.run(["systemctl", "show", "--property", names, unit]).stdout
    return dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)


def service(
    host: Host,
    unit: str,
    *,
    enabled: bool = True,
    running: bool = True,
    watch: Sequence[str] = (),
    on_change: Literal["restart", "reload"] = "restart",
) -> bool:
    """A unit enabled (or not) and running (or not); restarted or reloaded when one of the ``watch`` files changed.

    A masked unit is left alone: whoever made the image decided so. A unit whose own conditions forbid it here
    (time synchronisation in a container) counts as well placed.
    """
    host.report.begin(f"service {unit}")
    state = properties(host, unit)
    if state["LoadState"] == "masked":
        if enabled or running:
            host.report.note("masked on this machine, left as it is")
        return host.report.ok()
    if state["LoadState"] == "not-found":
        if not enabled and not running:
            return host.report.ok()
        raise Failure(f"there is no unit {unit}", "check the unit's name and that its package is installed.")
    done: list[str] = []
    if state["NeedDaemonReload"] == "yes":
        host.run(["systemctl", "daemon-reload"])
    is_enabled = state["UnitFileState"] not in ("disabled", "")
    if enabled != is_enabled and state["UnitFileState"] not in ("static", "generated", "indirect", "transient"):
        host.run(["systemctl", "enable" if enabled else "disable", unit])
        done.append("enabled" if enabled else "disabled")
    digest = files_digest(watch)
    # "activating" is not enough: so is a unit called that fails and is restarted again and again.
    active = state["ActiveState"] in ("active", "reloading")
    barred = state["ConditionTimestampMonotonic"] != "0" and state["ConditionResult"] == "no"
    if running and not active and not barred:
        start(host, "start", unit)
        done.append("started")
    elif running and active and watch and not applied(unit, digest):
        start(host, on_change, unit)
        done.append(f"{on_change}ed")
    elif not running and active:
        host.run(["systemctl", "stop", unit])
        done.append("stopped")
    if running and watch and not applied(unit, digest):
        remember(unit, digest)
    return host.report.changed(", ".join(done)) if done else host.report.ok()


def start(host: Host, verb: str, unit: str) -> None:
    """``systemctl start|restart|reload``; when it fails, the unit's own last words say why."""
    # Earlier failures must not use up the tries that systemd allows in a row.
    host.run(["systemctl", "reset-failed", unit], check=False)
    if host.run(["systemctl", verb, unit], check=False).returncode == 0:
        return
    said = host.run(["journalctl", "--unit", unit, "--lines", "15", "--output", "cat", "--no-pager"], check=False)
    raise Failure(
        f"`systemctl {verb} {unit}` failed; the unit said last:\n{said.stdout.strip()[-1500:]}",
        f"look at `systemctl status {unit}` and `journalctl -u {unit}` on the server.",
    )


def masked(host: Host, unit: str) -> bool:
    """A unit that can not be started by anything, for example before a package's scripts would start it."""
    host.report.begin(f"mask {unit}")
    link = Path("/etc/systemd/system") / unit
    if os.path.islink(link) and os.readlink(link) == "/dev/null":
        return host.report.ok()
    host.run(["systemctl", "mask", "--now", unit])
    return host.report.changed("masked")
