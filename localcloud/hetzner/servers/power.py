"""Power, protection and size of a server."""

from __future__ import annotations

from collections.abc import Callable

from localcloud.hetzner import specs
from localcloud.hetzner.errors import ApiError, invalid
from localcloud.hetzner.placement_groups.routes import check_room
from localcloud.hetzner.routing import Answer, Call
from localcloud.hetzner.servers import models, private
from localcloud.hetzner.servers.create import check_type
from localcloud.hetzner.servers.view import KIND
from localcloud.hetzner.store import Row, Transaction
from localcloud.machines.interface import Machines


def unlocked(call: Call) -> Row:
    """The server of the path, if no action works on it."""
    row = call.find(KIND)
    call.cloud.check_unlocked((KIND, row["id"]))
    return row


def stopped(call: Call) -> Row:
    row = unlocked(call)
    if row["status"] != "off":
        raise ApiError("server_not_stopped", "server must be stopped")
    return row


def poweron(call: Call) -> Answer:
    row = unlocked(call)
    if row["status"] == "running":
        return Answer(201, {"action": call.cloud.act(call.tx, "start_server", [(KIND, row["id"])])})
    if not row["private_net"] and not specs.public_ips(call.tx, KIND, row["id"]):
        raise ApiError("server_has_no_interface", "server needs a network interface to be powered on")
    call.tx.edit(KIND, row["id"])["status"] = "starting"
    return Answer(201, {"action": private.start(call, row, "start_server")})


def poweroff(call: Call) -> Answer:
    row = unlocked(call)
    number = row["id"]
    if row["status"] == "off":
        return Answer(201, {"action": call.cloud.act(call.tx, "stop_server", [(KIND, number)])})
    call.tx.edit(KIND, number)["wanted"] = "off"
    action = call.cloud.act(
        call.tx,
        "stop_server",
        [(KIND, number)],
        lambda: call.cloud.machines.power_off(number),
        lambda tx: tx.edit(KIND, number).update(status="off"),
        locks=[(KIND, number)],
    )
    return Answer(201, {"action": action})


def shutdown(call: Call) -> Answer:
    """Only presses the button: the server is ``stopping`` until its machine is seen to be off."""
    row = unlocked(call)
    number = row["id"]
    if row["status"] == "off":
        return Answer(201, {"action": call.cloud.act(call.tx, "shutdown_server", [(KIND, number)])})

    def pressed(tx: Transaction) -> None:
        server = tx.edit(KIND, number)
        server["wanted"] = "off"
        if server["status"] == "running":
            server["status"] = "stopping"

    action = call.cloud.act(
        call.tx,
        "shutdown_server",
        [(KIND, number)],
        lambda: call.cloud.machines.shutdown(number),
        pressed,
        locks=[(KIND, number)],
    )
    return Answer(201, {"action": action})


def _restart(call: Call, command: str, work: Callable[[Machines, int], None]) -> Answer:
    row = unlocked(call)
    number = row["id"]
    if row["status"] == "off":
        raise ApiError("server_not_running", "server is off, power it on instead")
    action = call.cloud.act(
        call.tx,
        command,
        [(KIND, number)],
        lambda: work(call.cloud.machines, number),
        lambda tx: tx.edit(KIND, number).update(status="running", wanted="running"),
        locks=[(KIND, number)],
    )
    return Answer(201, {"action": action})


def reboot(call: Call) -> Answer:
    return _restart(call, "reboot_server", lambda machines, number: machines.reboot(number))


def reset(call: Call) -> Answer:
    def pull_and_plug(machines: Machines, number: int) -> None:
        machines.power_off(number)
        machines.power_on(number)

    return _restart(call, "reset_server", pull_and_plug)


def change_protection(call: Call) -> Answer:
    row = call.find(KIND)
    body = call.body(models.ChangeServerProtection)
    wanted = {
        "delete": row["protection"]["delete"] if body.delete is None else body.delete,
        "rebuild": row["protection"]["rebuild"] if body.rebuild is None else body.rebuild,
    }
    if wanted["delete"] != wanted["rebuild"]:
        raise invalid("rebuild", "delete and rebuild protection must have the same value")
    call.tx.edit(KIND, row["id"])["protection"] = wanted
    return Answer(201, {"action": call.cloud.act(call.tx, "change_protection", [(KIND, row["id"])])})


def change_type(call: Call) -> Answer:
    """The machine takes over the new size and is started again, as the real cloud does."""
    row = stopped(call)
    number = row["id"]
    body = call.body(models.ChangeType)
    old = call.cloud.catalogue.server_type(row["server_type"])
    new = call.cloud.catalogue.server_type(body.server_type)
    if new["name"] == old["name"]:
        raise ApiError("invalid_server_type", f"server is of type {new['name']} already")
    if new["architecture"] != old["architecture"] or new["storage_type"] != old["storage_type"]:
        raise ApiError("invalid_server_type", "server type has another architecture or storage type")
    if new["disk"] < row["primary_disk_size"]:
        text = f"disk of {new['disk']} GB is smaller than the server's of {row['primary_disk_size']} GB"
        raise ApiError("invalid_server_type", text)
    check_type(call, new, row["location"])
    server = call.tx.edit(KIND, number)
    before = {key: server[key] for key in ("server_type", "primary_disk_size", "wanted")}
    server.update(server_type=new["name"], status="migrating", wanted="running")
    if body.upgrade_disk:
        server["primary_disk_size"] = new["disk"]
    spec = specs.server(call.tx, call.cloud.catalogue, server)
    machines = call.cloud.machines

    def migrate() -> None:
        machines.update_server(spec)
        machines.power_on(number)

    action = call.cloud.act(
        call.tx,
        "change_server_type",
        [(KIND, number)],
        migrate,
        lambda tx: tx.edit(KIND, number).update(status="running"),
        lambda tx: tx.edit(KIND, number).update(status="off", **before),
        locks=[(KIND, number)],
    )
    return Answer(201, {"action": action})


def add_to_placement_group(call: Call) -> Answer:
    row = stopped(call)
    body = call.body(models.AddToPlacementGroup)
    group = call.tx.get("placement_group", body.placement_group)
    if group is None:
        raise invalid("placement_group", f"placement group with ID '{body.placement_group}' not found")
    if row["placement_group"] is not None:
        raise ApiError("already_in_placement_group", "server is already part of a placement group")
    check_room(call.tx, group["id"])
    call.tx.edit(KIND, row["id"])["placement_group"] = group["id"]
    return Answer(201, {"action": call.cloud.act(call.tx, "add_to_placement_group", [(KIND, row["id"])])})


def remove_from_placement_group(call: Call) -> Answer:
    row = unlocked(call)
    if row["placement_group"] is None:
        raise ApiError("not_in_placement_group", "server is not part of a placement group")
    call.tx.edit(KIND, row["id"])["placement_group"] = None
    return Answer(201, {"action": call.cloud.act(call.tx, "remove_from_placement_group", [(KIND, row["id"])])})
