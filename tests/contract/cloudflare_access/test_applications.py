"""What an application covers, and what its settings do."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from localcloud.cloudflare.edge.access.applications import Applications, normal, seconds
from tests.contract.cloudflare_access.conftest import ADMIN, TEAM, Protected, application, policy
from tests.contract.cloudflare_edge.workers import snapshot, version

EVERYONE: list[dict[str, Any]] = [{"everyone": {}}]


def found(host: str, path: str, *domains: str) -> str | None:
    area = Applications([application(domain) for domain in domains]).area(host, path)
    return str(area.application["id"]) if area else None


@pytest.mark.parametrize(
    ("domain", "covered", "free"),
    [
        ("shop.test", ["shop.test/", "shop.test/a/b"], ["a.shop.test/", "xshop.test/"]),
        ("shop.test/*", ["shop.test/", "shop.test/a"], ["a.shop.test/"]),
        ("*.shop.test", ["a.shop.test/", "a.shop.test/b"], ["shop.test/", "a.b.shop.test/"]),
        ("*admin.shop.test", ["admin.shop.test/", "myadmin.shop.test/"], ["x.admin.shop.test/"]),
        ("shop.test/app", ["shop.test/app", "shop.test/app/", "shop.test/app/x"], ["shop.test/apple", "shop.test/"]),
        ("shop.test/app/*", ["shop.test/app/x", "shop.test/app/x/y"], ["shop.test/app", "shop.test/"]),
        ("shop.test/foo*/bar", ["shop.test/foo/bar", "shop.test/food/stuff/bar"], ["shop.test/foo"]),
        ("https://shop.test/app", ["shop.test/app"], ["shop.test/"]),
    ],
)
def test_a_domain_covers_what_cloudflare_says(domain: str, covered: list[str], free: list[str]) -> None:
    """A page that was thought to be behind the login is not."""
    for url in covered:
        host, _, path = url.partition("/")
        assert found(host, f"/{path}", domain) == domain, url
    for url in free:
        host, _, path = url.partition("/")
        assert found(host, f"/{path}", domain) is None, url


def test_the_most_specific_application_counts() -> None:
    """A webhook that is let past the login would open the admin beside it, or the other way round."""
    declared = ("shop.test", "*.test", "shop.test/app", "shop.test/app/hooks", "shop.test/*/hooks")
    assert found("shop.test", "/app/hooks/1", *declared) == "shop.test/app/hooks"
    assert found("shop.test", "/app/orders", *declared) == "shop.test/app"
    assert found("shop.test", "/store", *declared) == "shop.test"
    assert found("other.test", "/app", *declared) == "*.test"


@pytest.mark.parametrize("path", ["//app", "/x/../app", "/%61pp", "/./app/", "/x/%2e%2e/app", "\\app", "/%2Fapp"])
def test_no_spelling_of_a_protected_path_is_free(path: str) -> None:
    """The origin reads the path that was meant, and the login was for another one."""
    assert normal(path).startswith("/app")
    assert found("shop.test", path, "shop.test/app") == "shop.test/app"


def test_every_way_to_name_hosts_counts() -> None:
    """A second host name of the admin would stand open."""
    app = application("a.test", self_hosted_domains=["b.test/x"], destinations=[{"type": "public", "uri": "c.test"}])
    applications = Applications([app])
    assert all(applications.on(host) for host in ("a.test", "b.test", "c.test"))
    assert not Applications([application("a.test", type="bookmark")]).on("a.test")


def test_durations() -> None:
    """A session of 30 minutes that lasts a month is none of 30 minutes."""
    assert [seconds(text) for text in ("24h", "30m", "1h30m", "90s", "300ms")] == [86400, 1800, 5400, 90, 0.3]
    assert seconds(None) == 86400


async def test_bypass_opens_a_path_within_an_application(protected: Protected) -> None:
    """Stripe's webhooks do not log in."""
    hooks = application("store.localhost/hooks", policy("open", "bypass", include=EVERYONE))
    await protected.declare(application("store.localhost"), hooks)
    async with protected.browser() as client:
        assert (await client.post(protected.url("store.localhost", "/hooks/stripe"))).status_code == 200
        assert (await client.get(protected.url("store.localhost", "/orders"))).status_code == 302


async def test_an_application_without_a_policy_lets_nobody_in(protected: Protected) -> None:
    """An application whose last policy was deleted would be open."""
    await protected.declare({**application("store.localhost"), "policies": []})
    async with protected.browser() as client:
        answer = await client.get(protected.url("store.localhost"))
    assert answer.status_code == 403 and "Forbidden" in answer.text


async def test_a_background_request_is_told_that_the_session_is_over(protected: Protected) -> None:
    """A single-page admin would show the login page's HTML as data."""
    await protected.declare(application("store.localhost"))
    async with protected.browser(**{"x-requested-with": "XMLHttpRequest"}) as client:
        assert (await client.get(protected.url("store.localhost", "/admin/orders"))).status_code == 401


async def test_preflights_pass_where_the_application_says_so(protected: Protected) -> None:
    """A browser sends no cookie with a preflight: no script of another host could ask anything."""
    ask = {"origin": "https://x.test", "access-control-request-method": "PUT"}
    async with protected.browser(**ask) as client:
        await protected.declare(application("store.localhost"))
        assert (await client.options(protected.url("store.localhost"))).status_code == 302
        await protected.declare(application("store.localhost", options_preflight_bypass=True))
        assert (await client.options(protected.url("store.localhost"))).status_code == 200
        assert (await client.get(protected.url("store.localhost"))).status_code == 302


async def test_preflights_are_answered_as_the_application_says(protected: Protected) -> None:
    """A page of the shop that asks the admin's API would never get to ask."""
    cors = {"allowed_origins": ["https://shop.test"], "allowed_methods": ["PUT"], "allow_all_headers": True,
            "allow_credentials": True, "max_age": 60}  # fmt: skip
    await protected.declare(application("store.localhost", cors_headers=cors))
    ask = {"access-control-request-method": "PUT", "access-control-request-headers": "x-a"}
    async with protected.browser(**ask) as client:
        told = await client.options(protected.url("store.localhost"), headers={"origin": "https://shop.test"})
        other = await client.options(protected.url("store.localhost"), headers={"origin": "https://evil.test"})
    assert told.status_code == 200
    assert told.headers["access-control-allow-origin"] == "https://shop.test"
    assert told.headers["access-control-allow-methods"] == "PUT"
    assert told.headers["access-control-allow-headers"] == "x-a"
    assert told.headers["access-control-allow-credentials"] == "true"
    assert told.headers["access-control-max-age"] == "60"
    assert "access-control-allow-origin" not in other.headers


@pytest.mark.parametrize(("flags", "status"), [((), 200), (("global_fetch_strictly_public",), 302)])
async def test_a_worker_of_the_zone_asks_past_the_login_or_as_anybody(
    protected: Protected, flags: tuple[str, ...], status: int
) -> None:
    """Server rendering that meets a login here and none at Cloudflare, or the other way round."""
    source = """export default { async fetch() {
      const answer = await fetch("https://other.localhost/", { redirect: "manual" });
      return new Response(null, { status: 200, headers: { seen: String(answer.status) } });
    } };"""
    await protected.declare(application("other.localhost"))
    caller = replace(version("v1", source), compatibility_flags=flags)
    workers = snapshot(caller, version("v2", worker="other"))
    await protected.edge.service.apply(replace(workers, access=protected.access))
    async with protected.browser() as client:
        assert (await client.get(protected.url("other.localhost"))).status_code == 302
        assert (await client.get(protected.url("store.localhost"))).headers["seen"] == str(status)


async def test_the_cookie_is_as_the_application_says(protected: Protected) -> None:
    """A script of the shop's page reads the admin's token, or a form of another site uses it."""
    settings: dict[str, Any] = {"path_cookie_attribute": True, "same_site_cookie_attribute": "lax"}
    await protected.declare(application("store.localhost/app", **settings))
    async with protected.browser() as browser:
        page = await protected.sign_in(browser, protected.url("store.localhost", "/app"))
        given = [one.headers["set-cookie"] for one in page.history if "set-cookie" in one.headers]
        assert page.status_code == 200
        own = next(one for one in given if one.startswith("CF_Authorization") and "SameSite=Lax" in one)
        assert "Path=/app" in own and "Secure" in own and "HttpOnly" in own
        browser.cookies.clear()
        await protected.declare(application("store.localhost/app", http_only_cookie_attribute=False))
        page = await protected.sign_in(browser, protected.url("store.localhost", "/app"))
        own = page.history[-1].headers["set-cookie"]
        assert "Path=/;" in own and "HttpOnly" not in own and "SameSite=None" in own


async def test_a_token_with_a_binding_is_worthless_without_it(protected: Protected) -> None:
    """A token out of a log file would open the admin."""
    await protected.declare(application("store.localhost", enable_binding_cookie=True))
    async with protected.browser() as browser:
        page = await protected.sign_in(browser, protected.url("store.localhost"))
        assert page.status_code == 200 and "CF_Binding" not in page.json()["headers"]["cookie"]
        token = browser.cookies.get("CF_Authorization", domain="store.localhost")
        browser.cookies.clear()
        sent = {"cookie": f"CF_Authorization={token}"}
        assert (await browser.get(protected.url("store.localhost"), headers=sent)).status_code == 302


async def test_a_session_ends_when_it_is_said_to(protected: Protected) -> None:
    """Who left on Friday is still in on Monday."""
    short = policy(session_duration="1s")
    await protected.declare(application("store.localhost", short), session_duration="1s")
    async with protected.browser() as browser:
        page = await protected.sign_in(browser, protected.url("store.localhost"))
        assert page.status_code == 200
        async with asyncio.timeout(20):
            while (await browser.get(protected.url("store.localhost"))).status_code == 200:
                await asyncio.sleep(0.2)
        page = await browser.get(protected.url("store.localhost"), follow_redirects=True)
        assert "Send code" in page.text


async def test_a_plain_request_is_led_to_tls_first(protected: Protected) -> None:
    """The login's cookies, which are for TLS alone, would be lost, and the login never end."""
    await protected.declare(application("store.localhost"))
    async with protected.browser() as browser:
        answer = await browser.get(protected.url("store.localhost", "/a?b=1", scheme="http"))
        assert answer.headers["location"] == protected.url("store.localhost", "/a?b=1")
        answer = await browser.get(protected.url(TEAM, "/cdn-cgi/access/login/x", scheme="http"))
        assert answer.headers["location"] == protected.url(TEAM, "/cdn-cgi/access/login/x")


async def test_who_is_denied_is_sent_where_the_application_says(protected: Protected) -> None:
    """Staff would read of a Ray ID in the place of whom to ask."""
    own = policy("viewers", include=[{"email": {"email": "v@example.com"}}])
    told = application("store.localhost", custom_deny_message="Ask in #ops")
    sent = application("store.localhost", custom_deny_url="https://wiki.test/denied")
    await protected.declare(application("other.localhost", own), told)
    async with protected.browser() as browser:
        await protected.sign_in(browser, protected.url("other.localhost"), "v@example.com")
        page = await browser.get(protected.url("store.localhost"), follow_redirects=True)
        assert page.status_code == 403 and "Ask in #ops" in page.text
        await protected.declare(application("other.localhost", own), sent)
        step = await browser.get(protected.url("store.localhost"))
        assert (await browser.get(step.headers["location"])).headers["location"] == "https://wiki.test/denied"


async def test_pictures_of_a_protected_host_name_are_protected(protected: Protected) -> None:
    """A product that is not out yet would be seen in its pictures."""
    await protected.declare(application("store.localhost"))
    async with protected.browser() as client:
        for path in ("/cdn-cgi/imagedelivery/hash/id/public", "/cdn-cgi/image/width=80/a.jpg"):
            assert (await client.get(protected.url("store.localhost", path))).status_code == 302


@pytest.mark.parametrize(
    "path",
    ["/cdn-cgi/access/login/evil.test?kid=x&redirect_url=/", "/cdn-cgi/access/login/store.localhost?meta=x", "/", "/x"],
)
async def test_the_team_leads_nowhere_else(protected: Protected, path: str) -> None:
    """A link to the company's own login would lead to somebody else's page."""
    await protected.declare(application("store.localhost"))
    async with protected.browser() as client:
        answer = await client.get(protected.url(TEAM, path))
        location = answer.headers.get("location", "")
        assert answer.status_code == 404 or location == protected.url("store.localhost")
        left = await client.get(protected.url(TEAM, "/cdn-cgi/access/logout?returnTo=https://evil.test/"))
        assert left.status_code == 200
        page = await client.get(protected.url("store.localhost", "//evil.test/x"), follow_redirects=True)
        assert page.url.host == TEAM


async def test_a_page_that_tries_to_log_in_without_cookies_is_told(protected: Protected) -> None:
    """A login that begins anew for ever."""
    await protected.declare(application("store.localhost"))
    async with protected.browser() as client:
        step = await client.get(protected.url("store.localhost"))
        client.cookies.clear()
        page = await client.post(step.headers["location"], data={"email": ADMIN})
        assert page.status_code == 400 and "cookies" in page.text
        assert protected.code() is None
