"""A Worker's R2 binding in workerd sees what S3 clients see."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from localcloud.cloudflare.r2 import binding
from localcloud.daemon import backends
from localcloud.daemon.sockets import listen
from tests.contract.listening import listening

from .conftest import R2

FOUND = sorted(backends.cache().glob("workerd/*/node_modules/@cloudflare/workerd-linux-64/bin/workerd"))
WORKERD = shutil.which("workerd") or (str(FOUND[0]) if FOUND else None)
WORKER = """
export default { async fetch(request, env) {
  const b = env.BUCKET, out = {};
  const s3 = await b.get("from s3");
  out.s3 = [await s3.text(), s3.httpMetadata.contentType, s3.customMetadata.a];
  out.missing = await b.get("missing");
  const put = await b.put("from worker", "0123456789", {
    httpMetadata: { contentType: "t/t", cacheControl: "no-store" }, customMetadata: { k: "v" } });
  out.head = (await b.head("from worker")).etag === put.etag;
  out.range = await (await b.get("from worker", { range: { offset: 2, length: 3 } })).text();
  out.suffix = await (await b.get("from worker", { range: { suffix: 2 } })).text();
  out.refused = await b.put("from worker", "other", { onlyIf: { etagDoesNotMatch: put.etag } });
  out.bodyless = "body" in (await b.get("from worker", { onlyIf: { etagDoesNotMatch: put.etag } }));
  const up = await b.createMultipartUpload("parts");
  const one = await up.uploadPart(1, new Uint8Array(5 * 1024 * 1024)), two = await up.uploadPart(2, "end");
  out.parts = (await up.complete([one, two])).size;
  const page = await b.list({ limit: 2 });
  out.list = [page.objects.map((o) => o.key), page.truncated];
  out.rest = (await b.list({ cursor: page.cursor })).objects.map((o) => o.key);
  out.folders = (await b.list({ delimiter: " " })).delimitedPrefixes;
  await b.delete(["parts", "from s3"]);
  try { await b.put("locked/x", "again"); } catch (e) { out.error = e.message; }
  return Response.json(out);
} };
"""
CONFIG = """
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (modules = [(name = "w.js", esModule = embed "w.js")], compatibilityDate = "2025-01-01",
      bindings = [(name = "BUCKET", r2Bucket = "r2")])),
    (name = "r2", external = (address = "127.0.0.1:%d", http = ())) ],
  sockets = [(name = "http", address = "127.0.0.1:%d", http = (), service = "main")] );
"""


@pytest.fixture
def worker(r2: R2, bucket: str, tmp_path: Path) -> Iterator[str]:
    async def serve(request: Request) -> Response:
        stream: AsyncIterator[bytes] = request.stream()
        got = await binding.answer(r2.store, bucket, request.method, dict(request.headers), stream)
        return Response(b"".join(got.chunks()), got.status, got.headers)

    app = Starlette(routes=[Route("/{path:path}", serve, methods=["GET", "PUT"])])
    with listening(app) as url:
        (tmp_path / "w.js").write_text(WORKER)
        with listen(0) as free:
            port = free.getsockname()[1]
        (tmp_path / "c.capnp").write_text(CONFIG % (httpx.URL(url).port, port))
        process = subprocess.Popen([str(WORKERD), "serve", str(tmp_path / "c.capnp")])
        yield f"http://127.0.0.1:{port}"
        process.terminate()
        process.wait()


@pytest.mark.skipif(WORKERD is None, reason="workerd is not in the cache yet")
def test_a_worker_and_s3_share_one_bucket(r2: R2, s3: Any, bucket: str, worker: str) -> None:
    """A Worker that reads an empty bucket of its own while the files lie in the other one."""
    s3.put_object(Bucket=bucket, Key="from s3", Body=b"hello", ContentType="x/y", Metadata={"a": "b"})
    s3.put_object(Bucket=bucket, Key="locked/x", Body=b"x")
    lock = {"id": "l", "enabled": True, "prefix": "locked/", "condition": {"type": "Indefinite"}}
    r2.store.set_lock(bucket, [lock])
    with httpx.Client(transport=httpx.HTTPTransport(retries=6), timeout=30) as client:
        told = client.get(worker).json()
    assert "10069" in told.pop("error")
    assert told == {
        "s3": ["hello", "x/y", "b"], "missing": None, "head": True, "range": "234", "suffix": "89", "refused": None,
        "bodyless": False, "parts": 5 * 1024 * 1024 + 3, "list": [["from s3", "from worker"], True],
        "rest": ["locked/x", "parts"], "folders": ["from "],
    }  # fmt: skip
    got = s3.get_object(Bucket=bucket, Key="from worker")
    assert (got["Body"].read(), got["ContentType"], got["Metadata"]) == (b"0123456789", "t/t", {"k": "v"})
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 2
