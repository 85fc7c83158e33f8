"""A storefront is built once for one set of inputs, outside the checkout, and without this machine's credentials."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.storefront import composition
from scripts.operator.errors import OperatorError, UsageProblem
from scripts.operator.process import Command, Result, merged_environment
from scripts.operator.storefront import application, build
from tests.unit.storefront.folders import composed, write

APP = {
    "package.json": json.dumps({"name": "shop", "scripts": {"build:worker": "build"}}),
    "package-lock.json": "{}",
    "src/page.tsx": "page",
    ".env.local": "SECRET=1",
    "node_modules/next/index.js": "",
    "dist/old.js": "",
}


class Npm:
    """Runs nothing; builds a bundle whose content is what the app's page says."""

    def __init__(self) -> None:
        self.commands: list[Command] = []
        self.seen: set[str] = set()
        self.fails = ""

    def __call__(self, command: Command) -> Result:
        if command.argv == ("node", "--version"):
            return Result(0, "v20.20.2\n")
        self.commands.append(command)
        folder = command.directory
        assert folder is not None
        if self.fails in command.argv:
            return Result(1, "", "it broke")
        if command.argv[1] == "ci":
            (folder / "node_modules").mkdir()
        else:
            self.seen = {path.relative_to(folder).as_posix() for path in application.files(folder)}
            write(folder / "dist", {"page": (folder / "src/page.tsx").read_text()})
        return Result(0)

    @property
    def lines(self) -> list[str]:
        return [" ".join(command.argv[:3]) for command in self.commands]


@pytest.fixture
def npm(monkeypatch: pytest.MonkeyPatch) -> Iterator[Npm]:
    def compose(raw: Path, out: Path, shown: str, plan: str = "paid") -> None:
        composed(out, assets={"page": (raw / "page").read_text()})

    monkeypatch.setattr(composition, "run", compose)
    yield Npm()


def made(tmp_path: Path, npm: Npm) -> build.Built:
    return build.build(tmp_path / "app", tmp_path / "out", paid=True, cache=tmp_path / "cache", run=npm)


def test_the_same_inputs_are_built_once(tmp_path: Path, npm: Npm) -> None:
    """Next.js never builds the same twice: a second `up` deployed another version for nothing."""
    write(tmp_path / "app", APP)
    first = made(tmp_path, npm)
    assert npm.lines == ["npm ci --no-progress", "npm run build:worker"] and not first.reused
    assert npm.seen == {"package.json", "package-lock.json", "src/page.tsx"}, "no file of one machine is built in"
    assert first.path.parent == tmp_path / "out"
    assert (tmp_path / "out/latest").resolve() == first.path
    assert (tmp_path / "app/dist/old.js").exists(), "the checkout is left alone"

    write(tmp_path / "app", {".env.local": "SECRET=2", "README.md": "more", "dist/new.js": ""})
    again = made(tmp_path, npm)
    assert again.reused and again.path == first.path and len(npm.commands) == 2

    write(tmp_path / "app", {"src/page.tsx": "another"})
    other = made(tmp_path, npm)
    assert not other.reused and other.path != first.path
    assert npm.lines[2:] == ["npm run build:worker"], "the same lock file is installed once"
    write(tmp_path / "app", {"src/page.tsx": "page"})
    assert made(tmp_path, npm).path == first.path
    assert (tmp_path / "out/latest").resolve() == first.path


def test_inlined_variables_are_inputs(tmp_path: Path, npm: Npm, monkeypatch: pytest.MonkeyPatch) -> None:
    """Staging's key was in production's pages: it had been found in the cache."""
    write(tmp_path / "app", APP)
    made(tmp_path, npm)
    monkeypatch.setenv("NEXT_PUBLIC_KEY", "pk_live")
    assert not made(tmp_path, npm).reused


def test_credentials_do_not_reach_the_build(tmp_path: Path, npm: Npm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", "hush")
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "hush")
    write(tmp_path / "app", APP)
    made(tmp_path, npm)
    for command in npm.commands:
        assert "hush" not in merged_environment(command.environment).values()


def test_a_failed_step_leaves_nothing_that_looks_done(tmp_path: Path, npm: Npm) -> None:
    write(tmp_path / "app", APP)
    for step, told in (("ci", "could not be installed"), ("run", "`npm run build:worker` failed")):
        npm.fails = step
        with pytest.raises(OperatorError, match=told) as caught:
            made(tmp_path, npm)
        assert caught.value.detail == "it broke"
    npm.fails = ""
    assert not made(tmp_path, npm).reused


def test_the_cache_does_not_grow_for_ever(tmp_path: Path, npm: Npm) -> None:
    write(tmp_path / "app", APP)
    paths = []
    for number in range(7):
        write(tmp_path / "app", {"src/page.tsx": str(number), "package-lock.json": "{}" + " " * (number % 3)})
        paths.append(made(tmp_path, npm).path)
        # Times of last use, a second apart.
        os.utime(tmp_path / "cache" / paths[-1].name, (number, number))
    assert len(list((tmp_path / "cache").glob("storefront-*"))) == build.KEPT
    assert len(list((tmp_path / "cache/inputs").glob("*.json"))) == build.KEPT
    assert len(list((tmp_path / "cache/work").iterdir())) == build.KEPT_FOLDERS
    assert all(path.is_dir() for path in paths), "what a stack may name is not taken away"


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({}, "no package.json"),
        ({"package.json": "{"}, "is not JSON"),
        ({"package.json": "{}"}, 'no script "build:worker"'),
        ({"package.json": APP["package.json"]}, "no package-lock.json"),
    ],
)
def test_what_is_no_storefront_is_told_apart(tmp_path: Path, npm: Npm, files: dict[str, str], told: str) -> None:
    write(tmp_path / "app", files)
    with pytest.raises(UsageProblem, match=told):
        made(tmp_path, npm)
