"""The example's own bundle, as it is deployed, in workerd: what a customer without scripts gets of it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from scripts.operator.storefront import build
from tests.contract.storefront.conftest import ROOT

IMAGES = "https://store.localhost:8443/cdn-cgi/imagedelivery/hash/local"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built once for the machine, found in the cache from then on."""
    if shutil.which("node") is None:
        pytest.skip("no node on PATH")
    out = tmp_path_factory.mktemp("storefronts")
    return build.build(ROOT / "examples/storefront", out, paid=False, cache=build.default_cache()).path


def shop(worker: Path, bundle: Path, images: str) -> dict[str, Any]:
    shutil.copy(Path(__file__).parent / "shop.mjs", worker)
    ran = subprocess.run(["node", "shop.mjs", str(bundle), images], cwd=worker, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    said: dict[str, Any] = json.loads(ran.stdout)
    return said


def pictures(page: str) -> list[dict[str, str]]:
    return [dict(re.findall(r'([\w-]+)="([^"]*)"', tag)) for tag in re.findall(r"<img[^>]*>", page)]


def test_a_customer_without_scripts_fills_a_cart(worker: Path, bundle: Path) -> None:
    """Pictures in the sizes that there are, a form that needs no script, a cookie that browsers keep on https."""
    said = shop(worker, bundle, IMAGES)
    assert [said[page]["status"] for page in ("home", "product", "cart", "style")] == [200] * 4
    assert "hush" not in json.dumps({page: said[page] for page in said if page != "asked"})
    (card,), (large,), (small,) = (pictures(said[page]["text"]) for page in ("home", "product", "cart"))
    for picture, variant, size in ((card, "card", "400"), (large, "product", "800"), (small, "thumbnail", "160")):
        assert picture["src"] == f"{IMAGES}/products/plano-convex-lens/{variant}"
        assert picture["width"] == picture["height"] == size
    assert card["alt"] == "Plano-convex lens"
    form = re.search(r"<form[^>]*add-to-cart.*?</form>", said["product"]["text"], re.S)
    assert form and 'action="/cart/lines"' in form[0] and 'method="post"' in form[0] and "disabled" not in form[0]

    added = said["added"]
    assert added["status"] == 303 and added["headers"]["location"] == "/cart"
    cookie = added["headers"]["set-cookie"].lower()
    assert all(word in cookie for word in ("cart=cart_1", "secure", "httponly", "samesite=lax", "path=/"))
    assert "Plano-convex lens" in said["cart"]["text"] and 'value="2"' in said["cart"]["text"]
    assert said["foreign"]["status"] == 403


def test_its_requests_are_known_to_the_api(worker: Path, bundle: Path) -> None:
    """Next.js puts a fetch of its own before the runtime's: past the Worker's, every page would be refused."""
    said = shop(worker, bundle, "/cdn-cgi/imagedelivery/hash/local")
    assert {(origin, secret) for _, origin, _, secret, _ in said["asked"]} == {
        ("https://api.store.localhost:8443", "hush")
    }
    assert {key for _, _, path, _, key in said["asked"] if path.startswith("/store/")} == {"pk_1"}
    assert json.loads(said["status"]["text"])["status"] == "operational"
    (card,) = pictures(said["home"]["text"])
    assert card["src"] == "/cdn-cgi/imagedelivery/hash/local/products/plano-convex-lens/card"
