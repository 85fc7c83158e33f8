"""A route of a private network. Its id is ``NETWORK-DESTINATION``."""

from __future__ import annotations

from localcloud.plugins.base.errors import ProviderError
from localcloud.plugins.base.values import Properties
from localcloud.plugins.hcloud.api import Api, Json, is_code
from localcloud.plugins.hcloud.attachments import subnet_parts
from localcloud.plugins.hcloud.common import check_cidr, check_ip, network_of
from localcloud.plugins.hcloud.resource import CloudResource, Made
from localcloud.plugins.hcloud.schema import Field


class NetworkRoute(CloudResource):
    """``hcloud_network_route``: nothing of it can be changed."""

    token = "hcloud:index/networkRoute:NetworkRoute"
    fields = (
        Field("networkId", "int", required=True, replace=True),
        Field("destination", required=True, replace=True, check=check_cidr),
        Field("gateway", required=True, replace=True, check=check_ip),
    )

    def make(self, api: Api, inputs: Properties, made: Made) -> None:
        network, destination = inputs["networkId"], network_of(inputs["destination"])
        body = {"destination": destination, "gateway": inputs["gateway"]}
        path = f"/networks/{network}/actions/add_route"
        answer = api.retry(lambda: api.post(path, body), lambda error: is_code(error, "conflict"))
        made(f"{network}-{destination}")
        api.wait([answer["action"]])

    def look(self, api: Api, id: str, state: Properties) -> tuple[str, Properties] | None:
        found = _find(api, id)
        if found is None:
            return None
        network, route = found
        attributes = {"networkId": network, "destination": route["destination"], "gateway": route["gateway"]}
        return f"{network}-{route['destination']}", attributes

    def remove(self, api: Api, id: str, state: Properties) -> None:
        found = _find(api, id)
        if found is None:
            return
        network, route = found
        body = {"destination": route["destination"], "gateway": route["gateway"]}
        path = f"/networks/{network}/actions/delete_route"
        try:
            answer = api.retry(lambda: api.post(path, body), lambda error: is_code(error, "conflict"))
        except ProviderError as error:
            if is_code(error, "not_found"):
                return
            raise
        api.wait([answer["action"]])


def _find(api: Api, id: str) -> tuple[int, Json] | None:
    try:
        number, destination = subnet_parts(id)
    except ProviderError:
        return None
    network = api.find(f"/networks/{number}", "network")
    for route in network["routes"] if network else []:
        if route["destination"] == destination:
            return number, route
    return None
