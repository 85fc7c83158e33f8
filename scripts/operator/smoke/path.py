"""The path itself: steps in order, each with its time; the first that fails ends it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from scripts.operator.smoke.page import Page
from scripts.operator.smoke.shop import Shop, Unexpected, sellable, wrong_total

QUANTITY = 2
Clock = Callable[[], float]


@dataclass(frozen=True)
class Step:
    """One step: its outcome in words, or why it failed; `milliseconds` until then."""

    name: str
    ok: bool
    milliseconds: float
    result: str


@dataclass
class Walk:
    """The steps so far. A failed step raises Unexpected to the one who walks."""

    clock: Clock = time.perf_counter
    steps: list[Step] = field(default_factory=list)

    def step(self, name: str, act: Callable[[], Any], say: Callable[[Any], str]) -> Any:
        """Do one step, remember it, give its value on."""
        started = self.clock()
        try:
            value = act()
            said = say(value)
        except Unexpected as reason:
            self.steps.append(Step(name, False, (self.clock() - started) * 1000, str(reason)))
            raise
        self.steps.append(Step(name, True, (self.clock() - started) * 1000, said))
        return value


def walk(shop: Shop, page: Page | None = None, clock: Clock = time.perf_counter) -> list[Step]:
    """A customer's path: page, health, region, products, pictures, cart, line item, totals. The last step tells whether
    it all went. Without a page, the API's steps alone."""
    way = Walk(clock)
    try:
        if page:
            way.step("storefront", lambda: _loaded(page, shop), lambda size: f"{size / 1000:.1f} kB of HTML")
        way.step("health", shop.health, lambda _: "database and Redis connected")
        region = way.step("region", shop.region, lambda r: f"{r.get('name')} ({r.get('currency_code')})")
        products = way.step("products", lambda: shop.products(region), lambda p: f"{len(p)} found")
        if page:
            way.step("page", lambda: page.named(products), lambda n: f"{', '.join(n[:3])}{' …' if n[3:] else ''}")
            way.step("pictures", page.pictures, lambda p: f"{len(p)} load, {', '.join(sorted(set(p)))}")
        variant = way.step("variant", lambda: _first(products), lambda v: f"{v.get('title')} at {_price(v):g}")
        cart = way.step("cart", lambda: shop.create_cart(region), lambda c: str(c["id"]))
        way.step("line item", lambda: shop.add(cart, variant, QUANTITY), lambda _: f"{QUANTITY} added")
        way.step("totals", lambda: _right(shop.cart(cart), variant), lambda c: f"total {c['total']:g}")
    except Unexpected:
        pass  # it is the last of the steps
    return way.steps


def _loaded(page: Page, shop: Shop) -> int:
    """The page's size; where it fails, the failure says how the API is, which the page is rendered from."""
    try:
        return page.load()
    except Unexpected as broken:
        try:
            shop.health()
        except Unexpected as cause:
            raise Unexpected(f"{broken}; the API is not well either: {cause}") from broken
        raise Unexpected(f"{broken}; the API is well: its /health says ok") from broken


def _first(products: list[dict[str, Any]]) -> dict[str, Any]:
    variant = next(sellable(products), None)
    if variant is None:
        raise Unexpected("no product has a variant with a price and stock")
    return variant


def _price(variant: dict[str, Any]) -> float:
    return float(variant["calculated_price"]["calculated_amount"])


def _right(cart: dict[str, Any], variant: dict[str, Any]) -> dict[str, Any]:
    wrong = wrong_total(cart, _price(variant), QUANTITY)
    if wrong:
        raise Unexpected(wrong)
    return cart
