"""A server."""

from __future__ import annotations

import base64
import binascii
import hashlib

from localcloud.plugins.base.diff import Difference
from localcloud.plugins.base.errors import ProviderError
from localcloud.plugins.base.operations import Failure
from localcloud.plugins.base.values import Properties, Value, is_unknown
from localcloud.plugins.hcloud.api import Api, Json
from localcloud.plugins.hcloud.attachments import attach, subnet_parts
from localcloud.plugins.hcloud.common import DELETE_PROTECTION, LABELS, NAME, removed, without_nones
from localcloud.plugins.hcloud.resource import CloudResource, Made
from localcloud.plugins.hcloud.resources import server_changes as changes
from localcloud.plugins.hcloud.resources.deprecation import check_image, check_server_type
from localcloud.plugins.hcloud.schema import Field


def user_data_hash(text: Value) -> str:
    """How the state keeps user data: base64 of its SHA-1."""
    return base64.b64encode(hashlib.sha1(str(text).encode()).digest()).decode()


def _same_user_data(old: Value, new: Value) -> bool:
    try:
        base64.b64decode(old or "", validate=True)
    except binascii.Error:  # a state of before the hash was kept
        return bool(user_data_hash(old) == new)
    return str(old or "").strip() == str(new or "").strip()


def _not_empty(value: Value) -> str | None:
    return None if value else "must have more than 0 characters. Have you set the name instead of an ID?"


def _keys_not_empty(keys: Value) -> str | None:
    return None if all(keys) else "Invalid ssh key passed. You need to pass a string with at least 1 character"


PUBLIC_NET = (
    Field("ipv4Enabled", "bool", default=True),
    Field("ipv6Enabled", "bool", default=True),
    Field("ipv4", "int", computed=True),
    Field("ipv6", "int", computed=True),
)
NETWORK = (
    Field("networkId", "int", computed=True),
    Field("subnetId", computed=True),
    Field("ip", computed=True),
    Field("aliasIps", "set", computed=True),
    Field("macAddress", output=True),
)


class Server(CloudResource):
    """``hcloud_server``: waits for every action of its creation; its user data, image and keys can only be replaced."""

    token = "hcloud:index/server:Server"
    create_seconds = 90 * 60
    fields = (
        NAME,
        Field("serverType", required=True),
        Field("image", computed=True, replace=True, check=_not_empty),
        Field("location", computed=True, replace=True),
        Field("datacenter", computed=True, check=removed),
        Field("userData", replace=True, stored=user_data_hash, same=_same_user_data),
        Field("sshKeys", "list", replace=True, check=_keys_not_empty),
        Field("keepDisk", "bool", default=False),
        Field("allowDeprecatedImages", "bool"),
        Field("backupWindow", output=True),
        Field("backups", "bool", default=False),
        Field("ipv4Address", output=True),
        Field("ipv6Address", output=True),
        Field("ipv6Network", output=True),
        Field("status", output=True),
        Field("iso"),
        Field("rescue"),
        LABELS,
        # Neither is looked at while the program says nothing of it.
        Field("publicNets", "set", PUBLIC_NET, same=lambda old, new: not new),
        Field("networks", "set", NETWORK, key=("networkId", "subnetId"), same=lambda old, new: not new),
        Field("ignoreRemoteFirewallIds", "bool", default=False),
        Field("firewallIds", "set", "int", computed=True),
        Field("placementGroupId", "int"),
        DELETE_PROTECTION,
        Field("rebuildProtection", "bool", default=False),
        Field("shutdownBeforeDeletion", "bool", default=False),
        Field("primaryDiskSize", "int", output=True),
    )

    def validate(self, inputs: Properties) -> list[Failure]:
        failures: list[Failure] = []
        for index, network in enumerate(inputs.get("networks") or []):
            if isinstance(network, dict) and not network.get("networkId") and not network.get("subnetId"):
                failures.append(Failure(f"networks[{index}]", "must specify either network_id or subnet_id"))
        return failures

    def adjust(self, difference: Difference, state: Properties, planned: Properties) -> None:
        if planned.get("ignoreRemoteFirewallIds") and state.get("firewallIds") and planned.get("firewallIds"):
            dropped = [path for path in difference.changes if path.startswith("firewallIds")]
            for path in dropped:
                del difference.changes[path]
        _check_networks(planned.get("networks"))

    def make(self, api: Api, inputs: Properties, made: Made) -> None:
        _check_networks(inputs.get("networks"))
        server_type = api.find_by("/server_types", "server_type", inputs["serverType"])
        if server_type is None:
            raise ProviderError(f"server type {inputs['serverType']} not found")
        image = _find_image(api, inputs.get("image") or "", server_type["architecture"])
        check_image(api.call, image)
        warned = check_server_type(api.call, server_type, inputs.get("location") or "")
        keys = changes.find_ssh_keys(api, inputs.get("sshKeys") or [])
        if group := inputs.get("placementGroupId"):
            changes.check_placement_group(api, group)
        body = _creation(inputs, image, keys)
        answer = api.post("/servers", body)
        id = str(answer["server"]["id"])
        made(id)
        if not warned:
            check_server_type(
                api.call, answer["server"]["server_type"], answer["server"]["location"]["name"], made=True
            )
        api.wait([answer.get("action")])
        for action in answer.get("next_actions") or []:
            api.wait([action])
        for network in inputs.get("networks") or []:
            attach(api, f"/servers/{id}", network, "server_already_attached")
        if body.get("start_after_create") is False:
            changes.power_on(api, id)
        server: Json = {"id": id, "backup_window": None, "iso": None, "rescue_enabled": False}
        changes.set_backups(api, server, bool(inputs.get("backups")))
        if inputs.get("iso"):
            changes.set_iso(api, server | {"server_type": server_type}, inputs["iso"])
        if inputs.get("rescue"):
            changes.set_rescue(api, server, inputs["rescue"], [key["id"] for key in keys])
        if inputs.get("deleteProtection") or inputs.get("rebuildProtection"):
            changes.set_protection(api, id, inputs)

    def look(self, api: Api, id: str, state: Properties) -> tuple[str, Properties] | None:
        server = api.find(f"/servers/{id}", "server") if id.isdigit() else None
        return None if server is None else (id, server_attributes(server, state))

    def change(self, api: Api, id: str, state: Properties, new: Properties, changed: set[str]) -> None:
        changes.change(api, api.get(f"/servers/{id}")["server"], state, new, changed)

    def remove(self, api: Api, id: str, state: Properties) -> None:
        if not id.isdigit():
            return
        if state.get("shutdownBeforeDeletion"):
            changes.shut_down(api, id)
        api.wait([api.delete(f"/servers/{id}").get("action")])


def _creation(inputs: Properties, image: Json, keys: list[Json]) -> Json:
    body: Json = {
        "name": inputs["name"],
        "server_type": inputs["serverType"],
        "image": image["id"],
        "ssh_keys": [key["id"] for key in keys] or None,
        "location": inputs.get("location"),
        "user_data": inputs.get("userData") or None,
        "labels": inputs.get("labels") or None,
        "firewalls": [{"firewall": id} for id in inputs.get("firewallIds") or []] or None,
        "placement_group": inputs.get("placementGroupId") or None,
    }
    for block in inputs.get("publicNets") or []:
        ipv4, ipv6 = block.get("ipv4") or None, block.get("ipv6") or None
        enable_ipv4 = bool(ipv4) or block.get("ipv4Enabled", True)
        enable_ipv6 = bool(ipv6) or block.get("ipv6Enabled", True)
        net = {"enable_ipv4": enable_ipv4, "enable_ipv6": enable_ipv6, "ipv4": ipv4, "ipv6": ipv6}
        body["public_net"] = without_nones(net)
        if inputs.get("networks") and not enable_ipv4 and not enable_ipv6:
            # cloud-init needs a network at the first boot: start only once the private one is attached
            body["start_after_create"] = False
    return without_nones(body)


def _find_image(api: Api, name: str, architecture: str) -> Json:
    image = None
    if name.isdigit():
        image = api.find(f"/images/{name}", "image")
    if image is None and name:
        query = {"name": name, "architecture": architecture, "include_deprecated": "true"}
        listed = api.get("/images", **query)["images"]
        image = listed[0] if listed else None
    if image is None:
        raise ProviderError(f"image {name} for architecture {architecture} not found")
    return image


def _check_networks(networks: Value) -> None:
    """What the provider refuses while it plans: one network twice, or an address outside its subnet."""
    import ipaddress

    seen: set[int] = set()
    for network in networks if isinstance(networks, list) else []:
        if not isinstance(network, dict) or is_unknown(network.get("networkId")) or is_unknown(network.get("subnetId")):
            continue
        id, subnet = network.get("networkId"), network.get("subnetId")
        if subnet:
            of_subnet, cidr = subnet_parts(subnet)
            if id and id != of_subnet:
                raise ProviderError(f"subnet_id ({subnet}) does not belong to the specified network_id ({id})")
            ip = network.get("ip")
            if ip and not is_unknown(ip) and ipaddress.ip_address(ip) not in ipaddress.ip_network(cidr):
                raise ProviderError(f"server IP ({ip}) is outside subnet IP range ({cidr})")
            id = of_subnet
        if id and id in seen:
            raise ProviderError(f"server is only allowed to be attached to each network once: {id}")
        seen.add(id or 0)


def server_attributes(server: Json, state: Properties) -> Properties:
    """A server as the state and the functions show it; ``state`` says how the program named image and networks."""
    public = server["public_net"]
    ipv4, ipv6 = public.get("ipv4"), public.get("ipv6")
    image = server.get("image")
    found: Properties = {
        "name": server["name"],
        "location": server["location"]["name"],
        "datacenter": "",
        "status": server["status"],
        "serverType": server["server_type"]["name"],
        "ipv4Address": ipv4["ip"] if ipv4 else "",
        "ipv6Address": ipv6["ip"].split("/")[0] + "1" if ipv6 else "",
        "ipv6Network": ipv6["ip"] if ipv6 else "<nil>",
        "backupWindow": server.get("backup_window") or "",
        "backups": bool(server.get("backup_window")),
        "labels": server["labels"],
        "deleteProtection": server["protection"]["delete"],
        "rebuildProtection": server["protection"]["rebuild"],
        "firewallIds": [firewall["id"] for firewall in public.get("firewalls") or []],
        "primaryDiskSize": server["primary_disk_size"],
        "placementGroupId": (server.get("placement_group") or {}).get("id"),
    }
    if image:
        by_id = str(image["id"]) == str(state.get("image") or "")
        found["image"] = image["name"] if image.get("name") and not by_id else str(image["id"])
    if state.get("networks"):
        found["networks"] = [_network_attributes(net, state["networks"]) for net in server["private_net"]]
    return found


def _network_attributes(net: Json, wanted: list[Properties]) -> Properties:
    found = {"ip": net["ip"], "macAddress": net["mac_address"], "aliasIps": net["alias_ips"]}
    for item in wanted:
        subnet = item.get("subnetId")
        network = subnet_parts(subnet)[0] if subnet else item.get("networkId")
        if network == net["network"]:
            return found | {"networkId": network} | ({"subnetId": subnet} if subnet else {})
    return found | {"networkId": net["network"]}
