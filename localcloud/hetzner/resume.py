"""Taking up a state again: after a start, everything is as it was to be."""

from __future__ import annotations

import logging
from ipaddress import IPv4Address

from localcloud.hetzner import specs
from localcloud.hetzner.cloud import Cloud
from localcloud.hetzner.routing import Call
from localcloud.hetzner.servers.routes import begin_deletion

log = logging.getLogger("localcloud.hetzner")
LOST = {"create_image"}
"""Actions whose result exists only if they ended: an interrupted one has failed."""


def resume(cloud: Cloud) -> None:
    """Make the machines as the state has them, and end the actions that a killed daemon left running.

    What an action was to bring about is part of the desired state, so that it has succeeded once machines have started;
    a deletion is done again.
    """
    with cloud.store.transaction() as tx:
        desired = specs.desired(tx, cloud.catalogue)
        for row in tx.all("server"):
            tx.edit("server", row["id"])["firewalls"] = [one["id"] for one in specs.applied_firewalls(tx, row)]
        addresses = [one["ip"] for one in tx.all("primary_ip") if one["type"] == "ipv4"]
    outside = [ip for ip in addresses if not _inside(cloud, ip)]
    if outside:
        log.warning("addresses outside this host's pool %s: %s", cloud.machines.public_ipv4_pool, ", ".join(outside))
    cloud.machines.start(desired)
    running = {number for number in desired.running if cloud.machines.is_running(number)}
    with cloud.store.transaction() as tx:
        for action in tx.actions.find(statuses=["running"]):
            lost = {"code": "action_failed", "message": "the embedded cloud was stopped meanwhile"}
            tx.actions.finish(action["id"], lost if action["command"] in LOST else None)
        for image in tx.all("image"):
            if image["status"] == "creating":
                tx.remove("image", image["id"])
        for volume in tx.all("volume"):
            if volume["status"] == "creating":
                tx.edit("volume", volume["id"])["status"] = "available"
        for row in tx.all("server"):
            if row["status"] == "deleting":
                begin_deletion(Call(cloud, tx, {"id": row["id"]}), row)
            else:
                on = row["id"] in running
                changed = tx.edit("server", row["id"])
                changed.update(status="running" if on else "off", wanted="running" if on else "off")


def _inside(cloud: Cloud, ip: str) -> bool:
    return IPv4Address(ip) in cloud.machines.public_ipv4_pool
