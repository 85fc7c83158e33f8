"""System packages: what the embedded cloud and its tests run on the host, from the distribution."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

from scripts.toolchain.steps import Log, SetupError

PACKAGES = (
    "ca-certificates",
    "curl",
    "debian-archive-keyring",
    "e2fsprogs",
    "haproxy",
    "hcloud-cli",
    "iproute2",
    "mmdebstrap",
    "nftables",
    "openssh-client",
    "python3-venv",
    "systemd-container",
    "util-linux",
    "xfsprogs",
    "zstd",
)

COMMANDS = (
    "curl", "haproxy", "hcloud", "ip", "mkfs.ext4", "mkfs.xfs", "mmdebstrap", "mount", "nft", "ssh", "systemd-nspawn",
    "zstd",
)  # fmt: skip
"""What the packages are for: asked for where there is no dpkg."""

LISTS = Path("/var/lib/apt/lists")
LISTS_AGE_SECONDS = 24 * 3600


def install(log: Log) -> str:
    """Makes every package be there. Asks apt for nothing if dpkg says that all are."""
    if shutil.which("dpkg-query") is None or shutil.which("apt-get") is None:
        return without_apt()
    lacking = missing()
    if not lacking:
        return f"{len(PACKAGES)} packages, all there"
    if os.geteuid() != 0:
        raise SetupError(f"These packages are missing: run as root `apt-get install {' '.join(lacking)}`.")
    environment = {"DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_MODE": "l"}
    if lists_are_old():
        log.run(["apt-get", "update", "-q"], environment=environment)
    command = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *lacking]
    try:
        log.run(command, environment=environment)
    except SetupError:
        # An old list names files that the mirror has replaced.
        log.run(["apt-get", "update", "-q"], environment=environment)
        log.run(command, environment=environment)
    disable_services(log)
    return f"installed {', '.join(lacking)}"


def missing() -> list[str]:
    """The packages that dpkg does not call installed."""
    result = subprocess.run(
        ["dpkg-query", "-W", "-f=${Package} ${db:Status-Status}\n", *PACKAGES], capture_output=True, text=True
    )
    there = {line.split()[0] for line in result.stdout.splitlines() if line.endswith(" installed")}
    return [name for name in PACKAGES if name not in there]


def without_apt() -> str:
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"])
    lacking = [name for name in COMMANDS if shutil.which(name, path=path) is None]
    if lacking:
        raise SetupError(
            f"This system has no apt, and these commands are missing: {', '.join(lacking)}. "
            "Install them with its package manager, then run scripts/up again."
        )
    return f"{len(COMMANDS)} commands, all there"


def lists_are_old() -> bool:
    """Whether apt's lists are missing or older than a day."""
    newest = max((path.stat().st_mtime for path in LISTS.glob("*_Packages*")), default=0.0)
    return time.time() - newest > LISTS_AGE_SECONDS


def disable_services(log: Log) -> None:
    """Debian starts a HAProxy of its own when the package is installed: ours are run by the embedded cloud."""
    if Path("/run/systemd/system").is_dir():
        log.run(["systemctl", "disable", "--now", "--quiet", "haproxy.service"])
