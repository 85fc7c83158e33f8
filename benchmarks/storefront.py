"""The example storefront behind the edge: its first byte against workerd's own, a change of version, and memory.

The storefront reads its products from a stand-in for Medusa that answers at once. The edge is asked over HTTPS,
workerd over its Unix socket with the fields that the edge would set; both go to the same workerd, in turns.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.clients import Answer, Pool, Target, p50, p99, steadily
from benchmarks.cloud import ROOT, ZONE, Cloud, cloud
from benchmarks.measure import megabytes, name, show, tree
from benchmarks.nginx import trusting
from localcloud.cloudflare.runtime.capnp import CF_HEADER, SCHEME_HEADER

AIMS = {"first byte": 1.5, "version": 2.0, "memory": 700.0}
RATE = 50.0
"""Requests a second."""
ONE_BY_ONE = 20
"""Requests by either way of each round that wait for the one before."""
CHANGES = 5
"""Of version."""
NAME = "storefront"
HOST = f"store.{ZONE}"
FIELDS = (
    ("accept", "text/html"), ("accept-encoding", "gzip, br"),
    ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
)  # fmt: skip
AS_THE_EDGE = (
    ("cf-connecting-ip", "127.0.0.1"), ("x-real-ip", "127.0.0.1"), ("cf-ipcountry", "XX"), ("cf-ray", "0-LCL"),
    ("cf-visitor", '{"scheme":"https"}'), ("x-forwarded-proto", "https"), ("x-forwarded-for", "127.0.0.1"),
    ("cdn-loop", "cloudflare; loops=1"), (SCHEME_HEADER, "https"), (CF_HEADER, '{"colo":"LCL","country":"XX"}'),
)  # fmt: skip


@contextmanager
def medusa() -> Iterator[int]:
    """The port of a stand-in for Medusa, a process of its own."""
    command = [sys.executable, "-m", "benchmarks.medusa"]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None and process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()


def build(output: Path) -> Path:
    """The composed bundle of the example; built if it was not before."""
    command = ["scripts/store", "storefront", "build", "--app", "examples/storefront", "--output", str(output)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit("The example storefront was not built.")
    return Path(done.stdout.strip())


class Storefront:
    """A Worker of the bundle."""

    def __init__(self, edge: Cloud, bundle: Path, api: int) -> None:
        self._edge, self._bundle = edge, bundle
        self._manifest: dict[str, Any] = json.loads((bundle / "manifest.json").read_text())
        self._api = f"http://127.0.0.1:{api}"
        self._worker = edge.worker(NAME)
        self._namespace = edge.ask("POST", "A/storage/kv/namespaces", {"title": "benchmark"})["id"]

    def version(self, number: int) -> str:
        """Upload a version that differs from the others; its id."""
        manifest, root = self._manifest, self._bundle / "assets"
        files = {"/" + path.relative_to(root).as_posix(): path for path in root.rglob("*") if path.is_file()}
        config = {key: value for key, value in manifest["assets"]["config"].items() if key != "headers"}
        config |= {"_headers": manifest["assets"]["config"].get("headers", "")}
        texts = {
            "MEDUSA_BACKEND_URL": self._api, "MEDUSA_PUBLISHABLE_KEY": "pk_benchmark", "STATUS_HOST": f"status.{ZONE}",
            "NUMBER": str(number),
        }  # fmt: skip
        return self._edge.version(
            self._worker,
            main_module=manifest["main_module"],
            modules=[
                one | {"content": (self._bundle / "modules" / one["name"]).read_bytes()} for one in manifest["modules"]
            ],
            compatibility_date=manifest["compatibility_date"],
            compatibility_flags=manifest["compatibility_flags"],
            assets={"jwt": self._edge.assets(NAME, files), "config": config},
            bindings=[
                *({"type": "plain_text", "name": key, "text": text} for key, text in texts.items()),
                {"type": "assets", "name": manifest["assets"]["binding"]},
                {"type": "version_metadata", "name": "CF_VERSION_METADATA"},
                {"type": "kv_namespace", "name": "STORE_STATE", "namespace_id": self._namespace},
            ],
        )

    def deploy(self, version: str) -> None:
        self._edge.deploy(NAME, version)

    @property
    def socket(self) -> str:
        """Where workerd answers for it."""
        generations = (self._edge.home / "edge" / "run").glob("workerd-*/0.sock")
        return str(max(generations, key=lambda path: path.stat().st_mtime))


def whole(answers: list[Answer | Exception], who: str) -> list[Answer]:
    """Good responses; raises SystemExit where one of ``who``'s is not."""
    good = [answer for answer in answers if isinstance(answer, Answer) and answer.status == 200]
    if len(good) < len(answers):
        bad = next(one for one in answers if one not in good)
        sys.exit(f"{len(answers) - len(good)} of {len(answers)} requests to {who} failed: {bad!r}")
    return good


Times = dict[str, list[float]]


async def first_byte(edge: Target, workerd: Target, rounds: int, seconds: float) -> tuple[Times, Times]:
    """Seconds until the first byte by either way, in turns: at a steady rate, and one request after another."""
    pools = {"edge": Pool(edge), "workerd": Pool(workerd)}
    times: Times = {each: [] for each in pools}
    alone: Times = {each: [] for each in pools}
    for each, pool in pools.items():
        first = whole(await steadily(pool.ask, RATE, 2), each)
        print(f"{first[0].status}, {first[0].size} bytes, {first[0].field('content-encoding')}", file=sys.stderr)
    for _ in range(rounds):
        for each, pool in pools.items():
            times[each] += [answer.first_byte for answer in whole(await steadily(pool.ask, RATE, seconds), each)]
        for _ in range(ONE_BY_ONE):
            for each, pool in pools.items():
                alone[each].append(whole([await pool.ask()], each)[0].first_byte)
    for pool in pools.values():
        pool.close()
    return times, alone


async def change(storefront: Storefront, version: str, target: Target) -> dict[str, float]:
    """Seconds from the API's call, until its answer and the first and every response of this version."""
    pool = Pool(target)
    seen: list[tuple[float, str]] = []
    called = answered = 0.0

    async def ask() -> Answer:
        sent = time.perf_counter()
        answer = await pool.ask()
        seen.append((sent, answer.field("x-store-version")))
        return answer

    async def deploy() -> None:
        nonlocal called, answered
        await asyncio.sleep(1)
        called = time.perf_counter()
        await asyncio.to_thread(storefront.deploy, version)
        answered = time.perf_counter()

    results, _ = await asyncio.gather(steadily(ask, RATE, 5), deploy())
    pool.close()
    failed = sum(1 for one in results if not isinstance(one, Answer) or one.status != 200)
    new = [sent for sent, which in seen if which == version]
    old = [sent for sent, which in seen if which != version]
    if not new or max(old) > called + 3.5:
        sys.exit("The new version did not reach traffic.")
    # A request belongs to the time it was sent: the first that none of the old version was sent after.
    every = min(sent for sent in new if sent > max(old))
    return {"answer": answered - called, "first": min(new) - called, "every": every - called, "failed": failed}


def memory(edge: Cloud) -> dict[str, float]:
    """MB of the daemon and what it started, by command."""
    found: dict[str, float] = {}
    for pid in tree([edge.pid]):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        part = "daemon" if pid == edge.pid else next(
            (word.decode().rsplit(".", 1)[-1] for word in words if word.startswith(b"localcloud.")), name(pid)
        )  # fmt: skip
        found[part] = found.get(part, 0.0) + megabytes([pid])
    return found


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.storefront", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10, help="rounds of each (default 10)")
    parser.add_argument("--seconds", type=float, default=1.5, help="of each round (default 1.5)")
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="store-benchmark-") as folder, medusa() as api:
        scratch = Path(folder)
        bundle = build(scratch / "storefronts")
        with cloud(scratch) as edge:
            storefront = Storefront(edge, bundle, api)
            storefront.deploy(storefront.version(0))
            edge.domain(HOST, NAME)
            edge.settled()
            target = Target(HOST, "/", edge.https, tls=trusting(edge.authority), fields=FIELDS)
            direct = Target(HOST, "/", socket=storefront.socket, fields=(*FIELDS, *AS_THE_EDGE))
            times, alone = asyncio.run(first_byte(target, direct, asked.rounds, asked.seconds))
            changes = [
                asyncio.run(change(storefront, storefront.version(number), target)) for number in range(1, CHANGES + 1)
            ]
            used = memory(edge)
    ways = {f"at {RATE:.0f} requests/s": times, "one request after another": alone}
    if asked.json:
        found = {way: {each: p50(values) for each, values in one.items()} for way, one in ways.items()}
        print(json.dumps({"first byte": found, "changes": changes, "memory": used}))
        return
    for way, one in ways.items():
        rows = [
            (each, f"p50 {p50(values) * 1e3:.2f} ms, p99 {p99(values) * 1e3:.2f} ms", "")
            for each, values in one.items()
        ]
        rows.append(("ratio at p50", f"{p50(one['edge']) / p50(one['workerd']):.2f}", f"≤ {AIMS['first byte']}"))
        show(f"first byte of the storefront, {way}", rows)
    worst = {key: max(one[key] for one in changes) for key in changes[0]}
    aim = f"< {AIMS['version']:.0f} s"
    show(
        f"a change of version under {RATE:.0f} requests/s, the slowest of {len(changes)}",
        [
            ("the API's answer", f"{worst['answer']:.2f} s", ""),
            ("the first response of it", f"{worst['first']:.2f} s", aim),
            ("every response of it", f"{worst['every']:.2f} s", aim),
            ("failed requests, of all of them", f"{sum(one['failed'] for one in changes):.0f}", "0"),
        ],
    )
    rows = [(part, f"{value:.0f} MB", "") for part, value in sorted(used.items())]
    show("memory after it", [*rows, ("together", f"{sum(used.values()):.0f} MB", f"≤ {AIMS['memory']:.0f} MB")])


if __name__ == "__main__":
    main()
