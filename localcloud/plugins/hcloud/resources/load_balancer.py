"""A load balancer."""

from __future__ import annotations

from localcloud.plugins.base.values import Properties
from localcloud.plugins.hcloud.api import Api, Json
from localcloud.plugins.hcloud.common import (
    DELETE_PROTECTION,
    NAME,
    check_labels,
    delete_quietly,
    one_of,
    protect,
    put_changed,
    without_nones,
)
from localcloud.plugins.hcloud.resource import CloudResource, Made
from localcloud.plugins.hcloud.schema import Field

ALGORITHM = (Field("type", computed=True, check=one_of("round_robin", "least_connections")),)
TARGET = (
    Field("type", required=True, check=one_of("server")),
    Field("serverId", "int"),
    Field("usePrivateIp", "bool", default=False),
)


class LoadBalancer(CloudResource):
    """``hcloud_load_balancer``: type and algorithm change in place."""

    token = "hcloud:index/loadBalancer:LoadBalancer"
    fields = (
        NAME,
        Field("loadBalancerType", required=True),
        Field("ipv4", output=True),
        Field("ipv6", output=True),
        Field("ipv4Id", "int", computed=True, replace=True),
        Field("ipv6Id", "int", computed=True, replace=True),
        Field("location", computed=True, replace=True),
        Field("networkZone", computed=True, replace=True),
        Field("networkId", "int", output=True),
        Field("networkIp", output=True),
        Field("algorithm", "object", ALGORITHM, computed=True),
        Field("labels", "map", computed=True, check=check_labels),
        Field("targets", "set", TARGET, key=("serverId",), computed=True),
        DELETE_PROTECTION,
    )

    def make(self, api: Api, inputs: Properties, made: Made) -> None:
        targets = [_target(target) for target in inputs.get("targets") or []]
        public = without_nones({"ipv4": inputs.get("ipv4Id") or None, "ipv6": inputs.get("ipv6Id") or None})
        body = {
            "name": inputs["name"],
            "load_balancer_type": inputs["loadBalancerType"],
            "algorithm": {"type": inputs["algorithm"]["type"]} if inputs.get("algorithm") else None,
            "location": inputs.get("location") or None,
            "network_zone": inputs.get("networkZone") or None,
            "labels": inputs.get("labels") or None,
            "targets": targets or None,
            "public_net": public or None,
        }
        answer = api.post("/load_balancers", without_nones(body))
        id = str(answer["load_balancer"]["id"])
        made(id)
        api.wait([answer.get("action")])
        if inputs.get("deleteProtection"):
            protect(api, f"/load_balancers/{id}", True)

    def look(self, api: Api, id: str, state: Properties) -> tuple[str, Properties] | None:
        balancer = api.find(f"/load_balancers/{id}", "load_balancer")
        return None if balancer is None else (id, balancer_attributes(balancer))

    def change(self, api: Api, id: str, state: Properties, new: Properties, changed: set[str]) -> None:
        path = f"/load_balancers/{id}"
        balancer = api.get(path)["load_balancer"]
        put_changed(api, path, new, changed, ("name",))
        if "loadBalancerType" in changed:
            api.act(f"{path}/actions/change_type", {"load_balancer_type": new["loadBalancerType"]})
        if "algorithm" in changed:
            api.act(f"{path}/actions/change_algorithm", {"type": new["algorithm"]["type"]})
        put_changed(api, path, new, changed, ("labels",))
        if "targets" in changed:
            _change_targets(api, balancer, new.get("targets") or [])
        if "deleteProtection" in changed:
            protect(api, path, bool(new.get("deleteProtection")))

    def remove(self, api: Api, id: str, state: Properties) -> None:
        if api.find(f"/load_balancers/{id}", "load_balancer") is not None:
            delete_quietly(api, f"/load_balancers/{id}")


def balancer_attributes(balancer: Json) -> Properties:
    """A load balancer as the state and the functions show it."""
    public, private = balancer["public_net"], balancer["private_net"]
    found: Properties = {
        "name": balancer["name"],
        "loadBalancerType": balancer["load_balancer_type"]["name"],
        "ipv4": public["ipv4"]["ip"],
        "ipv6": public["ipv6"]["ip"],
        "ipv4Id": public["ipv4"].get("id"),
        "ipv6Id": public["ipv6"].get("id"),
        "location": balancer["location"]["name"],
        "networkZone": balancer["location"]["network_zone"],
        "algorithm": {"type": balancer["algorithm"]["type"]},
        "labels": balancer["labels"],
        "targets": [_target_attributes(target) for target in balancer["targets"]],
        "deleteProtection": balancer["protection"]["delete"],
    }
    return found | ({"networkId": private[0]["network"], "networkIp": private[0]["ip"]} if private else {})


def _target(target: Properties) -> Json:
    return {"type": target["type"], "server": {"id": target.get("serverId") or 0}}


def _target_attributes(target: Json) -> Properties:
    found = {"type": target["type"], "usePrivateIp": False}
    return found | ({"serverId": target["server"]["id"]} if target["type"] == "server" else {})


def _change_targets(api: Api, balancer: Json, wanted: list[Properties]) -> None:
    path = f"/load_balancers/{balancer['id']}/actions"
    servers = [target["serverId"] for target in wanted]
    current = [target["server"]["id"] for target in balancer["targets"] if target["type"] == "server"]
    for server in current:
        if server not in servers:
            api.act(f"{path}/remove_target", {"type": "server", "server": {"id": server}})
    for server in servers:
        if server not in current:
            api.act(f"{path}/add_target", {"type": "server", "server": {"id": server}})
