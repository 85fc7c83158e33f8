"""What an API token opens, checksums against published values, and rules that are refused."""

from __future__ import annotations

import pytest

from localcloud.cloudflare.r2 import checksums, keys, rules
from localcloud.cloudflare.r2.conditions import span
from localcloud.cloudflare.r2.errors import R2Error
from localcloud.cloudflare.r2.keys import ITEM_READ, ITEM_WRITE, STORAGE_WRITE, of_token

ACCOUNT = "a" * 32


def policy(group: str, resource: str, effect: str = "allow") -> dict[str, object]:
    return {"effect": effect, "permission_groups": [{"id": group}], "resources": {resource: "*"}}


def test_a_token_opens_what_its_policies_name() -> None:
    """A token for the backups' bucket that opened all the others would make the scope a decoration."""
    bucket = f"com.cloudflare.edge.r2.bucket.{ACCOUNT}_default_opticworks-backups"
    key = of_token("t", "s", [policy(ITEM_WRITE, bucket)])
    assert key.may("opticworks-backups", True) and not key.may("other", False) and not key.may(None, False)
    assert not of_token("t", "s", [policy(ITEM_READ, bucket)]).may("opticworks-backups", True)
    assert of_token("t", "s", [policy(STORAGE_WRITE, f"com.cloudflare.api.account.{ACCOUNT}")]).may(None, True, True)
    denied = [policy(ITEM_WRITE, bucket), policy(ITEM_WRITE, bucket, "deny")]
    assert not of_token("t", "s", denied).may("opticworks-backups", False)
    eu = of_token("t", "s", [policy(ITEM_READ, f"com.cloudflare.edge.r2.bucket.{ACCOUNT}_eu_b-1")])
    assert eu.may("eu.b-1", False) and not eu.may("b-1", False)
    assert keys.secret_of("value") == "cd42404d52ad55ccfa9aca4adc828aa5800ad9d385a0671fbcbf724118320619"


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
