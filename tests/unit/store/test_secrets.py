"""Secrets: incidents are a secret in a process list, a password made anew under a running store, a lockout."""

from __future__ import annotations

import sys

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key

from components import settings
from scripts.operator.errors import OperatorError, UsageProblem
from scripts.operator.process import run
from scripts.operator.secrets import store
from scripts.operator.secrets.catalogue import PEM, SECRETS, certificate_key, find, ssh_private_key
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
    with pytest.raises(UsageProblem) as refused:
        store.generate(pulumi.engine(), [key])
    assert key in refused.value.message and refused.value.advice
    assert pulumi.config == {}


@pytest.mark.parametrize("key", ["originSecret", "passSecret"])
def test_a_rotation_keeps_the_value_before(key: str) -> None:
    """Forgotten, it is still what the edge sends, and every request is refused until all proxies have the new one."""
    pulumi = FakePulumi()
    store.generate(pulumi.engine("production"))
    before = {name: entry["value"] for name, entry in pulumi.config.items()}

    steps = store.rotate(pulumi.engine("production"), key)

    after = {name: entry["value"] for name, entry in pulumi.config.items()}
    own = f"opticworks-store:{key}"
    assert after[f"{own}Previous"] == before[own] != after[own]
    assert {name for name in before if before[name] != after[name]} == {own}
    assert all(entry["secret"] for entry in pulumi.config.values())
    assert steps == [
        "pulumi up -s production",
        f"pulumi config rm {key}Previous -s production",
        "pulumi up -s production",
    ]


def test_a_second_rotation_waits_for_the_end_of_the_first() -> None:
    """Twice in a row, and the value that the edge sends is neither of the two that proxies accept."""
    pulumi = FakePulumi()
    store.generate(pulumi.engine())
    store.rotate(pulumi.engine(), "originSecret")
    before = dict(pulumi.config)

    with pytest.raises(OperatorError, match="is going on") as refused:
        store.rotate(pulumi.engine(), "originSecret")

    assert "pulumi config rm originSecretPrevious -s local" in (refused.value.advice or "")
    assert pulumi.config == before


def test_a_rotation_that_was_interrupted_can_be_given_again() -> None:
    """Between its two steps both values are the same, and `pulumi up` refuses that."""
    pulumi = FakePulumi()
    store.generate(pulumi.engine())
    own = "opticworks-store:originSecret"
    pulumi.config[f"{own}Previous"] = dict(pulumi.config[own])

    store.rotate(pulumi.engine(), "originSecret")

    assert pulumi.config[own] != pulumi.config[f"{own}Previous"]


def test_a_shared_zones_owner_is_told_of_stagings_new_secret() -> None:
    """Production's rules send staging's secret: not told, they send one that staging soon refuses."""
    shared = {"domain": "optic.works", "productionDomain": "optic.works"}
    pulumi = FakePulumi(
        config={f"opticworks-store:{key}": {"value": value, "secret": False} for key, value in shared.items()}
    )
    store.generate(pulumi.engine("staging"))

    steps = store.rotate(pulumi.engine("staging"), "originSecret")

    copy = "pulumi config get originSecret -s staging | scripts/store secrets set stagingOriginSecret -s production"
    assert steps[:3] == ["pulumi up -s staging", copy, "pulumi up -s production"]
    assert steps[3:] == ["pulumi config rm originSecretPrevious -s staging", "pulumi up -s staging"]
    pulumi.config["opticworks-store:domain"]["value"] = "opticworks.dev"
    del pulumi.config["opticworks-store:originSecretPrevious"]
    assert "production" not in " ".join(store.rotate(pulumi.engine("staging"), "originSecret"))


@pytest.mark.parametrize("key", ["jwtSecret", "databasePassword", "sshPrivateKey"])
def test_what_has_no_second_value_is_not_rotated_so(key: str) -> None:
    """A database password that seems to have been changed gently logs every instance out of the database."""
    pulumi = FakePulumi()
    store.generate(pulumi.engine())
    before = dict(pulumi.config)
    with pytest.raises(UsageProblem):
        store.rotate(pulumi.engine(), key)
    assert pulumi.config == before


def test_the_certificates_key_is_one_that_cloudflare_signs_for() -> None:
    """origin-ecc certificates are for P-256; a key of another kind is refused in the middle of `pulumi up`."""
    key = load_pem_private_key(certificate_key().encode(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1)


def test_optional_secrets_are_not_asked_for() -> None:
    """`list` that is never content is a `list` that nobody reads."""
    pulumi = FakePulumi()
    done = store.generate(pulumi.engine())
    optional = {secret.key for secret in SECRETS if secret.optional}
    assert not optional & {*done.made, *done.kept, *(secret.key for secret in done.by_hand)}
    states = {state.secret.key: state.state for state in store.states(pulumi.engine())}
    assert {states[key] for key in optional} == {"not needed"}


def test_the_storefronts_secrets_are_set_by_name() -> None:
    """One value under the key of all of them would be none that the storefront reads."""
    pulumi = FakePulumi()
    with pytest.raises(UsageProblem, match="by name") as refused:
        store.set_value(pulumi.engine("staging"), "storefrontSecrets", "x" * 40)
    assert "--path 'storefrontSecrets.NAME' -s staging" in (refused.value.advice or "")
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
