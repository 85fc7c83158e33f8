"""Which Worker, version or origin a request is for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.cloudflare.edge import split
from localcloud.cloudflare.edge.routing import Pattern, Table
from localcloud.cloudflare.edge.snapshot import CustomDomain, Deployment, Record, Route, Share, Snapshot, Zone
from localcloud.cloudflare.runtime.capnp import quoted


@pytest.mark.parametrize(
    ("pattern", "host", "path", "matches"),
    [
        ("a.test/*", "a.test", "/", True),
        ("a.test/*", "b.a.test", "/", False),
        ("*.a.test/*", "b.a.test", "/x", True),
        ("*.a.test/*", "a.test", "/x", False),
        ("*a.test/*", "a.test", "/x", True),
        ("*a.test/*", "b.a.test", "/x", True),
        ("a.test/shop*", "a.test", "/shopping", True),
        ("a.test/shop", "a.test", "/shop/1", False),
        ("https://a.test/*", "a.test", "/", True),
        ("http://a.test/*", "a.test", "/", False),
    ],
)
def test_patterns(pattern: str, host: str, path: str, matches: bool) -> None:
    """A Worker that runs where it was not asked for answers for the API."""
    assert Pattern.parse(pattern).matches("https", host, path) is matches


def test_the_more_specific_route_wins_and_a_disabled_one_keeps_workers_out() -> None:
    """A maintenance Worker on `*` that also takes the health check makes the load balancer's alarm useless."""
    zone = Zone("z", "a.test")
    routes = tuple(
        Route("z", pattern, worker)
        for pattern, worker in [
            ("*.a.test/*", "all"),
            ("b.a.test/*", "b"),
            ("b.a.test/x/*", "x"),
            ("b.a.test/x/y", None),
        ]
    )
    records = (Record("z", "*.a.test", "A", "127.0.0.1"), Record("z", "grey.a.test", "A", "127.0.0.1", proxied=False))
    table = Table(Snapshot((zone,), (CustomDomain("b.a.test", "own"),), routes, records))
    found = {path: table.destination("https", "b.a.test", path).worker for path in ("/", "/x/1", "/x/y")}
    assert found == {"/": "b", "/x/1": "x", "/x/y": None}
    assert table.destination("https", "b.a.test", "/x/y").origin_worker == "own"
    assert table.destination("https", "c.a.test", "/").worker == "all"
    assert not table.destination("https", "grey.a.test", "/").known
    assert not table.destination("https", "a.test", "/").known


@given(st.text(max_size=20), st.floats(0, 100), st.floats(0, 100))
def test_nobody_falls_back_while_a_version_rises(key: str, first: float, second: float) -> None:
    """A customer who saw the new shop, then the old, then the new again, reports a bug in each."""
    low, high = sorted((first, second))
    before = split.choose(Deployment("d", "w", (Share("a", 100 - low), Share("b", low))), key or "k")
    after = split.choose(Deployment("e", "w", (Share("a", 100 - high), Share("b", high))), key or "k")
    assert (before, after) != ("b", "a")


@given(st.text())
def test_text_of_a_binding_survives_the_configuration(text: str) -> None:
    """A secret with a quote in it would end workerd, and with it every Worker."""
    encoded = text.encode("utf-8", "surrogatepass")
    if encoded.decode("utf-8", "ignore") != text:
        return
    literal = quoted(text)
    assert literal.isascii()
    assert literal[1:-1].encode().decode("unicode_escape").encode("latin-1") == encoded
