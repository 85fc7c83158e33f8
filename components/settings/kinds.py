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

from components.settings.errors import shown

IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
HOST_NAME = re.compile(rf"{LABEL}(?:\.{LABEL})+")
RFC1918 = tuple(ipaddress.IPv4Network(block) for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))
HETZNER_GATEWAY = ipaddress.IPv4Address("172.31.1.1")
"""The gateway of every server's public side; networks that hold it are refused by the Cloud API."""
MIN_RSA_BITS = 3072
KEY_TYPES = (
    "ssh-ed25519",
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)
"""Types of keys that sshd of Debian 12 and 13 lets in; neither DSA nor certificates."""
MOST_CIDRS = 100
"""CIDRs of one firewall rule (Cloud API)."""


class BadItem(ValueError):
    """One item of a list is wrong: the one at `index`, from 0. `surplus`: it only has to go."""

    def __init__(self, index: int, wrong: str, *, surplus: bool = False) -> None:
        super().__init__(wrong)
        self.index = index
        self.surplus = surplus


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
        except (ValueError, RecursionError):
            raise ValueError("is not a list") from None
    if not isinstance(value, (list, tuple)):
        raise ValueError("is not a list")
    return tuple(value)


def cidrs(value: object) -> tuple[IPNetwork, ...]:
    """Ranges of addresses, at most 100 (the most that one firewall rule takes)."""
    found: list[IPNetwork] = []
    for index, item in enumerate(items(value)):
        try:
            network = _cidr(item)
        except ValueError as error:
            raise BadItem(index, f"holds {shown(item)}, which is not a range of addresses ({error})") from None
        if network in found:
            raise BadItem(index, f"holds {network} twice", surplus=True)
        found.append(network)
    if len(found) > MOST_CIDRS:
        raise BadItem(
            MOST_CIDRS, f"holds {len(found)} ranges; a firewall rule takes {MOST_CIDRS} at most", surplus=True
        )
    return tuple(found)


def _cidr(item: object) -> IPNetwork:
    given = text(item)
    if "/" not in given:
        raise ValueError("it has no prefix length")
    network = ipaddress.ip_network(given, strict=True)
    if isinstance(network, ipaddress.IPv6Network):
        if network.network_address.scope_id is not None:
            raise ValueError("it names an interface of this machine")
        # The Cloud API would answer with the IPv4 range in it, and every preview would show a change.
        if network.network_address.ipv4_mapped is not None:
            raise ValueError("it is an IPv4 range in IPv6 clothes; write it as IPv4")
    return network


def public_keys(value: object) -> tuple[str, ...]:
    """OpenSSH public keys, as in a .pub file, without options in front; the same key once only."""
    found: list[str] = []
    seen: set[str] = set()
    for index, item in enumerate(items(value)):
        if "PRIVATE KEY" in str(item):
            raise BadItem(index, f"holds a private key as key {index + 1}")
        try:
            line = text(item)
            if len(line.splitlines()) != 1:
                raise ValueError("it is not one line")
            blob = _public_key(line)
        except ValueError as error:
            rule = "something else than an OpenSSH public key that servers take"
            raise BadItem(index, f"holds {rule} as key {index + 1} ({error})") from None
        if blob in seen:
            raise BadItem(index, f"holds key {index + 1} twice", surplus=True)
        seen.add(blob)
        found.append(line)
    return tuple(found)


def _public_key(line: str) -> str:
    """What identifies the key of that line of authorized_keys. Raises ValueError when sshd would not let it in."""
    kind, _, rest = line.partition(" ")
    if kind not in KEY_TYPES:
        raise ValueError(f"it does not start with {', '.join(KEY_TYPES[:2])} or another type of key")
    try:
        key = load_ssh_public_key(line.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("what follows the type is no such key") from None
    if isinstance(key, RSAPublicKey) and key.key_size < MIN_RSA_BITS:
        raise ValueError(f"an RSA key of {key.key_size} bits; {MIN_RSA_BITS} is the least")
    return rest.split()[0]


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
    # Go and OpenSSH are stricter than the library: a key pasted with an indent would fail at the first server.
    return "".join(f"{line.strip()}\n" for line in value.strip().splitlines())


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
