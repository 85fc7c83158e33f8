"""The bucket of the backups: what stays, what goes, and what its key opens."""

from __future__ import annotations

import hashlib
import json

import pulumi
import pytest

from components.backups import Backups, BackupsArgs
from tests.unit import cloudflare_account
from tests.unit.edge_components.declared import ACCOUNT, assert_below
from tests.unit.monitor import Recording, Secret, recorded, unmarked

DAY = 86400


def backups(protect: bool = True) -> Recording:
    def declare() -> None:
        args = BackupsArgs(ACCOUNT, "production", "opticworks-backups", "https://s3.example", 35, 7, protect)
        made = Backups("backups", args)
        pulumi.export("key", made.access_key_id)
        pulumi.export("secret", made.secret_access_key)

    return recorded(declare, stack="production")


def test_a_protected_bucket_outlives_the_program() -> None:
    """A component taken out of the program by mistake must not take the dumps with it."""
    there = backups()
    assert_below(there, "backups")
    bucket = there.named("backups-bucket")
    assert bucket.protect and bucket.retain_on_delete
    assert not backups(protect=False).named("backups-bucket").retain_on_delete, "the local stack leaves nothing behind"


def test_where_the_bucket_came_to_lie_replaces_nothing() -> None:
    """The location is a hint. R2 may tell another one, and a change of it would be a new, empty bucket."""
    bucket = backups().named("backups-bucket")
    assert bucket.inputs["location"] == "weur" and bucket.ignore_changes == ("location",)


def test_lifecycle_rules_come_in_one_order_and_without_empty_parts() -> None:
    """The API keeps the order; parts that are not used are in every plan when they are sent (provider #7338)."""
    expire, abort = backups().named("backups-lifecycle").inputs["rules"]
    assert expire == {
        "id": "expire-dumps",
        "enabled": True,
        "conditions": {"prefix": "medusa/"},
        "deleteObjectsTransition": {"condition": {"type": "Age", "maxAge": 35 * DAY}},
    }
    assert abort == {
        "id": "abort-uploads",
        "enabled": True,
        "conditions": {"prefix": ""},
        "abortMultipartUploadsTransition": {"condition": {"type": "Age", "maxAge": 7 * DAY}},
    }


def test_dumps_are_locked_before_there_is_a_key() -> None:
    """Whoever gets the server's key deletes the backups first."""
    there = backups()
    (rule,) = there.named("backups-lock").inputs["rules"]
    assert rule["prefix"] == "medusa/" and rule["condition"] == {"type": "Age", "maxAgeSeconds": 7 * DAY}
    lock = there.named("backups-lock").urn
    assert lock in there.named("backups-token").dependencies
    assert lock in there.named("backups-lifecycle").dependencies


def test_the_key_opens_this_bucket_alone() -> None:
    (policy,) = backups().named("backups-token").inputs["policies"]
    resource = f"com.cloudflare.edge.r2.bucket.{ACCOUNT}_default_opticworks-backups"
    assert json.loads(policy["resources"]) == {resource: "*"}
    assert " " not in policy["resources"], "the API tells it without spaces, and other text is a change"
    assert [group["id"] for group in policy["permissionGroups"]] == [
        "id of Workers R2 Storage Bucket Item Read",
        "id of Workers R2 Storage Bucket Item Write",
    ]


def test_the_key_pair_is_derived_as_r2_derives_it_and_stays_secret() -> None:
    there = backups()
    made = there.named("backups-token")
    assert made.secret_outputs == ("value",)
    number = there.exports["secret"]
    assert isinstance(number, Secret) and len(number.value) == 64
    digests = {hashlib.sha256(f"value-of-a-token-{count}".encode()).hexdigest() for count in range(20)}
    assert number.value in digests
    assert there.exports["key"].isdigit(), "the token's id"
    assert number.value not in [value for one in there.resources for _, value in unmarked(one.inputs)]


def test_an_account_without_r2_is_told_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cloudflare_account, "GROUPS", ("DNS Write",))
    with pytest.raises(pulumi.RunError, match=r"no permission group 'Workers R2 Storage Bucket Item Read'.*Enable R2"):
        backups()
