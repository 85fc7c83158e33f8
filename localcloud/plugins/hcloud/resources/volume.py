"""A volume: a block device."""

from __future__ import annotations

from localcloud.plugins.base.errors import ProviderError
from localcloud.plugins.base.values import Properties
from localcloud.plugins.hcloud.api import ActionError, Api, Json, is_code
from localcloud.plugins.hcloud.common import DELETE_PROTECTION, LABELS, NAME, protect, put_changed, without_nones
from localcloud.plugins.hcloud.resource import CloudResource, Made
from localcloud.plugins.hcloud.schema import Field

_WITHOUT_END = 10**6
"""Tries: a busy server is waited for as long as it takes, as the provider does; the operation's own time ends it."""


def _unless_gone(error: Exception) -> bool:
    return not is_code(error, "not_found")


class Volume(CloudResource):
    """``hcloud_volume``: grows in place; its server, if given, is where it is attached."""

    token = "hcloud:index/volume:Volume"
    fields = (
        NAME,
        Field("size", "int", required=True),
        Field("location", computed=True, replace=True),
        Field("serverId", "int", computed=True),
        LABELS,
        Field("linuxDevice", output=True),
        Field("automount", "bool"),
        Field("format"),
        DELETE_PROTECTION,
    )

    def make(self, api: Api, inputs: Properties, made: Made) -> None:
        body = {
            "name": inputs["name"],
            "size": inputs["size"],
            "server": inputs.get("serverId") or None,
            "location": inputs.get("location") or None,
            "labels": inputs.get("labels") or None,
            "automount": inputs.get("automount") or None,
            "format": inputs.get("format") or None,
        }
        answer = api.retry(
            lambda: api.post("/volumes", without_nones(body)), lambda error: is_code(error, "locked"), _WITHOUT_END
        )
        id = str(answer["volume"]["id"])
        made(id)
        api.wait([answer["action"]])
        for action in answer.get("next_actions") or []:
            _wait_attached(api, id, action, inputs)
        if inputs.get("deleteProtection"):
            protect(api, f"/volumes/{id}", True)

    def look(self, api: Api, id: str, state: Properties) -> tuple[str, Properties] | None:
        volume = api.find(f"/volumes/{id}", "volume") if id.isdigit() else None
        return None if volume is None else (id, volume_attributes(volume))

    def change(self, api: Api, id: str, state: Properties, new: Properties, changed: set[str]) -> None:
        path = f"/volumes/{id}"
        volume = api.get(path)["volume"]
        put_changed(api, path, new, changed, ("name",))
        if "serverId" in changed:
            if volume.get("server") or not new.get("serverId"):
                api.retry(lambda: api.act(f"{path}/actions/detach"), _unless_gone)
            if new.get("serverId"):
                _attach(api, id, new)
        if "size" in changed:
            api.act(f"{path}/actions/resize", {"size": new["size"]})
        put_changed(api, path, new, changed, ("labels",))
        if "deleteProtection" in changed:
            protect(api, path, bool(new.get("deleteProtection")))

    def remove(self, api: Api, id: str, state: Properties) -> None:
        volume = api.find(f"/volumes/{id}", "volume") if id.isdigit() else None
        if volume is None:
            return
        try:
            if volume.get("server"):
                api.retry(lambda: api.act(f"/volumes/{id}/actions/detach"), _unless_gone)
            api.retry(lambda: api.delete(f"/volumes/{id}"), _unless_gone)
        except ProviderError as error:
            if not is_code(error, "not_found"):
                raise


def volume_attributes(volume: Json) -> Properties:
    """A volume as the state and the functions show it.

    One that was detached elsewhere keeps in the state the server that it had: the provider leaves it alone.
    """
    found: Properties = {
        "name": volume["name"],
        "size": volume["size"],
        "location": volume["location"]["name"],
        "labels": volume["labels"],
        "linuxDevice": volume["linux_device"],
        "deleteProtection": volume["protection"]["delete"],
    }
    return found | ({"serverId": volume["server"]} if volume.get("server") else {})


def _attach(api: Api, id: str, wanted: Properties) -> None:
    body = without_nones({"server": wanted["serverId"], "automount": wanted.get("automount") or None})
    api.retry(lambda: api.act(f"/volumes/{id}/actions/attach", body), _unless_gone)


def _wait_attached(api: Api, id: str, action: Json, inputs: Properties) -> None:
    """Several volumes made for one server at once get in each other's way: their attachment is tried again."""
    try:
        api.wait([action])
    except ActionError as error:
        if action["command"] != "attach_volume" or "locked" not in str(error):
            raise
        _attach(api, id, {"serverId": inputs["serverId"]})
