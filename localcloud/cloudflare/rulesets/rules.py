"""Rules of a ruleset: what may be sent, and ids that stay while a rule's ``ref`` stays; pure."""

from __future__ import annotations

from typing import Any

from localcloud.cloudflare.errors import ApiError
from localcloud.cloudflare.routing import hex_id
from localcloud.cloudflare.rulesets import limits
from localcloud.cloudflare.store import Row

PHASES = (
    "ddos_l4", "ddos_l7", "http_config_settings", "http_custom_errors", "http_log_custom_fields",
    "http_ratelimit", "http_request_cache_settings", "http_request_dynamic_redirect", "http_request_firewall_custom",
    "http_request_firewall_managed", "http_request_late_transform", "http_request_origin", "http_request_redirect",
    "http_request_sanitize", "http_request_sbfm", "http_request_transform", "http_response_cache_settings",
    "http_response_compression", "http_response_firewall_managed", "http_response_headers_transform", "magic_transit",
    "magic_transit_ids_managed", "magic_transit_managed", "magic_transit_ratelimit",
)  # fmt: skip
KINDS = ("managed", "custom", "root", "zone")
ACTIONS = {
    "http_config_settings": ("set_config",),
    "http_custom_errors": ("serve_error",),
    "http_log_custom_fields": ("log_custom_field",),
    "http_request_cache_settings": ("set_cache_settings",),
    "http_response_cache_settings": ("set_cache_control", "set_cache_tags"),
    "http_request_dynamic_redirect": ("redirect",),
    "http_request_redirect": ("redirect",),
    "http_request_transform": ("rewrite",),
    "http_request_late_transform": ("rewrite",),
    "http_response_headers_transform": ("rewrite",),
    "http_request_origin": ("route",),
    "http_response_compression": ("compress_response",),
    "http_ratelimit": ("block", "challenge", "js_challenge", "managed_challenge", "log", "execute"),
    "http_request_firewall_custom": ("block", "challenge", "js_challenge", "managed_challenge", "log", "skip",
                                     "execute"),
    "http_request_firewall_managed": ("block", "challenge", "js_challenge", "managed_challenge", "log", "skip",
                                      "execute"),
}  # fmt: skip
"""The actions that a phase knows; a phase that is not here takes any."""
KEPT = ("action_parameters", "ratelimit", "logging", "exposed_credential_check", "position")


def invalid(message: str, pointer: str, code: int = 20021) -> ApiError:
    return ApiError(400, code, message, pointer)


def complete(sent: Any, former: list[Row], phase: str, version: int, moment: str) -> list[Row]:
    """The rules as they are stored. One with a known ``ref`` (or ``id``) is the rule that it was."""
    if sent is None:
        return []
    if not isinstance(sent, list):
        raise invalid("rules must be a list", "/rules")
    by_ref = {rule["ref"]: rule for rule in former}
    by_id = {rule["id"]: rule for rule in former}
    rules: list[Row] = []
    for index, one in enumerate(sent):
        if not isinstance(one, dict):
            raise invalid("a rule must be an object", f"/rules/{index}")
        known = by_id.get(one.get("id") or "") or by_ref.get(one.get("ref") or "")
        rules.append(rule(one, known, phase, moment, f"/rules/{index}"))
    if phase == "http_ratelimit" and len(rules) > limits.MAX_RULES:
        text = f"exceeded maximum number of rules in the phase {phase}: {len(rules)} out of {limits.MAX_RULES}"
        raise invalid(text, "/rules", 20120)
    refs = [one["ref"] for one in rules]
    for index, ref in enumerate(refs):
        if ref in refs[:index]:
            raise invalid(f"the rule reference '{ref}' is used more than once", f"/rules/{index}/ref", 20119)
    return rules


def rule(sent: dict[str, Any], known: Row | None, phase: str, moment: str, pointer: str) -> Row:
    """One rule; ``known`` is what it was before."""
    action = sent.get("action")
    if not isinstance(action, str):
        raise invalid("action is required", f"{pointer}/action")
    if action not in ACTIONS.get(phase, (action,)):
        text = f"'{action}' is not a valid value for action because it is not one of {', '.join(ACTIONS[phase])}"
        raise invalid(f"{text}, which phase {phase} knows", f"{pointer}/action", 20016)
    expression = sent.get("expression", "true")
    if not isinstance(expression, str) or not expression.strip():
        raise invalid("expression must not be empty", f"{pointer}/expression", 20127)
    if phase == "http_ratelimit" and action != "execute":
        limits.check(sent.get("ratelimit"), action, f"{pointer}/ratelimit", invalid)
    found: Row = {
        "id": known["id"] if known else hex_id(),
        "version": "1",
        "action": action,
        "expression": expression,
        "description": sent.get("description") or "",
        "last_updated": moment,
        "ref": "",
        "enabled": bool(sent.get("enabled", True)),
    }
    found["ref"] = sent.get("ref") or (known["ref"] if known else found["id"])
    found.update({key: sent[key] for key in KEPT if key != "position" and sent.get(key) is not None})
    if known:
        unchanged = {**known, "last_updated": moment, "version": "1"} == found
        found["version"] = known["version"] if unchanged else str(int(known["version"]) + 1)
        found["last_updated"] = known["last_updated"] if unchanged else moment
    return found


def placed(rules: list[Row], one: Row, position: Any) -> list[Row]:
    """The rules with ``one`` where its position says: ``{before: id}``, ``{after: id}`` or ``{index: n}`` from 1."""
    rest = [rule for rule in rules if rule["id"] != one["id"]]
    if not isinstance(position, dict):
        at = next((index for index, rule in enumerate(rules) if rule["id"] == one["id"]), len(rest))
        return [*rest[:at], one, *rest[at:]]
    ids = [rule["id"] for rule in rest]
    if "index" in position:
        at = int(position["index"]) - 1
    elif position.get("before", None) is not None:
        at = ids.index(position["before"]) if position["before"] in ids else 0
    else:
        after = position.get("after")
        at = ids.index(after) + 1 if after in ids else len(rest)
    return [*rest[:at], one, *rest[at:]]
