"""The request budget, faults that tests ask for, and the journal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from localcloud.common.journal import Journal, redacted
from localcloud.hetzner.limits import RateLimit
from tests.contract.hetzner.serving import PUBLIC_KEY, Served, serve


def test_the_budget_refills_by_the_second() -> None:
    """Polling every second must go on for ever; polling faster must end in 429 after the burst."""
    now = [1000.0]
    limit = RateLimit(3600, clock=lambda: now[0])
    assert all(limit.take() for _ in range(3600)) and not limit.take()
    assert limit.headers() == {
        "RateLimit-Limit": "3600", "RateLimit-Remaining": "0", "RateLimit-Reset": str(1000 + 3600),
    }  # fmt: skip
    now[0] += 1
    assert limit.take() and not limit.take()
    now[0] += 7200
    assert limit.headers()["RateLimit-Remaining"] == "3600"


def test_too_many_requests() -> None:
    """Clients back off on this code and on no other."""
    with serve(per_hour=5) as api:
        remaining = [api.http.get("/v1/locations").headers["ratelimit-remaining"] for _ in range(5)]
        assert remaining == ["4", "3", "2", "1", "0"]
        status, code, error = api.error("GET", "/locations")
        assert (status, code, error["message"]) == (429, "rate_limit_exceeded", "limit of 5 requests per hour reached")
        assert api.http.get("/_localcloud/requests").status_code == 200, "the control plane has no budget"


def test_faults_happen_as_often_as_asked(api: Served) -> None:
    """Retries can only be tested by failing exactly so often."""
    fault = {"method": "POST", "path": "^/networks$", "status": 503, "code": "unavailable", "message": "m", "times": 2}
    assert api.http.post("/_localcloud/faults", json=fault).status_code == 200
    body = {"name": "n", "ip_range": "10.0.0.0/16"}
    api.get("/networks")
    for _ in range(2):
        status, code, error = api.error("POST", "/networks", body)
        assert (status, code, error["message"]) == (503, "unavailable", "m")
    api.post("/networks", body)
    shown = api.http.get("/_localcloud/faults").json()["faults"]
    assert [(one["left"], one["hits"]) for one in shown] == [(0, 2)]


def test_faults_without_end_are_cleared_and_slow_ones_only_wait(api: Served) -> None:
    """A test that fails must not leave the cloud broken for the next one."""
    api.http.post("/_localcloud/faults", json={"status": 500})
    assert api.error("GET", "/servers")[:2] == (500, "server_error")
    api.http.delete("/_localcloud/faults")
    api.http.post("/_localcloud/faults", json={"delay_seconds": 0.2})
    before = api.http.get("/v1/servers")
    assert before.status_code == 200 and before.elapsed.total_seconds() >= 0.2
    bad = api.http.post("/_localcloud/faults", json={"path": "("})
    assert bad.status_code == 422 and "regular expression" in bad.text


def test_a_server_can_be_killed(api: Served) -> None:
    """A host that dies tells nobody: the API finds out."""
    server = api.server()
    assert api.http.post(f"/_localcloud/servers/{server}/kill").status_code == 200
    assert api.get(f"/servers/{server}")["server"]["status"] == "running"
    api.watch.look()
    api.watch.look()
    assert api.get(f"/servers/{server}")["server"]["status"] == "off"
    assert api.http.post("/_localcloud/servers/1/kill").status_code == 404


def test_the_journal_says_what_was_asked_without_secrets(api: Served) -> None:
    """What a deployment asked for must be provable, and the log must be fit to be shown."""
    api.post("/ssh_keys", {"name": "me", "public_key": PUBLIC_KEY})
    api.server(user_data="password: hunter2")
    api.error("GET", "/servers/1")
    entries = api.http.get("/_localcloud/requests").json()["requests"]
    asked = [(one["method"], one["path"], one["status"]) for one in entries]
    assert ("POST", "/ssh_keys", 201) in asked and ("GET", "/servers/1", 404) in asked
    assert entries[-1]["code"] == "not_found"
    made = next(one for one in entries if one["path"] == "/servers" and one["method"] == "POST")
    assert made["body"]["name"] == "web-1" and "hunter2" not in json.dumps(entries)
    later = api.http.get(f"/_localcloud/requests?since={entries[-1]['number']}").json()["requests"]
    assert later == []


def test_the_journal_file_stays_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cloud left running for weeks must not fill the disk."""
    monkeypatch.setattr("localcloud.common.journal.MAX_BYTES", 1000)
    path = tmp_path / "requests.jsonl"
    written = Journal(path)
    for number in range(50):
        written.add({"path": f"/{number}", "body": None})
    written.close()
    assert path.stat().st_size < 2000 and path.with_suffix(".jsonl.1").exists()
    assert json.loads(path.read_text().splitlines()[-1])["path"] == "/49"
    assert redacted({"a": [{"private_key": "x"}]}) == {"a": [{"private_key": "[secret]"}]}
    # A rule's header is how an origin knows the edge.
    rule = {"headers": {"X-Origin-Secret": {"operation": "set", "value": "x"}, "X-Gone": {"operation": "remove"}}}
    assert redacted(rule)["headers"] == {
        "X-Origin-Secret": {"operation": "set", "value": "[secret]"}, "X-Gone": {"operation": "remove"},
    }  # fmt: skip


def test_a_body_that_is_no_sane_json_is_refused(api: Served) -> None:
    """It would fill the memory that the journal keeps bodies in, or end in a server error."""
    for content in ("[" * 200_000, '{"a":' * 200_000, '{"name": "' + "n" * 2_000_000 + '"}'):
        answer = api.http.post("/v1/networks", content=content)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "json_error"), content[:10]
    api.get("/networks")


@pytest.mark.parametrize("headers", [{"Origin": "https://example.com"}, {"Host": "example.com"}])
def test_a_web_page_has_no_say(api: Served, headers: dict[str, str]) -> None:
    """The control plane asks for no token: a site open in a browser on this machine must not pull a server's plug."""
    for method, path in (("POST", "servers/1/kill"), ("POST", "faults"), ("GET", "requests"), ("GET", "about")):
        assert api.http.request(method, f"/_localcloud/{path}", headers=headers).status_code == 403
