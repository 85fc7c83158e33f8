"""A public key that new servers let in."""

from __future__ import annotations

from localcloud.plugins.base.values import Properties
from localcloud.plugins.hcloud.api import Api, Json
from localcloud.plugins.hcloud.common import FRAMEWORK_LABELS, NAME, delete_quietly, without_nones
from localcloud.plugins.hcloud.resource import CloudResource, Made
from localcloud.plugins.hcloud.schema import Field


def _key(text: object) -> list[str]:
    """A key without its comment, which the API may keep or not."""
    return str(text or "").strip().split()[:2]


class SshKey(CloudResource):
    """``hcloud_ssh_key``: no actions; name and fingerprint are unique in a project."""

    token = "hcloud:index/sshKey:SshKey"
    framework = True
    fields = (
        NAME,
        Field("publicKey", required=True, replace=True, same=lambda old, new: _key(old) == _key(new)),
        FRAMEWORK_LABELS,
        Field("fingerprint", output=True),
    )

    def make(self, api: Api, inputs: Properties, made: Made) -> None:
        body = {"name": inputs["name"], "public_key": inputs["publicKey"], "labels": inputs.get("labels")}
        made(str(api.post("/ssh_keys", without_nones(body))["ssh_key"]["id"]))

    def look(self, api: Api, id: str, state: Properties) -> tuple[str, Properties] | None:
        key = api.find(f"/ssh_keys/{id}", "ssh_key")
        return None if key is None else (id, ssh_key_attributes(key))

    def change(self, api: Api, id: str, state: Properties, new: Properties, changed: set[str]) -> None:
        body = {name: new.get(name) or {} if name == "labels" else new[name] for name in sorted(changed)}
        api.put(f"/ssh_keys/{id}", body)

    def remove(self, api: Api, id: str, state: Properties) -> None:
        delete_quietly(api, f"/ssh_keys/{id}")


def ssh_key_attributes(key: Json) -> Properties:
    """A key as the state and the functions show it."""
    return {
        "name": key["name"],
        "publicKey": key["public_key"],
        "labels": key["labels"],
        "fingerprint": key["fingerprint"],
    }
