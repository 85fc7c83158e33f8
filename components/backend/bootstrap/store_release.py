#!/usr/bin/python3 -IB
"""Installs, migrates, seeds and activates releases of Medusa on this instance (root).

    store-release install ARCHIVE DIGEST SHA256     unpack to /opt/medusa/releases/DIGEST
    store-release migrate DIGEST  < environment     medusa db:migrate with that release
    store-release seed DIGEST  < environment        fill an empty store; prints what the seed says as JSON
    store-release activate DIGEST [--drain]  < environment
                                                    serve that release; the one before serves on if it does not start;
                                                    with other instances there, customers are sent to them first
    store-release run ARGUMENT…                     any command of Medusa's, in the release that serves
    store-release status                            what is installed and what serves, as JSON

The environment is a JSON object of strings on standard input; it ends up in /etc/medusa (root only).
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import pwd
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

RELEASES = Path("/opt/medusa/releases")
CURRENT = Path("/opt/medusa/current")
ETC = Path("/etc/medusa")
RELEASE_MAP = Path("/etc/haproxy/releases.map")
SIGNATURE = Path("/var/lib/store-release/started")
UNITS = Path("/etc/systemd/system")
ADMIN_SOCKET = "/run/haproxy/admin.sock"
HEALTH = "http://127.0.0.1:9100/health"
READY_NAMES = ("DATABASE_URL", "REDIS_URL", "BALANCER_ADDRESS")
START_SECONDS = 120
KEPT = 3
CLI = "node_modules/@medusajs/cli/cli.js"


class Problem(Exception):
    """What went wrong, in a sentence for whoever deploys."""


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main(argv: Sequence[str]) -> int:
    commands = {"install": 3, "migrate": 1, "seed": 1, "activate": 1, "status": 0}
    try:
        if argv[:1] == ["run"] and len(argv) > 1:
            return run(argv[1:])
        others = argv[:1] == ["activate"] and argv[-1] == "--drain"
        argv = argv[:-1] if others else argv
        if not argv or len(argv) - 1 != commands.get(argv[0], -1):
            print(__doc__)
            return 0 if argv[:1] in (["-h"], ["--help"]) else 2
        if os.geteuid() != 0:
            raise Problem("only root can do this: use sudo")
        if argv[0] == "status":
            print(json.dumps(status(), indent=2))
            return 0
        digest = argv[2] if argv[0] == "install" else argv[1]
        if not re.fullmatch(r"[0-9a-f]{16}", digest):
            raise Problem(f"{digest} is not a release's digest (16 hex digits)")
        with only_one():
            if argv[0] == "install":
                install(Path(argv[1]), digest, argv[3])
            elif argv[0] == "migrate":
                migrate(digest, read_environment())
            elif argv[0] == "seed":
                print(seed(digest, read_environment()))
            else:
                activate(digest, read_environment(), others)
        return 0
    except Problem as problem:
        say(f"error: {problem}")
        return 1


@contextlib.contextmanager
def only_one() -> Iterator[None]:
    with open("/run/lock/store-release.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def read_environment() -> dict[str, str]:
    try:
        values = json.load(sys.stdin)
    except ValueError:
        # Not the original: its text quotes the input, which holds secrets.
        raise Problem("standard input is not a JSON object with Medusa's environment") from None
    for name, value in values.items():
        if not isinstance(value, str) or "\n" in value or not re.fullmatch(r"[A-Z][A-Z0-9_]*", name):
            raise Problem(f"{name} in the environment is not a line of text")
    return dict(values)


def environment_file(values: Mapping[str, str]) -> str:
    """As systemd's EnvironmentFile= reads it: in double quotes only backslash and quote are special (systemd.exec)."""
    escaped = {name: value.replace("\\", "\\\\").replace('"', '\\"') for name, value in values.items()}
    return "".join(f'{name}="{value}"\n' for name, value in sorted(escaped.items()))


def write(path: Path, content: str, mode: int = 0o600) -> None:
    """Replace a file in one step; its mode is right before its first byte is there."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(handle, "w") as file:
        os.fchmod(handle, mode)
        file.write(content)
        file.flush()
        os.fsync(handle)
    os.replace(partial, path)


# --- install


def install(archive: Path, digest: str, sha256: str) -> None:
    target = RELEASES / digest
    if (target / "release.json").is_file():
        say(f"release {digest} is installed already")
        archive.unlink(missing_ok=True)
        return
    if not archive.is_file():
        raise Problem(f"{archive} is not there: the release was not copied")
    with archive.open("rb") as file:
        actual = hashlib.file_digest(file, "sha256").hexdigest()
    if actual != sha256:
        raise Problem(f"{archive} is not the release that was built: sha256 {actual}, not {sha256}")
    RELEASES.mkdir(parents=True, exist_ok=True)
    partial = RELEASES / f".{digest}"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    begun = time.monotonic()
    command = ["tar", "--extract", "--zstd", "--file", str(archive), "--directory", str(partial), "--no-same-owner"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        shutil.rmtree(partial, ignore_errors=True)
        raise Problem(f"the release could not be unpacked: {done.stderr.strip()[-500:]}")
    found = json.loads((partial / "release.json").read_text())["digest"]
    if found != digest:
        shutil.rmtree(partial, ignore_errors=True)
        raise Problem(f"the archive holds release {found}, not {digest}")
    os.rename(partial, target)
    archive.unlink()
    say(f"release {digest} unpacked in {time.monotonic() - begun:.1f} s")
    forget_old(digest)


def forget_old(new: str) -> None:
    """Keep the new one, the one that serves and the youngest besides; the rest goes in the background (many files)."""
    serving = CURRENT.resolve().name
    others = [path for path in RELEASES.iterdir() if path.name not in (new, serving)]
    others.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in others[KEPT - 2 :] + [path for path in others[: KEPT - 2] if path.name.startswith(".")]:
        trash = path.with_name(f".trash-{path.name}-{os.getpid()}")
        os.rename(path, trash)
        subprocess.Popen(["rm", "-rf", str(trash)], start_new_session=True, stdin=subprocess.DEVNULL)


# --- Medusa's own commands


def as_medusa(
    digest: str, arguments: Sequence[str], values: Mapping[str, str], *, capture: bool = True
) -> tuple[int, str]:
    """Run Medusa's command line in a release as the user medusa; (exit code, what it said)."""
    release = RELEASES / digest
    if not (release / "release.json").is_file():
        raise Problem(f"release {digest} is not installed here")
    user = pwd.getpwnam("medusa")
    own = {"PATH": "/usr/bin:/bin", "HOME": user.pw_dir, "LANG": "C.UTF-8", "NODE_ENV": "production"}
    done = subprocess.run(
        [str(release / "node/bin/node"), CLI, *arguments],
        cwd=release / "app",
        env={**values, **own, "MEDUSA_DISABLE_TELEMETRY": "true"},
        user=user.pw_uid,
        group=user.pw_gid,
        extra_groups=[],
        stdin=subprocess.DEVNULL if capture else None,
        stdout=subprocess.PIPE if capture else None,
        stderr=subprocess.STDOUT if capture else None,
        text=True,
        check=False,
    )
    return done.returncode, readable(done.stdout) if capture else ""


def readable(log: str) -> str:
    """Medusa's JSON log lines as "level: message"."""
    lines = []
    for line in log.splitlines():
        try:
            entry = json.loads(line)
            lines.append(f"{entry['level']}: {entry['message']}")
        except (ValueError, KeyError, TypeError):
            lines.append(line)
    return "\n".join(lines)


def migrate(digest: str, values: Mapping[str, str]) -> None:
    begun = time.monotonic()
    # Safe links only: what would drop a table stops here, and a person decides.
    code, said = as_medusa(digest, ["db:migrate", "--execute-safe-links"], values)
    if code:
        raise Problem(f"db:migrate of release {digest} failed; what it said last:\n{tail(said)}")
    say(f"migrations of release {digest} ran in {time.monotonic() - begun:.1f} s")


def seed(digest: str, values: Mapping[str, str]) -> str:
    code, said = as_medusa(digest, ["exec", "./src/scripts/seed.js"], values)
    marked = [line.removeprefix("SEED ") for line in said.splitlines() if line.startswith("SEED ")]
    if code or len(marked) != 1:
        raise Problem(f"the seed of release {digest} failed; what it said last:\n{tail(said)}")
    return json.dumps(json.loads(marked[0]), sort_keys=True)


def run(arguments: Sequence[str]) -> int:
    """Medusa's command line in the release that serves, with its environment, on this terminal."""
    if os.geteuid() != 0:
        raise Problem("only root can do this: use sudo")
    if not CURRENT.exists():
        raise Problem("no release serves here yet")
    return as_medusa(CURRENT.resolve().name, arguments, stored_environment(), capture=False)[0]


def stored_environment() -> dict[str, str]:
    values = {}
    for line in (ETC / "medusa.env").read_text().splitlines():
        name, _, quoted = line.partition("=")
        values[name] = re.sub(r"\\(.)", r"\1", quoted[1:-1])
    return values


def tail(text: str, lines: int = 25) -> str:
    return "\n".join(text.strip().splitlines()[-lines:])


# --- activate


def activate(digest: str, values: dict[str, str], others: bool) -> None:
    release = RELEASES / digest
    if not (release / "release.json").is_file():
        raise Problem(f"release {digest} is not installed here")
    before = CURRENT.resolve().name if CURRENT.exists() else None
    files = {"medusa.env": environment_file(values)}
    files["ready.env"] = environment_file({name: values[name] for name in READY_NAMES if name in values})
    old_files = {name: (ETC / name).read_text() for name in files if (ETC / name).exists()}
    signature = sign(digest, files)
    if before == digest and SIGNATURE.exists() and SIGNATURE.read_text() == signature and healthy() is None:
        say(f"release {digest} serves already")
        return
    drained = others and before is not None and systemctl("is-active", "--quiet", "medusa") == 0
    if drained:
        drain()
    try:
        switch(digest, files)
        begun = time.monotonic()
        problem = wait_until_healthy(START_SECONDS)
        if problem:
            log = journal()
            if before and before != digest and old_files:
                switch(before, old_files)
                back = wait_until_healthy(START_SECONDS)
                log += f"\n\nrelease {before} {'serves again' if back is None else f'is not healthy either: {back}'}"
            raise Problem(f"release {digest} did not become healthy within {START_SECONDS} s: {problem}\n{log}")
        say(f"release {digest} healthy after {time.monotonic() - begun:.1f} s")
    finally:
        if drained:
            undrain()
    write(SIGNATURE, signature)
    # After the server, whose start is what customers wait for; jobs in the queues can.
    systemctl("restart", "--no-block", "medusa-worker")


def sign(digest: str, files: Mapping[str, str]) -> str:
    """What Medusa is started with: release, environment, units. The same again needs no restart."""
    content = [digest, *(files[name] for name in sorted(files))]
    content += [(UNITS / unit).read_text() for unit in ("medusa.service", "medusa-worker.service")]
    return hashlib.sha256("\0".join(content).encode()).hexdigest()


def drain() -> None:
    """Send customers to the other instances before the restart; whoever is still there after 30 s is cut off."""
    subprocess.run(["/usr/local/sbin/store-drain", "--seconds", "30"], check=False)


def undrain() -> None:
    subprocess.run(["/usr/local/sbin/store-drain", "--undo"], check=False)


def switch(digest: str, files: Mapping[str, str]) -> None:
    for name, content in files.items():
        write(ETC / name, content)
    partial = CURRENT.with_name(f".current.{os.getpid()}")
    partial.unlink(missing_ok=True)
    partial.symlink_to(RELEASES / digest)
    os.replace(partial, CURRENT)
    show_release(digest)
    for unit in ("medusa-ready", "medusa"):
        if systemctl("restart", unit):
            raise Problem(f"`systemctl restart {unit}` failed\n{journal(unit)}")


def show_release(digest: str) -> None:
    """What the proxy puts into X-Release: in its file for the next start, over its socket for now, without a reload."""
    write(RELEASE_MAP, f"9000 {digest[:12]}\n", 0o644)
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as admin:
        admin.settimeout(2)
        admin.connect(ADMIN_SOCKET)
        admin.sendall(f"set map {RELEASE_MAP} 9000 {digest[:12]}\n".encode())
        admin.recv(4096)


def systemctl(*arguments: str) -> int:
    return subprocess.run(["systemctl", *arguments], stdin=subprocess.DEVNULL, check=False).returncode


def healthy() -> str | None:
    """None when /health says 200, else what it says; that customers are being drained is no problem of the release."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(HEALTH, timeout=2):
            return None
    except urllib.error.HTTPError as error:
        body = json.loads(error.read())
        if body["status"] == "draining":
            return medusa_answers(opener)
        parts = [f"{name} is {body[name]}" for name in ("database", "redis") if body[name] != "connected"]
        return ", ".join(parts) or "Medusa does not answer"
    except (OSError, ValueError) as error:
        return f"the readiness service does not answer ({error})"


def medusa_answers(opener: urllib.request.OpenerDirector) -> str | None:
    try:
        with opener.open("http://127.0.0.1:9000/health", timeout=2):
            return None
    except OSError as error:
        return f"Medusa does not answer ({error})"


def wait_until_healthy(seconds: float) -> str | None:
    """None as soon as it is healthy; else the last problem, at the latest after `seconds`, or after three crashes."""
    end = time.monotonic() + seconds
    while True:
        problem = healthy()
        if problem is None or time.monotonic() > end:
            return problem
        shown = ["systemctl", "show", "--value", "--property", "NRestarts", "medusa"]
        restarts = subprocess.run(shown, capture_output=True, text=True, check=False).stdout.strip()
        if restarts.isdigit() and int(restarts) >= 3:
            return f"Medusa ended {restarts} times; {problem}"
        time.sleep(0.2)


def journal(unit: str = "medusa") -> str:
    command = ["journalctl", "--unit", unit, "--lines", "25", "--output", "cat", "--no-pager"]
    said = readable(subprocess.run(command, capture_output=True, text=True, check=False).stdout)
    return f"last lines of `journalctl -u {unit}`:\n{tail(said)}"


# --- status


def status() -> dict[str, object]:
    serving = CURRENT.resolve().name if CURRENT.exists() else None
    folders = RELEASES.iterdir() if RELEASES.is_dir() else iter(())
    installed = sorted(path.name for path in folders if not path.name.startswith("."))
    return {"serving": serving, "installed": installed, "problem": healthy()}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
