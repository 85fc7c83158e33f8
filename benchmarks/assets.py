"""A file from the edge's cache and a Worker's static file, over HTTPS, against nginx that serves the same file.

One client for all, in turns; nginx has one worker process, as the edge is one process, and a certificate of the same
authority and kind.
"""

from __future__ import annotations

import argparse
import asyncio
import http.server
import json
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.clients import Connection, Target, at_once, p50
from benchmarks.cloud import ZONE, Cloud, cloud
from benchmarks.measure import show
from benchmarks.nginx import nginx, trusting
from localcloud.cloudflare.edge.authority import Authority

AIM = 2.0
SIZES = {"10 KB": 10_000, "200 KB": 200_000}
REQUESTS = 300
"""Requests of each latency round."""
SECONDS = 1.0
"""Of each throughput round."""
CONNECTIONS = 8
ASSETS, CACHED = f"assets.{ZONE}", f"cached.{ZONE}"


@contextmanager
def origin(root: Path) -> Iterator[int]:
    """An origin that lets its files be kept."""

    class Files(http.server.SimpleHTTPRequestHandler):
        def end_headers(self) -> None:
            self.send_header("cache-control", "public, max-age=3600")
            self.send_header("etag", '"1"')
            super().end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Files, directory=str(root)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def declare(edge: Cloud, files: list[Path], port: int) -> None:
    """A Worker of static files alone, and an origin behind the cache."""
    token = edge.assets("assets", {f"/{path.name}": path for path in files})
    version = edge.version(edge.worker("assets"), compatibility_date="2026-04-01", assets={"jwt": token})
    edge.deploy("assets", version)
    edge.domain(ASSETS, "assets")
    record = {"type": "A", "name": CACHED, "content": "127.0.0.1", "proxied": True, "ttl": 1}
    edge.ask("POST", "Z/dns_records", record)
    edge.ask("PATCH", "Z/settings/ssl", {"value": "off"})
    rule = {
        "action": "route", "expression": f'http.host eq "{CACHED}"',
        "action_parameters": {"origin": {"port": port}},
    }  # fmt: skip
    edge.ask("PUT", "Z/rulesets/phases/http_request_origin/entrypoint", {"rules": [rule]})
    edge.settled()


async def latency(target: Target, requests: int) -> list[float]:
    """Seconds until each response is whole, one request after another on a kept connection."""
    connection = await Connection.to(target)
    answers = [await connection.ask(target.request) for _ in range(requests)]
    connection.close()
    assert all(answer.status == 200 for answer in answers), answers[0].head
    return [answer.whole for answer in answers]


async def compare(targets: dict[str, Target], size: int, rounds: int) -> dict[str, dict[str, float]]:
    """Median seconds and requests a second of each, in turns."""
    times: dict[str, list[float]] = {name: [] for name in targets}
    rates: dict[str, list[float]] = {name: [] for name in targets}
    for target in targets.values():
        await latency(target, 20)
    for _ in range(rounds):
        for name, target in targets.items():
            times[name] += await latency(target, REQUESTS)
        for name, target in targets.items():
            rate, answers = await at_once(target, CONNECTIONS, SECONDS)
            assert all(answer.status == 200 and answer.size == size for answer in answers), name
            if name != "nginx":
                assert {answer.field("cf-cache-status") for answer in answers} == {"HIT"}, name
            rates[name].append(rate)
    return {name: {"p50": p50(times[name]), "rate": p50([*rates[name], *rates[name]])} for name in targets}


def main() -> None:
    """Measure in turns, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.assets", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10, help="rounds of each (default 10)")
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON")
    asked = parser.parse_args()
    found: dict[str, dict[str, dict[str, float]]] = {}
    with tempfile.TemporaryDirectory(prefix="store-benchmark-") as name:
        scratch = Path(name)
        root = scratch / "files"
        root.mkdir()
        files = [root / f"{size}.jpg" for size in SIZES.values()]
        for path, size in zip(files, SIZES.values(), strict=True):
            path.write_bytes(os.urandom(size))
        with cloud(scratch) as edge, origin(root) as port:
            declare(edge, files, port)
            certificate = scratch / "nginx.pem"
            certificate.write_bytes(Authority(edge.home / "ca").certificate("nginx.localhost"))
            tls = trusting(edge.authority)
            with nginx(scratch / "nginx", root, certificate) as plain:
                for label, size in SIZES.items():
                    address = f"/{size}.jpg"
                    targets = {
                        "nginx": Target("nginx.localhost", address, plain, tls=tls),
                        "Worker's asset": Target(ASSETS, address, edge.https, tls=tls),
                        "cached": Target(CACHED, address, edge.https, tls=tls),
                    }
                    found[label] = asyncio.run(compare(targets, size, asked.rounds))
    if asked.json:
        print(json.dumps(found))
        return
    for label, each in found.items():
        rows = []
        for name, one in each.items():
            slower, fewer = one["p50"] / each["nginx"]["p50"], each["nginx"]["rate"] / one["rate"]
            ratio = "" if name == "nginx" else f"{slower:.2f}× / {fewer:.2f}×"
            told = f"{one['p50'] * 1e3:.2f} ms, {one['rate']:.0f}/s"
            rows.append((name, told + (f"  {ratio}" if ratio else ""), "" if name == "nginx" else f"≤ {AIM}×"))
        show(f"{label}: median time, requests a second (of nginx's), {asked.rounds} rounds in turns", rows)


if __name__ == "__main__":
    main()
