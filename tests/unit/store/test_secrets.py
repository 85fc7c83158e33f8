"""Secrets: incidents are a secret in a process list, a password made anew under a running store, a lockout."""

from __future__ import annotations

import sys

import pytest
from cryptography.hazmat.primitives.serialization import load_ssh_private_key

from components import settings
from scripts.operator.errors import OperatorError, UsageProblem
from scripts.operator.process import run
from scripts.operator.secrets import store
from scripts.operator.secrets.catalogue import PEM, SECRETS, find, ssh_private_key
from tests.unit.store.fakes import FakePulumi

KEYS = {secret.key for secret in SECRETS}
NEEDED = {secret.key for secret in SECRETS if not secret.optional}


def test_no_value_is_ever_an_argument_or_an_environment_variable() -> None:
    """A password in argv can be read by every user of the machine with `ps`."""
    pulumi = FakePulumi()
    store.generate(pulumi.engine())
    values = [entry["value"] for entry in pulumi.config.values()]
    assert len(values) == len(NEEDED)
    for command in pulumi.commands:
        seen = " ".join([*command.argv, *(v or "" for v in command.environment.values()), repr(command)])
        assert not [value for value in values if value in seen or value.strip() in seen]


def test_everything_is_stored_encrypted() -> None:
    """A secret without --secret is committed to git in the clear."""
    pulumi = FakePulumi()
    store.generate(pulumi.engine())
    assert all(entry["secret"] for entry in pulumi.config.values())


def test_a_second_run_changes_nothing() -> None:
    """Running it again under a live store must not change the database's password."""
    pulumi = FakePulumi()
    store.generate(pulumi.engine())
    before = dict(pulumi.config)
    again = store.generate(pulumi.engine())
    assert again.made == () and set(again.kept) == NEEDED
    assert pulumi.config == before


def test_rotation_makes_anew_only_what_is_named() -> None:
    """A leaked JWT secret is replaced without logging the database out."""
    pulumi = FakePulumi()
    store.generate(pulumi.engine())
    before = dict(pulumi.config)
    assert store.generate(pulumi.engine(), ["jwtSecret"]).made == ("jwtSecret",)
    changed = {key for key in before if before[key] != pulumi.config[key]}
    assert changed == {"opticworks-store:jwtSecret"}


@pytest.mark.parametrize("key", ["sshPrivateKey", "hostKeySecret", "originSecret"])
def test_keys_whose_loss_locks_everybody_out_are_not_rotated(key: str) -> None:
    """A new SSH key that no server knows leaves Pulumi, and the person on call, outside."""
    pulumi = FakePulumi()
    with pytest.raises(OperatorError) as refused:
        store.generate(pulumi.engine(), [key])
    assert key in refused.value.message and refused.value.advice
    assert pulumi.config == {}


def test_an_unknown_name_stops_before_anything_is_made() -> None:
    """A typo in --rotate must not leave the leaked secret in place unnoticed."""
    pulumi = FakePulumi()
    with pytest.raises(UsageProblem, match="jwtSecrets is not a secret"):
        store.generate(pulumi.engine(), ["jwtSecrets"])
    assert pulumi.config == {}


@pytest.mark.parametrize(("stack", "mode"), [("staging", "test"), ("production", "live")])
def test_stripes_keys_are_never_made_up_for_a_real_stack(stack: str, mode: str) -> None:
    """A made-up key in production turns every payment away."""
    pulumi = FakePulumi()
    done = store.generate(pulumi.engine(stack))
    assert [secret.key for secret in done.by_hand] == ["stripeApiKey", "stripeWebhookSecret"]
    assert not [key for key in pulumi.config if "stripe" in key]
    for secret in done.by_hand:
        said = store.how_to_set(secret, stack)
        assert mode in said and f"secrets set {secret.key} -s {stack}" in said


def test_the_local_stack_gets_test_keys_that_are_clearly_made_up() -> None:
    """The local stack must come up without a Stripe account, and never with a live key."""
    pulumi = FakePulumi()
    store.generate(pulumi.engine("local"))
    assert pulumi.config["opticworks-store:stripeApiKey"]["value"].startswith("sk_test_madeUp")
    assert pulumi.config["opticworks-store:stripeWebhookSecret"]["value"].startswith("whsec_madeUp")


def test_ssh_key_is_what_ssh_reads() -> None:
    """Without the last newline ssh says "error in libcrypto", at night, for a key that looks right."""
    pem = ssh_private_key()
    assert pem.endswith("-----END OPENSSH PRIVATE KEY-----\n")
    load_ssh_private_key(pem.encode(), None)


def test_made_values_need_no_quoting_and_differ() -> None:
    """A password with an @ breaks DATABASE_URL on the server, not here."""
    made = [secret.make() for secret in SECRETS if secret.make and secret.key not in PEM]
    assert all(value.isalnum() and len(value) >= 32 for value in made)
    assert len(set(made)) == len(made)


def test_a_set_value_loses_the_line_end_of_echo_but_a_pem_keeps_its_own() -> None:
    """`echo KEY | secrets set` once stored "KEY\\n", and Stripe said no."""
    pulumi = FakePulumi()
    store.set_value(pulumi.engine(), "stripeApiKey", "sk_test_1\r\n")
    store.set_value(pulumi.engine(), "sshPrivateKey", ssh_private_key().rstrip("\n"))
    assert pulumi.config["opticworks-store:stripeApiKey"]["value"] == "sk_test_1"
    assert pulumi.config["opticworks-store:sshPrivateKey"]["value"].endswith("KEY-----\n")


@pytest.mark.parametrize("value", ["", "\n", "  \n"])
def test_an_empty_value_is_refused(value: str) -> None:
    """An empty pipe (a failed password manager) must not empty the secret."""
    pulumi = FakePulumi()
    with pytest.raises(UsageProblem, match="empty"):
        store.set_value(pulumi.engine(), "stripeApiKey", value)
    assert pulumi.config == {}


def test_states_tell_set_missing_and_exposed_without_decrypting() -> None:
    """Listing must work for someone without the passphrase, and a secret in the clear must show."""
    pulumi = FakePulumi(
        config={
            "opticworks-store:jwtSecret": {"value": "x", "secret": True},
            "opticworks-store:cookieSecret": {"value": "y", "secret": False},
        }
    )
    states = {state.secret.key: state.state for state in store.states(pulumi.engine())}
    assert states["jwtSecret"] == "set" and states["cookieSecret"] == "exposed"
    assert states["databasePassword"] == "missing"
    assert not [command for command in pulumi.commands if "--show-secrets" in command.argv]


def test_the_catalogue_is_the_programs_own_list() -> None:
    """A secret that the program asks for and nobody can list or set stops the first `up` of a new stack."""
    asked = {name: key.generated for name, key in settings.KEYS.items() if key.secret}
    assert {secret.key: secret.make is not None for secret in SECRETS} == asked
    assert all(find(key) for key in KEYS) and find("nonesuch") is None


def test_an_empty_default_of_the_project_is_not_a_value() -> None:
    """The project declares its secrets with an empty default; taking that for a value leaves the store without one."""
    pulumi = FakePulumi(config={f"opticworks-store:{key}": {"value": "", "secret": False} for key in KEYS})
    assert {state.state for state in store.states(pulumi.engine())} == {"missing", "not needed"}
    assert set(store.generate(pulumi.engine()).made) == NEEDED


def test_made_secrets_pass_the_programs_own_check() -> None:
    """What `generate` makes must be what `pulumi up` takes."""
    pulumi = FakePulumi()
    store.generate(pulumi.engine())
    wrong = {problem.key for problem in store.check(pulumi.engine())}
    assert not wrong & KEYS


def test_the_check_finds_a_test_key_in_production_and_never_shows_it() -> None:
    """A test key in production takes orders and no money."""
    key = "sk_" + "test_51Nabcdefghijklmnop"
    pulumi = FakePulumi(config={"opticworks-store:stripeApiKey": {"value": key, "secret": True}})
    problems = {problem.key: problem for problem in store.check(pulumi.engine("production"))}
    assert "live" in problems["stripeApiKey"].rule
    assert key not in " ".join(f"{p} {p.fix}" for p in problems.values())


def test_the_check_refuses_a_secret_in_the_clear() -> None:
    """A secret set without --secret lies readable in the repository."""
    pulumi = FakePulumi()
    store.generate(pulumi.engine())
    pulumi.config["opticworks-store:jwtSecret"]["secret"] = False
    assert "jwtSecret" in {problem.key for problem in store.check(pulumi.engine())}


def test_stdin_reaches_a_real_process_byte_for_byte() -> None:
    """What goes by stdin is the value itself: no added newline, no lost one."""
    from scripts.operator.process import Command

    done = run(Command((sys.executable, "-c", "import sys; print(repr(sys.stdin.read()))"), stdin="a\nb\n"))
    assert done.stdout.strip() == repr("a\nb\n")
