"""Servers that shall not share a physical host."""

from __future__ import annotations

from localcloud.plugins.base.values import Properties
from localcloud.plugins.hcloud.api import Api, Json
from localcloud.plugins.hcloud.common import LABELS, NAME, one_of, put_changed, without_nones
from localcloud.plugins.hcloud.resource import CloudResource, Made
from localcloud.plugins.hcloud.schema import Field


class PlacementGroup(CloudResource):
    """``hcloud_placement_group``: no action; deleting one that is gone is an error, as with the provider."""

    token = "hcloud:index/placementGroup:PlacementGroup"
    fields = (
        NAME,
        Field("type", required=True, check=one_of("spread")),
        LABELS,
        Field("servers", "set", "int", output=True),
    )

    def make(self, api: Api, inputs: Properties, made: Made) -> None:
        body = {"name": inputs["name"], "type": inputs["type"], "labels": inputs.get("labels")}
        answer = api.post("/placement_groups", without_nones(body))
        made(str(answer["placement_group"]["id"]))
        api.wait([answer.get("action")])

    def look(self, api: Api, id: str, state: Properties) -> tuple[str, Properties] | None:
        group = api.find(f"/placement_groups/{id}", "placement_group") if id.isdigit() else None
        return None if group is None else (id, placement_group_attributes(group))

    def change(self, api: Api, id: str, state: Properties, new: Properties, changed: set[str]) -> None:
        api.get(f"/placement_groups/{id}")
        put_changed(api, f"/placement_groups/{id}", new, changed, ("name", "labels"))

    def remove(self, api: Api, id: str, state: Properties) -> None:
        api.delete(f"/placement_groups/{id}")


def placement_group_attributes(group: Json) -> Properties:
    """A placement group as the state and the functions show it."""
    return {name: group[name] for name in ("name", "type", "labels", "servers")}
