"""A server's place in a private network. Its id is ``SERVER-NETWORK``."""

from __future__ import annotations

from localcloud.plugins.base.errors import ProviderError
from localcloud.plugins.base.values import Properties
from localcloud.plugins.hcloud.api import Api
from localcloud.plugins.hcloud.attachments import (
    AttachedResource,
    attach,
    change_aliases,
    detach,
    network_id,
    private_net,
)
from localcloud.plugins.hcloud.common import check_ip, check_ips, split_id
from localcloud.plugins.hcloud.resource import Made
from localcloud.plugins.hcloud.schema import Field


class ServerNetwork(AttachedResource):
    """``hcloud_server_network``: only its alias addresses can be changed in place."""

    token = "hcloud:index/serverNetwork:ServerNetwork"
    fields = (
        Field("serverId", "int", required=True, replace=True),
        Field("networkId", "int", computed=True, replace=True),
        Field("subnetId", replace=True),
        Field("ip", computed=True, replace=True, check=check_ip),
        Field("aliasIps", "set", default=[], check=check_ips),
        Field("macAddress", output=True),
    )

    def make(self, api: Api, inputs: Properties, made: Made) -> None:
        server = inputs["serverId"]
        attach(api, f"/servers/{server}", inputs, "server_already_attached")
        made(f"{server}-{network_id(inputs)}")

    def look(self, api: Api, id: str, state: Properties) -> tuple[str, Properties] | None:
        number, network = _parse(id)
        server = api.find(f"/servers/{number}", "server")
        attachment = private_net(server, network) if server else None
        if attachment is None:
            return None
        found = {"serverId": number, "networkId": network, "ip": attachment["ip"]}
        return id, found | {"macAddress": attachment["mac_address"], "aliasIps": attachment["alias_ips"]}

    def change(self, api: Api, id: str, state: Properties, new: Properties, changed: set[str]) -> None:
        if "aliasIps" in changed:
            number, network = _parse(id)
            change_aliases(api, number, network, new.get("aliasIps") or [])

    def remove(self, api: Api, id: str, state: Properties) -> None:
        number, network = _parse(id)
        detach(api, f"/servers/{number}", network)


def _parse(id: str) -> tuple[int, int]:
    server, network = split_id(id, "server network", "$SERVER_ID-$NETWORK_ID")
    if not network.isdigit():
        raise ProviderError(f"unexpected id {id!r} of a server network, expected $SERVER_ID-$NETWORK_ID")
    return server, int(network)
