"""The edge's resources through the real Pulumi engine and the real SDK."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.plugins.cloudflare_case import A, Z
from tests.contract.plugins.cloudflare_shapes import shape
from tests.contract.plugins.cloudflare_stub import ACCOUNT, ZONE, Stub, serve_stub
from tests.contract.program.project import ROOT, Cloud, Project

STACK = "test"
SECRET = "the-origin-header's-value"


@pytest.fixture
def stub() -> Iterator[Stub]:
    with serve_stub() as served:
        shape(served)
        served.shapes += [
            (r".*/tokens", lambda thing: {"value": "v" * 40} | thing),
            (r".*/service_tokens", lambda thing: {"client_id": "c", "client_secret": "s" * 64} | thing),
        ]
        served.things[Z] = {"id": ZONE, "name": "localhost", "account": {"id": ACCOUNT, "name": "Local"}}
        yield served


@pytest.fixture
def edge(tmp_path: Path, stub: Stub) -> Project:
    """The project in a folder of its own, with the stack made and nothing in it."""
    for file in (Path(__file__).parent / "cloudflare_everything").iterdir():
        if file.is_file():
            shutil.copy(file, tmp_path)
    (tmp_path / "worker.js").write_text("export default {};\n")
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    (tmp_path / "state").mkdir()
    made = Project(tmp_path, Cloud(stub.url, "not used"))
    made.pulumi("stack", "init", STACK)
    made.set(STACK, "cloudflare:baseUrl", stub.url)
    made.set(STACK, "cloudflare:apiToken", "t" * 40, secret=True)
    made.set(STACK, "originSecret", SECRET, secret=True)
    return made


def resources(project: Project) -> dict[str, Any]:
    """The state's resources, by type and name."""
    state = json.loads(project.pulumi("stack", "export", "--stack", STACK).stdout)
    return {resource["urn"].split("::", 2)[2]: resource for resource in state["deployment"]["resources"]}


def test_the_edge_lives_its_life(edge: Project, stub: Stub) -> None:
    """Preview, up, again, refresh, change, drift, destroy: at each step nothing unasked for."""
    pulumi = edge.pulumi
    pulumi("preview", "--stack", STACK)
    assert {request.method for request in stub.requests} == {"GET"}, "a preview makes nothing"

    up = ("up", "--yes", "--skip-preview", "--stack", STACK)
    nothing = ("preview", "--expect-no-changes", "--stack", STACK)
    refresh = ("refresh", "--yes", "--expect-no-changes", "--stack", STACK)
    pulumi(*up)
    pulumi(*nothing)
    pulumi(*refresh)
    pulumi(*nothing)
    exported = pulumi("stack", "export", "--stack", STACK).stdout
    for secret in (SECRET, "v" * 40, "s" * 64):
        assert secret not in exported, "secrets are encrypted in the state"

    before = resources(edge)
    edge.set(STACK, "changed", "true")
    pulumi(*up)
    after = resources(edge)
    renewed = {name.split("::")[0].split(":")[2] for name in after if after[name].get("id") != before[name].get("id")}
    assert renewed == {"WorkerVersion", "WorkersDeployment"}, "all else is changed in place"
    pulumi(*nothing)

    record = next(path for path in stub.things if path.startswith(f"{Z}/dns_records/"))
    stub.things[record]["content"] = "192.0.2.99"
    rule = stub.things[f"{A}/r2/buckets/backups/lifecycle"]["rules"][0]
    rule["deleteObjectsTransition"]["condition"]["maxAge"] = 86400
    found = json.loads(pulumi("refresh", "--preview-only", "--json", "--stack", STACK).stdout)
    drifted = {step["urn"].split("::")[2] for step in found["steps"] if step["op"] not in ("same", "refresh")}
    drifted |= {step["urn"].split("::")[2] for step in found["steps"] if step.get("detailedDiff")}
    assert drifted == {"cloudflare:index/dnsRecord:DnsRecord", "cloudflare:index/r2BucketLifecycle:R2BucketLifecycle"}
    pulumi("up", "--refresh", "--yes", "--skip-preview", "--stack", STACK)
    assert stub.things[record]["content"] == "192.0.2.2"
    pulumi(*nothing)

    pulumi("destroy", "--yes", "--skip-preview", "--stack", STACK)
    left = {path.split("/")[-2] for path in stub.things} - {"zones"}
    # What the provider only forgets: settings, versions, deployments, a bucket's rules.
    assert left == {"settings", "versions", "deployments", "backups"}


def test_an_error_reaches_the_user_as_one_plain_line(edge: Project) -> None:
    edge.set(STACK, "cloudflare:baseUrl", "https://api.cloudflare.com/client/v4")
    done = edge.pulumi("preview", "--stack", STACK, check=False)
    text = done.stdout + done.stderr
    assert done.returncode != 0
    assert "https://api.cloudflare.com/client/v4 is not on this machine" in text
    assert "t" * 40 not in text
