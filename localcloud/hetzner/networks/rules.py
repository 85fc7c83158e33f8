"""What a network accepts: ranges, subnets, routes, and which address a member gets."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network

from localcloud.hetzner.catalogue import Catalogue
from localcloud.hetzner.errors import ApiError, invalid
from localcloud.hetzner.store import Row, Transaction

RFC1918 = tuple(IPv4Network(one) for one in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))
PUBLIC_GATEWAY = IPv4Address("172.31.1.1")
"""Every server's gateway on its public interface; no member of a private network may have it."""
SMALLEST_NETWORK = 24
SMALLEST_SUBNET = 30
MAX_SUBNETS = 50
MAX_ROUTES = 100


def check_range(text: str, field: str = "ip_range") -> IPv4Network:
    """The range of a network, or 422: private, and at least a /24."""
    network = IPv4Network(text)
    if not any(network.subnet_of(private) for private in RFC1918):
        raise invalid(field, "must be in one of the private IPv4 ranges of RFC1918")
    if network.prefixlen > SMALLEST_NETWORK:
        raise invalid(field, f"must be at least a /{SMALLEST_NETWORK} network")
    return network


def gateway(network: Row) -> IPv4Address:
    """The first address of the network's range."""
    return IPv4Network(network["ip_range"])[1]


def new_subnet(catalogue: Catalogue, network: Row, subnet: Row, field: str = "") -> Row:
    """``subnet`` (type, ip_range or None, network_zone, vswitch_id) as it is to be stored, or 422."""
    path = f"{field}." if field else ""
    if subnet["network_zone"] not in catalogue.zones:
        raise invalid(f"{path}network_zone", f"network zone '{subnet['network_zone']}' not found")
    if any(other["network_zone"] != subnet["network_zone"] for other in network["subnets"]):
        raise invalid(f"{path}network_zone", "all subnets of a network must be in the same network zone")
    if (subnet["type"] == "vswitch") != (subnet["vswitch_id"] is not None):
        raise invalid(f"{path}vswitch_id", "must be given for subnets of type vswitch, and only for these")
    if len(network["subnets"]) >= MAX_SUBNETS:
        raise invalid(f"{path}ip_range", f"a network can have at most {MAX_SUBNETS} subnets")
    taken = [IPv4Network(other["ip_range"]) for other in network["subnets"]]
    routed = [one for one in (IPv4Network(route["destination"]) for route in network["routes"]) if one.prefixlen]
    whole = IPv4Network(network["ip_range"])
    if subnet["ip_range"] is None:
        free = (one for one in whole.subnets(new_prefix=24) if not any(one.overlaps(other) for other in taken + routed))
        found = next(free, None)
        if found is None:
            raise invalid(f"{path}ip_range", "no free /24 range is left in the network")
        return {**subnet, "ip_range": str(found)}
    wanted = IPv4Network(subnet["ip_range"])
    if wanted.prefixlen > SMALLEST_SUBNET:
        raise invalid(f"{path}ip_range", f"must be at least a /{SMALLEST_SUBNET} network")
    if not wanted.subnet_of(whole):
        raise invalid(f"{path}ip_range", f"must be a subnet of the network's ip_range {whole}")
    for other in taken:
        if wanted.overlaps(other):
            raise invalid(f"{path}ip_range", f"overlaps with the subnet {other}")
    for other in routed:
        if wanted.overlaps(other):
            raise invalid(f"{path}ip_range", f"overlaps with the destination {other} of a route")
    return subnet


def new_route(network: Row, route: Row, field: str = "") -> Row:
    """``route`` (destination, gateway) as it is to be stored, or 422."""
    path = f"{field}." if field else ""
    destination = IPv4Network(route["destination"])
    hop = IPv4Address(route["gateway"])
    if destination.prefixlen and not any(destination.subnet_of(private) for private in RFC1918):
        raise invalid(f"{path}destination", "must be 0.0.0.0/0 or in one of the private IPv4 ranges of RFC1918")
    if destination.prefixlen and PUBLIC_GATEWAY in destination:
        raise invalid(f"{path}destination", f"must not contain {PUBLIC_GATEWAY}")
    for subnet in network["subnets"]:
        if destination.prefixlen and destination.overlaps(IPv4Network(subnet["ip_range"])):
            raise invalid(f"{path}destination", f"overlaps with the subnet {subnet['ip_range']}")
    for other in network["routes"]:
        if destination == IPv4Network(other["destination"]) or (
            destination.prefixlen
            and IPv4Network(other["destination"]).prefixlen
            and destination.overlaps(IPv4Network(other["destination"]))
        ):
            raise invalid(
                f"{path}destination", f"overlaps with the destination {other['destination']} of another route"
            )
    if hop in (gateway(network), PUBLIC_GATEWAY) or hop not in IPv4Network(network["ip_range"]):
        raise invalid(f"{path}gateway", f"must be an address of the network other than its first and {PUBLIC_GATEWAY}")
    if len(network["routes"]) >= MAX_ROUTES:
        raise invalid(f"{path}destination", f"a network can have at most {MAX_ROUTES} routes")
    return route


def members(tx: Transaction, network_id: int) -> Iterator[tuple[str, Row, Row]]:
    """(kind, resource, its entry in ``private_net``) for everything on the network."""
    for kind in ("server", "load_balancer"):
        for row in tx.all(kind):
            for nic in row["private_net"]:
                if nic["network"] == network_id:
                    yield kind, row, nic


def taken_addresses(tx: Transaction, network: Row) -> set[IPv4Address]:
    """Addresses that no member can get any more: the gateways, and those of other members."""
    taken = {gateway(network), PUBLIC_GATEWAY}
    for _, _, nic in members(tx, network["id"]):
        taken.update(IPv4Address(one) for one in (nic["ip"], *nic.get("alias_ips", ())))
    return taken


def choose_address(
    tx: Transaction, network: Row, zone: str, wanted: str | None = None, ip_range: str | None = None
) -> IPv4Address:
    """The address a new member in network zone ``zone`` gets: ``wanted`` if given, else the first free one.

    ``ip_range`` names the subnet to choose from. Raises ip_not_available or no_subnet_available (422).
    """
    subnets = [IPv4Network(one["ip_range"]) for one in network["subnets"] if one["network_zone"] == zone]
    if ip_range is not None:
        subnets = [one for one in subnets if one == IPv4Network(ip_range)]
        if not subnets:
            raise ApiError("no_subnet_available", f"no subnet {ip_range} is available in the network")
    if not subnets:
        raise ApiError("no_subnet_available", "no subnet is available in the network for the resource's network zone")
    taken = taken_addresses(tx, network)
    if wanted is not None:
        ip = IPv4Address(wanted)
        home = next((one for one in subnets if ip in one), None)
        if home is None or ip in taken or ip in (home.network_address, home.broadcast_address):
            raise ApiError("ip_not_available", f"IP {ip} is not available in the network")
        return ip
    for subnet in subnets:
        for ip in subnet.hosts():
            if ip not in taken:
                return ip
    raise ApiError("no_subnet_available", "no IP is available in the network's subnets")


def check_alias_ips(tx: Transaction, network: Row, aliases: list[str], own: set[IPv4Address]) -> list[str]:
    """The alias addresses in order, or 422. ``own`` are addresses that the member holds already."""
    taken = taken_addresses(tx, network) - own
    seen: set[IPv4Address] = set()
    for index, text in enumerate(aliases):
        ip = IPv4Address(text)
        if not any(ip in IPv4Network(one["ip_range"]) for one in network["subnets"]):
            raise invalid(f"alias_ips[{index}]", f"IP {ip} is not in a subnet of the network")
        if ip in taken or ip in seen:
            raise ApiError("ip_not_available", f"IP {ip} is not available in the network")
        seen.add(ip)
    return [str(IPv4Address(one)) for one in aliases]
