"""Routes of servers."""

from __future__ import annotations

from localcloud.hetzner import common, dns, specs
from localcloud.hetzner.catalogue_routes import action_routes
from localcloud.hetzner.errors import protected
from localcloud.hetzner.fields import ChangeDnsPtr
from localcloud.hetzner.images.lookup import boot_name
from localcloud.hetzner.metrics import server_metrics
from localcloud.hetzner.primary_ips import pool
from localcloud.hetzner.refresh import refresh_server, refresh_targets
from localcloud.hetzner.routing import Answer, Call, Route
from localcloud.hetzner.servers import disk, models, power, private
from localcloud.hetzner.servers.create import create
from localcloud.hetzner.servers.view import KIND, show
from localcloud.hetzner.store import Row, Transaction

STATUSES = ("running", "initializing", "starting", "stopping", "off", "deleting", "migrating", "rebuilding", "unknown")


def listing(call: Call) -> Answer:
    statuses = call.choice("status", STATUSES)
    rows = [row for row in call.tx.all(KIND) if not statuses or row["status"] in statuses]
    return call.listing("servers", rows, lambda row: show(call, row), ("id", "name", "created"))


def get(call: Call) -> Answer:
    return Answer(200, {KIND: show(call, call.find(KIND))})


def update(call: Call) -> Answer:
    row = call.find(KIND)
    labels = row["labels"]
    answer = common.update(call, KIND, show, models.UpdateServer)
    changed = call.find(KIND)
    number = row["id"]
    if changed["name"] != row["name"]:
        spec = specs.server(call.tx, call.cloud.catalogue, changed)
        call.cloud.settle(call.tx, lambda: call.cloud.machines.update_server(spec), [(KIND, number)])
    if changed["labels"] != labels:
        refresh_server(call.cloud, call.tx, number, labels)
    return answer


def begin_deletion(call: Call, row: Row) -> Row:
    """The action that takes the machine away; everything attached is free, and the server gone, when it ends."""
    cloud, tx, number = call.cloud, call.tx, row["id"]
    tx.edit(KIND, number).update(status="deleting", wanted="off")
    for resource in tx.all("firewall"):
        kept = [one for one in resource["applied_to"] if one != {"type": "server", "server": {"id": number}}]
        if len(kept) != len(resource["applied_to"]):
            tx.edit("firewall", resource["id"])["applied_to"] = kept
    refresh_targets(cloud, tx, number, row["labels"])
    for balancer in tx.all("load_balancer"):
        kept = [one for one in balancer["targets"] if one["type"] != "server" or one["server"]["id"] != number]
        if len(kept) != len(balancer["targets"]):
            tx.edit("load_balancer", balancer["id"])["targets"] = kept
    attached = [one["id"] for one in tx.all("volume") if one["server"] == number]
    networks = [one["network"] for one in row["private_net"]]

    def remove() -> None:
        # Pull the plug first: a volume leaves a dead machine without being asked.
        cloud.machines.power_off(number)
        for volume_id in attached:
            cloud.machines.detach_volume(volume_id)
        for network_id in networks:
            cloud.machines.detach_network(number, network_id)
        cloud.machines.delete_server(number)

    def removed(tx: Transaction) -> None:
        for volume_id in attached:
            tx.edit("volume", volume_id)["server"] = None
        for image in tx.all("image"):
            if image["bound_to"] == number:
                tx.remove("image", image["id"])
                name = boot_name(image)
                cloud.settle(
                    tx,
                    lambda name=name: cloud.machines.delete_image(name),  # type: ignore[misc]
                    [("image", image["id"])],
                )
        pool.release(tx, (KIND, number))
        tx.remove(KIND, number)

    return cloud.act(
        tx,
        "delete_server",
        [(KIND, number)],
        remove,
        removed,
        lambda tx: tx.edit(KIND, number).update(status="unknown"),
        locks=[(KIND, number), *(("volume", one) for one in attached)],
        beside=[("network", one) for one in networks],
    )


def delete(call: Call) -> Answer:
    row = call.find(KIND)
    if row["protection"]["delete"]:
        raise protected(KIND)
    call.cloud.check_unlocked((KIND, row["id"]))
    return Answer(200, {"action": begin_deletion(call, row)})


def change_dns_ptr(call: Call) -> Answer:
    row = call.find(KIND)
    body = call.body(ChangeDnsPtr)
    dns.change(call.tx, list(specs.public_ips(call.tx, KIND, row["id"]).values()), body.ip, body.dns_ptr)
    return Answer(201, {"action": call.cloud.act(call.tx, "change_dns_ptr", [(KIND, row["id"])])})


ACTIONS = {
    "poweron": power.poweron,
    "poweroff": power.poweroff,
    "shutdown": power.shutdown,
    "reboot": power.reboot,
    "reset": power.reset,
    "change_protection": power.change_protection,
    "change_type": power.change_type,
    "add_to_placement_group": power.add_to_placement_group,
    "remove_from_placement_group": power.remove_from_placement_group,
    "attach_to_network": private.attach_to_network,
    "detach_from_network": private.detach_from_network,
    "change_alias_ips": private.change_alias_ips,
    "change_dns_ptr": change_dns_ptr,
    "rebuild": disk.rebuild,
    "create_image": disk.create_image,
    "enable_backup": disk.enable_backup,
    "disable_backup": disk.disable_backup,
    "enable_rescue": disk.enable_rescue,
    "disable_rescue": disk.disable_rescue,
    "attach_iso": disk.attach_iso,
    "detach_iso": disk.detach_iso,
    "reset_password": disk.reset_password,
    "request_console": disk.request_console,
}
ROUTES = [
    Route("GET", "/servers", listing),
    Route("POST", "/servers", create),
    Route("GET", "/servers/{id}", get),
    Route("PUT", "/servers/{id}", update),
    Route("DELETE", "/servers/{id}", delete),
    Route("GET", "/servers/{id}/metrics", server_metrics),
    *(Route("POST", f"/servers/{{id}}/actions/{name}", handler) for name, handler in ACTIONS.items()),
    *action_routes("servers", KIND),
]
