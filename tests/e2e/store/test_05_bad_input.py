"""Mistakes at a store that runs: named, with the way out, before anything is changed."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.store.checkout import Checkout, Ran
from tests.e2e.store.cloudflare import cloudflare


class Attempt:
    """A preview with a copy of the stack's config; what was asked of Cloudflare meanwhile is looked at."""

    def __init__(self, store: Checkout, folder: Path) -> None:
        self.store = store
        self.config = folder / "Pulumi.local.yaml"
        self.config.write_bytes((store.root / "Pulumi.local.yaml").read_bytes())

    def set(self, *words: str) -> None:
        self.store.shell(f"pulumi config set -s local --config-file {self.config} {shlex.join(words)}")

    def refused(self) -> Ran:
        """The preview fails, without a traceback, and without a request that changes anything."""
        number = len(self._journal())
        ran = self.store.shell(
            f"pulumi preview -s local --config-file {self.config} --non-interactive --color never", check=False
        )
        assert ran.code != 0 and "Traceback" not in ran.said, ran.said
        assert [line for line in self._journal()[number:] if json.loads(line)["method"] != "GET"] == []
        return ran

    def _journal(self) -> list[str]:
        return (self.store.cloud / "cloudflare-requests.jsonl").read_text().splitlines()


@pytest.fixture
def attempt(store: Checkout, tmp_path: Path) -> Iterator[Attempt]:
    """None of it may touch the stack's own file."""
    before = (store.root / "Pulumi.local.yaml").read_bytes()
    yield Attempt(store, tmp_path)
    assert (store.root / "Pulumi.local.yaml").read_bytes() == before


def test_a_zones_id_is_no_account(store: Checkout, attempt: Attempt) -> None:
    """The dashboard shows both beside each other; what Cloudflare itself answers is an authentication error."""
    zone = store.outputs()["cloudflareZoneId"]
    account = store.shell("pulumi config get cloudflareAccountId -s local").stdout.strip()
    attempt.set("cloudflareAccountId", zone)
    said = attempt.refused().said
    assert "is the id of zone store.localhost, not of an account" in said
    assert f"pulumi config set cloudflareAccountId {account}" in said


def test_a_host_name_outside_the_zone(attempt: Attempt) -> None:
    """It would be refused half-way, with the store's old name gone already."""
    attempt.set("storefrontHost", "shop.example.com")
    said = attempt.refused().said
    assert "storefrontHost" in said and "shop.example.com" in said and "store.localhost" in said


def test_a_secret_in_a_plain_variable(attempt: Attempt) -> None:
    """Plain variables are shown on the dashboard, in the API and in previews; the refusal does not show it either."""
    secret = "sk_live_" + "51AbCdEfGhIjKlMnOpQrStUv"
    attempt.set("--plaintext", "--path", "storefrontVariables.STRIPE_API_KEY", secret)
    said = attempt.refused().said
    assert "STRIPE_API_KEY" in said and "storefrontSecrets" in said and secret not in said


def test_a_token_without_a_permission_is_told_which(store: Checkout, attempt: Attempt) -> None:
    """An update that stops at the twentieth resource for a right that nobody named takes an evening."""
    with cloudflare(store) as api:
        groups = api.result("GET", "A/tokens/permission_groups")
        kept = [group for group in groups if not group["name"].startswith("DNS ")]
        assert len(kept) < len(groups)
        scopes = {
            f"com.cloudflare.api.account.{api.account}": "com.cloudflare.api.account",
            f"com.cloudflare.api.account.zone.{api.zone}": "com.cloudflare.api.account.zone",
        }
        policies = [
            {
                "effect": "allow",
                "permission_groups": [{"id": group["id"]} for group in kept if scope in group["scopes"]],
                "resources": {resource: "*"},
            }
            for resource, scope in scopes.items()
        ]
        token = api.result("POST", "A/tokens", json={"name": "without-dns", "policies": policies})
        try:
            attempt.set("--secret", "cloudflare:apiToken", token["value"])
            said = attempt.refused().said
        finally:
            api.result("DELETE", f"A/tokens/{token['id']}")
    assert "lacks the permission Zone → DNS → Edit on store.localhost" in said
    assert token["value"] not in said
