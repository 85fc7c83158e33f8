"""A primary IP: a public address that outlives servers."""

from __future__ import annotations

from contextlib import suppress

from localcloud.plugins.base.errors import ProviderError
from localcloud.plugins.base.operations import Failure
from localcloud.plugins.base.values import Properties, is_unknown
from localcloud.plugins.hcloud.api import RETRIES, Api, Json, is_code
from localcloud.plugins.hcloud.common import FRAMEWORK_LABELS, NAME, protect, removed, without_nones
from localcloud.plugins.hcloud.resource import CloudResource, Made
from localcloud.plugins.hcloud.schema import Field


class PrimaryIp(CloudResource):
    """``hcloud_primary_ip``: of a location, or born assigned to a server."""

    token = "hcloud:index/primaryIp:PrimaryIp"
    framework = True
    fields = (
        NAME,
        Field("type", required=True, replace=True),
        Field("location", computed=True, replace=True),
        Field("datacenter", computed=True, check=removed),
        Field("assigneeId", "int", computed=True),
        Field("assigneeType", computed=True),
        Field("autoDelete", "bool", default=False),
        FRAMEWORK_LABELS,
        Field("deleteProtection", "bool", default=False),
        Field("ipAddress", output=True),
        Field("ipNetwork", output=True),
    )

    def validate(self, inputs: Properties) -> list[Failure]:
        if is_unknown(inputs.get("assigneeId")) or is_unknown(inputs.get("location")):
            return []
        if (inputs.get("location") is None) == (inputs.get("assigneeId") is None):
            return [Failure("", "exactly one of these attributes must be configured: [location,assignee_id]")]
        if inputs.get("assigneeId") is not None and inputs.get("assigneeType") is None:
            together = "these attributes must be configured together: [assignee_id,assignee_type]"
            return [Failure("assigneeId", together)]
        return []

    def make(self, api: Api, inputs: Properties, made: Made) -> None:
        body: Json = {
            "name": inputs["name"],
            "type": inputs["type"],
            "auto_delete": bool(inputs.get("autoDelete")),
            "labels": inputs.get("labels") or {},
        }
        if inputs.get("location") is not None:
            body["location"] = inputs["location"]
        else:
            body |= {"assignee_id": inputs["assigneeId"], "assignee_type": inputs["assigneeType"]}
        answer = api.post("/primary_ips", without_nones(body))
        id = str(answer["primary_ip"]["id"])
        made(id)
        api.wait([answer.get("action")])
        if inputs.get("deleteProtection"):
            protect(api, f"/primary_ips/{id}", True)

    def look(self, api: Api, id: str, state: Properties) -> tuple[str, Properties] | None:
        ip = api.find(f"/primary_ips/{id}", "primary_ip")
        return None if ip is None else (id, primary_ip_attributes(ip))

    def change(self, api: Api, id: str, state: Properties, new: Properties, changed: set[str]) -> None:
        path = f"/primary_ips/{id}"
        if "deleteProtection" in changed:
            protect(api, path, bool(new.get("deleteProtection")))
        if changed & {"assigneeId", "assigneeType"}:
            if state.get("assigneeId"):
                api.act(f"{path}/actions/unassign")
            if new.get("assigneeId"):
                body = {"assignee_id": new["assigneeId"], "assignee_type": new.get("assigneeType") or "server"}
                api.act(f"{path}/actions/assign", body)
        names = {"name": "name", "labels": "labels", "autoDelete": "auto_delete"}
        # The last call is made even when it has nothing to say: its answer is the fresh state.
        api.put(path, {key: new.get(name) for name, key in names.items() if name in changed})

    def remove(self, api: Api, id: str, state: Properties) -> None:
        if state.get("assigneeId"):
            _unassign(api, int(id), state)
        try:
            api.retry(
                lambda: api.delete(f"/primary_ips/{id}"),
                lambda error: not is_code(error, "not_found", "protected"),
                tries=2 * RETRIES,
            )
        except ProviderError as error:
            if not is_code(error, "not_found"):
                raise


def primary_ip_attributes(ip: Json) -> Properties:
    """A primary IP as the state and the functions show it."""
    return {
        "name": ip["name"],
        "type": ip["type"],
        "location": ip["location"]["name"],
        "assigneeId": ip["assignee_id"] or 0,
        "assigneeType": ip["assignee_type"],
        "autoDelete": ip["auto_delete"],
        "labels": ip["labels"],
        "deleteProtection": ip["protection"]["delete"],
        "ipAddress": ip["ip"].split("/")[0],
        "ipNetwork": ip["ip"] if ip["type"] == "ipv6" else None,
    }


def _unassign(api: Api, id: int, state: Properties) -> None:
    """Take the address from its server, which must be off for it; errors do not matter if the deletion works."""
    if state.get("assigneeType") != "server":
        with suppress(ProviderError):
            api.act(f"/primary_ips/{id}/actions/unassign")
        return
    server = None
    with suppress(ProviderError):
        server = api.find(f"/servers/{state['assigneeId']}", "server")
    public = server["public_net"] if server else {}
    if id not in [(public.get(family) or {}).get("id") for family in ("ipv4", "ipv6")]:
        return
    for path in (f"/servers/{state['assigneeId']}/actions/poweroff", f"/primary_ips/{id}/actions/unassign"):
        with suppress(ProviderError):
            api.act(path)
    with suppress(ProviderError):
        api.act(f"/servers/{state['assigneeId']}/actions/poweron")
