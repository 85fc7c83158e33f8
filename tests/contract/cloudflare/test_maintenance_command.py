"""`store maintenance` as it is typed, against a daemon whose edge serves the Worker before a storefront."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from components.storefront import read
from scripts.operator import cli, http
from scripts.operator.maintenance import command
from tests.contract.cloudflare.test_daemon import Daemon, daemon  # noqa: F401  (a fixture)
from tests.unit.store.fakes import FakePulumi
from tests.unit.storefront.folders import write

PAGE = 'export default { fetch: () => new Response("the shop") };\n'
SECRET = "p" * 32


class Store:
    """A storefront that is deployed by hand, and a Pulumi that knows of it."""

    def __init__(self, daemon: Daemon, folder: Path) -> None:  # noqa: F811
        found: Any = daemon.status()
        self.base = f"{found['cloudflare']['endpoint']}/accounts/{found['cloudflare']['accountId']}"
        self.token = (daemon.home / "cloudflare-token").read_text().strip()
        port = daemon.ports["edge-port"]
        self.hosts = {"storefrontUrl": "store.localhost", "statusUrl": "status.store.localhost"}
        namespace = self.ask("POST", "/storage/kv/namespaces", json={"title": "state"})["id"]
        self._deploy(folder, namespace)
        outputs = {key: f"https://{host}:{port}" for key, host in self.hosts.items()}
        self.url = outputs["storefrontUrl"]
        self.pulumi = FakePulumi(
            {**outputs, "storefrontStateNamespace": namespace},
            {
                "cloudflare:baseUrl": {"value": found["cloudflare"]["endpoint"], "secret": False},
                "opticworks-store:cloudflareAccountId": {"value": found["cloudflare"]["accountId"], "secret": False},
                "opticworks-store:passSecret": {"value": SECRET, "secret": True},
            },
        )

    def ask(self, method: str, path: str, **rest: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = httpx.request(method, f"{self.base}{path}", headers=headers, trust_env=False, **rest)
        assert answer.is_success, answer.text
        return answer.json()["result"]

    def _deploy(self, folder: Path, namespace: str) -> None:
        config = json.dumps({"main": "worker.js", "compatibility_date": "2026-04-01"})
        raw = write(folder / "raw", {"worker.js": PAGE, "assets/a.txt": "a", "wrangler.json": config})
        bundle = read(raw, paid=False, project=folder)
        metadata = {
            "main_module": bundle.main_module,
            "compatibility_date": "2026-04-01",
            "compatibility_flags": list(bundle.compatibility_flags),
            "bindings": [
                {"type": "kv_namespace", "name": "STORE_STATE", "namespace_id": namespace},
                {"type": "secret_text", "name": "PASS_SECRET", "text": SECRET},
                {"type": "plain_text", "name": "STATUS_HOST", "text": self.hosts["statusUrl"]},
            ],
        }
        files: dict[str, Any] = {"metadata": (None, json.dumps(metadata), "application/json")}
        for module in bundle.modules:
            files[module.name] = (module.name, (folder / module.file).read_bytes(), module.content_type)
        self.ask("PUT", "/workers/scripts/store", files=files)
        zone = httpx.get(
            f"{self.base.partition('/accounts')[0]}/zones", headers={"Authorization": f"Bearer {self.token}"},
            trust_env=False,
        ).json()["result"][0]["id"]  # fmt: skip
        for host in self.hosts.values():
            body = {"hostname": host, "service": "store", "zone_id": zone, "environment": "production"}
            self.ask("PUT", "/workers/domains", json=body)


@pytest.fixture
def store(daemon: Daemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:  # noqa: F811
    if shutil.which("node") is None:
        pytest.skip("no node on PATH")
    daemon.start()
    made = Store(daemon, tmp_path)
    monkeypatch.setenv("LOCALCLOUD_HOME", str(daemon.home))
    monkeypatch.delenv("OPTICWORKS_CA", raising=False)
    monkeypatch.setattr(command, "Engine", lambda stack, _file=None: made.pulumi.engine(stack))
    return made


def maintenance(*words: str) -> dict[str, Any]:
    done = CliRunner().invoke(cli.build(), ["maintenance", *words, "--json"])
    assert done.exit_code == 0, f"{done.output} {done.exception}"
    return dict(json.loads(done.stdout))


def test_the_store_is_announced_closed_passed_and_opened(store: Store) -> None:
    """What the command says has happened at the edge: who begins a migration relies on it."""
    assert maintenance("status")["active"] is False
    announced = maintenance("announce", "--from", "+2h", "--until", "+1h", "--message", "Über Nacht.")
    assert announced["active"] is False and announced["announced"]
    closed = maintenance("on", "--until", "+90m", "--message", "A new database.")
    assert closed["active"] is True
    with http.client(store.url) as visitor, http.client(store.url, follow_redirects=True) as operator:
        page = visitor.get("/", headers={"accept": "text/html"})
        assert page.status_code == 503 and "A new database." in page.text
        assert operator.get(maintenance("pass", "--for", "ada@optic.works")["url"]).text == "the shop"
        assert maintenance("off")["active"] is False
        assert visitor.get("/").text == "the shop"
