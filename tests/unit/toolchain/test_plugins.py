"""Provider plugins: which are installed, that the engine's own layout holds, and that a second run does nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.toolchain import plugins

FAKE_CLI = """\
#!{python}
import os, sys, tarfile
words = sys.argv[1:]
with open(os.environ["PULUMI_HOME"] + "/asked", "a") as file:
    file.write(" ".join(words[:5]) + "\\n")
if os.environ.get("REFUSE"):
    sys.exit("error: no such plugin")
_, _, _, name, version = words[:5]
folder = os.environ["PULUMI_HOME"] + "/plugins/resource-" + name + "-v" + version
os.makedirs(folder, exist_ok=True)
if "--file" in words:
    tarfile.open(words[words.index("--file") + 1]).extractall(folder)
else:
    open(folder + "/pulumi-resource-" + name, "w").close()
"""


@pytest.fixture
def cli(tmp_path: Path) -> Path:
    path = tmp_path / "pulumi"
    path.write_text(FAKE_CLI.format(python=sys.executable))
    path.chmod(0o755)
    return path


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def install(home: Path, cli: Path, **more: Path) -> str:
    return plugins.install(home, cli, python=Path(sys.prefix, "bin", "python"), **more)


def asked(home: Path) -> list[str]:
    return (home / "asked").read_text().splitlines()


def test_stand_ins_lie_where_the_engine_looks(monkeypatch: pytest.MonkeyPatch, home: Path, cli: Path) -> None:
    """A stand-in found on PATH works too, with a warning on every single run."""
    monkeypatch.setenv("OPTICWORKS_PLUGINS", "stand-in")
    said = install(home, cli)
    assert said.startswith("stand-in plugins (hcloud ")
    versions = json.loads((home / plugins.RECORD).read_text())["versions"]
    assert set(versions) == {"hcloud", "command", "cloudflare"}
    launcher = home / "plugins" / f"resource-hcloud-v{versions['hcloud']}" / "pulumi-resource-hcloud"
    assert os.access(launcher, os.X_OK)


def test_a_second_run_asks_nobody(monkeypatch: pytest.MonkeyPatch, home: Path, cli: Path) -> None:
    """Every scripts/up waited for a download site that does not answer."""
    monkeypatch.delenv("OPTICWORKS_PLUGINS", raising=False)
    monkeypatch.setattr(plugins, "obtainable", lambda name, version: False)
    install(home, cli)
    before = asked(home)

    def never(*_: object) -> bool:
        raise AssertionError("asked again")

    monkeypatch.setattr(plugins, "obtainable", never)
    assert install(home, cli).startswith("stand-in plugins")
    assert asked(home) == before


def test_pulumis_own_are_preferred(monkeypatch: pytest.MonkeyPatch, home: Path, cli: Path) -> None:
    """The stand-ins know what this program needs; where the real ones can be had, they are the truth."""
    monkeypatch.delenv("OPTICWORKS_PLUGINS", raising=False)
    monkeypatch.setattr(plugins, "obtainable", lambda name, version: True)
    assert install(home, cli).startswith("real plugins")


def test_one_unobtainable_plugin_makes_all_stand_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Real hcloud beside a stand-in for command hides which of the two an error is from."""
    monkeypatch.setattr(plugins, "obtainable", lambda name, version: name != "command")
    assert plugins.choose({"hcloud": "1.0.0", "command": "1.0.0"}, {}) == "stand-in"


def test_a_wish_is_obeyed_and_a_wrong_one_refused(monkeypatch: pytest.MonkeyPatch, home: Path, cli: Path) -> None:
    monkeypatch.setenv("OPTICWORKS_PLUGINS", "stand-in")
    install(home, cli)
    monkeypatch.setenv("OPTICWORKS_PLUGINS", "real")
    assert install(home, cli).startswith("real plugins")
    with pytest.raises(plugins.PluginError, match=r"'fake'.*real and stand-in"):
        plugins.choose({"hcloud": "1.0.0"}, {"OPTICWORKS_PLUGINS": "fake"})


def test_a_moved_checkout_packs_again(monkeypatch: pytest.MonkeyPatch, home: Path, cli: Path, tmp_path: Path) -> None:
    """A checkout that was moved kept launchers that lead to where it was."""
    monkeypatch.setenv("OPTICWORKS_PLUGINS", "stand-in")
    install(home, cli)
    moved = tmp_path / "moved"
    install(home, cli, root=moved)
    launcher = next((home / "plugins").glob("resource-hcloud-*/pulumi-resource-hcloud"))
    assert str(moved) in launcher.read_text()


def test_a_refusal_says_what_the_cli_said(monkeypatch: pytest.MonkeyPatch, home: Path, cli: Path) -> None:
    monkeypatch.setenv("OPTICWORKS_PLUGINS", "real")
    monkeypatch.setenv("REFUSE", "1")
    with pytest.raises(plugins.PluginError, match="no such plugin"):
        install(home, cli)


def test_the_launcher_runs_the_checkouts_own_code(tmp_path: Path) -> None:
    """The launcher imported whatever `localcloud` lay in the folder that pulumi was started in."""
    for root, word in ((tmp_path / "mine", "mine"), (tmp_path / "other", "other")):
        package = root / "localcloud" / "plugins"
        package.mkdir(parents=True)
        (package.parent / "__init__.py").touch()
        (package / "__init__.py").touch()
        (package / "__main__.py").write_text(f"import sys; print({word!r}, *sys.argv[1:])")
    archive = tmp_path / "x.tar.gz"
    plugins.pack("hcloud", Path(sys.executable), tmp_path / "mine", archive)
    subprocess.run(["tar", "-xzf", archive, "-C", tmp_path], check=True)
    launcher = tmp_path / "pulumi-resource-hcloud"
    said = subprocess.run([launcher, "127.0.0.1:1"], cwd=tmp_path / "other", capture_output=True, text=True)
    assert said.stdout == "mine hcloud 127.0.0.1:1\n", said.stderr
