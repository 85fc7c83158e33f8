"""Brings what is at Cloudflare up to what a folder holds. What is only at Cloudflare stays there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from scripts.operator.cloudflare import Api
from scripts.operator.images.pictures import Picture

PAGE = 1000
HASH = "sha256"
"""Key of a picture's metadata: what was uploaded, so that the same is not uploaded again."""


@dataclass
class Done:
    """Names of pictures, by what became of them."""

    uploaded: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)


def sync(api: Api, pictures: Sequence[Picture]) -> Done:
    """Upload what is not there or not the same. A picture that changed is deleted first: Cloudflare overwrites none."""
    there = {str(image["id"]): image.get("meta") or {} for image in _listed(api)}
    done = Done()
    for picture in pictures:
        if picture.name not in there:
            _upload(api, picture)
            done.uploaded.append(picture.name)
        elif there[picture.name].get(HASH) == picture.sha256:
            done.unchanged.append(picture.name)
        else:
            api.ask("DELETE", f"/images/v1/{quote(picture.name)}")
            _upload(api, picture)
            done.replaced.append(picture.name)
    return done


def _listed(api: Api) -> list[dict[str, Any]]:
    images: list[dict[str, Any]] = []
    page = 1
    while True:
        found = (api.ask("GET", "/images/v1", params={"page": page, "per_page": PAGE}) or {}).get("images") or []
        images += found
        if len(found) < PAGE:
            return images
        page += 1


def _upload(api: Api, picture: Picture) -> None:
    api.ask(
        "POST",
        "/images/v1",
        data={"id": picture.name, "metadata": json.dumps({HASH: picture.sha256}), "requireSignedURLs": "false"},
        files={"file": (picture.path.name, picture.path.read_bytes(), picture.kind)},
    )
