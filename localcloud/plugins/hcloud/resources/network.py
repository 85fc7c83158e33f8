"""A private network."""

from __future__ import annotations

from localcloud.plugins.base.values import Properties
from localcloud.plugins.hcloud.api import Api, Json
from localcloud.plugins.hcloud.common import (
    DELETE_PROTECTION,
    LABELS,
    NAME,
    check_cidr,
    delete_quietly,
    network_of,
    protect,
    put_changed,
    without_nones,
)
from localcloud.plugins.hcloud.resource import CloudResource, Made
from localcloud.plugins.hcloud.schema import Field


class Network(CloudResource):
    """``hcloud_network``: its range can only be replaced."""

    token = "hcloud:index/network:Network"
    fields = (
        NAME,
        Field("ipRange", required=True, replace=True, check=check_cidr),
        LABELS,
        DELETE_PROTECTION,
        Field("exposeRoutesToVswitch", "bool", default=False),
    )

    def make(self, api: Api, inputs: Properties, made: Made) -> None:
        body = {
            "name": inputs["name"],
            "ip_range": network_of(inputs["ipRange"]),
            "labels": inputs.get("labels"),
            "expose_routes_to_vswitch": bool(inputs.get("exposeRoutesToVswitch")),
        }
        id = str(api.post("/networks", without_nones(body))["network"]["id"])
        made(id)
        if inputs.get("deleteProtection"):
            protect(api, f"/networks/{id}", True)

    def look(self, api: Api, id: str, state: Properties) -> tuple[str, Properties] | None:
        network = api.find(f"/networks/{id}", "network")
        return None if network is None else (id, network_attributes(network))

    def change(self, api: Api, id: str, state: Properties, new: Properties, changed: set[str]) -> None:
        api.get(f"/networks/{id}")
        put_changed(api, f"/networks/{id}", new, changed, ("name", "labels", "exposeRoutesToVswitch"))
        if "deleteProtection" in changed:
            protect(api, f"/networks/{id}", bool(new.get("deleteProtection")))

    def remove(self, api: Api, id: str, state: Properties) -> None:
        delete_quietly(api, f"/networks/{id}")


def network_attributes(network: Json) -> Properties:
    """A network as the state and the functions show it."""
    return {
        "name": network["name"],
        "ipRange": network["ip_range"],
        "labels": network["labels"],
        "deleteProtection": network["protection"]["delete"],
        "exposeRoutesToVswitch": network.get("expose_routes_to_vswitch", False),
    }
