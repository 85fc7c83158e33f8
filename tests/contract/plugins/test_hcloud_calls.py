"""What the plugin asks the API, request by request, as the real provider does, and what it tries again."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from localcloud.plugins.base.errors import ProviderError
from localcloud.plugins.base.operations import Call
from localcloud.plugins.hcloud.api import ActionError, Api, ApiError, Poll
from localcloud.plugins.hcloud.attachments import attach
from localcloud.plugins.hcloud.resources.firewall import Firewall
from localcloud.plugins.hcloud.resources.server import Server

Answer = tuple[int, Any]


class Waits(Call):
    """An operation whose pauses are counted instead of waited for."""

    def __init__(self) -> None:
        super().__init__(urn="urn:pulumi:s::p::hcloud:index/server:Server::web")
        self.pauses: list[float] = []

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        if len(self.pauses) > 100:
            raise AssertionError("waits without end")


class Script:
    """An API that gives the answers it was told, and remembers the questions."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.asked: list[tuple[str, str, Any]] = []
        script = self

        class Handler(BaseHTTPRequestHandler):
            def do(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                script.asked.append((self.command, self.path.removeprefix("/v1"), json.loads(body) if body else None))
                status, answer = script.answers.pop(0)
                payload = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)

            do_GET = do_POST = do_PUT = do_DELETE = do

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.call = Waits()
        url = f"http://127.0.0.1:{self.server.server_port}/v1"
        self.api = Api(url, "t" * 64, Poll(), self.call)

    def paths(self) -> list[str]:
        return [f"{method} {path}" for method, path, _ in self.asked]


@pytest.fixture
def script() -> Iterator[Script]:
    made = Script()
    yield made
    made.server.shutdown()
    made.server.server_close()


def error(status: int, code: str, message: str = "no") -> Answer:
    return status, {"error": {"code": code, "message": message, "details": None}}


def action(id: int, status: str = "success", error: Any = None, command: str = "x") -> dict[str, Any]:
    return {"id": id, "status": status, "error": error, "command": command}


@pytest.mark.parametrize("code", ["conflict", "rate_limit_exceeded", "bad_gateway", "timeout"])
def test_the_client_library_tries_these_again(script: Script, code: str) -> None:
    script.answers = [error(409, code), error(409, code), (200, {"network": {"id": 1}})]
    assert script.api.get("/networks/1") == {"network": {"id": 1}}
    assert len(script.call.pauses) == 2


@pytest.mark.parametrize("code", ["locked", "service_error", "resource_unavailable", "server_error", "unavailable"])
def test_and_these_it_does_not(script: Script, code: str) -> None:
    """A program that relies on more patience than the provider has would fail on the real cloud."""
    script.answers = [error(423, code)]
    with pytest.raises(ApiError) as failed:
        script.api.post("/servers", {})
    assert failed.value.code == code and not script.call.pauses


def test_a_404_without_a_code_is_no_gone_resource(script: Script) -> None:
    """A wrong endpoint must not make a refresh forget every resource."""
    script.answers = [(404, {})]
    with pytest.raises(ApiError, match="status code 404"):
        script.api.find("/servers/1", "server")


def test_actions_are_asked_for_together_until_they_end(script: Script) -> None:
    script.answers = [(200, {"actions": [action(1), action(2, "running")]}), (200, {"actions": [action(2)]})]
    script.api.wait([action(1, "running"), action(2, "running"), action(3), None])
    assert script.paths() == [
        "GET /actions?id=1&id=2&page=1&sort=status&sort=id",
        "GET /actions?id=2&page=1&sort=status&sort=id",
    ]
    assert script.call.pauses == [0.5, 1.0]


def test_a_failed_action_fails_with_its_own_message(script: Script) -> None:
    with pytest.raises(ActionError, match=r"disk is full \(action_failed, 7\)"):
        script.api.wait([action(7, "error", {"code": "action_failed", "message": "disk is full"})])


@pytest.mark.parametrize("code", ["locked", "service_error", "no_subnet_available"])
def test_attaching_waits_for_a_busy_server_and_a_subnet_to_come(script: Script, code: str) -> None:
    script.answers = [error(423, code), error(423, code), (201, {"action": action(1)})]
    attach(script.api, "/servers/5", {"networkId": 7, "ip": "10.0.0.2"}, "server_already_attached")
    assert script.asked[-1] == ("POST", "/servers/5/actions/attach_to_network", {"network": 7, "ip": "10.0.0.2"})
    assert script.call.pauses == [1.0, 2.0]


def test_what_is_attached_already_is_fine(script: Script) -> None:
    script.answers = [error(409, "server_already_attached")]
    attach(script.api, "/servers/5", {"subnetId": "7-10.0.0.0/24"}, "server_already_attached")
    assert script.asked[0][2] == {"network": 7, "ip_range": "10.0.0.0/24"}


def test_a_server_is_created_by_the_providers_calls_in_their_order(script: Script) -> None:
    """The cloud's own checks run in this order; a stand-in with another one would show other errors."""
    kind = {"name": "cx23", "architecture": "x86", "locations": []}
    script.answers = [
        (200, {"server_types": [kind]}),
        (200, {"images": [{"id": 4, "name": "debian-13"}]}),
        (200, {"ssh_key": {"id": 9}}),
        (200, {"placement_group": {"id": 8}}),
        (
            201,
            {
                "server": {"id": 5, "server_type": kind, "location": {"name": "nbg1"}},
                "action": action(1),
                "next_actions": [action(2)],
            },
        ),
        (201, {"action": action(3)}),
        (201, {"action": action(4)}),
    ]
    made: list[str] = []
    inputs = {
        "name": "web",
        "serverType": "cx23",
        "image": "debian-13",
        "sshKeys": ["9"],
        "placementGroupId": 8,
        "location": "nbg1",
        "userData": "#cloud-config",
        "firewallIds": [6],
        "networks": [{"networkId": 7}],
        "publicNets": [{"ipv4Enabled": True, "ipv6Enabled": False}],
        "deleteProtection": True,
        "rebuildProtection": True,
    }
    Server(lambda call: script.api).make(script.api, inputs, made.append)
    assert made == ["5"]
    assert script.paths() == [
        "GET /server_types?name=cx23",
        "GET /images?name=debian-13&architecture=x86&include_deprecated=true",
        "GET /ssh_keys/9",
        "GET /placement_groups/8",
        "POST /servers",
        "POST /servers/5/actions/attach_to_network",
        "POST /servers/5/actions/change_protection",
    ]
    assert script.asked[4][2] == {
        "name": "web",
        "server_type": "cx23",
        "image": 4,
        "ssh_keys": [9],
        "location": "nbg1",
        "user_data": "#cloud-config",
        "firewalls": [{"firewall": 6}],
        "placement_group": 8,
        "public_net": {"enable_ipv4": True, "enable_ipv6": False},
    }


def test_a_server_with_a_private_address_only_starts_after_it_is_attached(script: Script) -> None:
    """cloud-init would wait for a network that never comes at the first boot."""
    kind = {"name": "cx23", "architecture": "x86", "locations": []}
    script.answers = [
        (200, {"server_types": [kind]}),
        (200, {"images": [{"id": 4, "name": "debian-13"}]}),
        (201, {"server": {"id": 5, "server_type": kind, "location": {"name": "nbg1"}}, "action": action(1)}),
        (201, {"action": action(2)}),
        (201, {"action": action(3)}),
    ]
    inputs = {
        "name": "db",
        "serverType": "cx23",
        "image": "debian-13",
        "networks": [{"networkId": 7}],
        "publicNets": [{"ipv4Enabled": False, "ipv6Enabled": False}],
    }
    Server(lambda call: script.api).make(script.api, inputs, lambda id: None)
    assert script.asked[2][2]["start_after_create"] is False
    assert script.paths()[3:] == ["POST /servers/5/actions/attach_to_network", "POST /servers/5/actions/poweron"]


def test_a_type_that_is_no_longer_sold_stops_before_anything_is_made(script: Script) -> None:
    gone = {"announced": "2025-10-01T00:00:00Z", "unavailable_after": "2025-12-31T00:00:00Z"}
    kind = {"name": "cx22", "architecture": "x86", "locations": [{"name": "nbg1", "deprecation": gone}]}
    script.answers = [(200, {"server_types": [kind]}), (200, {"images": [{"id": 4, "name": "debian-13"}]})]
    inputs = {"name": "web", "serverType": "cx22", "image": "debian-13", "location": "nbg1"}
    with pytest.raises(ProviderError, match='"cx22" is unavailable in location "nbg1" since 2025-12-31'):
        Server(lambda call: script.api).make(script.api, inputs, lambda id: None)


def test_taking_away_all_rules_of_a_firewall_asks_nothing(script: Script) -> None:
    """The provider has it so: the rules stay. A stand-in that removed them would hide it."""
    script.answers = [(200, {"firewall": {}})]
    Firewall(lambda call: script.api).change(script.api, "1", {"rules": [{}]}, {}, {"rules"})
    assert script.paths() == ["GET /firewalls/1"]
