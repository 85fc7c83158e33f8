"""Requests that the real API refuses, and how."""

from __future__ import annotations

from typing import Any

SERVER = {"name": "a", "server_type": "cx23", "image": "debian-13", "location": "nbg1"}
RULE = {"direction": "in", "protocol": "tcp", "port": "22", "source_ips": ["10.0.0.0/8"]}
SUBNET = {"type": "cloud", "ip_range": "10.0.1.0/24", "network_zone": "eu-central"}
LB = {"name": "lb", "load_balancer_type": "lb11", "location": "nbg1"}

REFUSED: list[tuple[str, Any, int, str, str]] = [
    # path, body, status, code, field
    ("/servers", SERVER | {"name": "under_score"}, 422, "invalid_input", "name"),
    ("/servers", SERVER | {"name": ""}, 422, "invalid_input", "name"),
    ("/servers", {"name": "a"}, 422, "invalid_input", "server_type"),
    ("/servers", SERVER | {"server_type": "cx99"}, 422, "invalid_input", "server_type"),
    ("/servers", SERVER | {"location": "ash"}, 422, "invalid_input", "server_type"),
    ("/servers", SERVER | {"server_type": "cx22"}, 422, "invalid_input", "server_type"),
    ("/servers", SERVER | {"location": "moon"}, 422, "invalid_input", "location"),
    ("/servers", SERVER | {"image": "beos-5"}, 422, "invalid_input", "image"),
    ("/servers", SERVER | {"image": "ubuntu-24.04"}, 412, "resource_unavailable", ""),
    ("/servers", SERVER | {"ssh_keys": ["nobody"]}, 422, "invalid_input", "ssh_keys[0]"),
    ("/servers", SERVER | {"user_data": "x" * 32_769}, 422, "invalid_input", "user_data"),
    ("/servers", SERVER | {"placement_group": 1}, 404, "not_found", ""),
    ("/servers", SERVER | {"firewalls": [{"firewall": 1}]}, 422, "invalid_input", "firewalls[0].firewall"),
    ("/servers", SERVER | {"networks": [1]}, 422, "invalid_input", "network"),
    ("/servers", SERVER | {"labels": {"a b": "c"}}, 422, "invalid_input", "labels"),
    ("/servers", SERVER | {"public_net": {"enable_ipv4": False, "enable_ipv6": False}}, 422, "invalid_input",
     "public_net"),
    ("/networks", {"name": "n", "ip_range": "8.8.0.0/16"}, 422, "invalid_input", "ip_range"),
    ("/networks", {"name": "n", "ip_range": "10.0.0.0/25"}, 422, "invalid_input", "ip_range"),
    ("/networks", {"name": "n", "ip_range": "10.0.0.1/16"}, 422, "invalid_input", "ip_range"),
    ("/networks", {"name": "", "ip_range": "10.0.0.0/16"}, 422, "invalid_input", "name"),
    ("/networks", {"name": "n", "ip_range": "10.0.0.0/16", "subnets": [SUBNET | {"ip_range": "10.1.0.0/24"}]},
     422, "invalid_input", "subnets[0].ip_range"),
    ("/networks", {"name": "n", "ip_range": "10.0.0.0/16", "subnets": [SUBNET, SUBNET | {"ip_range": "10.0.1.128/25"}]},
     422, "invalid_input", "subnets[1].ip_range"),
    ("/networks", {"name": "n", "ip_range": "10.0.0.0/16", "subnets": [SUBNET | {"ip_range": "10.0.1.0/31"}]},
     422, "invalid_input", "subnets[0].ip_range"),
    ("/networks", {"name": "n", "ip_range": "10.0.0.0/16", "subnets": [SUBNET | {"network_zone": "mars"}]},
     422, "invalid_input", "subnets[0].network_zone"),
    ("/networks", {"name": "n", "ip_range": "10.0.0.0/16", "subnets": [SUBNET, SUBNET | {
        "ip_range": "10.0.2.0/24", "network_zone": "us-east"}]}, 422, "invalid_input", "subnets[1].network_zone"),
    ("/networks", {"name": "n", "ip_range": "10.0.0.0/16", "subnets": [SUBNET | {"type": "vswitch"}]},
     422, "invalid_input", "subnets[0].vswitch_id"),
    ("/networks", {"name": "n", "ip_range": "10.0.0.0/16", "routes": [
        {"destination": "1.2.3.0/24", "gateway": "10.0.0.2"}]}, 422, "invalid_input", "routes[0].destination"),
    ("/networks", {"name": "n", "ip_range": "10.0.0.0/16", "routes": [
        {"destination": "0.0.0.0/0", "gateway": "10.0.0.1"}]}, 422, "invalid_input", "routes[0].gateway"),
    ("/firewalls", {"name": "f", "rules": [RULE | {"source_ips": ["10.0.0.1/8"]}]}, 422, "invalid_input",
     "rules[0].source_ips[0]"),
    ("/firewalls", {"name": "f", "rules": [RULE | {"source_ips": []}]}, 422, "invalid_input", "rules[0].source_ips"),
    ("/firewalls", {"name": "f", "rules": [RULE | {"destination_ips": ["10.0.0.0/8"]}]}, 422, "invalid_input",
     "rules[0].destination_ips"),
    ("/firewalls", {"name": "f", "rules": [RULE | {"port": None}]}, 422, "invalid_input", "rules[0].port"),
    ("/firewalls", {"name": "f", "rules": [RULE | {"port": "70000"}]}, 422, "invalid_input", "rules[0].port"),
    ("/firewalls", {"name": "f", "rules": [RULE | {"port": "20-10"}]}, 422, "invalid_input", "rules[0].port"),
    ("/firewalls", {"name": "f", "rules": [RULE | {"protocol": "icmp"}]}, 422, "invalid_input", "rules[0].port"),
    ("/firewalls", {"name": "f", "rules": [RULE | {"protocol": "ftp"}]}, 422, "invalid_input", "rules[0].protocol"),
    ("/firewalls", {"name": "f", "rules": [RULE] * 51}, 422, "invalid_input", "rules"),
    ("/firewalls", {"name": "f", "apply_to": [{"type": "server", "server": {"id": 1}}]}, 422,
     "firewall_resource_not_found", ""),
    ("/volumes", {"name": "v", "size": 9, "location": "nbg1"}, 422, "invalid_input", "size"),
    ("/volumes", {"name": "v", "size": 10241, "location": "nbg1"}, 422, "invalid_input", "size"),
    ("/volumes", {"name": "v", "size": "10", "location": "nbg1"}, 422, "invalid_input", "size"),
    ("/volumes", {"name": "-v", "size": 10, "location": "nbg1"}, 422, "invalid_input", "name"),
    ("/volumes", {"name": "v", "size": 10}, 422, "invalid_input", "location"),
    ("/volumes", {"name": "v", "size": 10, "location": "nbg1", "format": "zfs"}, 422, "invalid_input", "format"),
    ("/volumes", {"name": "v", "size": 10, "location": "nbg1", "automount": True}, 422, "invalid_input", "automount"),
    ("/volumes", {"name": "v", "size": 10, "server": 1}, 422, "invalid_input", "server"),
    ("/primary_ips", {"name": "p", "type": "ipv4"}, 422, "invalid_input", "location"),
    ("/primary_ips", {"name": "p", "type": "ipv5", "location": "nbg1"}, 422, "invalid_input", "type"),
    ("/placement_groups", {"name": "p", "type": "pack"}, 422, "invalid_input", "type"),
    ("/ssh_keys", {"name": "k", "public_key": "ssh-ed25519 nonsense"}, 422, "invalid_input", "public_key"),
    ("/load_balancers", LB | {"load_balancer_type": "lb99"}, 422, "invalid_input", "load_balancer_type"),
    ("/load_balancers", {"name": "lb", "load_balancer_type": "lb11"}, 422, "invalid_input", "location"),
    ("/load_balancers", LB | {"services": [{"protocol": "tcp"}]}, 422, "invalid_input", "services[0].listen_port"),
    ("/load_balancers", LB | {"services": [{"protocol": "http"}] * 2}, 412, "source_port_already_used", ""),
    ("/load_balancers", LB | {"services": [{"protocol": "http", "health_check": {"interval": 2}}]}, 422,
     "invalid_input", "services[0].health_check.interval"),
    ("/load_balancers", LB | {"targets": [{"type": "ip", "ip": {"ip": "1.2.3.4"}}]}, 422, "ip_not_owned", ""),
    ("/load_balancers", LB | {"targets": [{"type": "label_selector", "label_selector": {"selector": "a"},
                                           "use_private_ip": True}]}, 422, "load_balancer_not_attached_to_network", ""),
    ("/certificates", {"name": "c", "certificate": "x", "private_key": "y"}, 422, "invalid_input", "certificate"),
    ("/certificates", {"name": "c", "type": "managed", "domain_names": ["a.example"]}, 422, "dns_zone_not_found", ""),
]  # fmt: skip
