"""A server as clients see it."""

from __future__ import annotations

from typing import Any

from localcloud.hetzner import dns, specs
from localcloud.hetzner.images.lookup import shown_image
from localcloud.hetzner.placement_groups.routes import show as show_group
from localcloud.hetzner.routing import Call
from localcloud.hetzner.store import Row

KIND = "server"
HIDDEN = ("user_data", "ssh_keys", "root_password", "boot_image", "wanted", "firewalls", "backups")


def public_net(call: Call, row: Row) -> dict[str, Any]:
    """Addresses and firewalls of the public interface; a family that is off is null."""
    ips = specs.public_ips(call.tx, KIND, row["id"])
    shown: dict[str, Any] = {"ipv4": None, "ipv6": None, "floating_ips": []}
    if "ipv4" in ips:
        ip = ips["ipv4"]
        pointer = dns.pointers(ip)[0]["dns_ptr"]
        shown["ipv4"] = {"id": ip["id"], "ip": ip["ip"], "blocked": ip["blocked"], "dns_ptr": pointer}
    if "ipv6" in ips:
        ip = ips["ipv6"]
        shown["ipv6"] = {"id": ip["id"], "ip": ip["ip"], "blocked": ip["blocked"], "dns_ptr": dns.pointers(ip)}
    shown["firewalls"] = [
        {"id": one["id"], "status": "applied" if one["id"] in row["firewalls"] else "pending"}
        for one in specs.applied_firewalls(call.tx, row)
    ]
    return shown


def show(call: Call, row: Row) -> dict[str, Any]:
    """Everything that refers to the server is looked up now, so that no two resources ever disagree."""
    catalogue = call.cloud.catalogue
    number = row["id"]
    kind = catalogue.server_type(row["server_type"])
    traffic = next((one["included_traffic"] for one in kind["prices"] if one["location"] == row["location"]), 0)
    group = call.tx.get("placement_group", row["placement_group"]) if row["placement_group"] else None
    return {
        **{key: value for key, value in row.items() if key not in HIDDEN},
        "public_net": public_net(call, row),
        "server_type": kind,
        "location": catalogue.location(row["location"]),
        "image": shown_image(call, row["image"]),
        "iso": catalogue.iso(row["iso"]) if row["iso"] else None,
        "locked": (KIND, number) in call.cloud.locks,
        "backup_window": row["backup_window"],
        "outgoing_traffic": 0,
        "ingoing_traffic": 0,
        "included_traffic": traffic,
        "volumes": [one["id"] for one in call.tx.all("volume") if one["server"] == number],
        "load_balancers": [
            one["id"]
            for one in call.tx.all("load_balancer")
            if any(specs.is_target(target, row) for target in one["targets"])
        ],
        "placement_group": show_group(call, group) if group else None,
    }
