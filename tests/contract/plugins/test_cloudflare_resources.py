"""Every plain resource, made, refreshed, changed, imported and deleted; the calls are those of the real provider."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from localcloud.plugins.cloudflare.provider import make
from localcloud.plugins.cloudflare.resources.zones import covers
from tests.contract.plugins.cloudflare_case import ID, Case
from tests.contract.plugins.cloudflare_cases import CASES
from tests.contract.plugins.cloudflare_stub import NOW, Stub, serve_stub
from tests.contract.plugins.driver import Plugin, serve

TOKEN = "t" * 40


@pytest.fixture
def stub() -> Iterator[Stub]:
    with serve_stub() as served:
        served.keys[r".*/r2/buckets"] = "name"
        served.keys[r".*/(r2/.*/domains/custom)"] = "domain"
        served.keys[r".*/images/v1/variants"] = "id"
        served.special += [(r".*/schedules", schedules(served)), (r".*/workers/domains", domains(served))]
        served.special.append((r".*/subdomain", subdomain(served)))
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


def ruleset(thing: dict[str, Any]) -> dict[str, Any]:
    rules = [{"id": f"id-of-{rule['ref']}", "version": "1", "enabled": True} | rule for rule in thing["rules"]]
    return thing | {"version": "1", "last_updated": NOW, "rules": rules, "description": ""}


def health_check(thing: dict[str, Any]) -> dict[str, Any]:
    return thing | {"http_config": {"method": "GET"} | thing["http_config"], "status": "unknown", "tcp_config": None}


def token(thing: dict[str, Any]) -> dict[str, Any]:
    return {"status": "active", "issued_on": NOW} | thing


def variant(thing: dict[str, Any]) -> dict[str, Any]:
    """Below a key of its own, and the id beside it, without which the provider would lose it."""
    was = thing.pop("variant", {"options": {}})
    told = was | thing | {"options": was["options"] | thing["options"]}
    return {"variant": told, "id": told["id"]}


def domains(stub: Stub) -> Any:
    """Made at the collection, found by id."""

    def answer(request: Any) -> Any:
        if request.method != "PUT":
            return None
        thing = stub._shaped(request.path, request.body)
        stub.things[f"{request.path}/{ID}"] = thing
        return 200, thing

    return answer


def subdomain(stub: Stub) -> Any:
    """POSTed each time, and one for each script."""

    def answer(request: Any) -> Any:
        if request.method != "POST":
            return None
        stub.things[request.path] = {"previews_enabled": request.body["enabled"]} | request.body
        return 200, stub.things[request.path]

    return answer


def schedules(stub: Stub) -> Any:
    def answer(request: Any) -> Any:
        if request.method != "PUT":
            return None
        stub.things[request.path] = {"schedules": [cron | {"created_on": NOW} for cron in request.body]}
        return 200, stub.things[request.path]

    return answer


SHAPES = [
    (r".*/dns_records.*", record),
    (r".*/r2/buckets", bucket),
    (r".*/settings/.*", setting),
    (r".*/rulesets.*", ruleset),
    (r".*/healthchecks.*", health_check),
    (r".*/workers/workers.*", lambda thing: {"subdomain": {"enabled": False, "previews_enabled": False}} | thing),
    (r".*/domains/custom.*", lambda thing: {"zoneName": "localhost", "status": {"ssl": "active"}} | thing),
    (r".*/tokens.*", token),
    (r".*/webhooks.*", lambda thing: {name: value for name, value in thing.items() if name != "secret"}),
    (r".*/variants.*", variant),
    (r".*/workers/domains.*", lambda thing: {"id": ID, "zone_name": "localhost", "environment": "production"} | thing),
    (r".*/access/apps.*", lambda thing: {"aud": "a" * 64, "app_launcher_visible": True} | thing),
    (r".*/access/(policies|groups).*", lambda thing: {"exclude": [], "require": []} | thing),
    (r".*/identity_providers.*", lambda thing: thing | {"config": thing["config"] | {"client_secret": "*****"}}),
]


@pytest.mark.parametrize("name", CASES)
def test_a_resource_lives_its_life_by_the_providers_calls(name: str, stub: Stub, cloudflare: Plugin) -> None:
    """A call that differs works here and fails at Cloudflare; a difference that stays hides the one that matters."""
    case = CASES[name]
    preview = cloudflare.create(case.kind, "thing", preview=True, **case.inputs)
    assert stub.requests == [], "a preview calls nothing"
    assert covers(preview.outputs, case.inputs)

    made = cloudflare.create(case.kind, "thing", **case.inputs)
    assert (stub.lines[0], stub.requests[0].body) == case.made
    assert made.id == case.id
    assert covers(made.outputs, case.inputs)
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
