"""Bad configurations: each is refused with an error that names the key, and before anything is asked of anybody."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from components.settings import SettingsError, load
from tests.unit.configurations import SECRETS, configuration, private_key, public_key, weak_public_key

OWNERS = ("sshAllowedCidrs", "backendRelease", "cloudflareAccountId", "storefrontBundle", "accessAdmins")
"""What only a stack's owner knows."""


class Bad(NamedTuple):
    environment: str
    key: str
    """The key that the error must name."""
    changes: dict[str, object]
    says: str = ""
    """A piece of the error that a person needs."""


def bad(environment: str, key: str, value: object, says: str = "") -> Bad:
    return Bad(environment, key, {key: value}, says)


BAD = [
    # Copies of another stack's file
    bad("staging", "environment", "production", "must be staging"),
    bad("production", "environment", "staging", "must be production"),
    bad("production", "environment", "local", "must be production"),
    bad("staging", "environment", "Staging", "local, staging or production"),
    bad("staging", "environment", "dev", "local, staging or production"),
    # Stripe: the wrong key takes real money, or none
    bad("staging", "stripeMode", "live", "must be test"),
    bad("production", "stripeMode", "test", "must be live"),
    bad("local", "stripeMode", "live", "must be test"),
    bad("staging", "stripeMode", "sandbox", "test or live"),
    bad("staging", "stripeApiKey", "sk_live_" + "a" * 24, "is a live key"),
    bad("staging", "stripeApiKey", "rk_live_" + "a" * 24, "is a live key"),
    bad("production", "stripeApiKey", "sk_test_" + "a" * 24, "is a test key"),
    bad("production", "stripeApiKey", "rk_test_" + "a" * 24, "is a test key"),
    bad("local", "stripeApiKey", "sk_live_" + "a" * 24, "is a live key"),
    bad("staging", "stripeApiKey", "pk_test_" + "a" * 24, "publishable"),
    bad("staging", "stripeApiKey", "whsec_" + "a" * 24, "webhook secret"),
    bad("staging", "stripeApiKey", "sk_test_", "Stripe key"),
    bad("staging", "stripeWebhookSecret", "sk_test_" + "a" * 24, "whsec_"),
    bad("staging", "stripeWebhookSecret", "whsec_", "whsec_"),
    # Database
    bad("staging", "databaseName", "medusa-production", "names the environment production"),
    bad("production", "databaseName", "medusa-staging", "names the environment staging"),
    bad("staging", "databaseName", "Medusa", "small letters"),
    bad("staging", "databaseName", "1medusa", "letter"),
    bad("staging", "databaseName", "medusa; drop", "small letters"),
    bad("staging", "databaseName", "m" * 64, "63"),
    bad("staging", "databaseName", "postgres", "PostgreSQL's own"),
    bad("staging", "databaseUser", "postgres", "keeps for itself"),
    bad("staging", "databaseUser", "pg_read_all_data", "keeps for itself"),
    bad("staging", "databaseVolumeSize", "9", "10 to 10240"),
    bad("staging", "databaseVolumeSize", "10241", "10 to 10240"),
    bad("staging", "databaseVolumeSize", "20GB", "whole number"),
    # Servers and network
    bad("staging", "location", "fra1", "fsn1, nbg1"),
    bad("staging", "location", "nbg1-dc3", "fsn1, nbg1"),
    bad("staging", "networkRange", "10.0.0.1/16", "host bits"),
    bad("staging", "networkRange", "10.0.0.0", "too small"),
    bad("staging", "networkRange", "10.0.0.0/24", "too small"),
    bad("staging", "networkRange", "8.8.0.0/16", "10.0.0.0/8"),
    bad("staging", "networkRange", "0.0.0.0/0", "10.0.0.0/8"),
    bad("staging", "networkRange", "172.31.0.0/16", "172.31.1.1"),
    bad("staging", "networkRange", "fd00::/48", "IPv4"),
    bad("staging", "networkRange", "ten", "IPv4"),
    bad("staging", "medusaInstances", "0", "from 1 to 150"),
    bad("staging", "medusaInstances", "-1", "from 1 to 150"),
    bad("staging", "medusaInstances", "151", "from 1 to 150"),
    bad("staging", "medusaInstances", "1.5", "whole number"),
    bad("staging", "medusaInstances", "three", "whole number"),
    bad("staging", "medusaInstances", True, "whole number"),
    bad("staging", "medusaInstances", "9" * 30, "whole number"),
    bad("staging", "medusaServerType", "CX23", "server type"),
    bad("staging", "medusaServerType", "t3.medium", "server type"),
    bad("staging", "medusaServerType", "cax11", "x86-64"),
    bad("staging", "databaseServerType", "large", "server type"),
    bad("staging", "redisServerType", "cx", "server type"),
    bad("staging", "loadBalancerType", "lb12", "lb11, lb21 or lb31"),
    Bad("staging", "loadBalancerType", {"loadBalancerType": "lb11", "medusaInstances": "26"}, "holds 25 targets"),
    Bad("staging", "loadBalancerType", {"loadBalancerType": "lb21", "medusaInstances": "76"}, "holds 75 targets"),
    # SSH
    bad("staging", "sshAllowedCidrs", "[]", "at least the range"),
    bad("staging", "sshAllowedCidrs", "", "at least the range"),
    bad("staging", "sshAllowedCidrs", "203.0.113.7/32", "not a list"),
    bad("staging", "sshAllowedCidrs", '{"a": 1}', "not a list"),
    bad("staging", "sshAllowedCidrs", '["203.0.113.7"]', "no prefix length"),
    bad("staging", "sshAllowedCidrs", '["203.0.113.7/24"]', "host bits"),
    bad("staging", "sshAllowedCidrs", '["office"]', "office"),
    bad("staging", "sshAllowedCidrs", '["203.0.113.7/33"]', "203.0.113.7/33"),
    bad("staging", "sshAllowedCidrs", '["203.0.113.7/32", "203.0.113.7/32"]', "twice"),
    bad("staging", "sshAllowedCidrs", str([f"10.{i}.0.0/16" for i in range(101)]).replace("'", '"'), "100 at most"),
    bad("production", "sshAllowedCidrs", '["0.0.0.0/0"]', "sshFromAnywhere"),
    bad("production", "sshAllowedCidrs", '["203.0.113.7/32", "::/0"]', "sshFromAnywhere"),
    bad("production", "sshAllowedCidrs", '["2001:db8::/32"]', "servers have no IPv6 address"),
    bad("production", "sshAllowedCidrs", '["192.168.1.0/24", "10.1.2.3/32"]', "private ranges only"),
    bad("production", "sshAllowedCidrs", '["203.0.113.7/32", "::ffff:203.0.113.7/128"]', "write it as IPv4"),
    bad("production", "sshAllowedCidrs", '["203.0.113.7/32", "fe80::1%eth0/128"]', "interface"),
    bad("production", "sshAllowedCidrs", "[" * 100_000, "not a list"),
    bad("production", "sshAllowedCidrs", "[" + "9" * 5000 + "]", "not a list"),
    bad("production", "sshAllowedCidrs", '["0.0.0.0/1", "128.0.0.0/1"]', "sshFromAnywhere"),
    bad("staging", "sshAllowedCidrs", '["0.0.0.0/0"]', "sshFromAnywhere"),
    bad("staging", "sshFromAnywhere", "yes", "true or false"),
    bad("staging", "sshPublicKeys", '["hello"]', "key 1"),
    bad("staging", "sshPublicKeys", f'["{weak_public_key()}"]', "1024 bits"),
    bad("staging", "sshPublicKeys", [private_key()], "private key"),
    bad("staging", "sshPublicKeys", [public_key(), f"{public_key()} at home"], "twice"),
    bad("staging", "sshPublicKeys", [f"{public_key()}\nssh-rsa AAAA"], "one line"),
    bad("staging", "sshPublicKeys", [f'command="sh" {public_key()}'], "does not start with"),
    bad("staging", "sshPublicKeys", "[" * 100_000, "not a list"),
    bad("staging", "sshPrivateKey", "-----BEGIN RSA PRIVATE KEY-----\nx\n-----END RSA PRIVATE KEY-----\n", "OpenSSH"),
    bad("staging", "sshPrivateKey", "ssh-ed25519 AAAA", "OpenSSH"),
    # What is left
    bad("staging", "protect", "yes", "true or false"),
    bad("staging", "protect", "1", "true or false"),
    bad("production", "seedDemoData", "true", "false in production"),
    bad("staging", "backendRelease", "", "is not set"),
    bad("staging", "backendRelease", "nowhere/medusa-0123456789abcdef.tar.zst", "not there"),
    bad("staging", "backendRelease", "medusa.zip", "release archive"),
    bad("staging", "backendRelease", "m" * 5000 + ".tar.zst", "not there"),
    bad("staging", "backendRelease", "m\0.tar.zst", "not there"),
    bad("staging", "replaceMedusa", "a b", "64"),
    bad("staging", "replaceDatabase", "x" * 65, "64"),
    # Secrets
    bad("staging", "databasePassword", "short", "24 to 128"),
    bad("staging", "databasePassword", "with spaces and 'quotes' in it", "24 to 128"),
    bad("staging", "jwtSecret", "supersecret", "24 to 128"),
    bad("staging", "cookieSecret", "c" * 129, "24 to 128"),
    bad("staging", "cookieSecret", "j" * 43, "same as jwtSecret"),
    bad("staging", "redisCachePassword", "r" * 43, "same as redisDurablePassword"),
    *(bad("staging", key, "", "is not set") for key in SECRETS),
    # Mistyped keys would be settings that do nothing
    bad("staging", "medusaInstance", "3", "did you mean medusaInstances"),
    bad("staging", "medusa_instances", "3", "did you mean medusaInstances"),
    bad("staging", "sshAllowedCIDRs", '["203.0.113.7/32"]', "did you mean sshAllowedCidrs"),
    bad("staging", "colour", "red", "is not a setting"),
]


@pytest.mark.parametrize("case", BAD, ids=[f"{case.key}-{number}" for number, case in enumerate(BAD)])
def test_is_refused_by_name(case: Bad, release: Path) -> None:
    values: dict[str, object] = {**configuration(case.environment, release), **case.changes}

    with pytest.raises(SettingsError) as caught:
        load(values, case.environment)

    problem = next((problem for problem in caught.value.problems if problem.key == case.key), None)
    assert problem is not None, f"no problem is named {case.key}: {caught.value}"
    assert case.says in problem.rule
    assert case.key in problem.fix or "scripts/store secrets generate" in problem.fix
    assert f"{case.environment}" in problem.fix


@pytest.mark.parametrize("case", BAD, ids=[f"{case.key}-{number}" for number, case in enumerate(BAD)])
def test_error_shows_no_secret(case: Bad, release: Path) -> None:
    """An error goes to a terminal, a pull request and a log."""
    values: dict[str, object] = {**configuration(case.environment, release), **case.changes}

    with pytest.raises(SettingsError) as caught:
        load(values, case.environment)

    secrets = [str(values[key]) for key in SECRETS if len(str(values[key])) > len("sk_test_")]
    assert not [secret for secret in secrets if secret in str(caught.value)]
    assert "BEGIN OPENSSH" not in str(caught.value)


def test_there_are_enough_of_them() -> None:
    assert len(BAD) >= 60


def test_all_problems_at_once(release: Path) -> None:
    """One problem a run would take as many runs as there are problems."""
    values = configuration("staging", release) | {
        "medusaInstances": "0",
        "location": "moon",
        "jwtSecret": "",
        "cookieSecret": "",
        "stripeApiKey": "sk_live_" + "a" * 24,
        "loadBalancerTyp": "lb11",
    }

    with pytest.raises(SettingsError) as caught:
        load(values, "staging")

    assert {problem.key for problem in caught.value.problems} == {
        "medusaInstances",
        "location",
        "jwtSecret",
        "cookieSecret",
        "stripeApiKey",
        "loadBalancerTyp",
    }
    assert str(caught.value).count("scripts/store secrets generate -s staging") == 1, "one command makes both secrets"


def test_a_secret_in_plain_text_is_refused(release: Path) -> None:
    """`pulumi config set` without --secret writes a password into git."""
    with pytest.raises(SettingsError) as caught:
        load(configuration("staging", release), "staging", plaintext=["opticworks-store:jwtSecret", "location"])

    assert [problem.key for problem in caught.value.problems] == ["jwtSecret"]
    assert "encrypted" in caught.value.problems[0].rule


def test_an_empty_stack_is_told_all_it_lacks() -> None:
    with pytest.raises(SettingsError) as caught:
        load({}, "production")

    missing = {problem.key for problem in caught.value.problems}
    assert missing == {*SECRETS, *OWNERS, "storefrontHost", "apiHost"}


def test_a_stack_of_another_name_must_say_its_environment() -> None:
    with pytest.raises(SettingsError) as caught:
        load({}, "pr-12")

    assert "environment" in {problem.key for problem in caught.value.problems}


@pytest.mark.parametrize("key", ["networkRange", "domain", "databaseName", "medusaInstances", "location"])
def test_a_secret_under_another_key_is_not_printed(key: str, release: Path) -> None:
    """Two values swapped at a prompt put the live key into a pull request's comment."""
    values = configuration("staging", release) | {key: "sk_live_" + "S3cr" * 6}

    with pytest.raises(SettingsError, match=key) as caught:
        load(values, "staging")

    assert "S3cr" not in str(caught.value)


def test_a_secret_in_a_list_is_not_printed(release: Path) -> None:
    values = configuration("staging", release) | {"sshAllowedCidrs": f'["sk_live_{"S3cr" * 6}"]'}

    with pytest.raises(SettingsError, match="sshAllowedCidrs") as caught:
        load(values, "staging")

    assert "S3cr" not in str(caught.value)


@pytest.mark.parametrize("value", ["\x1b[2Jx", "\u202emedusa", "a\x00b", "\ud800"])
def test_a_value_cannot_write_on_the_terminal(value: str, release: Path) -> None:
    """A control sequence in a pull request's stack file would rewrite what its reviewer sees."""
    with pytest.raises(SettingsError) as caught:
        load(configuration("staging", release) | {"databaseName": value}, "staging")

    assert str(caught.value).replace("\n", "").isprintable()


@pytest.mark.parametrize(
    ("ranges", "fix"),
    [
        (["203.0.113.7/32", "office"], "config set --path 'sshAllowedCidrs[1]' 203.0.113.7/32"),
        (["203.0.113.7/32", "203.0.113.7/32"], "config rm --path 'sshAllowedCidrs[1]'"),
        ("203.0.113.7/32", "config rm sshAllowedCidrs --stack staging && pulumi config set --path"),
    ],
)
def test_a_fix_of_a_list_leaves_what_is_right_in_it(ranges: object, fix: str, release: Path) -> None:
    """Pasted as it stands, the command must not replace the office's range by an example."""
    with pytest.raises(SettingsError) as caught:
        load({**configuration("staging", release), "sshAllowedCidrs": ranges}, "staging")

    assert fix in caught.value.problems[0].fix


def test_a_key_pasted_with_an_indent_is_straightened(release: Path) -> None:
    """The library reads it; Go's SSH client on the way to the first server does not."""
    pasted = "  " + private_key().replace("\n", "\r\n  ")

    settings = load(configuration("staging", release) | {"sshPrivateKey": pasted}, "staging")

    assert settings.ssh_private_key.get_secret_value() == private_key()


def test_an_account_token_in_plain_is_refused(release: Path) -> None:
    """A stack file is committed: the token in it would give the whole project away."""
    values = configuration("staging", release) | {"hcloud:token": "t" * 64}

    with pytest.raises(SettingsError, match="hcloud:token: must be stored encrypted") as caught:
        load(values, "staging", plaintext=["hcloud:token"])

    assert "t" * 64 not in str(caught.value)
    assert "pulumi config set --secret hcloud:token --stack staging" in str(caught.value)
    load(values, "staging")
