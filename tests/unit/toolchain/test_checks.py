"""The table that scripts/up ends with: each address is asked, and a wrong answer is a row that is not ok."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import boto3
import httpx
import pytest
from moto import mock_aws

from scripts.toolchain import checks


@dataclass
class Answer:
    status: int = 200
    body: object = None
    kind: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


LOGIN = "https://team.cloudflareaccess.localhost/cdn-cgi/access/login/api.store.localhost?kid=1"
WELL = {
    "/health": Answer(body={"status": "ok", "database": "connected", "redis": "connected"}),
    "/store/products": Answer(body={"products": [{"title": "Lens & Case"}, {"title": "Prism"}]}),
    "/app": Answer(302, headers={"location": LOGIN}),
    "/": Answer(body="<h2>Lens &amp; Case</h2><h2>Prism</h2>", kind="text/html"),
    "/cdn-cgi/imagedelivery/hash/local/products/lens/card": Answer(body="picture", kind="image/avif"),
    "/v1/servers": Answer(body={"servers": [{"status": "running"}, {"status": "running"}]}),
    "/v1/load_balancers": Answer(body={"load_balancers": [{"targets": [{"health_status": [{"status": "healthy"}]}]}]}),
    "/client/v4/zones": Answer(body={"success": True, "result": [{"name": "store.localhost", "status": "active"}]}),
}


class Stack:
    """A store, its edge and both halves of the cloud in one; what it answers is set by the test."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer | Exception] = dict(WELL)
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.path)
        answer = self.answers.get(request.url.path, Answer(404, {}))
        if isinstance(answer, Exception):
            raise answer
        content = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
        return httpx.Response(answer.status, text=content, headers={"content-type": answer.kind, **answer.headers})

    def rows(self, **changes: object) -> dict[str, checks.Row]:
        outputs = {
            "apiUrl": "https://api.store.localhost:8443", "publishableKey": "pk_1",
            "storefrontUrl": "https://store.localhost:8443", "adminUrl": "https://api.store.localhost:8443/app",
            "imagesUrl": "https://store.localhost:8443/cdn-cgi/imagedelivery/hash/local",
        } | changes  # fmt: skip
        client = httpx.Client(transport=httpx.MockTransport(self))
        found = checks.Checks(client, outputs, checks.Cloud("http://cloud/v1", "token"))
        rows = found.rows("products/lens", checks.Cloud("http://cloud/client/v4", "token"))
        return {row.name: row for row in rows}


@pytest.fixture
def stack() -> Stack:
    return Stack()


def test_a_store_that_answers_is_all_ok(stack: Stack) -> None:
    found = stack.rows()
    assert all(row.ok for row in found.values()), found
    assert next(iter(found)) == "Storefront" and len(found) == 8
    assert found["Health"].said.startswith('{"status": "ok"')
    assert found["Storefront"].said == "2 of 2 products on the page"
    assert found["Images"].said.startswith("image/avif")
    assert found["Hetzner Cloud API"].said == "2 of 2 servers run"
    assert found["Cloudflare API"].said == "zone store.localhost is active"


@pytest.mark.parametrize(
    ("path", "answer", "name"),
    [
        ("/", Answer(503, "maintenance", "text/html"), "Storefront"),
        ("/", Answer(200, "<h1>Our store</h1>", "text/html"), "Storefront"),
        ("/", httpx.ConnectError("refused"), "Storefront"),
        ("/health", Answer(503, {"status": "error", "database": "disconnected", "redis": "connected"}), "Health"),
        ("/app", Answer(502, {}), "Admin"),
        ("/app", Answer(200, "<html>", "text/html"), "Admin"),
        ("/app", Answer(302, "", headers={"location": "/app/login"}), "Admin"),
        ("/cdn-cgi/imagedelivery/hash/local/products/lens/card", Answer(404, "no"), "Images"),
        ("/cdn-cgi/imagedelivery/hash/local/products/lens/card", Answer(200, "<p>", "text/html"), "Images"),
        ("/v1/servers", Answer(200, {"servers": [{"status": "running"}, {"status": "off"}]}), "Hetzner Cloud API"),
        ("/v1/load_balancers", Answer(200, {"load_balancers": [{"targets": []}]}), "Load balancer"),
        ("/v1/load_balancers", Answer(401, {}), "Load balancer"),
        ("/client/v4/zones", Answer(200, {"success": True, "result": []}), "Cloudflare API"),
        ("/client/v4/zones", Answer(403, {"errors": [{"code": 9109}]}), "Cloudflare API"),
    ],
)
def test_what_does_not_answer_is_not_ok(stack: Stack, path: str, answer: Answer | Exception, name: str) -> None:
    """The table said "ready" for a store whose database was down: it printed addresses and asked none."""
    stack.answers[path] = answer
    assert [row.name for row in stack.rows().values() if not row.ok] == [name]


def test_without_products_neither_api_nor_page_is_well(stack: Stack) -> None:
    stack.answers["/store/products"] = Answer(body={"products": []})
    assert [row.name for row in stack.rows().values() if not row.ok] == ["Storefront", "Store API"]


def test_an_open_admin_is_told_as_what_it_is(stack: Stack) -> None:
    """Access was declared for another path, and the admin's pages were the internet's."""
    stack.answers["/app"] = Answer(200, "<html>", "text/html")
    assert "open to strangers" in stack.rows()["Admin"].said


def test_without_an_edge_what_there_is_is_asked(stack: Stack) -> None:
    """A stack that was made before the edge was: the rows of what it has."""
    stack.answers["/app"] = Answer(200, "<html>", "text/html")
    found = stack.rows(storefrontUrl=None, adminUrl=None, imagesUrl=None)
    assert list(found) == ["Health", "Store API", "Admin", "Load balancer", "Hetzner Cloud API", "Cloudflare API"]
    assert all(row.ok for row in found.values())


def test_the_first_of_the_pictures_is_asked_for(tmp_path: Path) -> None:
    for name in ("products/lens.svg", "products/prism.jpg", "products/mirror.png"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    assert checks.first_picture(tmp_path) == "products/mirror"
    assert checks.first_picture(tmp_path / "none") == ""


def test_a_target_that_becomes_healthy_is_waited_for(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Right after an update the first health check had not come yet, and scripts/up failed."""
    waits: list[float] = []

    def healthy_now(seconds: float) -> None:
        waits.append(seconds)
        stack.answers["/v1/load_balancers"] = WELL["/v1/load_balancers"]

    monkeypatch.setattr("time.sleep", healthy_now)
    unknown = {"load_balancers": [{"targets": [{"health_status": [{"status": "unknown"}]}]}]}
    stack.answers["/v1/load_balancers"] = Answer(body=unknown)
    assert stack.rows()["Load balancer"].ok
    assert len(waits) == 1


def test_the_bucket_is_listed_with_the_stacks_own_keys(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bucket that is there and keys that do not open it: the first backup failed at night."""
    monkeypatch.setenv("MOTO_S3_CUSTOM_ENDPOINTS", "https://r2.example")
    keys = {"accessKeyId": "key", "secretAccessKey": "secret"}
    outputs = {"backupsBucket": "backups", "backupsEndpoint": "https://r2.example", "backupsCredentials": keys}
    with mock_aws():
        row = stack.rows(**outputs)["Bucket"]
        assert not row.ok and "NoSuchBucket" in row.said
        client = boto3.client("s3", endpoint_url="https://r2.example", region_name="us-east-1",
                              aws_access_key_id="key", aws_secret_access_key="secret")  # fmt: skip
        client.create_bucket(Bucket="backups")
        client.put_object(Bucket="backups", Key="medusa/1", Body=b"1")
        row = stack.rows(**outputs)["Bucket"]
    assert row.ok and row.said == "lists 1 objects"


def test_a_bucket_that_nobody_serves_is_said(stack: Stack) -> None:
    outputs = {"backupsBucket": "backups", "backupsEndpoint": "http://127.0.0.1:9"}
    assert "backupsCredentials" in stack.rows(**outputs)["Bucket"].said
    keys = {"accessKeyId": "key", "secretAccessKey": "secret"}
    row = stack.rows(**outputs, backupsCredentials=keys)["Bucket"]
    assert not row.ok and "127.0.0.1:9" in row.said
