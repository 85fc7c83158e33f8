"""Uploads by the vendor's SDK and by forms, held against what the edge then serves."""

from __future__ import annotations

import base64
import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from cloudflare import APIStatusError
from PIL import Image

from tests.contract.cloudflare.serving import ZONE
from tests.contract.cloudflare_images.conftest import BROWSER, Stack, opened, picture, running


def test_the_sdk_uploads_a_file_that_is_then_served(stack: Stack, tmp_path: Path) -> None:
    """The command that puts a shop's pictures in place uses the SDK: a difference shows up on the first release."""
    path = tmp_path / "lens.jpg"
    path.write_bytes(picture(60, 30, "JPEG"))
    images = stack.api.sdk.images.v1
    # A mapping would go out as fields named metadata[sku], which the API does not read: its metadata is JSON.
    made = images.create(
        account_id=stack.api.account, id="sdk/lens", file=path, metadata='{"sku":"1"}', require_signed_urls=False
    )
    assert made.id == "sdk/lens" and made.filename == "lens.jpg" and made.meta == {"sku": "1"} and made.variants
    assert opened(stack.browser.get(made.variants[0], headers={"accept": BROWSER})).size == (60, 30)
    listed = stack.api.sdk.images.v2.list(account_id=stack.api.account).images
    assert listed and "sdk/lens" in [one.id for one in listed]
    assert images.blobs.get("sdk/lens", account_id=stack.api.account).read() == path.read_bytes()
    with pytest.raises(APIStatusError) as twice:
        images.create(account_id=stack.api.account, id="sdk/lens", file=path)
    assert (twice.value.status_code, twice.value.body["errors"][0]["code"]) == (409, 5409)  # type: ignore[index]
    images.delete("sdk/lens", account_id=stack.api.account)
    assert stack.browser.get(made.variants[0]).status_code == 404


@pytest.mark.parametrize(
    ("form", "status", "code"),
    [
        ({"file": ("a.png", b"\x89PNG" + b"0" * (10 * 2**20), "image/png")}, 413, 5413),
        ({"file": ("a.png", b"<html>", "image/png")}, 415, 5455),
        ({"file": ("a.tif", b"II*\x00" + b"0" * 100, "image/tiff")}, 415, 5455),
        ({"file": (None, b"\x89PNG")}, 415, 5415),
        ({"id": (None, "a b"), "file": ("a.png", picture(1, 1), "image/png")}, 400, 5400),
        ({"id": (None, "own"), "requireSignedURLs": (None, "true"), "file": ("a.png", picture(1, 1))}, 400, 5400),
        ({"file": ("a.png", picture(1, 1)), "metadata": (None, "{")}, 400, 5400),
        ({"id": (None, "nothing")}, 400, 5400),
    ],
)
def test_what_is_refused_says_why_and_leaves_nothing(
    stack: Stack, form: dict[str, tuple[str | None, bytes | str]], status: int, code: int
) -> None:
    """A file that is taken and never shown; an id that is taken by an upload that failed."""
    before = stack.api.result("GET", "A/images/v1/stats")["count"]["current"]
    assert stack.api.error("POST", "A/images/v1", files=form) == (status, code)
    assert stack.api.result("GET", "A/images/v1/stats")["count"]["current"] == before


def test_every_kind_of_picture_is_taken(stack: Stack) -> None:
    """A seller's camera writes AVIF, and the shop's new product has no picture."""
    for kind in ("JPEG", "PNG", "WEBP", "GIF", "AVIF"):
        told = stack.upload(f"kind/{kind}", picture(40, 20, kind))
        assert opened(stack.browser.get(told["variants"][0], headers={"accept": BROWSER})).format == "AVIF"
        assert opened(stack.browser.get(told["variants"][0], headers={"accept": "*/*"})).size == (40, 20)


def test_a_picture_is_taken_from_an_address_of_this_cloud_alone(stack: Stack) -> None:
    """The provider's only working way to upload is an address; one that redirects would have the cloud ask anybody."""
    api = stack.api
    script = b"""export default { fetch(request) {
      const path = new URL(request.url).pathname;
      if (path === "/away") return Response.redirect("http://198.51.100.1/a.png", 302);
      if (path === "/twice") return Response.redirect("https://" + new URL(request.url).host + "/once.png", 302);
      if (path === "/once.png") return new Response(Uint8Array.from(atob(B64), c => c.charCodeAt(0)));
      return new Response("no", {status: 404});
    } }; const B64 = "%s";""" % base64.b64encode(picture(20, 10))
    api.script("source", script)
    worker = {"hostname": f"source.{ZONE}", "service": "source", "zone_id": api.zone, "environment": "production"}
    api.result("PUT", "A/workers/domains", worker)
    stack.settle()
    for address, name in (
        (f"https://source.{ZONE}/twice", "once.png"),
        (f"https://source.{ZONE}:{stack.port}/once.png", "once.png"),
    ):
        told = api.result("POST", "A/images/v1", files={"url": (None, address)})
        assert told["filename"] == name
        assert opened(stack.browser.get(told["variants"][0])).size == (20, 10)
    for wrong in (f"https://source.{ZONE}/away", f"https://source.{ZONE}/none", "ftp://source.localhost/a.png", "a"):
        assert api.error("POST", "A/images/v1", files={"url": (None, wrong)}) == (400, 5452), wrong


def test_of_two_uploads_with_one_id_one_is_kept(stack: Stack) -> None:
    """The picture of another product under this one's address."""
    sizes = range(10, 18)

    def upload(width: int) -> httpx.Response:
        form = {"id": (None, "race"), "file": ("a.png", picture(width, 10), "image/png")}
        return stack.api.ask("POST", "A/images/v1", files=form)

    with ThreadPoolExecutor(len(sizes)) as pool:
        answers = list(pool.map(upload, sizes))
    kept = [width for width, answer in zip(sizes, answers, strict=True) if answer.is_success]
    assert len(kept) == 1 and {answer.status_code for answer in answers} == {200, 409}
    assert opened(stack.get("imagedelivery.localhost", f"/{stack.hash}/race/public")).size == (kept[0], 10)


def test_pictures_outlive_a_restart(tmp_path: Path) -> None:
    """The machine was switched off over night, and the shop has no pictures in the morning."""
    with running(tmp_path) as first:
        path = httpx.URL(first.upload("kept")["variants"][0]).path
    with running(tmp_path) as second:
        assert opened(second.get("imagedelivery.localhost", path)).size == (400, 200)


def test_many_pictures_at_once_are_all_answered(stack: Stack) -> None:
    """A page of forty products opened for the first time: a picture that waits its turn is late, and not missing."""
    stack.api.result("PATCH", "A/images/v1/config", {"flexible_variants": True})
    noise = Image.effect_noise((800, 600), 60).convert("RGB")
    out = io.BytesIO()
    noise.save(out, "JPEG")
    stack.upload("crowd", out.getvalue())
    paths = [f"/{stack.hash}/crowd/w={width},h=300,fit=cover" for width in range(200, 220)]
    with ThreadPoolExecutor(20) as pool:
        asking = pool.map(lambda path: stack.get("imagedelivery.localhost", path), paths)
        assert [opened(one).size for one in asking] == [(width, 300) for width in range(200, 220)]
    stack.api.result("PATCH", "A/images/v1/config", {"flexible_variants": False})
