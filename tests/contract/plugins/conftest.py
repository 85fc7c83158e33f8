"""The plugins: ``hcloud`` with an embedded cloud behind it, ``cloudflare`` with a stub that keeps what it is told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from localcloud.plugins.cloudflare.provider import make as make_cloudflare
from localcloud.plugins.command.provider import make as make_command
from localcloud.plugins.hcloud.provider import make as make_hcloud
from tests.contract.hetzner.serving import TOKEN, Served
from tests.contract.hetzner.serving import serve as serve_cloud
from tests.contract.plugins.cloudflare_stub import Stub, serve_stub
from tests.contract.plugins.driver import Plugin, serve

CLOUDFLARE_TOKEN = "t" * 40


@pytest.fixture
def cloud() -> Iterator[Served]:
    with serve_cloud() as served:
        yield served


@pytest.fixture
def hcloud(cloud: Served) -> Iterator[Plugin]:
    with serve(make_hcloud, "hcloud") as plugin:
        plugin.configure(token=TOKEN, endpoint=f"{cloud.url}/v1", pollInterval="10ms", pollFunction="constant")
        yield plugin


@pytest.fixture
def stub() -> Iterator[Stub]:
    with serve_stub() as served:
        yield served


@pytest.fixture
def cloudflare(stub: Stub) -> Iterator[Plugin]:
    with serve(make_cloudflare, "cloudflare") as plugin:
        plugin.configure(apiToken=CLOUDFLARE_TOKEN, baseUrl=stub.url)
        yield plugin


@pytest.fixture
def command() -> Iterator[Plugin]:
    with serve(make_command, "command") as plugin:
        plugin.configure()
        yield plugin
