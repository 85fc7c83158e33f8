"""The hub of an instance and its one leg to the host.

The hub is a network namespace that every public interface ends in. It answers for the gateway address, the metadata
address and the resolvers; it forwards between servers, load balancers and the host's leg, and has no other way out:
what machines ask of ports 80 and 443 outside is handed to a relay (:mod:`localcloud.machines.services`), which
reaches the outside as any program of the host does, and everything else is unreachable. So the host needs no
forwarding, no NAT and no rule of its own, and no traffic of a machine can leave by a forgotten route.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from localcloud.machines import netns
from localcloud.machines.commands import ip_batch, run, succeeds
from localcloud.machines.instance import GATEWAY, METADATA, RESOLVERS, Instance
from localcloud.machines.interface import MachineError

HTTP_PORT = 3128
TLS_PORT = 3129
SHARED = Path("/run/localcloud")
"""Host-wide notes shared by all instances: which of them are up, and what the host's settings were before."""

HOST_SETTINGS = {
    # A booted machine takes a handful of inotify instances, all counted against root's one limit (default 128).
    "fs/inotify/max_user_instances": 8192,
    "fs/inotify/max_user_watches": 524288,
    # Redis saves by fork and asks for this; a machine cannot set it, since /proc/sys is the host's.
    "vm/overcommit_memory": 1,
}

HUB_RULES = """\
table inet lc {{
  map inward {{ type ifname : verdict; }}
  map outward {{ type ifname : verdict; }}
  chain relay {{
    type nat hook prerouting priority dstnat; policy accept;
    iifname "s*" ip daddr != {{ {pool}, {leg}, {metadata} }} tcp dport 80 redirect to :{http}
    iifname "s*" ip daddr != {{ {pool}, {leg}, {metadata} }} tcp dport 443 redirect to :{tls}
  }}
  chain leave {{
    type filter hook prerouting priority mangle; policy accept;
    ct state established,related accept
    iifname vmap @outward
  }}
  chain pass {{
    type filter hook forward priority filter; policy accept;
    ct state established,related accept
    oifname "leg" reject with icmpx type admin-prohibited
    oifname vmap @inward
  }}
}}
"""


@contextmanager
def _shared_notes() -> Iterator[dict[str, dict[str, str]]]:
    """The host-wide notes, locked while in use and written back afterwards."""
    SHARED.mkdir(parents=True, exist_ok=True)
    with (SHARED / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        path = SHARED / "host.json"
        try:
            notes = json.loads(path.read_text())
        except (OSError, ValueError):
            notes = {}
        notes.setdefault("up", {})
        notes.setdefault("before", {})
        yield notes
        if notes["up"] or notes["before"]:
            path.write_text(json.dumps(notes))
        else:
            path.unlink(missing_ok=True)


def _raise_settings(instance: Instance) -> None:
    """Set what machines need of the host; the first instance notes what was there, so that the last can put it back."""
    with _shared_notes() as notes:
        notes["up"][instance.id] = str(instance.home)
        for key, wanted in HOST_SETTINGS.items():
            path = Path("/proc/sys", key)
            now = int(path.read_text())
            if now < wanted:
                notes["before"].setdefault(key, str(now))
                path.write_text(str(wanted))


def _restore_settings(instance: Instance) -> None:
    with _shared_notes() as notes:
        notes["up"].pop(instance.id, None)
        if not notes["up"]:
            for key, value in notes["before"].items():
                Path("/proc/sys", key).write_text(value)
            notes["before"].clear()


def up(instance: Instance) -> None:
    """Make the hub and its leg; what is there already stays as it is."""
    if os.geteuid() != 0:
        raise MachineError("booting machines needs root: run it as root, or start the cloud with `--machines memory`")
    _raise_settings(instance)
    # Each step is repeatable, so that an instance whose daemon was killed half-way through this comes up whole.
    netns.ensure(instance.hub)
    netns.make_router(instance.hub)
    ip_batch(instance.hub, (f"addr replace {address}/32 dev lo" for address in (METADATA, *RESOLVERS)))
    in_hub = ["nsenter", f"--net=/run/netns/{instance.hub}", "nft"]
    if not succeeds([*in_hub, "list", "map", "inet", "lc", "inward"]):
        rules = HUB_RULES.format(
            pool=instance.public_ipv4,
            leg=f"{instance.leg_host}/31",
            metadata=METADATA,
            http=HTTP_PORT,
            tls=TLS_PORT,
        )
        run([*in_hub, "-f", "-"], stdin=rules)
    _leg(instance)


def _leg(instance: Instance) -> None:
    if not Path("/sys/class/net", instance.leg).exists():
        run(["ip", "link", "add", instance.leg, "type", "veth", "peer", "name", "leg", "netns", instance.hub])
    ip_batch(
        instance.hub,
        [f"addr replace {instance.leg_hub}/31 dev leg", netns.quick_arp("leg"), "link set leg up"],
    )
    ip_batch(
        None,
        [
            f"addr replace {instance.leg_host}/31 dev {instance.leg}",
            netns.quick_arp(instance.leg),
            f"link set {instance.leg} up",
            f"route replace {instance.public_ipv4} via {instance.leg_hub} dev {instance.leg}",
            # Should the leg ever be down, addresses of machines must not go out by the host's default route.
            f"route replace unreachable {instance.public_ipv4} metric 9999",
        ],
    )
    if netns.has_ipv6():
        _leg_ipv6(instance)


def _leg_ipv6(instance: Instance) -> None:
    ip_batch(instance.hub, ["addr replace fe80::2/64 dev leg nodad"])
    ip_batch(
        None,
        [
            f"addr replace {instance.public_ipv6[1]}/128 dev {instance.leg} nodad",
            f"route replace {instance.public_ipv6} via fe80::2 dev {instance.leg}",
            f"route replace unreachable {instance.public_ipv6} metric 9999",
        ],
    )
    ip_batch(instance.hub, [f"route replace {instance.public_ipv6[1]}/128 dev leg"])


def down(instance: Instance) -> None:
    """Remove the hub, the leg and the routes, and put the host's settings back when no other instance is up."""
    succeeds(["ip", "link", "del", instance.leg])
    succeeds(["ip", "route", "del", "unreachable", str(instance.public_ipv4), "metric", "9999"])
    succeeds(["ip", "-6", "route", "del", "unreachable", str(instance.public_ipv6), "metric", "9999"])
    for name in netns.listed():
        if instance.owns_namespace(name):
            netns.remove(name)
    shutil.rmtree(instance.run_folder, ignore_errors=True)
    _restore_settings(instance)


def plug_public(instance: Instance, namespace: str, port: str, address: str, network6: str | None, mac: str) -> None:
    """Give ``namespace`` a public interface ``eth0`` that ends in the hub's ``port``, configured as at Hetzner.

    ``address`` is IPv4 without a length; ``network6`` a /64, of which the interface takes the address ``::1``.
    """
    run(
        ["ip", "link", "add", port, "netns", instance.hub, "type", "veth",
         "peer", "name", "eth0", "address", mac, "netns", namespace]
    )  # fmt: skip
    hub = [f"addr add {GATEWAY}/32 dev {port}", netns.quick_arp(port), f"link set {port} up"]
    inner = [netns.quick_arp("eth0"), "link set eth0 up"]
    if address:
        hub.append(f"route replace {address}/32 dev {port}")
        inner += [f"addr add {address}/32 dev eth0", f"route replace default via {GATEWAY} dev eth0 onlink"]
    if network6 and netns.has_ipv6():
        hub += [f"addr add fe80::1/64 dev {port} nodad", f"route replace {network6} dev {port}"]
        first = network6.replace("::/64", "::1/64")
        inner += [f"addr add {first} dev eth0 nodad", "route replace ::/0 via fe80::1 dev eth0"]
    ip_batch(instance.hub, hub)
    ip_batch(namespace, inner)


def unplug(namespace: str, port: str) -> None:
    """Remove the interface ``port`` of ``namespace`` (both ends go)."""
    succeeds(["ip", "-n", namespace, "link", "del", port])
