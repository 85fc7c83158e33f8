"""What addresses and Accept headers mean, without anything that serves."""

from __future__ import annotations

import pytest

from localcloud.cloudflare.edge.messages import Headers, Request
from localcloud.cloudflare.edge.pictures import ResizeError, _asked, _subrequest
from localcloud.cloudflare.edge.purging import _source
from localcloud.cloudflare.images_service import names


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("image/avif,image/webp,*/*;q=0.8", "image/avif,image/webp"),
        ("image/webp, IMAGE/AVIF ;q=0.9", "image/avif,image/webp"),
        ("image/avif;q=0,image/webp;q=0.001", "image/webp"),
        ("*/*", ""),
        ("image/*", ""),
        ("", ""),
    ],
)
def test_a_format_is_taken_where_it_is_named(accept: str, expected: str) -> None:
    """A mail program that takes anything shows no AVIF; a browser that declines one is not given it."""
    assert names.taken(accept) == expected


def request(path: str, query: str = "") -> Request:
    return Request(
        "GET",
        "https",
        "shop.test",
        "shop.test:8443",
        path,
        query,
        Headers([(b"cookie", b"a=b")]),
        "127.0.0.1",
        "2",
        None,
    )


@pytest.mark.parametrize(
    ("path", "query", "source", "asked"),
    [
        ("w=9/a/b.png", "", "/a/b.png", "https://shop.test/a/b.png"),
        ("w=9//a/b.png", "", "/a/b.png", "https://shop.test/a/b.png"),
        ("w=9/a.png", "v=2", "/a.png?v=2", "https://shop.test/a.png?v=2"),
        ("w=9/https://cdn.test/a.png", "", "https://cdn.test/a.png", "https://cdn.test/a.png"),
        ("w=9/https:/cdn.test/a.png", "", "https://cdn.test/a.png", "https://cdn.test/a.png"),
        ("w%3D9,h=8/a%20b.png", "", "/a%20b.png", "https://shop.test/a%20b.png"),
    ],
)
def test_the_source_is_found_in_the_address(path: str, query: str, source: str, asked: str) -> None:
    """A version in the query that is lost shows the old picture; a proxy before the edge makes one slash of two. The
    visitor's cookies are not the source's."""
    whole = request(f"/cdn-cgi/image/{path}", query)
    found = _asked(whole)[1]
    inner = _subrequest(whole, found)
    assert (found, f"{inner.scheme}://{inner.host}{inner.target}") == (source, asked)
    assert inner.headers.get("cookie") is None
    assert _source(f"https://shop.test{whole.target}") == asked


@pytest.mark.parametrize(
    "path", ["", "w=9", "w=9/", "thumbnail/a.png", "w=9,zoom=2/a.png", "w=9/ftp://a/b", "w=9/https://"]
)
def test_an_address_that_says_nothing_is_refused(path: str) -> None:
    """A picture in its full size, and nobody notices."""
    with pytest.raises(ResizeError):
        _asked(request(f"/cdn-cgi/image/{path}"))
