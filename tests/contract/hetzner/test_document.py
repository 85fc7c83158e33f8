"""Every answer is what the official document says: a client generated from it must never meet a surprise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.contract.hetzner import document, pem
from tests.contract.hetzner.serving import PUBLIC_KEY, Served, serve

GONE = {("GET", "/datacenters"), ("GET", "/datacenters/{id}")}
"""Removed from the API since the document was published: 410."""


class Tour:
    """Requests, each answer checked, each operation noted."""

    def __init__(self, api: Served) -> None:
        self.api = api
        self.visited: set[tuple[str, str]] = set()
        self.wrong: list[str] = []

    def __call__(self, method: str, path: str, body: Any = None, refused: bool = False) -> Any:
        response = self.api.http.request(method, f"/v1{path}", json=body)
        assert response.is_error == refused, f"{method} {path} {body}: {response.status_code} {response.text}"
        self.note(method, path.partition("?")[0], response)
        if not response.content:
            return None
        answer = response.json()
        if not refused:
            self.api.done(answer)
        return answer

    def note(self, method: str, path: str, response: httpx.Response) -> None:
        assert response.status_code == 204 or response.headers["content-type"] == "application/json"
        assert response.headers["ratelimit-limit"] and response.headers["x-correlation-id"]
        operation = document.operation(method, path)
        assert operation is not None, f"{method} {path} is in the document"
        self.visited.add(operation)
        body = response.json() if response.content else None
        self.wrong += document.check(method, path, response.status_code, body)

    def group(self, plural: str, number: int) -> None:
        """The reading routes that every group has, while there is a resource."""
        self("GET", f"/{plural}")
        self("GET", f"/{plural}/{number}")
        if ("GET", f"/{plural}/actions") in document.operations():
            actions = self("GET", f"/{plural}/{number}/actions")["actions"]
            self("GET", f"/{plural}/actions")
            some = actions[0]["id"] if actions else 1
            for path in (f"/{plural}/actions/{some}", f"/{plural}/{number}/actions/{some}"):
                self("GET", path, refused=not actions)


@pytest.fixture
def tour(tmp_path: Path) -> Any:
    document.document()
    with serve() as api:
        yield Tour(api)


def test_each_operation_of_the_document_is_there_and_answers_as_it_says(tour: Tour) -> None:
    """A route missed, or a field forgotten, shows as a crash inside somebody's provider."""
    _catalogue(tour)
    network, server = _network_and_server(tour)
    _balancer(tour, network, server)
    _volume(tour, server)
    _power_and_images(tour, server)
    _addresses(tour)
    _end(tour, network, server)
    assert tour.wrong == []
    assert document.operations() - tour.visited - GONE == set()


def _catalogue(tour: Tour) -> None:
    for plural in ("locations", "server_types", "load_balancer_types", "isos"):
        first = tour("GET", f"/{plural}")[plural][0]["id"]
        tour("GET", f"/{plural}/{first}")
    tour("GET", "/pricing")
    tour("GET", "/datacenters", refused=True)
    tour("GET", "/datacenters/1", refused=True)


def _network_and_server(tour: Tour) -> tuple[int, int]:
    key = tour("POST", "/ssh_keys", {"name": "me", "public_key": PUBLIC_KEY, "labels": {"a": "b"}})["ssh_key"]["id"]
    tour.group("ssh_keys", key)
    tour("PUT", f"/ssh_keys/{key}", {"name": "you", "labels": {}})
    network = tour("POST", "/networks", {"name": "net", "ip_range": "10.0.0.0/16"})["network"]["id"]
    subnet = {"type": "cloud", "ip_range": "10.0.1.0/24", "network_zone": "eu-central"}
    tour("POST", f"/networks/{network}/actions/add_subnet", subnet)
    other = {"type": "server", "network_zone": "eu-central"}
    tour("POST", f"/networks/{network}/actions/add_subnet", other)
    tour("POST", f"/networks/{network}/actions/delete_subnet", {"ip_range": "10.0.0.0/24"})
    route = {"destination": "192.168.0.0/24", "gateway": "10.0.1.9"}
    tour("POST", f"/networks/{network}/actions/add_route", route)
    tour("GET", f"/networks/{network}")
    tour("POST", f"/networks/{network}/actions/delete_route", route)
    tour("POST", f"/networks/{network}/actions/change_ip_range", {"ip_range": "10.0.0.0/15"})
    tour("POST", f"/networks/{network}/actions/change_protection", {"delete": True})
    tour("PUT", f"/networks/{network}", {"name": "net-1", "labels": {"x": "y"}})
    group = tour("POST", "/placement_groups", {"name": "pg", "type": "spread"})["placement_group"]["id"]
    tour.group("placement_groups", group)
    tour("PUT", f"/placement_groups/{group}", {"labels": {"k": "v"}})
    rules = [
        {"direction": "in", "protocol": "tcp", "port": "22", "source_ips": ["0.0.0.0/0", "::/0"], "description": "ssh"},
        {"direction": "out", "protocol": "icmp", "destination_ips": ["10.0.0.0/8"]},
    ]
    firewall = tour("POST", "/firewalls", {"name": "fw", "rules": rules})["firewall"]["id"]
    body = {
        "name": "web-1", "server_type": "cx33", "image": "debian-12", "location": "nbg1", "ssh_keys": [key],
        "networks": [network], "firewalls": [{"firewall": firewall}], "placement_group": group,
        "labels": {"role": "web"}, "user_data": "#cloud-config\n",
    }  # fmt: skip
    server = tour("POST", "/servers", body)["server"]["id"]
    tour.group("servers", server)
    tour.group("networks", network)
    tour("PUT", f"/firewalls/{firewall}", {"name": "fw-1"})
    selector = {"type": "label_selector", "label_selector": {"selector": "role=web"}}
    tour("POST", f"/firewalls/{firewall}/actions/apply_to_resources", {"apply_to": [selector]})
    tour("POST", f"/firewalls/{firewall}/actions/set_rules", {"rules": rules[:1]})
    tour.group("firewalls", firewall)
    everything = [selector, {"type": "server", "server": {"id": server}}]
    tour("POST", f"/firewalls/{firewall}/actions/remove_from_resources", {"remove_from": everything})
    tour("DELETE", f"/firewalls/{firewall}")
    tour("POST", f"/servers/{server}/actions/poweroff")
    tour("POST", f"/servers/{server}/actions/remove_from_placement_group")
    tour("POST", f"/servers/{server}/actions/add_to_placement_group", {"placement_group": group})
    tour("GET", f"/servers/{server}")
    tour("DELETE", f"/placement_groups/{group}")
    tour("DELETE", f"/ssh_keys/{key}")
    return network, server


def _balancer(tour: Tour, network: int, server: int) -> None:
    certificate, key = pem.pair("shop.example.org")
    tls = tour("POST", "/certificates", {"name": "tls", "certificate": certificate, "private_key": key})
    tls_id = tls["certificate"]["id"]
    body = {"name": "lb", "load_balancer_type": "lb11", "location": "nbg1", "labels": {"a": "b"}}
    lb = tour("POST", "/load_balancers", body)["load_balancer"]["id"]
    at = f"/load_balancers/{lb}"
    tour("POST", f"{at}/actions/attach_to_network", {"network": network})
    tour("POST", f"{at}/actions/add_service", {"protocol": "http"})
    tour("POST", f"{at}/actions/add_service", {"protocol": "tcp", "listen_port": 22, "destination_port": 22})
    https = {"protocol": "https", "http": {"certificates": [tls_id]}}
    tour("POST", f"{at}/actions/add_service", https)
    tour("POST", f"{at}/actions/update_service", {"listen_port": 443, "health_check": {"interval": 3}})
    target = {"type": "server", "server": {"id": server}, "use_private_ip": True}
    tour("POST", f"{at}/actions/add_target", target)
    selector = {"type": "label_selector", "label_selector": {"selector": "role=web"}, "use_private_ip": True}
    tour("POST", f"{at}/actions/add_target", selector)
    tour.group("load_balancers", lb)
    tour.group("certificates", tls_id)
    tour("PUT", f"/certificates/{tls_id}", {"name": "tls-1"})
    tour("POST", f"/certificates/{tls_id}/actions/retry", refused=True)
    tour("DELETE", f"/certificates/{tls_id}", refused=True)
    tour("GET", f"/networks/{network}")
    tour("GET", f"/servers/{server}")
    tour("POST", f"{at}/actions/disable_public_interface")
    tour("POST", f"{at}/actions/enable_public_interface")
    tour("POST", f"{at}/actions/change_algorithm", {"type": "least_connections"})
    tour("POST", f"{at}/actions/change_type", {"load_balancer_type": "lb21"})
    tour("POST", f"{at}/actions/change_protection", {"delete": False})
    ip = tour("GET", at)["load_balancer"]["public_net"]["ipv4"]["ip"]
    tour("POST", f"{at}/actions/change_dns_ptr", {"ip": ip, "dns_ptr": "lb.example.org"})
    tour("PUT", at, {"name": "lb-1"})
    tour("GET", f"{at}/metrics?type=bandwidth,open_connections&{_span()}")
    tour("POST", f"{at}/actions/remove_target", target)
    tour("POST", f"{at}/actions/delete_service", {"listen_port": 443})
    tour("DELETE", f"/certificates/{tls_id}")
    tour("POST", f"{at}/actions/detach_from_network", {"network": network})
    tour("DELETE", at)


def _span() -> str:
    end = datetime.now(UTC)
    form = "%Y-%m-%dT%H:%M:%SZ"
    return f"start={(end - timedelta(hours=1)).strftime(form)}&end={end.strftime(form)}"


def _volume(tour: Tour, server: int) -> None:
    body = {"name": "data", "size": 10, "location": "nbg1", "format": "ext4"}
    volume = tour("POST", "/volumes", body)["volume"]["id"]
    at = f"/volumes/{volume}"
    tour("POST", f"{at}/actions/attach", {"server": server, "automount": True})
    tour.group("volumes", volume)
    tour("PUT", at, {"labels": {"a": "b"}})
    tour("POST", f"{at}/actions/resize", {"size": 11})
    tour("POST", f"{at}/actions/change_protection", {"delete": False})
    tour("POST", f"{at}/actions/detach")
    tour("DELETE", at)
    tour("POST", "/volumes", {"name": "more", "size": 10, "server": server, "format": "xfs"})


def _power_and_images(tour: Tour, server: int) -> None:
    at = f"/servers/{server}/actions"
    tour("POST", f"{at}/change_type", {"server_type": "cx43", "upgrade_disk": True})
    for name in ("reboot", "reset", "poweroff", "poweron", "shutdown", "poweron", "enable_backup", "reset_password",
                 "request_console", "disable_rescue", "detach_iso"):  # fmt: skip
        tour("POST", f"{at}/{name}")
    tour("POST", f"{at}/enable_rescue", {"type": "linux64"}, refused=True)
    tour("POST", f"{at}/attach_iso", {"iso": "debian-13.1.0-amd64-netinst.iso"}, refused=True)
    tour("POST", f"{at}/create_image", {"type": "backup"})
    image = tour("POST", f"{at}/create_image", {"description": "before", "labels": {"a": "b"}})["image"]["id"]
    tour("POST", f"/images/{image}/actions/change_protection", {"delete": False})
    tour.group("images", image)
    tour("PUT", f"/images/{image}", {"description": "after"})
    tour("POST", f"{at}/rebuild", {"image": str(image)})
    tour("POST", f"{at}/disable_backup")
    tour("DELETE", f"/images/{image}")
    tour("GET", f"/servers/{server}")
    tour("POST", f"{at}/change_protection", {"delete": False, "rebuild": False})
    ip = tour("GET", f"/servers/{server}")["server"]["public_net"]["ipv6"]["ip"].replace("::/64", "::1")
    tour("POST", f"{at}/change_dns_ptr", {"ip": ip, "dns_ptr": "web.example.org"})
    tour("PUT", f"/servers/{server}", {"name": "web-2"})
    tour("GET", f"/servers/{server}/metrics?type=cpu&{_span()}")


def _addresses(tour: Tour) -> None:
    body = {
        "name": "spare", "server_type": "cx23", "image": "debian-13", "location": "nbg1", "start_after_create": False,
        "public_net": {"enable_ipv4": False, "enable_ipv6": False},
    }  # fmt: skip
    server = tour("POST", "/servers", body)["server"]["id"]
    tour("GET", f"/servers/{server}")
    ip = tour("POST", "/primary_ips", {"name": "front", "type": "ipv4", "location": "nbg1"})["primary_ip"]
    at = f"/primary_ips/{ip['id']}"
    tour("POST", f"{at}/actions/assign", {"assignee_id": server, "assignee_type": "server"})
    tour.group("primary_ips", ip["id"])
    tour("POST", f"{at}/actions/change_dns_ptr", {"ip": ip["ip"], "dns_ptr": "front.example.org"})
    tour("POST", f"{at}/actions/change_protection", {"delete": False})
    tour("DELETE", at, refused=True)
    tour("POST", f"{at}/actions/unassign")
    tour("PUT", at, {"auto_delete": True})
    tour("DELETE", at)
    tour("POST", "/primary_ips", {"name": "six", "type": "ipv6", "assignee_id": server, "assignee_type": "server"})
    tour("DELETE", f"/servers/{server}")


def _end(tour: Tour, network: int, server: int) -> None:
    at = f"/servers/{server}/actions"
    tour("POST", f"{at}/change_alias_ips", {"network": network, "alias_ips": ["10.0.1.77"]})
    tour("GET", f"/servers/{server}")
    tour("POST", f"{at}/detach_from_network", {"network": network})
    tour("POST", f"{at}/attach_to_network", {"network": network, "ip": "10.0.1.20", "alias_ips": []})
    actions = tour("GET", f"/servers/{server}/actions")["actions"]
    tour("GET", f"/actions/{actions[0]['id']}")
    tour("GET", "/actions?" + "&".join(f"id={one['id']}" for one in actions[:25]))
    tour("POST", f"/networks/{network}/actions/change_protection", {"delete": False})
    tour("DELETE", f"/networks/{network}")
    tour("DELETE", f"/servers/{server}")


def test_refusals_are_what_the_document_says(tour: Tour) -> None:
    """Clients read ``error.code`` by the document's schema; another shape is "status code 422" to them."""
    server = tour.api.server("web-1")
    tour("GET", "/servers/999999", refused=True)
    tour("POST", "/servers", {"name": "-"}, refused=True)
    tour("POST", "/servers", {"name": "web-1", "server_type": "cx23", "image": "debian-13"}, refused=True)
    tour("POST", f"/servers/{server}/actions/change_type", {"server_type": "cx33", "upgrade_disk": True}, refused=True)
    tour("GET", "/networks?per_page=51", refused=True)
    tour("GET", "/actions", refused=True)
    assert tour.wrong == []


@pytest.mark.parametrize("path", ["/zones", "/floating_ips", "/nonsense", "/servers/x"])
def test_what_is_not_there_is_an_unknown_route(api: Served, path: str) -> None:
    """A group that is not built must not look like an empty one."""
    status, code, error = api.error("GET", path)
    assert (status, code, error["message"]) == (404, "not_found", "api route not found")
