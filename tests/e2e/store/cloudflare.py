"""The checkout's embedded Cloudflare, asked by its API as a person with the dashboard, or another program, would."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tests.e2e.store.checkout import Checkout


class Cloudflare:
    """API v4 with everybody's rights; paths begin with `A` for the account and `Z` for the store's zone."""

    def __init__(self, client: httpx.Client, account: str, zone: str) -> None:
        self.client = client
        self.account = account
        self.zone = zone

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """The answer, whatever it is."""
        roots = {"A": f"/accounts/{self.account}", "Z": f"/zones/{self.zone}"}
        first, slash, rest = path.partition("/")
        return self.client.request(method, f"{roots[first]}{slash}{rest}", **options)

    def result(self, method: str, path: str, **options: Any) -> Any:
        """What the answer holds; the test fails if it is an error."""
        answer = self.ask(method, path, **options)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()["result"]

    def found(self, path: str, **wanted: object) -> dict[str, Any]:
        """The one object of a list that has these values."""
        every = self.result("GET", path, params={"per_page": 50})
        fitting = [one for one in every if all(one[key] == value for key, value in wanted.items())]
        assert len(fitting) == 1, f"{path} with {wanted}: {fitting or every}"
        return dict(fitting[0])


@contextmanager
def cloudflare(store: Checkout) -> Iterator[Cloudflare]:
    """Asks with the embedded cloud's own token."""
    token = (store.cloud / "cloudflare-token").read_text().strip()
    account = store.shell("printenv CLOUDFLARE_ACCOUNT_ID").stdout.strip()
    url = f"http://127.0.0.1:{store.ports['LOCALCLOUD_CLOUDFLARE_PORT']}/client/v4"
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=30) as client:
        yield Cloudflare(client, account, store.outputs()["cloudflareZoneId"])
