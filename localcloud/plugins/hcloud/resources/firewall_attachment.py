"""What a firewall is applied to, as a resource of its own: one for each firewall, with the firewall's id."""

from __future__ import annotations

from localcloud.plugins.base.errors import ProviderError
from localcloud.plugins.base.operations import Failure
from localcloud.plugins.base.values import Properties
from localcloud.plugins.hcloud.api import Api, Json, is_code
from localcloud.plugins.hcloud.resource import CloudResource, Made
from localcloud.plugins.hcloud.schema import Field


class FirewallAttachment(CloudResource):
    """``hcloud_firewall_attachment``: owns the firewall's whole list; an update removes and applies, even nothing."""

    token = "hcloud:index/firewallAttachment:FirewallAttachment"
    fields = (
        Field("firewallId", "int", required=True, replace=True),
        Field("serverIds", "set", "int"),
        Field("labelSelectors", "set"),
    )

    def validate(self, inputs: Properties) -> list[Failure]:
        if not inputs.get("serverIds") and not inputs.get("labelSelectors"):
            return [Failure("", "no resources referenced: set serverIds or labelSelectors")]
        return []

    def make(self, api: Api, inputs: Properties, made: Made) -> None:
        id = inputs["firewallId"]
        try:
            answer = api.post(f"/firewalls/{id}/actions/apply_to_resources", {"apply_to": _resources(inputs)})
        except ProviderError as error:
            if not is_code(error, "firewall_already_applied"):
                raise
            made(str(id))
            return
        made(str(id))
        api.wait(answer["actions"])

    def look(self, api: Api, id: str, state: Properties) -> tuple[str, Properties] | None:
        firewall = api.find(f"/firewalls/{id}", "firewall")
        if firewall is None:
            return None
        return id, {
            "firewallId": int(id),
            "serverIds": [item["server"]["id"] for item in firewall["applied_to"] if item["type"] == "server"] or None,
            "labelSelectors": [
                item["label_selector"]["selector"]
                for item in firewall["applied_to"]
                if item["type"] == "label_selector"
            ]
            or None,
        }

    def change(self, api: Api, id: str, state: Properties, new: Properties, changed: set[str]) -> None:
        found = self.look(api, id, state)
        if found is None:
            return
        before, after = _resources(found[1]), _resources(new)
        less, more = [item for item in before if item not in after], [item for item in after if item not in before]
        removed = api.post(f"/firewalls/{id}/actions/remove_from_resources", {"remove_from": less})["actions"]
        applied = api.post(f"/firewalls/{id}/actions/apply_to_resources", {"apply_to": more})["actions"]
        api.wait([*removed, *applied])

    def remove(self, api: Api, id: str, state: Properties) -> None:
        body = {"remove_from": _resources(state)}
        api.wait(api.post(f"/firewalls/{id}/actions/remove_from_resources", body)["actions"])


def _resources(owner: Properties) -> list[Json]:
    servers = [{"type": "server", "server": {"id": id}} for id in sorted(owner.get("serverIds") or [])]
    selectors = sorted(owner.get("labelSelectors") or [])
    return servers + [{"type": "label_selector", "label_selector": {"selector": selector}} for selector in selectors]
