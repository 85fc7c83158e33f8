"""What a DNS record may be, and what the API makes of it; pure."""

from __future__ import annotations

import json
import re
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from localcloud.cloudflare.errors import ApiError, bad_request
from localcloud.cloudflare.store import Row

PROXIABLE = ("A", "AAAA", "CNAME")
DATA_TYPES = ("CAA", "CERT", "DNSKEY", "DS", "HTTPS", "LOC", "NAPTR", "SMIMEA", "SRV", "SSHFP", "SVCB", "TLSA", "URI")
TYPES = (*PROXIABLE, "MX", "NS", "OPENPGPKEY", "PTR", "TXT", *DATA_TYPES)
PRIORITY = ("MX", "SRV", "URI")
LABEL = re.compile(r"(?:\*|[a-zA-Z0-9_](?:[a-zA-Z0-9_-]{0,61}[a-zA-Z0-9_])?)")
ORDER = {
    "CAA": ("flags", "tag", '"value"'),
    "CERT": ("type", "key_tag", "algorithm", "certificate"),
    "DNSKEY": ("flags", "protocol", "algorithm", "public_key"),
    "DS": ("key_tag", "algorithm", "digest_type", "digest"),
    "HTTPS": ("priority", "target", "value"),
    "NAPTR": ("order", "preference", '"flags"', '"service"', '"regex"', "replacement"),
    "SMIMEA": ("usage", "selector", "matching_type", "certificate"),
    "SRV": ("weight", "port", "target"),
    "SSHFP": ("algorithm", "type", "fingerprint"),
    "SVCB": ("priority", "target", "value"),
    "TLSA": ("usage", "selector", "matching_type", "certificate"),
    "URI": ("weight", '"target"'),
    "LOC": ("lat_degrees", "lat_minutes", "lat_seconds", "lat_direction", "long_degrees", "long_minutes",
            "long_seconds", "long_direction", "altitude", "size", "precision_horz", "precision_vert"),
}  # fmt: skip
"""The members of ``data`` in the order of the record's text form; those in quotes are quoted there."""


def full_name(name: str, zone: str) -> str:
    """The name with its zone: ``www``, ``www.example.com`` and ``@`` are all allowed to be sent."""
    name = name.lower().rstrip(".")
    if name in ("@", ""):
        return zone
    return name if name == zone or name.endswith(f".{zone}") else f"{name}.{zone}"


def complete(sent: dict[str, Any], zone: str) -> Row:
    """The record as it is stored, without id and dates. Raises 400."""
    kind = sent.get("type")
    if kind not in TYPES:
        raise bad_request(f"Invalid type {kind}: it is one of {', '.join(TYPES)}", 9004, "/type")
    if not isinstance(sent.get("name"), str):
        raise bad_request("DNS name is invalid.", 9000, "/name")
    name = full_name(sent["name"], zone)
    if len(name) > 253 or not all(LABEL.fullmatch(label) for label in name.split(".")) or "*" in name[1:]:
        raise bad_request("DNS name is invalid.", 9000, "/name")
    proxied = bool(sent.get("proxied") or False)
    if proxied and kind not in PROXIABLE:
        raise bad_request(f"Proxied is not allowed for records of type {kind}", 9004, "/proxied")
    row: Row = {
        "name": name,
        "type": kind,
        "content": _content(kind, sent),
        "proxiable": kind in PROXIABLE,
        "proxied": proxied,
        "ttl": _ttl(sent.get("ttl", 1), proxied),
        "settings": sent.get("settings") or {},
        "meta": {},
        "comment": sent.get("comment") or None,
        "tags": sent.get("tags") or [],
    }
    if kind in DATA_TYPES:
        row["data"] = _data(kind, sent)
    if kind in PRIORITY:
        row["priority"] = int(sent.get("priority", (sent.get("data") or {}).get("priority", 0)) or 0)
    if kind == "CNAME" and row["content"].lower() == name:
        raise bad_request("CNAME record cannot reference itself.", 9039, "/content")
    return row


def _ttl(ttl: Any, proxied: bool) -> int:
    if isinstance(ttl, bool) or not isinstance(ttl, int | float) or not (ttl == 1 or 30 <= ttl <= 86400):
        raise bad_request("Invalid TTL. Must be between 60 and 86,400 seconds, or 1 for Automatic.", 9021, "/ttl")
    # The edge answers for proxied names, and decides how long that holds.
    return 1 if proxied else int(ttl)


def _data(kind: str, sent: dict[str, Any]) -> dict[str, Any]:
    data = sent.get("data")
    if not isinstance(data, dict):
        raise bad_request(f"Data is required for records of type {kind}", 9101, "/data")
    return data


def _content(kind: str, sent: dict[str, Any]) -> str:
    if kind in DATA_TYPES:
        data = _data(kind, sent)
        words = []
        for member in ORDER[kind]:
            quoted = member.startswith('"')
            value = data.get(member.strip('"'), "")
            words.append(f'"{value}"' if quoted else str(value))
        return " ".join(words).strip()
    content = sent.get("content")
    if not isinstance(content, str) or not content:
        raise bad_request(f"Content for {kind} record is required.", 9005, "/content")
    if kind in ("A", "AAAA"):
        return _address(kind, content)
    if kind in ("CNAME", "MX", "NS", "PTR"):
        target = content.rstrip(".")
        if len(target) > 253 or not all(LABEL.fullmatch(label) for label in target.split(".")):
            code = {"CNAME": 9007, "MX": 9009, "NS": 9008, "PTR": 9009}[kind]
            raise bad_request(f"Content for {kind} record is invalid.", code, "/content")
        return target
    if kind == "TXT" and len(content.encode()) > 4096:
        text = "Record content exceeds the allowed length of 4096 wire format bytes."
        raise bad_request(text, 9015, "/content")
    return content


def _address(kind: str, content: str) -> str:
    try:
        return str(IPv4Address(content) if kind == "A" else IPv6Address(content))
    except ValueError:
        version, code = ("IPv4", 9005) if kind == "A" else ("IPv6", 9006)
        raise bad_request(f"Content for {kind} record must be a valid {version} address.", code, "/content") from None


def same(one: Row, other: Row) -> bool:
    """Whether two records say the same of the same name."""
    return _identity(one) == _identity(other)


def _identity(row: Row) -> str:
    return json.dumps([row["name"], row["type"], row["content"], row.get("priority")])


def check_among(row: Row, others: list[Row]) -> None:
    """Raise 400 if a record of the zone stands against ``row``."""
    for other in others:
        if other["name"] != row["name"]:
            continue
        if same(row, other):
            raise ApiError(400, 81058, "An identical record already exists.")
        if "CNAME" in (row["type"], other["type"]) and row["type"] in PROXIABLE and other["type"] in PROXIABLE:
            raise ApiError(400, 81053, "An A, AAAA, or CNAME record with that host already exists.")
