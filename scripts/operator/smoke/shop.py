"""Medusa 2's Store API as a customer's browser uses it. Amounts are in the currency's main unit (12.5 = €12.50)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx

PRODUCT_FIELDS = "*variants.calculated_price,+variants.inventory_quantity"


class Unexpected(Exception):
    """A step did not give what a customer needs; the message says what it gave instead."""


class Shop:
    """One customer: `client` has the store's address as its base and the publishable key in its headers."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client

    def health(self) -> dict[str, Any]:
        """The body of /health; Unexpected unless all three say they are well."""
        body = self._call("GET", "/health", allowed=(200, 503))
        wrong = {k: body.get(k) for k, good in HEALTHY.items() if body.get(k) != good}
        if wrong:
            raise Unexpected("/health says " + ", ".join(f"{key}: {value}" for key, value in wrong.items()))
        return body

    def region(self) -> dict[str, Any]:
        """The first region that sells anything."""
        regions = self._call("GET", "/store/regions").get("regions") or []
        if not regions:
            raise Unexpected("the store has no region: nothing can be sold anywhere")
        return dict(regions[0])

    def products(self, region: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The first products, with prices of `region` and stock."""
        query = {"region_id": region["id"], "fields": PRODUCT_FIELDS, "limit": "20"}
        products = self._call("GET", "/store/products", params=query).get("products") or []
        if not products:
            raise Unexpected("the publishable key's sales channel has no product")
        return [dict(product) for product in products]

    def create_cart(self, region: Mapping[str, Any]) -> dict[str, Any]:
        """A new, empty cart in `region`."""
        return self._cart(self._call("POST", "/store/carts", json={"region_id": region["id"]}))

    def add(self, cart: Mapping[str, Any], variant: Mapping[str, Any], quantity: int) -> dict[str, Any]:
        """The cart with `quantity` of `variant` in it."""
        body = {"variant_id": variant["id"], "quantity": quantity}
        return self._cart(self._call("POST", f"/store/carts/{cart['id']}/line-items", json=body))

    def cart(self, cart: Mapping[str, Any]) -> dict[str, Any]:
        """The cart as the store has it now."""
        return self._cart(self._call("GET", f"/store/carts/{cart['id']}"))

    def _call(self, method: str, path: str, *, allowed: tuple[int, ...] = (200,), **rest: Any) -> dict[str, Any]:
        import httpx

        try:
            answer = self.client.request(method, path, **rest)
        except httpx.TimeoutException as error:
            raise Unexpected(f"{method} {path}: no answer in {self.client.timeout.read:g} s") from error
        except httpx.HTTPError as error:
            raise Unexpected(f"{method} {path}: {error or type(error).__name__}") from error
        if answer.status_code not in allowed:
            raise Unexpected(f"{method} {path} answers {answer.status_code}: {_message(answer)}")
        try:
            body = answer.json()
        except ValueError as error:
            if not answer.is_success:
                raise Unexpected(f"{method} {path} answers {answer.status_code}: {_message(answer)}") from error
            raise Unexpected(f"{method} {path} answers something that is not JSON: {answer.text[:80]!r}") from error
        return body if isinstance(body, dict) else {}

    @staticmethod
    def _cart(body: Mapping[str, Any]) -> dict[str, Any]:
        if not (body.get("cart") or {}).get("id"):
            raise Unexpected("the answer holds no cart")
        return dict(body["cart"])


HEALTHY = {"status": "ok", "database": "connected", "redis": "connected"}


def sellable(products: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Variants that have a price and, where stock is kept, at least two in stock."""
    for product in products:
        for variant in product.get("variants") or []:
            priced = (variant.get("calculated_price") or {}).get("calculated_amount") is not None
            kept = variant.get("manage_inventory", False) and not variant.get("allow_backorder", False)
            if priced and (not kept or (variant.get("inventory_quantity") or 0) >= 2):
                yield variant


def wrong_total(cart: Mapping[str, Any], unit_price: float, quantity: int) -> str:
    """Why the cart's totals are not those of `quantity` at `unit_price` and nothing else; empty if they are right."""
    items = cart.get("items") or []
    if len(items) != 1 or items[0].get("quantity") != quantity:
        return f"the cart holds {[item.get('quantity') for item in items]} instead of one line of {quantity}"
    item, goods = items[0], unit_price * quantity
    if not _same(item.get("unit_price"), unit_price):
        return f"the line's price is {item.get('unit_price')}, the product's {unit_price}"
    # Tax is in the price or on top of it, as the region has it; goods are one or the other.
    counted = cart.get("item_total") if item.get("is_tax_inclusive") else cart.get("item_subtotal")
    if not _same(counted, goods):
        return f"{quantity} × {unit_price} is {goods:g}, the cart says {counted}"
    parts = [cart.get(name) or 0 for name in ("item_total", "shipping_total")]
    if not _same(cart.get("total"), sum(parts)):
        return f"goods and shipping are {sum(parts):g}, the cart's total says {cart.get('total')}"
    return ""


def _same(one: Any, other: float) -> bool:
    return isinstance(one, int | float) and abs(one - other) < 0.005


def _message(answer: httpx.Response) -> str:
    try:
        body = answer.json()
    except ValueError:
        return answer.text[:120].strip() or "no words"
    return str(body.get("message") or body)[:200] if isinstance(body, dict) else str(body)[:120]
