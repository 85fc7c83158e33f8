"""A real browser: what a visitor sees and buys, and what a stranger meets before the admin. Screenshots are kept."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request, Response, expect, sync_playwright

from tests.e2e.store.checkout import Checkout

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
PAINTED = "image => image.complete && image.naturalWidth > 0 && image.getBoundingClientRect().width > 0"
STRANGER = "eve@example.com"

Shot = Callable[[Page, str], None]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as driver:
        # As root there is no sandbox to be had.
        started = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A visitor without cookies, who takes the local authority's certificates: Chromium has trust of its own."""
    context = browser.new_context(ignore_https_errors=True, viewport={"width": 1200, "height": 900})
    yield context.new_page()
    context.close()


@pytest.fixture
def shot(screenshots: Path) -> Shot:
    """Keeps what a page looks like, and says where."""

    def keep(page: Page, name: str) -> None:
        path = screenshots / f"{name}.png"
        page.screenshot(path=path, full_page=True)
        print(path)

    return keep


def test_a_visitor_sees_products_with_pictures_and_puts_one_in_the_cart(
    store: Checkout, page: Page, shot: Shot
) -> None:
    """Every service is green and the page shows broken images, or a button that does nothing: only a browser knows."""
    broken = troubles(page)
    page.goto(store.outputs()["storefrontUrl"])
    products = page.get_by_test_id("products").get_by_role("listitem")
    assert products.count() >= 4
    assert painted(page, "[data-testid=products] img") == products.count()
    shot(page, "1-storefront")

    name = products.first.get_by_role("heading").inner_text()
    products.first.get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    assert painted(page, ".product img") == 1
    shot(page, "2-product")
    page.get_by_role("button", name="Add to cart").click()
    page.wait_for_url("**/cart")
    expect(page.get_by_test_id("cart")).to_contain_text(name)
    expect(page.get_by_test_id("cart-link")).to_have_text("Cart (1)")
    assert re.search(r"€[1-9]", page.get_by_test_id("sum").inner_text())
    assert painted(page, "[data-testid=cart] img") == 1
    shot(page, "3-cart")
    assert broken == []


def test_the_admin_asks_who_you_are_and_lets_its_own_people_through(store: Checkout, page: Page, shot: Shot) -> None:
    """Medusa's login is on the internet's list of things to try passwords on; the edge's login comes before it."""
    # The address that the operations guide gives.
    page.goto(f"{store.outputs()['apiUrl']}/admin")
    expect(page.get_by_role("button", name="Send code")).to_be_visible()
    assert "medusa" not in page.content().lower()
    shot(page, "4-login-before-the-admin")
    ask_for_code(page, STRANGER)
    page.get_by_label("Code").fill("000000")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    no_mail = store.run(".venv/bin/python", "-m", "localcloud", "access-code", STRANGER, check=False)
    assert no_mail.code != 0 and not no_mail.stdout.strip()

    page.goto(f"{store.outputs()['apiUrl']}/admin")
    admin = store.shell("pulumi config get --path 'accessAdmins[0]' -s local").stdout.strip()
    ask_for_code(page, admin)
    code = store.run(".venv/bin/python", "-m", "localcloud", "access-code", admin).stdout.strip()
    page.get_by_label("Code").fill(code)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{store.outputs()['adminUrl']}/login**")
    expect(page.get_by_text("Welcome to Medusa")).to_be_visible(timeout=30_000)
    expect(page.get_by_placeholder("Password")).to_be_visible()
    shot(page, "5-admin")


def troubles(page: Page) -> list[str]:
    """Fills with errors of scripts and of requests, but for those that the browser itself gave up on leaving a page."""
    found: list[str] = []

    def failed(request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":
            found.append(f"{request.url}: {request.failure}")

    def answered(answer: Response) -> None:
        if answer.status >= 400:
            found.append(f"{answer.url}: {answer.status}")

    page.on("requestfailed", failed)
    page.on("response", answered)
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


def ask_for_code(page: Page, email: str) -> None:
    page.get_by_label("Email").fill(email)
    page.get_by_role("button", name="Send code").click()
    page.get_by_label("Code").wait_for()


def painted(page: Page, selector: str) -> int:
    """Pictures that are really there; those further down load once they are looked at."""
    images = page.locator(selector)
    for image in images.all():
        image.scroll_into_view_if_needed()
        page.wait_for_function(PAINTED, arg=image.element_handle(), timeout=15_000)
    return images.count()
