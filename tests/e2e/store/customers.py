"""Who is in the store while something happens to it."""

from __future__ import annotations

from tests.e2e.store.checkout import Checkout
from tests.e2e.store.load import Load

INSTANCES = ["local-medusa-1", "local-medusa-2", "local-medusa-3"]


def customers(store: Checkout) -> Load:
    """What a storefront asks the API for, with the store's own key, through the edge.

    Not /health: it says within a second how Medusa is, and here two more servers may be booting on the same two cores.
    """
    outputs = store.outputs()
    return Load(
        outputs["apiUrl"], ("/store/products?limit=2", "/store/regions", "/store/collections"),
        {"x-publishable-api-key": outputs["publishableKey"]},
    )  # fmt: skip


def visitors(store: Checkout) -> Load:
    """Pages of the storefront, for which its Worker asks the API."""
    return Load(store.outputs()["storefrontUrl"], ("/",))
