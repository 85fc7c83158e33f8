"""Workers' code, assets, keys and images: uploads as the provider makes them, and what the state remembers of them."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localcloud.plugins.cloudflare.client import Answer
from tests.contract.plugins.cloudflare_case import ID, A
from tests.contract.plugins.cloudflare_stub import ACCOUNT, NOW, Request, Stub, serve_stub
from tests.contract.plugins.driver import Failed, Plugin

CODE = 'export default { fetch() { return new Response("hello") } };\n'
SCRIPT = f"{A}/workers/scripts/storefront"
VERSIONS = f"{A}/workers/workers/w1/versions"


@pytest.fixture
def stub() -> Iterator[Stub]:
    with serve_stub() as served:
        served.things[f"{A}/workers/workers/w1"] = {"id": "w1", "name": "storefront"}
        served.special += [
            (r".*/assets-upload-session", lambda request: (200, session(request))),
            (r".*/workers/assets/upload", lambda request: (201, {"jwt": "completed"})),
        ]
        served.shapes.append((r".*/versions", version))
        yield served


def session(request: Request) -> dict[str, Any]:
    keys = [entry["hash"] for entry in request.body["manifest"].values()]
    return {"jwt": "session", "buckets": [[key] for key in keys]}


def version(thing: dict[str, Any]) -> dict[str, Any]:
    """The API names what it made and hides what is secret."""
    bindings = [{k: v for k, v in one.items() if k != "text"} for one in thing.get("bindings", [])]
    told = {"number": 1, "created_on": NOW, "source": "api", "startup_time_ms": 3, "urls": []}
    assets = {"assets": {"config": thing["assets"].get("config")}} if "assets" in thing else {}
    return thing | told | assets | ({"bindings": bindings} if bindings else {})


def parts(request: Request) -> dict[str, tuple[str, bytes]]:
    """A form's parts by name: content type and content."""
    from email.message import Message

    headers = Message()
    headers["Content-Type"] = request.headers["content-type"]
    return {name: (kind, content) for name, kind, content in Answer(200, headers, request.body).parts()}


@pytest.fixture
def bundle(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "worker.js").write_text(CODE)
    (tmp_path / "assets" / "images").mkdir(parents=True)
    (tmp_path / "assets" / "index.html").write_text("<h1>hello</h1>")
    (tmp_path / "assets" / "images" / "logo.svg").write_text("<svg/>")
    return {
        "accountId": ACCOUNT,
        "workerId": "w1",
        "mainModule": "worker.js",
        "modules": [
            {
                "name": "worker.js",
                "contentType": "application/javascript+module",
                "contentFile": str(tmp_path / "worker.js"),
            }
        ],
        "bindings": [
            {"name": "TOKEN", "type": "secret_text", "text": "hush"},
            {"name": "ASSETS", "type": "assets"},
        ],
        "assets": {"directory": str(tmp_path / "assets"), "config": {"notFoundHandling": "404-page"}},
        "compatibilityDate": "2026-01-01",
    }


def test_a_version_is_uploaded_with_its_assets(stub: Stub, cloudflare: Plugin, bundle: dict[str, Any]) -> None:
    """Out of order, or by the Worker's id instead of its name, the real API refuses the assets."""
    made = cloudflare.create("WorkerVersion", "v", **bundle)
    assert stub.lines == [
        f"GET {A}/workers/workers/w1",
        f"POST {SCRIPT}/assets-upload-session",
        f"POST {A}/workers/assets/upload",
        f"POST {A}/workers/assets/upload",
        f"POST {VERSIONS}",
    ]
    logo = hashlib.sha256(b"<svg/>").hexdigest()[:32]
    assert stub.requests[1].body["manifest"]["/images/logo.svg"] == {"hash": logo, "size": 6}
    upload = next(request for request in stub.requests[2:4] if b"logo.svg" in request.body)
    assert upload.headers["authorization"] == "Bearer session" and upload.query == {"base64": ["true"]}
    assert next(iter(parts(upload).values())) == ("image/svg+xml", base64.b64encode(b"<svg/>"))
    assert stub.last.body == {
        "main_module": "worker.js",
        "modules": [
            {
                "name": "worker.js",
                "content_type": "application/javascript+module",
                "content_base64": base64.b64encode(CODE.encode()).decode(),
            }
        ],
        "bindings": [{"name": "ASSETS", "type": "assets"}, {"name": "TOKEN", "type": "secret_text", "text": "hush"}],
        "assets": {"jwt": "completed", "config": {"not_found_handling": "404-page"}},
        "compatibility_date": "2026-01-01",
    }
    module = made.outputs["modules"][0]
    assert module["contentSha256"] == hashlib.sha256(CODE.encode()).hexdigest() and "contentBase64" not in module
    assert made.outputs["number"] == 1
    fresh = cloudflare.settled(made, **bundle)
    assert stub.last.query == {"include": ["modules"]}
    assert [one.get("text") for one in fresh.outputs["bindings"]].count("hush") == 1

    stub.requests.clear()
    cloudflare.delete(made)
    assert stub.requests == [], "a version is only forgotten"


def test_what_makes_a_new_version(cloudflare: Plugin, bundle: dict[str, Any], tmp_path: Path) -> None:
    """Content does; a checkout in another folder does not."""
    made = cloudflare.create("WorkerVersion", "v", **bundle)
    for changed, path in [
        ({"compatibilityDate": "2026-02-01"}, "compatibilityDate"),
        ({"bindings": [bundle["bindings"][0] | {"text": "other"}, bundle["bindings"][1]]}, "bindings"),
    ]:
        replaces = cloudflare.diff(made, bundle | changed).replaces
        assert {one.split("[")[0] for one in replaces} == {path}

    moved = tmp_path / "moved"
    moved.mkdir()
    (tmp_path / "assets").rename(moved / "assets")
    (tmp_path / "worker.js").rename(moved / "worker.js")
    elsewhere = bundle | {
        "modules": [bundle["modules"][0] | {"contentFile": str(moved / "worker.js")}],
        "assets": bundle["assets"] | {"directory": str(moved / "assets")},
    }
    difference = cloudflare.diff(made, elsewhere)
    assert difference.replaces == [] and set(difference.changes) == {"assets.directory", "modules[0].contentFile"}
    made = cloudflare.update(made, **elsewhere)
    assert cloudflare.diff(made, elsewhere).changes == {}

    (moved / "worker.js").write_text(CODE + "// more\n")
    assert cloudflare.diff(made, elsewhere).replaces == ["modules[0].contentSha256"]
    (moved / "worker.js").write_text(CODE)
    (moved / "assets" / "new.txt").write_text("new")
    assert cloudflare.diff(made, elsewhere).replaces == ["assets.assetManifestSha256"]


def test_assets_that_the_api_has_already_are_not_sent(stub: Stub, cloudflare: Plugin, bundle: dict[str, Any]) -> None:
    stub.special.insert(0, (r".*/assets-upload-session", lambda request: (200, {"jwt": "known", "buckets": []})))
    cloudflare.create("WorkerVersion", "v", **bundle)
    assert stub.last.body["assets"]["jwt"] == "known"
    assert f"POST {A}/workers/assets/upload" not in stub.lines


def test_a_missing_bundle_is_explained_before_any_call(stub: Stub, cloudflare: Plugin, bundle: dict[str, Any]) -> None:
    lost = bundle | {"modules": [bundle["modules"][0] | {"contentFile": "/nowhere/worker.js"}]}
    with pytest.raises(Failed, match=r"module worker.js: cannot read /nowhere/worker.js.*build it"):
        cloudflare.create("WorkerVersion", "v", preview=True, **lost)
    with pytest.raises(Failed, match=r"assets.directory: /nowhere is no folder"):
        cloudflare.create("WorkerVersion", "v", **(bundle | {"assets": {"directory": "/nowhere"}}))
    assert stub.requests == []


def test_a_script_goes_up_whole_and_is_read_in_three(stub: Stub, cloudflare: Plugin) -> None:
    """Its content is compared too: one that was edited in the dashboard is found."""
    inputs = {
        "accountId": ACCOUNT,
        "scriptName": "storefront",
        "mainModule": "worker.js",
        "content": CODE,
        "bindings": [
            {"name": "TOKEN", "type": "secret_text", "text": "hush"},
            {"name": "SETTINGS", "type": "json", "json": '{"a":1}'},
        ],
        "files": {"data.txt": {"contentType": "text/plain", "contentBase64": base64.b64encode(b"data").decode()}},
    }
    kept: dict[str, Any] = {"code": CODE.encode()}
    stub.special += [
        (r".*/scripts/storefront", lambda request: uploaded(kept, request)),
        (r".*/services/storefront", lambda _: (200, {"default_environment": {"script": kept["told"]}})),
        (r".*/storefront/settings", lambda _: (200, {"bindings": kept["bindings"], "compatibility_flags": []})),
        (r".*/storefront/content/v2", lambda _: (200, kept["code"])),
    ]
    made = cloudflare.create("WorkersScript", "s", **inputs)
    assert stub.lines == [f"PUT {SCRIPT}"]
    sent = parts(stub.last)
    assert sent["worker.js"] == ("application/javascript+module", CODE.encode())
    assert sent["data.txt"] == ("text/plain", b"data")
    assert json.loads(sent["metadata"][1]) == {
        "bindings": [
            {"name": "TOKEN", "type": "secret_text", "text": "hush"},
            {"name": "SETTINGS", "type": "json", "json": {"a": 1}},
        ],
        "main_module": "worker.js",
    }
    assert made.id == "storefront" and made.outputs["etag"] == "e"
    cloudflare.settled(made, **inputs)
    assert stub.lines[1:] == [
        f"GET {A}/workers/services/storefront",
        f"GET {SCRIPT}/settings",
        f"GET {SCRIPT}/content/v2",
    ]
    kept["code"] = b"edited"
    fresh = cloudflare.read(made)
    assert fresh is not None and cloudflare.diff(fresh, inputs).changes == {"content": "update"}
    cloudflare.delete(made)
    assert stub.lines[-1] == f"DELETE {SCRIPT}"


def uploaded(kept: dict[str, Any], request: Request) -> tuple[int, Any]:
    if request.method == "PUT":
        bindings = json.loads(parts(request)["metadata"][1])["bindings"]
        kept["bindings"] = [{k: v for k, v in one.items() if k != "text"} for one in bindings]
        kept["told"] = {"id": "storefront", "etag": "e", "created_on": NOW, "has_modules": True}
    return 200, kept.get("told")


def test_a_key_of_a_namespace(stub: Stub, cloudflare: Plugin) -> None:
    inputs = {"accountId": ACCOUNT, "namespaceId": "n", "keyName": "a/b c", "value": "1", "metadata": '{"x": 1}'}
    path = f"{A}/storage/kv/namespaces/n"
    stub.special += [
        (r".*/values/.*", lambda request: (200, b"1" if request.method == "GET" else None)),
        (r".*/metadata/.*", lambda request: (200, {"x": 1})),
    ]
    made = cloudflare.create("WorkersKv", "k", **inputs)
    assert stub.lines == [f"PUT {path}/values/a%2Fb%20c"]
    assert {name: content for name, (_, content) in parts(stub.last).items()} == {
        "value": b"1",
        "metadata": b'{"x": 1}',
    }
    cloudflare.settled(made, **inputs)
    found = cloudflare.imported("WorkersKv", "k", f"{ACCOUNT}/n/a/b c")
    assert found is not None and found.id == "a/b c" and found.outputs["value"] == "1"
    assert cloudflare.diff(made, inputs | {"value": "2"}).replaces == []
    assert cloudflare.diff(made, inputs | {"keyName": "b"}).replaces == ["keyName"]


def test_an_image_travels_as_a_form(stub: Stub, cloudflare: Plugin) -> None:
    inputs = {"accountId": ACCOUNT, "imageId": "frames/round", "url": "http://127.0.0.1/round.png"}
    told = {
        "id": "frames/round",
        "filename": "round.png",
        "uploaded": NOW,
        "requireSignedURLs": False,
        "meta": {"a": 1},
    }
    stub.special.append((r".*/images/v1.*", lambda request: (200, told | {"variants": ["u"]})))
    made = cloudflare.create("Image", "i", **inputs)
    assert parts(stub.last) == {
        "id": ("text/plain", b"frames/round"),
        "url": ("text/plain", b"http://127.0.0.1/round.png"),
        "metadata": ("application/json", b""),
        "requireSignedURLs": ("text/plain", b"false"),
    }
    assert made.outputs["meta"] == '{"a":1}'
    cloudflare.settled(made, **inputs)
    changed = inputs | {"requireSignedUrls": True}
    assert not cloudflare.diff(made, changed).replaces
    cloudflare.update(made, **changed)
    assert stub.lines[-1] == f"PATCH {A}/images/v1/frames%2Fround"
    assert parts(stub.last)["requireSignedURLs"][1] == b"true"
    assert cloudflare.diff(made, inputs | {"url": "http://127.0.0.1/other.png"}).replaces == ["url"]


def test_a_deployment_is_one_call_for_every_change(stub: Stub, cloudflare: Plugin) -> None:
    """A canary that first deletes and then makes would drop traffic."""
    deployment = {"accountId": ACCOUNT, "scriptName": "storefront", "strategy": "percentage"}
    before = deployment | {"versions": [{"versionId": "v1", "percentage": 100}]}
    after = deployment | {"versions": [{"versionId": "v1", "percentage": 90}, {"versionId": "v2", "percentage": 10}]}
    made = cloudflare.create("WorkersDeployment", "d", **before)
    difference = cloudflare.diff(made, after)
    assert difference.replaces and not difference.delete_before_replace
    cloudflare.create("WorkersDeployment", "d", force=True, **after)
    cloudflare.delete(made)
    assert stub.lines == [f"POST {SCRIPT}/deployments"] * 2 and stub.last.query == {"force": ["true"]}
    assert made.id == ID
