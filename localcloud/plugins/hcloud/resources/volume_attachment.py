"""A volume's attachment to a server, as a resource of its own. Its id is the volume's."""

from __future__ import annotations

from localcloud.plugins.base.values import Properties
from localcloud.plugins.hcloud.api import Api, is_code
from localcloud.plugins.hcloud.common import without_nones
from localcloud.plugins.hcloud.resource import CloudResource, Made
from localcloud.plugins.hcloud.schema import Field


class VolumeAttachment(CloudResource):
    """``hcloud_volume_attachment``: waits for a server that is locked."""

    token = "hcloud:index/volumeAttachment:VolumeAttachment"
    fields = (
        Field("volumeId", "int", required=True, replace=True),
        Field("serverId", "int", required=True, replace=True),
        Field("automount", "bool", computed=True),
    )

    def make(self, api: Api, inputs: Properties, made: Made) -> None:
        id = inputs["volumeId"]
        body = without_nones({"server": inputs["serverId"], "automount": inputs.get("automount") or None})
        path = f"/volumes/{id}/actions/attach"
        answer = api.retry(lambda: api.post(path, body), lambda error: is_code(error, "locked"))
        made(str(id))
        api.wait([answer["action"]])

    def look(self, api: Api, id: str, state: Properties) -> tuple[str, Properties] | None:
        volume = api.find(f"/volumes/{id}", "volume") if id.isdigit() else None
        if volume is None or not volume.get("server"):
            return None
        if api.find(f"/servers/{state.get('serverId') or volume['server']}", "server") is None:
            return None
        return id, {"volumeId": volume["id"], "serverId": volume["server"]}

    def change(self, api: Api, id: str, state: Properties, new: Properties, changed: set[str]) -> None:
        """Only ``automount`` can differ, and it matters while attaching alone."""

    def remove(self, api: Api, id: str, state: Properties) -> None:
        volume = api.find(f"/volumes/{id}", "volume") if id.isdigit() else None
        if volume is None or not volume.get("server"):
            return
        path = f"/volumes/{id}/actions/detach"
        api.wait([api.retry(lambda: api.post(path), lambda error: is_code(error, "locked"))["action"]])
