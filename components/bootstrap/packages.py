"""Steps on Debian packages. apt is called only when something is missing, after its locks are free."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from components.bootstrap.host import Host
from components.bootstrap.report import Failure
from components.bootstrap.waiting import time_limit

# Whoever holds one of these is installing or refreshing: cloud-init, unattended-upgrades, or a person.
APT_LOCKS = (
    "/var/lib/dpkg/lock-frontend",
    "/var/lib/dpkg/lock",
    "/var/lib/apt/lists/lock",
    "/var/cache/apt/archives/lock",
)
LOCK_SECONDS = 600
LISTS = Path("/var/lib/apt/lists")
LISTS_FRESH_SECONDS = 12 * 3600
QUIET = {"DEBIAN_FRONTEND": "noninteractive", "APT_LISTCHANGES_FRONTEND": "none", "NEEDRESTART_SUSPEND": "1"}
OPTIONS = (
    "-o", f"DPkg::Lock::Timeout={LOCK_SECONDS}",
    "-o", "Dpkg::Options::=--force-confdef",
    "-o", "Dpkg::Options::=--force-confold",
    "-o", "Dpkg::Use-Pty=0",
    "-o", "Acquire::Languages=none",
)  # fmt: skip


def package(host: Host, names: Iterable[str]) -> bool:
    """All of these packages installed, in one transaction, without what they only recommend.

    What a package's own scripts start can be prevented before: mask the service (:func:`services.masked`).
    """
    wanted = sorted(set(names))
    host.report.begin(f"packages {', '.join(wanted)}")
    missing = sorted(set(wanted) - installed(host, wanted))
    if not missing:
        return host.report.ok()
    if not lists_are_fresh():
        update(host)
    began = time.monotonic()
    host.report.progress(f"installing {', '.join(missing)}")
    install = ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *OPTIONS, *missing]
    wait_for_apt_locks(host)
    # Lists name versions that a mirror drops when a newer one comes: a failed download asks for new lists first.
    if host.run(install, env=QUIET, check=False, timeout=1200).returncode != 0:
        host.run(
            ["dpkg", "--configure", "-a", "--force-confdef", "--force-confold"], env=QUIET, check=False, timeout=1200
        )
        update(host)
        host.run(
            install,
            env=QUIET,
            timeout=1200,
            fix="run the same apt-get on the server; a mirror out of reach or a full disk are the usual causes.",
        )
    return host.report.changed(f"installed {', '.join(missing)} in {time.monotonic() - began:.0f} s")


def installed(host: Host, names: Sequence[str]) -> set[str]:
    """Those of ``names`` that are installed completely (dpkg status ``ii`` or held ``hi``)."""
    asked = host.run(["dpkg-query", "-W", "-f=${db:Status-Abbrev} ${Package}\n", *names], check=False)
    lines = (line.split() for line in asked.stdout.splitlines())
    return {words[1] for words in lines if len(words) == 2 and words[0] in ("ii", "hi")}


def lists_are_fresh() -> bool:
    newest = max((entry.stat().st_mtime for entry in LISTS.glob("*Packages*")), default=0.0)
    # apt keeps the server's time on the files; its own last visit shows on the directory of unfinished downloads.
    visited = max(newest, (LISTS / "partial").stat().st_mtime if newest and (LISTS / "partial").exists() else 0.0)
    return time.time() - visited < LISTS_FRESH_SECONDS


def update(host: Host) -> None:
    host.report.progress("refreshing the package lists")
    wait_for_apt_locks(host)
    host.run(
        ["apt-get", "update", "--quiet", *OPTIONS],
        env=QUIET,
        fix="check that the server reaches its package mirror (/etc/apt/sources.list.d, DNS, outgoing firewall).",
    )


def wait_for_apt_locks(host: Host) -> None:
    """Block until no other process holds one of apt's locks; apt-get itself does not wait for all of them."""
    for path in APT_LOCKS:
        if not os.path.exists(path):
            continue
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            try:
                fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                host.report.progress(f"waiting for another package installation to end ({path})")
                late = Failure(
                    f"{path} has been held for more than {LOCK_SECONDS} s",
                    f"find its holder with `fuser -v {path}`, let it end, and run again.",
                )
                with time_limit(LOCK_SECONDS, late):
                    fcntl.lockf(handle, fcntl.LOCK_EX)
        finally:
            os.close(handle)
