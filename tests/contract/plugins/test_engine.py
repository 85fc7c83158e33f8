"""One of every resource, through the real Pulumi engine."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.hetzner.pem import pair
from tests.contract.hetzner.serving import PUBLIC_KEY
from tests.contract.program.project import ROOT, Cloud, Project, cloud

STACK = "test"


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with cloud(tmp_path_factory.mktemp("cloud")) as running:
        yield running


@pytest.fixture
def everything(tmp_path: Path, embedded: Cloud) -> Project:
    """The project in a folder of its own, with the stack made and nothing in it."""
    for file in (Path(__file__).parent / "everything").iterdir():
        if file.is_file():
            shutil.copy(file, tmp_path)
    certificate, key = pair("example.com")
    (tmp_path / "certificate.pem").write_text(certificate)
    (tmp_path / "certificate.key").write_text(key)
    (tmp_path / "key.pub").write_text(PUBLIC_KEY)
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    (tmp_path / "state").mkdir()
    made = Project(tmp_path, embedded)
    made.pulumi("stack", "init", STACK)
    made.set(STACK, "hcloud:endpoint", embedded.endpoint)
    made.set(STACK, "hcloud:pollInterval", "20ms")
    return made


def resources(project: Project) -> dict[str, Any]:
    """The state's resources, by type and name."""
    state = json.loads(project.pulumi("stack", "export", "--stack", STACK).stdout)
    return {resource["urn"].split("::", 2)[2]: resource for resource in state["deployment"]["resources"]}


def test_a_whole_stack_lives_its_life(everything: Project, embedded: Cloud) -> None:
    """Preview, up, again, refresh, change, a thing lost and made again, destroy: at each step nothing unasked for."""
    pulumi = everything.pulumi
    pulumi("preview", "--stack", STACK)
    assert embedded.ask("/servers")["servers"] == [], "a preview makes nothing"

    up = ("up", "--yes", "--skip-preview", "--stack", STACK)
    nothing = ("preview", "--expect-no-changes", "--stack", STACK)
    refresh = ("refresh", "--yes", "--expect-no-changes", "--stack", STACK)
    pulumi(*up)
    pulumi(*nothing)
    pulumi(*refresh)
    pulumi(*nothing)

    exported = pulumi("stack", "export", "--stack", STACK).stdout
    for secret in ("hunter2", "hunter3", "PRIVATE KEY"):
        assert secret not in exported, "secrets are encrypted in the state"
    server = resources(everything)["hcloud:index/server:Server::web"]
    assert resources(everything)["hcloud:index/serverNetwork:ServerNetwork::web"]["id"].startswith(f"{server['id']}-")

    everything.set(STACK, "changed", "true")
    text = pulumi(*up).stdout
    assert "replaced" not in text
    assert resources(everything)["hcloud:index/server:Server::web"]["id"] == server["id"], "changed in place"
    pulumi(*nothing)
    pulumi(*refresh)

    import httpx

    headers = {"Authorization": f"Bearer {embedded.token}"}
    httpx.request("DELETE", f"{embedded.endpoint}/load_balancers/{lost(everything)}", headers=headers, trust_env=False)
    pulumi("refresh", "--yes", "--stack", STACK)
    pulumi(*up)
    pulumi(*nothing)
    assert len(embedded.ask("/load_balancers")["load_balancers"]) == 1

    pulumi("destroy", "--yes", "--skip-preview", "--stack", STACK)
    for path in ("servers", "networks", "volumes", "load_balancers", "firewalls", "primary_ips", "ssh_keys"):
        assert embedded.ask(f"/{path}")[path] == []


def lost(project: Project) -> str:
    return str(resources(project)["hcloud:index/loadBalancer:LoadBalancer::web"]["id"])


def test_an_error_reaches_the_user_as_one_plain_line(everything: Project) -> None:
    everything.set(STACK, "hcloud:endpoint", "https://api.hetzner.cloud/v1")
    done = everything.pulumi("preview", "--stack", STACK, check=False)
    text = done.stdout + done.stderr
    assert done.returncode != 0
    assert "https://api.hetzner.cloud/v1 is not on this machine" in text
    assert "Traceback" not in text and everything.cloud.token not in text
