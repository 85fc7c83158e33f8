"""System packages: what the embedded cloud and its tests run on the host, from the distribution."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Sequence
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

BROWSER = ("chromium",)
"""For e2e tests alone: the browser that they look at the storefront with."""
BROWSERS = ("chromium", "google-chrome")
"""Either does; Ubuntu's package `chromium` holds none."""

COMMANDS = (
    "curl", "haproxy", "hcloud", "ip", "mkfs.ext4", "mkfs.xfs", "mmdebstrap", "mount", "nft", "ssh", "systemd-nspawn",
    "zstd",
)  # fmt: skip
"""What the packages are for: asked for where there is no dpkg."""

LISTS = Path("/var/lib/apt/lists")
LISTS_AGE_SECONDS = 24 * 3600


def install(log: Log) -> str:
    """Makes every package be there that scripts/up needs."""
    return make_be_there(log, PACKAGES, COMMANDS)


def install_browser(log: Log) -> str:
    """Makes the tests' browser be there."""
    there = next((name for name in BROWSERS if shutil.which(name)), None)
    return f"{there} is there" if there else make_be_there(log, BROWSER, BROWSER)


def make_be_there(log: Log, packages: Sequence[str], commands: Sequence[str]) -> str:
    """Asks apt for nothing if dpkg says that all are there."""
    if shutil.which("dpkg-query") is None or shutil.which("apt-get") is None:
        return without_apt(commands)
    lacking = missing(packages)
    if not lacking:
        return f"{number(packages, 'package')}, all there"
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
    if "haproxy" in lacking:
        disable_services(log)
    return f"installed {', '.join(lacking)}"


def missing(packages: Sequence[str]) -> list[str]:
    """The packages that dpkg does not call installed."""
    result = subprocess.run(
        ["dpkg-query", "-W", "-f=${Package} ${db:Status-Status}\n", *packages], capture_output=True, text=True
    )
    there = {line.split()[0] for line in result.stdout.splitlines() if line.endswith(" installed")}
    return [name for name in packages if name not in there]


def without_apt(commands: Sequence[str]) -> str:
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"])
    lacking = [name for name in commands if shutil.which(name, path=path) is None]
    if lacking:
        raise SetupError(
            f"This system has no apt, and these commands are missing: {', '.join(lacking)}. "
            "Install them with its package manager, then run scripts/up again."
        )
    return f"{number(commands, 'command')}, all there"


def number(things: Sequence[str], what: str) -> str:
    return f"{len(things)} {what}{'' if len(things) == 1 else 's'}"


def lists_are_old() -> bool:
    """Whether apt's lists are missing or older than a day."""
    newest = max((path.stat().st_mtime for path in LISTS.glob("*_Packages*")), default=0.0)
    return time.time() - newest > LISTS_AGE_SECONDS


def disable_services(log: Log) -> None:
    """Debian starts a HAProxy of its own when the package is installed: ours are run by the embedded cloud."""
    if Path("/run/systemd/system").is_dir():
        log.run(["systemctl", "disable", "--now", "--quiet", "haproxy.service"])
