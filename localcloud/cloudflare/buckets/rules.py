"""Rules of a bucket: lifecycle, locks, CORS. Each is one list that is replaced as a whole; the order is kept."""

from __future__ import annotations

from typing import Any

from localcloud.cloudflare.buckets.lookup import edit, find
from localcloud.cloudflare.errors import ApiError, bad_request
from localcloud.cloudflare.routing import Answer, Call, Route, hex_id

DEFAULT_LIFECYCLE = {
    "id": "Default Multipart Abort Rule",
    "enabled": True,
    "conditions": {"prefix": ""},
    "abortMultipartUploadsTransition": {"condition": {"type": "Age", "maxAge": 604800}},
}
"""What a new bucket has of itself: uploads that nobody ends are given up after a week."""
TRANSITIONS = ("deleteObjectsTransition", "abortMultipartUploadsTransition", "storageClassTransitions")
METHODS = ("GET", "PUT", "POST", "DELETE", "HEAD")


def _sent(call: Call, code: int) -> list[dict[str, Any]]:
    found = call.object().get("rules")
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise bad_request("rules must be a list of objects", code, "/rules")
    return found


def _identified(rules: list[dict[str, Any]], code: int) -> list[dict[str, Any]]:
    ids = [one.get("id") for one in rules]
    for index, name in enumerate(ids):
        if not isinstance(name, str) or not name:
            raise bad_request("every rule needs an id", code, f"/rules/{index}/id")
        if name in ids[:index]:
            raise bad_request(f"the rule id '{name}' is used more than once", code, f"/rules/{index}/id")
        if not isinstance(rules[index].get("enabled"), bool):
            raise bad_request("enabled must be true or false", code, f"/rules/{index}/enabled")
    return rules


def put_lifecycle(call: Call) -> Answer:
    rules = _identified(_sent(call, 10040), 10040)
    for index, rule in enumerate(rules):
        used = [key for key in TRANSITIONS if rule.get(key)]
        if not used:
            raise bad_request(f"rule '{rule['id']}' does nothing: give it one of {', '.join(TRANSITIONS)}", 10040)
        for key in used:
            found = rule[key] if isinstance(rule[key], list) else [rule[key]]
            for one in found:
                _check_condition(one.get("condition"), index, key)
    kept = [{key: value for key, value in rule.items() if value is not None} for rule in rules]
    edit(call)["_lifecycle"] = kept
    return Answer({})


def _check_condition(condition: Any, index: int, key: str) -> None:
    pointer = f"/rules/{index}/{key}/condition"
    if not isinstance(condition, dict) or condition.get("type") not in ("Age", "Date"):
        raise bad_request("a condition's type is Age or Date", 10040, pointer)
    age = condition.get("maxAge")
    if condition["type"] == "Age" and (isinstance(age, bool) or not isinstance(age, int) or age < 0):
        raise bad_request("maxAge must be a whole number of seconds", 10040, pointer)


def get_lifecycle(call: Call) -> Answer:
    return Answer({"rules": find(call)["_lifecycle"]})


def put_lock(call: Call) -> Answer:
    rules = _identified(_sent(call, 10061), 10061)
    for index, rule in enumerate(rules):
        condition = rule.get("condition") or {}
        kind = condition.get("type")
        told = {"Age": condition.get("maxAgeSeconds"), "Date": condition.get("date"), "Indefinite": True}
        if not told.get(str(kind)):
            text = "a lock's condition is Age with maxAgeSeconds, Date with date, or Indefinite"
            raise bad_request(text, 10061, f"/rules/{index}/condition")
    edit(call)["_lock"] = rules
    return Answer({})


def get_lock(call: Call) -> Answer:
    return Answer({"rules": find(call)["_lock"]})


def put_cors(call: Call) -> Answer:
    rules = _sent(call, 10039)
    for index, rule in enumerate(rules):
        allowed = rule.get("allowed") or {}
        if not allowed.get("origins") or not allowed.get("methods"):
            raise bad_request("allowed.origins and allowed.methods are required", 10039, f"/rules/{index}/allowed")
        wrong = [method for method in allowed["methods"] if method not in METHODS]
        if wrong:
            raise bad_request(f"{wrong[0]} is not one of {', '.join(METHODS)}", 10039, f"/rules/{index}/allowed")
    edit(call)["_cors"] = [{"id": hex_id(), **rule} if "id" not in rule else rule for rule in rules]
    return Answer({})


def get_cors(call: Call) -> Answer:
    found = find(call)["_cors"]
    if found is None:
        raise ApiError(404, 10059, "The CORS configuration does not exist.")
    return Answer({"rules": found})


def delete_cors(call: Call) -> Answer:
    edit(call)["_cors"] = None
    return Answer({})


BASE = "/accounts/{account_id}/r2/buckets/{bucket}"
ROUTES = [
    Route("GET", BASE + "/lifecycle", get_lifecycle),
    Route("PUT", BASE + "/lifecycle", put_lifecycle),
    Route("GET", BASE + "/lock", get_lock),
    Route("PUT", BASE + "/lock", put_lock),
    Route("GET", BASE + "/cors", get_cors),
    Route("PUT", BASE + "/cors", put_cors),
    Route("DELETE", BASE + "/cors", delete_cors),
]
