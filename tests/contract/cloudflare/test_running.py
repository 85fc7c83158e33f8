"""Faults, the journal, restarts, and many who change at once."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from localcloud.cloudflare.dataplane.memory import MemoryDataPlane
from localcloud.common.identity import account_id
from localcloud.daemon.sockets import listen
from tests.contract.cloudflare.serving import ZONE, Served, serve

RECORD = {"type": "A", "name": "a", "content": "1.1.1.1", "ttl": 1}


def test_a_restart_keeps_everything(tmp_path: Path) -> None:
    dataplane = MemoryDataPlane()
    with serve(tmp_path, dataplane) as api:
        record = api.result("POST", "Z/dns_records", RECORD)
        api.script()
        api.result("POST", "A/r2/buckets", {"name": "backups"})
        before = {path: api.result("GET", path) for path in ("A/workers/scripts", "A/r2/buckets", "Z/settings")}
        zone = api.zone
    with serve(tmp_path, dataplane) as api:
        assert api.zone == zone
        assert api.result("GET", f"Z/dns_records/{record['id']}") == record
        assert {path: api.result("GET", path) for path in before} == before
        snapshot = api.settled().traffic.snapshot
        assert snapshot is not None and len(snapshot.program.versions) == 1


def test_a_fault_is_answered_as_often_as_it_was_asked_for(api: Served) -> None:
    fault = {"method": "POST", "path": "dns_records$", "status": 429, "code": 10429, "times": 2}
    api.http.post("/_localcloud/faults", json=fault).raise_for_status()
    zone = api.zone
    assert api.error("POST", f"/zones/{zone}/dns_records", RECORD) == (429, 10429)
    assert api.error("POST", f"/zones/{zone}/dns_records", RECORD) == (429, 10429)
    assert api.ask("POST", f"/zones/{zone}/dns_records", RECORD).is_success
    assert api.http.post("/_localcloud/faults", json={"path": "(", "status": 500}).status_code == 400
    assert api.http.delete("/_localcloud/faults").json() == {"faults": []}


def test_the_journal_says_what_was_asked_without_secrets(api: Served) -> None:
    api.script(bindings=[{"type": "secret_text", "name": "K", "text": "verysecret"}])
    api.result("PUT", "A/workers/scripts/shop/secrets", {"name": "K", "text": "verysecret", "type": "secret_text"})
    text = api.http.get("/_localcloud/requests").text
    assert "verysecret" not in text and '"method":"PUT"' in text


def test_a_web_page_reads_no_journal(api: Served) -> None:
    assert api.http.get("/_localcloud/requests", headers={"Origin": "https://x.test"}).status_code == 403


def test_what_the_data_plane_refuses_is_told_and_tried_again(api: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object) -> None:
        raise OSError("no such port")

    api.settled()
    monkeypatch.setattr(api.dataplane.traffic, "apply", broken)
    api.result("POST", "Z/dns_records", RECORD)
    answer = api.http.get("/_localcloud/settled").json()
    assert "no such port" in answer["problems"]["traffic"]
    monkeypatch.undo()
    api.result("POST", "Z/dns_records", {**RECORD, "name": "b"})
    assert api.http.get("/_localcloud/settled").json()["problems"] == {}


def test_many_who_change_at_once_lose_nothing(api: Served) -> None:
    zone = api.zone

    def make(number: int) -> int:
        return api.ask("POST", f"/zones/{zone}/dns_records", {**RECORD, "name": f"n{number}"}).status_code

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(make, range(60))) == {200}
    assert len(api.result("GET", "Z/dns_records")) == 60
    snapshot = api.settled().traffic.snapshot
    assert snapshot is not None and len(snapshot.records) == 60


def test_the_daemon_serves_it_and_tells_a_shell_of_it(tmp_path: Path) -> None:
    ports = []
    for _ in range(3):
        with listen(0) as probe:
            ports.append(str(probe.getsockname()[1]))
    home = str(tmp_path / "home")
    start = ["start", "--machines", "memory", "--port", ports[0], "--cloudflare-port", ports[1]]
    run([*start, "--s3-port", ports[2], "--zone", ZONE, "--home", home])
    try:
        told = dict(
            line.removeprefix("export ").split("=", 1) for line in run(["env", "--home", home]).splitlines() if line
        )
        assert told["CLOUDFLARE_ACCOUNT_ID"] == account_id(told["CLOUDFLARE_API_TOKEN"])
        assert len(told["CLOUDFLARE_API_TOKEN"]) == 40
        assert told["CLOUDFLARE_BASE_URL"] == told["CLOUDFLARE_API_BASE_URL"]
        headers = {"Authorization": f"Bearer {told['CLOUDFLARE_API_TOKEN']}"}
        with httpx.Client(base_url=told["CLOUDFLARE_BASE_URL"], headers=headers, trust_env=False) as http:
            zones = http.get("/zones").json()["result"]
            assert [zone["name"] for zone in zones] == [ZONE]
            base = f"/accounts/{told['CLOUDFLARE_ACCOUNT_ID']}/r2/buckets"
            assert http.post(base, json={"name": "backups"}).is_success
            assert http.put(f"{base}/backups/objects/a", content=b"x").is_success
    finally:
        run(["stop", "--home", home])
    assert (tmp_path / "home" / "cloudflare.sqlite").stat().st_mode & 0o077 == 0


def run(arguments: list[str]) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "localcloud", *arguments], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
