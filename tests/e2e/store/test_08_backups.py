"""The backups' bucket with the stack's own key pair: filled, read, and not emptied by whoever has the key."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.e2e.store.checkout import Checkout
from tests.e2e.store.cloudflare import cloudflare

LOCKED = "medusa/2026-01-01.dump"
FREE = "trial/2026-01-01.dump"


@pytest.fixture(scope="module")
def keys(store: Checkout) -> dict[str, str]:
    """accessKeyId and secretAccessKey."""
    outputs = store.shell("pulumi stack output --json --show-secrets -s local").json()
    return dict(outputs["backupsCredentials"])


@pytest.fixture(scope="module")
def s3(store: Checkout, keys: dict[str, str]) -> Any:
    return boto3.client(
        "s3", endpoint_url=store.outputs()["backupsEndpoint"], region_name="auto",
        aws_access_key_id=keys["accessKeyId"], aws_secret_access_key=keys["secretAccessKey"],
        config=Config(retries={"max_attempts": 1}, proxies={}),
    )  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def emptied(store: Checkout, s3: Any) -> Iterator[None]:
    """R2 deletes no bucket that holds something, and the lock holds dumps for a week: before the store can be destroyed
    somebody with the account's rights lifts the lock and empties the bucket. Here that is for the test to do."""
    yield
    bucket = store.outputs()["backupsBucket"]
    with cloudflare(store) as api:
        lock = api.result("GET", f"A/r2/buckets/{bucket}/lock")
        api.result("PUT", f"A/r2/buckets/{bucket}/lock", json={"rules": []})
        try:
            for key in (LOCKED, FREE):
                s3.delete_object(Bucket=bucket, Key=key)
        finally:
            api.result("PUT", f"A/r2/buckets/{bucket}/lock", json=lock)


def test_a_dump_is_put_found_and_read_back(store: Checkout, s3: Any) -> None:
    """The night on which a backup is wanted is a bad one to learn that the key does not fit."""
    bucket, dump = store.outputs()["backupsBucket"], os.urandom(100_000)
    s3.put_object(Bucket=bucket, Key=LOCKED, Body=dump)
    listed = s3.list_objects_v2(Bucket=bucket, Prefix="medusa/")["Contents"]
    assert [(one["Key"], one["Size"]) for one in listed] == [(LOCKED, len(dump))]
    assert s3.get_object(Bucket=bucket, Key=LOCKED)["Body"].read() == dump


def test_a_dump_cannot_be_deleted_or_overwritten_early(store: Checkout, s3: Any) -> None:
    """Whoever breaks into a server finds the key there; the backups must outlive that."""
    bucket = store.outputs()["backupsBucket"]
    with pytest.raises(ClientError):
        s3.delete_object(Bucket=bucket, Key=LOCKED)
    with pytest.raises(ClientError):
        s3.put_object(Bucket=bucket, Key=LOCKED, Body=b"")
    assert s3.head_object(Bucket=bucket, Key=LOCKED)["ContentLength"] == 100_000
    s3.put_object(Bucket=bucket, Key=FREE, Body=b"trial")
    s3.delete_object(Bucket=bucket, Key=FREE)


def test_the_key_opens_this_bucket_alone(store: Checkout, s3: Any) -> None:
    """A key for one bucket that opens the account's others is the wrong key to have on a server."""
    with cloudflare(store) as api:
        api.result("POST", "A/r2/buckets", json={"name": "somebody-elses"})
        try:
            for attempt in (s3.list_objects_v2, s3.delete_bucket):
                with pytest.raises(ClientError, match=r"AccessDenied|Forbidden|403"):
                    attempt(Bucket="somebody-elses")
        finally:
            api.result("DELETE", "A/r2/buckets/somebody-elses")
    assert "medusa/" in s3.list_objects_v2(Bucket=store.outputs()["backupsBucket"])["Contents"][0]["Key"]


@pytest.mark.skipif(shutil.which("aws") is None, reason="the AWS CLI is not installed")
def test_the_aws_cli_does_what_the_runbook_says(store: Checkout, keys: dict[str, str], tmp_path: Path) -> None:
    """What an operator types at night, on a machine that has nothing of ours."""
    outputs = store.outputs()
    command = (
        f"AWS_CONFIG_FILE={tmp_path}/none AWS_SHARED_CREDENTIALS_FILE={tmp_path}/none AWS_DEFAULT_REGION=auto "
        f"AWS_ACCESS_KEY_ID={keys['accessKeyId']} AWS_SECRET_ACCESS_KEY={keys['secretAccessKey']} "
        f"aws --endpoint-url {outputs['backupsEndpoint']} s3"
    )
    address = f"s3://{outputs['backupsBucket']}/{LOCKED}"
    assert LOCKED.removeprefix("medusa/") in store.shell(f"{command} ls {address}").stdout
    store.shell(f"{command} cp {address} {tmp_path}/dump")
    assert (tmp_path / "dump").stat().st_size == 100_000
