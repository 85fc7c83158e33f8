"""The Pulumi CLI: the one on PATH, else the pinned release, else built from the Go module proxy.

A release brings its Python language host; beside a CLI that was built lies ours. Either is found by the engine in the
CLI's own folder, so ``.local/toolchain/pulumi`` is a link to the CLI and nothing else needs to be on PATH.
"""

from __future__ import annotations

import filecmp
import hashlib
import os
import platform
import re
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from scripts.toolchain.environment import locked
from scripts.toolchain.paths import PULUMI, PULUMI_VERSION, ROOT, cache
from scripts.toolchain.steps import Log, SetupError

RELEASES = "https://get.pulumi.com/releases/sdk"
ASK_SECONDS = 4.0
DOWNLOAD_SECONDS = 60.0
OURS = ("pulumi-language-python", "language_host.py")
HERE = Path(__file__).resolve().parent
OLDEST_GO = (1, 21)
"""From here on Go fetches by itself the newer toolchain that go.mod asks for."""


def install(log: Log) -> str:
    """Makes ``.local/toolchain/pulumi`` a CLI of at least the pinned version, with a language host beside it."""
    folder = cache() / "pulumi" / PULUMI_VERSION / "bin"
    if not usable(PULUMI):
        found = on_path(os.environ.get("PATH", ""))
        if found is None:
            found = folder / "pulumi"
            if not os.access(found, os.X_OK):
                with locked(folder.parent / "lock"):
                    if not os.access(found, os.X_OK) and not download(folder, log):
                        build(folder, log)
        link(found)
    if PULUMI.resolve().parent == folder.resolve() and not is_release(folder):
        place_language_host(folder)
    return f"{PULUMI_VERSION} or newer at {PULUMI.resolve()}"


def usable(link_: Path) -> bool:
    """Whether the link of an earlier run still leads to the very file it was made for."""
    record = link_.with_suffix(".file")
    return os.access(link_, os.X_OK) and record.is_file() and record.read_text() == identity(link_)


def identity(path: Path) -> str:
    real = path.resolve()
    stat = real.stat()
    return f"{PULUMI_VERSION} {real} {stat.st_size} {stat.st_mtime_ns}\n"


def link(target: Path) -> None:
    PULUMI.parent.mkdir(parents=True, exist_ok=True)
    draft = PULUMI.with_name(f"pulumi.{os.getpid()}")
    draft.unlink(missing_ok=True)
    draft.symlink_to(target)
    draft.replace(PULUMI)
    PULUMI.with_suffix(".file").write_text(identity(PULUMI))


def on_path(path: str) -> Path | None:
    """The first ``pulumi`` on PATH that is new enough; our own shim is not one."""
    for folder in filter(None, path.split(os.pathsep)):
        candidate = Path(folder, "pulumi")
        if ROOT not in candidate.resolve().parents and os.access(candidate, os.X_OK):
            said = subprocess.run(
                [candidate, "version"],
                capture_output=True,
                text=True,
                env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "1"},
            ).stdout
            if version(said) >= version(PULUMI_VERSION):
                return candidate.resolve()
    return None


def version(text: str) -> tuple[int, ...]:
    """The first three-part version number in a text; () where there is none."""
    match = re.search(r"(\d+)\.(\d+)\.(\d+)", text)
    return tuple(int(part) for part in match.groups()) if match else ()


def is_release(folder: Path) -> bool:
    """Whether the CLI came with its release, and so with Pulumi's own language hosts."""
    return (folder / "pulumi-language-go").exists()


def download(folder: Path, log: Log) -> bool:
    """Installs the pinned release, checked against its published SHA-256; False where the site does not answer."""
    machine = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine())
    number = PULUMI_VERSION.removeprefix("v")
    name = f"pulumi-{PULUMI_VERSION}-linux-{machine}.tar.gz"
    log.note = "asking for the release"
    try:
        with urllib.request.urlopen(f"{RELEASES}/pulumi-{number}-checksums.txt", timeout=ASK_SECONDS) as answer:
            sums = dict(reversed(line.split()) for line in answer.read().decode().splitlines() if line.strip())
        if machine is None or name not in sums:
            return False
        log.note = "downloading the release"
        with urllib.request.urlopen(f"{RELEASES}/{name}", timeout=DOWNLOAD_SECONDS) as answer:
            content = answer.read()
    except (urllib.error.URLError, OSError, ValueError):
        return False
    if hashlib.sha256(content).hexdigest() != sums[name]:
        raise SetupError(
            f"{name} is not what its publisher's checksums say: try again, or put pulumi on PATH yourself."
        )
    with tempfile.TemporaryDirectory(dir=ready(folder.parent)) as draft:
        archive = Path(draft, name)
        archive.write_bytes(content)
        log.run(["tar", "-xzf", archive, "-C", draft])
        shutil.rmtree(folder, ignore_errors=True)
        Path(draft, "pulumi").rename(folder)
    return True


def build(folder: Path, log: Log) -> None:
    """Compiles the CLI that go.mod pins, with its version stamped; 3 to 4 minutes on two cores without a cache."""
    go = go_command()
    with tempfile.TemporaryDirectory(dir=ready(folder.parent)) as draft:
        binary = Path(draft, "pulumi")
        log.note = "downloading modules and compiling"
        stamp = f"-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version={PULUMI_VERSION}"
        log.run(
            [go, "build", "-v", "-mod=readonly", "-buildvcs=false", "-trimpath", "-ldflags", f"-s -w {stamp}",
             "-o", binary, "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"],
            cwd=HERE,
        )  # fmt: skip
        folder.mkdir(parents=True, exist_ok=True)
        binary.replace(folder / "pulumi")


def go_command() -> str:
    go = shutil.which("go") or next((path for path in ("/usr/local/go/bin/go",) if os.access(path, os.X_OK)), None)
    said = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True).stdout if go else ""
    match = re.search(r"go(\d+)\.(\d+)", said)
    if go is None or match is None or (int(match[1]), int(match[2])) < OLDEST_GO:
        raise SetupError(
            f"There is no Pulumi CLI {PULUMI_VERSION} or newer on PATH, its download site does not answer, and "
            f"building it needs Go 1.21 or newer ({'found ' + said.strip() if said else 'none found'}): "
            "install one of the two, then run this again."
        )
    return go


def place_language_host(folder: Path) -> None:
    """Puts our language host beside the CLI that was built: a copy, since every checkout shares that folder."""
    for name in OURS:
        source, target = HERE / name, folder / name
        if not target.exists() or not filecmp.cmp(source, target, shallow=False):
            draft = folder / f"{name}.{os.getpid()}"
            shutil.copy2(source, draft)
            draft.replace(target)


def ready(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
