"""The hcloud plugin's configuration, functions, secrets and errors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from localcloud.plugins.base.values import SECRET_SIGNATURE, SIGNATURE
from localcloud.plugins.hcloud.provider import make
from tests.contract.hetzner.pem import pair
from tests.contract.hetzner.serving import TOKEN, Served
from tests.contract.plugins.driver import Failed, Plugin, serve

REAL = "https://api.hetzner.cloud/v1"


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[Plugin]:
    """A plugin that is not configured yet, and nothing in the environment."""
    for name in ("HCLOUD_TOKEN", "HCLOUD_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    with serve(make, "hcloud") as plugin:
        yield plugin


@pytest.mark.parametrize(
    "endpoint", [None, REAL, "http://10.0.0.5:8470/v1", "http://127.0.0.1.example.com/v1", "ftp://x"]
)
def test_an_endpoint_off_this_machine_is_refused_before_any_call(fresh: Plugin, endpoint: str | None) -> None:
    """A stand-in that reached a real account would create, bill and delete real things."""
    config: dict[str, Any] = {"token": TOKEN} | ({"endpoint": endpoint} if endpoint else {})
    assert (endpoint or REAL) in fresh.check_config(**config)["endpoint"]
    with pytest.raises(Failed) as failed:
        fresh.configure(**config)
    assert TOKEN not in str(failed.value)


@pytest.mark.parametrize(
    ("config", "key"),
    [
        ({"token": "short"}, "token"),
        ({}, "token"),
        ({"token": "t" * 63 + "\n"}, "token"),
        ({"token": TOKEN, "pollInterval": "soon"}, "pollInterval"),
    ],
)
def test_a_bad_configuration_names_its_key(fresh: Plugin, config: dict[str, Any], key: str) -> None:
    problems = fresh.check_config(endpoint="http://127.0.0.1:1/v1", **config)
    assert list(problems) == [key]
    assert config.get("token", "nothing") not in str(problems)


def test_the_environment_configures_too(fresh: Plugin, cloud: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """`. scripts/env` sets these for every tool alike."""
    monkeypatch.setenv("HCLOUD_TOKEN", TOKEN)
    monkeypatch.setenv("HCLOUD_ENDPOINT", f"{cloud.url}/v1")
    fresh.configure()
    assert fresh.invoke("getLocations")["names"][:2] == ["fsn1", "nbg1"]


def test_a_cloud_that_does_not_run_is_said_plainly(fresh: Plugin) -> None:
    fresh.configure(token=TOKEN, endpoint="http://127.0.0.1:1/v1")
    with pytest.raises(Failed, match=r"does not answer.*python -m localcloud start"):
        fresh.create("Network", "net", ipRange="10.0.0.0/16")


def test_an_api_error_shows_its_code_and_the_field(hcloud: Plugin) -> None:
    """Without the field, "invalid input" sends people to the API's documentation."""
    with pytest.raises(Failed) as failed:
        hcloud.create("Volume", "v", size=1, location="nbg1")
    assert "invalid_input" in str(failed.value) and "size" in str(failed.value)
    assert "Traceback" not in str(failed.value)


def test_a_key_is_secret_in_the_state_even_if_the_program_forgot(hcloud: Plugin) -> None:
    certificate, key = pair("example.com")
    hcloud.create("UploadedCertificate", "cert", certificate=certificate, privateKey=key)
    outputs = hcloud.raw["Create"].properties
    signature = outputs.fields["privateKey"].struct_value.fields[SIGNATURE].string_value
    assert signature == SECRET_SIGNATURE


@pytest.mark.parametrize(
    ("kind", "inputs", "property", "words"),
    [
        ("Network", {"ipRange": "10.0.0.0"}, "ipRange", "CIDR"),
        ("Network", {}, "ipRange", "must be set"),
        ("Network", {"ipRange": "10.0.0.0/16", "labels": {"hetzner.cloud/x": "y"}}, "labels", "reserved"),
        ("Network", {"ipRange": "10.0.0.0/16", "colour": "red"}, "colour", "no input"),
        ("Server", {"serverType": "cx23", "image": ""}, "image", "0 characters"),
        ("Server", {"serverType": "cx23", "image": "x", "datacenter": "nbg1-dc3"}, "datacenter", "location"),
        ("Server", {"serverType": "cx23", "image": "x", "networks": [{"ip": "10.0.0.2"}]}, "networks[0]", "network_id"),
        ("Firewall", {"rules": [{"direction": "up", "protocol": "tcp"}]}, "rules", "direction"),
        (
            "Firewall",
            {"rules": [{"direction": "in", "protocol": "tcp", "sourceIps": ["10.0.0.1/8"]}]},
            "rules",
            "not the start of the cidr block",
        ),
        (
            "NetworkSubnet",
            {"networkId": "x", "type": "cloud", "networkZone": "z", "ipRange": "10.0.0.0/24"},
            "networkId",
            "whole number",
        ),
        ("PrimaryIp", {"type": "ipv4"}, "", "location,assignee_id"),
        ("LoadBalancerTarget", {"type": "server", "loadBalancerId": 1}, "", "exactly one"),
        ("ServerNetwork", {"serverId": 1, "networkId": 2, "subnetId": "2-10.0.0.0/24"}, "", "exactly one"),
        ("FirewallAttachment", {"firewallId": 1}, "", "serverIds or labelSelectors"),
    ],
)
def test_bad_inputs_are_refused_while_checking(
    hcloud: Plugin, kind: str, inputs: dict[str, Any], property: str, words: str
) -> None:
    """A preview must find them, not an update that is half done."""
    _, problems = hcloud.problems(kind, "thing", inputs)
    assert words in problems[property]


def test_functions_show_what_is_on_sale_and_what_there_is(cloud: Served, hcloud: Plugin) -> None:
    server = cloud.server(labels={"role": "web"})
    cloud.load_balancer()
    types = hcloud.invoke("getServerTypes")["serverTypes"]
    cx23 = next(kind for kind in types if kind["name"] == "cx23")
    assert cx23["cores"] == 2 and cx23["memory"] == 4 and cx23["locations"][0]["name"]
    assert hcloud.invoke("getServerType", name="cx23")["id"] == cx23["id"]
    assert hcloud.invoke("getLoadBalancerType", name="lb11")["maxTargets"] == 25
    assert hcloud.invoke("getImage", name="debian-13")["osFlavor"] == "debian"
    assert hcloud.invoke("getServers", withSelector="role=web")["servers"][0]["id"] == server
    assert hcloud.invoke("getServers", withSelector="role=db")["servers"] == []
    assert hcloud.invoke("getServer", id=server)["name"] == "web-1"
    assert hcloud.invoke("getLoadBalancers")["loadBalancers"][0]["algorithms"] == [{"type": "round_robin"}]


def test_a_lookup_that_finds_nothing_or_too_much_says_so(cloud: Served, hcloud: Plugin) -> None:
    for name in ("a", "b"):
        cloud.post("/networks", {"name": name, "ip_range": "10.0.0.0/16", "labels": {"x": "y"}})
    with pytest.raises(Failed, match="no network found with name c"):
        hcloud.invoke("getNetwork", name="c")
    with pytest.raises(Failed, match="more than one network"):
        hcloud.invoke("getNetwork", withSelector="x=y")
    with pytest.raises(Failed, match="please specify an id"):
        hcloud.invoke("getNetwork")
    with pytest.raises(Failed, match="has no function"):
        hcloud.invoke("getPony")
