"""scripts/env, sourced as people source it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ENV = Path(__file__).resolve().parents[3] / "scripts" / "env"
TRUST = ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
SHELLS = [shell for shell in ("bash", "zsh") if shutil.which(shell)]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = tmp_path.resolve() / "a checkout"
    (root / "scripts").mkdir(parents=True)
    shutil.copy2(ENV, root / "scripts")
    for name in (".venv/bin/python", ".local/toolchain/pulumi"):
        path = root / name
        path.parent.mkdir(parents=True)
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
    (root / ".local" / "cloud").mkdir()
    (root / ".local" / "cloud" / "token").write_text("t" * 64)
    return root


def shell(name: str, script: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    foreign = ("HCLOUD", "CLOUDFLARE", "LOCALCLOUD", "OPTIC", *TRUST)
    clean = {key: value for key, value in os.environ.items() if not key.startswith(foreign)}
    options = ["--norc", "--noprofile"] if name == "bash" else ["-f"]
    return subprocess.run(
        [name, *options, "-c", script], cwd=cwd, env={**clean, **variables}, capture_output=True, text=True
    )


@pytest.mark.parametrize("name", SHELLS)
def test_it_can_be_sourced_from_any_folder(name: str, checkout: Path) -> None:
    """Sourced from another folder, it put that folder's own `scripts` on the path."""
    result = shell(
        name, f'set -u; . "{checkout}/scripts/env"; echo $?; echo "$PATH"; echo "$HCLOUD_ENDPOINT"', Path("/")
    )
    status, path, endpoint = result.stdout.splitlines()
    assert (status, result.stderr) == ("0", "")
    assert path.startswith(f"{checkout}/scripts/toolchain/shim:{checkout}/.venv/bin:")
    assert endpoint == "http://127.0.0.1:8470/v1"


@pytest.mark.parametrize("name", SHELLS)
def test_the_cloud_has_a_command_in_any_folder(name: str, checkout: Path, tmp_path: Path) -> None:
    """`python -m localcloud stop` in another folder: no module named localcloud, or another cloud's home."""
    shim = checkout / "scripts" / "toolchain" / "shim"
    shim.mkdir(parents=True)
    shutil.copy2(ENV.parent / "toolchain" / "shim" / "localcloud", shim)
    python = checkout / ".venv" / "bin" / "python"
    python.write_text('#!/bin/sh\necho "$LOCALCLOUD_HOME $PYTHONPATH $*"\n')
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    def said(**variables: str) -> str:
        script = f'. "{checkout}/scripts/env"; localcloud status --json'
        return shell(name, script, elsewhere, **variables).stdout.strip()

    assert said(PYTHONPATH="") == f"{checkout}/.local/cloud {checkout} -m localcloud status --json"
    other = tmp_path / "other"
    other.mkdir()
    assert said(PYTHONPATH="/mine", LOCALCLOUD_HOME=str(other)).startswith(f"{other} {checkout}:/mine -m")


@pytest.mark.parametrize("name", SHELLS)
def test_twice_is_as_once(name: str, checkout: Path) -> None:
    """Each time it was sourced the path grew, and the caller's own token was lost."""
    script = (
        'one=$PATH; . scripts/env; two=$PATH; . scripts/env; [ "$PATH" = "$two" ] && [ "$PATH" != "$one" ]; echo $?; '
    )
    result = shell(name, script + 'echo "$OPTICWORKS_OUTER_HCLOUD_TOKEN $HCLOUD_TOKEN"', checkout, HCLOUD_TOKEN="mine")
    assert result.stdout.splitlines() == ["0", "mine " + "t" * 64]


def with_cloudflare(checkout: Path) -> Path:
    """The checkout's cloud after a daemon with its Cloudflare half has run."""
    cloud = checkout / ".local" / "cloud"
    (cloud / "daemon.json").write_text(
        '{"pid": 1, "port": 9470, "machines": "memory", "cloudflare_port": 9471, "zones": ["store.localhost"], '
        '"edge_ports": [9480, 9443], "s3_port": 9472, "account_id": "' + "a1" * 16 + '"}'
    )
    (cloud / "cloudflare-token").write_text("c" * 40)
    (cloud / "ca").mkdir()
    (cloud / "ca" / "bundle.pem").write_text("")
    return cloud


@pytest.mark.parametrize("name", SHELLS)
def test_cloudflares_clients_and_the_edges_certificates_work_as_typed(name: str, checkout: Path) -> None:
    """wrangler asked the real Cloudflare, with the real token, for the Worker that had been deployed here."""
    cloud = with_cloudflare(checkout)
    seen = ("CLOUDFLARE_BASE_URL", "CLOUDFLARE_API_BASE_URL", "CLOUDFLARE_API_TOKEN", "CLOUDFLARE_ACCOUNT_ID", *TRUST)
    script = "set -eu; . scripts/env; echo $HCLOUD_ENDPOINT; " + "; ".join(f'echo "${one}"' for one in seen)
    result = shell(name, script, checkout, CLOUDFLARE_API_TOKEN="real", SSL_CERT_FILE="/company.pem")
    url, bundle = "http://127.0.0.1:9471/client/v4", str(cloud / "ca" / "bundle.pem")
    assert result.stderr == ""
    assert result.stdout.splitlines() == ["http://127.0.0.1:9470/v1", url, url, "c" * 40, "a1" * 16, *[bundle] * 3]


@pytest.mark.parametrize("name", SHELLS)
def test_what_the_caller_had_is_kept_aside_once(name: str, checkout: Path) -> None:
    """Sourced twice, the local token was kept aside as the caller's own; a key of his own broke every call."""
    with_cloudflare(checkout)
    script = (
        ". scripts/env; . scripts/env; "
        'echo "$OPTICWORKS_OUTER_CLOUDFLARE_API_TOKEN $OPTICWORKS_OUTER_SSL_CERT_FILE ${CLOUDFLARE_API_KEY-none}"'
    )
    result = shell(
        name, script, checkout, CLOUDFLARE_API_TOKEN="real", CLOUDFLARE_API_KEY="key", SSL_CERT_FILE="/company.pem"
    )
    assert result.stdout == "real /company.pem none\n"


@pytest.mark.parametrize("name", SHELLS)
def test_without_cloudflare_the_callers_own_stays(name: str, checkout: Path) -> None:
    result = shell(name, '. scripts/env; echo "$CLOUDFLARE_API_TOKEN ${SSL_CERT_FILE-none}"', checkout,
                   CLOUDFLARE_API_TOKEN="real")  # fmt: skip
    assert result.stdout == "real none\n"


@pytest.mark.parametrize("name", SHELLS)
def test_the_systems_own_commands_come_first(name: str, checkout: Path) -> None:
    """`find -exec test` ran the store's test-suite: scripts/ holds a `test` and an `env`."""
    for command in ("test", "env"):
        (checkout / "scripts" / command).chmod(0o755) if command == "env" else (checkout / "scripts" / command).touch(
            0o755
        )
    result = shell(name, '. scripts/env; env sh -c "command -v env"', checkout)
    assert result.stdout.strip() in ("/usr/bin/env", "/bin/env")


@pytest.mark.parametrize("name", SHELLS)
@pytest.mark.parametrize("lacking", [".venv/bin/python", ".local/toolchain/pulumi"])
def test_what_is_missing_is_one_sentence_and_the_shell_stays(name: str, lacking: str, checkout: Path) -> None:
    """An `exit` in a sourced file closed people's terminals."""
    (checkout / lacking).unlink()
    result = shell(name, '. scripts/env; echo "still here $?"', checkout)
    assert result.stdout == "still here 1\n"
    assert result.stderr.count("\n") == 1 and "scripts/up" in result.stderr


@pytest.mark.parametrize("name", SHELLS)
def test_a_prepared_checkout_serves_the_other_stacks(name: str, checkout: Path) -> None:
    """Whoever has to look after production was told to bring a whole store up on the own machine first."""
    (checkout / ".local" / "cloud" / "token").unlink()
    script = 'set -eu; . scripts/env; echo "$PATH"; echo "$HCLOUD_TOKEN ${HCLOUD_ENDPOINT-none}"'
    result = shell(name, script, checkout, HCLOUD_TOKEN="mine")
    path, rest = result.stdout.splitlines()
    assert path.startswith(f"{checkout}/scripts/toolchain/shim:{checkout}/.venv/bin:") and rest == "mine none"
    assert result.stderr.count("\n") == 1 and "scripts/up" in result.stderr and "production" in result.stderr


@pytest.mark.parametrize("name", SHELLS)
def test_it_does_not_end_a_shell_that_ends_on_errors(name: str, checkout: Path) -> None:
    """A script with `set -e` ended at this line, without a word, when the cloud had not been started with a port."""
    result = shell(name, "set -eu; . scripts/env; echo on", checkout)
    assert (result.stdout, result.stderr) == ("on\n", "")


@pytest.mark.skipif(shutil.which("dash") is None, reason="no other shell here")
def test_another_shell_is_told_which_to_use(checkout: Path) -> None:
    """Debian's sh said "Bad substitution"."""
    said = subprocess.run(["dash", "-c", ". ./scripts/env"], cwd=checkout, capture_output=True, text=True)
    assert said.returncode != 0 and "bash and zsh" in said.stderr and "substitution" not in said.stderr
