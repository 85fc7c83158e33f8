"""The ``pulumi`` of scripts/env: which stack a command is about, and whose backend, passphrase and token it gets."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SHIM = Path(__file__).resolve().parents[3] / "scripts" / "toolchain" / "shim" / "pulumi"
VARIABLES = (
    "PULUMI_HOME", "PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE", "HCLOUD_TOKEN",
    "HCLOUD_ENDPOINT", "PULUMI_OPTION_STACK", "CLOUDFLARE_BASE_URL", "CLOUDFLARE_API_BASE_URL", "CLOUDFLARE_API_TOKEN",
    "CLOUDFLARE_ACCOUNT_ID", "CLOUDFLARE_API_KEY", "SSL_CERT_FILE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS",
)  # fmt: skip

OUTER = {
    "PULUMI_BACKEND_URL": "s3://state",
    "PULUMI_CONFIG_PASSPHRASE": "production's",
    "HCLOUD_ENDPOINT": "http://127.0.0.1:8470/v1",
    "HCLOUD_TOKEN": "local-token",
    "OPTICWORKS_LOCAL_ENDPOINT": "http://127.0.0.1:8470/v1",
    "OPTICWORKS_OUTER_HCLOUD_TOKEN": "real-token",
}


class Checkout:
    """A checkout with a CLI that only tells its arguments and variables."""

    def __init__(self, root: Path) -> None:
        self.root = root
        shim = root / "scripts" / "toolchain" / "shim" / "pulumi"
        shim.parent.mkdir(parents=True)
        shutil.copy2(SHIM, shim)
        cli = root / ".local" / "toolchain" / "pulumi"
        cli.parent.mkdir(parents=True)
        names = " ".join(VARIABLES)
        cli.write_text(
            f'#!/bin/bash\nfor n in {names}; do echo "$n=${{!n-}}"; done; echo "arguments=$*"; exit ${{CODE-0}}\n'
        )
        cli.chmod(0o755)
        (root / "Pulumi.yaml").write_text("name: p\n")
        token = root / ".local" / "cloud" / "token"
        token.parent.mkdir()
        token.write_text("local-token\n")
        self.shim = shim

    def run(self, *arguments: str, cwd: Path | None = None, **variables: str) -> dict[str, str]:
        clean = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("PULUMI", "HCLOUD", "CLOUDFLARE", "OPTICWORKS")) and key not in VARIABLES
        }
        clean.pop("LOCALCLOUD_HOME", None)
        result = subprocess.run(
            [self.shim, *arguments], env={**clean, **OUTER, **variables}, cwd=cwd or self.root, text=True,
            capture_output=True,
        )  # fmt: skip
        assert result.stderr == ""
        return dict(line.split("=", 1) for line in result.stdout.splitlines())

    def stack(self, *arguments: str, cwd: Path | None = None, **variables: str) -> str:
        """``local`` or ``other``, by the backend that the CLI was given."""
        seen = self.run(*arguments, cwd=cwd, **variables)
        return "local" if seen["PULUMI_BACKEND_URL"] == f"file://{self.root}/.local/state" else "other"


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path.resolve())


@pytest.mark.parametrize(
    "words",
    [
        "up -s local", "up --yes -s local", "preview --stack local --expect-no-changes", "destroy --stack=local --yes",
        "refresh -slocal", "stack output apiUrl -s local", "config set medusaInstances 3 -s local", "stack init local",
        "stack select local", "stack rm local --yes", "stack init --secrets-provider passphrase local", "up", "preview",
        "stack", "stack ls", "version", "plugin ls", "-s local stack output", "up -s organization/p/local",
        "stack select --create local",
    ],
)  # fmt: skip
def test_commands_about_the_local_stack(checkout: Checkout, words: str) -> None:
    """`pulumi destroy -s local` typed without the local backend would have asked production's for that stack."""
    seen = checkout.run(*words.split())
    assert seen["PULUMI_BACKEND_URL"] == f"file://{checkout.root}/.local/state"
    assert seen["PULUMI_HOME"] == f"{checkout.root}/.local/pulumi"
    assert seen["PULUMI_CONFIG_PASSPHRASE"] == "local"
    assert seen["HCLOUD_TOKEN"] == "local-token"
    assert seen["arguments"] == words


@pytest.mark.parametrize(
    "words",
    [
        "up -s production", "preview --stack staging", "destroy --stack=acme/p/production", "stack select production",
        "stack init staging", "stack rm staging", "stack init staging --secrets-provider passphrase", "login", "logout",
        "whoami", "login s3://bucket", "config set a local -s production", "up -m local -s staging",
    ],
)  # fmt: skip
def test_commands_about_other_stacks(checkout: Checkout, words: str) -> None:
    """A preview of production with the local cloud's token and passphrase: nothing of it fitted, or worse, all did."""
    seen = checkout.run(*words.split())
    assert seen["PULUMI_BACKEND_URL"] == "s3://state"
    assert seen["PULUMI_HOME"] == ""
    assert seen["PULUMI_CONFIG_PASSPHRASE"] == "production's"
    assert seen["HCLOUD_ENDPOINT"] == ""
    assert seen["HCLOUD_TOKEN"] == "real-token"


def test_pulumi_stack_names_the_stack(checkout: Checkout) -> None:
    assert checkout.stack("preview", PULUMI_STACK="staging") == "other"
    assert checkout.run("preview", PULUMI_STACK="staging")["PULUMI_OPTION_STACK"] == "staging"
    assert checkout.stack("preview", "-s", "local", PULUMI_STACK="staging") == "local"


def test_the_selected_stack_is_what_a_bare_command_is_about(checkout: Checkout) -> None:
    """After `pulumi stack select production`, a bare `pulumi up` deployed the local stack."""
    assert checkout.stack("up") == "local"
    checkout.run("stack", "select", "production")
    assert checkout.stack("up") == "other"
    assert checkout.stack("up", "-s", "local") == "local"
    checkout.run("stack", "select", "local")
    assert checkout.stack("up") == "local"


def test_a_failed_selection_selects_nothing(checkout: Checkout) -> None:
    checkout.run("stack", "select", "prodcution", CODE="255")
    assert checkout.stack("up") == "local"


def test_another_project_is_left_alone(checkout: Checkout, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Another program reached from the same shell was deployed into the store's local state."""
    other = tmp_path_factory.mktemp("other")
    (other / "Pulumi.yaml").write_text("name: other\n")
    assert checkout.stack("up", "-s", "local", cwd=other) == "other"
    assert checkout.stack("up", "-s", "local", "-C", str(other)) == "other"
    assert checkout.stack("up", "-s", "local", "--cwd", str(checkout.root), cwd=other) == "local"


def test_a_users_own_endpoint_stays(checkout: Checkout) -> None:
    """An endpoint that the caller set for another stack is none of ours to remove."""
    seen = checkout.run("up", "-s", "staging", HCLOUD_ENDPOINT="https://proxy.example/v1", HCLOUD_TOKEN="mine")
    assert (seen["HCLOUD_ENDPOINT"], seen["HCLOUD_TOKEN"]) == ("https://proxy.example/v1", "mine")


def sourced(checkout: Checkout) -> dict[str, str]:
    """What a shell holds that sourced scripts/env where Cloudflare's half has run, over a caller's own."""
    cloud = checkout.root / ".local" / "cloud"
    (cloud / "cloudflare-token").write_text("local-cloudflare-token\n")
    (cloud / "ca").mkdir()
    (cloud / "ca" / "bundle.pem").write_text("")
    bundle = str(cloud / "ca" / "bundle.pem")
    base = "http://127.0.0.1:8471/client/v4"
    return {
        "CLOUDFLARE_BASE_URL": base, "CLOUDFLARE_API_BASE_URL": base, "CLOUDFLARE_API_TOKEN": "local-cloudflare-token",
        "CLOUDFLARE_ACCOUNT_ID": "a" * 32, "SSL_CERT_FILE": bundle, "CURL_CA_BUNDLE": bundle,
        "NODE_EXTRA_CA_CERTS": bundle, "OPTICWORKS_OUTER_CLOUDFLARE_API_TOKEN": "real",
        "OPTICWORKS_OUTER_CLOUDFLARE_API_KEY": "real-key", "OPTICWORKS_OUTER_SSL_CERT_FILE": "/company.pem",
        "OPTICWORKS_OUTER_CLOUDFLARE_BASE_URL": "",
    }  # fmt: skip


def test_another_stack_gets_the_callers_own_cloudflare_and_authorities(checkout: Checkout) -> None:
    """`pulumi up -s production` of a shell with scripts/env would have asked the local cloud for the real zone."""
    seen = checkout.run("up", "-s", "production", **sourced(checkout))
    assert {name: value for name, value in seen.items() if name.startswith("CLOUDFLARE")} == {
        "CLOUDFLARE_BASE_URL": "", "CLOUDFLARE_API_BASE_URL": "", "CLOUDFLARE_API_TOKEN": "real",
        "CLOUDFLARE_ACCOUNT_ID": "", "CLOUDFLARE_API_KEY": "real-key",
    }  # fmt: skip
    assert (seen["SSL_CERT_FILE"], seen["CURL_CA_BUNDLE"], seen["NODE_EXTRA_CA_CERTS"]) == ("/company.pem", "", "")


def test_a_token_set_since_for_another_stack_stays(checkout: Checkout) -> None:
    """Exported by hand for one command on staging, it was replaced by what the shell had had in the morning."""
    variables = sourced(checkout) | {"CLOUDFLARE_API_TOKEN": "staging's", "SSL_CERT_FILE": "/my.pem"}
    seen = checkout.run("up", "-s", "staging", **variables, HCLOUD_TOKEN="staging's too")
    assert (seen["CLOUDFLARE_API_TOKEN"], seen["SSL_CERT_FILE"]) == ("staging's", "/my.pem")
    assert (seen["HCLOUD_TOKEN"], seen["CLOUDFLARE_BASE_URL"]) == ("staging's too", "")


def test_the_local_stack_has_the_local_token_alone(checkout: Checkout) -> None:
    """The provider refuses a token beside a key; and production's key has no business with the local cloud."""
    sourced(checkout)
    seen = checkout.run("up", "-s", "local", CLOUDFLARE_API_TOKEN="real", CLOUDFLARE_API_KEY="real-key")
    assert (seen["CLOUDFLARE_API_TOKEN"], seen["CLOUDFLARE_API_KEY"]) == ("local-cloudflare-token", "")
    assert seen["SSL_CERT_FILE"] == f"{checkout.root}/.local/cloud/ca/bundle.pem"


def test_without_a_cli_one_line_says_what_to_do(checkout: Checkout) -> None:
    (checkout.root / ".local" / "toolchain" / "pulumi").unlink()
    result = subprocess.run([checkout.shim, "up"], capture_output=True, text=True)
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1 and "scripts/up" in result.stderr
