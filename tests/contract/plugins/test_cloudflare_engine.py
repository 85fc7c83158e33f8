"""The edge's resources through the real Pulumi engine and the real SDK."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.plugins.cloudflare_case import A, Z
from tests.contract.plugins.cloudflare_shapes import shape
from tests.contract.plugins.cloudflare_stub import ACCOUNT, ZONE, Stub, serve_stub
from tests.contract.program.project import DESTROY, NOTHING, REFRESH, STACK, UP, Project, program

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
    made = program(tmp_path / "project", Path(__file__).parent / "cloudflare_everything")
    (made.folder / "worker.js").write_text("export default {};\n")
    made.set(STACK, "cloudflare:baseUrl", stub.url)
    made.set(STACK, "cloudflare:apiToken", "t" * 40, secret=True)
    made.set(STACK, "originSecret", SECRET, secret=True)
    return made


def test_the_edge_lives_its_life(edge: Project, stub: Stub) -> None:
    """Preview, up, again, refresh, change, drift, destroy: at each step nothing unasked for."""
    pulumi = edge.pulumi
    pulumi("preview", "--stack", STACK)
    assert {request.method for request in stub.requests} == {"GET"}, "a preview makes nothing"

    pulumi(*UP)
    pulumi(*NOTHING)
    pulumi(*REFRESH)
    pulumi(*NOTHING)
    exported = pulumi("stack", "export", "--stack", STACK).stdout
    for secret in (SECRET, "v" * 40, "s" * 64):
        assert secret not in exported, "secrets are encrypted in the state"

    before = edge.resources()
    edge.set(STACK, "changed", "true")
    pulumi(*UP)
    after = edge.resources()
    renewed = {name.split("::")[0].split(":")[2] for name in after if after[name].get("id") != before[name].get("id")}
    assert renewed == {"WorkerVersion", "WorkersDeployment"}, "all else is changed in place"
    pulumi(*NOTHING)

    record = next(path for path in stub.things if path.startswith(f"{Z}/dns_records/"))
    stub.things[record]["content"] = "192.0.2.99"
    rule = stub.things[f"{A}/r2/buckets/backups/lifecycle"]["rules"][0]
    rule["deleteObjectsTransition"]["condition"]["maxAge"] = 86400
    drifted = {name.split("::")[0] for name in edge.drifted()}
    assert drifted == {"cloudflare:index/dnsRecord:DnsRecord", "cloudflare:index/r2BucketLifecycle:R2BucketLifecycle"}
    pulumi("up", "--refresh", "--yes", "--skip-preview", "--stack", STACK)
    assert stub.things[record]["content"] == "192.0.2.2"
    pulumi(*NOTHING)

    pulumi(*DESTROY)
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
