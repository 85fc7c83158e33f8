"""What a project has: servers and load balancers, chosen by label."""

from __future__ import annotations

from localcloud.plugins.base.values import Properties
from localcloud.plugins.hcloud.api import Api, Json
from localcloud.plugins.hcloud.resources.load_balancer import balancer_attributes
from localcloud.plugins.hcloud.resources.server import _attributes as server_attributes


def get_servers(api: Api, args: Properties) -> Properties:
    """``getServers``: by label selector and status."""
    query = {"label_selector": args.get("withSelector"), "status": args.get("withStatuses")}
    servers = api.list("/servers", **{name: value for name, value in query.items() if value})
    return {"id": "servers", "servers": [_server(server) for server in servers], **args}


def get_load_balancers(api: Api, args: Properties) -> Properties:
    """``getLoadBalancers``: by label selector."""
    query = {"label_selector": args["withSelector"]} if args.get("withSelector") else {}
    balancers = api.list("/load_balancers", **query)
    return {"id": "load_balancers", "loadBalancers": [_balancer(balancer) for balancer in balancers], **args}


def _server(server: Json) -> Properties:
    found = server_attributes(server, {})
    iso = server.get("iso")
    return {
        **found,
        "id": server["id"],
        "image": found.get("image", ""),
        "iso": iso["name"] if iso else "",
        "rescue": "linux64" if server.get("rescue_enabled") else "",
        "networks": [
            {
                "networkId": net["network"],
                "ip": net["ip"],
                "aliasIps": net["alias_ips"],
                "macAddress": net["mac_address"],
            }
            for net in server["private_net"]
        ],
    }


def _balancer(balancer: Json) -> Properties:
    found = balancer_attributes(balancer)
    algorithm = found.pop("algorithm")
    return {
        **found,
        "id": balancer["id"],
        "algorithms": [algorithm],
        "targets": [
            {
                "type": target["type"],
                "serverId": (target.get("server") or {}).get("id") or 0,
                "labelSelector": (target.get("label_selector") or {}).get("selector") or "",
            }
            for target in balancer["targets"]
        ],
        "services": [
            {
                "protocol": service["protocol"],
                "listenPort": service["listen_port"],
                "destinationPort": service["destination_port"],
                "proxyprotocol": service["proxyprotocol"],
                "healthChecks": [],
                "https": [],
            }
            for service in balancer["services"]
        ],
    }
