"""What a project has: the things that resources make, found by id, name or label."""

from __future__ import annotations

from localcloud.plugins.base.values import Properties
from localcloud.plugins.hcloud.api import Json
from localcloud.plugins.hcloud.functions.lookup import CloudFunction, Kind
from localcloud.plugins.hcloud.resources.certificates import certificate_attributes
from localcloud.plugins.hcloud.resources.firewall import firewall_attributes
from localcloud.plugins.hcloud.resources.load_balancer import balancer_attributes
from localcloud.plugins.hcloud.resources.load_balancer_service import health_check_attributes, http_attributes
from localcloud.plugins.hcloud.resources.network import network_attributes
from localcloud.plugins.hcloud.resources.placement_group import placement_group_attributes
from localcloud.plugins.hcloud.resources.primary_ip import primary_ip_attributes
from localcloud.plugins.hcloud.resources.server import server_attributes
from localcloud.plugins.hcloud.resources.ssh_key import ssh_key_attributes
from localcloud.plugins.hcloud.resources.volume import volume_attributes


def _server(server: Json) -> Properties:
    networks = [
        {"networkId": net["network"], "ip": net["ip"], "aliasIps": net["alias_ips"], "macAddress": net["mac_address"]}
        for net in server["private_net"]
    ]
    return server_attributes(server, {}) | {
        "iso": (server.get("iso") or {}).get("name") or "",
        "rescue": "linux64" if server.get("rescue_enabled") else "",
        "networks": networks,
    }


def _balancer(balancer: Json) -> Properties:
    found = balancer_attributes(balancer)
    targets = [
        {
            "type": target["type"],
            "serverId": (target.get("server") or {}).get("id") or 0,
            "labelSelector": (target.get("label_selector") or {}).get("selector") or "",
        }
        for target in balancer["targets"]
    ]
    # The data source shows single blocks as lists of one.
    algorithms = {"algorithms": [found.pop("algorithm")]}
    return found | algorithms | {"targets": targets, "services": [_service(item) for item in balancer["services"]]}


def _service(service: Json) -> Properties:
    check = health_check_attributes(service["health_check"])
    check_http = check.pop("http", None)
    return {
        "protocol": service["protocol"],
        "listenPort": service["listen_port"],
        "destinationPort": service["destination_port"],
        "proxyprotocol": service["proxyprotocol"],
        "https": [http_attributes(service["http"])] if service.get("http") else [],
        "healthChecks": [check | {"https": [check_http] if check_http else []}],
    }


def _volume(volume: Json) -> Properties:
    return volume_attributes(volume) | {"serverId": volume.get("server") or 0}


KINDS = (
    Kind("Certificate", "/certificates", "certificate", certificate_attributes),
    Kind("Firewall", "/firewalls", "firewall", firewall_attributes),
    Kind("LoadBalancer", "/load_balancers", "load_balancer", _balancer),
    Kind("Network", "/networks", "network", network_attributes),
    Kind("PlacementGroup", "/placement_groups", "placement_group", placement_group_attributes),
    Kind("PrimaryIp", "/primary_ips", "primary_ip", primary_ip_attributes, by={"ipAddress": "ip"}),
    Kind("Server", "/servers", "server", _server),
    Kind("SshKey", "/ssh_keys", "ssh_key", ssh_key_attributes, by={"fingerprint": "fingerprint"}),
    Kind("Volume", "/volumes", "volume", _volume),
)
FUNCTIONS: dict[str, CloudFunction] = {token: call for kind in KINDS for token, call in kind.functions().items()}
