"""`store images sync` against the embedded Cloudflare: uploaded once, left when the same, replaced when changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.operator.cloudflare import Api
from scripts.operator.errors import OperatorError
from scripts.operator.images.pictures import found
from scripts.operator.images.sync import sync
from tests.contract.cloudflare.serving import Served

JPEG = b"\xff\xd8\xff\xe0"


def client(api: Served) -> Api:
    api.http.base_url = f"{api.url.removesuffix('/client/v4')}/client/v4"
    return Api(api.http, api.account, "Cloudflare Images: Edit")


def test_pictures_are_sent_once_and_again_when_they_change(api: Served, tmp_path: Path) -> None:
    (tmp_path / "products").mkdir()
    picture = tmp_path / "products" / "lens.jpg"
    picture.write_bytes(JPEG + b"one")
    cloud = client(api)
    assert sync(cloud, found(tmp_path, "local")).uploaded == ["local/products/lens"]
    assert sync(cloud, found(tmp_path, "local")).unchanged == ["local/products/lens"]
    picture.write_bytes(JPEG + b"two")
    assert sync(cloud, found(tmp_path, "local")).replaced == ["local/products/lens"]
    kept = cloud.ask("GET", "/images/v1/local/products/lens")
    assert kept["filename"] == "lens.jpg" and api.dataplane.pictures.get("local/products/lens") == JPEG + b"two"
    picture.unlink()
    (tmp_path / "hero.png").write_bytes(b"no picture at all")
    with pytest.raises(OperatorError, match="image"):
        sync(cloud, found(tmp_path, "local"))
    assert cloud.ask("GET", "/images/v1/local/products/lens")["id"] == "local/products/lens"
