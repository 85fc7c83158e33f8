"""Nothing answers that did not come through the edge, also while the secret by which servers know it changes."""

from __future__ import annotations

import pytest
from httpx import Client, ConnectError, ConnectTimeout, Response

from tests.e2e.store.checkout import Checkout
from tests.e2e.store.customers import customers, visitors

HEADER = "X-Origin-Secret"
PATHS = ("/", "/app", "/admin", "/auth/user/emailpass", "/store/regions", "/health/../store/regions", "//store/regions")


def direct(store: Checkout, path: str, secret: str = "") -> Response:
    """The load balancer, asked by its address with the API's name, as somebody does who found it out."""
    outputs = store.outputs()
    host = outputs["apiUrl"].removeprefix("https://").partition(":")[0]
    headers = {"Host": host, "x-publishable-api-key": outputs["publishableKey"]} | ({HEADER: secret} if secret else {})
    # The certificate is for Cloudflare to trust, and for nobody else.
    with Client(verify=False, trust_env=False, timeout=10) as client:
        url = f"https://{outputs['loadBalancerAddress']}{path}"
        return client.get(url, headers=headers, extensions={"sni_hostname": host})


def origin_secret(store: Checkout, name: str = "originSecret") -> str:
    return store.shell(f"pulumi config get {name} -s local").stdout.strip()


@pytest.mark.parametrize("path", PATHS)
def test_the_load_balancer_refuses_who_comes_past_the_edge(store: Checkout, path: str) -> None:
    """Found by a scan of Hetzner's addresses, the API would be open without limits, login or rules."""
    for secret in ("", "0" * 64):
        answer = direct(store, path, secret)
        assert answer.status_code == 403 and "x-instance" not in answer.headers, (path, secret)


def test_health_is_exempt_and_the_edges_own_secret_opens(store: Checkout) -> None:
    """The balancer's own check has no secret; and a 403 for everybody would pass the test above, too."""
    assert direct(store, "/health").json()["status"] == "ok"
    assert direct(store, "/store/regions", origin_secret(store)).status_code == 200


@pytest.mark.parametrize("port", [80, 8000, 9000])
def test_an_instances_public_address_answers_nothing(store: Checkout, port: int) -> None:
    """A port that is open on the server itself leads past balancer and edge."""
    address = store.outputs()["instances"][0]["address"]
    with Client(trust_env=False, timeout=1) as client, pytest.raises((ConnectError, ConnectTimeout)):
        client.get(f"http://{address}:{port}/health")


def test_a_rotation_refuses_nobody_and_ends_the_old_secret(store: Checkout) -> None:
    """A secret that cannot be changed without an outage is never changed."""
    old = origin_secret(store)
    with customers(store) as load, visitors(store) as pages:
        store.shell("store secrets rotate originSecret -s local")
        store.up()
        new = origin_secret(store)
        assert new != old and origin_secret(store, "originSecretPrevious") == old
        assert [direct(store, "/store/regions", secret).status_code for secret in (new, old)] == [200, 200]
        store.shell("pulumi config rm originSecretPrevious -s local")
        store.up()
    assert load.failures == [] and pages.failures == [] and min(load.sent, pages.sent) > 20
    assert [direct(store, "/store/regions", secret).status_code for secret in (new, old)] == [200, 403]
