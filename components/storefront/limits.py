"""What Cloudflare takes as one version of a Worker, by the account's Workers plan (not the zone's plan)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """Sizes in bytes. Source: Workers' platform limits."""

    name: str
    compressed: int
    raw: int
    assets: int
    """Files of a version."""
    asset: int
    variables: int
    """Variables and secrets of a Worker, together."""


FREE = Limits("Workers Free", 3 * MIB, 64 * MIB, 20_000, 25 * MIB, 64)
PAID = Limits("Workers Paid", 10 * MIB, 64 * MIB, 100_000, 25 * MIB, 128)
VARIABLE = 5 * 1024
"""Bytes of one variable or secret."""


@dataclass(frozen=True)
class Excess:
    rule: str
    paid_allows: bool
    """Whether the same would do on Workers Paid."""


def exceeded(limits: Limits, *, compressed: int, raw: int, assets: Mapping[str, int]) -> Iterator[Excess]:
    """Each limit that a version breaks; `assets` are sizes by address."""
    if raw > limits.raw:
        yield Excess(f"its modules are {_mib(raw)}, and a Worker has at most {_mib(limits.raw)}", raw <= PAID.raw)
    if compressed > limits.compressed:
        rule = (
            f"its modules are {_mib(compressed)} compressed, and {limits.name} takes at most {_mib(limits.compressed)}"
        )
        yield Excess(rule, compressed <= PAID.compressed)
    if len(assets) > limits.assets:
        rule = f"it has {len(assets)} assets, and {limits.name} takes at most {limits.assets} files"
        yield Excess(rule, len(assets) <= PAID.assets)
    for address, size in assets.items():
        if size > limits.asset:
            rule = f"its asset {address} is {_mib(size)}, and one has at most {_mib(limits.asset)}: it belongs into R2"
            yield Excess(rule, size <= PAID.asset)


def _mib(size: int) -> str:
    return f"{size / MIB:.2f} MiB"
