"""The zone's settings and the records: declared by the one who owns them, as the API tells them back."""

from __future__ import annotations

import pulumi

from components.dns import Dns, DnsArgs
from components.zone import Zone, ZoneArgs
from tests.unit.edge_components.declared import API, METRICS, ZONE, assert_below, children
from tests.unit.monitor import Recording, recorded


def zone(owned: bool) -> Recording:
    return recorded(lambda: Zone("zone", ZoneArgs(ZONE, owned)))


def test_staging_leaves_the_settings_of_a_shared_zone_alone() -> None:
    """Declared by both stacks, each `up` would undo the other's, and a destroy of staging would be production's."""
    assert children(zone(owned=False)) == []


def test_the_owner_declares_the_settings() -> None:
    there = zone(owned=True)
    assert_below(there, "zone")
    values = {one.inputs["settingId"]: one.inputs["value"] for one in there.of("ZoneSetting")}
    assert values["ssl"] == "strict", "flexible would ask the balancer's port 80, where nobody is"
    assert values["min_tls_version"] == "1.2", "a number would be another value than the API tells"
    assert values["browser_cache_ttl"] == 0, "anything else lengthens what the storefront says of its pages"
    assert values["always_use_https"] == "on" and values["tls_1_3"] == "on"


def test_hsts_is_said_whole_and_binds_no_other_host() -> None:
    """Members that are left out are a change at each run; includeSubDomains locks out names without TLS for months."""
    value = zone(owned=True).named("zone-security-header").inputs["value"]
    assert value == {
        "strict_transport_security": {
            "enabled": True,
            "max_age": 15552000,
            "include_subdomains": False,
            "preload": False,
            "nosniff": True,
        }
    }


def test_hsts_is_changed_whole_as_well() -> None:
    """An update sends what changed alone, {"max_age": …}: whether the rest of it stays on is not told."""
    changed = {one.inputs["settingId"]: one.replace_on_changes for one in zone(owned=True).of("ZoneSetting")}
    assert changed.pop("security_header") == ("value",), "made again, it is sent whole; no setting is ever deleted"
    assert set(changed.values()) == {()}


def dns() -> Recording:
    address = pulumi.Output.from_input("198.18.255.1")
    return recorded(lambda: Dns("dns", DnsArgs(ZONE, "production", API, METRICS, address)))


def test_no_record_shows_the_load_balancer() -> None:
    """An unproxied record gives attackers an address that no limit guards; a TTL but 1 is refused for proxied ones."""
    there = dns()
    assert_below(there, "dns")
    assert len(children(there)) == 2
    for record in children(there):
        assert record.inputs["proxied"] is True and record.inputs["ttl"] == 1
        assert "production" in record.inputs["comment"], "whoever cleans up a zone sees whose it is"
        assert len(record.inputs["comment"]) <= 100, "the free plan takes no longer ones"


def test_records_have_full_names() -> None:
    """Short names come back as full ones, which the provider takes for a change (its #5858)."""
    there = dns()
    api, metrics = there.named("dns-api").inputs, there.named("dns-metrics").inputs
    assert (api["name"], api["type"], api["content"]) == (API, "A", "198.18.255.1")
    assert (metrics["name"], metrics["type"], metrics["content"]) == (METRICS, "AAAA", "100::")
