"""Firewall rules become the nftables rules that mean the same."""

from __future__ import annotations

from localcloud.machines import firewall
from localcloud.machines.interface import FirewallRule

ANY = ("0.0.0.0/0", "::/0")


def test_no_firewall_lets_everything_pass_and_an_empty_one_nothing_in() -> None:
    # Incident: a firewall without rules is taken for no firewall, and the server stands open.
    assert firewall.chain(None, "in") == [] and firewall.chain(None, "out") == []
    assert firewall.chain([], "in") == ["drop"] and firewall.chain([], "out") == []


def test_rules_by_protocol_port_and_family() -> None:
    rules = [
        FirewallRule("in", "tcp", ("203.0.113.0/24", "2001:db8::/32"), "22"),
        FirewallRule("in", "udp", ANY, "1024-5000"),
        FirewallRule("in", "icmp", ("0.0.0.0/0",)),
        FirewallRule("in", "gre", ("10.0.0.1/32",)),
        FirewallRule("out", "tcp", ANY, "443"),
    ]
    assert firewall.chain(rules, "in") == [
        "ip saddr { 203.0.113.0/24 } tcp dport 22 accept",
        "ip6 saddr { 2001:db8::/32 } tcp dport 22 accept",
        "meta nfproto ipv4 udp dport 1024-5000 accept",
        "meta nfproto ipv6 udp dport 1024-5000 accept",
        "meta nfproto ipv4 meta l4proto { icmp, ipv6-icmp } accept",
        "ip saddr { 10.0.0.1/32 } meta l4proto gre accept",
        "drop",
    ]
    assert firewall.chain(rules, "out") == [
        "ip daddr 169.254.169.254 accept",
        "meta nfproto ipv4 tcp dport 443 accept",
        "meta nfproto ipv6 tcp dport 443 accept",
        "drop",
    ]


def test_overlapping_ranges_are_merged() -> None:
    # Incident: nft refuses a set with overlapping ranges, so that a valid firewall is not applied at all.
    rule = FirewallRule("in", "tcp", ("10.0.0.0/8", "10.1.0.0/16", "192.0.2.1/32"), "80")
    assert firewall.chain([rule], "in")[0] == "ip saddr { 10.0.0.0/8, 192.0.2.1/32 } tcp dport 80 accept"


def test_script_replaces_a_ports_rules_in_one_transaction() -> None:
    script = firewall.script("s7", [])
    assert script.index("flush chain inet lc in_s7") < script.index("add rule inet lc in_s7 drop")
    assert 'add element inet lc inward { "s7" : jump in_s7 }' in script
