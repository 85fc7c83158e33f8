"""R2 bindings of Workers on the store that S3 clients use."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from localcloud.cloudflare.edge import server
from localcloud.cloudflare.edge.application import Application
from localcloud.cloudflare.edge.service import Service, Settings
from localcloud.cloudflare.r2.model import Attributes
from localcloud.cloudflare.r2.store import Store
from localcloud.cloudflare.runtime.model import RuntimeFailure
from localcloud.cloudflare.runtime.r2_binding import R2Binding
from tests.contract.cloudflare_edge.conftest import Running, cache, free_port
from tests.contract.cloudflare_edge.workers import snapshot, version

BINDING = ({"type": "r2_bucket", "name": "BUCKET", "bucket_name": "shop"},)
SCRIPT = """
export default { async fetch(request, env) {
  const b = env.BUCKET, told = {};
  const put = await b.put("a/ü.txt", "Grillzange", {
    httpMetadata: {contentType: "text/plain", cacheControl: "max-age=9"}, customMetadata: {n: "1"}});
  told.etag = put.etag;
  const got = await b.get("a/ü.txt");
  told.text = await got.text();
  told.type = got.httpMetadata.contentType;
  told.custom = got.customMetadata;
  told.part = await (await b.get("a/ü.txt", {range: {offset: 5, length: 3}})).text();
  told.tail = await (await b.get("a/ü.txt", {range: {suffix: 2}})).text();
  told.head = (await b.head("a/ü.txt")).size;
  told.missing = await b.get("nope");
  told.unmodified = "body" in await b.get("a/ü.txt", {onlyIf: {etagDoesNotMatch: put.etag}});
  told.kept = await b.put("a/ü.txt", "x", {onlyIf: {etagMatches: "other"}});
  told.foreign = await (await b.get("by-s3")).text();
  const page = await b.list({limit: 1});
  told.first = page.objects.map(o => o.key);
  told.rest = (await b.list({cursor: page.cursor})).objects.map(o => o.key);
  told.folders = (await b.list({delimiter: "/"})).delimitedPrefixes;
  await b.put("gone", "x");
  await b.delete(["gone", "never"]);
  told.gone = await b.head("gone");
  const up = await b.createMultipartUpload("parts", {customMetadata: {n: "2"}});
  const one = await up.uploadPart(1, new Uint8Array(5 * 1024 * 1024)), two = await up.uploadPart(2, "end");
  told.parts = (await up.complete([one, two])).size;
  const named = (await b.list({prefix: "parts", include: ["customMetadata"]})).objects[0];
  told.included = [named.customMetadata, (await b.list({prefix: "parts"})).objects[0].customMetadata];
  told.digests = [];
  for (const [name, size] of [["md5", 32], ["sha1", 40], ["sha256", 64]])
    told.digests.push(await b.put("x", "y", {[name]: "0".repeat(size)}).then(() => "kept", () => "refused"));
  return Response.json(told);
} };"""


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = Store(tmp_path / "r2")
    opened.create_bucket("shop")
    yield opened
    opened.close()


@pytest.fixture
async def edge(tmp_path: Path, store: Store) -> AsyncIterator[Running]:
    with tempfile.TemporaryDirectory() as folder:
        socket = Path(folder) / "r2.sock"
        settings = Settings(tmp_path, cache(), free_port(), free_port(), r2_socket=socket)
        service = Service(settings)
        done, ready = asyncio.Event(), asyncio.Event()
        r2 = asyncio.create_task(server.run(Application(R2Binding(store).handle), server.internal(socket), done, ready))
        serving = asyncio.create_task(service.run(done))
        await asyncio.gather(service.listening(), ready.wait())
        yield Running(service, settings)
        done.set()
        await asyncio.gather(serving, r2)


async def test_a_worker_and_s3_clients_see_the_same_objects(edge: Running, store: Store) -> None:
    """A picture that the admin uploads by S3 and the storefront cannot find in its bucket."""
    with store.draft() as draft:
        draft.write(b"from s3")
        store.put("shop", "by-s3", draft.finish(), Attributes())
    await edge.service.apply(snapshot(version("v1", SCRIPT, bindings=BINDING)))
    async with edge.client("store.localhost", scheme="http") as client:
        response = await client.get("/")
    assert response.status_code == 200, edge.settings.log_path.read_text()
    found, file = store.opened("shop", "a/ü.txt")
    with file:
        assert file.read() == b"Grillzange"
    assert found.attributes.headers == {"content-type": "text/plain", "cache-control": "max-age=9"}
    assert response.json() == {
        "etag": found.etag, "text": "Grillzange", "type": "text/plain", "custom": {"n": "1"}, "part": "zan",
        "tail": "ge", "head": 10, "missing": None, "unmodified": False, "kept": None, "foreign": "from s3",
        "first": ["a/ü.txt"], "rest": ["by-s3"], "folders": ["a/"], "gone": None,
        "parts": 5 * 1024 * 1024 + 3, "included": [{"n": "2"}, {}], "digests": ["refused"] * 3,
    }  # fmt: skip


async def test_an_edge_without_r2_says_so(tmp_path: Path) -> None:
    """A Worker whose bucket leads nowhere would fail at its first picture."""
    service = Service(Settings(tmp_path, cache(), free_port(), free_port()))
    with pytest.raises(RuntimeFailure, match="runs without R2"):
        await service.apply(snapshot(version("v1", SCRIPT, bindings=BINDING)))
    shutil.rmtree((tmp_path / "edge" / "run").readlink())
