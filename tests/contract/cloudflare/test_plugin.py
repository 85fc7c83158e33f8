"""The cloudflare plugin's resources against the embedded Cloudflare: made, refreshed, changed, imported, deleted.

Each case is also held against the calls of the real provider, elsewhere. Here both ends are ours, and what one of them
leaves out shows as a difference on the second `pulumi up`.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from localcloud.cloudflare.accounts.groups import GROUPS
from localcloud.plugins.cloudflare.provider import make
from tests.contract.cloudflare.serving import TOKEN, Served
from tests.contract.cloudflare.serving import serve as serve_cloud
from tests.contract.plugins.cloudflare_cases import CASES
from tests.contract.plugins.cloudflare_stub import ACCOUNT, ZONE
from tests.contract.plugins.driver import Plugin, serve

KEEPS = {"subdomain of a script"}
"""What is there for as long as its script is: deleting it sets it back."""


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Served]:
    with serve_cloud(tmp_path, zones=["localhost"]) as served:
        yield served


@pytest.fixture
def cloudflare(api: Served) -> Iterator[Plugin]:
    with serve(make, "cloudflare") as plugin:
        plugin.configure(apiToken=TOKEN, baseUrl=f"{api.url}/client/v4")
        yield plugin


def swapped(value: Any, names: dict[str, str]) -> Any:
    """``value`` with one text for another wherever it stands."""
    if isinstance(value, dict):
        return {swapped(key, names): swapped(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [swapped(item, names) for item in value]
    if isinstance(value, str):
        if value in names:
            return names[value]
        return value.replace(ACCOUNT, names[ACCOUNT]).replace(ZONE, names[ZONE])
    return value


def surroundings(api: Served, name: str) -> dict[str, str]:
    """What a case takes for granted, made; and the ids that it has got here."""
    zone = api.result("GET", "/zones?name=localhost")[0]["id"]
    names = {ACCOUNT: api.account, ZONE: zone}
    for script in ("storefront", "jobs"):
        api.script(script)
    for version in api.result("GET", "A/workers/scripts/storefront/versions")["items"]:
        names["v1"] = version["id"]
    api.script("storefront")
    names["v2"] = api.result("GET", "A/workers/scripts/storefront/versions")["items"][0]["id"]
    if name != "bucket":
        api.result("POST", "A/r2/buckets", {"name": "backups"})
    if name == "worker":
        api.result("DELETE", "A/workers/scripts/storefront")
    names |= {f"g{number}": str(GROUPS[number]["id"]) for number in (1, 2)}
    everyone = {"include": [{"everyone": {}}]}
    names["g"] = api.result("POST", "A/access/groups", {"name": "g", **everyone})["id"]
    names["p1"] = api.result("POST", "A/access/policies", {"name": "p", "decision": "allow", **everyone})["id"]
    for number in ("i1", "i2"):
        provider = {"name": number, "type": "google", "config": {"client_id": "c", "client_secret": "s"}}
        names[number] = api.result("POST", "A/access/identity_providers", provider)["id"]
    key = ec.generate_private_key(ec.SECP256R1())
    signed = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    names["CSR"] = signed.public_bytes(serialization.Encoding.PEM).decode()
    return names


@pytest.mark.parametrize("name", CASES)
def test_nothing_is_left_to_do_after_an_update(name: str, api: Served, cloudflare: Plugin) -> None:
    case = copy.deepcopy(CASES[name])
    names = surroundings(api, name)
    inputs = swapped(case.inputs, names)
    made = cloudflare.create(case.kind, "thing", **inputs)
    made = cloudflare.settled(made, **inputs)
    if case.changed:
        inputs = inputs | swapped(case.changed, names)
        made = cloudflare.update(made, **inputs)
        made = cloudflare.settled(made, **inputs)
    if case.import_id:
        number = swapped(case.import_id, names).replace(case.id, made.id)
        found = cloudflare.imported(case.kind, "thing", number)
        assert found is not None and found.id == made.id
        assert cloudflare.diff(found, inputs).changes == {}
    cloudflare.delete(made)
    if case.ended and name not in KEEPS:
        assert cloudflare.read(made) is None
