"""A load balancer's place in a private network. Its id is ``BALANCER-NETWORK``."""

from __future__ import annotations

from localcloud.plugins.base.errors import ProviderError
from localcloud.plugins.base.values import Properties
from localcloud.plugins.hcloud.api import Api, Json
from localcloud.plugins.hcloud.attachments import AttachedResource, attach, detach, network_id, private_net
from localcloud.plugins.hcloud.common import check_ip, split_id
from localcloud.plugins.hcloud.resource import Made
from localcloud.plugins.hcloud.schema import Field

_DETACH_LOOKS = 10
_DETACH_PAUSE = 2.0
"""Seconds."""


class LoadBalancerNetwork(AttachedResource):
    """``hcloud_load_balancer_network``: also switches the public interface, which has little to do with it."""

    token = "hcloud:index/loadBalancerNetwork:LoadBalancerNetwork"
    fields = (
        Field("loadBalancerId", "int", required=True, replace=True),
        Field("networkId", "int", computed=True, replace=True),
        Field("subnetId", replace=True),
        Field("ip", computed=True, replace=True, check=check_ip),
        Field("enablePublicInterface", "bool", default=True),
    )

    def make(self, api: Api, inputs: Properties, made: Made) -> None:
        number, network = inputs["loadBalancerId"], network_id(inputs)
        path = f"/load_balancers/{number}"
        attach(api, path, inputs, "load_balancer_already_attached", aliases=False)
        balancer = api.get(path)["load_balancer"]
        if private_net(balancer, network) is None:
            # A balancer is in one network only, and it is in another one.
            raise ProviderError(f"load balancer {number} is already attached to another network than {network}")
        made(f"{number}-{network}")
        _set_public(api, balancer, inputs.get("enablePublicInterface", True))

    def look(self, api: Api, id: str, state: Properties) -> tuple[str, Properties] | None:
        number, network = _parse(id)
        balancer = api.find(f"/load_balancers/{number}", "load_balancer")
        attachment = private_net(balancer, network) if balancer else None
        if balancer is None or attachment is None:
            return None
        found = {"loadBalancerId": number, "networkId": network, "ip": attachment["ip"]}
        return id, found | {"enablePublicInterface": balancer["public_net"]["enabled"]}

    def change(self, api: Api, id: str, state: Properties, new: Properties, changed: set[str]) -> None:
        number, _ = _parse(id)
        balancer = api.get(f"/load_balancers/{number}")["load_balancer"]
        if "enablePublicInterface" in changed:
            _set_public(api, balancer, bool(new.get("enablePublicInterface", True)))

    def remove(self, api: Api, id: str, state: Properties) -> None:
        number, network = _parse(id)
        detach(api, f"/load_balancers/{number}", network)
        for _ in range(_DETACH_LOOKS):
            balancer = api.find(f"/load_balancers/{number}", "load_balancer")
            if balancer is None or private_net(balancer, network) is None:
                return
            api.call.pause(_DETACH_PAUSE)


def _set_public(api: Api, balancer: Json, on: bool) -> None:
    if balancer["public_net"]["enabled"] != on:
        api.act(f"/load_balancers/{balancer['id']}/actions/{'enable' if on else 'disable'}_public_interface")


def _parse(id: str) -> tuple[int, int]:
    number, network = split_id(id, "load balancer network", "$LOAD_BALANCER_ID-$NETWORK_ID")
    if not network.isdigit():
        raise ProviderError(f"unexpected id {id!r} of a load balancer network, expected $LOAD_BALANCER_ID-$NETWORK_ID")
    return number, int(network)
