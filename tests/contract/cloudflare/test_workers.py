"""Workers: scripts, versions, deployments and where they answer, call by call as clients send them."""

from __future__ import annotations

import base64
import json
from email import message_from_bytes
from email.message import Message
from typing import Any

import pytest
from cloudflare.types.workers import script_update_response

from tests.contract.cloudflare.serving import WORKER, ZONE, Served, form

MODULE = "application/javascript+module"


def modules(content: bytes = WORKER) -> list[dict[str, str]]:
    return [{"name": "index.js", "content_type": MODULE, "content_base64": base64.b64encode(content).decode()}]


def version(api: Served, worker: str, **rest: Any) -> dict[str, Any]:
    sent = {"main_module": "index.js", "modules": modules(), "compatibility_date": "2025-01-01", **rest}
    made: dict[str, Any] = api.result("POST", f"A/workers/workers/{worker}/versions", sent)
    return made


def deploy(api: Served, name: str, **shares: float) -> Any:
    versions = [{"version_id": key.replace("_", "-"), "percentage": value} for key, value in shares.items()]
    return api.result("POST", f"A/workers/scripts/{name}/deployments", {"strategy": "percentage", "versions": versions})


def test_a_script_is_read_back_as_it_was_uploaded(api: Served) -> None:
    """The provider reads three addresses after an upload; a difference in any is a change on every `pulumi up`."""
    bound = [{"type": "secret_text", "name": "KEY", "text": "s3cr3t"}, {"type": "plain_text", "name": "A", "text": "x"}]
    made = api.script(bindings=bound)
    script_update_response.ScriptUpdateResponse.model_validate(made)
    assert made["id"] == "shop" and made["handlers"] == ["fetch"] and made["has_modules"] is True
    service = api.result("GET", "A/workers/services/shop")
    assert service["default_environment"]["script"]["etag"] == made["etag"]
    settings = api.result("GET", "A/workers/scripts/shop/settings")
    assert settings["bindings"] == [bound[1], {"type": "secret_text", "name": "KEY"}]
    assert "observability" not in settings and "limits" not in settings
    answer = api.ask("GET", "A/workers/scripts/shop/content/v2")
    header = f"Content-Type: {answer.headers['content-type']}\r\n\r\n".encode()
    part = message_from_bytes(header + answer.content).get_payload()[0]
    assert isinstance(part, Message)
    assert part.get_payload(decode=True) == WORKER and part.get_content_type() == MODULE
    assert [one.id for one in api.sdk.workers.scripts.list(account_id=api.account)] == ["shop"]
    assert api.result("DELETE", "A/workers/scripts/shop") is not None
    assert api.error("GET", "A/workers/services/shop") == (404, 10090)
    assert api.error("GET", "A/workers/scripts/shop/settings") == (404, 10007)


def test_the_sdk_uploads_a_script_whose_parts_are_all_named_files(api: Served) -> None:
    metadata: Any = {"main_module": "index.js", "compatibility_date": "2025-01-01"}
    made = api.sdk.workers.scripts.update(
        "shop", account_id=api.account, metadata=metadata, files=[("index.js", WORKER, MODULE)]
    )
    assert made is not None and made.id == "shop"


def test_every_upload_is_a_version_with_all_traffic(api: Served) -> None:
    api.script()
    api.script(content=WORKER.replace(b"one", b"two"))
    found = api.result("GET", "A/workers/scripts/shop/versions")["items"]
    assert [one["number"] for one in found] == [2, 1]
    deployments = api.result("GET", "A/workers/scripts/shop/deployments")["deployments"]
    assert deployments[0]["versions"] == [{"version_id": found[0]["id"], "percentage": 100}]
    assert len(deployments) == 2
    snapshot = api.settled().traffic.snapshot
    assert snapshot is not None
    assert snapshot.deployments[0].versions[0].version_id == found[0]["id"]
    assert snapshot.program.versions[0].modules[0].content == WORKER.replace(b"one", b"two")


def test_a_version_is_made_apart_and_traffic_is_split(api: Served) -> None:
    worker = api.sdk.workers.beta.workers.create(account_id=api.account, name="store", tags=["a"])
    assert worker.references.workers == [] and worker.subdomain.enabled is False
    bound = [{"type": "secret_text", "name": "Z", "text": "s"}, {"type": "json", "name": "B", "json": {"a": 1}}]
    first = version(api, worker.id, bindings=bound, annotations={"workers/message": "one"})
    assert [one["name"] for one in first["bindings"]] == ["B", "Z"] and "text" not in first["bindings"][1]
    assert first["annotations"] == {"workers/message": "one", "workers/triggered_by": "upload"}
    second = version(api, "store")
    assert "bindings" not in second and "modules" not in second and second["number"] == 2
    path = f"A/workers/workers/{worker.id}/versions/{second['id']}"
    assert api.result("GET", path + "?include=modules")["modules"] == modules()
    read = api.sdk.workers.beta.workers.versions.get(
        second["id"], account_id=api.account, worker_id=worker.id, include="modules"
    )
    assert read.number == 2
    listed = list(api.sdk.workers.beta.workers.versions.list(account_id=api.account, worker_id=worker.id))
    assert [one.number for one in listed] == [2, 1]
    deploy(api, "store", **{first["id"]: 100})
    last = deploy(api, "store", **{first["id"]: 90, second["id"]: 10})
    assert api.result("GET", f"A/workers/scripts/store/deployments/{last['id']}") == last
    snapshot = api.settled().traffic.snapshot
    assert snapshot is not None
    assert {one.version_id: one.percentage for one in snapshot.deployments[0].versions} == {
        first["id"]: 90, second["id"]: 10,
    }  # fmt: skip
    assert snapshot.program.primary == {"store": first["id"]}
    secret = snapshot.program.versions[0].bindings[1]
    assert secret["text"] == "s"


@pytest.mark.parametrize("shares", [{"a": 60.0}, {"a": 60.0, "b": 50.0}, {"other": 100.0}, {"a": -1.0, "b": 101.0}])
def test_a_deployment_that_does_not_add_up_is_refused(api: Served, shares: dict[str, float]) -> None:
    """A canary of 10 % with nothing for the other 90 % would have answered nobody."""
    api.result("POST", "A/workers/workers", {"name": "store"})
    known = {"a": version(api, "store")["id"], "b": version(api, "store")["id"]}
    versions = [{"version_id": known.get(key, key), "percentage": value} for key, value in shares.items()]
    body = {"strategy": "percentage", "versions": versions}
    assert api.error("POST", "A/workers/scripts/store/deployments", body)[0] == 400


def test_wrangler_uploads_a_version_of_a_script(api: Served) -> None:
    api.script(bindings=[{"type": "secret_text", "name": "KEY", "text": "s"}])
    metadata = {"main_module": "index.js", "bindings": [{"type": "inherit", "name": "KEY"}],
                "annotations": {"workers/tag": "v2"}}  # fmt: skip
    made = api.result("POST", "A/workers/scripts/shop/versions?bindings_inherit=strict", files=form(metadata))
    assert made["number"] == 2 and made["resources"]["bindings"] == [{"type": "secret_text", "name": "KEY"}]
    assert made["metadata"]["hasPreview"] is False and made["annotations"]["workers/tag"] == "v2"
    assert api.result("GET", f"A/workers/scripts/shop/versions/{made['id']}") == made
    assert len(api.result("GET", "A/workers/scripts/shop/deployments")["deployments"]) == 1
    sent = {"name": "OTHER", "text": "t", "type": "secret_text"}
    assert api.error("PUT", "A/workers/scripts/shop/secrets", sent) == (400, 10215)


def test_secrets_schedules_and_places_are_kept_beside_versions(api: Served) -> None:
    api.script()
    api.result("PUT", "A/workers/scripts/shop/secrets", {"name": "KEY", "text": "s", "type": "secret_text"})
    secrets = list(api.sdk.workers.scripts.secrets.list("shop", account_id=api.account))
    assert [one.name for one in secrets] == ["KEY"]  # type: ignore[union-attr]
    api.result("DELETE", "A/workers/scripts/shop/secrets/KEY")
    assert api.result("GET", "A/workers/scripts/shop/secrets") == []
    api.sdk.workers.scripts.schedules.update("shop", account_id=api.account, body=[{"cron": "*/5 * * * *"}])
    found = api.sdk.workers.scripts.schedules.get("shop", account_id=api.account)
    assert [one.cron for one in found.schedules] == ["*/5 * * * *"]
    assert api.error("PUT", "A/workers/scripts/shop/schedules", [{"cron": "every day"}]) == (400, 10100)
    api.result("POST", "A/workers/scripts/shop/subdomain", {"enabled": True, "previews_enabled": True})
    assert api.result("GET", "A/workers/scripts/shop/subdomain") == {"enabled": True, "previews_enabled": True}
    assert api.settled().traffic.schedules == {"shop": ("*/5 * * * *",)}


def test_a_custom_domain_has_a_record_that_nobody_else_changes(api: Served) -> None:
    api.script()
    host = f"store.{ZONE}"
    made = api.result("PUT", "A/workers/domains", {"hostname": host, "service": "shop", "zone_id": api.zone})
    read = api.sdk.workers.domains.get(made["id"], account_id=api.account)
    assert read.hostname == host and read.zone_name == ZONE
    record = api.result("GET", f"Z/dns_records?name={host}")[0]
    assert (record["type"], record["content"], record["proxied"]) == ("AAAA", "100::", True)
    assert record["meta"]["read_only"] is True
    assert api.error("DELETE", f"Z/dns_records/{record['id']}")[0] == 400
    other = {"type": "A", "name": host, "content": "1.1.1.1", "ttl": 1}
    assert api.ask("POST", "Z/dns_records", other).is_success
    assert api.result("DELETE", f"A/workers/domains/{made['id']}") == {"id": made["id"]}
    assert api.error("DELETE", f"A/workers/domains/{made['id']}")[0] == 404
    assert [one["type"] for one in api.result("GET", f"Z/dns_records?name={host}")] == ["A"]


def test_a_host_name_that_is_taken_is_a_conflict(api: Served) -> None:
    """The provider retries a conflict for three minutes; wrangler asks whether to take over."""
    api.script()
    api.script("other")
    api.result("POST", "Z/dns_records", {"type": "A", "name": "store", "content": "1.1.1.1", "ttl": 1})
    sent = {"hostname": f"store.{ZONE}", "service": "shop", "zone_id": api.zone}
    assert api.error("PUT", "A/workers/domains", sent) == (409, 100117)
    api.result("PUT", "A/workers/domains", {**sent, "override_existing_dns_record": True})
    assert api.error("PUT", "A/workers/domains", {**sent, "service": "other"}) == (409, 100116)
    origins = {"origins": [{"hostname": f"store.{ZONE}"}], "override_existing_origin": True}
    moved = api.result("PUT", "A/workers/scripts/other/domains/records", origins)
    assert [one["service"] for one in moved] == ["other"]
    assert api.error("PUT", "A/workers/domains", {**sent, "hostname": "store.elsewhere"})[0] == 400
    changes = api.result("POST", "A/workers/scripts/other/domains/changeset?replace_state=true", [])
    assert [one["hostname"] for one in changes["removed"]] == [f"store.{ZONE}"]


def test_routes_are_of_the_zone_and_each_pattern_is_there_once(api: Served) -> None:
    api.script()
    sent = {"pattern": f"{ZONE}/api/*", "script": "shop"}
    made = api.result("POST", "Z/workers/routes", sent)
    assert api.error("POST", "Z/workers/routes", sent) == (409, 10020)
    assert api.error("POST", "Z/workers/routes", {**sent, "pattern": "other.localhost/*"}) == (400, 10022)
    assert api.error("POST", "Z/workers/routes", {"pattern": f"{ZONE}/b", "script": "none"}) == (404, 10007)
    off = api.result("POST", "Z/workers/routes", {"pattern": f"{ZONE}/api/open/*"})
    assert "script" not in off
    assert api.sdk.workers.routes.get(made["id"], zone_id=api.zone).pattern == sent["pattern"]
    changed = api.result("PUT", f"Z/workers/routes/{made['id']}", {**sent, "pattern": f"*.{ZONE}/*"})
    assert changed["id"] == made["id"]
    put = api.result("PUT", "A/workers/scripts/shop/routes", [{"pattern": f"x.{ZONE}/*", "zone_name": ZONE}])
    assert [one["pattern"] for one in put] == [f"x.{ZONE}/*"]
    assert len(api.result("GET", "Z/workers/routes")) == 2


def upload(api: Served, token: str, files: dict[str, bytes]) -> Any:
    parts = {name: (name, base64.b64encode(content), "text/html") for name, content in files.items()}
    headers = {"Authorization": f"Bearer {token}"}
    return api.ask("POST", "A/workers/assets/upload?base64=true", files=parts, headers=headers)


def test_assets_are_uploaded_once_and_belong_to_a_version(api: Served) -> None:
    one, two = "a" * 32, "b" * 32
    manifest = {"/index.html": {"hash": one, "size": 3}, "/a/b.html": {"hash": two, "size": 5}}
    path = "A/workers/scripts/shop/assets-upload-session"
    session = api.result("POST", path, {"manifest": manifest})
    assert sorted(name for bucket in session["buckets"] for name in bucket) == [one, two]
    first = upload(api, session["jwt"], {one: b"one"})
    assert first.status_code == 202
    assert upload(api, session["jwt"], {two: b"too long"}).status_code == 400
    assert upload(api, session["jwt"] + "x", {two: b"12345"}).status_code == 401
    last = upload(api, session["jwt"], {two: b"12345"})
    assert last.status_code == 201
    token = last.json()["result"]["jwt"]
    config = {"not_found_handling": "404-page", "run_worker_first": True}
    api.script(assets={"jwt": token, "config": config})
    again = api.result("POST", path, {"manifest": manifest})
    assert again["buckets"] == []
    api.script(assets={"jwt": again["jwt"], "config": config})
    snapshot = api.settled().traffic.snapshot
    assert snapshot is not None
    assets = snapshot.program.versions[0].assets
    assert assets is not None and assets.config == config
    assert {name: file.path.read_bytes() for name, file in assets.files.items()} == {
        "/index.html": b"one", "/a/b.html": b"12345",
    }  # fmt: skip
    assert assets.files["/index.html"].content_type == "text/html"


@pytest.mark.parametrize(
    ("metadata", "code"),
    [
        ({"main_module": "other.js"}, 10021),
        ({}, 10021),
        ({"main_module": "index.js", "compatibility_date": "soon"}, 10021),
        ({"main_module": "index.js", "bindings": [{"type": "kv_namespace", "name": "K", "namespace_id": "0"}]}, 10041),
        ({"main_module": "index.js", "bindings": [{"type": "r2_bucket", "name": "B", "bucket_name": "no"}]}, 10085),
        ({"main_module": "index.js", "bindings": [{"type": "service", "name": "S", "service": "none"}]}, 10143),
        ({"main_module": "index.js", "bindings": [{"type": "inherit", "name": "S"}]}, 10057),
    ],
)
def test_an_upload_that_cannot_run_is_refused_whole(api: Served, metadata: dict[str, Any], code: int) -> None:
    path = "A/workers/scripts/shop?bindings_inherit=strict"
    assert api.error("PUT", path, files=form(metadata)) == (400, code)
    assert api.result("GET", "A/workers/scripts") == []


def test_a_worker_that_another_one_binds_is_not_deleted(api: Served) -> None:
    api.script("inner")
    api.script("outer", bindings=[{"type": "service", "name": "IN", "service": "inner"}])
    assert api.error("DELETE", "A/workers/scripts/inner") == (400, 10064)
    shown = api.result("GET", "A/workers/workers/inner")
    assert [one["name"] for one in shown["references"]["workers"]] == ["outer"]
    assert api.ask("DELETE", "A/workers/scripts/inner?force=true").is_success


def test_settings_of_a_script_change_without_an_upload(api: Served) -> None:
    api.script()
    body = {"settings": (None, json.dumps({"compatibility_flags": ["nodejs_compat"], "logpush": True}))}
    shown = api.result("PATCH", "A/workers/scripts/shop/settings", files=body)
    assert shown["compatibility_flags"] == ["nodejs_compat"] and shown["logpush"] is True
    assert len(api.result("GET", "A/workers/scripts/shop/versions")["items"]) == 2
    observed = {"observability": {"enabled": True, "head_sampling_rate": 1}}
    assert api.result("PATCH", "A/workers/scripts/shop/script-settings", observed)["observability"]["enabled"] is True
    assert api.result("GET", "A/workers/scripts/shop/settings")["observability"]["enabled"] is True


def test_a_binding_of_nothing_but_a_name_stays_what_it_is(api: Served) -> None:
    """wrangler secret bulk: the other bindings were refused, or lost their values."""
    bound = [{"type": "plain_text", "name": "A", "text": "x"}, {"type": "secret_text", "name": "KEY", "text": "s"}]
    api.script(bindings=bound)
    sent = [{"type": "plain_text", "name": "A"}, {"type": "secret_text", "name": "KEY"},
            {"type": "secret_text", "name": "NEW", "text": "n"}]  # fmt: skip
    body = {"settings": (None, json.dumps({"bindings": sent}))}
    api.result("PATCH", "A/workers/scripts/shop/settings", files=body)
    snapshot = api.settled().traffic.snapshot
    assert snapshot is not None
    assert {one["name"]: one["text"] for one in snapshot.program.versions[0].bindings} == {
        "A": "x", "KEY": "s", "NEW": "n",
    }  # fmt: skip
    first = api.result("GET", "A/workers/scripts/shop/versions")["items"][1]["id"]
    assert WORKER in api.ask("GET", f"A/workers/scripts/shop?version={first}").content
    assert api.ask("DELETE", "A/workers/services/shop?force=true").is_success
