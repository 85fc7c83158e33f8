"""Status: incidents are "healthy" for what is not, a reason nobody can read, and a status that fails with the store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from scripts.operator.ssh.hosts import Host
from scripts.operator.status import collect, command, edge, probe
from scripts.operator.status.cloud import Balancer, Server, Target, View, _reason
from scripts.operator.status.collect import assemble
from scripts.operator.status.edge import Seen
from scripts.operator.status.probe import Answer
from scripts.operator.status.report import GONE, Report, settling
from tests.unit.store.fakes import FakePulumi

GOOD = {"status": "ok", "database": "connected", "redis": "connected"}
OUTPUTS: dict[str, Any] = {
    "environment": "production",
    "apiUrl": "https://api.optic.works",
    "loadBalancerAddress": "192.0.2.1",
    "databaseAddress": "10.0.2.10:5432",
    "databaseName": "medusa-production",
    "redisDurableAddress": "10.0.3.10:6379",
    "redisCacheAddress": "10.0.3.10:6380",
    "release": "abcdef0123456789",
    "instances": [
        {"name": f"production-medusa-{n}", "address": f"203.0.113.{n}", "privateAddress": f"10.0.1.{10 + n}"}
        for n in (1, 2)
    ],
}


API = "https://api.optic.works"


def public(answer: Callable[[httpx.Request], httpx.Response], url: str = API) -> httpx.Client:
    """A client whose requests `answer` answers."""
    return httpx.Client(base_url=url, transport=httpx.MockTransport(answer))


def server(number: int, name: str, private: str, status: str = "running") -> Server:
    """A server as the API gives it."""
    return Server(number, name, status, "cx23", 2, 4.0, 40, "nbg1", f"203.0.113.{number}", (private,))


SERVERS = (
    server(1, "production-medusa-1", "10.0.1.11"),
    server(2, "production-medusa-2", "10.0.1.12"),
    server(3, "production-postgres", "10.0.2.10"),
    server(4, "production-redis", "10.0.3.10"),
)
TARGETS = {1: Target("healthy"), 2: Target("healthy")}


def view(servers: tuple[Server, ...] = SERVERS, targets: dict[int, Target] | None = None) -> View:
    """The API's answer, with the balancer's opinion of its targets."""
    chosen = TARGETS if targets is None else targets
    return View(servers, Balancer("production", "192.0.2.1", "10.0.4.10", "lb11", "nbg1", 25, (), chosen))


def report(found: View, health: dict[str, str] | None = None, answers: dict[str, Answer] | None = None) -> Report:
    """The report where the balancer's address answers `health`."""
    releases = {"production-medusa-1": "abcdef012345", "production-medusa-2": "abcdef012345"}
    return assemble("production", OUTPUTS, found, Seen(releases, GOOD if health is None else health), answers or {})


def test_all_is_well() -> None:
    """The shape that other programs read."""
    made = report(view()).as_dict()
    assert made["healthy"] is True
    first = made["instances"][0]
    expected = {"name": "production-medusa-1", "address": "203.0.113.1", "privateAddress": "10.0.1.11"}
    assert {key: first[key] for key in expected} == expected
    assert (first["health"], first["release"], first["serverType"]) == ("healthy", "abcdef012345", "cx23")
    assert made["loadBalancer"]["targets"] == {"healthy": 2, "total": 2, "limit": 25}
    assert made["database"]["server"] == "production-postgres" and made["redis"]["health"] == "healthy"


def test_a_server_that_was_deleted_is_unhealthy_although_nobody_says_so() -> None:
    """A target that vanished from the balancer must not read as "nothing wrong"."""
    made = report(view(SERVERS[1:], {2: Target("healthy")}))
    assert (made.instances[0].health, made.instances[0].reason, made.instances[0].status) == ("unhealthy", GONE, "gone")
    assert not made.healthy


def test_a_server_that_is_off_says_how_to_power_it_on() -> None:
    """The balancer only says "no connection"; the person needs the cause."""
    servers = (server(1, "production-medusa-1", "10.0.1.11", "off"), *SERVERS[1:])
    made = report(view(servers, {1: Target("unhealthy", "nothing accepts connections"), 2: Target("healthy")}))
    assert "off" in made.instances[0].reason and "poweron production-medusa-1" in made.instances[0].reason


def test_a_target_that_is_not_one_is_unknown() -> None:
    """A server that serves nobody is not healthy just because it runs."""
    made = report(view(targets={2: Target("healthy")}))
    assert (made.instances[0].health, made.healthy) == ("unknown", False)
    assert "not among" in made.instances[0].reason


def test_a_database_that_is_down_is_told_from_the_instances_own_words() -> None:
    """With every instance unhealthy the balancer answers 503 without a body: the cause comes over SSH."""
    targets = {n: Target("unhealthy", "/health answers 503") for n in (1, 2)}
    down = {"status": "unavailable", "database": "disconnected", "redis": "connected"}
    answers = {"production-medusa-1": Answer("database: disconnected", "abcdef012345", down)}
    made = report(view(targets=targets), {}, answers)
    assert made.database.health == "unhealthy" and "disconnected" in made.database.reason
    assert made.redis.health == "healthy"
    assert made.instances[0].reason == "/health answers 503; database: disconnected"
    assert made.loadBalancer["health"] == "unhealthy"


def test_nobody_to_ask_is_unknown_not_healthy() -> None:
    """Silence is not health."""
    made = report(view(targets={1: Target("unhealthy"), 2: Target("unhealthy")}), {})
    assert made.database.health == "unknown" and made.database.reason


@pytest.mark.parametrize(
    ("text", "reason", "release"),
    [
        ('abcdef0123456789\nactive\n{"status":"ok","database":"connected","redis":"connected"}', "", "abcdef012345"),
        (
            'abcdef0123456789\nactive\n{"status":"unavailable","database":"connected","redis":"disconnected"}',
            "redis: disconnected",
            "abcdef012345",
        ),
        ("abcdef0123456789\nfailed\n", "the unit medusa is failed", "abcdef012345"),
        ("abcdef0123456789\nactive\n", "its own /health does not answer", "abcdef012345"),
        ("current\ninactive\n", "no release is installed", ""),
        ("", "no release is installed", ""),
    ],
)
def test_a_servers_own_words_become_a_reason(text: str, reason: str, release: str) -> None:
    """Whatever state a broken server is in, the answer is a sentence."""
    answer = probe.read(text)
    assert (answer.reason, answer.release) == (reason, release)


def test_the_balancers_detail_becomes_words() -> None:
    """`unexpected_http_status` at night is a riddle; "/health answers 503" is not."""

    class Detail:
        detail, http_status_code, listen_port = "unexpected_http_status", 503, 443

    class Service:
        class health_check:
            port = 8000

            class http:
                path = "/health"

    assert _reason(Detail(), Service()) == "/health answers 503"


def test_every_instance_is_asked_for_its_release_and_no_more_than_needed() -> None:
    """Two releases at once (a deploy that stuck) must show; a thousand requests must not be sent to find out."""
    turn = iter(range(100))

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path != "/health":
            return httpx.Response(302, headers={"location": "/app"})
        number = next(turn) % 2 + 1
        return httpx.Response(200, json=GOOD, headers={"x-instance": f"m{number}", "x-release": f"r{number}"})

    with public(answer) as client:
        seen = edge.look(client, ["m1", "m2"])
        assert seen.releases == {"m1": "r1", "m2": "r2"} and next(turn) == 2
        edge.look(client, ["m1", "m3"])
        assert next(turn) <= 3 + 8


def test_an_address_that_does_not_answer_is_a_sentence() -> None:
    """The balancer itself may be what is down."""

    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("connection refused", request=request)

    with public(refuse) as client:
        assert edge.look(client, ["m1"]).problem == f"{API}/health does not answer: connection refused"


@pytest.mark.parametrize(
    ("status", "words"), [(526, "certificate"), (521, "refused by the load balancer"), (403, "refuses"), (500, "500")]
)
def test_a_page_of_the_edges_own_is_told_apart_from_the_stores_answer(status: int, words: str) -> None:
    """ "526" at night is a riddle; that the origin's certificate is not trusted is a place to look at."""
    with public(lambda _request: httpx.Response(status, text="error code: 52x")) as client:
        seen = edge.look(client, ["m1"])
    assert str(status) in seen.problem and words in seen.problem and seen.health == {}


def test_a_way_that_was_cut_before_the_instances_is_not_looked_for_in_their_journals() -> None:
    """Somebody changed the API's record: every instance is well, and no customer arrives."""
    seen = Seen(problem=f"{API}/health answers 523: {edge.EDGE[523]}")
    found = assemble("production", OUTPUTS, view(), seen, {})
    assert not found.healthy and all(one.health == "healthy" for one in found.instances)
    assert "pulumi refresh --preview-only --diff -s production" in command._advice(found)


def test_an_instance_that_fell_since_the_balancer_asked_is_no_healthy_store() -> None:
    """Six seconds of "healthy" and exit code 0 while every customer gets 503 send somebody back to bed."""

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(503, json=GOOD | {"status": "error"}, headers={"x-instance": "m1", "x-release": "r1"})

    with public(answer) as client:
        seen = edge.look(client, ["m1"])
    assert "answers 503: m1 says error" in seen.problem
    assert seen.releases == {"m1": "r1"} and seen.health["database"] == "connected"


def test_instances_that_refuse_the_edge_are_no_healthy_store() -> None:
    """Production got a new origin secret before staging's proxies did: 403 for every customer, 200 for /health."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/health":
            return httpx.Response(200, json=GOOD, headers={"x-instance": "m1"})
        return httpx.Response(403, json={"type": "forbidden", "message": "Forbidden"})

    with public(answer) as client:
        assert "origin secret" in edge.look(client, ["m1"]).problem


def test_the_store_is_asked_at_its_public_address_by_a_client_that_reaches_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The load balancer answers the edge alone; and no resolver knows names below .localhost."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        if request.url.path == "/admin":
            return httpx.Response(302, headers={"location": "/app"})
        number = len(asked)
        return httpx.Response(200, json=GOOD, headers={"x-instance": f"production-medusa-{number}"})

    monkeypatch.setattr(collect.http, "client", lambda url: public(answer, url))
    monkeypatch.setattr(collect.hetzner, "ask", lambda _engine, _question: view())
    monkeypatch.setattr(collect.probe, "ask", lambda _engine, hosts: {})
    assert collect.collect(FakePulumi(outputs=OUTPUTS).engine()).healthy
    assert asked == [f"{API}/health", f"{API}/health", f"{API}/admin"]


def test_without_the_key_status_still_answers() -> None:
    """A person who may not read secrets may still ask what is wrong."""
    host = Host("medusa-prod", "203.0.113.1", "deploy", 22, "ssh-ed25519 AAAA")
    assert probe.ask(FakePulumi().engine(), {"production-medusa-1": host}) == {}


@pytest.mark.parametrize(
    ("target", "status", "expected"),
    [
        (Target("unknown", settled=False), "running", True),
        (Target("unhealthy", settled=False), "running", True),
        (Target("unhealthy", "/health answers 503"), "running", False),
        (Target("unhealthy", settled=False), "off", False),
        (Target("healthy"), "running", False),
    ],
)
def test_only_what_may_still_turn_out_well_is_waited_for(target: Target, status: str, expected: bool) -> None:
    """Right after scaling out a target is not healthy yet, which is no incident; at night nobody waits for a 503."""
    servers = (server(1, "production-medusa-1", "10.0.1.11", status), *SERVERS[1:])
    found = view(servers, {1: target, 2: Target("healthy")})
    assert settling(OUTPUTS["instances"], found) is expected
