"""Pictures as they come through the edge, uploaded through the API."""

from __future__ import annotations

import time

import httpx
import pytest

from localcloud.cloudflare.images_service import signing
from tests.contract.cloudflare.serving import ZONE
from tests.contract.cloudflare_images.conftest import BROWSER, SHOP, Stack, opened, picture


@pytest.fixture(scope="module", autouse=True)
def shop(stack: Stack) -> None:
    """A Worker at the shop's host name that answers everything with a page."""
    stack.api.script("shop")
    sent = {"hostname": SHOP, "service": "shop", "zone_id": stack.api.zone, "environment": "production"}
    stack.api.result("PUT", "A/workers/domains", sent)
    options = {"fit": "cover", "width": 100, "height": 100, "metadata": "none"}
    stack.api.result("POST", "A/images/v1/variants", {"id": "thumbnail", "options": options})
    stack.settle()


def test_the_address_in_the_answer_is_served_at_once(stack: Stack) -> None:
    """A product's page that shows a broken picture until somebody restarts something; an address that nobody serves."""
    told = stack.upload("local/products/lens")
    thumbnail = next(one for one in told["variants"] if one.endswith("/local/products/lens/thumbnail"))
    for accept, kind in ((BROWSER, "avif"), ("image/webp", "webp"), ("*/*", "png")):
        first, got = (stack.browser.get(thumbnail, headers={"accept": accept}) for _ in range(2))
        assert (first.headers["cf-cache-status"], got.headers["cf-cache-status"]) == ("MISS", "HIT")
        assert first.content == got.content
        assert opened(got).size == (100, 100)
        assert (got.headers["content-type"], got.headers["vary"]) == (f"image/{kind}", "Accept")
        assert {"cf-images", "cf-ray", "etag", "cache-control"} <= set(got.headers)
    again = stack.browser.get(thumbnail, headers={"accept": "*/*", "if-none-match": got.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    head = stack.browser.head(thumbnail, headers={"accept": "*/*"})
    assert head.headers["content-length"] == str(len(got.content))


def test_a_changed_variant_and_a_deleted_picture_are_seen_at_once(stack: Stack) -> None:
    """A withdrawn picture that the shop goes on showing; a variant that is changed without effect."""
    address = stack.upload("changing")["variants"][0].rsplit("/", 1)[0]
    options = {"fit": "cover", "width": 60, "height": 60, "metadata": "none"}
    stack.api.result("POST", "A/images/v1/variants", {"id": "small", "options": options})
    assert opened(stack.browser.get(f"{address}/small")).size == (60, 60)
    stack.api.result("PATCH", "A/images/v1/variants/small", {"options": {"width": 30}})
    assert opened(stack.browser.get(f"{address}/small")).size == (30, 60)
    stack.api.result("DELETE", "A/images/v1/changing")
    gone = stack.browser.get(f"{address}/small")
    assert (gone.status_code, gone.text) == (404, "ERROR 5404: Image not found")
    stack.api.result("DELETE", "A/images/v1/variants/small")


def test_pictures_are_served_under_the_shop_s_own_host_before_its_worker(stack: Stack) -> None:
    """The storefront's Worker would answer its pictures with its page for what is missing."""
    stack.upload("own/host")
    path = f"/cdn-cgi/imagedelivery/{stack.hash}/own/host/thumbnail"
    assert opened(stack.get(SHOP, path)).size == (100, 100)
    assert stack.get(SHOP, "/").text == "one"
    assert stack.get(f"nowhere.{ZONE}", path).status_code == 404


def test_private_pictures_and_flexible_variants(stack: Stack) -> None:
    """A private picture behind a guessable address; sizes by URL on an account that has not switched them on."""
    told = stack.upload("", requireSignedURLs="true")
    path = f"/{stack.hash}/{told['id']}/thumbnail"
    host = "imagedelivery.localhost"
    assert stack.get(host, path).status_code == 403
    key = stack.api.result("GET", "A/images/v1/keys")["keys"][0]["value"]
    ends = f"exp={int(time.time()) + 60}"
    good = stack.get(host, f"{path}?{ends}&sig={signing.signature(key, path, ends)}")
    assert opened(good).size == (100, 100) and good.headers["cache-control"].startswith("private")
    stack.upload("flexible")
    flexible = f"/{stack.hash}/flexible/w=50,sharpen=1"
    assert stack.get(host, flexible).status_code == 403
    stack.api.result("PATCH", "A/images/v1/config", {"flexible_variants": True})
    assert opened(stack.get(host, flexible)).size == (50, 25)
    stack.api.result("PATCH", "A/images/v1/config", {"flexible_variants": False})


def test_a_worker_reads_pictures_and_transforms_them_too(stack: Stack) -> None:
    """A page made on the server embeds a picture by its public address, and is refused as if it led off the machine."""
    path = httpx.URL(stack.upload("by/worker")["variants"][0]).path
    script = f"""export default {{ async fetch(request) {{
      const got = await fetch("https://imagedelivery.localhost{path}", {{headers: {{accept: "image/webp"}}}});
      const headers = {{"x-type": got.headers.get("content-type")}};
      return new Response((await got.arrayBuffer()).byteLength, {{headers}});
    }} }}"""
    stack.api.script("reader", script.encode())
    sent = {"hostname": f"reader.{ZONE}", "service": "reader", "zone_id": stack.api.zone, "environment": "production"}
    stack.api.result("PUT", "A/workers/domains", sent)
    stack.settle()
    got = stack.get(f"reader.{ZONE}", "/")
    assert got.headers["x-type"] == "image/webp"
    assert int(got.text) == len(stack.get("imagedelivery.localhost", path, "image/webp").content)


def test_a_picture_is_kept_small_in_the_edge_s_memory(stack: Stack) -> None:
    """An edge that grows with every picture is killed in the middle of a sale."""

    def resident() -> int:
        with open(f"/proc/{stack.edge_pid}/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:")) // 1024

    stack.upload("large", picture(3000, 2000, "JPEG"))
    stack.api.result("PATCH", "A/images/v1/config", {"flexible_variants": True})
    before = resident()
    for width in range(100, 150):
        assert stack.get("imagedelivery.localhost", f"/{stack.hash}/large/w={width}", "image/webp").is_success
    assert resident() - before < 40
    stack.api.result("PATCH", "A/images/v1/config", {"flexible_variants": False})
