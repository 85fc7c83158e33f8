"""Attaching servers to networks, inline in a server and as a resource of its own."""

from __future__ import annotations

import ipaddress

from localcloud.plugins.base.diff import Difference
from localcloud.plugins.base.errors import ProviderError
from localcloud.plugins.base.operations import Failure
from localcloud.plugins.base.values import Properties, is_unknown
from localcloud.plugins.hcloud.api import Api, Json, is_code
from localcloud.plugins.hcloud.common import network_of, split_id, without_nones
from localcloud.plugins.hcloud.resource import CloudResource

_ATTACH_AGAIN = ("conflict", "locked", "service_error", "no_subnet_available")
_DETACH_AGAIN = ("conflict", "locked", "service_error")


def subnet_parts(subnet_id: str) -> tuple[int, str]:
    """Network id and range of a subnet's id, ``NETWORK-CIDR``."""
    network, cidr = split_id(subnet_id, "subnet", "$NETWORK_ID-$SUBNET_IP_RANGE")
    try:
        return network, network_of(cidr)
    except ValueError:
        raise ProviderError(f"unexpected subnet id {subnet_id!r}, expected '$NETWORK_ID-$SUBNET_IP_RANGE'") from None


def attach(api: Api, path: str, wanted: Properties, already: str, *, aliases: bool = True) -> None:
    """Attach ``/servers/ID`` or ``/load_balancers/ID``; ``already`` is the error code that means it is attached.

    ``wanted`` has networkId or subnetId, and ip and aliasIps as far as they are chosen.
    """
    subnet = wanted.get("subnetId")
    network, ip_range = subnet_parts(subnet) if subnet else (wanted.get("networkId"), None)
    if not network:
        raise ProviderError("either subnet_id or network_id must be set")
    body: Json = {"network": network, "ip": wanted.get("ip") or None, "ip_range": ip_range}
    if aliases:
        body["alias_ips"] = wanted.get("aliasIps") or None
    try:
        answer = api.retry(
            lambda: api.post(f"{path}/actions/attach_to_network", without_nones(body)),
            lambda error: is_code(error, *_ATTACH_AGAIN),
        )
    except ProviderError as error:
        if is_code(error, already):
            return
        raise
    api.wait([answer["action"]])


def detach(api: Api, path: str, network: int) -> None:
    """Detach from a network; one that is gone is fine."""
    try:
        answer = api.retry(
            lambda: api.post(f"{path}/actions/detach_from_network", {"network": network}),
            lambda error: is_code(error, *_DETACH_AGAIN),
        )
    except ProviderError as error:
        if is_code(error, "not_found"):
            return
        raise
    api.wait([answer["action"]])


def change_aliases(api: Api, server: int | str, network: int, aliases: list[str]) -> None:
    """Replace the alias addresses of a server in a network."""
    api.act(f"/servers/{server}/actions/change_alias_ips", {"network": network, "alias_ips": aliases})


def network_id(wanted: Properties) -> int:
    """The network that an attachment is for, named by itself or by its subnet."""
    if wanted.get("subnetId"):
        return subnet_parts(wanted["subnetId"])[0]
    return int(wanted["networkId"])


class AttachedResource(CloudResource):
    """What attachments of servers and of load balancers to networks have in common."""

    framework = True

    def validate(self, inputs: Properties) -> list[Failure]:
        if (inputs.get("networkId") is None) == (inputs.get("subnetId") is None):
            return [Failure("", "exactly one of these attributes must be configured: [network_id,subnet_id]")]
        return []

    def adjust(self, difference: Difference, state: Properties, planned: Properties) -> None:
        """An attachment whose network or address is outside its subnet, by drift, must be made anew."""
        subnet = planned.get("subnetId")
        if not subnet or is_unknown(subnet) or not state:
            return
        network, cidr = subnet_parts(subnet)
        if state.get("networkId") not in (None, network):
            difference.changes["networkId"] = "update"
            difference.replaces.add("networkId")
        if state.get("ip") and ipaddress.ip_address(state["ip"]) not in ipaddress.ip_network(cidr):
            difference.changes["ip"] = "update"
            difference.replaces.add("ip")


def private_net(owner: Json, network: int) -> Json | None:
    """A server's or load balancer's attachment to a network."""
    for attachment in owner["private_net"]:
        if attachment["network"] == network:
            return attachment  # type: ignore[no-any-return]
    return None
