"""A subnet of a private network. Its id is ``NETWORK-CIDR``."""

from __future__ import annotations

from localcloud.plugins.base.errors import ProviderError
from localcloud.plugins.base.values import Properties
from localcloud.plugins.hcloud.api import RETRIES, Api, Json, is_code
from localcloud.plugins.hcloud.attachments import subnet_parts
from localcloud.plugins.hcloud.common import check_cidr, network_of, one_of, without_nones
from localcloud.plugins.hcloud.resource import CloudResource, Made
from localcloud.plugins.hcloud.schema import Field


def _still_used(error: Exception) -> bool:
    texts = ("servers are attached", "network has attached resources")
    return is_code(error, "service_error") and any(text in str(error) for text in texts)


class NetworkSubnet(CloudResource):
    """``hcloud_network_subnet``: nothing of it can be changed."""

    token = "hcloud:index/networkSubnet:NetworkSubnet"
    fields = (
        Field("networkId", "int", required=True, replace=True),
        Field("type", required=True, replace=True, check=one_of("cloud", "server", "vswitch")),
        Field("networkZone", required=True, replace=True),
        Field("ipRange", required=True, replace=True, check=check_cidr),
        Field("gateway", output=True),
        Field("vswitchId", "int", replace=True),
    )

    def make(self, api: Api, inputs: Properties, made: Made) -> None:
        network, ip_range = inputs["networkId"], network_of(inputs["ipRange"])
        body: Json = {
            "type": inputs["type"],
            "ip_range": ip_range,
            "network_zone": inputs["networkZone"],
            "vswitch_id": inputs.get("vswitchId") if inputs["type"] == "vswitch" else None,
        }
        answer = api.retry(
            lambda: api.post(f"/networks/{network}/actions/add_subnet", without_nones(body)),
            lambda error: is_code(error, "conflict", "vswitch_id_already_used"),
        )
        made(f"{network}-{ip_range}")
        api.wait([answer["action"]])

    def look(self, api: Api, id: str, state: Properties) -> tuple[str, Properties] | None:
        found = _find(api, id)
        if found is None:
            return None
        network, subnet = found
        return f"{network}-{subnet['ip_range']}", {
            "networkId": network,
            "type": subnet["type"],
            "networkZone": subnet["network_zone"],
            "ipRange": subnet["ip_range"],
            "gateway": subnet["gateway"],
            "vswitchId": subnet.get("vswitch_id") if subnet["type"] == "vswitch" else None,
        }

    def remove(self, api: Api, id: str, state: Properties) -> None:
        def delete() -> Json | None:
            found = _find(api, id)
            if found is None:
                return None
            network, subnet = found
            path = f"/networks/{network}/actions/delete_subnet"
            return api.post(path, {"ip_range": subnet["ip_range"]})["action"]  # type: ignore[no-any-return]

        try:
            action = api.retry(
                delete, lambda error: is_code(error, "conflict", "locked") or _still_used(error), tries=10 * RETRIES
            )
        except ProviderError as error:
            # With members left it is taken for granted that the whole network is about to go.
            if is_code(error, "not_found") or _still_used(error):
                return
            raise
        api.wait([action])


def _find(api: Api, id: str) -> tuple[int, Json] | None:
    try:
        number, ip_range = subnet_parts(id)
    except ProviderError:
        return None
    network = api.find(f"/networks/{number}", "network")
    for subnet in network["subnets"] if network else []:
        if subnet["ip_range"] == ip_range:
            return number, subnet
    return None
