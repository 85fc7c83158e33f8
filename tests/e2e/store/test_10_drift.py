"""What somebody changed on Cloudflare past Pulumi is named, all of it and nothing else, and put right."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import cloudflare as sdk
import pytest

from tests.e2e.store.checkout import Checkout, eventually
from tests.e2e.store.cloudflare import Cloudflare, cloudflare
from tests.e2e.store.wrangler import Wrangler

CHANGED = {
    "cloudflare:index:DnsRecord dns-api",
    "cloudflare:index:R2BucketLifecycle backups-lifecycle",
    "cloudflare:index:Worker storefront-worker",
}
OTHER_CODE = "somebody else's code"


@pytest.mark.skipif(shutil.which("node") is None, reason="no node on PATH")
def test_a_record_a_rule_and_a_worker_changed_by_hand_are_named_and_healed(store: Checkout, tmp_path: Path) -> None:
    """The change of a bad night that nobody wrote down: the next `pulumi up` must not leave it, nor find more."""
    outputs = store.outputs()
    host = outputs["apiUrl"].removeprefix("https://").partition(":")[0]
    with cloudflare(store) as api, store.client(outputs["storefrontUrl"]) as visitor:
        redirect(api, host)
        shorten(api, outputs["backupsBucket"])
        # By a configuration with nothing in it but the name: other code, no logs, and an address at workers.dev.
        wrangler = Wrangler(store, tmp_path)
        wrangler.code(OTHER_CODE)
        wrangler.run("deploy")
        eventually("visitors get the other code", lambda: visitor.get("/").text == OTHER_CODE, 10)

        seen = store.shell("pulumi refresh --preview-only --diff=false -s local --non-interactive --color never").stdout
        assert named(seen) == CHANGED, seen

        healed = store.shell("pulumi up --refresh --yes --skip-preview -s local --non-interactive --color never").stdout
        assert OTHER_CODE not in healed
        eventually("visitors get the store", lambda: 'data-testid="products"' in visitor.get("/").text, 10)
        record = api.found("Z/dns_records", name=host)
        assert (record["content"], record["proxied"]) == (outputs["loadBalancerAddress"], True)
        rules = api.result("GET", f"A/r2/buckets/{outputs['backupsBucket']}/lifecycle")["rules"]
        assert rules[0]["deleteObjectsTransition"]["condition"]["maxAge"] == 35 * 24 * 3600
        worker = api.result("GET", f"A/workers/workers/{outputs['storefrontWorker']}")
        assert worker["observability"]["enabled"] is True and worker["subdomain"]["enabled"] is False
    store.shell("pulumi preview -s local --expect-no-changes --non-interactive --color never")
    store.shell("pulumi refresh --preview-only --expect-no-changes --non-interactive --color never -s local")


def redirect(api: Cloudflare, host: str) -> None:
    """The API's record to another address and past the proxy, by the SDK as a script does it."""
    token = api.client.headers["authorization"].removeprefix("Bearer ")
    with sdk.Cloudflare(api_token=token, base_url=str(api.client.base_url), _strict_response_validation=True) as client:
        record = next(iter(client.dns.records.list(zone_id=api.zone, name={"exact": host})))
        client.dns.records.edit(
            record.id, zone_id=api.zone, name=host, type="A", ttl=1, content="192.0.2.7", proxied=False
        )


def shorten(api: Cloudflare, bucket: str) -> None:
    """Dumps expire a day after they were made."""
    lifecycle = api.result("GET", f"A/r2/buckets/{bucket}/lifecycle")
    lifecycle["rules"][0]["deleteObjectsTransition"]["condition"]["maxAge"] = 24 * 3600
    api.result("PUT", f"A/r2/buckets/{bucket}/lifecycle", json=lifecycle)


def named(seen: str) -> set[str]:
    """The resources that a refresh's preview says differ, as type and name."""
    return set(re.findall(r"^ *[~+-]+ +(\w+:\w+:\w+ \S+) (?:update|delete)\b", seen, re.MULTILINE))
