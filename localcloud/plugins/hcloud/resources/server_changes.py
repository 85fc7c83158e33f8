"""Changing a server in place, in the order in which the provider does it."""

from __future__ import annotations

import random
from collections.abc import Iterable

from localcloud.plugins.base.errors import ProviderError
from localcloud.plugins.base.values import Properties
from localcloud.plugins.hcloud.api import RETRIES, Api, Json
from localcloud.plugins.hcloud.attachments import attach, change_aliases, detach, subnet_parts
from localcloud.plugins.hcloud.common import put_changed, without_nones


def change(api: Api, server: Json, state: Properties, new: Properties, changed: set[str]) -> None:
    """Bring about the ``changed`` properties of ``server`` (as the API shows it now)."""
    path = f"/servers/{server['id']}"
    put_changed(api, path, new, changed, ("name", "labels"))
    if "serverType" in changed:
        if server["status"] == "running":
            api.act(f"{path}/actions/poweroff")
        body = {"server_type": new["serverType"], "upgrade_disk": not new.get("keepDisk")}
        api.act(f"{path}/actions/change_type", body)
    if "backups" in changed:
        set_backups(api, server, bool(new.get("backups")))
    if "iso" in changed:
        set_iso(api, server, new.get("iso") or "")
    if "rescue" in changed:
        keys = [key["id"] for key in find_ssh_keys(api, new.get("sshKeys") or [])]
        set_rescue(api, server, new.get("rescue") or "", keys)
    if "networks" in changed:
        _change_networks(api, server, new.get("networks") or [])
    if "firewallIds" in changed:
        _change_firewalls(api, server, new.get("firewallIds") or [])
    if "publicNets" in changed:
        _change_public_net(api, server, state.get("publicNets") or [], new.get("publicNets") or [])
    if "placementGroupId" in changed:
        _change_placement_group(api, server, new.get("placementGroupId") or 0)
    if changed & {"deleteProtection", "rebuildProtection"}:
        set_protection(api, server["id"], new)


def find_ssh_keys(api: Api, ids_or_names: Iterable[str]) -> list[Json]:
    """Keys by id or name; raises for one that is not there."""
    keys: list[Json] = []
    for id_or_name in ids_or_names:
        key = api.find_by("/ssh_keys", "ssh_key", id_or_name)
        if key is None:
            raise ProviderError(f"SSH key not found: {id_or_name}")
        keys.append(key)
    return keys


def check_placement_group(api: Api, id: int) -> None:
    """Raises when there is no such group."""
    if api.find(f"/placement_groups/{id}", "placement_group") is None:
        raise ProviderError(f"placement group not found: {id}")


def power_on(api: Api, id: int | str) -> None:
    """Power on, trying again whatever goes wrong."""
    api.retry(lambda: api.act(f"/servers/{id}/actions/poweron"), lambda error: True)


def shut_down(api: Api, id: str) -> None:
    """Ask the server to shut down and wait up to half a minute; only warns when it does not."""

    def is_off() -> None:
        if api.get(f"/servers/{id}")["server"]["status"] != "off":
            raise _StillRunning("server has not shut down yet")

    api.act(f"/servers/{id}/actions/shutdown")
    try:
        api.retry(is_off, lambda error: isinstance(error, _StillRunning), tries=RETRIES + 1)
    except _StillRunning:
        api.call.log("warning", f"Server id {id} did not finish shutting down gracefully in time, deleting it anyways.")


class _StillRunning(ProviderError):
    pass


def set_backups(api: Api, server: Json, on: bool) -> None:
    """Switch backups, unless they are so already."""
    if bool(server.get("backup_window")) != on:
        api.act(f"/servers/{server['id']}/actions/{'enable' if on else 'disable'}_backup")


def set_iso(api: Api, server: Json, iso: str) -> None:
    """Take out the ISO that is in, put in another, and reset."""
    path = f"/servers/{server['id']}/actions"
    if server.get("iso"):
        api.act(f"{path}/detach_iso")
    if iso:
        found = api.find_by("/isos", "iso", iso)
        if found is None:
            raise ProviderError(f"ISO not found: {iso}")
        if found.get("architecture") not in (None, server["server_type"]["architecture"]):
            raise ProviderError("failed to attach iso: iso has a different architecture than the server")
        api.act(f"{path}/attach_iso", {"iso": found["id"]})
    if iso or server.get("iso"):
        api.act(f"{path}/reset")


def set_rescue(api: Api, server: Json, rescue: str, keys: list[int]) -> None:
    """Leave the rescue system that is on, set another, and reset."""
    path = f"/servers/{server['id']}/actions"
    if server.get("rescue_enabled"):
        api.act(f"{path}/disable_rescue")
    if rescue:
        body = without_nones({"type": rescue, "ssh_keys": keys or None})
        api.retry(lambda: api.act(f"{path}/enable_rescue", body), lambda error: True)
    if rescue or server.get("rescue_enabled"):
        api.retry(lambda: api.act(f"{path}/reset"), lambda error: True, tries=2 * RETRIES)


def set_protection(api: Api, id: int | str, wanted: Properties) -> None:
    """Set delete and rebuild protection, which the API wants equal."""
    body = {"delete": bool(wanted.get("deleteProtection")), "rebuild": bool(wanted.get("rebuildProtection"))}
    api.act(f"/servers/{id}/actions/change_protection", body)


def _change_networks(api: Api, server: Json, wanted: list[Properties]) -> None:
    path = f"/servers/{server['id']}"
    left: dict[int, Properties] = {}
    for item in wanted:
        left[subnet_parts(item["subnetId"])[0] if item.get("subnetId") else item["networkId"]] = item
    for net in server["private_net"]:
        found = left.pop(net["network"], None)
        if found is None:
            detach(api, path, net["network"])
        elif found.get("ip") and found["ip"] != net["ip"]:
            # the API has no way to change an address in place
            detach(api, path, net["network"])
            attach(api, path, found, "server_already_attached")
        elif "aliasIps" in found and set(found["aliasIps"]) != set(net["alias_ips"]):
            change_aliases(api, server["id"], net["network"], found["aliasIps"])
    for item in left.values():
        attach(api, path, item, "server_already_attached")


def _change_firewalls(api: Api, server: Json, wanted: list[int]) -> None:
    current = [firewall["id"] for firewall in server["public_net"].get("firewalls") or []]
    this = [{"type": "server", "server": {"id": server["id"]}}]
    for id in current:
        if id not in wanted:
            api.wait(api.post(f"/firewalls/{id}/actions/remove_from_resources", {"remove_from": this})["actions"])
    for id in wanted:
        if id not in current:
            api.wait(api.post(f"/firewalls/{id}/actions/apply_to_resources", {"apply_to": this})["actions"])


def _change_placement_group(api: Api, server: Json, wanted: int) -> None:
    path = f"/servers/{server['id']}/actions"
    if server.get("placement_group"):
        if server["status"] != "off":
            raise ProviderError(
                "removing a running server from a placement group is currently not supported in the provider. You "
                "can shutdown the server yourself, apply the changes again and then start the server manually as "
                "a workaround"
            )
        api.act(f"{path}/remove_from_placement_group")
    if wanted:
        check_placement_group(api, wanted)
        api.act(f"{path}/add_to_placement_group", {"placement_group": wanted})


def _change_public_net(api: Api, server: Json, old: list[Properties], new: list[Properties]) -> None:
    """Powers off, exchanges addresses family by family, powers on."""
    before = old[0] if old else {}
    after = new[0] if new else {}
    id = server["id"]
    api.act(f"/servers/{id}/actions/poweroff")
    try:
        for family in ("ipv4", "ipv6"):
            _change_family(api, server, family, before, after)
    except ProviderError:
        power_on(api, id)
        raise
    power_on(api, id)


def _change_family(api: Api, server: Json, family: str, before: Properties, after: Properties) -> None:
    was_on, is_on = before.get(f"{family}Enabled", True), after.get(f"{family}Enabled", True)
    old_id, new_id = before.get(family) or 0, after.get(family) or 0
    current = (server["public_net"].get(family) or {}).get("id") or 0
    if not is_on and new_id:
        raise ProviderError(f"this operation is not allowed: {family}_enabled = false | {family} = {new_id}")
    if new_id or not is_on:
        if current and current != new_id:
            api.act(f"/primary_ips/{current}/actions/unassign")
            if not old_id:  # one that came with the server goes with it
                api.delete(f"/primary_ips/{current}")
        if new_id and current != new_id:
            body = {"assignee_id": server["id"], "assignee_type": "server"}
            api.act(f"/primary_ips/{new_id}/actions/assign", body)
        return
    if was_on and old_id:
        api.act(f"/primary_ips/{old_id}/actions/unassign")
    if old_id or not was_on:
        body = {
            "name": f"primary_ip-{random.randint(1000000, 9999999)}",
            "assignee_id": server["id"],
            "assignee_type": "server",
            "auto_delete": True,
            "type": family,
        }
        api.wait([api.post("/primary_ips", body).get("action")])
