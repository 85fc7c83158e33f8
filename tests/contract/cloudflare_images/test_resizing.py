"""Pictures transformed by their URL, out of a bucket under a host name of the zone."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from tests.contract.cloudflare.serving import ZONE
from tests.contract.cloudflare_images.conftest import Stack, opened, picture

MEDIA = f"media.{ZONE}"
OTHER = "other.localhost"


@pytest.fixture(scope="module", autouse=True)
def media(stack: Stack) -> None:
    api = stack.api
    api.result("POST", "A/r2/buckets", {"name": "media"})
    domain = {"domain": MEDIA, "zoneId": api.zone, "enabled": True}
    api.result("POST", "A/r2/buckets/media/domains/custom", domain)
    stack.plane.objects.put("default", "media", "lens.png", picture(), "image/png")
    stack.plane.objects.put("default", "media", "page.html", b"<html>" * 20, "text/html")
    stack.plane.objects.put("default", "media", "broken.png", b"\x89PNG\r\n\x1a\n" + b"0" * 100, "image/png")
    api.script("pages", b"export default { async fetch(request) { return new Response(request.headers.get('via')) } }")
    down = {"type": "CNAME", "name": f"down.{ZONE}", "content": "nowhere.invalid", "proxied": True, "ttl": 1}
    api.result("POST", "Z/dns_records", down)
    worker = {"hostname": f"pages.{ZONE}", "service": "pages", "zone_id": api.zone, "environment": "production"}
    api.result("PUT", "A/workers/domains", worker)
    stack.settle()


def switch(stack: Stack, mode: str) -> None:
    stack.api.result("PATCH", "Z/settings/transformations", {"value": mode})
    stack.settle()


def test_nothing_is_transformed_where_it_is_not_switched_on(stack: Stack) -> None:
    """What works here and then is a 404 in production, where nobody had switched it on."""
    refused = stack.get(MEDIA, "/cdn-cgi/image/w=50/lens.png")
    assert refused.status_code == 404 and "cf-resized" not in refused.headers


def test_a_picture_of_the_zone_is_transformed_and_kept(stack: Stack) -> None:
    """A phone that loads a picture of megabytes; a view that makes every picture anew; one format for all."""
    switch(stack, "on")
    path = "/cdn-cgi/image/w=50,h=50,fit=cover/lens.png"
    for accept, kind in (("image/avif,image/webp", "avif"), ("image/webp", "webp"), ("*/*", "png")):
        first, second = stack.get(MEDIA, path, accept), stack.get(MEDIA, path, accept)
        assert opened(first).size == (50, 50) and first.content == second.content
        assert first.headers["content-type"] == second.headers["content-type"] == f"image/{kind}"
        assert first.headers["vary"] == "Accept" and first.headers["cf-resized"].startswith("internal=ok")
        assert (first.headers["cf-cache-status"], second.headers["cf-cache-status"]) == ("MISS", "HIT")
    same = stack.get(MEDIA, path, "*/*", if_none_match=first.headers["etag"])
    assert (same.status_code, same.content) == (304, b"")
    elsewhere = stack.get(f"pages.{ZONE}", f"/cdn-cgi/image/w=40/https://{MEDIA}/lens.png")
    assert opened(elsewhere).size == (40, 20)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("w=0/lens.png", 400, 9401),
        ("fit=zoom/lens.png", 400, 9401),
        ("thumbnail/lens.png", 400, 9401),
        ("w=50/none.png", 404, 9404),
        ("w=50/page.html", 415, 9412),
        ("w=50/broken.png", 415, 9520),
        ("w=50/ftp://media/lens.png", 400, 9406),
        ("w=50/https://other.localhost/lens.png", 403, 9408),
        (f"w=50/https://unknown.{ZONE}/lens.png", 530, 9407),
        ("w=50/cdn-cgi/image/w=60/lens.png", 403, 9403),
        (f"w=50/https://down.{ZONE}/lens.png", 504, 9504),
    ],
)
def test_errors_have_their_code(stack: Stack, path: str, status: int, code: int) -> None:
    """A broken picture on a page, and nothing that says why."""
    switch(stack, "on")
    refused = stack.get(MEDIA, f"/cdn-cgi/image/{path}")
    assert (refused.status_code, refused.headers["cf-resized"]) == (status, f"err={code}"), refused.text
    assert refused.text.startswith(f"ERROR {code}: ") and refused.headers["cache-control"] == "no-store"


def test_an_error_may_lead_to_the_original(stack: Stack) -> None:
    """A shop without pictures because one option was wrong."""
    switch(stack, "on")
    refused = stack.get(MEDIA, "/cdn-cgi/image/w=50,onerror=redirect/broken.png")
    assert (refused.status_code, refused.headers["location"]) == (302, "/broken.png")


def test_nothing_off_this_edge_is_fetched(stack: Stack) -> None:
    """Anybody would have the edge fetch any address of the network that it is in."""
    switch(stack, "open")
    for source in ("https://198.51.100.1/a.png", "https://127.0.0.1/a.png", "https://other.localhost/a.png"):
        refused = stack.get(MEDIA, f"/cdn-cgi/image/w=50/{source}")
        assert refused.headers["cf-resized"] == "err=9407", refused.text
    switch(stack, "on")


def test_a_picture_that_unpacks_to_gigabytes_is_refused_unread(stack: Stack) -> None:
    """A file of kilobytes takes the edge's memory."""
    switch(stack, "on")
    out = io.BytesIO()
    Image.new("1", (11_999, 11_999)).save(out, "PNG")
    stack.plane.objects.put("default", "media", "bomb.png", out.getvalue(), "image/png")
    refused = stack.get(MEDIA, "/cdn-cgi/image/w=50/bomb.png")
    assert (refused.status_code, refused.headers["cf-resized"]) == (413, "err=9413")
