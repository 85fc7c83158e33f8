"""A snapshot: an image made of a server."""

from __future__ import annotations

from localcloud.plugins.base.values import Properties
from localcloud.plugins.hcloud.api import Api, Json
from localcloud.plugins.hcloud.common import LABELS, delete_quietly, put_changed
from localcloud.plugins.hcloud.resource import CloudResource, Made
from localcloud.plugins.hcloud.schema import Field


class Snapshot(CloudResource):
    """``hcloud_snapshot``."""

    token = "hcloud:index/snapshot:Snapshot"
    create_seconds = 90 * 60
    fields = (
        Field("description"),
        Field("serverId", "int", required=True, replace=True),
        LABELS,
    )

    def make(self, api: Api, inputs: Properties, made: Made) -> None:
        body: Json = {"type": "snapshot", "description": inputs.get("description") or ""}
        if inputs.get("labels"):
            body["labels"] = inputs["labels"]
        answer = api.post(f"/servers/{inputs['serverId']}/actions/create_image", body)
        made(str(answer["image"]["id"]))
        api.wait([answer["action"]])

    def look(self, api: Api, id: str, state: Properties) -> tuple[str, Properties] | None:
        image = api.find(f"/images/{id}", "image") if id.isdigit() else None
        if image is None or image["type"] != "snapshot":
            return None
        found = {"description": image["description"], "labels": image["labels"]}
        return id, found | ({"serverId": image["created_from"]["id"]} if image.get("created_from") else {})

    def change(self, api: Api, id: str, state: Properties, new: Properties, changed: set[str]) -> None:
        put_changed(api, f"/images/{id}", new, changed, ("description", "labels"))

    def remove(self, api: Api, id: str, state: Properties) -> None:
        delete_quietly(api, f"/images/{id}")
