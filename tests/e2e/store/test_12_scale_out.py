"""Scaling out by one config value, while customers are in the store."""

from __future__ import annotations

import time

from tests.e2e.store.checkout import Checkout, names
from tests.e2e.store.customers import INSTANCES, customers


def test_three_instances_serve_and_no_request_is_lost_on_the_way(store: Checkout) -> None:
    """A target that joins before it can answer, or a first instance that restarts, costs orders."""
    with store.api() as api:
        before = {server["name"]: server["id"] for server in api.get("/v1/servers").json()["servers"]}
    store.shell("pulumi config set medusaInstances 3 -s local")
    started = time.monotonic()
    with customers(store) as load:
        store.up()
        report = store.status()
    store.seconds["scale 1 to 3"] = time.monotonic() - started

    assert load.failures == [] and load.sent > 20
    assert [(one["name"], one["health"]) for one in report["instances"]] == [(name, "healthy") for name in INSTANCES]
    assert len({one["release"] for one in report["instances"]}) == 1
    with store.api() as api:
        after = {server["name"]: server["id"] for server in api.get("/v1/servers").json()["servers"]}
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) == set(INSTANCES[1:])


def test_the_balancer_gives_each_its_share(store: Checkout) -> None:
    """Three paid for and one working is found at the next peak."""
    with customers(store) as load:
        while load.sent < 24:
            time.sleep(0.1)
    assert load.failures == []
    assert set(load.instances) == set(INSTANCES) and min(load.instances.values()) >= 4


def test_a_scaled_stack_has_nothing_left_to_do(store: Checkout) -> None:
    """An order of resources that differs from run to run shows as changes."""
    store.shell("pulumi preview -s local --expect-no-changes --non-interactive --color never")
    with store.api() as api:
        assert len(api.get("/v1/load_balancers").json()["load_balancers"][0]["targets"]) == 3
        assert names(api.get("/v1/placement_groups").json()["placement_groups"])
