"""What an API token opens, checksums against published values, and rules that are refused."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.cloudflare.accounts.groups import NAMES
from localcloud.cloudflare.buckets import credentials
from localcloud.cloudflare.r2 import checksums, rules
from localcloud.cloudflare.r2.conditions import span
from localcloud.cloudflare.r2.errors import R2Error

ACCOUNT = "a" * 32


def token(*policies: tuple[str, str, str]) -> dict[str, Any]:
    """A token as the control plane keeps it; policies as (permission group, resource, effect)."""
    ids = {name: id for id, name in NAMES.items()}
    rows = [
        {"effect": effect, "permission_groups": [{"id": ids[group]}], "resources": {resource: "*"}}
        for group, resource, effect in policies
    ]
    return {"id": "t", "_digest": "d", "policies": rows}


def test_a_token_opens_what_its_policies_name() -> None:
    """A token for the backups' bucket that opened all the others would make the scope a decoration."""
    read, write = "Workers R2 Storage Bucket Item Read", "Workers R2 Storage Bucket Item Write"
    backups = f"com.cloudflare.edge.r2.bucket.{ACCOUNT}_default_opticworks-backups"
    eu = f"com.cloudflare.edge.r2.bucket.{ACCOUNT}_eu_b-1"
    all_buckets = f"com.cloudflare.api.account.{ACCOUNT}"

    def reached(*policies: tuple[str, str, str]) -> list[tuple[frozenset[tuple[str, str]] | None, bool]]:
        return [(key.buckets, key.write) for key in credentials.of_token(token(*policies), ACCOUNT)]

    assert reached((write, backups, "allow")) == [(frozenset({("default", "opticworks-backups")}), True)]
    assert reached((read, backups, "allow")) == [(frozenset({("default", "opticworks-backups")}), False)]
    assert reached((read, eu, "allow")) == [(frozenset({("eu", "b-1")}), False)]
    assert reached(("Workers R2 Storage Write", all_buckets, "allow")) == [(None, True)]
    assert reached(("DNS Write", all_buckets, "allow")) == []


def test_what_a_token_is_denied_it_does_not_reach() -> None:
    """A denial that was passed over once left a key as wide as before."""
    write = "Workers R2 Storage Bucket Item Write"
    bucket = f"com.cloudflare.edge.r2.bucket.{ACCOUNT}_default_b-1"
    assert credentials.of_token(token((write, bucket, "allow"), (write, bucket, "deny")), ACCOUNT) == []
    harmless = ("DNS Write", f"com.cloudflare.api.account.{ACCOUNT}", "deny")
    assert len(credentials.of_token(token((write, bucket, "allow"), harmless), ACCOUNT)) == 1


@pytest.mark.parametrize(
    ("algorithm", "expected"), [("crc32", "cbf43926"), ("crc32c", "e3069283"), ("crc64nvme", "ae8b14860a799888")]
)
def test_checksums_are_the_published_ones(algorithm: str, expected: str) -> None:
    """A wrong table would refuse every upload of clients that use it: the AWS CLI does by default."""
    digest = checksums.start(algorithm)
    digest.update(b"12345")
    digest.update(b"6789")
    assert digest.digest().hex() == expected


def test_rules_nobody_could_evaluate_are_refused() -> None:
    """A lifecycle rule in days, or without an id, would silently delete nothing, or too early."""
    for wrong in (
        {"id": "a", "deleteObjectsTransition": {"condition": {"type": "Age", "maxAge": "30d"}}},
        {"id": "a", "deleteObjectsTransition": {"condition": {"type": "Days"}}},
        {"id": "a", "deleteObjectsTransition": {"condition": {"type": "Date", "date": "soon"}}},
        {"deleteObjectsTransition": {"condition": {"type": "Age", "maxAge": 1}}},
    ):
        with pytest.raises(R2Error):
            rules.check_lifecycle([wrong])
    with pytest.raises(R2Error):
        rules.check_lock([{"id": "a", "condition": {"type": "Age", "maxAge": 1}}])
    lock = {"id": "a", "prefix": "m/", "condition": {"type": "Date", "date": "2030-01-01T00:00:00Z"}}
    assert rules.locked_until([lock], "m/x", 0) == 1893456000
    assert rules.locked_until([lock], "x", 0) is None


def test_ranges() -> None:
    """A range that is read wrongly gives a download with a hole."""
    assert [span(text, 10) for text in ("bytes=0-0", "bytes=5-", "bytes=-20", None, "bytes=5-4", "lines=1-2")] == [
        (0, 1), (5, 5), (0, 10), None, None, None,
    ]  # fmt: skip
