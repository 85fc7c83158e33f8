"""Up: a clean checkout becomes a store with one command, and a second run finds nothing to do."""

from __future__ import annotations

import re

from tests.e2e.store.checkout import Checkout

HEALTHY = {"status": "ok", "database": "connected", "redis": "connected"}
EXPECTED_OUTPUTS = {
    "apiUrl", "loadBalancerAddress", "loadBalancerType", "instances", "sshHosts", "databaseAddress", "databaseName",
    "redisDurableAddress", "redisCacheAddress", "publishableKey", "environment", "release", "storefrontUrl", "adminUrl",
    "imagesUrl", "statusUrl", "metricsUrl", "backupsBucket", "backupsEndpoint", "backupsCredentials",
    "accessServiceToken", "cloudflareZoneId", "ownsZone", "storefrontWorker", "storefrontVersion",
    "storefrontStateNamespace",
}  # fmt: skip


def test_one_command_ends_with_a_store_that_answers(store: Checkout) -> None:
    """A newcomer's first minutes: whatever else works, this must."""
    with store.client(store.outputs()["apiUrl"]) as client:
        answer = client.get("/health")
    assert (answer.status_code, answer.json()) == (200, HEALTHY)
    assert answer.headers["x-instance"] == "local-medusa-1"


def test_the_last_lines_are_the_addresses_each_asked(store: Checkout) -> None:
    """Addresses that nobody tried send a newcomer into a locked door, and the next question is ours to answer."""
    rows = dict(re.findall(r"^ +ok +(.+?)  +(\S+)  ", store.table, re.MULTILINE))
    outputs = store.outputs()
    addresses = {
        "Storefront": outputs["storefrontUrl"],
        "Health": f"{outputs['apiUrl']}/health",
        "Store API": f"{outputs['apiUrl']}/store/products",
        "Admin": outputs["adminUrl"],
        "Bucket": f"{outputs['backupsEndpoint']}/{outputs['backupsBucket']}",
    }
    assert addresses.items() <= rows.items() and rows["Images"].startswith(outputs["imagesUrl"])
    assert "NOT OK" not in store.table


def test_outputs_are_those_that_people_and_commands_rely_on(store: Checkout) -> None:
    """A renamed output breaks the runbook at night."""
    outputs = store.outputs()
    assert set(outputs) >= EXPECTED_OUTPUTS
    assert set(outputs["sshHosts"]) == {"medusa-local", "postgres-local", "redis-local"}


def test_a_second_up_changes_nothing(store: Checkout) -> None:
    """A resource that changes on every run hides the change that matters, and restarts things for nothing."""
    store.shell("pulumi preview -s local --expect-no-changes --non-interactive --color never")


def test_what_was_made_is_what_the_state_says(store: Checkout) -> None:
    """Drift on a fresh stack means that a provider reads back something else than it wrote."""
    store.shell("pulumi refresh --preview-only --expect-no-changes --non-interactive --color never -s local")


def test_no_secret_lies_in_the_clear(store: Checkout) -> None:
    """Outputs are pasted into chats, state is synced to a bucket, logs are sent around."""
    config = store.shell("pulumi config --json --show-secrets -s local").json()
    secrets = {key: entry["value"].strip() for key, entry in config.items() if entry.get("secret")}
    assert len(secrets) >= 9
    places = [*(store.root / ".local" / "state").rglob("*.json"), *(store.root / ".local").rglob("*.log")]
    places += [*(store.root / ".local").glob("cloud/*.jsonl"), *store.root.glob("Pulumi.*.yaml")]
    texts = {str(path.relative_to(store.root)): path.read_text(errors="replace") for path in places}
    texts["stack output"] = store.shell("pulumi stack output --json -s local").stdout
    # Of a key of several lines one line is enough to find it, however line ends are written.
    needles = {key: value.splitlines()[1] if "\n" in value else value for key, value in secrets.items()}
    found = [(key, place) for key, needle in needles.items() for place, text in texts.items() if needle in text]
    assert found == []
