"""A firewall: rules, and what they are applied to."""

from __future__ import annotations

import ipaddress

from localcloud.plugins.base.errors import ProviderError
from localcloud.plugins.base.values import Properties, Value, is_unknown
from localcloud.plugins.hcloud.api import RETRIES, Api, Json, is_code
from localcloud.plugins.hcloud.common import NAME, check_labels, one_of, put_changed, without_nones
from localcloud.plugins.hcloud.resource import CloudResource, Made
from localcloud.plugins.hcloud.schema import Field


def normal_cidrs(values: Value) -> Value:
    """Ranges as the API writes them: an address is a range of one, lower case, shortest form."""
    return values if is_unknown(values) else [_normal_cidr(value) for value in values]


def _normal_cidr(value: str) -> str:
    try:
        return str(ipaddress.ip_interface(value))
    except ValueError:
        return value


def check_cidrs(values: Value) -> str | None:
    """Whether all are ranges with empty host bits."""
    for value in values:
        try:
            ipaddress.ip_network(value)
        except ValueError as error:
            if "host bits" in str(error):
                return f"{value} is not the start of the cidr block {ipaddress.ip_network(value, strict=False)}"
            return f"invalid CIDR address: {value}"
    return None


RULE = (
    Field("direction", required=True, check=one_of("in", "out")),
    Field("protocol", required=True, check=one_of("tcp", "udp", "icmp", "esp", "gre")),
    Field("port"),
    Field("sourceIps", "set", check=check_cidrs, stored=normal_cidrs),
    Field("destinationIps", "set", check=check_cidrs, stored=normal_cidrs),
    Field("description"),
)
APPLY_TO = (Field("labelSelector", computed=True), Field("server", "int", computed=True))


class Firewall(CloudResource):
    """``hcloud_firewall``: taking away its last rule makes no call, as the provider has it."""

    token = "hcloud:index/firewall:Firewall"
    fields = (
        NAME,
        Field("labels", "map", computed=True, check=check_labels),
        Field(
            "applyTos", "set", APPLY_TO, key=("labelSelector", "server"), computed=True, same=lambda old, new: not new
        ),
        Field("rules", "set", RULE),
    )

    def make(self, api: Api, inputs: Properties, made: Made) -> None:
        body = {
            "name": inputs["name"],
            "labels": inputs.get("labels") or None,
            "rules": [_rule(rule) for rule in inputs.get("rules") or []] or None,
            "apply_to": [_resource(item) for item in inputs.get("applyTos") or []] or None,
        }
        answer = api.post("/firewalls", without_nones(body))
        made(str(answer["firewall"]["id"]))
        api.wait(answer.get("actions") or [])

    def look(self, api: Api, id: str, state: Properties) -> tuple[str, Properties] | None:
        firewall = api.find(f"/firewalls/{id}", "firewall") if id.isdigit() else None
        return None if firewall is None else (id, firewall_attributes(firewall))

    def change(self, api: Api, id: str, state: Properties, new: Properties, changed: set[str]) -> None:
        path = f"/firewalls/{id}"
        api.get(path)
        put_changed(api, path, new, changed, ("name",))
        if "rules" in changed and new.get("rules"):
            rules = [_rule(rule) for rule in new["rules"]]
            api.wait(api.post(f"{path}/actions/set_rules", {"rules": rules})["actions"])
        put_changed(api, path, new, changed, ("labels",))
        if "applyTos" in changed:
            self._apply(api, path, state.get("applyTos") or [], new.get("applyTos") or [])

    def remove(self, api: Api, id: str, state: Properties) -> None:
        firewall = api.find(f"/firewalls/{id}", "firewall") if id.isdigit() else None
        if firewall is None:
            return
        if firewall["applied_to"]:
            try:
                body = {"remove_from": firewall["applied_to"]}
                api.wait(api.post(f"/firewalls/{id}/actions/remove_from_resources", body)["actions"])
            except ProviderError as error:
                if not is_code(error, "firewall_resource_not_found", "not_found"):
                    raise
        try:
            again = ("conflict", "resource_in_use")
            api.retry(lambda: api.delete(f"/firewalls/{id}"), lambda error: is_code(error, *again), tries=2 * RETRIES)
        except ProviderError as error:
            if not is_code(error, "not_found"):
                raise

    @staticmethod
    def _apply(api: Api, path: str, old: list[Properties], new: list[Properties]) -> None:
        before, after = [_resource(item) for item in old], [_resource(item) for item in new]
        if gone := [item for item in before if item not in after]:
            try:
                api.wait(api.post(f"{path}/actions/remove_from_resources", {"remove_from": gone})["actions"])
            except ProviderError as error:
                if not is_code(error, "firewall_resource_not_found"):
                    raise
        if added := [item for item in after if item not in before]:
            api.wait(api.post(f"{path}/actions/apply_to_resources", {"apply_to": added})["actions"])


def firewall_attributes(firewall: Json) -> Properties:
    """A firewall as the state and the functions show it."""
    return {
        "name": firewall["name"],
        "labels": firewall["labels"],
        "rules": [_rule_attributes(rule) for rule in firewall["rules"]],
        "applyTos": [item for item in map(_applied_attributes, firewall["applied_to"]) if item],
    }


def _rule(rule: Properties) -> Json:
    return without_nones(
        {
            "direction": rule["direction"],
            "protocol": rule["protocol"],
            "port": rule.get("port") or None,
            "description": rule.get("description") or None,
            "source_ips": normal_cidrs(rule.get("sourceIps") or []),
            "destination_ips": normal_cidrs(rule.get("destinationIps") or []),
        }
    )


def _rule_attributes(rule: Json) -> Properties:
    return without_nones(
        {
            "direction": rule["direction"],
            "protocol": rule["protocol"],
            "port": rule.get("port"),
            "description": rule.get("description"),
            "sourceIps": rule.get("source_ips") or [],
            "destinationIps": rule.get("destination_ips") or [],
        }
    )


def _resource(item: Properties) -> Json:
    if item.get("labelSelector"):
        return {"type": "label_selector", "label_selector": {"selector": item["labelSelector"]}}
    return {"type": "server", "server": {"id": item["server"]}}


def _applied_attributes(applied: Json) -> Properties | None:
    if applied["type"] == "label_selector":
        return {"labelSelector": applied["label_selector"]["selector"]}
    return {"server": applied["server"]["id"]} if applied["type"] == "server" else None
