"""What is purged by the API is not served any more, and nothing else is forgotten."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.cloudflare.serving import ZONE
from tests.contract.cloudflare_images.conftest import Stack, picture

HOST = f"kept.{ZONE}"
PATHS = ("/a/one.css", "/a/two.css", "/b/lens.png", "/cdn-cgi/image/w=9/b/lens.png")


@pytest.fixture(scope="module", autouse=True)
def kept(stack: Stack) -> None:
    api = stack.api
    api.result("POST", "A/r2/buckets", {"name": "kept"})
    api.result("POST", "A/r2/buckets/kept/domains/custom", {"domain": HOST, "zoneId": api.zone, "enabled": True})
    api.result("PATCH", "Z/settings/transformations", {"value": "on"})
    for name in ("a/one.css", "a/two.css"):
        stack.plane.objects.put("default", "kept", name, b"a" * 99, "text/css")
    stack.plane.objects.put("default", "kept", "b/lens.png", picture(), "image/png")
    stack.settle()


@pytest.mark.parametrize(
    ("what", "forgotten"),
    [
        ({"purge_everything": True}, set(PATHS)),
        ({"files": [f"https://{HOST}/a/one.css"]}, {"/a/one.css"}),
        ({"files": [{"url": f"https://{HOST}:8443/b/lens.png"}]}, {"/b/lens.png", "/cdn-cgi/image/w=9/b/lens.png"}),
        ({"prefixes": [f"{HOST}/a/"]}, {"/a/one.css", "/a/two.css"}),
        ({"hosts": [HOST]}, set(PATHS)),
        ({"hosts": [f"other.{ZONE}"]}, set()),
        ({"tags": ["none"]}, set()),
    ],
)
def test_a_purge_forgets_what_it_names(stack: Stack, what: dict[str, Any], forgotten: set[str]) -> None:
    """A wrong price list that stays for two hours after it was replaced and purged; a purge that empties all."""
    for path in PATHS:
        stack.get(HOST, path, "*/*")
        assert stack.get(HOST, path, "*/*").headers["cf-cache-status"] == "HIT"
    stack.api.result("POST", "Z/purge_cache", what)
    stack.settle()
    status = {path: stack.get(HOST, path, "*/*").headers["cf-cache-status"] for path in PATHS}
    assert {path for path, one in status.items() if one == "MISS"} == forgotten


def test_of_two_purges_at_once_both_are_done(stack: Stack) -> None:
    """A deploy purges file by file, and every other one stays old."""
    for path in PATHS[:2]:
        stack.get(HOST, path)
    for path in PATHS[:2]:
        stack.api.result("POST", "Z/purge_cache", {"files": [f"https://{HOST}{path}"]})
    stack.settle()
    assert [stack.get(HOST, path).headers["cf-cache-status"] for path in PATHS[:2]] == ["MISS", "MISS"]
