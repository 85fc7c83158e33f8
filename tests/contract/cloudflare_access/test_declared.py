"""Access as declared by the API, before an edge of its own process, over restarts."""

from __future__ import annotations

import re
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from localcloud.cloudflare.dataplane.local import LocalDataPlane
from localcloud.cloudflare.edge.access.codes import last_code, sent
from tests.contract.cloudflare.serving import ZONE, Served, serve
from tests.contract.cloudflare_access.conftest import HTML, TEAM
from tests.contract.cloudflare_edge.conftest import cache, free_port

HOST = f"shop.{ZONE}"
ADA = "ada@example.com"
WORKER = b"export default { fetch(r) { return Response.json(Object.fromEntries(r.headers)) } }"


class Loopback(httpx.HTTPTransport):
    """Connects to loopback whatever a host name resolves to."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url.copy_with(host="127.0.0.1")
        extensions = {**request.extensions, "sni_hostname": request.url.host}
        return super().handle_request(
            httpx.Request(request.method, url, headers=request.headers, stream=request.stream, extensions=extensions)
        )


@contextmanager
def running(home: Path, ports: tuple[int, int]) -> Iterator[Served]:
    dataplane: Any = LocalDataPlane(home, cache(), ports)
    dataplane.start()
    try:
        with serve(home, dataplane) as api:
            yield api
    finally:
        dataplane.stop()


@pytest.fixture
def ports() -> tuple[int, int]:
    return free_port(), free_port()


def browser(home: Path) -> httpx.Client:
    context = ssl.create_default_context(cafile=str(home / "ca" / "ca.pem"))
    return httpx.Client(transport=Loopback(verify=context), headers=HTML, timeout=30)


def declare(api: Served) -> dict[str, Any]:
    """A Worker at HOST with an application before it, for a group and for a program."""
    api.script(content=WORKER)
    api.result("PUT", "A/workers/domains", {"hostname": HOST, "service": "shop", "zone_id": api.zone})
    group = api.result("POST", "A/access/groups", {"name": "admins", "include": [{"email": {"email": ADA}}]})
    token: dict[str, Any] = api.result("POST", "A/access/service_tokens", {"name": "robot"})
    people = {"name": "people", "decision": "allow", "include": [{"group": {"id": group["id"]}}]}
    robots = {"name": "robots", "decision": "non_identity", "include": [{"service_token": {"token_id": token["id"]}}]}
    policies = [api.result("POST", "A/access/policies", one)["id"] for one in (people, robots)]
    api.result("POST", "A/access/apps", {"name": "admin", "type": "self_hosted", "domain": HOST, "policies": policies})
    settle(api)
    return token


def command(home: Path, email: str) -> tuple[int, str]:
    """Exit status and output of the embedded cloud's command."""
    words = [sys.executable, "-m", "localcloud", "access-code", email, "--home", str(home)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stdout.strip()


def settle(api: Served) -> None:
    assert api.cloud.publisher.settle(30) and api.cloud.publisher.problems == {}


def test_what_is_declared_is_guarded_and_a_login_outlives_a_restart(tmp_path: Path, ports: tuple[int, int]) -> None:
    """Everybody who is logged in would be thrown out by every restart, and origins would trust a key that is gone."""
    url = f"https://{HOST}:{ports[1]}/app"
    with browser_of(tmp_path, ports) as (api, client):
        token = declare(api)
        login = client.get(url, follow_redirects=True)
        assert login.url.host == TEAM and "Send code" in login.text
        page = client.post(login.url, data={"email": ADA})
        told = api.http.get("/_localcloud/access/codes").json()["codes"]
        assert command(tmp_path, ADA) == (0, told[-1]["code"])
        assert command(tmp_path, "eve@example.com")[0] == 1
        assert told == sent(tmp_path, ADA) and told[-1]["code"] == last_code(tmp_path, "Ada@example.com")
        assert api.http.get("/_localcloud/access/codes?email=x@example.com").json() == {"codes": []}
        attempt = re.findall(r"name=attempt value='([^']+)'", page.text)[0]
        done = client.post(login.url, data={"attempt": attempt, "code": told[-1]["code"]}, follow_redirects=True)
        assert done.json()["cf-access-authenticated-user-email"] == ADA
        keys = client.get(f"https://{TEAM}:{ports[1]}/cdn-cgi/access/certs").json()
        cookies = client.cookies
        shown = {"CF-Access-Client-Id": token["client_id"], "CF-Access-Client-Secret": token["client_secret"]}
        with browser(tmp_path) as program:
            assert program.get(url, headers=shown).status_code == 200
            api.result("POST", f"A/access/service_tokens/{token['id']}/rotate")
            settle(api)
            program.cookies.clear()
            assert program.get(url, headers=shown).status_code == 403
    for name in ("key.pem", "sessions.json", "outbox.jsonl"):
        assert (tmp_path / "access" / name).stat().st_mode & 0o077 == 0
    with browser_of(tmp_path, ports) as (api, client):
        client.cookies = cookies
        settle(api)
        assert client.get(url).status_code == 200
        assert client.get(f"https://{HOST}:{ports[1]}/cdn-cgi/access/certs").json() == keys
        client.cookies.delete("CF_Authorization", domain=HOST)
        assert client.get(url, follow_redirects=True).status_code == 200


@contextmanager
def browser_of(home: Path, ports: tuple[int, int]) -> Iterator[tuple[Served, httpx.Client]]:
    with running(home, ports) as api, browser(home) as client:
        yield api, client


def sign_in(client: httpx.Client, home: Path, url: str) -> httpx.Response:
    login = client.get(url, follow_redirects=True)
    page = client.post(login.url, data={"email": ADA})
    attempt = re.findall(r"name=attempt value='([^']+)'", page.text)[0]
    return client.post(login.url, data={"attempt": attempt, "code": last_code(home, ADA) or ""}, follow_redirects=True)


def test_what_is_revoked_is_over_at_once(tmp_path: Path, ports: tuple[int, int]) -> None:
    """Whoever was dismissed stays in for as long as the token says."""
    url = f"https://{HOST}:{ports[1]}/"
    with browser_of(tmp_path, ports) as (api, client), browser(tmp_path) as program:
        token = declare(api)
        shown = {"CF-Access-Client-Id": token["client_id"], "CF-Access-Client-Secret": token["client_secret"]}
        zero_trust = api.sdk.zero_trust
        app = next(iter(zero_trust.access.applications.list(account_id=api.account)))
        assert app.id is not None
        assert sign_in(client, tmp_path, url).status_code == 200
        assert program.get(url, headers=shown).status_code == 200
        zero_trust.access.applications.revoke_tokens(app.id, account_id=api.account)
        settle(api)
        assert client.get(url).status_code == 302 and program.get(url).status_code == 302
        assert client.get(url, follow_redirects=True).status_code == 200  # the login still holds
        assert program.get(url, headers=shown).status_code == 200
        sent = {"name": "new", "type": "self_hosted", "domain": HOST}
        api.result("PUT", f"A/access/apps/{app.id}", sent)
        settle(api)
        assert client.get(url).status_code == 200
        assert zero_trust.organizations.revoke_users(account_id=api.account, email=ADA) is True
        settle(api)
        assert client.get(url).status_code == 302
        assert "Send code" in client.get(url, follow_redirects=True).text
        assert sign_in(client, tmp_path, url).status_code == 200


def test_a_team_that_is_elsewhere_is_served_here(tmp_path: Path, ports: tuple[int, int]) -> None:
    """A login on this machine would send its address to a real team's pages."""
    with browser_of(tmp_path, ports) as (api, client):
        declare(api)
        api.result("PUT", "A/access/organizations", {"name": "x", "auth_domain": "x.cloudflareaccess.com"})
        settle(api)
        assert httpx.URL(client.get(f"https://{HOST}:{ports[1]}/").headers["location"]).host == TEAM
