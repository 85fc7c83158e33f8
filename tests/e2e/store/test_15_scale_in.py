"""Scaling in by one config value, while customers are in the store."""

from __future__ import annotations

from tests.e2e.store.checkout import Checkout, names
from tests.e2e.store.customers import customers


def test_back_to_one_loses_no_request(store: Checkout) -> None:
    """A server deleted before its connections ended answered nobody, for as long as the balancer took to notice."""
    store.shell("pulumi config set medusaInstances 1 -s local")
    with customers(store) as load:
        store.up()
        report = store.status()
    assert load.failures == [] and load.sent > 20
    assert [(one["name"], one["health"]) for one in report["instances"]] == [("local-medusa-1", "healthy")]
    assert report["loadBalancer"]["targets"]["total"] == 1
    with store.api() as api:
        assert names(api.get("/v1/servers").json()["servers"]) == ["local-medusa-1", "local-postgres", "local-redis"]
        addresses = names(api.get("/v1/primary_ips").json()["primary_ips"])
    # An address without a server is billed all the same.
    assert [name for name in addresses if "medusa" in name] == ["local-medusa-1"]
    store.shell("pulumi preview -s local --expect-no-changes --non-interactive --color never")
