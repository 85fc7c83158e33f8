"""A script: code and settings in one upload, which is a new version at 100 % each time."""

from __future__ import annotations

import base64
from typing import Any, ClassVar
from urllib.parse import urlencode

from localcloud.plugins.base.operations import Failure
from localcloud.plugins.base.values import Properties
from localcloud.plugins.cloudflare import code
from localcloud.plugins.cloudflare.client import Answer, Api, Part
from localcloud.plugins.cloudflare.plan import same_json
from localcloud.plugins.cloudflare.resource import CloudflareResource
from localcloud.plugins.cloudflare.resources.worker_version import SECRETS
from localcloud.plugins.cloudflare.rest import Rest
from localcloud.plugins.cloudflare.shape import compact

_SCRIPT = "/accounts/{accountId}/workers/scripts/{scriptName}"
_SERVICE = "/accounts/{accountId}/workers/services/{scriptName}"
_MODULE, _CLASSIC = "application/javascript+module", "application/javascript"
_CODE = frozenset({"content", "contentFile", "contentSha256", "contentType", "files"})


class WorkersScript(CloudflareResource):
    """A script by its name."""

    rest: ClassVar[Rest] = Rest(
        "WorkersScript",
        _SCRIPT,
        item=_SCRIPT,
        id="scriptName",
        create="PUT",
        replace=frozenset({"accountId", "scriptName"}),
        import_id="{accountId}/{scriptName}",
        unsent=_CODE | {"force", "bindingsInherit"},
        kept={"bindings": SECRETS},
        texts=frozenset({"bindings.json"}),
        unordered=frozenset({"bindings", "compatibilityFlags", "tailConsumers"}),
        same={"bindings.json": same_json},
    )

    def validate(self, inputs: Properties) -> list[Failure]:
        if "content" in inputs and "contentFile" in inputs:
            return [Failure("content", "give one of content and contentFile, not both")]
        if "mainModule" in inputs and "bodyPart" in inputs:
            return [
                Failure("mainModule", "give one of mainModule (a module) and bodyPart (a classic script), not both")
            ]
        return []

    def prepare(self, inputs: Properties) -> Properties:
        found = dict(inputs)
        if "contentFile" in inputs:
            found = code.with_digest(found, "contentFile")
        if isinstance(inputs.get("files"), dict):
            found["files"] = {name: code.with_digest(file, f"file {name}") for name, file in inputs["files"].items()}
        if isinstance(inputs.get("assets"), dict):
            found["assets"] = code.with_manifest(inputs["assets"])
        return found

    def make(self, api: Api, inputs: Properties) -> tuple[str, Properties]:
        metadata = self.body(inputs)
        assets = dict(inputs.get("assets") or {})
        if directory := assets.get("directory"):
            token = code.upload(api, str(inputs["accountId"]), str(inputs["scriptName"]), str(directory))
            metadata["assets"] = {"jwt": token, **{k: v for k, v in metadata["assets"].items() if k == "config"}}
        asked = {"bindings_inherit": inputs["bindingsInherit"]} if "bindingsInherit" in inputs else {}
        path = self.path(self.item, "", inputs) + ("?" + urlencode(asked) if asked else "")
        main, parts = self._code(inputs)
        if main and "main_module" not in metadata:
            metadata["body_part"] = metadata.get("body_part") or main
        parts.insert(0, Part("metadata", compact(metadata).encode(), "application/json"))
        answer = api.ask("PUT", path, form=parts)
        return str(inputs["scriptName"]), self._restored(self.told(answer.result, inputs), inputs)

    def change(self, api: Api, id: str, state: Properties, planned: Properties, changed: set[str]) -> Properties:
        return self.make(api, planned)[1]

    def remove(self, api: Api, id: str, state: Properties) -> None:
        api.ask("DELETE", self.path(self.item, id, state) + ("?force=true" if state.get("force") else ""))

    def look(self, api: Api, id: str, state: Properties) -> Properties | None:
        service = api.find(self.path(_SERVICE, id, state))
        if service is None:
            return None
        script = ((service.result or {}).get("default_environment") or {}).get("script") or {}
        settings = api.ask("GET", self.path(_SCRIPT + "/settings", id, state)).result or {}
        content = api.ask("GET", self.path(_SCRIPT + "/content/v2", id, state))
        told = self.told({**script, **settings}, state)
        return self._restored(told, state) | _main(content, state)

    def _code(self, inputs: Properties) -> tuple[str, list[Part]]:
        """The part that is the program's beginning, and all parts."""
        main = str(inputs.get("mainModule") or inputs.get("bodyPart") or "script")
        kind = str(inputs.get("contentType") or (_MODULE if "mainModule" in inputs else _CLASSIC))
        parts = []
        if "contentFile" in inputs:
            parts.append(Part(main, code.content_of(inputs["contentFile"], "contentFile"), kind, main))
        elif "content" in inputs:
            parts.append(Part(main, str(inputs["content"]).encode(), kind, main))
        for name, file in (inputs.get("files") or {}).items():
            parts.append(Part(name, _file(name, file), str(file["contentType"]), name))
        return (main if parts else "", parts)

    @staticmethod
    def _restored(told: Properties, known: Properties) -> Properties:
        if isinstance(known.get("assets"), dict):
            told["assets"] = known["assets"]
        return told


def _file(name: str, file: Properties) -> bytes:
    if file.get("contentFile"):
        return code.content_of(file["contentFile"], f"file {name}")
    return base64.b64decode(file.get("contentBase64") or "")


def _main(answer: Answer, known: Properties) -> dict[str, Any]:
    """What the API has as main module, in the form that the program gave it in."""
    parts = answer.parts()
    name = known.get("mainModule") or known.get("bodyPart")
    content = next((content for part, _, content in parts if part == name), parts[0][2] if parts else b"")
    if not answer.headers.get("Content-Type", "").startswith("multipart/"):
        content = answer.content
    if "contentFile" in known:
        return {"contentSha256": code.sha256(content)}
    # A form's last line break may belong to the form.
    text = content.decode(errors="replace")
    given = known.get("content")
    return {"content": given if isinstance(given, str) and text.rstrip("\r\n") == given.rstrip("\r\n") else text}


PLAIN: tuple[Rest, ...] = ()
SPECIAL = (WorkersScript,)
