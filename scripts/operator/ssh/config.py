"""The block for ~/.ssh/config, as the operations guide has it, with the host keys pinned."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from scripts.operator.ssh.hosts import Host


def quoted(path: Path | str) -> str:
    """A file's name as ssh's configuration takes it: a space would end it, a percent sign begin a token."""
    text = str(path).replace("%", "%%")
    return f'"{text}"' if any(each.isspace() or each == "#" for each in text) else text


def block(hosts: Iterable[Host], known_hosts: Path, identity: str) -> str:
    """An ssh_config text: one `Host` for each server."""
    return "\n".join(
        f"""Host {host.alias}
  HostName {host.address}
  User {host.user}
  Port {host.port}
  IdentityFile {quoted(identity)}
  IdentitiesOnly yes
  HostKeyAlias {host.alias}
  UserKnownHostsFile {quoted(known_hosts)}
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
