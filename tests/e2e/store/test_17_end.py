"""The end: destroy leaves nothing in the cloud, and stopping the cloud leaves nothing on the machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.store.checkout import Checkout, eventually
from tests.e2e.store.cloudflare import Cloudflare, cloudflare
from tests.e2e.store.leftovers import listens, loops, mounts, processes

COLLECTIONS = (
    "servers", "networks", "firewalls", "volumes", "load_balancers", "primary_ips", "placement_groups", "ssh_keys",
)  # fmt: skip
AT_THE_EDGE = (
    "A/workers/workers", "A/workers/domains", "A/storage/kv/namespaces", "A/access/apps", "A/access/groups",
    "A/access/policies", "A/access/service_tokens", "A/alerting/v3/policies", "Z/dns_records", "Z/healthchecks",
)  # fmt: skip


@pytest.fixture(scope="module")
def edge(store: Checkout) -> Iterator[Cloudflare]:
    """Made while the stack still says which zone it is."""
    with cloudflare(store) as api:
        yield api


@pytest.mark.usefixtures("edge")
def test_destroy_leaves_nothing_in_the_cloud(store: Checkout) -> None:
    """What is forgotten is billed."""
    store.shell("pulumi destroy --yes --skip-preview --non-interactive --color never -s local")
    with store.api() as api:
        left = {name: api.get(f"/v1/{name}").json()[name] for name in COLLECTIONS}
    assert {name: [one["name"] for one in found] for name, found in left.items() if found} == {}


def test_destroy_leaves_the_zone_as_it_was_found(store: Checkout, edge: Cloudflare) -> None:
    """The zone is somebody's domain: it stays. Whatever else stays is a name that the next store cannot have."""
    left = {path: edge.result("GET", path) for path in AT_THE_EDGE}
    assert {path: found for path, found in left.items() if found} == {}
    assert edge.result("GET", "A/r2/buckets")["buckets"] == []
    assert [one["name"] for one in edge.result("GET", "Z/rulesets") if one["kind"] == "zone"] == []
    assert not [one for one in edge.result("GET", "A/tokens") if "backups" in one["name"]]
    assert edge.result("GET", "Z")["name"] == "store.localhost"
    with store.client() as client:
        assert client.get(f"https://store.localhost:{store.ports['LOCALCLOUD_EDGE_PORT']}/").status_code >= 400


def test_status_of_a_destroyed_stack_is_a_sentence(store: Checkout) -> None:
    """After the end, and before the beginning, there is nothing to show and a way to go on."""
    ran = store.run("scripts/store", "status", check=False)
    assert ran.code == 3 and "not up" in ran.stderr and "scripts/up" in ran.stderr


def test_stopping_the_daemon_leaves_nothing_on_the_machine(store: Checkout) -> None:
    """A laptop that tried the store out once must not carry its machines, mounts and addresses for ever."""
    store.shell("python -m localcloud stop")
    eventually("no process of the cloud is left", lambda: not processes(store.cloud), 15)
    assert mounts(store.cloud) == [] and loops(store.cloud) == []
    assert [name for name, port in store.ports.items() if listens(port)] == []
    assert [line for line in Path("/proc/net/unix").read_text().splitlines() if str(store.cloud) in line] == []
    store.run(".venv/bin/python", "-m", "localcloud.machines.leftovers", str(store.cloud))
