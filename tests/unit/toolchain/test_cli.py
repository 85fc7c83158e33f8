"""Which Pulumi CLI a checkout uses."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.toolchain import cli
from scripts.toolchain.paths import PULUMI_VERSION, ROOT


def fake(folder: Path, says: str) -> str:
    folder.mkdir()
    path = folder / "pulumi"
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return str(folder)


def test_a_new_enough_one_on_path_is_used(tmp_path: Path) -> None:
    path = ":".join([fake(tmp_path / "old", "v3.99.0"), fake(tmp_path / "new", "v4.0.1-alpha"), "/nowhere"])
    assert cli.on_path(path) == tmp_path / "new" / "pulumi"


def test_an_older_or_broken_one_is_passed_over(tmp_path: Path) -> None:
    """An old CLI on a laptop refused the state that a newer one in CI had written."""
    path = ":".join([fake(tmp_path / "old", "v3.99.0"), fake(tmp_path / "broken", "cannot say"), ""])
    assert cli.on_path(path) is None


def test_the_shim_is_no_cli() -> None:
    """In a shell with scripts/env sourced, scripts/up found its own shim and linked it to itself."""
    assert cli.on_path(str(ROOT / "scripts" / "toolchain" / "shim")) is None


def test_versions_compare_as_numbers() -> None:
    assert cli.version("v3.100.0") > cli.version("v3.99.9") > cli.version("nothing")


def test_go_mod_builds_the_version_that_is_stamped() -> None:
    """The CLI said a version that it was not."""
    text = (ROOT / "scripts" / "toolchain" / "go.mod").read_text()
    assert f"github.com/pulumi/pulumi/pkg/v3 {PULUMI_VERSION}" in text


def test_a_link_to_a_cli_that_is_gone_is_not_usable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the cache was emptied, scripts/up said that all was up to date."""
    monkeypatch.setattr(cli, "PULUMI", tmp_path / "toolchain" / "pulumi")
    target = Path(fake(tmp_path / "bin", PULUMI_VERSION)) / "pulumi"
    cli.link(target)
    assert cli.usable(cli.PULUMI)
    target.unlink()
    assert not cli.usable(cli.PULUMI)


def test_our_language_host_goes_beside_a_built_cli_only(tmp_path: Path) -> None:
    assert not cli.is_release(tmp_path)
    cli.place_language_host(tmp_path)
    assert (tmp_path / "pulumi-language-python").stat().st_mode & 0o111
    assert (tmp_path / "language_host.py").read_bytes() == (cli.HERE / "language_host.py").read_bytes()
    (tmp_path / "pulumi-language-go").touch()
    assert cli.is_release(tmp_path)
