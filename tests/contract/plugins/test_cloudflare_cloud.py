"""The plugin's resources against the embedded Cloudflare: what one sends the other takes, and tells back unchanged."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from localcloud.cloudflare.app import create_app
from localcloud.plugins.cloudflare.provider import make
from tests.contract.cloudflare.serving import TOKEN, remembering
from tests.contract.listening import listening
from tests.contract.plugins.cloudflare_cases import CASES
from tests.contract.plugins.cloudflare_stub import ACCOUNT, ZONE
from tests.contract.plugins.driver import Failed, Made, Plugin, serve

NEEDY = {
    "application",
    "certificate for an origin",
    "custom domain",
    "deployment",
    "notification",
    "policy",
    "route",
    "schedules",
    "subdomain of a script",
    "token of the account",
    "token of the user",
    "worker",
}
"""Cases whose ids are made up: below, what needs other things is made with them."""
FIRST = {
    "domain of a bucket": "bucket",
    "public address of a bucket": "bucket",
    "lifecycle": "bucket",
    "lock": "bucket",
    "cors": "bucket",
}
TOLD_NEVER = {"webhook": {"secret"}, "identity provider": {"config"}}
"""Inputs that an import cannot know."""


@dataclass
class Served:
    """A cloud in this process, nothing behind it."""

    url: str
    account: str
    zone: str

    def of(self, value: Any) -> Any:
        """A case's value with the account and the zone that there are."""
        return json.loads(json.dumps(value).replace(ACCOUNT, self.account).replace(ZONE, self.zone))


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Served]:
    made, zone = remembering(tmp_path, "localhost")
    with listening(create_app(made)) as url:
        yield Served(f"{url}/client/v4", made.account_id, zone)


@pytest.fixture
def cloudflare(cloud: Served) -> Iterator[Plugin]:
    with serve(make, "cloudflare") as plugin:
        plugin.configure(apiToken=TOKEN, baseUrl=cloud.url)
        yield plugin


def make_thing(cloudflare: Plugin, kind: str, inputs: dict[str, Any]) -> Made:
    return cloudflare.create(kind, "thing", timeout=10, **inputs)


@pytest.mark.parametrize("name", [name for name in CASES if name not in NEEDY])
def test_a_resource_lives_its_life_in_the_embedded_cloud(name: str, cloud: Served, cloudflare: Plugin) -> None:
    """A default that the cloud fills in and the plugin takes for a change would never be done."""
    case = CASES[name]
    inputs = cloud.of(case.inputs)
    if needed := FIRST.get(name):
        make_thing(cloudflare, CASES[needed].kind, cloud.of(CASES[needed].inputs))
    made = make_thing(cloudflare, case.kind, inputs)
    cloudflare.settled(made, **inputs)
    if case.changed:
        inputs = inputs | cloud.of(case.changed)
        assert not cloudflare.diff(made, inputs).replaces
        made = cloudflare.update(made, **inputs)
        cloudflare.settled(made, **inputs)
    if case.import_id:
        found = cloudflare.imported(case.kind, "thing", cloud.of(case.import_id).replace(case.id, made.id))
        assert found is not None and found.id == made.id
        changes = cloudflare.diff(found, inputs).changes
        assert {path.split(".")[0] for path in changes} <= TOLD_NEVER.get(name, set()), changes
    cloudflare.delete(made)
    if case.ended:
        assert cloudflare.read(made) is None


def test_the_zone_is_found(cloud: Served, cloudflare: Plugin) -> None:
    """The program looks it up by name, and must not take another one for it."""
    found = cloudflare.invoke("getZone", filter={"name": "localhost"})
    assert found["zoneId"] == cloud.zone and found["account"]["id"] == cloud.account
    with pytest.raises(Failed, match=r"no zone found by name example\.com"):
        cloudflare.invoke("getZone", filter={"name": "example.com"})


def test_a_token_for_a_bucket(cloud: Served, cloudflare: Plugin) -> None:
    """Backups' keys are derived from it."""
    name = "Workers R2 Storage Bucket Item Write"
    groups = cloudflare.invoke("getAccountApiTokenPermissionGroupsList", accountId=cloud.account, name=name)
    policy = {
        "effect": "allow",
        "permissionGroups": [{"id": groups["results"][0]["id"]}],
        "resources": json.dumps({f"com.cloudflare.edge.r2.bucket.{cloud.account}_default_backups": "*"}),
    }
    inputs = {"accountId": cloud.account, "name": "backups", "policies": [policy]}
    made = make_thing(cloudflare, "AccountToken", inputs)
    assert len(made.outputs["value"]) >= 40
    fresh = cloudflare.settled(made, **inputs)
    assert fresh.outputs["value"] == made.outputs["value"]
    made = cloudflare.update(made, **inputs | {"name": "backups-2"})
    cloudflare.settled(made, **inputs | {"name": "backups-2"})
    cloudflare.delete(made)
    assert cloudflare.read(made) is None


def test_a_login_before_the_admin(cloud: Served, cloudflare: Plugin) -> None:
    account = {"accountId": cloud.account}
    members = account | {"name": "editors", "includes": [{"emailDomain": {"domain": "optic.works"}}]}
    group = make_thing(cloudflare, "ZeroTrustAccessGroup", members)
    rule = account | {"name": "editors", "decision": "allow", "includes": [{"group": {"id": group.id}}]}
    policy = make_thing(cloudflare, "ZeroTrustAccessPolicy", rule)
    admin = account | {
        "name": "admin",
        "type": "self_hosted",
        "domain": "api.localhost/app",
        "policies": [{"id": policy.id, "precedence": 1}],
    }
    application = make_thing(cloudflare, "ZeroTrustAccessApplication", admin)
    assert application.outputs["aud"]
    for made, inputs in ((group, members), (policy, rule), (application, admin)):
        cloudflare.settled(made, **inputs)
    changed = admin | {"sessionDuration": "8h"}
    application = cloudflare.update(application, **changed)
    cloudflare.settled(application, **changed)
    for made in (application, policy, group):
        cloudflare.delete(made)
        assert cloudflare.read(made) is None


def test_a_worker_from_code_to_host_name(cloud: Served, cloudflare: Plugin, tmp_path: Path) -> None:
    (tmp_path / "worker.js").write_text("export default { fetch: () => new Response('hello') };\n")
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "logo.svg").write_text("<svg/>")
    account = {"accountId": cloud.account}
    named = account | {"name": "storefront", "observability": {"enabled": True}, "tags": ["b", "a"]}
    module = {"name": "worker.js", "contentType": "application/javascript+module"}
    worker = make_thing(cloudflare, "Worker", named)
    steps: list[tuple[Made, dict[str, Any]]] = [(worker, named)]

    def step(kind: str, inputs: dict[str, Any]) -> Made:
        made = make_thing(cloudflare, kind, inputs)
        steps.append((made, inputs))
        return made

    version = step(
        "WorkerVersion",
        account
        | {
            "workerId": worker.id,
            "mainModule": "worker.js",
            "modules": [module | {"contentFile": str(tmp_path / "worker.js")}],
            "bindings": [
                {"name": "ORIGIN", "type": "secret_text", "text": "hush"},
                {"name": "ASSETS", "type": "assets"},
            ],
            "assets": {"directory": str(tmp_path / "assets"), "config": {"notFoundHandling": "404-page"}},
            "compatibilityDate": "2026-01-01",
        },
    )
    script = account | {"scriptName": "storefront"}
    traffic = [{"versionId": version.id, "percentage": 100}]
    step("WorkersDeployment", script | {"strategy": "percentage", "versions": traffic})
    step("WorkersCronTrigger", script | {"schedules": [{"cron": "0 3 * * *"}]})
    step("WorkersScriptSubdomain", script | {"enabled": False})
    zone = {"zoneId": cloud.zone}
    step("WorkersCustomDomain", account | zone | {"hostname": "store.localhost", "service": "storefront"})
    step("WorkersRoute", zone | {"pattern": "api.localhost/x/*", "script": "storefront"})
    for made, inputs in steps:
        cloudflare.settled(made, **inputs)
    for made, _ in reversed(steps):
        cloudflare.delete(made)
    assert cloudflare.read(worker) is None
