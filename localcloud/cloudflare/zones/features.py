"""What a zone has once and that is switched, not made: managed transforms, DNSSEC, tiered cache, Argo."""

from __future__ import annotations

from typing import Any

from localcloud.cloudflare.errors import bad_request
from localcloud.cloudflare.routing import Answer, Call, Route, now
from localcloud.cloudflare.store import Row

KIND = "zone_feature"
REQUEST_HEADERS = ("add_bot_protection_headers", "add_client_certificate_headers", "add_true_client_ip_headers",
                   "add_visitor_location_headers", "add_waf_credential_check_status_header",
                   "remove_visitor_ip_headers")  # fmt: skip
RESPONSE_HEADERS = ("add_security_headers", "remove_x-powered-by_header")
SWITCHES = {"cache/tiered_cache_smart_topology_enable": "tiered_cache_smart_topology_enable",
            "argo/smart_routing": "smart_routing", "argo/tiered_caching": "tiered_caching"}  # fmt: skip


def _kept(call: Call, name: str) -> Row:
    return call.tx.get(KIND, call.zone["id"], name) or {}


def _keep(call: Call, name: str, value: dict[str, Any]) -> None:
    call.tx.put(KIND, call.zone["id"], name, {"id": name, **value})


def _headers(call: Call) -> dict[str, Any]:
    on = _kept(call, "managed_headers").get("on", [])
    return {
        "managed_request_headers": [_header(name, on) for name in REQUEST_HEADERS],
        "managed_response_headers": [_header(name, on) for name in RESPONSE_HEADERS],
    }


def _header(name: str, on: list[str]) -> dict[str, Any]:
    return {"id": name, "enabled": name in on, "has_conflict": False}


def get_headers(call: Call) -> Answer:
    return Answer(_headers(call))


def patch_headers(call: Call) -> Answer:
    sent, on = call.object(), set(_kept(call, "managed_headers").get("on", []))
    for key, known in (("managed_request_headers", REQUEST_HEADERS), ("managed_response_headers", RESPONSE_HEADERS)):
        for index, one in enumerate(sent.get(key) or []):
            if one.get("id") not in known:
                raise bad_request(f"'{one.get('id')}' is not one of {', '.join(known)}", 20021, f"/{key}/{index}/id")
            on = on | {one["id"]} if one.get("enabled") else on - {one["id"]}
    _keep(call, "managed_headers", {"on": sorted(on)})
    return Answer(_headers(call))


def delete_headers(call: Call) -> Answer:
    _keep(call, "managed_headers", {"on": []})
    return Answer(_headers(call))


def _dnssec(call: Call) -> dict[str, Any]:
    row = _kept(call, "dnssec")
    return {
        "status": row.get("status", "disabled"), "flags": 257, "algorithm": "13", "key_type": "ECDSAP256SHA256",
        "digest_type": "2", "digest_algorithm": "SHA256", "digest": None, "ds": None, "key_tag": 42,
        "public_key": None, "modified_on": row.get("modified_on"), "dnssec_multi_signer": False,
        "dnssec_presigned": False, "dnssec_use_nsec3": False,
    }  # fmt: skip


def get_dnssec(call: Call) -> Answer:
    return Answer(_dnssec(call))


def patch_dnssec(call: Call) -> Answer:
    wanted = call.object().get("status", "disabled")
    if wanted not in ("active", "disabled"):
        raise bad_request("status must be active or disabled", 1004, "/status")
    _keep(call, "dnssec", {"status": wanted, "modified_on": now()})
    return Answer(_dnssec(call))


def delete_dnssec(call: Call) -> Answer:
    _keep(call, "dnssec", {"status": "disabled", "modified_on": now()})
    return Answer("")


def _switch(path: str, name: str) -> list[Route]:
    def show(call: Call) -> dict[str, Any]:
        row = _kept(call, name)
        return {"id": name, "editable": True, "value": row.get("value", "off"), "modified_on": row.get("modified_on")}

    def get(call: Call) -> Answer:
        return Answer(show(call))

    def change(call: Call) -> Answer:
        value = call.object().get("value")
        if value not in ("on", "off"):
            raise bad_request("value must be on or off", 1007, "/value")
        _keep(call, name, {"value": value, "modified_on": now()})
        return Answer(show(call))

    def delete(call: Call) -> Answer:
        _keep(call, name, {"value": "off", "modified_on": now()})
        return Answer(show(call))

    full = "/zones/{zone_id}/" + path
    return [Route("GET", full, get), Route("POST", full, change), Route("PATCH", full, change),
            Route("DELETE", full, delete)]  # fmt: skip


ROUTES = [
    Route("GET", "/zones/{zone_id}/managed_headers", get_headers),
    Route("PATCH", "/zones/{zone_id}/managed_headers", patch_headers),
    Route("DELETE", "/zones/{zone_id}/managed_headers", delete_headers),
    Route("GET", "/zones/{zone_id}/dnssec", get_dnssec),
    Route("PATCH", "/zones/{zone_id}/dnssec", patch_dnssec),
    Route("DELETE", "/zones/{zone_id}/dnssec", delete_dnssec),
    *[route for path, name in SWITCHES.items() for route in _switch(path, name)],
]
