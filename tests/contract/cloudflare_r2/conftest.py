"""An R2 that listens, and boto3 to ask it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from localcloud.cloudflare.r2 import app
from localcloud.cloudflare.r2.keys import AccessKey, Grant, MemoryKeys
from localcloud.cloudflare.r2.store import Store
from tests.contract.listening import listening


class Clock:
    """Stands still until it is moved. Seconds since 1970."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class R2:
    store: Store
    keys: MemoryKeys
    clock: Clock
    url: str

    def key(self, *grants: Grant) -> AccessKey:
        made = AccessKey(secrets.token_hex(16), secrets.token_hex(32), grants)
        self.keys.add(made)
        return made

    def client(self, key: AccessKey, **config: Any) -> Any:
        return boto3.client(
            "s3", endpoint_url=self.url, aws_access_key_id=key.id, aws_secret_access_key=key.secret,
            region_name="auto", config=Config(retries={"max_attempts": 1}, **config),
        )  # fmt: skip


@pytest.fixture(scope="module")
def r2(tmp_path_factory: pytest.TempPathFactory) -> Iterator[R2]:
    folder: Path = tmp_path_factory.mktemp("r2")
    clock, known = Clock(), MemoryKeys()
    store = Store(folder, clock)
    with listening(app.create(store, known, sweep_interval=None)) as url:
        yield R2(store, known, clock, url)
    store.close()


@pytest.fixture
def bucket(r2: R2) -> str:
    return r2.store.create_bucket(f"bucket-{secrets.token_hex(6)}").name


@pytest.fixture
def s3(r2: R2) -> Any:
    return r2.client(r2.key(Grant(None, write=True, admin=True)))
