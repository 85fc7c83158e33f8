"""wrangler, unmodified, against the embedded API: what people and pipelines type."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.contract.cloudflare.serving import TOKEN, ZONE, Served
from tests.contract.storefront.conftest import installed

PACKAGE = Path(__file__).parent / "wrangler"
SCRIPT = """
export default {
  async fetch(request, env) { return env.ASSETS.fetch(request) },
  async scheduled() {},
}
"""


class Wrangler:
    """The command in a folder of an app, talking to one cloud."""

    def __init__(self, api: Served, folder: Path) -> None:
        self.api = api
        self.folder = folder
        self.binary = installed(PACKAGE) / ".bin" / "wrangler"

    def configure(self, **config: object) -> None:
        base = {"name": "shop", "main": "index.js", "compatibility_date": "2025-01-01"}
        (self.folder / "wrangler.json").write_text(json.dumps({**base, **config}))

    def run(self, *words: str, given: str = "", status: int = 0) -> str:
        base = f"{self.api.url}/client/v4"
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith(("CLOUDFLARE_", "WRANGLER_"))},
            "CLOUDFLARE_API_BASE_URL": base, "CLOUDFLARE_API_TOKEN": TOKEN,
            "CLOUDFLARE_ACCOUNT_ID": self.api.account, "WRANGLER_SEND_METRICS": "false", "CI": "1", "NO_COLOR": "1",
            "HOME": str(self.folder.parent),
        }  # fmt: skip
        done = subprocess.run(
            [str(self.binary), *words], cwd=self.folder, env=environment, input=given, capture_output=True, text=True,
            timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture
def wrangler(api: Served, tmp_path: Path) -> Wrangler:
    if shutil.which("node") is None:
        pytest.skip("no node on PATH")
    folder = tmp_path / "home" / "app"
    (folder / "public").mkdir(parents=True)
    (folder / "public" / "index.html").write_text("<h1>shop</h1>")
    (folder / "index.js").write_text(SCRIPT)
    return Wrangler(api, folder)


def test_a_worker_is_deployed_split_and_rolled_back(api: Served, wrangler: Wrangler) -> None:
    """A deploy that works against the embedded cloud only through our own client proves nothing of a pipeline."""
    host = f"store.{ZONE}"
    rest = {
        "assets": {"directory": "public", "binding": "ASSETS"},
        "routes": [{"pattern": host, "custom_domain": True}],
        "triggers": {"crons": ["*/5 * * * *"]},
        "observability": {"enabled": True},
    }
    assert "local@localhost" in wrangler.run("whoami")
    wrangler.configure(vars={"A": "one"}, **rest)
    assert "Deployed shop triggers" in wrangler.run("deploy")
    first = api.result("GET", "A/workers/scripts/shop/versions")["items"][0]["id"]
    wrangler.configure(vars={"A": "two"}, **rest)
    wrangler.run("versions", "upload")
    second = api.result("GET", "A/workers/scripts/shop/versions")["items"][0]["id"]
    assert second != first
    wrangler.run("versions", "deploy", f"{second}@10%", f"{first}@90%", "-y")
    snapshot = api.settled().traffic.snapshot
    assert snapshot is not None
    assert {share.version_id: share.percentage for share in snapshot.deployments[0].versions} == {first: 90, second: 10}
    assert [domain.hostname for domain in snapshot.custom_domains] == [host]
    assert api.dataplane.traffic.schedules == {"shop": ("*/5 * * * *",)}
    assert "latest version" in wrangler.run("secret", "put", "KEY", given="s", status=1)
    wrangler.run("rollback", first, "-y", "-m", "back")
    wrangler.run("deploy")
    wrangler.run("secret", "put", "KEY", given="s")
    assert "KEY" in wrangler.run("secret", "list")
    wrangler.run("delete", "--force")
    assert api.result("GET", "A/workers/scripts") == [] and api.result("GET", "A/workers/domains") == []


def test_stores_are_made_filled_and_removed(api: Served, wrangler: Wrangler) -> None:
    wrangler.configure()
    wrangler.run("kv", "namespace", "create", "flags")
    namespace = api.result("GET", "A/storage/kv/namespaces")[0]["id"]
    wrangler.run("kv", "key", "put", "--namespace-id", namespace, "--remote", "k", "value")
    assert '"k"' in wrangler.run("kv", "key", "list", "--namespace-id", namespace, "--remote")
    wrangler.run("r2", "bucket", "create", "backups")
    (wrangler.folder / "dump").write_text("dump")
    wrangler.run("r2", "object", "put", "backups/medusa/a", "--file", "dump", "--remote")
    assert "dump" in wrangler.run("r2", "object", "get", "backups/medusa/a", "--remote", "--pipe")
    wrangler.run("r2", "bucket", "lifecycle", "add", "backups", "old", "medusa/", "--expire-days", "30", "-y")
    assert "not empty" in wrangler.run("r2", "bucket", "delete", "backups", status=1)
    wrangler.run("r2", "object", "delete", "backups/medusa/a", "--remote")
    wrangler.run("r2", "bucket", "delete", "backups")
