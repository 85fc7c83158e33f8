"""Certificates: uploaded, and managed by Hetzner."""

from __future__ import annotations

import re

from localcloud.plugins.base.values import Properties, Value
from localcloud.plugins.hcloud.api import Api, Json
from localcloud.plugins.hcloud.common import LABELS, NAME, delete_quietly, put_changed, without_nones
from localcloud.plugins.hcloud.resource import CloudResource, Made
from localcloud.plugins.hcloud.schema import Field

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)
_OUTPUTS = tuple(
    Field(name, output=True) for name in ("type", "fingerprint", "created", "notValidBefore", "notValidAfter")
)


def _same_chain(old: Value, new: Value) -> bool:
    """Whether two PEM texts hold the same certificates, in any order and layout."""
    found_old, found_new = (sorted("".join(block.split()) for block in _PEM.findall(str(pem))) for pem in (old, new))
    return bool(found_old) and found_old == found_new


class _Certificate(CloudResource):
    def look(self, api: Api, id: str, state: Properties) -> tuple[str, Properties] | None:
        found = api.find(f"/certificates/{id}", "certificate")
        return None if found is None else (id, certificate_attributes(found))

    def change(self, api: Api, id: str, state: Properties, new: Properties, changed: set[str]) -> None:
        api.get(f"/certificates/{id}")
        put_changed(api, f"/certificates/{id}", new, changed, ("name", "labels"))

    def remove(self, api: Api, id: str, state: Properties) -> None:
        delete_quietly(api, f"/certificates/{id}")


def certificate_attributes(found: Json) -> Properties:
    """A certificate as the state and the functions show it; one not issued yet has Go's zero time."""
    return {
        "name": found["name"],
        "type": found["type"],
        "certificate": found["certificate"] or "",
        "domainNames": found["domain_names"],
        "fingerprint": found["fingerprint"] or "",
        "labels": found["labels"],
        "created": found["created"],
        "notValidBefore": found["not_valid_before"] or "0001-01-01T00:00:00Z",
        "notValidAfter": found["not_valid_after"] or "0001-01-01T00:00:00Z",
    }


class UploadedCertificate(_Certificate):
    """``hcloud_uploaded_certificate``: a new one before the old goes; the key is secret."""

    token = "hcloud:index/uploadedCertificate:UploadedCertificate"
    fields = (
        NAME,
        Field("privateKey", required=True, replace=True, secret=True),
        Field("certificate", required=True, replace=True, same=_same_chain),
        LABELS,
        Field("domainNames", "list", output=True),
        *_OUTPUTS,
    )

    def make(self, api: Api, inputs: Properties, made: Made) -> None:
        body = {
            "name": inputs["name"],
            "type": "uploaded",
            "certificate": inputs["certificate"],
            "private_key": inputs["privateKey"],
            "labels": inputs.get("labels"),
        }
        made(str(api.post("/certificates", without_nones(body))["certificate"]["id"]))


class Certificate(UploadedCertificate):
    """``hcloud_certificate``: the older name of the same."""

    token = "hcloud:index/certificate:Certificate"


class ManagedCertificate(_Certificate):
    """``hcloud_managed_certificate``: waits until it has been issued."""

    token = "hcloud:index/managedCertificate:ManagedCertificate"
    fields = (
        NAME,
        Field("domainNames", "set", required=True, replace=True),
        LABELS,
        Field("certificate", output=True),
        *_OUTPUTS,
    )

    def make(self, api: Api, inputs: Properties, made: Made) -> None:
        body: Json = {"name": inputs["name"], "type": "managed", "domain_names": inputs["domainNames"]}
        answer = api.post("/certificates", without_nones(body | {"labels": inputs.get("labels")}))
        made(str(answer["certificate"]["id"]))
        api.wait([answer.get("action")])
