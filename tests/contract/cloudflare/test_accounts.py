"""Accounts, tokens and what they may, notifications, health checks, Access, certificates."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from localcloud.cloudflare.accounts.groups import GROUPS
from tests.contract.cloudflare.serving import TOKEN, ZONE, Served


def group(name: str) -> dict[str, Any]:
    return {"id": next(one["id"] for one in GROUPS if one["name"] == name)}


def token(api: Served, *names: str, resources: dict[str, Any] | None = None) -> dict[str, Any]:
    known = resources or {f"com.cloudflare.api.account.{api.account}": "*", "com.cloudflare.api.account.zone.*": "*"}
    policy = {"effect": "allow", "permission_groups": [group(name) for name in names], "resources": known}
    made: dict[str, Any] = api.result("POST", "A/tokens", {"name": "t", "policies": [policy]})
    return made


def bearer(value: str) -> dict[str, Any]:
    return {"headers": {"Authorization": f"Bearer {value}"}}


def test_wrangler_learns_who_it_is(api: Served) -> None:
    assert [one.id for one in api.sdk.accounts.list()] == [api.account]
    assert api.sdk.user.get() and api.sdk.user.tokens.verify()
    assert [one.account.id for one in api.sdk.memberships.list() if one.account] == [api.account]
    assert api.sdk.ips.list() is not None
    assert api.result("GET", "/accounts?page=2") == []


def test_who_may_not_is_told_so_in_the_apis_words(api: Served) -> None:
    assert api.error("GET", "/zones", headers={"Authorization": ""}) == (400, 9106)
    assert api.error("GET", "/zones", **bearer("short")) == (400, 6003)
    assert api.error("GET", "/zones", **bearer("x" * 40)) == (403, 9109)
    assert api.error("GET", "/user/tokens/verify", **bearer("x" * 40)) == (401, 1000)
    assert api.error("GET", "/accounts/" + "0" * 32 + "/workers/scripts") == (403, 9109)
    assert api.error("GET", "/no/such/route") == (404, 7003)
    assert api.error("PATCH", "A/workers/scripts") == (405, 10405)


def test_a_token_is_shown_once_and_does_what_its_policies_say(api: Served) -> None:
    """A deploy with a read-only token changed half of the zone before it was refused."""
    made = token(api, "DNS Read", "Zone Read")
    assert made["status"] == "active" and len(made["value"]) == 40
    assert made["policies"][0]["permission_groups"][0]["name"] == "DNS Read"
    assert "value" not in api.result("GET", f"A/tokens/{made['id']}")
    assert api.sdk.accounts.tokens.get(made["id"], account_id=api.account) is not None
    mine = bearer(made["value"])
    assert api.result("GET", "Z/dns_records", **mine) == []
    response = api.ask("POST", "Z/dns_records", {"type": "A", "name": "a", "content": "1.1.1.1", "ttl": 1}, **mine)
    assert response.status_code == 403
    error = response.json()["errors"][0]
    assert error["code"] == 10000 and "'DNS Write'" in error["message"]
    assert api.error("GET", "A/workers/scripts", **mine) == (403, 10000)
    assert api.result("GET", "/user/tokens/verify", **mine) == {"id": made["id"], "status": "active"}
    api.result("DELETE", f"A/tokens/{made['id']}")
    assert api.error("GET", "Z/dns_records", **mine) == (403, 9109)


def test_a_token_of_another_zone_does_not_reach_this_one(api: Served) -> None:
    made = token(api, "DNS Write", resources={"com.cloudflare.api.account.zone." + "0" * 32: "*"})
    assert api.error("GET", "Z/dns_records", **bearer(made["value"])) == (403, 10000)


def test_resources_of_a_token_are_echoed_byte_by_byte(api: Served) -> None:
    """The provider keeps this attribute as text: a space or another order is a change on every `pulumi up`."""
    resources = {"com.cloudflare.api.account.z": "*", "com.cloudflare.api.account.b": {"x": "*"}}
    policy = {"effect": "allow", "permission_groups": [group("DNS Read")], "resources": resources}
    answer = api.ask("POST", "A/tokens", {"name": "t", "policies": [policy]}).text
    told = '"resources":{"com.cloudflare.api.account.z":"*","com.cloudflare.api.account.b":{"x":"*"}}'
    assert told in answer
    number = api.result("GET", "A/tokens")[0]["id"]
    before = api.result("GET", f"A/tokens/{number}")
    changed = api.result("PUT", f"A/tokens/{number}", {"name": "u", "policies": before["policies"]})
    assert changed["policies"] == before["policies"] and changed["name"] == "u"
    wrong = {"name": "t", "policies": [{**policy, "permission_groups": [{"id": "0" * 32}]}]}
    assert api.error("POST", "A/tokens", wrong) == (400, 1001)


def test_permission_groups_are_found_by_name(api: Served) -> None:
    found = api.sdk.accounts.tokens.permission_groups.get(account_id=api.account, name="Workers R2 Storage Write")
    assert found is not None
    rows = api.result("GET", "A/tokens/permission_groups?name=Workers%20R2%20Storage%20Bucket")
    assert {row["name"] for row in rows} == {
        "Workers R2 Storage Bucket Item Read", "Workers R2 Storage Bucket Item Write",
    }  # fmt: skip
    assert api.result("GET", "A/tokens/permission_groups?page=2") == []


def test_a_health_check_shows_no_region_that_nobody_asked_for(api: Served) -> None:
    sent = {"name": "api", "address": f"api.{ZONE}", "type": "HTTPS", "interval": 60, "timeout": 5, "retries": 2,
            "http_config": {"path": "/health", "port": 443, "expected_codes": ["200"]}}  # fmt: skip
    made = api.result("POST", "Z/healthchecks", sent)
    assert "check_regions" not in made and "tcp_config" not in made
    assert made["http_config"]["method"] == "GET" and made["status"] == "unknown"
    check = api.sdk.healthchecks.get(made["id"], zone_id=api.zone)
    assert check.name == "api"
    changed = api.result("PUT", f"Z/healthchecks/{made['id']}", {**sent, "suspended": True})
    assert changed["status"] == "suspended" and changed["created_on"] == made["created_on"]
    assert api.error("POST", "Z/healthchecks", {**sent, "timeout": 60}) == (400, 1002)
    assert [one.id for one in api.sdk.healthchecks.list(zone_id=api.zone)] == [made["id"]]
    api.result("DELETE", f"Z/healthchecks/{made['id']}")
    assert api.error("GET", f"Z/healthchecks/{made['id']}")[0] == 404


def test_a_notification_names_where_it_goes(api: Served) -> None:
    hook = api.result("POST", "A/alerting/v3/destinations/webhooks",
                      {"name": "chat", "url": "https://hooks.slack.com/x", "secret": "s3cr3t"})  # fmt: skip
    assert hook["type"] == "slack" and "secret" not in hook
    sent = {"name": "down", "alert_type": "health_check_status_notification", "enabled": True,
            "mechanisms": {"webhooks": [{"id": hook["id"]}]}, "filters": {"status": ["Unhealthy"]}}  # fmt: skip
    policy = api.result("POST", "A/alerting/v3/policies", sent)
    assert policy["mechanisms"] == sent["mechanisms"]
    assert api.sdk.alerting.policies.get(policy["id"], account_id=api.account).name == "down"
    assert api.sdk.alerting.destinations.webhooks.get(hook["id"], account_id=api.account).name == "chat"
    wrong = {**sent, "mechanisms": {"webhooks": [{"id": "none"}]}}
    assert api.error("POST", "A/alerting/v3/policies", wrong) == (400, 17003)
    assert api.error("DELETE", f"A/alerting/v3/destinations/webhooks/{hook['id']}") == (400, 17004)
    api.result("DELETE", f"A/alerting/v3/policies/{policy['id']}")
    api.result("DELETE", f"A/alerting/v3/destinations/webhooks/{hook['id']}")


def test_an_application_is_guarded_by_policies_in_their_order(api: Served) -> None:
    account = api.account
    editors = api.result("POST", "A/access/groups", {"name": "editors", "include": [{"email": {"email": "a@b.test"}}]})
    robot = api.result("POST", "A/access/service_tokens", {"name": "robot", "duration": "8760h"})
    assert robot["client_id"].endswith(".access") and len(robot["client_secret"]) == 64
    assert "client_secret" not in api.result("GET", f"A/access/service_tokens/{robot['id']}")
    api.result("POST", "A/access/identity_providers", {"name": "PIN", "type": "onetimepin", "config": {}})
    people = {"name": "people", "decision": "allow", "include": [{"group": {"id": editors["id"]}}]}
    programs = {"name": "robots", "decision": "non_identity", "include": [{"service_token": {"token_id": robot["id"]}}]}
    one = api.result("POST", "A/access/policies", people)
    two = api.result("POST", "A/access/policies", programs)
    sent = {"name": "admin", "type": "self_hosted", "domain": f"api.{ZONE}/app", "session_duration": "8h",
            "policies": [{"id": two["id"], "precedence": 2}, {"id": one["id"], "precedence": 1}]}  # fmt: skip
    app = api.result("POST", "A/access/apps", sent)
    assert [policy["name"] for policy in app["policies"]] == ["people", "robots"] and len(app["aud"]) == 64
    assert api.result("GET", f"A/access/policies/{one['id']}")["app_count"] == 1
    changed = api.result("PUT", f"A/access/apps/{app['id']}", {**sent, "session_duration": "4h"})
    assert changed["aud"] == app["aud"] and changed["session_duration"] == "4h"
    access = api.sdk.zero_trust.access
    assert access.applications.get(app["id"], account_id=account) is not None
    assert access.policies.get(one["id"], account_id=account).name == "people"
    assert access.groups.get(editors["id"], account_id=account).name == "editors"
    assert access.service_tokens.get(robot["id"], account_id=account).name == "robot"
    assert [found.type for found in api.sdk.zero_trust.identity_providers.list(account_id=account)] == ["onetimepin"]
    told = api.settled().traffic.access
    assert told.applications[0]["policies"][0]["include"] == [{"group": {"id": editors["id"]}}]
    assert set(told.tokens) == {robot["client_id"]} and robot["client_secret"] not in repr(told.tokens)
    outside = {**sent, "domain": "admin.elsewhere.test"}
    assert api.error("POST", "A/access/apps", outside) == (400, 12130)
    assert api.error("POST", "A/access/policies", {**people, "include": [{"group": {"id": "none"}}]}) == (400, 12130)
    assert api.error("DELETE", f"A/access/policies/{one['id']}") == (400, 12130)
    api.result("DELETE", f"A/access/apps/{app['id']}")
    assert api.error("GET", f"A/access/apps/{app['id']}") == (404, 11021)


def request(kind: str) -> str:
    key: Any = ec.generate_private_key(ec.SECP256R1()) if kind == "ecc" else rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "anything")])
    signed = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM).decode()


def test_an_origin_certificate_is_signed_by_the_authority_that_the_edge_trusts(api: Served) -> None:
    csr = request("ecc")
    sent = {"csr": csr, "hostnames": [f"api.{ZONE}", f"*.{ZONE}"], "request_type": "origin-ecc",
            "requested_validity": 5475}  # fmt: skip
    made = api.result("POST", "/certificates", sent)
    certificate = x509.load_pem_x509_certificate(made["certificate"].encode())
    assert certificate.public_key() == x509.load_pem_x509_csr(csr.encode()).public_key()
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == sent["hostnames"]
    snapshot = api.settled().traffic.snapshot
    assert snapshot is not None
    authority = x509.load_pem_x509_certificate(snapshot.origin_authorities[0].encode())
    certificate.verify_directly_issued_by(authority)
    assert api.sdk.origin_ca_certificates.get(made["id"]).csr == csr
    assert [one.id for one in api.sdk.origin_ca_certificates.list(zone_id=api.zone)] == [made["id"]]
    revoked = api.result("DELETE", f"/certificates/{made['id']}")
    assert revoked["id"] == made["id"] and revoked["revoked_at"]


@pytest.mark.parametrize(
    ("change", "status"),
    [({"hostnames": ["api.elsewhere.test"]}, 403), ({"csr": "none"}, 400), ({"request_type": "origin-rsa"}, 400),
     ({"requested_validity": 1}, 400)],
)  # fmt: skip
def test_a_certificate_for_what_is_not_the_accounts_is_refused(
    api: Served, change: dict[str, Any], status: int
) -> None:
    sent = {"csr": request("ecc"), "hostnames": [f"api.{ZONE}"], "request_type": "origin-ecc"}
    assert api.error("POST", "/certificates", {**sent, **change})[0] == status


def test_the_owners_token_is_in_no_answer(api: Served) -> None:
    for path in ("/user/tokens/verify", "A/tokens", "/user", "/accounts"):
        assert TOKEN not in api.ask("GET", path).text
