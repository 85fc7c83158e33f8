"""A canary by hand: wrangler splits visits between two versions, and Pulumi takes the split back."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.e2e.store.checkout import Checkout, eventually
from tests.e2e.store.cloudflare import cloudflare
from tests.e2e.store.wrangler import Wrangler

REQUESTS = 2_000
# Of 2,000 visits with one in ten to the canary, 200 are expected with a deviation of 13.4; five of these are allowed.
FEWEST, MOST = 133, 267
CANARY = "the canary"
KEY = "Cloudflare-Workers-Version-Key"

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="no node on PATH")


@pytest.fixture(scope="module")
def split(store: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Another version beside the store's own gets a tenth of the visits; its id. Afterwards Pulumi's own is served."""
    wrangler = Wrangler(
        store, tmp_path_factory.mktemp("canary"), observability={"enabled": True, "head_sampling_rate": 1}
    )
    wrangler.code(CANARY)
    said = wrangler.run("versions", "upload").stdout
    canary = re.search(r"Worker Version ID: (\S+)", said)
    assert canary, said
    own = store.outputs()["storefrontVersion"]
    wrangler.run("versions", "deploy", f"{own}@90%", f"{canary[1]}@10%", "-y")
    with store.client(store.outputs()["storefrontUrl"]) as client:
        eventually("the canary is visited", lambda: client.get("/health").text == CANARY, 30, every=0)
    yield canary[1]
    with cloudflare(store) as api:
        served = api.result("GET", f"A/workers/scripts/{store.outputs()['storefrontWorker']}/deployments")
    if canary[1] in str(served["deployments"][0]):
        store.up()


def visits(store: Checkout, headers: list[dict[str, str]]) -> list[str]:
    """Which version answered each of the requests: the store's own, by its header, or the canary."""
    url = store.outputs()["storefrontUrl"]
    own = store.outputs()["storefrontVersion"]

    def some(part: list[dict[str, str]]) -> list[str]:
        with store.client(url) as client:
            return [version(client.get("/health", headers=one)) for one in part]

    def version(answer: httpx.Response) -> str:
        assert answer.status_code == 200
        told = answer.headers.get("x-store-version")
        assert told == own or answer.text == CANARY
        return told or CANARY

    size = len(headers) // 4
    with ThreadPoolExecutor(4) as pool:
        parts = pool.map(some, [headers[start : start + size] for start in range(0, len(headers), size)])
    return [one for part in parts for one in part]


def test_visits_are_split_as_asked(store: Checkout, split: str) -> None:
    """A canary that everybody gets, or nobody, tells nothing of the version before it is for all."""
    counted = Counter(visits(store, [{}] * REQUESTS))
    assert counted.total() == REQUESTS
    assert FEWEST <= counted[CANARY] <= MOST, counted


def test_a_visitor_with_a_key_stays_with_a_version(store: Checkout, split: str) -> None:
    """A page of one version with the scripts of another is broken for the visitors that change between them."""
    keys = [{KEY: f"visitor-{number}"} for number in range(200)]
    first, second = visits(store, keys), visits(store, keys)
    assert first == second
    assert len(set(first)) == 2


def test_pulumi_says_that_somebody_deployed_and_takes_it_back(store: Checkout, split: str) -> None:
    """Cloudflare keeps a deployment as it was: for a refresh, a canary that somebody forgot does not exist."""
    seen = store.shell("pulumi preview -s local --non-interactive --color never").stdout
    assert f"{split} to 10 %" in seen and "wrangler" in seen
    assert re.search(r"WorkersDeployment storefront-deployment replace\b", seen)
    store.up()
    assert set(visits(store, [{}] * 100)) == {store.outputs()["storefrontVersion"]}
