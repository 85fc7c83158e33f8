"""The block for ~/.ssh/config, as the operations guide has it, with the host keys pinned."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from scripts.operator.ssh.hosts import Host


def block(hosts: Iterable[Host], known_hosts: Path, identity: str) -> str:
    """An ssh_config text: one `Host` for each server."""
    return "\n".join(
        f"""Host {host.alias}
  HostName {host.address}
  User {host.user}
  Port {host.port}
  IdentityFile {identity}
  IdentitiesOnly yes
  HostKeyAlias {host.alias}
  UserKnownHostsFile {known_hosts}
  StrictHostKeyChecking yes
"""
        for host in hosts
    )


def write_known_hosts(hosts: Iterable[Host], path: Path) -> None:
    """Write the pinned keys where the block says they are, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text("".join(host.known_host() for host in hosts), encoding="utf-8")
    partial.replace(path)
