"""What Cloudflare adds to, and hides of, the things that it keeps: enough for the plain resources."""

from __future__ import annotations

from typing import Any

from tests.contract.plugins.cloudflare_case import ID
from tests.contract.plugins.cloudflare_stub import NOW, Stub


def shape(stub: Stub) -> None:
    """Let a stub answer as Cloudflare does."""
    stub.keys[r".*/r2/buckets"] = "name"
    stub.keys[r".*/(r2/.*/domains/custom)"] = "domain"
    stub.keys[r".*/images/v1/variants"] = "id"
    stub.special += [
        (r".*/schedules", schedules(stub)),
        (r".*/workers/domains", domains(stub)),
        (r".*/subdomain", subdomain(stub)),
        (r".*/r2/buckets/\w+", patched(stub)),
    ]
    stub.shapes += SHAPES


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


def patched(stub: Stub) -> Any:
    def answer(request: Any) -> Any:
        if request.method != "PATCH":
            return None
        stub.things[request.path]["storage_class"] = request.headers["cf-r2-storage-class"]
        return 200, stub.things[request.path]

    return answer
