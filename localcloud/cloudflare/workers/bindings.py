"""Bindings of a Worker: what may be bound, what is taken over from before, and what is shown of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from localcloud.cloudflare.errors import ApiError, bad_request
from localcloud.cloudflare.routing import Call
from localcloud.cloudflare.store import Row

SECRETS = {"secret_text": "text", "secret_key": "key_base64"}
NEEDS: dict[str, tuple[str, ...]] = {
    "plain_text": ("text",),
    "secret_text": ("text",),
    "json": ("json",),
    "kv_namespace": ("namespace_id",),
    "r2_bucket": ("bucket_name",),
    "service": ("service",),
    "analytics_engine": ("dataset",),
    "queue": ("queue_name",),
    "d1": (),
    "durable_object_namespace": (),
    "ratelimit": ("namespace_id", "simple"),
}
"""Members that a binding must have beside its name and type; a type that is not here needs nothing else."""


def complete(call: Call, sent: Any, former: Sequence[Row], keep: Sequence[str], strict: bool) -> list[Row]:
    """The bindings as they are stored, by name. ``former``: the last version's, for ``inherit`` and ``keep``."""
    if sent is None:
        sent = []
    if not isinstance(sent, list) or not all(isinstance(one, dict) for one in sent):
        raise bad_request("bindings must be a list of objects", 10021, "/bindings")
    before = {one["name"]: one for one in former}
    found: dict[str, Row] = {}
    for index, one in enumerate(sent):
        name = one.get("name")
        if not isinstance(name, str) or not name or not isinstance(one.get("type"), str):
            raise bad_request("a binding needs a name and a type", 10021, f"/bindings/{index}")
        if name in found:
            raise bad_request(f"binding {name} is there more than once", 10021, f"/bindings/{index}/name")
        known = before.get(one.get("old_name") or name)
        if one["type"] == "inherit" or _left_out(one, known):
            if known is None:
                if strict or one["type"] != "inherit":
                    raise bad_request(f"binding {name} cannot be inherited: there is none yet", 10057)
                continue
            found[name] = {**known, "name": name}
            continue
        _check(call, one, f"/bindings/{index}")
        found[name] = {key: value for key, value in one.items() if value is not None}
    for name, known in before.items():
        if known["type"] in keep and name not in found:
            found[name] = known
    return [found[name] for name in sorted(found)]


def _left_out(one: dict[str, Any], known: Row | None) -> bool:
    """A binding that is sent as it was shown, without its value, or by nothing but name and type, stays what it is."""
    member = SECRETS.get(one["type"])
    if member is not None:
        return one.get(member) is None
    bare = {key for key, value in one.items() if value is not None} == {"name", "type"}
    return bare and known is not None and known["type"] == one["type"]


def _check(call: Call, one: dict[str, Any], pointer: str) -> None:
    for member in NEEDS.get(one["type"], ()):
        if one.get(member) is None:
            raise bad_request(f"binding {one['name']} of type {one['type']} needs {member}", 10021, pointer)
    if one["type"] == "kv_namespace" and call.tx.get("kv_namespace", call.account, one["namespace_id"]) is None:
        raise bad_request(f"KV namespace '{one['namespace_id']}' not found.", 10041, pointer)
    if one["type"] == "r2_bucket":
        where = one.get("jurisdiction") or "default"
        if call.tx.get("r2_bucket", where, one["bucket_name"]) is None:
            text = f"R2 bucket '{one['bucket_name']}' not found. Please use a different name and try again."
            raise bad_request(text, 10085, pointer)
    if one["type"] == "service":
        itself = one["service"] in (call.path.get("script"), call.path.get("worker"))
        if not itself and call.tx.get("worker", call.account, one["service"]) is None:
            text = f"Could not resolve service binding '{one['name']}'. Target script '{one['service']}' not found."
            raise ApiError(400, 10143, text, pointer)


def shown(bindings: Sequence[Row]) -> list[Row]:
    """Bindings without what is secret."""
    return [{key: value for key, value in one.items() if key != SECRETS.get(one["type"])} for one in bindings]
