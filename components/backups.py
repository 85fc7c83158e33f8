"""The bucket for backups: what expires when, what must not go early, and a key pair that opens this bucket alone."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

import pulumi
import pulumi_cloudflare as cloudflare

PREFIX = "medusa/"
"""Where the database's dumps lie."""

LOCATION = "weur"
"""Western Europe, as the servers."""

DAY = 24 * 3600
ABORT_DAYS = 7

GROUPS = ("Workers R2 Storage Bucket Item Read", "Workers R2 Storage Bucket Item Write")


@dataclass(frozen=True)
class BackupsArgs:
    account_id: str
    environment: str
    bucket: str
    """Its name, one in the account."""
    endpoint: str
    """Of the S3 API."""
    retention_days: int = 35
    lock_days: int = 7
    """Fewer than `retention_days`."""
    protect: bool = True


class Backups(pulumi.ComponentResource):
    """A bucket whose dumps cannot be deleted for a week, by whoever has the key, and are deleted after a month.

    The key pair is an API token's, as R2 derives it: the token's id, and the SHA-256 of its value.
    """

    bucket: pulumi.Output[str]
    endpoint: str
    access_key_id: pulumi.Output[str]
    secret_access_key: pulumi.Output[str]
    """Secret."""

    def __init__(self, name: str, args: BackupsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("opticworks:index:Backups", name, None, opts)
        bucket = cloudflare.R2Bucket(
            f"{name}-bucket",
            account_id=args.account_id,
            name=args.bucket,
            location=LOCATION,
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=args.protect,
                # Out of the program, or unprotected for a moment: the dumps stay where they are.
                retain_on_delete=args.protect,
                # A hint that counts once. R2 tells where the bucket came to lie, which may be elsewhere, and another
                # location would be another bucket.
                ignore_changes=["location"],
                delete_before_replace=True,
            ),
        )
        lock = cloudflare.R2BucketLock(
            f"{name}-lock",
            account_id=args.account_id,
            bucket_name=bucket.name,
            rules=[
                cloudflare.R2BucketLockRuleArgs(
                    id="keep-dumps",
                    enabled=True,
                    prefix=PREFIX,
                    condition=cloudflare.R2BucketLockRuleConditionArgs(
                        type="Age", max_age_seconds=args.lock_days * DAY
                    ),
                )
            ],
            opts=pulumi.ResourceOptions(parent=self),
        )
        cloudflare.R2BucketLifecycle(
            f"{name}-lifecycle",
            account_id=args.account_id,
            bucket_name=bucket.name,
            # In this order always: the API keeps it, and another one is a change. It replaces the rule that a new
            # bucket has of itself, which is the second one here.
            rules=[
                cloudflare.R2BucketLifecycleRuleArgs(
                    id="expire-dumps",
                    enabled=True,
                    conditions=cloudflare.R2BucketLifecycleRuleConditionsArgs(prefix=PREFIX),
                    delete_objects_transition=cloudflare.R2BucketLifecycleRuleDeleteObjectsTransitionArgs(
                        condition=cloudflare.R2BucketLifecycleRuleDeleteObjectsTransitionConditionArgs(
                            type="Age", max_age=args.retention_days * DAY
                        )
                    ),
                ),
                cloudflare.R2BucketLifecycleRuleArgs(
                    id="abort-uploads",
                    enabled=True,
                    conditions=cloudflare.R2BucketLifecycleRuleConditionsArgs(prefix=""),
                    abort_multipart_uploads_transition=(
                        cloudflare.R2BucketLifecycleRuleAbortMultipartUploadsTransitionArgs(
                            condition=cloudflare.R2BucketLifecycleRuleAbortMultipartUploadsTransitionConditionArgs(
                                type="Age", max_age=ABORT_DAYS * DAY
                            )
                        )
                    ),
                ),
            ],
            # A key is given out, and dumps expire, only once what must stay is locked.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[lock]),
        )
        token = cloudflare.AccountToken(
            f"{name}-token",
            account_id=args.account_id,
            name=f"opticworks-store-{args.environment}-backups",
            policies=[
                cloudflare.AccountTokenPolicyArgs(
                    effect="allow",
                    permission_groups=[
                        cloudflare.AccountTokenPolicyPermissionGroupArgs(id=group)
                        for group in permission_groups(args.account_id)
                    ],
                    resources=bucket.name.apply(lambda made: resources(args.account_id, made)),
                )
            ],
            # Whoever has backups to write must not be without a key for a moment: the new token comes first.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[lock], protect=args.protect),
        )
        self.bucket = bucket.name
        self.endpoint = args.endpoint
        self.access_key_id = token.id
        self.secret_access_key = pulumi.Output.secret(token.value.apply(secret_access_key))
        self.register_outputs({"bucket": self.bucket, "endpoint": self.endpoint})


def resources(account_id: str, bucket: str) -> str:
    """What the token reaches: JSON without spaces, as the API tells it back. `default`: no jurisdiction was chosen."""
    return json.dumps({f"com.cloudflare.edge.r2.bucket.{account_id}_default_{bucket}": "*"}, separators=(",", ":"))


def secret_access_key(token: str) -> str:
    """The secret half of R2's key pair for a token's value."""
    return hashlib.sha256(token.encode()).hexdigest()


def permission_groups(account_id: str) -> list[str]:
    """Ids of what the token may do, by name; ids differ from one Cloudflare to another.

    Raises RunError when there is no group of that name.
    """
    found = cloudflare.get_account_api_token_permission_groups_list(account_id=account_id).results
    known = {group.name: group.id for group in found}
    if missing := [name for name in GROUPS if name not in known]:
        raise pulumi.RunError(
            f"The account {account_id} has no permission group {missing[0]!r} for a token of the backups' bucket: "
            "R2 is not enabled there. Enable R2 on the account's page in Cloudflare's dashboard."
        )
    return [known[name] for name in GROUPS]
