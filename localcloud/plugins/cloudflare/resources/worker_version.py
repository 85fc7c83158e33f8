"""A version of a Worker: immutable code, bindings and assets. Deleting one only forgets it."""

from __future__ import annotations

import base64
from typing import Any, ClassVar

from localcloud.plugins.base.diff import Difference
from localcloud.plugins.base.operations import Call
from localcloud.plugins.base.values import Properties
from localcloud.plugins.cloudflare import code
from localcloud.plugins.cloudflare.client import Api
from localcloud.plugins.cloudflare.plan import same_json
from localcloud.plugins.cloudflare.resource import CloudflareResource
from localcloud.plugins.cloudflare.rest import Rest

_WORKER = "/accounts/{accountId}/workers/workers/{workerId}"
SECRETS = ("text", "keyBase64", "keyJwk")
"""What the API does not tell of a binding that holds a secret."""


class WorkerVersion(CloudflareResource):
    """Where the code lies does not matter, what it is does: a path alone that changes is a change in place."""

    rest: ClassVar[Rest] = Rest(
        "WorkerVersion",
        _WORKER + "/versions",
        item=_WORKER + "/versions/{id}",
        update=None,
        delete=False,
        replace="all",
        import_id="{accountId}/{workerId}/{id}",
        query=frozenset({"deploy"}),
        unsent=frozenset({"include"}),
        kept={"bindings": SECRETS},
        texts=frozenset({"bindings.json"}),
        unordered=frozenset({"bindings", "modules", "compatibilityFlags"}),
        same={"bindings.json": same_json},
    )

    def prepare(self, inputs: Properties) -> Properties:
        found = dict(inputs)
        if isinstance(inputs.get("modules"), list):
            found["modules"] = [
                code.with_digest(module, f"module {module.get('name')}") for module in inputs["modules"]
            ]
        if isinstance(inputs.get("assets"), dict):
            found["assets"] = code.with_manifest(inputs["assets"])
        return found

    def diff(self, call: Call, old_inputs: Properties, state: Properties, new: Properties) -> Difference:
        difference = super().diff(call, old_inputs, state, new)
        difference.replaces = {path for path in difference.replaces if not _is_place(path)}
        return difference

    def body(self, inputs: Properties) -> Any:
        body: Properties = super().body(inputs)
        if modules := inputs.get("modules"):
            body["modules"] = [_module(module) for module in modules]
        if bindings := body.pop("bindings", None):
            body["bindings"] = sorted(bindings, key=lambda binding: str(binding.get("name")))
        return body

    def make(self, api: Api, inputs: Properties) -> tuple[str, Properties]:
        assets = dict(inputs.get("assets") or {})
        sent = inputs
        if directory := assets.pop("directory", None):
            worker = api.get(self.path(_WORKER, "", inputs))["name"]
            token = code.upload(api, str(inputs["accountId"]), str(worker), str(directory))
            config = {"config": assets["config"]} if "config" in assets else {}
            sent = inputs | {"assets": {"jwt": token, **config}}
        id, told = super().make(api, sent)
        return id, self._restored(told, inputs)

    def look(self, api: Api, id: str, state: Properties) -> Properties | None:
        answer = api.find(self.path(self.item, id, state) + "?include=modules")
        return None if answer is None else self._restored(self.told(answer.result, state), state)

    @staticmethod
    def _restored(told: Properties, known: Properties) -> Properties:
        """The answer with what only this machine knows: where code and assets came from."""
        if isinstance(told.get("modules"), list):
            before = {module.get("name"): module for module in known.get("modules") or []}
            told["modules"] = [_kept(module, before.get(module.get("name"))) for module in told["modules"]]
        if isinstance(known.get("assets"), dict):
            config = (told.get("assets") or {}).get("config")
            told["assets"] = known["assets"] | ({"config": config} if config else {})
        return told


def _is_place(path: str) -> bool:
    return path in ("include", "assets.directory") or path.endswith(".contentFile")


def _module(module: Properties) -> Properties:
    content = module.get("contentBase64")
    if module.get("contentFile"):
        read = code.content_of(module["contentFile"], f"module {module['name']}")
        content = base64.b64encode(read).decode()
    return {"name": module["name"], "content_type": module["contentType"], "content_base64": content or ""}


def _kept(told: Properties, known: Properties | None) -> Properties:
    """A module as the state has it: its digest, and its content only where the program gave it so."""
    content = told.get("contentBase64")
    found = dict(told)
    if isinstance(content, str):
        found["contentSha256"] = code.sha256(base64.b64decode(content))
    if known is not None:
        if "contentBase64" not in known:
            found.pop("contentBase64", None)
        if "contentFile" in known:
            found["contentFile"] = known["contentFile"]
    return found


PLAIN: tuple[Rest, ...] = ()
SPECIAL = (WorkerVersion,)
