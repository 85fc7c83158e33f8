"""Every plain resource, made, refreshed, changed, imported and deleted; the calls are those of the real provider."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from localcloud.plugins.cloudflare.provider import make
from tests.contract.plugins.cloudflare_cases import CASES, Case
from tests.contract.plugins.cloudflare_stub import NOW, Stub, serve_stub
from tests.contract.plugins.driver import Plugin, serve

TOKEN = "t" * 40


@pytest.fixture
def stub() -> Iterator[Stub]:
    with serve_stub() as served:
        served.keys[r".*/r2/buckets"] = "name"
        served.shapes += SHAPES
        yield served


@pytest.fixture
def cloudflare(stub: Stub) -> Iterator[Plugin]:
    with serve(make, "cloudflare") as plugin:
        plugin.configure(apiToken=TOKEN, baseUrl=stub.url)
        yield plugin


def record(thing: dict[str, Any]) -> dict[str, Any]:
    told = {"proxiable": True, "tags": [], "settings": {}, "meta": {}, "comment": None, "created_on": NOW}
    return told | thing | {"modified_on": NOW}


def bucket(thing: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": thing["name"],
        "location": (thing.get("locationHint") or "WEUR").upper(),
        "storage_class": thing["storageClass"],
        "creation_date": NOW,
        "jurisdiction": "default",
    }


def setting(thing: dict[str, Any]) -> dict[str, Any]:
    if isinstance(thing["value"], dict):
        header = {"include_subdomains": False, "nosniff": False, "preload": False}
        thing = {"value": {"strict_transport_security": header | thing["value"]["strict_transport_security"]}}
    return {"id": "setting", "editable": True, "modified_on": NOW} | thing


SHAPES = [
    (r".*/dns_records.*", record),
    (r".*/r2/buckets", bucket),
    (r".*/settings/.*", setting),
]


@pytest.mark.parametrize("name", CASES)
def test_a_resource_lives_its_life_by_the_providers_calls(name: str, stub: Stub, cloudflare: Plugin) -> None:
    """A call that differs works here and fails at Cloudflare; a difference that stays hides the one that matters."""
    case = CASES[name]
    preview = cloudflare.create(case.kind, "thing", preview=True, **case.inputs)
    assert stub.requests == [], "a preview calls nothing"
    assert preview.outputs.items() >= case.inputs.items()

    made = cloudflare.create(case.kind, "thing", **case.inputs)
    assert (stub.lines[0], stub.requests[0].body) == case.made
    assert made.id == case.id
    assert made.outputs.items() >= case.inputs.items()
    cloudflare.settled(made, **case.inputs)

    inputs = case.inputs
    if case.changed:
        inputs = inputs | case.changed
        assert not cloudflare.diff(made, inputs).replaces
        made = changed(case, stub, cloudflare, made, inputs)
        cloudflare.settled(made, **inputs)

    if case.import_id:
        found = cloudflare.imported(case.kind, "thing", case.import_id)
        assert found is not None and found.id == made.id
        assert cloudflare.diff(found, inputs).changes == {}

    for property, value in case.replaced_by.items():
        assert cloudflare.diff(made, inputs | {property: value}).replaces == [property]

    stub.requests.clear()
    cloudflare.delete(made)
    assert stub.lines == ([case.ended] if case.ended else [])
    if case.ended:
        assert cloudflare.read(made) is None


def changed(case: Case, stub: Stub, cloudflare: Plugin, made: Any, inputs: dict[str, Any]) -> Any:
    stub.requests.clear()
    cloudflare.update(made, preview=True, **inputs)
    assert stub.requests == []
    if case.kind == "R2Bucket":
        stub.special.append((r".*/r2/buckets/\w+", patched(stub)))
    made = cloudflare.update(made, **inputs)
    assert (stub.lines[0], stub.requests[0].body) == case.change
    return made


def patched(stub: Stub) -> Any:
    def answer(request: Any) -> Any:
        if request.method != "PATCH":
            return None
        stub.things[request.path]["storage_class"] = request.headers["cf-r2-storage-class"]
        return 200, stub.things[request.path]

    return answer
