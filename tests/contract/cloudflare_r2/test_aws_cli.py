"""The AWS CLI, where it is installed: what an operator types at night."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from localcloud.cloudflare.r2.keys import Grant

from .conftest import R2

AWS = shutil.which("aws")


@pytest.mark.skipif(AWS is None, reason="the AWS CLI is not installed")
def test_sync_copy_and_remove(r2: R2, bucket: str, tmp_path: Path) -> None:
    """A restore by hand with the tool that everybody knows must not meet an operation that is missing."""
    key = r2.key(Grant(bucket, write=True))

    def aws(*words: str) -> str:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            "AWS_ACCESS_KEY_ID": key.id, "AWS_SECRET_ACCESS_KEY": key.secret, "AWS_DEFAULT_REGION": "auto",
            "AWS_CONFIG_FILE": str(tmp_path / "none"), "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        }  # fmt: skip
        command = [str(AWS), "--endpoint-url", r2.url, "s3", *words]
        return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout

    folder = tmp_path / "dumps"
    (folder / "sub").mkdir(parents=True)
    (folder / "big").write_bytes(os.urandom(17 * 1024 * 1024))
    (folder / "sub" / "a b").write_bytes(b"small")
    aws("sync", str(folder), f"s3://{bucket}/medusa")
    assert "sub/" in aws("ls", f"s3://{bucket}/medusa/")
    assert aws("sync", str(folder), f"s3://{bucket}/medusa") == ""
    aws("cp", f"s3://{bucket}/medusa/big", f"s3://{bucket}/copy")
    aws("cp", f"s3://{bucket}/copy", str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == (folder / "big").read_bytes()
    aws("rm", "--recursive", f"s3://{bucket}/")
    assert r2.store.scan(bucket, b"", b"", 1) == []
