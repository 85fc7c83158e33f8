"""POST /servers: check everything, take what is needed, then let workers build and boot the machine."""

from __future__ import annotations

import secrets
import string
from typing import Any

from localcloud.hetzner import common, specs
from localcloud.hetzner.actionlog import now
from localcloud.hetzner.errors import ApiError, invalid
from localcloud.hetzner.firewalls.rules import check_server
from localcloud.hetzner.images.lookup import boot_name, usable_image
from localcloud.hetzner.placement_groups.routes import check_room
from localcloud.hetzner.primary_ips import pool
from localcloud.hetzner.refresh import apply_firewalls, refresh_targets
from localcloud.hetzner.routing import Answer, Call
from localcloud.hetzner.servers import models, private
from localcloud.hetzner.servers.view import KIND, show
from localcloud.hetzner.store import Row, Transaction
from localcloud.hetzner.volumes.routes import attach_to

ALPHABET = string.ascii_letters + string.digits


def new_password() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(20))


def check_type(call: Call, kind: Row, location: str) -> None:
    """Raise 422 where the type is not sold, and 412 where this host cannot run it."""
    offer = next((one for one in kind["locations"] if one["name"] == location), None)
    if offer is None:
        raise invalid("server_type", "unsupported location for server type")
    if not offer["available"]:
        raise invalid("server_type", f"server type {kind['name']} is deprecated and cannot be ordered in {location}")
    architectures = getattr(call.cloud.machines, "architectures", ("x86",))
    if kind["architecture"] not in architectures:
        text = f"error during placement: this host runs {', '.join(architectures)} only, not {kind['architecture']}"
        raise ApiError("resource_unavailable", text)


def check_image(call: Call, image: Row, disk: int) -> None:
    if image["disk_size"] > disk:
        raise invalid("image", f"image needs a disk of {image['disk_size']} GB, the server has {disk} GB")
    if not call.cloud.machines.image_available(boot_name(image)):
        text = f"image '{image['name'] or image['id']}' cannot be booted here: debian-12 and debian-13 can"
        raise ApiError("resource_unavailable", text)


def ssh_keys(call: Call, references: list[int | str]) -> list[str]:
    """Public keys by id or name."""
    found = []
    for index, reference in enumerate(references):
        rows = [row for row in call.tx.all("ssh_key") if reference in (row["id"], row["name"])]
        if not rows:
            raise invalid(f"ssh_keys[{index}]", f"SSH key '{reference}' not found")
        found.append(rows[0]["public_key"])
    return found


def create(call: Call) -> Answer:
    body = call.body(models.CreateServer)
    common.check_name_free(call.tx, KIND, body.name)
    call.cloud.check_limit(call.tx, KIND)
    kind = call.cloud.catalogue.server_type(body.server_type)
    location = str(call.cloud.catalogue.location(body.location or "fsn1")["name"])
    check_type(call, kind, location)
    image = usable_image(call, body.image, kind["architecture"])
    check_image(call, image, kind["disk"])
    keys = ssh_keys(call, body.ssh_keys or [])
    if body.placement_group is not None:
        call.find("placement_group", body.placement_group)
        check_room(call.tx, body.placement_group)
    start = body.start_after_create is not False
    public = body.public_net or models.PublicNet()
    if start and not (public.enable_ipv4 or public.enable_ipv6 or body.networks):
        raise invalid("public_net", "a server needs an interface, public or private, to be started")
    password = None if keys else new_password()
    row = call.tx.add(
        KIND,
        {
            "name": body.name,
            "status": "initializing",
            "created": now(),
            "private_net": [],
            "server_type": kind["name"],
            "location": location,
            "image": image["id"],
            "boot_image": boot_name(image),
            "iso": None,
            "rescue_enabled": False,
            "backup_window": None,
            "protection": {"delete": False, "rebuild": False},
            "labels": body.labels or {},
            "primary_disk_size": kind["disk"],
            "placement_group": body.placement_group,
            "user_data": body.user_data or "",
            "ssh_keys": keys,
            "root_password": password,
            "wanted": "running" if start else "off",
            "firewalls": [],
        },
    )
    _public_ips(call, row, public)
    _firewalls(call, row, body)
    networks = [private.attach(call, row, one) for one in dict.fromkeys(body.networks or ())]
    action, following = _build(call, row, [one["network"] for one in networks], start, body)
    refresh_targets(call.cloud, call.tx, row["id"], {})
    answer: dict[str, Any] = {"server": show(call, row), "action": action, "next_actions": following}
    answer["server"]["locked"] = True
    return Answer(201, {**answer, "root_password": password})


def _public_ips(call: Call, row: Row, public: models.PublicNet) -> None:
    """Take the primary IPs that are named, and make new ones that go with the server for the others."""
    families: tuple[tuple[pool.Kind, bool, int | None], ...] = (
        ("ipv4", public.enable_ipv4, public.ipv4),
        ("ipv6", public.enable_ipv6, public.ipv6),
    )
    for kind, wanted, chosen in families:
        if chosen is not None:
            if not wanted:
                raise invalid(f"public_net.{kind}", f"cannot be given when enable_{kind} is false")
            pool.claim(call, chosen, kind, row["location"], (KIND, row["id"]))
        elif wanted:
            pool.create(call.cloud, call.tx, kind, row["location"], auto_delete=True, assignee=(KIND, row["id"]))


def _firewalls(call: Call, row: Row, body: models.CreateServer) -> None:
    entry = {"type": "server", "server": {"id": row["id"]}}
    for index, one in enumerate(body.firewalls or ()):
        if call.tx.get("firewall", one.firewall) is None:
            raise invalid(f"firewalls[{index}].firewall", f"firewall with ID '{one.firewall}' not found")
        applied = call.tx.edit("firewall", one.firewall)["applied_to"]
        if entry not in applied:
            applied.append(entry)
    in_force = specs.applied_firewalls(call.tx, row)
    if in_force:
        check_server(call.cloud, call.tx, in_force, row)


def _build(call: Call, row: Row, networks: list[int], start: bool, body: models.CreateServer) -> tuple[Row, list[Row]]:
    """The actions: create_server makes the disk with everything that is there at the first boot; start_server boots."""
    cloud, number = call.cloud, row["id"]
    spec = specs.server(call.tx, cloud.catalogue, row)
    nics = [specs.nic(call.tx, entry) for entry in row["private_net"]]

    def prepare() -> None:
        cloud.machines.prepare_server(spec)
        # Before the first boot, so that no packet passes that the rules would have stopped.
        apply_firewalls(cloud, number)
        for nic in nics:
            cloud.machines.attach_network(number, nic)

    def prepared(tx: Transaction) -> None:
        tx.edit(KIND, number)["status"] = "starting" if start else "off"

    def failed(tx: Transaction) -> None:
        tx.edit(KIND, number).update(status="off", wanted="off")

    action = cloud.act(
        call.tx,
        "create_server",
        [(KIND, number)],
        prepare,
        prepared,
        failed,
        locks=[(KIND, number)],
        beside=[("network", one) for one in networks],
    )
    following = []
    for volume_id in body.volumes or ():
        volume = call.find("volume", volume_id)
        cloud.check_unlocked(("volume", volume_id))
        if volume["server"] is not None:
            raise ApiError("volume_already_attached", f"volume with ID '{volume_id}' is already attached to a server")
        if volume["location"] != row["location"]:
            raise invalid("volumes", "volume and server must be in the same location")
        following.append(attach_to(call, volume, number, bool(body.automount), after=action))
    if start:
        following.insert(0, private.start(call, row, "start_server", after=action))
    return action, following
