"""A login in a real browser, which has its own mind about cookies, redirects and forms."""

from __future__ import annotations

import shutil

import pytest
from playwright.async_api import Page, async_playwright

from tests.contract.cloudflare_access.conftest import ADMIN, TEAM, Protected, application

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")


async def sign_in(page: Page, protected: Protected, email: str = ADMIN) -> None:
    """Fill in both forms as a person does."""
    await page.get_by_label("Email").fill(email)
    await page.get_by_role("button", name="Send code").click()
    code = page.get_by_label("Code")
    await code.wait_for()
    await code.fill(protected.code(email) or "000000")
    await page.get_by_role("button", name="Sign in").click()


async def test_a_person_logs_in_once_for_both_applications_and_out_again(protected: Protected) -> None:
    """A cookie with an attribute that browsers refuse is one that every other client keeps."""
    await protected.declare(
        application("store.localhost/app", path_cookie_attribute=True), application("other.localhost")
    )
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = await (await browser.new_context(ignore_https_errors=True)).new_page()
        await page.goto(protected.url("store.localhost", "/app/orders"))
        assert (
            TEAM in page.url and await page.get_by_role("heading").inner_text() == "Sign in to The store.localhost/app"
        )
        await sign_in(page, protected, "eve@example.com")
        assert "not right" in await page.get_by_role("alert").inner_text()
        await page.goto(protected.url("store.localhost", "/app/orders"))
        await sign_in(page, protected)
        await page.wait_for_url(protected.url("store.localhost", "/app/orders"))
        assert ADMIN in await page.content()
        await page.goto(protected.url("other.localhost"))
        assert page.url == protected.url("other.localhost") and ADMIN in await page.content()
        await page.goto(protected.url("other.localhost", "/cdn-cgi/access/logout"))
        assert "logged out" in await page.content()
        await page.goto(protected.url("store.localhost", "/app"))
        assert await page.get_by_role("button", name="Send code").is_visible()
        await browser.close()
