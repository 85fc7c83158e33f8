"""Routes of buckets and their objects."""

from __future__ import annotations

from localcloud.cloudflare.buckets import domains, rules
from localcloud.cloudflare.buckets.lookup import CLASSES, KIND, LOCATIONS, NAME, edit, find, jurisdiction
from localcloud.cloudflare.dataplane.interface import BucketNotEmpty, Locked, Stored
from localcloud.cloudflare.dns import routes as dns
from localcloud.cloudflare.errors import ApiError, bad_request
from localcloud.cloudflare.pages import after_cursor
from localcloud.cloudflare.routing import Answer, Body, Call, Raw, Route, check, hex_id, now, public


class CreateBucket(Body):
    name: str
    locationHint: str | None = None
    storageClass: str | None = None


def listing(call: Call) -> Answer:
    rows = {row["name"]: row for row in call.tx.all(KIND, jurisdiction(call))}
    names = [name for name in rows if call.query.get("name_contains", "") in name]
    names = [name for name in names if name > call.query.get("start_after", "")]
    page, cursor = after_cursor(names, call.query, 20, 1000)
    if call.query.get("direction") == "desc":
        page.reverse()
    info = {"cursor": cursor, "per_page": len(page)} if cursor else {"per_page": int(call.query.get("per_page", 20))}
    return Answer({"buckets": [public(rows[name]) for name in page]}, info=info)


def create(call: Call) -> Answer:
    body = check(CreateBucket, call.object(), 10005)
    where = jurisdiction(call)
    if not NAME.fullmatch(body.name):
        raise bad_request(
            "The specified bucket name is not valid: 3 to 63 lowercase letters, digits and hyphens, "
            "beginning and ending with a letter or a digit.", 10005, "/name"
        )  # fmt: skip
    if call.tx.get(KIND, where, body.name) is not None:
        raise ApiError(409, 10004, "The bucket you tried to create already exists, and you own it.")
    kind = body.storageClass or "Standard"
    if kind not in CLASSES:
        raise bad_request(f"The storage class '{kind}' is not valid: it is one of {', '.join(CLASSES)}", 10062)
    hint = (body.locationHint or "weur").lower()
    if hint not in LOCATIONS:
        raise bad_request(f"The location hint '{hint}' is not valid: it is one of {', '.join(LOCATIONS)}", 10060)
    row = {
        "name": body.name,
        "creation_date": now(),
        "location": hint,
        "storage_class": kind,
        "jurisdiction": where,
        "_id": hex_id(),
        "_lifecycle": [rules.DEFAULT_LIFECYCLE],
        "_lock": [],
        "_cors": None,
        "_domains": [],
        "_managed": False,
    }
    return Answer(public(call.tx.put(KIND, where, body.name, row)))


def get(call: Call) -> Answer:
    return Answer(public(find(call)))


def patch(call: Call) -> Answer:
    kind = call.headers.get("cf-r2-storage-class", "")
    if kind not in CLASSES:
        raise bad_request(f"The header cf-r2-storage-class must be one of {', '.join(CLASSES)}", 10062)
    row = edit(call)
    row["storage_class"] = kind
    return Answer(public(row))


def delete(call: Call) -> Answer:
    where, name = jurisdiction(call), call.path["bucket"]
    with call.cloud.store.transaction() as call.transaction:
        find(call)
    try:
        call.cloud.dataplane.objects.check_empty(where, name)
    except BucketNotEmpty:
        raise ApiError(409, 10008, "The bucket you tried to delete is not empty.") from None
    with call.cloud.store.transaction() as call.transaction:
        row = find(call)
        for domain in row["_domains"]:
            dns.drop(call.tx, domain["zoneId"], domain["_record"])
        call.tx.remove(KIND, where, name)
    return Answer({})


def _known(call: Call) -> tuple[str, str]:
    with call.cloud.store.transaction() as call.transaction:
        row = find(call)
    return row["jurisdiction"], row["name"]


def _object(one: Stored) -> dict[str, object]:
    return {
        "key": one.key, "etag": one.etag, "size": one.size, "last_modified": one.uploaded,
        "http_metadata": {"contentType": one.content_type}, "custom_metadata": dict(one.metadata),
        "storage_class": one.storage_class,
    }  # fmt: skip


def objects(call: Call) -> Answer:
    where, name = _known(call)
    found = {one.key: one for one in call.cloud.dataplane.objects.listing(where, name, call.query.get("prefix", ""))}
    page, cursor = after_cursor(list(found), call.query, 1000, 1000)
    info = {"cursor": cursor, "is_truncated": bool(cursor), "per_page": 1000, "delimited": []}
    return Answer([_object(found[key]) for key in page], info=info)


def get_object(call: Call) -> Raw:
    found = call.cloud.dataplane.objects.get(*_known(call), call.path["key"])
    if found is None:
        raise ApiError(404, 10007, "The specified key does not exist.")
    stored, content = found
    return Raw(content, stored.content_type, headers={"ETag": f'"{stored.etag}"', "Last-Modified": stored.uploaded})


def put_object(call: Call) -> Answer:
    where, name = _known(call)
    try:
        stored = call.cloud.dataplane.objects.put(where, name, call.path["key"], call.content, call.content_type)
    except Locked as wrong:
        raise ApiError(403, 10069, str(wrong)) from None
    return Answer({
        "key": stored.key, "etag": stored.etag, "size": str(stored.size), "uploaded": stored.uploaded,
        "storage_class": stored.storage_class, "version": stored.etag,
    })  # fmt: skip


def delete_object(call: Call) -> Answer:
    where, name = _known(call)
    try:
        call.cloud.dataplane.objects.delete(where, name, call.path["key"])
    except Locked as wrong:
        raise ApiError(403, 10069, str(wrong)) from None
    return Answer({"key": call.path["key"]})


BASE = "/accounts/{account_id}/r2/buckets"
ROUTES = [
    Route("GET", BASE, listing),
    Route("POST", BASE, create),
    Route("GET", BASE + "/{bucket}", get),
    Route("PATCH", BASE + "/{bucket}", patch),
    Route("DELETE", BASE + "/{bucket}", delete, free=True),
    Route("GET", BASE + "/{bucket}/objects", objects, free=True),
    Route("GET", BASE + "/{bucket}/objects/{key*}", get_object, free=True),
    Route("PUT", BASE + "/{bucket}/objects/{key*}", put_object, free=True),
    Route("DELETE", BASE + "/{bucket}/objects/{key*}", delete_object, free=True),
    *rules.ROUTES,
    *domains.ROUTES,
]
