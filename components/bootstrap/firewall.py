"""The server's own packet filter (nftables): nothing comes in but SSH, ICMP and what roles allow.

The provider's firewall covers the public interface only; traffic of the private network passes it by, so the private
ports must be guarded here. Each role puts one fragment into ``/etc/nftables.d``, which the base's rule set includes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_network

from components.bootstrap import files, services
from components.bootstrap.host import Host
from components.bootstrap.report import Failure

RULES = "/etc/nftables.conf"
FRAGMENTS = "/etc/nftables.d"
TABLE = "store_host"

RULESET = f"""\
#!/usr/sbin/nft -f
# Written by the bootstrap of this server; a role's own rules are in {FRAGMENTS}.
# Declared, deleted and made anew in one transaction: no moment without rules, other tables are left alone.
table inet {TABLE} {{
}}
delete table inet {TABLE}
table inet {TABLE} {{
	chain roles {{
		include "{FRAGMENTS}/*.nft"
	}}
	chain incoming {{
		type filter hook input priority filter; policy drop;
		ct state established,related accept
		ct state invalid drop
		iif lo accept
		meta l4proto {{ icmp, ipv6-icmp }} accept
		udp dport 546 ip6 saddr fe80::/10 accept comment "DHCPv6 answers"
		tcp dport 22 accept comment "SSH; the provider's firewall limits who"
		jump roles
	}}
	chain forwarded {{
		type filter hook forward priority filter; policy drop;
	}}
	chain outgoing {{
		type filter hook output priority filter; policy accept;
		ip daddr 169.254.169.254 meta skuid != 0 reject with icmp type admin-prohibited comment "user data holds keys"
	}}
}}
"""


@dataclass(frozen=True)
class Allow:
    """TCP connections to ``port`` from any of ``sources`` (IPv4 networks or addresses in CIDR notation)."""

    port: int
    sources: Sequence[str]


def allow(host: Host, name: str, rules: Sequence[Allow]) -> bool:
    """The ports that a role opens, as the fragment ``NAME.nft``; takes effect at once."""
    lines = [f"# Ports of the role {name}\n"]
    for rule in rules:
        try:
            sources = ", ".join(sorted({str(ip_network(source)) for source in rule.sources}))
        except ValueError as error:
            raise Failure(f"a source of port {rule.port} is no network: {error}") from None
        if not sources:
            raise Failure(f"port {rule.port} has no source that may reach it")
        lines.append(f"ip saddr {{ {sources} }} tcp dport {rule.port} accept\n")
    files.file(host, f"{FRAGMENTS}/{name}.nft", "".join(lines))
    return load(host)


def load(host: Host) -> bool:
    """Bring the files' rules into effect when they changed or when somebody flushed them."""
    host.report.begin("firewall rules")
    digest = services.files_digest([RULES, FRAGMENTS])
    there = host.run(["nft", "list", "chain", "inet", TABLE, "incoming"], check=False).returncode == 0
    if there and services.applied("nftables", digest):
        return host.report.ok()
    host.run(["nft", "--file", RULES], fix=f"check {RULES} and {FRAGMENTS} with `nft --check --file {RULES}`.")
    services.remember("nftables", digest)
    return host.report.changed("loaded")


def base_rules(host: Host) -> None:
    """The rule set without any role's ports; needs the package nftables."""
    files.directory(host, FRAGMENTS)
    files.file(host, RULES, RULESET, mode=0o755)
    load(host)
    services.service(host, "nftables.service")
