"""Whether the daemon that runs is of the code that lies here."""

from __future__ import annotations

from pathlib import Path

import pytest

from localcloud import __main__ as command
from localcloud.daemon import control, sources


def package(root: Path) -> Path:
    for name in ("daemon/serve.py", "hetzner/prices.json", "plugins/hcloud/api.py", "README.md"):
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("one")
    return root


def test_what_a_daemon_runs_is_told_apart_and_nothing_else(tmp_path: Path) -> None:
    """Told to stop the whole store for a changed README, people stop to read the line."""
    root = package(tmp_path / "localcloud")
    first = sources.digest(root)
    (root / "README.md").write_text("two")
    (root / "plugins" / "hcloud" / "api.py").write_text("two")
    (root / "daemon" / "serve.py").write_text("one")
    assert sources.digest(root) == first == sources.digest(package(tmp_path / "elsewhere"))
    (root / "hetzner" / "prices.json").write_text("two")
    second = sources.digest(root)
    (root / "daemon" / "serve.py").rename(root / "daemon" / "server.py")
    assert len({first, second, sources.digest(root)}) == 3


@pytest.mark.parametrize(
    ("already", "code", "told"),
    [(True, "0" * 16, True), (True, None, True), (True, "now", False), (False, None, False)],
)
def test_a_daemon_of_older_code_is_said_and_left(
    already: bool, code: str | None, told: bool, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """After a `git pull`, `scripts/up` went on with the daemon of the day before, and what was mended stayed broken."""
    about = {"port": 1, "machines": "memory", "already": already} | ({"code": code} if code else {})
    monkeypatch.setattr(control, "start", lambda *_: about)
    monkeypatch.setattr(sources, "digest", lambda: "now")
    assert command.main(["start", "--home", str(tmp_path), "--machines", "memory"]) == 0
    said = [line for line in capsys.readouterr().out.splitlines() if line.startswith(command.OLDER_CODE)]
    assert [("python -m localcloud stop" in line) for line in said] == ([True] if told else [])
