"""A storefront's bundle is what it says, fits into the account's plan, and lies where every checkout has it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from components.storefront import BundleError, read
from components.storefront.errors import BUILD
from components.storefront.limits import MIB
from tests.unit.storefront.folders import composed, write


@pytest.fixture
def project(tmp_path: Path) -> Path:
    made = tmp_path / "project"
    made.mkdir()
    return made


def test_versions_refer_to_the_same_path_in_every_checkout(tmp_path: Path, project: Path) -> None:
    """A path of one machine in the state made every colleague's preview replace the version."""
    folder = composed(tmp_path / "elsewhere")
    bundle = read(folder, paid=False, project=project)
    digest = json.loads((folder / "manifest.json").read_text())["digest"]
    assert bundle.digest == digest
    assert bundle.assets_directory == f".local/storefronts/storefront-{digest}/assets"
    assert [module.file for module in bundle.modules] == [
        f".local/storefronts/storefront-{digest}/modules/index.js",
        f".local/storefronts/storefront-{digest}/modules/storefront/worker.js",
    ]
    assert (project / bundle.assets_directory / "images/ü.svg").read_text() == "<svg/>"
    assert read(bundle.folder, paid=False, project=project) == bundle, "from its place it is the same"


def test_what_is_said_of_assets_goes_apart(tmp_path: Path, project: Path) -> None:
    """The API takes _headers as a module: in the assets' configuration it was dropped without a word."""
    bundle = read(composed(tmp_path / "b"), paid=False, project=project)
    assert bundle.assets_config == {"html_handling": "none"}
    assert bundle.texts == {"_headers": "/*\n  X-Robots-Tag: noindex\n"}


@pytest.mark.parametrize("file", ["modules/index.js", "assets/hello.txt", "assets/new.txt"])
def test_a_folder_that_was_changed_is_refused(tmp_path: Path, project: Path, file: str) -> None:
    """Edited by hand, it would be uploaded under the digest of what was tested."""
    folder = composed(tmp_path / "b")
    (folder / file).write_text("changed")
    with pytest.raises(BundleError, match="was changed after it was composed"):
        read(folder, paid=False, project=project)
    shutil.rmtree(folder / "modules")
    with pytest.raises(BundleError, match="or is incomplete"):
        read(folder, paid=False, project=project)


def test_a_copy_that_was_damaged_is_made_anew(tmp_path: Path, project: Path) -> None:
    folder = composed(tmp_path / "b")
    bundle = read(folder, paid=False, project=project)
    (project / bundle.modules[0].file).write_text("half of it")
    assert read(folder, paid=False, project=project) == bundle
    assert (project / bundle.modules[0].file).read_text() != "half of it"


@pytest.mark.parametrize(
    ("files", "rule"),
    [
        (None, "is not there"),
        ({"notes.txt": "x"}, "neither a manifest.json nor a wrangler.json"),
        ({"wrangler.json": "{}", "worker.js": ""}, "has no folder assets/"),
        ({"manifest.json": "{"}, "has a manifest.json that is none"),
        ({"manifest.json": "[]"}, "has a manifest.json that is none"),
        ({"manifest.json": '{"digest": "x"}'}, "has a manifest.json that is none"),
    ],
)
def test_what_is_no_bundle_is_told_apart(
    tmp_path: Path, project: Path, files: dict[str, str] | None, rule: str
) -> None:
    if files is not None:
        write(tmp_path / "b", files)
    with pytest.raises(BundleError) as caught:
        read(tmp_path / "b", paid=False, project=project)
    assert rule in caught.value.rule and caught.value.value == str(tmp_path / "b") and caught.value.fix == BUILD


def test_a_file_is_no_bundle(tmp_path: Path, project: Path) -> None:
    (tmp_path / "b").write_text("x")
    with pytest.raises(BundleError, match="is a file"):
        read(tmp_path / "b", paid=False, project=project)


def test_a_raw_bundle_takes_node(tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A build machine without it said: No such file or directory."""
    write(tmp_path / "b", {"wrangler.json": "{}", "assets/a.txt": "a"})
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BundleError, match=r"takes node, and there is none on PATH; what to do: install Node"):
        read(tmp_path / "b", paid=False, project=project)


def test_limits_are_the_plans(tmp_path: Path, project: Path) -> None:
    """The API says so after the upload, when a version of everything else is there already."""
    folder = composed(tmp_path / "b", size={"raw": 20 * MIB, "gzip": 4 * MIB})
    assert read(folder, paid=True, project=project).compressed_bytes == 4 * MIB
    with pytest.raises(BundleError) as caught:
        read(folder, paid=False, project=project)
    assert caught.value.rule == "its modules are 4.00 MiB compressed, and Workers Free takes at most 3.00 MiB"
    assert "workersPaid true" in caught.value.fix

    folder = composed(tmp_path / "c", size={"raw": 65 * MIB, "gzip": 11 * MIB})
    with pytest.raises(BundleError, match=r"65.00 MiB, .*; .*11.00 MiB compressed, and Workers Paid.*make it smaller"):
        read(folder, paid=True, project=project)


def test_an_asset_has_a_limit_of_its_own(tmp_path: Path, project: Path) -> None:
    folder = composed(tmp_path / "b", assets={"film.mp4": b"\0" * (25 * MIB + 1)})
    with pytest.raises(BundleError, match=r"asset /film.mp4 is 25.00 MiB"):
        read(folder, paid=True, project=project)


def test_the_app_itself_is_named(tmp_path: Path, project: Path) -> None:
    """Set in the bundle's place, it was refused for a folder that it would never have."""
    write(project / "shop", {"package.json": "{}", "wrangler.json": "{}"})
    with pytest.raises(BundleError) as caught:
        read(Path("shop"), paid=False, project=project)
    assert caught.value.rule == "is an app's folder and not its bundle"
    assert caught.value.fix == "scripts/store storefront build --app shop"
