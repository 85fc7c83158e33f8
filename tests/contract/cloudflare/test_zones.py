"""Zones, their settings and records, as the SDK and the provider use them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.cloudflare.serving import ZONE, Served


def test_a_zone_is_looked_up_by_name_and_the_list_ends(api: Served) -> None:
    """A server that ignores ?page= makes clients ask for ever: ten thousand requests, once."""
    zones = list(api.sdk.zones.list(name=ZONE))
    assert [zone.name for zone in zones] == [ZONE]
    assert api.result("GET", "/zones?page=2") == []
    assert api.sdk.zones.get(zone_id=zones[0].id).name_servers
    assert list(api.sdk.zones.list(name="other.localhost")) == []


def test_an_unknown_zone_is_404_so_that_clients_take_it_for_gone(api: Served) -> None:
    assert api.error("GET", "/zones/" + "0" * 32) == (404, 1001)
    assert api.error("GET", "/zones/" + "0" * 32 + "/dns_records") == (404, 1001)


def test_settings_have_values_before_anybody_sets_them_and_refuse_wrong_ones(api: Served) -> None:
    """A zone that was hardened by a typo: "Strict" was taken, and TLS stayed off."""
    zone = api.zone
    assert api.sdk.zones.settings.get("ssl", zone_id=zone).value == "full"  # type: ignore[union-attr]
    api.sdk.zones.settings.edit("ssl", zone_id=zone, value="strict")
    assert api.result("GET", "Z/settings/ssl")["value"] == "strict"
    assert api.error("PATCH", "Z/settings/ssl", {"value": "Strict"}) == (400, 1007)
    assert api.error("PATCH", "Z/settings/no_such", {"value": "on"}) == (400, 1003)
    header = {"strict_transport_security": {"enabled": True, "max_age": 31536000}}
    shown = api.result("PATCH", "Z/settings/security_header", {"value": header})
    assert shown["value"]["strict_transport_security"] == {
        "enabled": True, "max_age": 31536000, "include_subdomains": False, "preload": False, "nosniff": False,
    }  # fmt: skip
    assert {one["id"] for one in api.result("GET", "Z/settings")} >= {"ssl", "min_tls_version", "http3"}


def test_a_record_is_shown_as_the_provider_expects_it(api: Served) -> None:
    """Each of these members missing was an update on every `pulumi up`."""
    sent = {"name": f"api.{ZONE}", "type": "A", "content": "198.18.0.10", "ttl": 1, "proxied": True}
    made = api.result("POST", "Z/dns_records", sent)
    assert {key: made[key] for key in ("tags", "settings", "meta", "comment", "proxiable", "ttl")} == {
        "tags": [], "settings": {}, "meta": {}, "comment": None, "proxiable": True, "ttl": 1,
    }  # fmt: skip
    assert api.result("GET", f"Z/dns_records/{made['id']}") == made
    record = api.sdk.dns.records.get(made["id"], zone_id=api.zone)
    assert record is not None and record.content == "198.18.0.10"
    changed = api.result("PUT", f"Z/dns_records/{made['id']}", {**sent, "content": "198.18.0.11"})
    assert changed["id"] == made["id"] and changed["created_on"] == made["created_on"]
    assert api.error("POST", "Z/dns_records", {**sent, "content": "198.18.0.11"}) == (400, 81058)
    assert api.error("POST", "Z/dns_records", {**sent, "type": "CNAME", "content": "x.test"}) == (400, 81053)
    assert api.result("DELETE", f"Z/dns_records/{made['id']}") == {"id": made["id"]}
    assert api.error("DELETE", f"Z/dns_records/{made['id']}") == (404, 81044)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({"type": "A", "name": "a", "content": "300.1.1.1", "ttl": 1}, 9005),
        ({"type": "TXT", "name": "a", "content": "x", "ttl": 5}, 9021),
        ({"type": "TXT", "name": "a", "content": "x", "ttl": 1, "proxied": True}, 9004),
        ({"type": "A", "name": "a..b", "content": "1.1.1.1", "ttl": 1}, 9000),
        ({"type": "SRV", "name": "_a._tcp", "ttl": 1}, 9101),
    ],
)
def test_a_record_that_is_none_is_refused(api: Served, sent: dict[str, Any], code: int) -> None:
    assert api.error("POST", "Z/dns_records", sent) == (400, code)


def test_records_are_found_by_name_type_and_content(api: Served) -> None:
    """A look-up that ignores its filter adopts, and then overwrites, another stack's record."""
    for name in ("api", "api-staging"):
        sent = {"type": "CNAME", "name": name, "content": "origin.test", "ttl": 300}
        api.result("POST", "Z/dns_records", sent)
    data = {"priority": 1, "weight": 2, "port": 443, "target": "a.test"}
    api.result("POST", "Z/dns_records", {"type": "SRV", "name": "_x._tcp", "data": data, "ttl": 300})
    api.result("POST", "Z/dns_records", {"type": "MX", "name": "@", "content": "mail.test", "priority": 10, "ttl": 60})
    api.result("POST", "Z/dns_records", {"type": "TXT", "name": "@", "content": '"v=spf1 -all"', "ttl": 60})
    zone = api.zone
    found = list(api.sdk.dns.records.list(zone_id=zone, name={"exact": f"api.{ZONE}"}))
    assert [record.name for record in found] == [f"api.{ZONE}"]
    assert len(list(api.sdk.dns.records.list(zone_id=zone, type="CNAME"))) == 2
    assert len(list(api.sdk.dns.records.list(zone_id=zone, per_page=2))) == 5
    assert [one["content"] for one in api.result("GET", "Z/dns_records?type=SRV")] == ["2 443 a.test"]
    assert '"v=spf1 -all"' in api.ask("GET", "Z/dns_records/export").text


def test_a_batch_happens_as_a_whole_or_not_at_all(api: Served) -> None:
    first = api.result("POST", "Z/dns_records", {"type": "A", "name": "a", "content": "1.1.1.1", "ttl": 1})
    good = {"type": "A", "name": "b", "content": "1.1.1.1", "ttl": 1}
    bad = {"deletes": [{"id": first["id"]}], "posts": [good, good]}
    assert api.error("POST", "Z/dns_records/batch", bad) == (400, 81058)
    assert [one["name"] for one in api.result("GET", "Z/dns_records")] == [f"a.{ZONE}"]
    done = api.result("POST", "Z/dns_records/batch", {"deletes": [{"id": first["id"]}], "posts": [good]})
    assert len(done["deletes"]) == len(done["posts"]) == 1


def test_switched_features_keep_what_was_switched(api: Served) -> None:
    sent = {"managed_request_headers": [{"id": "add_visitor_location_headers", "enabled": True}]}
    api.result("PATCH", "Z/managed_headers", {**sent, "managed_response_headers": []})
    shown = {one["id"]: one["enabled"] for one in api.result("GET", "Z/managed_headers")["managed_request_headers"]}
    assert shown["add_visitor_location_headers"] is True and list(shown.values()).count(True) == 1
    assert api.result("PATCH", "Z/dnssec", {"status": "active"})["status"] == "active"
    assert api.result("PATCH", "Z/argo/smart_routing", {"value": "on"})["value"] == "on"


def test_the_data_plane_is_told_of_zones_and_records(api: Served) -> None:
    api.result("POST", "Z/dns_records", {"type": "A", "name": "a", "content": "1.1.1.1", "ttl": 1, "proxied": True})
    snapshot = api.settled().traffic.snapshot
    assert snapshot is not None
    assert [(one.name, one.proxied) for one in snapshot.records] == [(f"a.{ZONE}", True)]
    assert snapshot.zones[0].settings["ssl"] == "full"
