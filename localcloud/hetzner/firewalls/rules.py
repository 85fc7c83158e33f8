"""What a rule must be, and where a firewall may be applied."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import ip_network
from typing import Any

from localcloud.hetzner import selectors, specs
from localcloud.hetzner.cloud import Cloud
from localcloud.hetzner.errors import ApiError, invalid
from localcloud.hetzner.firewalls.models import Resource, Rule
from localcloud.hetzner.store import Row, Transaction

PORTS = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?")
MAX_FIREWALLS_PER_SERVER = 5
MAX_EFFECTIVE_RULES = 500


def normalised(rule: Rule, path: str) -> dict[str, Any]:
    """The rule as stored and shown: addresses lower case and minimal. Raises 422 naming the field below ``path``."""
    wanted, other = ("source_ips", "destination_ips") if rule.direction == "in" else ("destination_ips", "source_ips")
    if getattr(rule, other):
        raise invalid(f"{path}.{other}", f"must be empty for direction '{rule.direction}'")
    cidrs = [_cidr(one, f"{path}.{wanted}[{index}]") for index, one in enumerate(getattr(rule, wanted) or ())]
    if not cidrs:
        raise invalid(f"{path}.{wanted}", f"must hold at least one network for direction '{rule.direction}'")
    return {
        "description": rule.description,
        "direction": rule.direction,
        "source_ips": cidrs if rule.direction == "in" else [],
        "destination_ips": cidrs if rule.direction == "out" else [],
        "protocol": rule.protocol,
        "port": _port(rule, f"{path}.port"),
    }


def _cidr(text: str, field: str) -> str:
    if "/" not in text:
        raise invalid(field, f"'{text}' must be in CIDR block notation")
    try:
        return str(ip_network(text))
    except ValueError as wrong:
        raise invalid(field, f"'{text}' is no network in CIDR block notation: {wrong}") from None


def _port(rule: Rule, field: str) -> str | None:
    if rule.protocol not in ("tcp", "udp"):
        if rule.port:
            raise invalid(field, f"is only applicable for protocols tcp and udp, not {rule.protocol}")
        return None
    if not rule.port:
        raise invalid(field, f"is required for protocol {rule.protocol}")
    found = PORTS.fullmatch(rule.port)
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not 1 <= first <= last <= 65535:
        raise invalid(field, f"'{rule.port}' must be a port or a range of ports from 1 to 65535")
    return rule.port


def stored_resource(resource: Resource, path: str) -> Row:
    """An entry of ``applied_to`` as stored; raises 422 if its type and its contents differ."""
    if resource.type == "server":
        if resource.server is None:
            raise invalid(f"{path}.server", "Missing data for required field.")
        return {"type": "server", "server": {"id": resource.server.id}}
    if resource.label_selector is None:
        raise invalid(f"{path}.label_selector", "Missing data for required field.")
    selectors.parse(resource.label_selector.selector, f"{path}.label_selector.selector")
    return {"type": "label_selector", "label_selector": {"selector": resource.label_selector.selector}}


def effective(firewall: Row) -> int:
    """Rules count once for each network they name."""
    return sum(len(rule["source_ips"]) + len(rule["destination_ips"]) for rule in firewall["rules"])


def check_server(cloud: Cloud, tx: Transaction, firewalls: Sequence[Row], server: Row) -> None:
    """Raise 422 if ``firewalls`` together cannot be applied to ``server``."""
    if not specs.public_ips(tx, "server", server["id"]):
        raise ApiError("private_net_only_server", "server has no public interface")
    if len(firewalls) > MAX_FIREWALLS_PER_SERVER:
        raise invalid("firewalls", f"at most {MAX_FIREWALLS_PER_SERVER} firewalls can be applied to a server")
    if sum(map(effective, firewalls)) > MAX_EFFECTIVE_RULES:
        raise invalid("rules", f"at most {MAX_EFFECTIVE_RULES} effective rules can be applied to a server")


def matching_servers(tx: Transaction, resource: Row) -> list[Row]:
    """The servers that an entry of ``applied_to`` stands for."""
    return specs.target_servers(tx, resource)


def servers_of(tx: Transaction, firewall: Row) -> list[Row]:
    """Every server the firewall is in force on, once each."""
    found = {row["id"]: row for resource in firewall["applied_to"] for row in matching_servers(tx, resource)}
    return [found[number] for number in sorted(found)]
