"""Settings of a zone. They are always there, are changed and never removed; only what was changed is stored."""

from __future__ import annotations

import copy
from typing import Any

from localcloud.cloudflare.errors import ApiError, bad_request
from localcloud.cloudflare.routing import Answer, Call, Route, now
from localcloud.cloudflare.store import Row, Transaction

KIND = "zone_setting"
SWITCHES = {
    "0rtt": "off", "advanced_ddos": "on", "always_online": "off", "always_use_https": "off",
    "automatic_https_rewrites": "on", "brotli": "on", "browser_check": "on", "development_mode": "off",
    "early_hints": "off", "email_obfuscation": "on", "hotlink_protection": "off", "http2": "on", "http3": "on",
    "ip_geolocation": "on", "ipv6": "on", "mirage": "off", "opportunistic_encryption": "on",
    "opportunistic_onion": "on", "origin_error_page_pass_thru": "off", "prefetch_preload": "off",
    "privacy_pass": "on", "replace_insecure_js": "on", "response_buffering": "off", "rocket_loader": "off",
    "server_side_exclude": "on", "sort_query_string_for_cache": "off", "tls_client_auth": "off",
    "true_client_ip_header": "off", "waf": "off", "webp": "off", "websockets": "on", "speed_brain": "off",
    "fonts": "off",
}  # fmt: skip
CHOICES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "cache_level": ("aggressive", ("aggressive", "basic", "simplified")),
    "image_resizing": ("off", ("on", "off", "open")),
    "transformations": ("off", ("on", "off", "open")),
    "min_tls_version": ("1.0", ("1.0", "1.1", "1.2", "1.3")),
    "orange_to_orange": ("off", ("on", "off")),
    "origin_max_http_version": ("2", ("1", "2")),
    "polish": ("off", ("off", "lossless", "lossy")),
    "proxy_read_timeout": (100, tuple(range(1, 6001))),
    "pseudo_ipv4": ("off", ("off", "add_header", "overwrite_header")),
    "security_level": ("medium", ("off", "essentially_off", "low", "medium", "high", "under_attack")),
    "ssl": ("full", ("off", "flexible", "full", "strict", "origin_pull")),
    "ssl_recommender": ("on", ("on", "off")),
    "tls_1_2_only": ("off", ("on", "off")),
    "tls_1_3": ("on", ("on", "off", "zrt")),
    "max_upload": (100, (100, 125, 150, 175, 200, 500)),
    "challenge_ttl": (1800, (300, 900, 1800, 2700, 3600, 7200, 10800, 14400, 28800, 57600, 86400, 604800, 2592000,
                             31536000)),
    "browser_cache_ttl": (14400, (0, 30, 60, 120, 300, 1200, 1800, 3600, 7200, 10800, 14400, 18000, 28800, 43200,
                                  57600, 72000, 86400, 172800, 259200, 345600, 432000, 691200, 1382400, 2073600,
                                  2678400, 5356800, 16070400, 31536000)),
    "edge_cache_ttl": (7200, (30, 60, 300, 1200, 1800, 3600, 7200, 10800, 14400, 18000, 28800, 43200, 57600, 72000,
                              86400, 172800, 259200, 345600, 432000, 518400, 604800)),
}  # fmt: skip
OBJECTS: dict[str, Any] = {
    "ciphers": [],
    "minify": {"css": "off", "html": "off", "js": "off"},
    "mobile_redirect": {"status": "off", "mobile_subdomain": None, "strip_uri": False},
    "nel": {"enabled": False},
    "security_header": {
        "strict_transport_security": {
            "enabled": False, "max_age": 0, "include_subdomains": False, "preload": False, "nosniff": False,
        }
    },
    "transformations_allowed_origins": "",
    "aegis": {"enabled": False, "pool_id": ""},
}  # fmt: skip
READ_ONLY = {"advanced_ddos"}
DEFAULTS = {**SWITCHES, **{name: value for name, (value, _) in CHOICES.items()}, **OBJECTS}


def current(tx: Transaction, zone_id: str) -> dict[str, Any]:
    """Every setting's value by its id."""
    changed = {row["id"]: row["value"] for row in tx.all(KIND, zone_id)}
    return {**DEFAULTS, **changed}


def _show(tx: Transaction, zone_id: str, name: str) -> Row:
    row = tx.get(KIND, zone_id, name) or {"id": name, "value": DEFAULTS[name], "modified_on": None}
    shown = {**row, "editable": name not in READ_ONLY}
    if name == "development_mode":
        shown["time_remaining"] = 10800 if row["value"] == "on" else 0
    return shown


def _known(name: str) -> str:
    if name not in DEFAULTS:
        raise ApiError(400, 1003, f"Undefined zone setting: {name}")
    return name


def _set(tx: Transaction, zone_id: str, name: str, value: Any) -> Row:
    if _known(name) in READ_ONLY:
        raise ApiError(403, 1016, f"The zone setting {name} cannot be changed")
    if name in SWITCHES:
        if value not in ("on", "off"):
            raise bad_request(f"Invalid value for zone setting {name}: it is 'on' or 'off'", 1007)
    elif name in CHOICES:
        allowed = CHOICES[name][1]
        if isinstance(value, bool) or value not in allowed:
            told = ", ".join(map(str, allowed)) if len(allowed) < 40 else f"{allowed[0]} to {allowed[-1]}"
            raise bad_request(f"Invalid value for zone setting {name}: it is one of {told}", 1007)
    elif not isinstance(value, type(OBJECTS[name])):
        raise bad_request(f"Invalid value for zone setting {name}: it is of the wrong type", 1007)
    elif isinstance(value, dict):
        value = _merged(OBJECTS[name], (tx.get(KIND, zone_id, name) or {}).get("value", {}), value)
    tx.put(KIND, zone_id, name, {"id": name, "value": value, "modified_on": now()})
    return _show(tx, zone_id, name)


def _merged(*layers: dict[str, Any]) -> dict[str, Any]:
    """Objects laid over each other: what is not sent stays as it is."""
    out: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            below = out.get(key)
            both = isinstance(below, dict) and isinstance(value, dict)
            out[key] = _merged(below, value) if both and isinstance(below, dict) else copy.deepcopy(value)
    return out


def listing(call: Call) -> Answer:
    zone = call.zone["id"]
    return Answer([_show(call.tx, zone, name) for name in sorted(DEFAULTS)])


def get(call: Call) -> Answer:
    return Answer(_show(call.tx, call.zone["id"], _known(call.path["setting"])))


def patch(call: Call) -> Answer:
    zone = call.zone["id"]
    sent = call.object()
    if "value" not in sent:
        raise bad_request("A value is required for this zone setting", 1006, "/value")
    return Answer(_set(call.tx, zone, call.path["setting"], sent["value"]))


def patch_many(call: Call) -> Answer:
    zone = call.zone["id"]
    items = call.object().get("items")
    good = isinstance(items, list) and all(isinstance(one, dict) and {"id", "value"} <= one.keys() for one in items)
    if not good or not isinstance(items, list):
        raise bad_request("items must be a list of objects with id and value", 1006, "/items")
    return Answer([_set(call.tx, zone, str(one["id"]), one["value"]) for one in items])


ROUTES = [
    Route("GET", "/zones/{zone_id}/settings", listing),
    Route("PATCH", "/zones/{zone_id}/settings", patch_many),
    Route("GET", "/zones/{zone_id}/settings/{setting}", get),
    Route("PATCH", "/zones/{zone_id}/settings/{setting}", patch),
]
