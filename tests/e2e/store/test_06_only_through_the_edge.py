"""Nothing answers that did not come through the edge, also while the secret by which servers know it changes."""

from __future__ import annotations

import pytest
from httpx import Client, ConnectError, ConnectTimeout

from tests.e2e.store.checkout import Checkout
from tests.e2e.store.customers import customers, visitors
from tests.e2e.store.origin import Origin, origin_secret

PATHS = ("/", "/app", "/admin", "/auth/user/emailpass", "/store/regions", "/health/../store/regions", "//store/regions")


@pytest.fixture(scope="module")
def origin(store: Checkout) -> Origin:
    return Origin.of(store)


@pytest.mark.parametrize("path", PATHS)
def test_the_load_balancer_refuses_who_comes_past_the_edge(origin: Origin, path: str) -> None:
    """Found by a scan of Hetzner's addresses, the API would be open without limits, login or rules."""
    for secret in ("", "0" * 64):
        answer = origin.ask(path, secret)
        assert answer.status_code == 403 and "x-instance" not in answer.headers, (path, secret)


def test_health_is_exempt_and_the_edges_own_secret_opens(store: Checkout, origin: Origin) -> None:
    """The balancer's own check has no secret; and a 403 for everybody would pass the test above, too."""
    assert origin.ask("/health").json()["status"] == "ok"
    assert origin.ask("/store/regions", origin_secret(store)).status_code == 200


@pytest.mark.parametrize("port", [80, 8000, 9000])
def test_an_instances_public_address_answers_nothing(store: Checkout, port: int) -> None:
    """A port that is open on the server itself leads past balancer and edge."""
    address = store.outputs()["instances"][0]["address"]
    with Client(trust_env=False, timeout=1) as client, pytest.raises((ConnectError, ConnectTimeout)):
        client.get(f"http://{address}:{port}/health")


def test_a_rotation_refuses_nobody_and_ends_the_old_secret(store: Checkout, origin: Origin) -> None:
    """A secret that cannot be changed without an outage is never changed."""
    old = origin_secret(store)
    with customers(store) as load, visitors(store) as pages:
        store.shell("store secrets rotate originSecret -s local")
        store.up()
        new = origin_secret(store)
        assert new != old and origin_secret(store, "originSecretPrevious") == old
        assert [origin.ask("/store/regions", secret).status_code for secret in (new, old)] == [200, 200]
        store.shell("pulumi config rm originSecretPrevious -s local")
        store.up()
    assert load.failures == [] and pages.failures == [] and min(load.sent, pages.sent) > 20
    assert [origin.ask("/store/regions", secret).status_code for secret in (new, old)] == [200, 403]
