"""What concerns a server's disk and what it boots from: rebuild, images, backups, rescue, ISOs, password, console."""

from __future__ import annotations

import secrets

from localcloud.hetzner import specs
from localcloud.hetzner.actionlog import now
from localcloud.hetzner.errors import ApiError, protected
from localcloud.hetzner.images.lookup import boot_name, shown_image, usable_image
from localcloud.hetzner.routing import Answer, Call
from localcloud.hetzner.servers import models
from localcloud.hetzner.servers.create import check_image, new_password, ssh_keys
from localcloud.hetzner.servers.power import unlocked
from localcloud.hetzner.servers.view import KIND
from localcloud.hetzner.store import Transaction

MAX_BACKUPS = 7


def rebuild(call: Call) -> Answer:
    """A new disk from an image; addresses, networks and volumes stay. It boots whatever it was before."""
    row = unlocked(call)
    if row["protection"]["rebuild"]:
        raise protected(KIND, "rebuild")
    number = row["id"]
    body = call.body(models.Rebuild)
    kind = call.cloud.catalogue.server_type(row["server_type"])
    image = usable_image(call, body.image, kind["architecture"])
    check_image(call, image, row["primary_disk_size"])
    password = None if row["ssh_keys"] else new_password()
    server = call.tx.edit(KIND, number)
    server.update(
        image=image["id"], boot_image=boot_name(image), status="rebuilding", wanted="running", root_password=password
    )
    if body.user_data is not None:
        server["user_data"] = body.user_data
    spec = specs.server(call.tx, call.cloud.catalogue, server)

    def rebuilt(tx: Transaction) -> None:
        changed = tx.edit(KIND, number)
        changed["status"] = "running"
        changed.pop("root_password", None)

    action = call.cloud.act(
        call.tx,
        "rebuild_server",
        [(KIND, number), ("image", image["id"])],
        lambda: call.cloud.machines.rebuild_server(spec),
        rebuilt,
        lambda tx: tx.edit(KIND, number).update(status="off", wanted="off"),
        locks=[(KIND, number)],
    )
    return Answer(201, {"action": action, "root_password": password})


def create_image(call: Call) -> Answer:
    row = unlocked(call)
    number = row["id"]
    body = call.body(models.CreateImage)
    kind = body.type or "snapshot"
    bound = [one for one in call.tx.all("image") if one["bound_to"] == number]
    if kind == "backup" and row["backup_window"] is None:
        raise ApiError("backups_disabled", "backups are not enabled for the server", status=422)
    if kind == "backup" and len(bound) >= MAX_BACKUPS:
        call.tx.remove("image", bound[0]["id"])
        oldest = boot_name(bound[0])
        call.cloud.settle(call.tx, lambda: call.cloud.machines.delete_image(oldest), [("image", bound[0]["id"])])
    call.cloud.check_limit(call.tx, "image")
    source = shown_image(call, row["image"]) or {}
    image = call.tx.add(
        "image",
        {
            "type": kind,
            "status": "creating",
            "name": None,
            "description": body.description or f"{kind} of {row['name']}",
            "image_size": None,
            "disk_size": row["primary_disk_size"],
            "created": now(),
            "created_from": {"id": number, "name": row["name"]},
            "bound_to": number if kind == "backup" else None,
            "os_flavor": source.get("os_flavor", "unknown"),
            "os_version": source.get("os_version"),
            "rapid_deploy": False,
            "protection": {"delete": False},
            "deprecated": None,
            "deprecation": None,
            "deleted": None,
            "labels": body.labels or {},
            "architecture": call.cloud.catalogue.server_type(row["server_type"])["architecture"],
        },
    )
    image_id, name = image["id"], boot_name(image)
    size: list[float] = []

    def created(tx: Transaction) -> None:
        tx.edit("image", image_id).update(status="available", image_size=size[0])

    action = call.cloud.act(
        call.tx,
        "create_image",
        [(KIND, number), ("image", image_id)],
        lambda: size.append(call.cloud.machines.create_image(number, name)),
        created,
        lambda tx: tx.remove("image", image_id),
        locks=[(KIND, number)],
    )
    return Answer(201, {"image": dict(image), "action": action})


def enable_backup(call: Call) -> Answer:
    row = unlocked(call)
    if row["backup_window"] is None:
        call.tx.edit(KIND, row["id"])["backup_window"] = "22-02"
    return Answer(201, {"action": call.cloud.act(call.tx, "enable_backup", [(KIND, row["id"])])})


def disable_backup(call: Call) -> Answer:
    """Backups that were made are deleted with it."""
    row = unlocked(call)
    call.tx.edit(KIND, row["id"])["backup_window"] = None
    for image in [one for one in call.tx.all("image") if one["bound_to"] == row["id"]]:
        call.tx.remove("image", image["id"])
        name = boot_name(image)
        call.cloud.settle(
            call.tx,
            lambda name=name: call.cloud.machines.delete_image(name),  # type: ignore[misc]
            [("image", image["id"])],
        )
    return Answer(201, {"action": call.cloud.act(call.tx, "disable_backup", [(KIND, row["id"])])})


def enable_rescue(call: Call) -> Answer:
    """There is no rescue system to boot here, and saying that there is would cost somebody a night."""
    unlocked(call)
    ssh_keys(call, list(call.body(models.EnableRescue).ssh_keys or ()))
    raise ApiError("unsupported_error", "this embedded cloud has no rescue system: rebuild the server instead")


def disable_rescue(call: Call) -> Answer:
    row = unlocked(call)
    return Answer(201, {"action": call.cloud.act(call.tx, "disable_rescue", [(KIND, row["id"])])})


def attach_iso(call: Call) -> Answer:
    """Containers boot no ISO; the request is checked, then refused for what it is."""
    unlocked(call)
    iso = call.cloud.catalogue.iso(call.body(models.AttachIso).iso)
    raise ApiError("unsupported_error", f"this embedded cloud cannot boot the ISO {iso['name']}")


def detach_iso(call: Call) -> Answer:
    row = unlocked(call)
    return Answer(201, {"action": call.cloud.act(call.tx, "detach_iso", [(KIND, row["id"])])})


def reset_password(call: Call) -> Answer:
    row = unlocked(call)
    number = row["id"]
    if row["status"] != "running":
        raise ApiError("server_not_running", "server must be running to reset its password")
    password = new_password()
    action = call.cloud.act(
        call.tx,
        "reset_password",
        [(KIND, number)],
        lambda: call.cloud.machines.set_root_password(number, password),
        locks=[(KIND, number)],
    )
    return Answer(201, {"action": action, "root_password": password})


def request_console(call: Call) -> Answer:
    """Machines here have no screen: the address answers nothing, `machinectl shell` or SSH is the way in."""
    row = unlocked(call)
    token = secrets.token_hex(16)
    action = call.cloud.act(call.tx, "request_console", [(KIND, row["id"])])
    url = f"wss://console.localhost.invalid/?server_id={row['id']}&token={token}"
    return Answer(201, {"wss_url": url, "password": secrets.token_urlsafe(24), "action": action})
