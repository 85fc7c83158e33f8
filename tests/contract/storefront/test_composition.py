"""From what wrangler wrote to a version, by way of node: Python and JavaScript agree on what is in it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from components.storefront import BundleError, read
from tests.unit.storefront.folders import write

RAW = {
    "worker.js": 'import text from "./abc-ü.txt";\nexport default { fetch: () => new Response(text) };\n',
    "abc-ü.txt": "grüß Gott \u2028",
    "wrangler.json": json.dumps({"main": "worker.js", "compatibility_date": "2026-04-01"}),
    "assets/_headers": "/*\n  X-Name: ü\u2028\n",
    "assets/Z.txt": "Z",
    "assets/a/ü.txt": "ü",
    "assets/a.txt": "a",
    "assets/😀.txt": "above the first 65,536 characters, where strings sort otherwise in JavaScript",
    "assets/\uffee.txt": "below them",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    if shutil.which("node") is None:
        pytest.skip("no node on PATH")
    (tmp_path / "project").mkdir()
    return tmp_path / "project"


def test_a_raw_bundle_becomes_a_version(tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A digest that the two sides took differently would refuse every bundle with an umlaut in it."""
    raw = write(tmp_path / "dist", RAW)
    bundle = read(raw, paid=False, project=project)
    assert [module.name for module in bundle.modules] == [
        "index.js",
        "origin.js",
        "storefront/abc-ü.txt",
        "storefront/worker.js",
    ]
    assert bundle.assets == 5 and bundle.texts["_headers"] == RAW["assets/_headers"]
    assert read(project / bundle.folder, paid=False, project=project) == bundle

    monkeypatch.setenv("PATH", str(tmp_path))
    assert read(raw, paid=False, project=project) == bundle, "composed once, it takes no node any more"
    monkeypatch.undo()
    write(raw, {"assets/a.txt": "b"})
    assert read(raw, paid=False, project=project).digest != bundle.digest


def test_what_the_composition_says_reaches_the_user(tmp_path: Path, project: Path) -> None:
    """Value, rule and what to do, and no stack of node's."""
    raw = write(tmp_path / "dist", RAW | {"worker.js": "addEventListener('fetch', () => {})"})
    with pytest.raises(BundleError) as caught:
        read(raw, paid=False, project=project)
    assert "no default export" in caught.value.rule and "    at " not in str(caught.value)
    secret = {"main": "worker.js", "compatibility_date": "2026-04-01", "vars": {"API_TOKEN": "hunter2"}}
    raw = write(tmp_path / "dist", RAW | {"wrangler.json": json.dumps(secret)})
    with pytest.raises(BundleError, match=r"API_TOKEN in its wrangler\.json looks like a secret") as caught:
        read(raw, paid=False, project=project)
    assert "hunter2" not in str(caught.value)
