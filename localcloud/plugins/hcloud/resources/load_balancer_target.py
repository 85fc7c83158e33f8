"""A target of a load balancer: a server, the servers of a label selector, or an address."""

from __future__ import annotations

import hashlib

from localcloud.plugins.base.errors import ProviderError
from localcloud.plugins.base.operations import Failure
from localcloud.plugins.base.values import Properties
from localcloud.plugins.hcloud.api import Api, Json, is_code
from localcloud.plugins.hcloud.common import check_ip, one_of
from localcloud.plugins.hcloud.resource import CloudResource, Made
from localcloud.plugins.hcloud.schema import Field

_NAMES = {"server": "serverId", "label_selector": "labelSelector", "ip": "ip"}
_KEYS = {"server": "id", "label_selector": "selector", "ip": "ip"}
"""What names a target of each type: the property here, and the key in the API's object."""


class LoadBalancerTarget(CloudResource):
    """``hcloud_load_balancer_target``: an update takes it out and puts it in again."""

    token = "hcloud:index/loadBalancerTarget:LoadBalancerTarget"
    fields = (
        Field("type", required=True, check=one_of(*_NAMES)),
        Field("loadBalancerId", "int", required=True, replace=True),
        Field("serverId", "int", replace=True),
        Field("labelSelector", replace=True),
        Field("ip", replace=True, check=check_ip),
        Field("usePrivateIp", "bool", computed=True),
    )

    def validate(self, inputs: Properties) -> list[Failure]:
        if sum(inputs.get(name) is not None for name in _NAMES.values()) != 1:
            return [Failure("", "exactly one of `ip,label_selector,server_id` must be specified")]
        if inputs.get("ip") is not None and inputs.get("usePrivateIp") is not None:
            return [Failure("ip", '"ip": conflicts with use_private_ip')]
        return []

    def make(self, api: Api, inputs: Properties, made: Made) -> None:
        number, kind = inputs["loadBalancerId"], inputs["type"]
        balancer = api.find(f"/load_balancers/{number}", "load_balancer")
        if balancer is None:
            raise ProviderError(f"load balancer {number}: not found")
        name = inputs.get(_NAMES[kind])
        if not name:
            raise ProviderError(f"target type {kind}: missing {_NAMES[kind]}")
        if kind == "server":
            _ready_for_server(api, balancer, inputs)
        body: Json = {"type": kind, kind: {_KEYS[kind]: name}}
        if kind != "ip" and inputs.get("usePrivateIp"):
            body["use_private_ip"] = True
        answer: Json = {}
        try:
            answer = api.post(f"/load_balancers/{number}/actions/add_target", body)
        except ProviderError as error:
            if not is_code(error, "target_already_defined"):
                raise ProviderError(f"add {kind.replace('_', ' ')} target: {error}") from error
        made(_id(inputs))
        api.wait([answer.get("action")])

    def look(self, api: Api, id: str, state: Properties) -> tuple[str, Properties] | None:
        wanted = state if state.get("loadBalancerId") else _imported(id)
        target = _find(api, wanted)
        if target is None:
            return None
        kind = target["type"]
        found: Properties = {"type": kind, "loadBalancerId": wanted["loadBalancerId"]}
        found[_NAMES[kind]] = target[kind][_KEYS[kind]]
        if kind != "ip":
            found["usePrivateIp"] = target["use_private_ip"]
        return _id(found), found

    def change(self, api: Api, id: str, state: Properties, new: Properties, changed: set[str]) -> None:
        self.remove(api, id, state)
        self.make(api, new, lambda made: None)

    def remove(self, api: Api, id: str, state: Properties) -> None:
        target = _find(api, state)
        if target is None:
            return
        kind = target["type"]
        body = {"type": kind, kind: {_KEYS[kind]: target[kind][_KEYS[kind]]}}
        path = f"/load_balancers/{state['loadBalancerId']}/actions/remove_target"
        try:
            answer = api.retry(lambda: api.post(path, body), lambda error: is_code(error, "conflict", "locked"))
        except ProviderError as error:
            if is_code(error, "load_balancer_target_not_found") or "target not found" in str(error):
                return
            raise ProviderError(f"remove {kind.replace('_', ' ')} target: {error}") from error
        api.wait([answer["action"]])


class _NoNetwork(ProviderError):
    pass


def _ready_for_server(api: Api, balancer: Json, inputs: Properties) -> None:
    """What the provider asks before it adds a server.

    It waits for the balancer's private network without looking again, so that a balancer in no network fails after
    its five tries: programs have to depend on both attachments, here as there.
    """
    number, server = balancer["id"], inputs["serverId"]
    if api.find(f"/servers/{server}", "server") is None:
        raise ProviderError(f"server {server}: not found")

    def look() -> None:
        if inputs.get("usePrivateIp") and not balancer["private_net"]:
            raise _NoNetwork("no private networks")
        api.get(f"/load_balancers/{number}")

    try:
        api.retry(look, lambda error: isinstance(error, _NoNetwork))
    except _NoNetwork as error:
        raise ProviderError(
            f"hcloud/resourceLoadBalancerCreateServerTarget: load balancer {number}: {error}: make the target depend "
            "on the LoadBalancerNetwork and on the ServerNetwork"
        ) from error


def _id(target: Properties) -> str:
    number, name = target["loadBalancerId"], str(target[_NAMES[target["type"]]])
    if target["type"] == "server":
        return f"lb-srv-tgt-{name}-{number}"
    return f"lb-{target['type'].replace('_', '-')}-tgt-{hashlib.sha256(name.encode()).hexdigest()}-{number}"


def _imported(id: str) -> Properties:
    """An import's id: ``BALANCER__TYPE__SERVER`` (or selector, or address)."""
    number, _, rest = id.partition("__")
    kind, _, name = rest.partition("__")
    if not number.isdigit() or kind not in _NAMES or not name or (kind == "server" and not name.isdigit()):
        raise ProviderError(f"import id has invalid format: {id}; expected for example LOAD_BALANCER__server__SERVER")
    return {"loadBalancerId": int(number), "type": kind, _NAMES[kind]: int(name) if kind == "server" else name}


def _find(api: Api, wanted: Properties) -> Json | None:
    balancer = api.find(f"/load_balancers/{wanted['loadBalancerId']}", "load_balancer")
    for target in balancer["targets"] if balancer else []:
        kind = target["type"]
        if target[kind][_KEYS[kind]] == wanted.get(_NAMES[kind]):
            return target  # type: ignore[no-any-return]
    return None
