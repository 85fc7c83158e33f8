"""The package cache between machines and mirrors, with a mirror on loopback."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from localcloud.machines import packages, relay

BODY = bytes(range(256)) * 4000


class Mirror:
    """Answers ``/NAME.deb`` with a body, slowly enough that two clients meet; counts what it was asked."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.short = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = packages.parse_head(await reader.readuntil(b"\r\n\r\n"))
        self.asked[head.target] += 1
        if "missing" in head.target:
            writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone")
        else:
            writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(BODY)}\r\n\r\n".encode())
            writer.write(BODY[:1000])
            await writer.drain()
            await asyncio.sleep(0.05)
            writer.write(BODY[1000:2000] if self.short else BODY[1000:])
        writer.close()


@pytest.fixture
async def mirror() -> Mirror:
    return Mirror()


@pytest.fixture
async def port(tmp_path: Path, mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """Port of a cache whose connections all meant to go to the mirror."""
    upstream = await asyncio.start_server(mirror.serve, "127.0.0.1", 0)
    target = upstream.sockets[0].getsockname()
    monkeypatch.setattr(relay, "original_destination", lambda writer: target)
    monkeypatch.setattr(relay, "is_of_host", lambda address: False)
    cache = await asyncio.start_server(packages.Store(tmp_path / "store").serve, "127.0.0.1", 0)
    async with upstream, cache:
        yield cache.sockets[0].getsockname()[1]


async def fetch(port: int, *targets: str) -> list[tuple[int, bytes]]:
    """Ask for several things on one connection, as apt does."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answers = []
    for target in targets:
        writer.write(f"GET {target} HTTP/1.1\r\nHost: mirror\r\n\r\n".encode())
    for _ in targets:
        status, headers, _ = await packages.read_response_head(reader)
        answers.append((status, await reader.readexactly(int(headers["content-length"]))))
    writer.close()
    return answers


async def test_a_file_is_fetched_once_for_all_who_ask_at_once(port: int, mirror: Mirror) -> None:
    # Incident: three servers of a tier boot together and each downloads the whole of PostgreSQL.
    results = await asyncio.gather(*(fetch(port, "/a.deb", "/b.deb") for _ in range(4)))
    assert all(answers == [(200, BODY), (200, BODY)] for answers in results)
    assert mirror.asked == {"/a.deb": 1, "/b.deb": 1}
    assert await fetch(port, "/a.deb") == [(200, BODY)]
    assert mirror.asked["/a.deb"] == 1


async def test_what_can_change_is_fetched_each_time(port: int, mirror: Mirror) -> None:
    await fetch(port, "/dists/x/InRelease", "/dists/x/InRelease")
    assert mirror.asked["/dists/x/InRelease"] == 2


async def test_an_error_of_the_mirror_is_passed_on_and_not_kept(port: int, mirror: Mirror) -> None:
    # Incident: a mirror's bad minute is kept for ever, and the package can never be installed again.
    assert await fetch(port, "/missing.deb") == [(404, b"gone")]
    assert await fetch(port, "/missing.deb", "/a.deb") == [(404, b"gone"), (200, BODY)]


async def test_half_a_file_is_never_kept(port: int, mirror: Mirror, tmp_path: Path) -> None:
    # Incident: a download that broke off is served from the store as if it were whole.
    mirror.short = True
    with pytest.raises(asyncio.IncompleteReadError):
        await fetch(port, "/a.deb")
    mirror.short = False
    assert await fetch(port, "/a.deb") == [(200, BODY)]
    assert [path.suffix for path in (tmp_path / "store").iterdir()] == [""]


def test_store_is_kept_to_its_size_by_age(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Incident: the cache fills the laptop's disk over the months.
    import os

    store = packages.Store(tmp_path)
    for age, name in ((300, "old"), (200, "middle"), (100, "new"), (9000, "dead.part")):
        (tmp_path / name).write_bytes(b"x" * 10)
        now = (tmp_path / name).stat().st_mtime
        os.utime(tmp_path / name, (now - age, now - age))
    monkeypatch.setattr(packages, "KEEP_BYTES", 20)
    store.prune()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["middle", "new"]
