"""The tokens that prove to an origin who passed, and service tokens of programs."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from localcloud.cloudflare.edge.access.keys import Keys
from tests.contract.cloudflare_access.conftest import (
    ADMIN,
    CLIENT_ID,
    SECRET,
    TEAM,
    Protected,
    application,
    policy,
)
from tests.contract.cloudflare_edge.workers import snapshot, version

APP = application("store.localhost")
PROGRAMS = policy("programs", "non_identity", include=[{"service_token": {"token_id": "token"}}])
TOOL = application("store.localhost", policy(), PROGRAMS)
SHOWN = {"CF-Access-Client-Id": CLIENT_ID, "CF-Access-Client-Secret": SECRET}


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def verified(token: str, certs: dict[str, Any], *, issuer: str, audience: str) -> dict[str, Any]:
    """The claims of a token, for an origin that knows the key set alone."""
    header, claims, signature = token.split(".")
    about = json.loads(decoded(header))
    assert (about["alg"], about["typ"]) == ("RS256", "JWT")
    key = next(one for one in certs["keys"] if one["kid"] == about["kid"])
    assert (key["kty"], key["use"], key["alg"]) == ("RSA", "sig", "RS256")
    numbers = rsa.RSAPublicNumbers(*(int.from_bytes(decoded(key[name]), "big") for name in ("e", "n")))
    signed = f"{header}.{claims}".encode()
    numbers.public_key().verify(decoded(signature), signed, padding.PKCS1v15(), hashes.SHA256())
    found = json.loads(decoded(claims))
    assert found["iss"] == issuer and audience in found["aud"]
    assert found["iat"] <= time.time() + 1 and found["exp"] > time.time()
    return dict(found)


async def test_an_origin_verifies_a_person_by_the_public_keys_alone(protected: Protected) -> None:
    """An origin that cannot verify who passed believes whoever reaches it past the edge."""
    await protected.declare(APP)
    async with protected.browser() as browser:
        page = await protected.sign_in(browser, protected.url("store.localhost", "/x"))
        token = page.json()["headers"]["cf-access-jwt-assertion"]
        for host in (TEAM, "store.localhost"):
            certs = (await browser.get(protected.url(host, "/cdn-cgi/access/certs"))).json()
            claims = verified(token, certs, issuer=f"https://{TEAM}:{protected.port}", audience=APP["aud"])
    assert claims["email"] == ADMIN and claims["type"] == "app" and claims["policy_id"] == "admins"
    assert claims["exp"] - claims["iat"] == 24 * 3600 and claims["nbf"] <= claims["iat"] + 1
    assert claims["sub"] and claims["identity_nonce"] and claims["country"] == "XX"
    public = x509.load_pem_x509_certificate(certs["public_certs"][0]["cert"].encode()).public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    assert certs["public_cert"] == certs["public_certs"][0]
    assert public.public_numbers().n == int.from_bytes(decoded(certs["keys"][0]["n"]), "big")


VERIFIER = """
const decoded = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
export default {
  async fetch(request, env) {
    const [header, claims, signature] = request.headers.get("cf-access-jwt-assertion").split(".");
    const { keys } = await (await fetch(`${env.TEAM}/cdn-cgi/access/certs`)).json();
    const { kid } = JSON.parse(new TextDecoder().decode(decoded(header)));
    const rsa = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
    const key = await crypto.subtle.importKey("jwk", keys.find((one) => one.kid === kid), rsa, false, ["verify"]);
    const signed = new TextEncoder().encode(`${header}.${claims}`);
    const good = await crypto.subtle.verify(rsa, key, decoded(signature), signed);
    const { iss, email } = JSON.parse(new TextDecoder().decode(decoded(claims)));
    return Response.json({ good: good && iss === env.TEAM, email });
  },
};
"""


async def test_a_worker_verifies_it_as_cloudflare_tells_it_to(protected: Protected) -> None:
    """A Worker that gets no keys on this machine is one whose check is first tried in production."""
    await protected.declare(APP)
    team = {"type": "plain_text", "name": "TEAM", "text": f"https://{TEAM}:{protected.port}"}
    workers = snapshot(version("v1", VERIFIER, bindings=(team,)))
    await protected.edge.service.apply(replace(workers, access=protected.access))
    async with protected.browser() as browser:
        page = await protected.sign_in(browser, protected.url("store.localhost"))
        assert page.json() == {"good": True, "email": ADMIN}


async def test_a_program_passes_by_its_service_token(protected: Protected) -> None:
    """A nightly job cannot read mail."""
    await protected.declare(TOOL)
    async with protected.browser(accept="*/*") as program:
        answer = await program.get(protected.url("store.localhost"), headers=SHOWN)
        assert answer.status_code == 200
        seen = answer.json()["headers"]
        assert "cf-access-client-secret" not in seen and "cf-access-authenticated-user-email" not in seen
        certs = (await program.get(protected.url(TEAM, "/cdn-cgi/access/certs"))).json()
        claims = verified(
            seen["cf-access-jwt-assertion"], certs, issuer=f"https://{TEAM}:{protected.port}", audience=APP["aud"]
        )
        assert claims["common_name"] == CLIENT_ID and claims["sub"] == "" and "email" not in claims
        assert program.cookies.get("CF_Authorization") == seen["cf-access-jwt-assertion"]
        again = await program.get(protected.url("store.localhost"))
        assert again.status_code == 200
        who = (await program.get(protected.url("store.localhost", "/cdn-cgi/access/get-identity"))).json()
        assert who["service_token_status"] is True and who["common_name"] == CLIENT_ID
        await protected.declare(TOOL, tokens={})
        assert (await program.get(protected.url("store.localhost"))).status_code == 302


@pytest.mark.parametrize("secret", ["", "x" * 64])
async def test_a_wrong_secret_is_refused_and_not_led_to_a_login(protected: Protected, secret: str) -> None:
    """A job that is answered by a login page with 200 in the end reports a good backup."""
    await protected.declare(TOOL)
    async with protected.browser(accept="*/*") as program:
        wrong = {**SHOWN, "CF-Access-Client-Secret": secret}
        assert (await program.get(protected.url("store.localhost"), headers=wrong)).status_code == 403
        await protected.declare({**TOOL, "service_auth_401_redirect": True})
        assert (await program.get(protected.url("store.localhost"), headers=wrong)).status_code == 401
        assert (await program.get(protected.url("store.localhost"))).status_code == 401
    async with protected.browser() as browser:
        assert (await browser.get(protected.url("store.localhost"))).status_code == 302


async def test_an_expired_service_token_is_refused(protected: Protected) -> None:
    """A token that was given for a week opens the metrics for ever."""
    await protected.declare(TOOL, token_ends={CLIENT_ID: "2024-01-01T00:00:00Z"})
    async with protected.browser(accept="*/*") as program:
        assert (await program.get(protected.url("store.localhost"), headers=SHOWN)).status_code == 403
        await protected.declare(TOOL, token_ends={CLIENT_ID: "2124-01-01T00:00:00Z"})
        assert (await program.get(protected.url("store.localhost"), headers=SHOWN)).status_code == 200


async def test_a_service_token_opens_only_what_a_service_policy_says(protected: Protected) -> None:
    """The metrics' token would be an admin."""
    allow = policy("allow", include=[{"any_valid_service_token": {}}])
    await protected.declare(application("store.localhost", allow))
    async with protected.browser(accept="*/*") as program:
        assert (await program.get(protected.url("store.localhost"), headers=SHOWN)).status_code == 302


async def test_one_field_may_hold_both_halves(protected: Protected) -> None:
    """Programs that may set only one header field would have no way in."""
    await protected.declare({**TOOL, "read_service_tokens_from_header": "Authorization"})
    both = json.dumps({"cf-access-client-id": CLIENT_ID, "cf-access-client-secret": SECRET})
    async with protected.browser(accept="*/*") as program:
        url = protected.url("store.localhost")
        assert (await program.get(url, headers={"Authorization": both})).status_code == 200
        program.cookies.clear()
        assert (await program.get(url, headers={"Authorization": "Bearer x"})).status_code == 302


async def test_what_a_client_says_of_itself_is_not_believed(protected: Protected, tmp_path: Path) -> None:
    """Whoever writes an admin's address into a header field would be the admin."""
    elsewhere = Keys(tmp_path / "elsewhere")
    now = int(time.time())
    claims = {"aud": [APP["aud"]], "email": ADMIN, "type": "app", "iat": now, "exp": now + 600, "identity_nonce": "x"}
    forged = elsewhere.sign(claims)
    header = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    unsigned = f"{header}.{forged.split('.')[1]}."
    lies = {"Cf-Access-Jwt-Assertion": forged, "Cf-Access-Authenticated-User-Email": ADMIN}
    await protected.declare(APP)
    async with protected.browser() as browser:
        for token in (forged, unsigned, "x", "a.b.c", ""):
            sent = {**lies, "Cookie": f"CF_Authorization={token}", "Cf-Access-Token": token}
            assert (await browser.get(protected.url("store.localhost"), headers=sent)).status_code == 302
        await protected.declare(application("store.localhost/app"))
        seen = (await browser.get(protected.url("store.localhost"), headers=lies)).json()["headers"]
    assert "cf-access-jwt-assertion" not in seen and "cf-access-authenticated-user-email" not in seen


async def test_a_token_of_one_application_does_not_open_another(protected: Protected) -> None:
    """A viewer's cookie, copied from the metrics, opens the admin."""
    await protected.declare(
        APP, application("other.localhost", policy("eve", include=[{"email": {"email": "eve@x.test"}}]))
    )
    async with protected.browser() as browser:
        page = await protected.sign_in(browser, protected.url("store.localhost"))
        token = page.json()["headers"]["cf-access-jwt-assertion"]
        sent = {"Cookie": f"CF_Authorization={token}"}
        assert (await browser.get(protected.url("other.localhost"), headers=sent)).status_code == 302
        team = browser.cookies.get("CF_Authorization", domain=TEAM)
        browser.cookies.clear()
        sent = {"Cookie": f"CF_Authorization={team}"}
        assert (await browser.get(protected.url("store.localhost"), headers=sent)).status_code == 302
        who = await browser.get(protected.url(TEAM, "/cdn-cgi/access/get-identity"), headers=sent)
        assert who.json()["email"] == ADMIN and who.json()["idp"]["type"] == "onetimepin"
        browser.cookies.clear()
        none = await browser.get(protected.url(TEAM, "/cdn-cgi/access/get-identity"))
        assert (none.status_code, none.json()) == (400, {"err": "no app token set"})


def curl(protected: Protected, jar: Path, *arguments: str) -> httpx.Response:
    """What curl, unmodified, gets: the last response of a chain of redirects."""
    trust = {**os.environ, "CURL_CA_BUNDLE": str(protected.edge.service.certificate_path)}
    done = subprocess.run(
        ["curl", "-sS", "-L", "-b", jar, "-c", jar, "-w", "\\n%{http_code} %{url_effective}", *arguments],
        capture_output=True, text=True, check=True, env=trust, timeout=60,
    )  # fmt: skip
    body, _, last = done.stdout.rpartition("\n")
    status, url = last.split()
    return httpx.Response(int(status), text=body, request=httpx.Request("GET", url))


async def test_curl_logs_in_and_programs_pass_by_curl(protected: Protected, tmp_path: Path) -> None:
    """Cookies that only one client library takes are no cookies."""
    import asyncio

    await protected.declare(TOOL)
    url, jar = protected.url("store.localhost", "/orders"), tmp_path / "jar"

    def drive() -> None:
        fields = [f"CF-Access-Client-Id: {CLIENT_ID}", f"CF-Access-Client-Secret: {SECRET}"]
        shown = curl(protected, tmp_path / "none", "-H", fields[0], "-H", fields[1], url)
        assert shown.status_code == 200
        login = curl(protected, jar, url)
        assert login.url.host == TEAM and "Send code" in login.text
        page = curl(protected, jar, "--data-urlencode", f"email={ADMIN}", str(login.url))
        attempt = page.text.partition("name=attempt value='")[2].partition("'")[0]
        data = ("--data-urlencode", f"attempt={attempt}", "--data-urlencode", f"code={protected.code()}")
        done = curl(protected, jar, *data, str(login.url))
        assert done.status_code == 200 and done.json()["headers"]["cf-access-authenticated-user-email"] == ADMIN
        assert str(done.url) == url

    await asyncio.to_thread(drive)
