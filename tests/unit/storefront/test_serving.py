"""Deployments that somebody made past Pulumi: what is told of them, and what the stack's own say of themselves."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator

import pulumi
import pytest

from components.storefront import serving

OWN = {"id": "1", "annotations": {"workers/message": serving.message()}, "versions": []}
OTHER = {
    "id": "2",
    "created_on": "2026-01-01T00:00:00Z",
    "source": "wrangler",
    "author_email": "ada@optic.works",
    "annotations": {"workers/triggered_by": "deployment"},
    "versions": [{"version_id": "a", "percentage": 90}, {"version_id": "b", "percentage": 10}],
}


class Api(http.server.ThreadingHTTPServer):
    status = 200
    deployments: list[dict[str, object]]
    asked: list[tuple[str, str | None]]


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Api)
        self.server.asked.append((self.path, self.headers.get("Authorization")))
        body = json.dumps({"success": True, "result": {"deployments": self.server.deployments}}).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """An API on loopback that the environment names, past a proxy that leads nowhere."""
    server = Api(("127.0.0.1", 0), Handler)
    server.deployments, server.asked = [], []
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    monkeypatch.setenv("CLOUDFLARE_BASE_URL", f"http://127.0.0.1:{server.server_port}/client/v4/")
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", "t" * 40)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def warned(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    said: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", said.append)
    return said


def test_the_stacks_own_deployment_is_nothing_to_tell(api: Api, warned: list[str]) -> None:
    """A warning at every preview is one that nobody reads."""
    api.deployments = [OWN, OTHER]
    assert serving.foreign("account", "local-storefront") is None and warned == []
    path = "/client/v4/accounts/account/workers/scripts/local-storefront/deployments"
    assert api.asked == [(path, f"Bearer {'t' * 40}")]


def test_somebody_elses_is_told_and_named(api: Api, warned: list[str]) -> None:
    """The provider reads a deployment by its id, so that other code is served while nothing differs."""
    api.deployments = [OTHER, OWN]
    assert serving.foreign("account", "local-storefront") == "2"
    assert "a to 90 %, b to 10 %, by ada@optic.works with wrangler at 2026-01-01T00:00:00Z" in warned[0]


def test_each_that_is_replaced_makes_another_message() -> None:
    """With the same one, the deployment would be found unchanged, and not be made again."""
    messages = {serving.message(), serving.message("2"), serving.message("3")}
    assert len(messages) == 3 and all(message.startswith(serving.MARK) for message in messages)
    assert len(serving.message("0" * 36).encode()) <= 100


@pytest.mark.parametrize(("status", "deployments"), [(404, [OTHER]), (200, [])])
def test_a_worker_that_is_not_there_yet(api: Api, warned: list[str], status: int, deployments: list[object]) -> None:
    """The first `pulumi up` of a stack must not stumble over what it is about to make."""
    api.status, api.deployments = status, deployments  # type: ignore[assignment]
    assert serving.foreign("account", "local-storefront") is None and warned == []


def test_an_api_that_does_not_answer_is_said_and_stops_nothing(api: Api, warned: list[str]) -> None:
    """A rollback must go out also on the day on which a list cannot be read."""
    api.status, api.deployments = 503, [OTHER]
    assert serving.foreign("account", "local-storefront") is None
    assert "could not be looked at" in warned[0] and "503" in warned[0]


def test_nobody_is_asked_without_a_token(api: Api, monkeypatch: pytest.MonkeyPatch, warned: list[str]) -> None:
    """Tests of the program and previews without an account stay on this machine."""
    monkeypatch.delenv("CLOUDFLARE_API_TOKEN")
    assert serving.foreign("account", "local-storefront") is None and api.asked == [] and warned == []
