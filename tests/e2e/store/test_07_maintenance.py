"""The store is closed and opened by one key, as somebody does it at night with nothing but the dashboard."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from datetime import UTC, datetime, timedelta

import httpx

from tests.e2e.store.checkout import Checkout, eventually
from tests.e2e.store.cloudflare import Cloudflare, cloudflare

SEEN_SECONDS = 75
"""KV tells every place within a minute, and the Worker believes what it read for some seconds."""
PAGE = {"Accept": "text/html"}


def test_the_store_closes_lets_operators_in_and_opens_again(store: Checkout) -> None:
    """Half-migrated data on sale, or a store that nobody can look at before it opens."""
    outputs = store.outputs()
    url, status = outputs["storefrontUrl"], outputs["statusUrl"]
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    with store.client(headers=PAGE) as visitor, store.client(headers=PAGE) as operator, cloudflare(store) as api:
        try:
            switch(api, json.dumps({"until": until.isoformat(), "message": "We count the lenses."}))
            eventually("the store is closed", lambda: visitor.get(url).status_code == 503, SEEN_SECONDS)
            closed = visitor.get(f"{url}/products/anything")
            assert closed.status_code == 503 and 3000 < int(closed.headers["retry-after"]) <= 3600
            assert "We count the lenses." in closed.text and closed.headers["cache-control"] == "no-store"
            told = visitor.get(status, headers={"Accept": "application/json"}).json()
            assert told["status"] == "maintenance" and "We count the lenses." in json.dumps(told["maintenance"])
            assert visitor.get(f"{outputs['apiUrl']}/health").status_code == 200

            forged = operator.get(f"{url}/maintenance/pass", params={"token": made_out(store, "wrong")})
            assert forged.status_code == 403
            opened = operator.get(f"{url}/maintenance/pass", params={"token": made_out(store)}, follow_redirects=True)
            assert opened.status_code == 200 and 'data-testid="products"' in opened.text
            assert opened.headers["cache-control"] == "private, no-store"
            assert visitor.get(url).status_code == 503
        finally:
            gone = switch(api, None)
        assert gone.is_success
        eventually("the store is open", lambda: visitor.get(url).status_code == 200, SEEN_SECONDS)
        eventually("the status page says so", lambda: operational(visitor, status), SEEN_SECONDS)


def test_the_runbooks_commands_close_it_let_somebody_in_and_open_it(store: Checkout) -> None:
    """A runbook that was never tried is read for the first time at night."""
    url = store.outputs()["storefrontUrl"]
    try:
        store.run("scripts/store", "maintenance", "on", "--until", "+90m", "--message", "We count the mirrors.")
        link = store.run("scripts/store", "maintenance", "pass", "--for", "ada@optic.works").stdout.strip()
        with store.client(headers=PAGE) as visitor, store.client(headers=PAGE) as operator:
            closed, opened = visitor.get(url), operator.get(link, follow_redirects=True)
        assert closed.status_code == 503 and "We count the mirrors." in closed.text
        assert opened.status_code == 200 and 'data-testid="products"' in opened.text
    finally:
        store.run("scripts/store", "maintenance", "off")
    with store.client(headers=PAGE) as visitor:
        assert visitor.get(url).status_code == 200


def switch(api: Cloudflare, value: str | None) -> httpx.Response:
    """Write the key, or delete it."""
    namespace = api.found("A/storage/kv/namespaces", title="local-storefront-state")["id"]
    path = f"A/storage/kv/namespaces/{namespace}/values/maintenance"
    return api.ask("DELETE", path) if value is None else api.ask("PUT", path, content=value.encode())


def operational(client: httpx.Client, url: str) -> bool:
    return bool(client.get(url, headers={"Accept": "application/json"}).json()["status"] == "operational")


def made_out(store: Checkout, secret: str = "") -> str:
    """A pass for an hour, as whoever holds the secret makes one."""
    key = secret or store.shell("pulumi config get passSecret -s local").stdout.strip()
    signed = f"v1.{int(time.time()) + 3600}.ops@optic.works"
    mac = hmac.new(key.encode(), f"store-pass:{signed}".encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
