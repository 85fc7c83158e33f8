"""The stack's servers as SSH sees them, from its output `sshHosts`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scripts.operator.errors import OperatorError, UsageProblem


@dataclass(frozen=True)
class Host:
    """One server. `host_key` is a public key in OpenSSH's form ("ssh-ed25519 AAAA…"), pinned."""

    alias: str
    address: str
    user: str
    port: int
    host_key: str
    private_address: str = ""

    def known_host(self) -> str:
        """The line of a known_hosts file that pins this server, under its alias: an address may be given out again."""
        algorithm, key = self.host_key.split()[:2]
        return f"{self.alias} {algorithm} {key}\n"


def from_outputs(outputs: Mapping[str, Any]) -> dict[str, Host]:
    """Alias → host. OperatorError if the stack has no servers yet, or one without a host key to pin."""
    entries = outputs.get("sshHosts") or {}
    if not entries:
        raise OperatorError(
            "the stack has no servers to log in to", advice="bring it up first: scripts/up or pulumi up"
        )
    hosts = {}
    for alias, entry in entries.items():
        if len(str(entry.get("hostKey") or "").split()) < 2:
            raise OperatorError(
                f"{alias} has no host key in the stack's outputs, so it could not be told from an impostor",
                advice="pulumi up writes it; then try again",
            )
        hosts[alias] = Host(
            alias,
            entry["hostName"],
            entry.get("user") or "deploy",
            int(entry.get("port") or 22),
            entry["hostKey"],
            entry.get("privateAddress") or "",
        )
    return hosts


def pick(hosts: Mapping[str, Host], wanted: str) -> Host:
    """The host with this alias; also `medusa` for the one alias that starts so."""
    if wanted in hosts:
        return hosts[wanted]
    short = [alias for alias in hosts if alias.rsplit("-", 1)[0] == wanted]
    if len(short) == 1:
        return hosts[short[0]]
    raise UsageProblem(f"{wanted} is not a server of this stack", advice=f"one of: {', '.join(sorted(hosts))}")
