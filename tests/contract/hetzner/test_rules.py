"""What the real API refuses must be refused here, with the same code: else a program passes here and fails there."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.hetzner import pem
from tests.contract.hetzner.refusals import LB, REFUSED, RULE, SERVER, SUBNET
from tests.contract.hetzner.serving import PUBLIC_KEY, Served, serve


def test_what_the_real_api_refuses_is_refused_and_leaves_nothing(api: Served) -> None:
    """A request half done before its refusal leaves addresses taken and names used."""
    wrong = []
    for path, body, status, code, field in REFUSED:
        found_status, found_code, error = api.error("POST", path, body)
        fields = [one["name"] for one in (error["details"] or {}).get("fields", [])]
        if (found_status, found_code) != (status, code) or (field and field not in fields):
            wrong.append((path, body, error))
    assert wrong == []
    assert {kind: rows for kind, rows in api.cloud.store.rows.items() if rows} == {}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/networks", {"name": "same", "ip_range": "10.0.0.0/16"}),
        ("/firewalls", {"name": "same"}),
        ("/placement_groups", {"name": "same", "type": "spread"}),
        ("/volumes", {"name": "same", "size": 10, "location": "nbg1"}),
        ("/primary_ips", {"name": "same", "type": "ipv4", "location": "nbg1"}),
        ("/ssh_keys", {"name": "same", "public_key": PUBLIC_KEY}),
        ("/load_balancers", LB | {"name": "same"}),
        ("/servers", SERVER | {"name": "same"}),
    ],
)
def test_names_are_unique_in_their_group(api: Served, path: str, body: Any) -> None:
    """Create-before-delete with a fixed name fails in the real cloud; it must fail here."""
    api.done(api.post(path, body))
    status, code, error = api.error("POST", path, body)
    assert (status, code, error["details"]["fields"][0]["name"]) == (409, "uniqueness_error", "name")


def test_a_key_is_unique_by_fingerprint_too(api: Served) -> None:
    """Two stacks with one key: the real API says so by fingerprint."""
    api.post("/ssh_keys", {"name": "a", "public_key": PUBLIC_KEY})
    status, code, error = api.error("POST", "/ssh_keys", {"name": "b", "public_key": PUBLIC_KEY + " again"})
    assert (status, code, error["details"]["fields"]) == (409, "uniqueness_error", [{"name": "public_key"}])


def test_protected_things_stay(api: Served) -> None:
    """The last safety before a database is gone."""
    network = api.network()
    server = api.server(networks=[network])
    volume = api.done(api.post("/volumes", {"name": "v", "size": 10, "location": "nbg1"}))["volume"]["id"]
    lb = api.load_balancer()
    ip = api.post("/primary_ips", {"name": "p", "type": "ipv4", "location": "nbg1"})["primary_ip"]["id"]
    assert api.error("POST", f"/servers/{server}/actions/change_protection", {"delete": True})[1] == "invalid_input"
    api.post(f"/servers/{server}/actions/change_protection", {"delete": True, "rebuild": True})
    for path in (f"/networks/{network}", f"/volumes/{volume}", f"/load_balancers/{lb}", f"/primary_ips/{ip}"):
        api.post(f"{path}/actions/change_protection", {"delete": True})
        assert api.error("DELETE", path)[:2] == (423, "protected")
    assert api.error("DELETE", f"/servers/{server}")[:2] == (423, "protected")
    assert api.error("POST", f"/servers/{server}/actions/rebuild", {"image": "debian-12"})[:2] == (423, "protected")
    assert api.get(f"/servers/{server}")["server"]["protection"] == {"delete": True, "rebuild": True}


def test_a_spread_group_holds_ten(api: Served) -> None:
    """The eleventh instance needs a second group: learnt here, not on launch day."""
    group = api.post("/placement_groups", {"name": "g", "type": "spread"})["placement_group"]["id"]
    for number in range(10):
        api.post("/servers", SERVER | {"name": f"s{number}", "placement_group": group})
    status, code, _ = api.error("POST", "/servers", SERVER | {"name": "s10", "placement_group": group})
    assert (status, code) == (422, "placement_error")


def test_addresses_of_a_network(api: Served) -> None:
    """Planned addresses must be takable, taken ones not, and reserved ones never."""
    network = api.network()
    one, two = api.server("one"), api.server("two")
    attach = f"/servers/{one}/actions/attach_to_network"
    for ip in ("10.0.0.1", "10.0.1.0", "10.0.1.255", "10.0.7.7"):
        assert api.error("POST", attach, {"network": network, "ip": ip})[1] == "ip_not_available"
    assert api.error("POST", attach, {"network": network, "ip_range": "10.0.9.0/24"})[1] == "no_subnet_available"
    api.done(api.post(attach, {"network": network, "ip": "10.0.1.1"}))
    assert api.error("POST", attach, {"network": network})[1] == "server_already_attached"
    other = f"/servers/{two}/actions/attach_to_network"
    assert api.error("POST", other, {"network": network, "ip": "10.0.1.1"})[1] == "ip_not_available"
    api.done(api.post(other, {"network": network}))
    assert api.get(f"/servers/{two}")["server"]["private_net"][0]["ip"] == "10.0.1.2"
    overlapping = api.post("/networks", {"name": "wide", "ip_range": "10.0.0.0/8", "subnets": [SUBNET]})["network"][
        "id"
    ]
    assert api.error("POST", other, {"network": overlapping})[1] == "networks_overlap"
    status, code, error = api.error("POST", f"/networks/{network}/actions/delete_subnet", {"ip_range": "10.0.1.0/24"})
    assert (status, code) == (422, "service_error") and "servers are attached" in error["message"]


def test_targets_join_in_the_right_order(api: Served) -> None:
    """The provider's own race: a private target before both are on the network must fail, not hang."""
    network, server, lb = api.network(), api.server(), api.load_balancer()
    target = {"type": "server", "server": {"id": server}, "use_private_ip": True}
    add = f"/load_balancers/{lb}/actions/add_target"
    assert api.error("POST", add, target)[1] == "load_balancer_not_attached_to_network"
    api.done(api.post(f"/load_balancers/{lb}/actions/attach_to_network", {"network": network}))
    assert api.error("POST", add, target)[1] == "resolve_cloud_private_targets_error"
    api.done(api.post(f"/servers/{server}/actions/attach_to_network", {"network": network}))
    api.done(api.post(add, target))
    assert api.error("POST", add, target)[1] == "target_already_defined"
    assert api.error("POST", add, target | {"use_private_ip": False})[1] == "target_already_defined"
    remove = f"/load_balancers/{lb}/actions/remove_target"
    api.done(api.post(remove, {"type": "server", "server": {"id": server}}))
    assert api.error("POST", remove, target)[1] == "load_balancer_target_not_found"
    api.done(api.post(add, {"type": "server", "server": {"id": server}}))
    assert (
        api.error("POST", f"/load_balancers/{lb}/actions/disable_public_interface")[1]
        == "targets_without_use_private_ip"
    )


def test_a_balancer_type_has_limits(api: Served) -> None:
    """More instances than the type takes: the program must choose the next one."""
    lb = api.load_balancer()
    for port in range(1, 6):
        body = {"protocol": "tcp", "listen_port": port, "destination_port": port}
        api.done(api.post(f"/load_balancers/{lb}/actions/add_service", body))
    body = {"protocol": "tcp", "listen_port": 6, "destination_port": 6}
    assert api.error("POST", f"/load_balancers/{lb}/actions/add_service", body)[:2] == (403, "resource_limit_exceeded")
    api.done(api.post(f"/load_balancers/{lb}/actions/change_type", {"load_balancer_type": "lb21"}))
    api.done(api.post(f"/load_balancers/{lb}/actions/add_service", body))
    back = {"load_balancer_type": "lb11"}
    assert api.error("POST", f"/load_balancers/{lb}/actions/change_type", back)[1] == "invalid_load_balancer_type"


def test_service_defaults_come_back(api: Served) -> None:
    """What the API fills in is compared by providers on every refresh."""
    lb = api.load_balancer(services=[{"protocol": "http"}, {"protocol": "https"}])
    first, second = api.get(f"/load_balancers/{lb}")["load_balancer"]["services"]
    assert (first["listen_port"], first["destination_port"], second["listen_port"]) == (80, 80, 443)
    assert first["http"]["cookie_name"] == "HCLBSTICKY" and first["http"]["timeout_idle"] == 50
    assert first["health_check"] == {
        "protocol": "http", "port": 80, "interval": 15, "timeout": 10, "retries": 3,
        "http": {"domain": "", "path": "/", "response": "", "status_codes": ["2??", "3??"], "tls": False},
    }  # fmt: skip
    change = {"listen_port": 80, "health_check": {"http": {"path": "/health"}}, "http": {"timeout_idle": 60}}
    api.done(api.post(f"/load_balancers/{lb}/actions/update_service", change))
    after = api.get(f"/load_balancers/{lb}")["load_balancer"]["services"][0]
    assert after["health_check"]["http"]["path"] == "/health" and after["health_check"]["interval"] == 15
    assert after["http"]["timeout_idle"] == 60 and after["http"]["cookie_name"] == "HCLBSTICKY"


def test_a_certificate_in_use_stays_and_its_key_is_never_shown(api: Served) -> None:
    """Order of replacement: new certificate, service, then the old one."""
    certificate, key = pem.pair("shop.example.org")
    body = {"name": "tls", "certificate": certificate, "private_key": key}
    made = api.post("/certificates", body)["certificate"]
    assert made["domain_names"] == ["shop.example.org"] and "private_key" not in made
    lb = api.load_balancer(services=[{"protocol": "https", "http": {"certificates": [made["id"]]}}])
    assert api.error("DELETE", f"/certificates/{made['id']}")[1] == "service_error"
    api.done(api.http.delete(f"/v1/load_balancers/{lb}").json())
    api.ask("DELETE", f"/certificates/{made['id']}", status=204)
    other = pem.pair("shop.example.org")[1]
    assert api.error("POST", "/certificates", body | {"private_key": other})[1] == "invalid_input"


def test_primary_ips_move_only_while_servers_are_off(api: Served) -> None:
    """A front address moved to a new server: the order of calls that works there works here."""
    server = api.server(public_net={"enable_ipv4": False, "enable_ipv6": True})
    ip = api.post("/primary_ips", {"name": "front", "type": "ipv4", "location": "nbg1"})["primary_ip"]
    assert (ip["assignee_type"], ip["assignee_id"]) == ("unassigned", None)
    assign = {"assignee_type": "server", "assignee_id": server}
    path = f"/primary_ips/{ip['id']}"
    assert api.error("POST", f"{path}/actions/assign", assign)[1] == "server_not_stopped"
    api.done(api.post(f"/servers/{server}/actions/poweroff"))
    api.done(api.post(f"{path}/actions/assign", assign))
    assert str(api.machines.servers[server].public_ipv4) == ip["ip"]
    assert api.error("DELETE", path)[1] == "must_be_unassigned"
    other = api.post("/primary_ips", {"name": "other", "type": "ipv4", "location": "nbg1"})["primary_ip"]["id"]
    assert api.error("POST", f"/primary_ips/{other}/actions/assign", assign)[1] == "server_has_ipv4"
    far = api.post("/primary_ips", {"name": "far", "type": "ipv4", "location": "hel1"})["primary_ip"]["id"]
    assert api.error("POST", f"/primary_ips/{far}/actions/assign", assign)[1] == "primary_ip_datacenter_mismatch"
    api.done(api.http.delete(f"/v1/servers/{server}").json())
    assert api.get(path)["primary_ip"]["assignee_id"] is None


def test_firewalls_are_used_one_way(api: Served) -> None:
    """By id and by selector fight each other in the real API; the codes tell which way it was."""
    server = api.server(labels={"role": "web"})
    firewall = api.post("/firewalls", {"name": "f", "rules": [RULE]})["firewall"]["id"]
    by_id = {"type": "server", "server": {"id": server}}
    by_label = {"type": "label_selector", "label_selector": {"selector": "role=web"}}
    apply, remove = (f"/firewalls/{firewall}/actions/{one}" for one in ("apply_to_resources", "remove_from_resources"))
    assert api.post(apply, {"apply_to": []})["actions"] == []
    api.done(api.post(apply, {"apply_to": [by_label]}))
    assert api.error("POST", remove, {"remove_from": [by_id]})[1] == "firewall_managed_by_label_selector"
    assert api.error("DELETE", f"/firewalls/{firewall}")[:2] == (422, "resource_in_use")
    api.done(api.post(remove, {"remove_from": [by_label]}))
    api.done(api.post(apply, {"apply_to": [by_id]}))
    assert api.error("POST", apply, {"apply_to": [by_id]})[1] == "firewall_already_applied"
    missing = {"type": "server", "server": {"id": 1}}
    assert api.error("POST", apply, {"apply_to": [missing]})[:2] == (404, "firewall_resource_not_found")
    private = api.server("p", start_after_create=False, public_net={"enable_ipv4": False, "enable_ipv6": False})
    entry = {"type": "server", "server": {"id": private}}
    assert api.error("POST", apply, {"apply_to": [entry]})[1] == "private_net_only_server"


def test_project_limits() -> None:
    """A new real project has five servers; the error must look the same when the sixth is asked for."""
    with serve(limits={"server": 1}) as api:
        api.server()
        status, code, error = api.error("POST", "/servers", SERVER)
        assert (status, code, error["details"]["limits"]) == (
            403,
            "resource_limit_exceeded",
            [{"name": "server_limit"}],
        )


def test_change_type_needs_a_stopped_server_and_a_disk_that_fits(api: Served) -> None:
    """Growing is one way only; a plan that shrinks must fail before it begins."""
    server = api.server()
    path = f"/servers/{server}/actions/change_type"
    assert api.error("POST", path, {"server_type": "cx33", "upgrade_disk": False})[1] == "server_not_stopped"
    api.done(api.post(f"/servers/{server}/actions/poweroff"))
    api.done(api.post(path, {"server_type": "cx33", "upgrade_disk": True}))
    shown = api.get(f"/servers/{server}")["server"]
    assert (shown["status"], shown["server_type"]["name"], shown["primary_disk_size"]) == ("running", "cx33", 80)
    api.done(api.post(f"/servers/{server}/actions/poweroff"))
    assert api.error("POST", path, {"server_type": "cx23", "upgrade_disk": False})[1] == "invalid_server_type"
    assert api.error("POST", path, {"server_type": "cax21", "upgrade_disk": False})[1] == "invalid_server_type"
