"""Routes of rulesets, the same below a zone and below the account."""

from __future__ import annotations

from typing import Any

from localcloud.cloudflare.dataplane.interface import DataPlaneError
from localcloud.cloudflare.errors import ApiError
from localcloud.cloudflare.routing import NO_CONTENT, Answer, Call, Raw, Route, hex_id, now
from localcloud.cloudflare.rulesets import rules
from localcloud.cloudflare.store import Row

KIND = "ruleset"


def _scope(call: Call) -> str:
    return str(call.zone["id"]) if "zone_id" in call.path else call.account


def _find(call: Call) -> Row:
    row = call.tx.get(KIND, _scope(call), call.path["id"])
    if row is None:
        raise ApiError(404, 20404, f"could not find ruleset '{call.path['id']}'")
    return row


def _entrypoint(call: Call) -> Row | None:
    phase = call.path["phase"]
    if phase not in rules.PHASES:
        raise rules.invalid(f"'{phase}' is not a valid value for phase", "/phase")
    kind = "zone" if "zone_id" in call.path else "root"
    return next((row for row in call.tx.all(KIND, _scope(call)) if (row["phase"], row["kind"]) == (phase, kind)), None)


def _check_expressions(call: Call, row: Row) -> Row:
    for index, rule in enumerate(row["rules"]):
        try:
            call.cloud.dataplane.traffic.check_expression(rule["expression"], row["phase"])
        except DataPlaneError as wrong:
            text = f"'{rule['expression']}' is not a valid value for expression because the expression is invalid"
            raise rules.invalid(f"{text}: {wrong}", f"/rules/{index}/expression", 20127) from None
    return row


def listing(call: Call) -> Answer:
    rows = call.tx.all(KIND, _scope(call))
    return Answer([{key: value for key, value in row.items() if key != "rules"} for row in rows])


def _made(call: Call, sent: dict[str, Any]) -> Row:
    moment = now()
    phase, kind = sent.get("phase"), sent.get("kind")
    row: Row = {
        "id": hex_id(),
        "name": sent.get("name") or "default",
        "description": sent.get("description") or "",
        "kind": kind,
        "version": "1",
        "last_updated": moment,
        "phase": phase,
        "rules": rules.complete(sent.get("rules"), [], str(phase), 1, moment),
    }
    return call.tx.put(KIND, _scope(call), row["id"], _check_expressions(call, row))


def create(call: Call) -> Answer:
    sent = call.object()
    phase, kind = sent.get("phase"), sent.get("kind")
    if phase not in rules.PHASES:
        raise rules.invalid(f"'{phase}' is not a valid value for phase", "/phase")
    allowed = ("zone",) if "zone_id" in call.path else ("root", "custom")
    if kind not in allowed:
        raise rules.invalid(f"'{kind}' is not a valid value for kind: it is one of {', '.join(allowed)}", "/kind")
    if not isinstance(sent.get("name"), str) or not sent["name"]:
        raise rules.invalid("name must not be empty", "/name")
    taken = any((row["phase"], row["kind"]) == (phase, kind) for row in call.tx.all(KIND, _scope(call)))
    if kind != "custom" and taken:
        text = f"'{kind}' is not a valid value for kind because exceeded maximum number of {kind} rulesets for phase"
        raise rules.invalid(f"{text} {phase}", "/kind", 20217)
    return Answer(_made(call, sent))


def get(call: Call) -> Answer:
    return Answer(_find(call))


def _changed(call: Call, row: Row, sent: dict[str, Any]) -> Row:
    for fixed in ("kind", "phase"):
        if sent.get(fixed, row[fixed]) != row[fixed]:
            raise rules.invalid(f"{fixed} of a ruleset cannot be changed", f"/{fixed}")
    new = call.tx.edit(KIND, _scope(call), row["id"])
    version = int(row["version"]) + 1
    moment = now()
    new["rules"] = rules.complete(sent.get("rules"), row["rules"], row["phase"], version, moment)
    new.update(version=str(version), last_updated=moment)
    new["description"] = sent.get("description", row["description"]) or ""
    new["name"] = sent.get("name") or row["name"]
    return _check_expressions(call, new)


def put(call: Call) -> Answer:
    return Answer(_changed(call, _find(call), call.object()))


def delete(call: Call) -> Raw:
    row = _find(call)
    call.tx.remove(KIND, _scope(call), row["id"])
    return NO_CONTENT


def get_entrypoint(call: Call) -> Answer:
    row = _entrypoint(call)
    if row is None:
        raise ApiError(404, 20404, f"could not find entrypoint ruleset in the {call.path['phase']} phase")
    return Answer(row)


def put_entrypoint(call: Call) -> Answer:
    sent, row = call.object(), _entrypoint(call)
    if row is not None:
        return Answer(_changed(call, row, sent))
    kind = "zone" if "zone_id" in call.path else "root"
    return Answer(_made(call, {**sent, "phase": call.path["phase"], "kind": kind}))


def _with_rules(call: Call, row: Row, found: list[Row]) -> Answer:
    new = call.tx.edit(KIND, _scope(call), row["id"])
    new.update(rules=found, version=str(int(row["version"]) + 1), last_updated=now())
    return Answer(_check_expressions(call, new))


def _find_rule(row: Row, name: str) -> Row:
    found: Row | None = next((rule for rule in row["rules"] if rule["id"] == name), None)
    if found is None:
        raise ApiError(404, 20404, f"could not find rule '{name}'")
    return found


def add_rule(call: Call) -> Answer:
    row, sent = _find(call), call.object()
    one = rules.rule(sent, None, row["phase"], now(), "")
    if any(rule["ref"] == one["ref"] for rule in row["rules"]):
        raise rules.invalid(f"the rule reference '{one['ref']}' is used more than once", "/ref", 20119)
    return _with_rules(call, row, rules.placed(row["rules"], one, sent.get("position")))


def edit_rule(call: Call) -> Answer:
    row, sent = _find(call), call.object()
    former = _find_rule(row, call.path["rule"])
    one = rules.rule({**former, **sent}, former, row["phase"], now(), "")
    return _with_rules(call, row, rules.placed(row["rules"], one, sent.get("position")))


def delete_rule(call: Call) -> Answer:
    row = _find(call)
    gone = _find_rule(row, call.path["rule"])
    return _with_rules(call, row, [rule for rule in row["rules"] if rule["id"] != gone["id"]])


ROUTES = [
    Route(method, f"{scope}/rulesets{path}", handler)
    for scope in ("/zones/{zone_id}", "/accounts/{account_id}")
    for method, path, handler in (
        ("GET", "", listing),
        ("POST", "", create),
        ("GET", "/{id}", get),
        ("PUT", "/{id}", put),
        ("DELETE", "/{id}", delete),
        ("GET", "/phases/{phase}/entrypoint", get_entrypoint),
        ("PUT", "/phases/{phase}/entrypoint", put_entrypoint),
        ("POST", "/{id}/rules", add_rule),
        ("PATCH", "/{id}/rules/{rule}", edit_rule),
        ("DELETE", "/{id}/rules/{rule}", delete_rule),
    )
]
