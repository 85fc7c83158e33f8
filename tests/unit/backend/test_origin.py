"""Only through the edge: what the node proxy refuses, what Medusa sees, and a rotation that nobody notices.

On a real HAProxy with the instance's own configuration.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.backend.bootstrap import origin
from tests.unit.backend.node_proxy import HAPROXY, Edge, Proxy, running, workers

OLD, NEW = "o" * 43, "n" * 43

pytestmark = pytest.mark.skipif(not Path(HAPROXY).exists(), reason="no haproxy")


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Proxy]:
    with running(tmp_path, OLD) as made:
        yield made


@pytest.mark.parametrize("secret", [None, "", NEW, OLD + "x", OLD.upper(), origin.digest(OLD)])
def test_whoever_goes_around_the_edge_is_refused_and_told_nothing(proxy: Proxy, secret: str | None) -> None:
    """The load balancer's address is public: rate limits and the login before the admin would be for nothing."""
    for path in ("/", "/store/products", "/app", "/admin", "/health/", "/health/../store", "//health", "/%68ealth"):
        answer = proxy.ask(path, secret)
        assert (answer.status, answer.body) == (403, {"type": "forbidden", "message": "Forbidden"}), path
        assert not {"x-instance", "x-release", "server"} & set(answer.headers)
        assert answer.headers["content-type"] == "application/json"


def test_guesses_beside_each_other_cost_one_comparison(proxy: Proxy) -> None:
    """Thousands of values in one header must not be thousands of hashes, nor must the right one among them count."""
    assert proxy.ask("/store", ", ".join(["x", OLD])).status == 403


def test_health_is_for_the_balancer_and_for_everybody(proxy: Proxy) -> None:
    """With its checks refused the balancer takes every instance out."""
    answer = proxy.ask("/health")
    assert answer.status == 200 and answer.headers["x-instance"] == "local-medusa-1"
    assert answer.body["headers"]["x-health-client"] == "127.0.0.1"
    forged = {"X_Forwarded_For": "198.51.100.7", "CF_Connecting_IP": "10.0.4.10"}
    assert proxy.ask("/health", **forged).body["headers"]["x-health-client"] == "customer"
    assert proxy.ask("/health", CF_Connecting_IP="10.0.4.10").body["headers"]["x-health-client"] == "127.0.0.1"
    assert "x-origin-secret" not in proxy.ask("/health", OLD).body["headers"]


def test_medusa_sees_the_customer_and_https_and_no_secret(proxy: Proxy) -> None:
    """Sessions are bound to https, logs and limits to the customer's address; a secret in a log is no secret."""
    seen = proxy.ask("/store", OLD, CF_Connecting_IP="203.0.113.9", X_Forwarded_For="1.2.3.4, 203.0.113.9, 172.70.0.1",
                     X_Forwarded_Proto="http")  # fmt: skip
    headers = seen.body["headers"]
    assert headers["x-forwarded-for"] == "203.0.113.9" and headers["x-forwarded-proto"] == "https"
    assert "x-origin-secret" not in headers and OLD not in json.dumps(seen.body)
    assert (seen.headers["x-instance"], seen.headers["x-release"]) == ("local-medusa-1", "abcdef012345")
    six = proxy.ask("/store", OLD, CF_Connecting_IP="2001:db8::9").body["headers"]
    assert six["x-forwarded-for"] == "2001:db8::9"
    odd = proxy.ask("/store", OLD, CF_Connecting_IP="nonsense").body["headers"]
    assert odd["x-forwarded-for"] == "127.0.0.1"


def test_the_admin_has_one_spelling(proxy: Proxy) -> None:
    """/APP passed the login, which is asked for at /app, and Medusa's router served it all the same."""
    for path in ("/APP", "/App/", "/aPP/login", "/APP?x=1"):
        assert proxy.ask(path, OLD).status == 404, path
    for path in ("/app", "/app/", "/app/login", "/Apple", "/applications", "/store/App"):
        assert proxy.ask(path, OLD).status == 200, path


def test_the_guides_address_opens_the_admin(proxy: Proxy) -> None:
    """The guide says https://api.optic.works/admin, and Medusa serves it at /app."""
    for path in ("/admin", "/admin/", "/admin?x=1"):
        for method in ("GET", "HEAD"):
            answer = proxy.ask(path, OLD, method)
            assert (answer.status, answer.headers["location"]) == (302, "/app"), path


def test_the_admin_api_is_left_alone(proxy: Proxy) -> None:
    """/admin/products is what the admin itself asks for."""
    assert proxy.ask("/admin/products", OLD).body["path"] == "/admin/products"
    assert proxy.ask("/admin", OLD, "POST").status == 200
    assert proxy.ask("/administrators", OLD).body["path"] == "/administrators"


def test_a_rotation_refuses_nobody(proxy: Proxy) -> None:
    """Old, then new with the previous one, then new alone: at each moment the edge sends a value that is right."""
    assert proxy.process
    with Edge(proxy, OLD) as edge:
        edge.more()
        assert proxy.accept(NEW, OLD) == "1 accepted"
        edge.more()
        assert proxy.ask("/store", NEW).status == 200, "in effect when the step is done, not some time later"
        edge.secret = NEW
        edge.more()
        assert proxy.accept(NEW) == "1 no longer accepted"
        assert proxy.ask("/store", OLD).status == 403
        edge.more()
        assert proxy.accept(NEW) == "", "a second run changes nothing"
    assert edge.bad == [] and edge.sent > 150


def test_the_next_start_knows_what_the_running_one_was_told(proxy: Proxy) -> None:
    """A value that only the running process knows is gone with the next reboot, at night."""
    proxy.accept(NEW, OLD)
    proxy.stop()
    proxy.start()
    assert [proxy.ask("/store", secret).status for secret in (OLD, NEW, "x" * 43)] == [200, 200, 403]


def test_a_reload_with_a_new_value_refuses_nobody(proxy: Proxy) -> None:
    """A changed configuration comes with a rotation: the process that leaves must know both values, too."""
    assert proxy.process
    with Edge(proxy, OLD, kept=False) as edge:
        edge.more()
        proxy.accept(NEW, OLD)
        before = workers(proxy.process.pid)
        os.kill(proxy.process.pid, signal.SIGUSR2)
        edge.secret = NEW
        end = time.monotonic() + 10
        while workers(proxy.process.pid) & before or not workers(proxy.process.pid):
            assert time.monotonic() < end, "the old worker does not leave"
            time.sleep(0.02)
        edge.more()
    assert edge.bad == []
    assert origin.put([origin.digest(NEW), origin.digest(OLD)], proxy.digests, proxy.admin) == ""


def test_a_value_is_nowhere_in_clear(proxy: Proxy) -> None:
    """Whoever may read a configuration, ask the admin socket or list processes is not the edge."""
    assert proxy.process
    texts = [path.read_text() for path in proxy.folder.iterdir() if path.is_file()]
    texts.append(origin.ask(proxy.admin, f"show acl {proxy.digests}"))
    texts.append(Path(f"/proc/{proxy.process.pid}/cmdline").read_text())
    texts.append(Path(f"/proc/{proxy.process.pid}/environ").read_text())
    assert not any(OLD in text for text in texts)
