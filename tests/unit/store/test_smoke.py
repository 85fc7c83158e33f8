"""The customer's path against a store in memory: each way to be broken must be a failed step with its reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from scripts.operator.smoke.page import Page
from scripts.operator.smoke.path import QUANTITY, walk
from scripts.operator.smoke.shop import Shop, sellable, wrong_total

VARIANT = {
    "id": "variant_1",
    "title": "M",
    "manage_inventory": True,
    "inventory_quantity": 10,
    "calculated_price": {"calculated_amount": 12.5},
}
CART = {
    "id": "cart_1",
    "items": [{"quantity": QUANTITY, "unit_price": 12.5, "is_tax_inclusive": False}],
    "item_subtotal": 25,
    "item_total": 30,
    "shipping_total": 0,
    "total": 30,
}
HEALTHY = {"status": "ok", "database": "connected", "redis": "connected"}
STORE: dict[str, Any] = {
    "GET /health": HEALTHY,
    "GET /store/regions": {"regions": [{"id": "reg_1", "name": "Europe", "currency_code": "eur"}]},
    "GET /store/products": {"products": [{"id": "p", "title": "Lens & Case", "variants": [VARIANT]}]},
    "POST /store/carts": {"cart": {"id": "cart_1"}},
    "POST /store/carts/cart_1/line-items": {"cart": CART},
    "GET /store/carts/cart_1": {"cart": CART},
}


def shop(changes: dict[str, Any] | None = None, seen: list[httpx.Request] | None = None) -> Shop:
    """A shop that answers from STORE with `changes`; a (code, body) pair answers with that code."""
    answers = STORE | (changes or {})

    def answer(request: httpx.Request) -> httpx.Response:
        if seen is not None:
            seen.append(request)
        found = answers[f"{request.method} {request.url.path}"]
        if isinstance(found, Exception):
            raise found
        code, body = found if isinstance(found, tuple) else (200, found)
        return httpx.Response(code, text=body) if isinstance(body, str) else httpx.Response(code, json=body)

    return Shop(httpx.Client(transport=httpx.MockTransport(answer), base_url="http://store"))


def test_a_whole_path_passes_and_orders_two() -> None:
    """The path is one a customer walks: the variant that was shown is what goes into the cart, in the same region."""
    seen: list[httpx.Request] = []
    steps = walk(shop(seen=seen))
    assert [step.name for step in steps] == [
        "health", "region", "products", "variant", "cart", "line item", "totals",
    ]  # fmt: skip
    assert all(step.ok for step in steps)
    assert json.loads(seen[3].content) == {"region_id": "reg_1"}
    assert json.loads(seen[4].content) == {"variant_id": "variant_1", "quantity": QUANTITY}
    assert seen[2].url.params["region_id"] == "reg_1"


@pytest.mark.parametrize(
    ("where", "answer", "step", "reason"),
    [
        ("GET /health", (503, HEALTHY | {"status": "error", "redis": "disconnected"}), "health", "redis: disconnected"),
        ("GET /health", (200, HEALTHY | {"database": "disconnected"}), "health", "database: disconnected"),
        ("GET /health", (200, "OK"), "health", "not JSON"),
        ("GET /health", (503, "<h1>no server is available</h1>"), "health", "answers 503"),
        ("GET /health", (502, "bad gateway"), "health", "answers 502"),
        ("GET /health", httpx.ConnectError("refused"), "health", "refused"),
        ("GET /health", httpx.ReadTimeout(""), "health", "no answer in"),
        ("GET /store/regions", {"regions": []}, "region", "no region"),
        ("GET /store/regions", (400, {"message": "Publishable API key required"}), "region", "Publishable API key"),
        ("GET /store/products", {"products": []}, "products", "no product"),
        ("GET /store/products", {"products": [{"variants": []}]}, "variant", "price and stock"),
        ("POST /store/carts", (500, {"message": "unknown error"}), "cart", "unknown error"),
        ("POST /store/carts", {"cart": None}, "cart", "no cart"),
        ("POST /store/carts/cart_1/line-items", (400, {"message": "no stock"}), "line item", "no stock"),
        ("GET /store/carts/cart_1", {"cart": CART | {"items": []}}, "totals", "instead of one line"),
        ("GET /store/carts/cart_1", {"cart": CART | {"total": 31}}, "totals", "the cart's total says 31"),
        ("GET /store/carts/cart_1", {"cart": CART | {"item_subtotal": 24}}, "totals", "the cart says 24"),
    ],
)
def test_what_is_broken_fails_at_its_step_with_its_reason(where: str, answer: Any, step: str, reason: str) -> None:
    """A smoke test that passes over a broken store is worse than none."""
    last = walk(shop({where: answer}))[-1]
    assert (last.name, last.ok) == (step, False)
    assert reason in last.result


@pytest.mark.parametrize(
    ("variant", "sold"),
    [
        (VARIANT, True),
        (VARIANT | {"inventory_quantity": 1}, False),
        (VARIANT | {"inventory_quantity": 0, "allow_backorder": True}, True),
        (VARIANT | {"manage_inventory": False, "inventory_quantity": None}, True),
        (VARIANT | {"calculated_price": None}, False),
        (VARIANT | {"calculated_price": {"calculated_amount": 0}}, True),
    ],
)
def test_only_what_can_be_sold_is_tried(variant: dict[str, Any], sold: bool) -> None:
    """A sold-out first product is no outage, and must not page anybody."""
    assert bool(list(sellable([{"variants": [variant]}]))) is sold


@pytest.mark.parametrize("inclusive", [True, False])
def test_prices_with_and_without_tax_are_both_right(inclusive: bool) -> None:
    """Regions differ in whether the price holds the tax."""
    item = {"quantity": 2, "unit_price": 10, "is_tax_inclusive": inclusive}
    totals = {"item_total": 20, "item_subtotal": 16.81} if inclusive else {"item_total": 23.8, "item_subtotal": 20}
    cart = {"items": [item], **totals, "total": totals["item_total"]}
    assert wrong_total(cart, 10, 2) == ""


def test_each_step_has_its_own_time() -> None:
    """Which step is slow is the question at night."""
    ticks: Callable[[], float] = iter([0.0, 0.1, 1.0, 1.3, *(float(n) for n in range(2, 40))]).__next__
    steps = walk(shop(), clock=ticks)
    assert [round(step.milliseconds) for step in steps[:2]] == [100, 300]


IMAGES = "https://store.localhost/cdn-cgi/imagedelivery/hash/local"
HTML = f"""<!doctype html><title>Store</title><img src="/logo.svg">
<img src="/cdn-cgi/imagedelivery/hash/local/lens/card" srcset="{IMAGES}/lens/card 1x, {IMAGES}/lens/product 2x">
<h2>Lens &amp;
Case</h2><script>self.__next_f.push(["Prism"])</script>"""


def page(html: str = HTML, images: str = IMAGES, **answers: httpx.Response | Exception) -> Page:
    """A page whose pictures load, unless `answers` says otherwise for the last part of a path."""

    def answer(request: httpx.Request) -> httpx.Response:
        found = answers.get(request.url.path.rsplit("/", 1)[-1] or "page")
        if isinstance(found, Exception):
            raise found
        if found is not None:
            return found
        if request.url.path == "/":
            return httpx.Response(200, html=html)
        return httpx.Response(200, content=b"picture", headers={"content-type": "image/avif"})

    return Page(httpx.Client(transport=httpx.MockTransport(answer)), "https://store.localhost/", images)


def test_the_path_begins_at_the_storefront() -> None:
    """The API was well, and customers saw a page without products."""
    steps = walk(shop(), page())
    assert [step.name for step in steps] == [
        "storefront", "health", "region", "products", "page", "pictures", "variant", "cart", "line item", "totals",
    ]  # fmt: skip
    assert all(step.ok for step in steps), steps
    assert (steps[4].result, steps[5].result) == ("Lens & Case", "2 load, image/avif")


@pytest.mark.parametrize(
    ("broken", "step", "reason"),
    [
        (page(page=httpx.Response(503, html="<style>p {}</style><p>Back\nat 10")), "storefront", "503: Back at 10"),
        (page(page=httpx.Response(200, json={})), "storefront", "instead of a page"),
        (page(page=httpx.ConnectError("certificate verify failed")), "storefront", "certificate verify failed"),
        (page(page=httpx.ReadTimeout("")), "storefront", "no answer in"),
        (page(HTML.replace("Lens", "Prism")), "page", "none of the store's products (Lens & Case"),
        (page("<h1>x</h1><script>Lens & Case</script>"), "page", "none of the store's products"),
        (page("<p>Lens &amp; Case</p><img src=/logo.svg>"), "pictures", f"no picture of {IMAGES}"),
        (page(HTML.replace("/local/", "/staging/")), "pictures", f"not below {IMAGES}"),
        (page(card=httpx.Response(404, text="no such image")), "pictures", "lens/card answers 404: no such image"),
        (page(product=httpx.Response(200, html="<p>")), "pictures", "is text/html"),
        (page(product=httpx.Response(200, headers={"content-type": "image/png"})), "pictures", "0 bytes"),
    ],
)
def test_a_broken_page_fails_at_its_step_with_its_reason(broken: Page, step: str, reason: str) -> None:
    last = walk(shop(), broken)[-1]
    assert (last.name, last.ok) == (step, False)
    assert reason in last.result


def test_without_images_the_pages_own_pictures_are_loaded() -> None:
    """An account without Images serves them from the Worker's assets."""
    steps = walk(shop(), page("<p>Lens &amp; Case</p><img src=/images/lens.jpg>", images=""))
    assert all(step.ok for step in steps), steps


@pytest.mark.parametrize(
    ("health", "cause"),
    [
        ((503, {"status": "error", "database": "disconnected", "redis": "connected"}), "database: disconnected"),
        (httpx.ConnectError("connection refused"), "connection refused"),
        ({"status": "ok", "database": "connected", "redis": "connected"}, "the API is well"),
    ],
)
def test_a_page_that_fails_says_how_the_api_is(health: Any, cause: str) -> None:
    """ "500" was all that was said, and the database, which had no disk left, was looked at last."""
    (step,) = walk(shop({"GET /health": health}), page(page=httpx.Response(500, text="Internal Server Error")))
    assert (step.name, step.ok) == ("storefront", False)
    assert "answers 500: Internal Server Error; the API is" in step.result and cause in step.result
