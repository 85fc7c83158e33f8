"""Who is in the store while something happens to it."""

from __future__ import annotations

from tests.e2e.store.checkout import Checkout
from tests.e2e.store.load import Load

INSTANCES = ["local-medusa-1", "local-medusa-2", "local-medusa-3"]


def customers(store: Checkout) -> Load:
    """What a storefront asks the API for, with the store's own key, through the edge."""
    outputs = store.outputs()
    return Load(
        outputs["apiUrl"], ("/health", "/store/products?limit=2", "/store/regions"),
        {"x-publishable-api-key": outputs["publishableKey"]},
    )  # fmt: skip


def visitors(store: Checkout) -> Load:
    """Pages of the storefront, for which its Worker asks the API."""
    return Load(store.outputs()["storefrontUrl"], ("/",))
