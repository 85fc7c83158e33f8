"""The storefront's resources through the real engine and the stand-in plugin, against the embedded Cloudflare."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from localcloud.cloudflare import assemble
from localcloud.cloudflare.app import create_app
from tests.contract.cloudflare.serving import TOKEN, remembering
from tests.contract.listening import listening
from tests.contract.program.project import DESTROY, NOTHING, REFRESH, STACK, UP, Project, program
from tests.unit.storefront.folders import composed

SECRET = "the-origin-header's-value"


@dataclass
class Served:
    url: str
    account: str
    zone: str
    calls: list[str]
    """What was written: method and path, the path without what it starts with."""
    cloudflare: Any
    """The embedded Cloudflare itself."""

    def served_headers(self) -> str:
        """What the data plane is told to send with the assets of the only version."""
        with self.cloudflare.store.transaction() as tx:
            (version,) = assemble.snapshot(tx, self.account).program.versions
        assert version.assets is not None and "_headers" not in {module.name for module in version.modules}
        return str(version.assets.config["_headers"])

    def ask(self, path: str) -> Any:
        answer = httpx.get(
            f"{self.url}/accounts/{self.account}{path}",
            headers={"Authorization": f"Bearer {TOKEN}"},
            trust_env=False,
        )
        answer.raise_for_status()
        return answer.json()["result"]


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Served]:
    made, zone = remembering(tmp_path, "store.localhost")
    app, calls = create_app(made), list[str]()

    async def recorded(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["method"] != "GET":
            path = scope["path"].removeprefix("/client/v4").removeprefix(f"/accounts/{made.account_id}")
            calls.append(f"{scope['method']} {path}")
        await app(scope, receive, send)

    with listening(recorded) as url:
        yield Served(f"{url}/client/v4", made.account_id, zone, calls, made)


@pytest.fixture
def project(tmp_path: Path, cloud: Served) -> Project:
    made = program(tmp_path / "project", Path(__file__).parent / "program")
    made.set(STACK, "cloudflare:baseUrl", cloud.url)
    made.set(STACK, "cloudflare:apiToken", TOKEN, secret=True)
    made.set(STACK, "account", cloud.account)
    made.set(STACK, "zone", cloud.zone)
    made.set(STACK, "bundle", str(composed(tmp_path / "bundle")))
    made.set(STACK, "originSecret", SECRET, secret=True)
    return made


def test_a_storefront_lives_its_life(project: Project, cloud: Served, tmp_path: Path) -> None:
    """Up, again, refresh, a new bundle, a canary, destroy: at each step nothing unasked for."""
    pulumi = project.pulumi
    pulumi("preview", "--stack", STACK)
    assert cloud.calls == [], "a preview makes nothing"
    pulumi(*UP)
    first = project.output("version")
    assert project.output("worker") == "local-storefront"
    version = cloud.ask(f"/workers/workers/local-storefront/versions/{first}?include=modules")
    names = [binding["name"] for binding in version["bindings"]]
    assert names == sorted(names) and {"ALPHA", "ASSETS", "STORE_STATE", "ZEBRA"} < set(names)
    assert "MAINTENANCE" not in names and "IMAGES_URL" not in names
    assert {one["name"] for one in version["modules"]} == {"index.js", "storefront/worker.js", "_headers"}
    (folder,) = (project.folder / ".local/storefronts").iterdir()
    assert folder.name == f"storefront-{version['annotations']['workers/tag']}"
    assert cloud.served_headers() == "/*\n  X-Robots-Tag: noindex\n", "the assets' own rules reach them"
    worker = cloud.ask("/workers/workers/local-storefront")
    assert worker["observability"]["enabled"] and not worker["subdomain"]["enabled"]
    assert {one["hostname"] for one in cloud.ask("/workers/domains")} == {"store.localhost", "status.store.localhost"}
    assert [one["title"] for one in cloud.ask("/storage/kv/namespaces")] == ["local-storefront-state"]
    exported = pulumi("stack", "export", "--stack", STACK).stdout
    assert SECRET not in exported and "p" * 32 not in exported, "secrets are encrypted in the state"
    assert str(tmp_path) not in exported, "no path of this machine in the state"

    cloud.calls.clear()
    pulumi(*UP)
    pulumi(*REFRESH)
    pulumi(*NOTHING)
    assert cloud.calls == [], "a second run uploads nothing"

    changed = composed(tmp_path / "changed", assets={"hello.txt": "hello", "new.txt": "new"})
    project.set(STACK, "bundle", str(changed))
    pulumi(*UP)
    second = project.output("version")
    assert second != first
    shares = cloud.ask("/workers/scripts/local-storefront/deployments")["deployments"][0]["versions"]
    assert shares == [{"version_id": second, "percentage": 100}]
    assert not [call for call in cloud.calls if call.startswith("DELETE") or "domains" in call]
    assert len([call for call in cloud.calls if call.endswith("/versions")]) == 1
    assert cloud.ask(f"/workers/workers/local-storefront/versions/{first}"), "the old version is there to go back to"

    cloud.calls.clear()
    project.pulumi("config", "set", "--path", f"versions.{first}", "90", "--stack", STACK)
    pulumi(*UP)
    shares = cloud.ask("/workers/scripts/local-storefront/deployments")["deployments"][0]["versions"]
    assert sorted(shares, key=lambda one: one["percentage"]) == [
        {"version_id": second, "percentage": 10},
        {"version_id": first, "percentage": 90},
    ]
    assert cloud.calls == ["POST /workers/scripts/local-storefront/deployments"]
    pulumi(*NOTHING)

    # A share for the version that this bundle is itself: named twice, the API would refuse the deployment.
    project.pulumi("config", "rm", "versions", "--stack", STACK)
    project.pulumi("config", "set", "--path", f"versions.{second}", "90", "--stack", STACK)
    pulumi(*UP)
    shares = cloud.ask("/workers/scripts/local-storefront/deployments")["deployments"][0]["versions"]
    assert shares == [{"version_id": second, "percentage": 100}]

    pulumi(*DESTROY)
    for path in ("/workers/domains", "/workers/workers", "/storage/kv/namespaces"):
        assert cloud.ask(path) == []


def test_a_rotated_secret_is_a_new_version(project: Project, cloud: Served) -> None:
    """Changed in place it would be in no version, and the next rollback would bring the old one back."""
    project.pulumi(*UP)
    first = project.output("version")
    cloud.calls.clear()
    project.set(STACK, "originSecret", "another", secret=True)
    done = project.pulumi(*UP)
    assert "another" not in done.stdout + done.stderr
    assert project.output("version") != first
    # The session only asks which assets are missing: none is.
    assert cloud.calls == [
        "POST /workers/scripts/local-storefront/assets-upload-session",
        next(call for call in cloud.calls if call.endswith("/versions")),
        "POST /workers/scripts/local-storefront/deployments",
    ]
