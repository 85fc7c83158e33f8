"""`store images sync`: which pictures are sent, under which names, and what is said when they cannot be."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from scripts.operator import cloudflare
from scripts.operator.cloudflare import Api
from scripts.operator.errors import OperatorError, UsageProblem
from scripts.operator.images.pictures import LARGEST_BYTES, found
from scripts.operator.images.sync import sync
from tests.unit.store.fakes import FakePulumi

ACCOUNT = "a" * 32
JPEG = b"\xff\xd8\xff"


def answering(answer: Callable[[httpx.Request], httpx.Response]) -> Api:
    client = httpx.Client(transport=httpx.MockTransport(answer), base_url="http://cloud/client/v4")
    return Api(client, ACCOUNT, "Cloudflare Images: Edit")


def error(status: int, code: int, message: str, **headers: str) -> httpx.Response:
    body = {"success": False, "errors": [{"code": code, "message": message}], "result": None}
    return httpx.Response(status, json=body, headers=headers)


def fine(result: object) -> httpx.Response:
    return httpx.Response(200, json={"success": True, "errors": [], "result": result})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("products/lens.jpg", "products/prism.PNG", "hero.webp", "products/lens.svg", "notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(JPEG + name.encode())
    return tmp_path


def test_names_are_the_environment_and_the_path(folder: Path) -> None:
    """Staging's pictures overwrote production's: one account holds both."""
    pictures = found(folder, "staging")
    assert [(one.name, one.kind) for one in pictures] == [
        ("staging/hero", "image/webp"),
        ("staging/products/lens", "image/jpeg"),
        ("staging/products/prism", "image/png"),
    ]
    assert pictures[1].sha256 == hashlib.sha256(JPEG + b"products/lens.jpg").hexdigest()


def test_files_that_cannot_be_pictures_are_all_named(folder: Path) -> None:
    """The third of ten failed, with Cloudflare's number for it, and the shop had half of its pictures."""
    (folder / "products" / "lens.png").write_bytes(JPEG)
    (folder / "a lens.jpg").write_bytes(JPEG)
    with (folder / "big.jpg").open("wb") as file:
        file.truncate(LARGEST_BYTES + 1)
    with pytest.raises(UsageProblem) as told:
        found(folder, "local")
    said = str(told.value)
    assert all(word in said for word in ("lens.png", "same name", "a lens.jpg", "big.jpg", "10 MiB"))


@pytest.mark.parametrize("name", ["missing", "empty"])
def test_a_folder_without_pictures_is_said(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageProblem, match=name):
        found(tmp_path / name, "local")


def test_an_unchanged_picture_is_left_and_a_changed_one_replaced(folder: Path) -> None:
    """Every run sent every picture: minutes, and a moment without each of them."""
    pictures = found(folder, "local")
    there = [
        {"id": pictures[0].name, "meta": {"sha256": pictures[0].sha256}},
        {"id": pictures[1].name, "meta": {"sha256": "old"}},
        {"id": "local/somebody-elses", "meta": {}},
    ]
    asked: list[tuple[str, str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append((request.method, request.url.path.removeprefix(f"/client/v4/accounts/{ACCOUNT}/images/v1")))
        return fine({"images": there} if request.method == "GET" else {})

    done = sync(answering(answer), pictures)
    assert (done.unchanged, done.replaced, done.uploaded) == (
        [pictures[0].name], [pictures[1].name], [pictures[2].name],
    )  # fmt: skip
    assert asked == [("GET", ""), ("DELETE", "/local/products/lens"), ("POST", ""), ("POST", "")]


def test_more_pictures_than_a_page_are_all_seen(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the second page of a large shop's pictures all were taken for new, and refused as there already."""
    pictures = found(folder, "local")
    pages: list[list[dict[str, object]]] = [
        [{"id": f"local/{number}", "meta": {}} for number in range(1000)],
        [{"id": one.name, "meta": {"sha256": one.sha256}} for one in pictures],
    ]
    api = answering(lambda request: fine({"images": pages[int(request.url.params["page"]) - 1]}))
    assert len(sync(api, pictures).unchanged) == len(pictures)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (error(403, 10000, "Authentication error"), ("Authentication error", "Cloudflare Images: Edit", ACCOUNT)),
        (error(404, 7003, "Could not route"), ("7003", "cloudflareAccountId")),
        (error(415, 5455, "unsupported image format"), ("unsupported image format",)),
        (httpx.Response(500, text="<h1>oops</h1>"), ("500", "oops")),
    ],
)
def test_what_cloudflare_refuses_is_told_with_a_way_on(
    folder: Path, answer: httpx.Response, words: tuple[str, ...]
) -> None:
    with pytest.raises(OperatorError) as told:
        sync(answering(lambda _: answer), found(folder, "local"))
    said = f"{told.value} {told.value.advice}"
    assert all(word in said for word in words), said


def test_a_busy_api_is_asked_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cloudflare takes 1,200 requests in five minutes; a large shop's first upload failed at the 1,201st."""
    waits: list[float] = []
    monkeypatch.setattr(cloudflare.time, "sleep", waits.append)  # type: ignore[attr-defined]
    answers = iter([error(429, 10429, "slow down", **{"retry-after": "7"}), fine({"images": []})])
    api = answering(lambda request: next(answers, fine({})))
    assert len(sync(api, found(folder, "local")).uploaded) == 3
    assert waits == [7.0]


def test_nobody_there_is_said() -> None:
    def refused(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(OperatorError, match="does not answer"):
        answering(refused).ask("GET", "/images/v1")


def test_each_stack_has_its_own_token_and_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a shell with scripts/env, staging was asked for with the embedded cloud's token."""
    monkeypatch.setenv("LOCALCLOUD_HOME", str(tmp_path))
    (tmp_path / "cloudflare-token").write_text("embedded\n")
    plain = {"opticworks-store:cloudflareAccountId": {"value": ACCOUNT, "secret": False}}
    local = FakePulumi(config={"cloudflare:baseUrl": {"value": "http://127.0.0.1:1/client/v4", "secret": False}})
    assert cloudflare.API.token(local.engine("local")) == "embedded"
    assert cloudflare.API.endpoint(local.engine("local")) == "http://127.0.0.1:1/client/v4"
    staging = FakePulumi(config=dict(plain))
    assert cloudflare.API.endpoint(staging.engine("staging")) == cloudflare.API.real
    assert cloudflare.account(staging.engine("staging")) == ACCOUNT
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", "embedded")
    monkeypatch.setenv("OPTICWORKS_OUTER_CLOUDFLARE_API_TOKEN", "real")
    assert cloudflare.API.token(staging.engine("staging")) == "real"
    monkeypatch.delenv("OPTICWORKS_OUTER_CLOUDFLARE_API_TOKEN")
    with pytest.raises(OperatorError, match="no Cloudflare API token for stack staging"):
        cloudflare.API.token(staging.engine("staging"))
    staging.config["cloudflare:apiToken"] = {"value": "stored", "secret": True}
    assert cloudflare.API.token(staging.engine("staging")) == "stored"
