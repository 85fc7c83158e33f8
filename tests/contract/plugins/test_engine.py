"""One of every resource, through the real Pulumi engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.hetzner.pem import pair
from tests.contract.hetzner.serving import PUBLIC_KEY
from tests.contract.program.project import DESTROY, NOTHING, REFRESH, STACK, UP, Cloud, Project, cloud, program


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with cloud(tmp_path_factory.mktemp("cloud")) as running:
        yield running


@pytest.fixture
def everything(tmp_path: Path, embedded: Cloud) -> Project:
    """The project in a folder of its own, with the stack made and nothing in it."""
    made = program(tmp_path / "project", Path(__file__).parent / "everything", embedded.token)
    certificate, key = pair("example.com")
    (made.folder / "certificate.pem").write_text(certificate)
    (made.folder / "certificate.key").write_text(key)
    (made.folder / "key.pub").write_text(PUBLIC_KEY)
    made.set(STACK, "hcloud:endpoint", embedded.endpoint)
    made.set(STACK, "hcloud:pollInterval", "20ms")
    return made


def test_a_whole_stack_lives_its_life(everything: Project, embedded: Cloud) -> None:
    """Preview, up, again, refresh, change, a thing lost and made again, destroy: at each step nothing unasked for."""
    pulumi = everything.pulumi
    pulumi("preview", "--stack", STACK)
    assert embedded.ask("/servers")["servers"] == [], "a preview makes nothing"

    pulumi(*UP)
    pulumi(*NOTHING)
    pulumi(*REFRESH)
    pulumi(*NOTHING)

    exported = pulumi("stack", "export", "--stack", STACK).stdout
    for secret in ("hunter2", "hunter3", "PRIVATE KEY"):
        assert secret not in exported, "secrets are encrypted in the state"
    server = everything.resources()["hcloud:index/server:Server::web"]
    assert everything.resources()["hcloud:index/serverNetwork:ServerNetwork::web"]["id"].startswith(f"{server['id']}-")

    everything.set(STACK, "changed", "true")
    text = pulumi(*UP).stdout
    assert "replaced" not in text
    assert everything.resources()["hcloud:index/server:Server::web"]["id"] == server["id"], "changed in place"
    pulumi(*NOTHING)
    pulumi(*REFRESH)

    import httpx

    headers = {"Authorization": f"Bearer {embedded.token}"}
    httpx.request("DELETE", f"{embedded.endpoint}/load_balancers/{lost(everything)}", headers=headers, trust_env=False)
    pulumi("refresh", "--yes", "--stack", STACK)
    pulumi(*UP)
    pulumi(*NOTHING)
    assert len(embedded.ask("/load_balancers")["load_balancers"]) == 1

    pulumi(*DESTROY)
    for path in ("servers", "networks", "volumes", "load_balancers", "firewalls", "primary_ips", "ssh_keys"):
        assert embedded.ask(f"/{path}")[path] == []


def lost(project: Project) -> str:
    return str(project.resources()["hcloud:index/loadBalancer:LoadBalancer::web"]["id"])


def test_an_error_reaches_the_user_as_one_plain_line(everything: Project) -> None:
    everything.set(STACK, "hcloud:endpoint", "https://api.hetzner.cloud/v1")
    done = everything.pulumi("preview", "--stack", STACK, check=False)
    text = done.stdout + done.stderr
    assert done.returncode != 0
    assert "https://api.hetzner.cloud/v1 is not on this machine" in text
    assert "Traceback" not in text and everything.token not in text
