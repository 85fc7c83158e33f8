"""A person before an application: the way to the login, through it, and out of it."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from localcloud.cloudflare.edge.access.codes import MAX_CODES, sent
from tests.contract.cloudflare_access.conftest import ADMIN, TEAM, Protected, application, hidden, policy

APP = application("store.localhost/app")


async def test_a_stranger_is_led_to_the_login_of_the_team(protected: Protected) -> None:
    """An admin that answers anybody is found by the first scanner."""
    await protected.declare(APP)
    async with protected.browser() as browser:
        answer = await browser.get(protected.url("store.localhost", "/app/orders?page=2"))
        assert (await browser.get(protected.url("store.localhost", "/"))).status_code == 200
    assert answer.status_code == 302
    assert "no-store" in answer.headers["cache-control"]
    location = urlsplit(answer.headers["location"])
    assert (location.scheme, location.netloc) == ("https", f"{TEAM}:{protected.port}")
    assert location.path == "/cdn-cgi/access/login/store.localhost"
    asked = parse_qs(location.query)
    assert asked["kid"] == [APP["aud"]] and asked["redirect_url"] == ["/app/orders?page=2"] and asked["meta"]
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("CF_AppSession=n") and "Secure" in cookie and "HttpOnly" in cookie


async def test_a_code_leads_back_to_the_page_that_was_asked_for(protected: Protected) -> None:
    """After a login that forgets where one was going, an alert's link is of no use."""
    await protected.declare(APP)
    async with protected.browser() as browser:
        page = await protected.sign_in(browser, protected.url("store.localhost", "/app/orders?page=2"))
        assert page.status_code == 200
        seen = page.json()
        assert seen["url"].endswith("/app/orders?page=2")
        assert seen["headers"]["cf-access-authenticated-user-email"] == ADMIN
        again = await browser.get(protected.url("store.localhost", "/app"))
        assert again.status_code == 200
        assert again.json()["headers"]["cf-access-jwt-assertion"] == browser.cookies.get(
            "CF_Authorization", domain="store.localhost"
        )


async def test_a_second_application_asks_for_no_second_code(protected: Protected) -> None:
    """Who types a code for every tool ends up taking the tools out from behind the login."""
    await protected.declare(APP, application("other.localhost"))
    async with protected.browser() as browser:
        await protected.sign_in(browser, protected.url("store.localhost", "/app"))
        page = await browser.get(protected.url("other.localhost"), follow_redirects=True)
        assert page.json()["headers"]["cf-access-authenticated-user-email"] == ADMIN
        names = {(cookie.domain, cookie.name) for cookie in browser.cookies.jar}
    assert (TEAM, "CF_Authorization") in names
    assert ("other.localhost", "CF_Authorization") in names


async def test_a_stranger_is_not_told_who_may_log_in(protected: Protected) -> None:
    """The list of admins is the list of whom to send a forged invoice."""
    await protected.declare(APP)
    pages = []
    async with protected.browser() as browser:
        for email in (ADMIN, "eve@example.com"):
            login = await browser.get(protected.url("store.localhost", "/app"), follow_redirects=True)
            page = await browser.post(login.url, data={"email": email})
            pages.append((page.status_code, page.text.replace(hidden(page), "").replace(email, "")))
    assert pages[0] == pages[1]
    assert protected.code() is not None
    assert protected.code("eve@example.com") is None


async def test_who_is_logged_in_and_not_allowed_is_refused(protected: Protected) -> None:
    """A viewer of the metrics is no admin of the store."""
    own = policy("mallory", include=[{"email": {"email": "mallory@example.com"}}])
    await protected.declare(APP, application("other.localhost", own))
    async with protected.browser() as browser:
        await protected.sign_in(browser, protected.url("other.localhost"), "mallory@example.com")
        page = await browser.get(protected.url("store.localhost", "/app"), follow_redirects=True)
        assert page.status_code == 403
        assert "mallory@example.com" in page.text
        assert page.url.host == TEAM
        direct = await browser.get(protected.url("store.localhost", "/app"))
        assert direct.status_code == 302


async def test_codes_are_good_once_and_not_for_guessing(protected: Protected) -> None:
    """A code of six digits is found in an hour by who may try for an hour."""
    await protected.declare(APP)
    async with protected.browser() as browser:
        login = await browser.get(protected.url("store.localhost", "/app"), follow_redirects=True)
        page = await browser.post(login.url, data={"email": ADMIN})
        attempt, code = hidden(page), protected.code()
        assert code is not None
        wrong = "000000" if code != "000000" else "111111"
        for _ in range(4):
            page = await browser.post(login.url, data={"attempt": attempt, "code": wrong})
            assert page.status_code == 400 and "not right" in page.text
        page = await browser.post(login.url, data={"attempt": attempt, "code": wrong})
        assert "no longer good" in page.text
        page = await browser.post(login.url, data={"attempt": attempt, "code": code})
        assert "no longer good" in page.text
        page = await browser.post(login.url, data={"email": ADMIN})
        good = {"attempt": hidden(page), "code": protected.code() or ""}
        assert (await browser.post(login.url, data=good)).status_code == 302
        assert (await browser.post(login.url, data=good)).status_code == 400


async def test_a_code_is_worth_nothing_in_another_browser(protected: Protected) -> None:
    """Somebody who begins a login and asks its owner for the code on the phone would be in."""
    await protected.declare(APP)
    async with protected.browser() as owner, protected.browser() as thief:
        login = await owner.get(protected.url("store.localhost", "/app"), follow_redirects=True)
        await thief.get(protected.url("store.localhost", "/app"), follow_redirects=True)
        page = await owner.post(login.url, data={"email": ADMIN})
        data = {"attempt": hidden(page), "code": protected.code() or ""}
        assert (await thief.post(login.url, data=data)).status_code == 400


async def test_a_login_that_another_browser_began_is_not_finished(protected: Protected) -> None:
    """A link in a mail would log its reader in to the sender's session."""
    await protected.declare(APP)
    async with protected.browser() as sender, protected.browser() as reader:
        login = await sender.get(protected.url("store.localhost", "/app"), follow_redirects=True)
        page = await sender.post(login.url, data={"email": ADMIN})
        done = await sender.post(login.url, data={"attempt": hidden(page), "code": protected.code() or ""})
        ticket = done.headers["location"]
        assert (await reader.get(ticket)).status_code == 400
        assert (await sender.get(ticket)).status_code == 400  # it was shown once


@pytest.mark.parametrize("where", ["store.localhost", TEAM])
async def test_logout_ends_every_session_of_a_person(protected: Protected, where: str) -> None:
    """A lost laptop stays logged in."""
    await protected.declare(APP, application("other.localhost"))
    async with protected.browser() as laptop, protected.browser() as phone:
        for browser in (laptop, phone):
            await protected.sign_in(browser, protected.url("store.localhost", "/app"))
        left = await phone.get(protected.url(where, "/cdn-cgi/access/logout"))
        assert left.status_code == 200
        assert "CF_Authorization=; Expires=Thu, 01 Jan 1970" in left.headers["set-cookie"]
        for browser in (laptop, phone):
            answer = await browser.get(protected.url("store.localhost", "/app"))
            assert answer.status_code == 302
            login = await browser.get(answer.headers["location"])
            assert "Send code" in login.text


async def test_an_address_is_not_flooded_with_codes(protected: Protected) -> None:
    """Five tries for each of a thousand codes are five thousand tries."""
    await protected.declare(APP)
    async with protected.browser() as browser:
        login = await browser.get(protected.url("store.localhost", "/app"), follow_redirects=True)
        pages = [await browser.post(login.url, data={"email": ADMIN}) for _ in range(MAX_CODES + 3)]
        assert len(sent(protected.edge.settings.home, ADMIN)) == MAX_CODES
        assert {page.status_code for page in pages} == {200}
