"""Images, which travel as forms."""

from __future__ import annotations

from typing import ClassVar

from localcloud.plugins.base.operations import Failure
from localcloud.plugins.base.values import Properties
from localcloud.plugins.cloudflare.client import Api, Part
from localcloud.plugins.cloudflare.plan import same_json
from localcloud.plugins.cloudflare.resource import CloudflareResource
from localcloud.plugins.cloudflare.rest import Rest


class Image(CloudflareResource):
    """A picture, fetched by the API from ``url``. ``file`` is sent as the provider sends it, without a file's name,
    which the real API refuses."""

    rest: ClassVar[Rest] = Rest(
        "Image",
        "/accounts/{accountId}/images/v1",
        item="/accounts/{accountId}/images/v1/{imageId}",
        id="imageId",
        update="PATCH",
        replace=frozenset({"accountId", "imageId", "file", "url"}),
        import_id="{accountId}/{imageId}",
        defaults={"requireSignedUrls": False},
        stable=frozenset({"filename", "uploaded"}),
        names={"imageId": "id"},
        same={"metadata": same_json},
    )

    def validate(self, inputs: Properties) -> list[Failure]:
        if "file" in inputs and "url" in inputs:
            return [Failure("file", "give one of file and url, not both")]
        return []

    def make(self, api: Api, inputs: Properties) -> tuple[str, Properties]:
        parts = [Part("id", str(inputs["imageId"]).encode())]
        parts += [Part(name, str(inputs[name]).encode()) for name in ("url", "file") if name in inputs]
        path = self.path(self.about.collection, "", inputs)
        return self._made(api.ask("POST", path, form=parts + _settings(inputs)), inputs)

    def change(self, api: Api, id: str, state: Properties, planned: Properties, changed: set[str]) -> Properties:
        answer = api.ask("PATCH", self.path(self.item, id, planned), form=_settings(planned))
        return self.told(answer.result, planned)


def _settings(inputs: Properties) -> list[Part]:
    signed = "true" if inputs.get("requireSignedUrls") else "false"
    parts = [
        Part("metadata", str(inputs.get("metadata") or "").encode(), "application/json"),
        Part("requireSignedURLs", signed.encode()),
    ]
    return parts + ([Part("creator", str(inputs["creator"]).encode())] if inputs.get("creator") else [])


PLAIN: tuple[Rest, ...] = ()
SPECIAL = (Image,)
