"""What the providers would answer, for tests under mocks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pulumi.runtime import mocks as pulumi_mocks

from tests.unit.cloudflare_account import Account


class Cloud(pulumi_mocks.Mocks):
    """Answers that look like the providers': ids are numbers in strings, addresses are given, catalogues have types.

    `servers`, `balancers`, `sold_out`: what the account has already, and types that are not to be had.
    `cloudflare`: what the account there has, and what its token may not.
    """

    TYPES = (("cx23", 2, 4, "shared"), ("cx33", 4, 8, "shared"), ("cx43", 8, 16, "shared"), ("cpx22", 2, 4, "shared"))
    LOCATIONS = ("fsn1", "nbg1", "hel1")
    MADE: Mapping[str, Mapping[str, str]] = {
        "AccountToken": {"value": "value-of-a-token"},
        "OriginCaCertificate": {"certificate": "a-signed-certificate", "expiresOn": "2041-11-21"},
        "ZeroTrustAccessServiceToken": {"clientId": "a-client", "clientSecret": "a-client-secret"},
    }
    """What Cloudflare adds to a resource, by kind."""

    def __init__(
        self,
        calls: list[tuple[str, dict[str, Any]]],
        servers: Mapping[str, str] | None = None,
        balancer_targets: int = 0,
        sold_out: frozenset[str] = frozenset(),
        failing: str = "",
        cloudflare: Account | None = None,
    ) -> None:
        self.calls = calls
        self.servers = dict(servers or {})
        self.balancer_targets = balancer_targets
        self.sold_out = sold_out
        self.failing = failing
        self.cloudflare = cloudflare or Account()
        self.count = 0

    def new_resource(self, args: pulumi_mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        self.count += 1
        identifier = str(1000 + self.count)
        state = dict(args.inputs)
        kind = args.typ.rsplit(":", 1)[-1]
        if kind in ("Server", "PrimaryIp"):
            key = "ipv4Address" if kind == "Server" else "ipAddress"
            state[key] = f"198.18.{self.count // 250}.{self.count % 250 + 1}"
        elif kind == "LoadBalancer":
            state["ipv4"] = "198.18.255.1"
        elif kind == "NetworkSubnet":
            identifier = f"{int(state['networkId'])}-{state['ipRange']}"
        elif kind == "Volume":
            state["linuxDevice"] = f"/dev/disk/by-id/scsi-0HC_Volume_{identifier}"
        elif kind == "Command":
            state.setdefault("stdout", "")
        else:
            state |= {key: f"{value}-{self.count}" for key, value in self.MADE.get(kind, {}).items()}
        return identifier, state

    def call(self, args: pulumi_mocks.MockCallArgs) -> Any:
        name = args.token.rsplit(":", 1)[-1]
        self.calls.append((name, dict(args.args)))
        if name == self.failing:
            return {}, [("", "the token you have provided is invalid (unauthorized)")]
        if name == "getServerTypes":
            return {"id": "types", "descriptions": [], "names": [], "serverTypeIds": [], "serverTypes": self._types()}
        if name == "getServers":
            return {"id": "servers", "servers": [self._server(*item) for item in self.servers.items()]}
        if name == "getLoadBalancers":
            return {"id": "balancers", "loadBalancers": self._balancers()}
        found = self.cloudflare.answer(name, args.args)
        if found is not None:
            return found
        raise AssertionError(f"the program asked for {args.token}, which this mock does not know")

    def _types(self) -> list[dict[str, Any]]:
        deprecation = {"isDeprecated": False, "deprecationAnnounced": "", "unavailableAfter": ""}
        return [
            {
                "id": number,
                "name": name,
                "description": name,
                "cores": cores,
                "memory": memory,
                "disk": 40,
                "architecture": "x86",
                "cpuType": cpu,
                "storageType": "local",
                "includedTraffic": 0,
                "category": "",
                **deprecation,
                "locations": [
                    {"id": place, "name": location, "available": name not in self.sold_out, **deprecation}
                    for place, location in enumerate(self.LOCATIONS, start=1)
                ],
            }
            for number, (name, cores, memory, cpu) in enumerate(self.TYPES, start=114)
        ]

    @staticmethod
    def _server(name: str, server_type: str) -> dict[str, Any]:
        return {"id": 1, "name": name, "serverType": server_type, "location": "nbg1", "status": "running"}

    def _balancers(self) -> list[dict[str, Any]]:
        if not self.balancer_targets:
            return []
        targets = [{"type": "server", "serverId": number} for number in range(self.balancer_targets)]
        return [{"id": 7, "name": "api", "loadBalancerType": "lb21", "targets": targets, "services": []}]
