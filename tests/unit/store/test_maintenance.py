"""`store maintenance`: at night a switch that is written wrongly leaves a store open, or closed with a wrong end."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from scripts.operator import cli, http
from scripts.operator.cloudflare import Api
from scripts.operator.engine import Engine
from scripts.operator.errors import OperatorError, UsageProblem
from scripts.operator.maintenance import command, edge, passes, switch, times
from tests.unit.store.fakes import FakePulumi

NOW = datetime(2026, 5, 1, 12, 0, 30, 5, tzinfo=UTC)
END = datetime(2026, 5, 1, 14, 30, tzinfo=UTC)
READ_BY_THE_WORKER = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})")
NAMESPACE = "n" * 32
OUTPUTS = {
    "storefrontUrl": "https://store.localhost:8443",
    "statusUrl": "https://status.store.localhost:8443",
    "storefrontStateNamespace": NAMESPACE,
}


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("2026-05-01T14:30Z", END),
        ("2026-05-01T16:30+02:00", END),
        ("2026-05-01 14:30:00Z", END),
        ("+90m", datetime(2026, 5, 1, 13, 30, 30, tzinfo=UTC)),
        ("+1h30m", datetime(2026, 5, 1, 13, 30, 30, tzinfo=UTC)),
        ("+2d", datetime(2026, 5, 3, 12, 0, 30, tzinfo=UTC)),
    ],
)
def test_times_are_understood_as_they_are_typed(typed: str, wanted: datetime) -> None:
    assert times.read("--until", typed, NOW) == wanted
    assert READ_BY_THE_WORKER.fullmatch(times.told(wanted))


@pytest.mark.parametrize(
    "typed", ["2026-05-01T14:30", "2026-05-01", "14:30", "90m", "+", "+m", "tomorrow", "2026-13-01T00:00Z", "+90s"]
)
def test_what_is_no_time_is_refused_with_the_rule(typed: str) -> None:
    """Without a zone the store was told to open two hours late; a word would have closed it without an end."""
    with pytest.raises(UsageProblem) as told:
        times.read("--until", typed, NOW)
    said = f"{told.value} {told.value.advice}"
    assert f"--until {typed}" in said and "zone" in said and "+90m" in said


def test_an_end_that_has_passed_is_refused() -> None:
    """Yesterday's date, from yesterday's notes: visitors were told nothing."""
    with pytest.raises(UsageProblem, match="over: it is 2026-05-01T12:00:30Z"):
        times.read("--until", "2026-05-01T11:00Z", NOW)
    with pytest.raises(UsageProblem, match="not after 2026-05-01T14:30:00Z"):
        times.read("--until", "2026-05-01T13:00Z", NOW, END)
    assert times.read("--until", "+1h", NOW, END) == END + timedelta(hours=1)


def test_the_switch_holds_what_the_worker_reads() -> None:
    assert switch.value(None) == "on"
    assert switch.value(END) == "2026-05-01T14:30:00Z"
    assert json.loads(switch.value(END, " Über Nacht. ")) == {"until": "2026-05-01T14:30:00Z", "message": "Über Nacht."}
    assert json.loads(switch.value(None, "off")) == {"message": "off"}
    announced = json.loads(switch.value(END, "", NOW))
    assert announced == {"from": "2026-05-01T12:00:30Z", "until": "2026-05-01T14:30:00Z"}
    with pytest.raises(UsageProblem, match="501"):
        switch.value(None, "x" * 501)


@pytest.mark.parametrize(
    ("value", "closed"),
    [
        (None, False), ("", False), (" OFF ", False), ("on", True), ("2020-01-01T00:00Z", True), ("{", True),
        ('{"message": "x"}', True), ('{"from": "2026-05-01T13:00:00Z"}', False),
        ('{"from": "2026-05-01T11:00Z"}', True),
        ('{"from": "soon"}', True), ('{"from": "2026-05-01T13:00"}', True),
    ],
)  # fmt: skip
def test_the_switch_is_read_as_the_worker_reads_it(value: str | None, closed: bool) -> None:
    assert switch.closes(value, NOW) is closed


class World:
    """Cloudflare's API and the edge: the edge tells a write after it was asked `late` times more."""

    def __init__(self, late: int = 1) -> None:
        self.late = late
        self.written: str | None = None
        self.seen: str | None = None
        self.requests: list[httpx.Request] = []
        self.asked = 0

    def api(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if request.method == "PUT":
            self.written, self.asked = request.content.decode(), 0
            return httpx.Response(200, json={"success": True, "errors": [], "result": None})
        if self.written is None:
            error = {"code": 10009, "message": "get: 'key not found'"}
            return httpx.Response(404, json={"success": False, "errors": [error], "result": None})
        return httpx.Response(200, text=self.written)

    def edge(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/health":
            self.asked += 1
            if self.asked > self.late:
                self.seen = self.written
        value = self.seen or "off"
        told = json.loads(value) if value.startswith("{") else {"until": value if value[0] == "2" else None}
        active = value != "off" and "from" not in told
        if request.url.path == "/health":
            return httpx.Response(200, json={"maintenance": {"active": active, "until": told.get("until")}})
        return httpx.Response(200, json={"announced": told if "from" in told else None})


@pytest.fixture
def pulumi(monkeypatch: pytest.MonkeyPatch) -> FakePulumi:
    fake = FakePulumi(outputs=dict(OUTPUTS))
    monkeypatch.setattr(command, "Engine", lambda stack, _file=None: fake.engine(stack))
    return fake


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, pulumi: FakePulumi) -> Iterator[World]:
    found = World()

    def api(_engine: Engine, permission: str) -> Api:
        client = httpx.Client(transport=httpx.MockTransport(found.api), base_url="http://cloud/client/v4")
        return Api(client, "a" * 32, permission)

    monkeypatch.setattr(Api, "of", api)
    edge_client = lambda **_rest: httpx.Client(transport=httpx.MockTransport(found.edge))  # noqa: E731
    monkeypatch.setattr(http, "client", edge_client)
    monkeypatch.setattr(edge.time, "sleep", lambda _seconds: None)  # type: ignore[attr-defined]
    yield found


def call(*words: str) -> Any:
    return CliRunner().invoke(cli.build(), ["maintenance", *words])


def test_on_writes_the_key_and_waits_for_the_edge(world: World) -> None:
    """The first answer after the write was KV's cache: a migration began in a store that was open."""
    world.late = 3
    done = call("on", "--until", "2090-05-01T14:30Z", "--message", "A new database.", "--json")
    assert done.exit_code == 0, done.output
    assert world.written == '{"until": "2090-05-01T14:30:00Z", "message": "A new database."}'
    put = next(request for request in world.requests if request.method == "PUT")
    wanted = f"/client/v4/accounts/{'a' * 32}/storage/kv/namespaces/{NAMESPACE}/values/maintenance"
    assert put.url.path == wanted
    assert world.asked == 4
    told = json.loads(done.stdout)
    assert told["active"] is True and told["until"] == "2090-05-01T14:30:00Z"


def test_off_opens_and_takes_an_announcement_back(world: World) -> None:
    assert call("announce", "--from", "+1d", "--until", "+90m").exit_code == 0
    announced = json.loads(world.written or "")
    assert datetime.fromisoformat(announced["until"]) - datetime.fromisoformat(announced["from"]) == timedelta(
        minutes=90
    )
    assert call("off").exit_code == 0
    assert world.written == "off"


def test_an_edge_that_never_says_so_is_told(world: World) -> None:
    """Somebody who is sure must be told that it is not sure."""
    world.late = 10**9
    done = call("on", "--wait", "0.01")
    assert isinstance(done.exception, OperatorError) and done.exception.code == 1
    assert "open" in str(done.exception) and "status" in done.exception.advice
    assert call("on", "--wait", "0").exit_code == 0


def test_a_store_that_is_closed_is_not_opened_by_an_announcement(world: World) -> None:
    """Tomorrow's work was announced in the middle of tonight's: the store opened on half a migration."""
    world.written = "on"
    done = call("announce", "--from", "+1d", "--until", "+90m")
    assert isinstance(done.exception, OperatorError) and "would open it" in str(done.exception)
    assert world.written == "on"


def test_a_store_that_a_deployment_closes_is_not_said_to_be_open(world: World, pulumi: FakePulumi) -> None:
    pulumi.config["opticworks-store:maintenance"] = {"value": "on", "secret": False}
    done = call("off")
    assert isinstance(done.exception, OperatorError) and "config rm maintenance" in done.exception.advice
    assert world.written == "off"


def test_status_tells_the_key_the_setting_and_the_edge(world: World) -> None:
    done = call("status", "--json")
    assert done.exit_code == 0 and json.loads(done.stdout) == {
        "switch": None, "setting": None, "active": False, "until": None, "announced": None, "problem": None,
    }  # fmt: skip


def test_a_stack_of_before_says_what_is_missing(pulumi: FakePulumi) -> None:
    del pulumi.outputs["storefrontStateNamespace"]
    done = call("on", "-s", "staging")
    assert isinstance(done.exception, OperatorError) and done.exception.advice == "pulumi up -s staging"


def test_an_edge_that_does_not_answer_is_a_problem_and_no_state() -> None:
    def refused(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with httpx.Client(transport=httpx.MockTransport(refused)) as client:
        assert "refused" in edge.look(client, "https://a", "https://b").words()
    with httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(522, text="<html>"))) as client:
        assert "522" in edge.look(client, "https://a", "https://b").problem


def test_the_link_of_a_pass_is_printed_and_its_secret_is_not(pulumi: FakePulumi) -> None:
    """The form is the Worker's; what it takes is tried in its own tests with the same recipe."""
    pulumi.config["opticworks-store:passSecret"] = {"value": "s" * 64, "secret": True}
    done = call("pass", "--for", "ada@optic.works", "--hours", "2", "--json")
    told = json.loads(done.stdout)
    form = r"https://store\.localhost:8443/maintenance/pass\?token=v1\.\d{10}\.ada@optic\.works\.[A-Za-z0-9_-]{43}"
    assert re.fullmatch(form, told["url"])
    left = datetime.fromisoformat(told["expires"]) - datetime.now(UTC)
    assert timedelta(minutes=119) < left <= timedelta(hours=2)
    assert "s" * 64 not in done.output


def test_a_pass_is_signed_as_the_worker_checks_it() -> None:
    assert passes.token("secret", "ops", 1777640400) == "v1.1777640400.ops.8ROofEWlo9_uLcDAFDQ987rmCoTvv0d5UmttByFhGEk"


@pytest.mark.parametrize("words", [("--hours", "25"), ("--hours", "0"), ("--for", "Ada Lovelace"), ("--for", "x" * 65)])
def test_a_pass_that_the_worker_would_refuse_is_not_made(pulumi: FakePulumi, words: tuple[str, str]) -> None:
    pulumi.config["opticworks-store:passSecret"] = {"value": "s" * 64, "secret": True}
    done = call("pass", *words)
    assert isinstance(done.exception, UsageProblem) and " ".join(words) in str(done.exception)


def test_the_longest_pass_is_good_with_a_clock_that_is_ahead() -> None:
    """A day and a second is refused."""
    assert passes.expiry(24, 1000.0) < 1000 + 24 * 3600 - 30
