"""From stored resources to what machines are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Network
from typing import Any

from localcloud.hetzner import selectors
from localcloud.hetzner.catalogue import Catalogue
from localcloud.hetzner.store import Row, Transaction
from localcloud.machines import interface as machines


def network(row: Row) -> machines.NetworkSpec:
    return machines.NetworkSpec(
        row["id"],
        IPv4Network(row["ip_range"]),
        tuple((IPv4Network(one["destination"]), IPv4Address(one["gateway"])) for one in row["routes"]),
        row["name"],
    )


def public_ips(tx: Transaction, kind: str, number: int) -> dict[str, Row]:
    """The primary IPs of a server or load balancer by type, ``ipv4`` and ``ipv6``."""
    return {
        row["type"]: row
        for row in tx.all("primary_ip")
        if row["assignee_type"] == kind and row["assignee_id"] == number
    }


def server(tx: Transaction, catalogue: Catalogue, row: Row) -> machines.ServerSpec:
    kind = catalogue.server_type(row["server_type"])
    ips = public_ips(tx, "server", row["id"])
    return machines.ServerSpec(
        id=row["id"],
        name=row["name"],
        image=row["boot_image"],
        cores=kind["cores"],
        memory_gib=kind["memory"],
        disk_gb=row["primary_disk_size"],
        user_data=row["user_data"],
        ssh_keys=tuple(row["ssh_keys"]),
        root_password=row.get("root_password"),
        public_ipv4=IPv4Address(ips["ipv4"]["ip"]) if "ipv4" in ips else None,
        public_ipv6=IPv6Network(ips["ipv6"]["ip"]) if "ipv6" in ips else None,
        location=row["location"],
    )


def nic(tx: Transaction, entry: Row) -> machines.PrivateNic:
    """The interface of an entry of a server's ``private_net``."""
    ip = IPv4Address(entry["ip"])
    home = tx.get("network", entry["network"])
    subnets = [IPv4Network(one["ip_range"]) for one in home["subnets"]] if home else []
    return machines.PrivateNic(
        entry["network"],
        ip,
        entry["mac_address"],
        tuple(IPv4Address(one) for one in entry["alias_ips"]),
        next((one for one in subnets if ip in one), None),
    )


def volume(row: Row) -> machines.VolumeSpec:
    return machines.VolumeSpec(row["id"], row["size"], row["format"])


def applied_firewalls(tx: Transaction, server_row: Row) -> list[Row]:
    """The firewalls in force on a server, by id or by a selector that matches its labels."""
    found = []
    for firewall in tx.all("firewall"):
        for resource in firewall["applied_to"]:
            if resource["type"] == "server":
                hit = resource["server"]["id"] == server_row["id"]
            else:
                terms = selectors.parse(resource["label_selector"]["selector"])
                hit = selectors.matches(terms, server_row["labels"])
            if hit:
                found.append(firewall)
                break
    return found


def firewall_rules(firewalls: list[Row]) -> list[machines.FirewallRule] | None:
    """The rules of all of a server's firewalls together; None where there is no firewall."""
    if not firewalls:
        return None
    return [
        machines.FirewallRule(
            rule["direction"],
            rule["protocol"],
            tuple(rule["source_ips"] if rule["direction"] == "in" else rule["destination_ips"]),
            rule["port"],
        )
        for firewall in firewalls
        for rule in firewall["rules"]
    ]


def target_servers(tx: Transaction, target: Row) -> list[Row]:
    """The servers behind a target of type server or label_selector."""
    if target["type"] == "server":
        row = tx.get("server", target["server"]["id"])
        found = [row] if row else []
    elif target["type"] == "label_selector":
        terms = selectors.parse(target["label_selector"]["selector"])
        found = [row for row in tx.all("server") if selectors.matches(terms, row["labels"])]
    else:
        found = []
    return [row for row in found if row["status"] != "deleting"]


def is_target(target: Row, server_row: Row) -> bool:
    """Whether a server is behind a target."""
    if server_row["status"] == "deleting":
        return False
    if target["type"] == "server":
        return bool(target["server"]["id"] == server_row["id"])
    if target["type"] == "label_selector":
        return selectors.matches(selectors.parse(target["label_selector"]["selector"]), server_row["labels"])
    return False


def target_address(tx: Transaction, balancer: Row, target: Row, server_row: Row) -> str | None:
    """Where the load balancer reaches a server: its address on the shared network, or its public IPv4."""
    if target.get("use_private_ip"):
        networks = {one["network"] for one in balancer["private_net"]}
        return next((one["ip"] for one in server_row["private_net"] if one["network"] in networks), None)
    ips = public_ips(tx, "server", server_row["id"])
    return ips["ipv4"]["ip"] if "ipv4" in ips else None


def _targets(tx: Transaction, balancer: Row) -> Iterator[machines.Target]:
    seen = set()
    for target in balancer["targets"]:
        if target["type"] == "ip":
            addresses: list[str | None] = [target["ip"]["ip"]]
        else:
            addresses = [target_address(tx, balancer, target, row) for row in target_servers(tx, target)]
        for address in addresses:
            if address is not None and address not in seen:
                seen.add(address)
                yield machines.Target(address, IPv4Address(address), bool(target.get("use_private_ip")))


def _service(tx: Transaction, row: Row) -> machines.Service:
    check: dict[str, Any] = row["health_check"]
    http: dict[str, Any] = check.get("http") or {}
    options: dict[str, Any] = row.get("http") or {}
    certificates = [tx.get("certificate", one) for one in options.get("certificates", ())]
    return machines.Service(
        protocol=row["protocol"],
        listen_port=row["listen_port"],
        destination_port=row["destination_port"],
        proxyprotocol=row["proxyprotocol"],
        health_check=machines.HealthCheck(
            protocol=check["protocol"],
            port=check["port"],
            interval=check["interval"],
            timeout=check["timeout"],
            retries=check["retries"],
            domain=http.get("domain") or "",
            path=http.get("path", "/"),
            response=http.get("response", ""),
            status_codes=tuple(http.get("status_codes", ("2??", "3??"))),
            tls=http.get("tls", False),
        ),
        sticky_sessions=options.get("sticky_sessions", False),
        cookie_name=options.get("cookie_name", "HCLBSTICKY"),
        cookie_lifetime=options.get("cookie_lifetime", 300),
        timeout_idle=options.get("timeout_idle", 50),
        redirect_http=options.get("redirect_http", False),
        certificates=tuple(
            machines.Certificate(one["id"], one["certificate"], one["private_key"]) for one in certificates if one
        ),
    )


def load_balancer(tx: Transaction, catalogue: Catalogue, row: Row) -> machines.LoadBalancerSpec:
    ips = public_ips(tx, "load_balancer", row["id"])
    private = row["private_net"][0] if row["private_net"] else None
    return machines.LoadBalancerSpec(
        id=row["id"],
        name=row["name"],
        algorithm=row["algorithm"]["type"],
        max_connections=catalogue.load_balancer_type(row["load_balancer_type"])["max_connections"],
        public_ipv4=IPv4Address(ips["ipv4"]["ip"]) if row["public_interface"] and "ipv4" in ips else None,
        network_id=private["network"] if private else None,
        private_ip=IPv4Address(private["ip"]) if private else None,
        services=tuple(_service(tx, one) for one in row["services"]),
        targets=tuple(_targets(tx, row)),
    )


def desired(tx: Transaction, catalogue: Catalogue) -> machines.Desired:
    """All there is to be, for machines that start: the same that was asked for bit by bit before."""
    servers = [row for row in tx.all("server") if row["status"] != "deleting"]
    firewalls = {row["id"]: firewall_rules(applied_firewalls(tx, row)) for row in servers}
    return machines.Desired(
        networks=[network(row) for row in tx.all("network")],
        servers=[server(tx, catalogue, row) for row in servers],
        running=frozenset(row["id"] for row in servers if row["wanted"] == "running"),
        nics={row["id"]: [nic(tx, entry) for entry in row["private_net"]] for row in servers if row["private_net"]},
        firewalls=firewalls,
        volumes=[volume(row) for row in tx.all("volume")],
        attached={row["id"]: row["server"] for row in tx.all("volume") if row["server"] is not None},
        load_balancers=[load_balancer(tx, catalogue, row) for row in tx.all("load_balancer")],
    )
