"""Readers for the kinds of values that a stack file holds.

Each takes what Pulumi (strings, JSON for lists) or a YAML file (typed values) gives, and returns the value that the
program works with, or raises ValueError with what is wrong; the message completes the sentence "it …".
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_ssh_private_key, load_ssh_public_key

IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
HOST_NAME = re.compile(rf"{LABEL}(?:\.{LABEL})+")
RFC1918 = tuple(ipaddress.IPv4Network(block) for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))
HETZNER_GATEWAY = ipaddress.IPv4Address("172.31.1.1")
"""The gateway of every server's public side; networks that hold it are refused by the Cloud API."""
MIN_RSA_BITS = 3072


def text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("is not a string")
    if value != value.strip():
        raise ValueError("has spaces or a line break at its ends")
    return value


def matching(pattern: str, otherwise: str) -> Callable[[object], str]:
    """A reader of strings that the whole `pattern` matches."""
    compiled = re.compile(pattern)

    def read(value: object) -> str:
        found = text(value)
        if not compiled.fullmatch(found):
            raise ValueError(otherwise)
        return found

    return read


def one_of(*allowed: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        found = text(value)
        if found not in allowed:
            raise ValueError("is none of these")
        return found

    return read


def whole_number(low: int, high: int) -> Callable[[object], int]:
    """A reader of whole numbers from `low` to `high`, both included."""

    def read(value: object) -> int:
        if isinstance(value, bool):
            raise ValueError("is not a whole number")
        if isinstance(value, str) and re.fullmatch(r"[+-]?[0-9]{1,18}", value):
            value = int(value)
        if not isinstance(value, int):
            raise ValueError("is not a whole number")
        if value < low:
            raise ValueError("is too small")
        if value > high:
            raise ValueError("is too large")
        return value

    return read


def boolean(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if value == "true":
        return True
    if value == "false":
        return False
    raise ValueError("is neither true nor false")


def host_name(value: object) -> str:
    """A full host name in lower case: at least two labels, no scheme, port or path (RFC 1123)."""
    found = text(value)
    if "/" in found or ":" in found:
        raise ValueError("holds a scheme, port or path; the host name alone is wanted")
    if len(found) > 253 or not HOST_NAME.fullmatch(found):
        raise ValueError("is not a host name")
    return found


def private_range(value: object) -> ipaddress.IPv4Network:
    """A private IPv4 range with room for the subnets of `components.addresses` (eight of /24)."""
    try:
        found = ipaddress.IPv4Network(text(value), strict=True)
    except ValueError as error:
        raise ValueError(f"is not an IPv4 range ({error})") from None
    if not any(found.subnet_of(block) for block in RFC1918):
        raise ValueError("is not inside 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16")
    if found.prefixlen > 21:
        raise ValueError("is too small for the subnets")
    if HETZNER_GATEWAY in found:
        raise ValueError("holds 172.31.1.1, the gateway of servers' public side")
    return found


def items(value: object) -> tuple[object, ...]:
    """A list, from YAML or from the JSON that Pulumi hands over."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except json.JSONDecodeError:
            raise ValueError("is not a list") from None
    if not isinstance(value, (list, tuple)):
        raise ValueError("is not a list")
    return tuple(value)


def cidrs(value: object) -> tuple[IPNetwork, ...]:
    """Ranges of addresses, at most 100 (the most that one firewall rule takes)."""
    found: list[IPNetwork] = []
    for item in items(value):
        given = text(item)
        try:
            if "/" not in given:
                raise ValueError("it has no prefix length")
            network = ipaddress.ip_network(given, strict=True)
        except ValueError as error:
            raise ValueError(f"holds {given}, which is not a range of addresses ({error})") from None
        if network in found:
            raise ValueError(f"holds {network} twice")
        found.append(network)
    if len(found) > 100:
        raise ValueError(f"holds {len(found)} ranges; a firewall rule takes 100 at most")
    return tuple(found)


def public_keys(value: object) -> tuple[str, ...]:
    """OpenSSH public keys, as in a .pub file, without options in front."""
    found: list[str] = []
    for number, item in enumerate(items(value), start=1):
        if "PRIVATE KEY" in str(item):
            raise ValueError(f"holds a private key as key {number}")
        line = text(item)
        try:
            key = load_ssh_public_key(line.encode())
        except (ValueError, UnsupportedAlgorithm):
            raise ValueError(f"holds something else than an OpenSSH public key as key {number}") from None
        if isinstance(key, RSAPublicKey) and key.key_size < MIN_RSA_BITS:
            raise ValueError(f"holds an RSA key of {key.key_size} bits as key {number}; {MIN_RSA_BITS} is the least")
        if line in found:
            raise ValueError(f"holds key {number} twice")
        found.append(line)
    return tuple(found)


def private_key(value: object) -> str:
    """An ed25519 private key in OpenSSH's own format, without a passphrase."""
    if not isinstance(value, str):
        raise ValueError("is not a string")
    try:
        key = load_ssh_private_key(value.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("is not an OpenSSH private key without a passphrase") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("is a key of another type")
    return value if value.endswith("\n") else value + "\n"


def stripe_api_key(value: object) -> str:
    found = text(value)
    if found.startswith("pk_"):
        raise ValueError("is a publishable key; the server needs the secret one")
    if found.startswith("whsec_"):
        raise ValueError("is a webhook secret")
    if not re.fullmatch(r"(?:sk|rk)_(?:test|live)_[A-Za-z0-9_]{8,250}", found):
        raise ValueError("is not a Stripe key")
    return found


def archive(value: object) -> Path:
    found = Path(text(value))
    if not found.name.endswith(".tar.zst"):
        raise ValueError("is not the path of a release archive")
    return found
