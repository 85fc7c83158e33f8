"""Buckets that everybody reads, under a custom domain and under the managed one."""

from __future__ import annotations

import pytest

from tests.contract.cloudflare.serving import ZONE
from tests.contract.cloudflare_images.conftest import Stack

FILES = f"files.{ZONE}"
TEXT = bytes(range(256)) * 8


@pytest.fixture(scope="module", autouse=True)
def files(stack: Stack) -> None:
    api = stack.api
    api.result("POST", "A/r2/buckets", {"name": "files"})
    api.result("POST", "A/r2/buckets/files/domains/custom", {"domain": FILES, "zoneId": api.zone, "enabled": True})
    rule = {"allowed": {"origins": ["https://shop.test"], "methods": ["GET"], "headers": ["x-a"]}, "maxAgeSeconds": 60}
    api.result("PUT", "A/r2/buckets/files/cors", {"rules": [rule]})
    stack.plane.objects.put("default", "files", "a b/manual.pdf", TEXT, "application/pdf")
    stack.plane.objects.put("default", "files", "list", TEXT, "text/csv")
    stack.settle()


def test_an_object_is_served_and_kept_by_its_extension(stack: Stack) -> None:
    """A download that reaches the store for each visitor; one that is kept although nothing says it may be."""
    path = "/a%20b/manual.pdf"
    first, second = stack.get(FILES, path), stack.get(FILES, path)
    assert first.content == second.content == TEXT
    assert first.headers["content-type"] == "application/pdf"
    assert (first.headers["cf-cache-status"], second.headers["cf-cache-status"]) == ("MISS", "HIT")
    assert stack.get(FILES, "/list").headers["cf-cache-status"] == "DYNAMIC"
    assert stack.get(FILES, "/missing").status_code == 404
    assert stack.browser.put(stack.url(FILES, path), content=b"x").status_code == 405


@pytest.mark.parametrize("path", ["/list", "/a%20b/manual.pdf", "/fresh.zip"])
def test_a_part_is_a_part(stack: Stack, path: str) -> None:
    """A film that cannot be wound on; a download that begins anew in the train."""
    stack.plane.objects.put("default", "files", "fresh.zip", TEXT, "application/zip")
    whole = {"etag": stack.browser.head(stack.url(FILES, path)).headers["etag"]}
    for asked, first, last in (("bytes=10-19", 10, 19), ("bytes=2000-", 2000, 2047), ("bytes=-8", 2040, 2047)):
        for if_range, status in ((whole["etag"], 206), ('"other"', 200)):
            got = stack.get(FILES, path, range=asked, if_range=if_range)
            assert got.status_code == status
            if status == 206:
                assert got.headers["content-range"] == f"bytes {first}-{last}/2048"
                assert got.content == TEXT[first : last + 1]
            else:
                assert got.content == TEXT
    assert stack.get(FILES, path, range="bytes=5000-").status_code == 416
    unchanged = stack.get(FILES, path, if_none_match=whole["etag"])
    assert (unchanged.status_code, unchanged.content, unchanged.headers["etag"]) == (304, b"", whole["etag"])


def test_a_page_elsewhere_reads_what_the_rules_let_it_read(stack: Stack) -> None:
    """One visitor's answer kept for all: the second shop's page is refused by its browser, or any page is let in."""
    for _ in range(2):
        allowed = stack.get(FILES, "/a%20b/manual.pdf", origin="https://shop.test")
        assert allowed.headers["access-control-allow-origin"] == "https://shop.test"
        for origin in ("https://evil.test", ""):
            other = stack.get(FILES, "/a%20b/manual.pdf", **({"origin": origin} if origin else {}))
            assert "access-control-allow-origin" not in other.headers
    asks = {"origin": "https://shop.test", "access-control-request-method": "GET"}
    preflight = stack.browser.options(stack.url(FILES, "/list"), headers=asks)
    assert (preflight.status_code, preflight.headers["access-control-max-age"]) == (204, "60")
    assert stack.browser.options(stack.url(FILES, "/list"), headers={**asks, "origin": "https://x"}).status_code == 403


def test_the_managed_host_name_serves_only_while_it_is_switched_on(stack: Stack) -> None:
    """A bucket that stays open after it was closed."""
    base = "A/r2/buckets/files/domains/managed"
    host = stack.api.result("PUT", base, {"enabled": True})["domain"]
    got = stack.get(host, "/list")
    assert got.content == TEXT and "cf-cache-status" not in got.headers
    stack.api.result("PUT", base, {"enabled": False})
    assert stack.get(host, "/list").status_code == 404
    stack.api.result("PUT", f"A/r2/buckets/files/domains/custom/{FILES}", {"enabled": False})
    assert stack.get(FILES, "/list").status_code == 404
    stack.api.result("PUT", f"A/r2/buckets/files/domains/custom/{FILES}", {"enabled": True})
    assert stack.get(FILES, "/list").is_success
