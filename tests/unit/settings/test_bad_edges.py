"""Bad configurations of the public side: each is refused by its key's name, and no secret is shown."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from components.settings import Problem, SettingsError, load
from tests.unit.configurations import ALL_SECRETS, ZONE, certificate_key, configuration, private_key


class Bad(NamedTuple):
    environment: str
    key: str
    """The key that the error must name."""
    changes: dict[str, object]
    says: str
    """A piece of the error that a person needs."""
    fix: str = ""
    """A piece of the command that mends it."""


def bad(environment: str, key: str, value: object, says: str, fix: str = "") -> Bad:
    return Bad(environment, key, {key: value}, says, fix)


def other_curve() -> str:
    key = ec.generate_private_key(ec.SECP384R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def not_pkcs8() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


STAGING_HOSTS = {"stagingStorefrontHost": "staging.optic.works", "stagingApiHost": "api-staging.optic.works"}
CARRIED = {**STAGING_HOSTS, "stagingOriginSecret": "s" * 43}
V1, V2 = "0f2ac74b-498b-4802-8cb6-8387c421e279", "1f2ac74b-498b-4802-8cb6-8387c421e279"

BAD = [
    # Names: no host name, outside the zone, of the other environment, twice
    bad("staging", "apiHost", "", "is not set"),
    bad("production", "apiHost", "", "is not set"),
    bad("production", "storefrontHost", "", "is not set"),
    bad("production", "apiHost", "https://api.optic.works", "scheme"),
    bad("production", "apiHost", "api.optic.works:443", "port"),
    bad("production", "apiHost", "api.optic.works/", "path"),
    bad("production", "apiHost", "API.optic.works", "host name"),
    bad("production", "apiHost", "api_1.optic.works", "host name"),
    bad("production", "apiHost", "localhost", "host name"),
    bad("production", "apiHost", "-api.optic.works", "host name"),
    bad("production", "apiHost", "api..optic.works", "host name"),
    bad("production", "apiHost", ("a" * 64) + ".optic.works", "host name"),
    bad("production", "apiHost", "api.example.com", "end in .optic.works"),
    bad("production", "apiHost", "api.notoptic.works", "end in .optic.works"),
    bad("production", "apiHost", "optic.works", "must differ from storefrontHost"),
    bad("production", "apiHost", "api-staging.optic.works", "host of staging"),
    bad("staging", "apiHost", "api.optic.works", "staging"),
    bad("staging", "storefrontHost", "optic.works", "staging"),
    bad("staging", "domain", "optic", "host name"),
    bad("production", "storefrontHost", "optic.example", "end in .optic.works", "storefrontHost optic.works"),
    bad("production", "metricsHost", "metrics.example.com", "end in .optic.works", "metricsHost metrics.optic.works"),
    bad("staging", "statusHost", "status.example.com", "end in", "statusHost status-staging.optic.works"),
    bad("staging", "metricsHost", "metrics.optic.works", "staging", "metrics-staging.optic.works"),
    bad("production", "statusHost", "status-staging.optic.works", "host of staging", "status.optic.works"),
    bad("production", "metricsHost", "api.optic.works", "must differ from apiHost"),
    bad("production", "statusHost", "optic.works", "must differ from storefrontHost"),
    bad("local", "apiHost", "api.optic.works", "end in .store.localhost", "api.store.localhost"),
    bad("local", "storefrontHost", "", "is not set", "storefrontHost store.localhost"),
    bad("production", "metricsHost", "https://metrics.optic.works", "scheme"),
    bad("staging", "publicPort", "0", "1 to 65535"),
    bad("staging", "publicPort", "https", "whole number"),
    # Who owns the zone
    Bad("production", "storefrontHost", {"domain": "optic.shop"}, "must be optic.shop or end in"),
    Bad(
        "production",
        "productionDomain",
        {"domain": "optic.shop", "storefrontHost": "optic.shop", "apiHost": "api.optic.shop"},
        "must be production's own domain",
        "productionDomain optic.shop",
    ),
    bad(
        "production", "productionDomain", "optic.shop", "must be production's own domain", "productionDomain optic.work"
    ),
    bad("staging", "productionDomain", "optic", "host name"),
    # Staging's rules in production's zone
    bad("staging", "stagingApiHost", "api-staging.optic.works", "is a setting of production", "rm stagingApiHost"),
    bad("staging", "stagingOriginSecret", "s" * 43, "is a setting of production", "rm stagingOriginSecret"),
    Bad(
        "production",
        "stagingOriginSecret",
        STAGING_HOSTS,
        "must be set where stagingApiHost is",
        "pulumi config get originSecret --stack staging | scripts/store secrets set stagingOriginSecret -s production",
    ),
    bad("production", "stagingApiHost", "api-staging.example.com", "end in", "api-staging.optic.works"),
    Bad("production", "stagingApiHost", {"stagingOriginSecret": "s" * 43}, "must be set where stagingOriginSecret is"),
    Bad("production", "stagingApiHost", CARRIED | {"stagingApiHost": "api.optic.works"}, "must differ from apiHost"),
    Bad(
        "production",
        "stagingOriginSecret",
        CARRIED | {"stagingOriginSecret": "o" * 43},
        "same as originSecret",
        "rm stagingOriginSecret",
    ),
    # The account and its plans
    bad("staging", "cloudflareAccountId", "", "is not set", "cloudflareAccountId ACCOUNT_ID"),
    bad("staging", "cloudflareAccountId", "OpticWorks", "32 hexadecimal digits"),
    bad("staging", "cloudflareAccountId", ZONE[:-1], "32 hexadecimal digits"),
    bad("staging", "cloudflareAccountId", ZONE.upper(), "capital letters"),
    bad("staging", "cloudflareAccountId", "Ab3" + "x" * 37, "form of a token"),
    bad("staging", "cloudflarePlan", "enterprise", "free, pro or business"),
    bad("staging", "workersPaid", "yes", "true or false"),
    bad("staging", "cloudflareImages", "on", "true or false"),
    bad("staging", "imageVariantsElsewhere", "staging", "true or false"),
    bad("staging", "imagesAccountHash", "", "must be set where cloudflareImages is true"),
    bad("staging", "imagesAccountHash", "https://imagedelivery.net/x", "imagedelivery.net/THIS"),
    # Secrets of the edge
    bad("staging", "originSecret", "short", "24 to 128"),
    bad("staging", "originSecret", "j" * 43, "same as jwtSecret"),
    bad("staging", "passSecret", "o" * 43, "same as originSecret"),
    bad("staging", "originSecretPrevious", "o" * 43, "same as originSecret", "rm originSecretPrevious"),
    bad("staging", "originSecretPrevious", "short", "24 to 128"),
    bad("staging", "passSecretPrevious", "p" * 43, "same as passSecret", "rm passSecretPrevious"),
    bad("staging", "originCertificateKey", private_key(), "P-256"),
    bad("staging", "originCertificateKey", other_curve(), "another type"),
    bad("staging", "originCertificateKey", not_pkcs8(), "not in PKCS #8"),
    # The storefront
    bad("staging", "storefrontBundle", "", "is not set", "scripts/store storefront build"),
    bad("staging", "storefrontBundle", "nowhere/dist", "is not there"),
    bad("staging", "storefrontBundle", __file__, "no directory"),
    bad("staging", "storefrontBundle", "m" * 5000, "is not there"),
    bad("staging", "storefrontBundle", "m\0", "is not there"),
    bad("staging", "storefrontVersions", "A=B", "versions and percentages", "config rm storefrontVersions"),
    bad("staging", "storefrontVersions", {"v1": 90}, "v1, which is no version's id"),
    bad("staging", "storefrontVersions", {V1.upper(): 90}, "no version's id"),
    bad("staging", "storefrontVersions", {V1: 0}, f"gives version {V1} 0, which is no percentage"),
    bad("staging", "storefrontVersions", {V1: "half"}, "half, which is no percentage"),
    bad("staging", "storefrontVersions", {V1: True}, "no percentage"),
    bad("staging", "storefrontVersions", {V1: "nan"}, "no percentage"),
    bad("staging", "storefrontVersions", {V1: 101}, "at most 100", "--path 'storefrontVersions.VERSION_ID' 90"),
    bad("staging", "storefrontVersions", {V1: 60, V2: 60}, "gives 120 % of the visits away"),
    bad("staging", "storefrontVersions", {V1: 30, V2: 30}, "more than two versions"),
    bad("staging", "storefrontVariables", "A=B", "names and values", "config rm storefrontVariables"),
    bad("staging", "storefrontVariables", '["A"]', "names and values"),
    bad("staging", "storefrontVariables", '{"A-B": "x"}', "letters, digits and _"),
    bad("staging", "storefrontVariables", '{"A": {"B": "x"}}', "under A"),
    bad("staging", "storefrontVariables", {"A": "x" * 6000}, "under A"),
    bad("staging", "storefrontVariables", {f"A{i}": "x" for i in range(65)}, "65 variables"),
    bad("staging", "storefrontVariables", {"DB": f"postgres://m:{'d' * 43}@h/x"}, "databasePassword", "Secrets.DB"),
    bad("staging", "storefrontVariables", {"A": "o" * 43}, "originSecret", "rm --path 'storefrontVariables.A'"),
    bad("staging", "storefrontVariables", {"K": certificate_key()}, "originCertificateKey"),
    bad("staging", "storefrontSecrets", "x", "names of variables"),
    Bad(
        "staging",
        "storefrontVariables.SEARCH_SECRET",
        {"storefrontVariables": {"SEARCH_SECRET": "abc"}},
        "looks like a secret",
        "set --secret --path 'storefrontSecrets.SEARCH_SECRET' --stack staging",
    ),
    Bad(
        "staging",
        "storefrontSecrets.PASS_SECRET",
        {"storefrontSecrets": {"PASS_SECRET": "x"}},
        "bound by the program itself",
        "rm --path 'storefrontSecrets.PASS_SECRET' --stack staging",
    ),
    bad("staging", "publishableKey", "sk_test_" + "a" * 24, "pk_"),
    bad("staging", "maintenance", "x" * 6000, "too long"),
    bad("staging", "maintenance", "2026-13-01T00:00Z", "such as 2026-05-01T14:30Z"),
    bad("staging", "maintenance", "2026-02-30T00:00Z", "begins like a time and is none"),
    bad("staging", "maintenance", "2026-05-01T14:30", "then Z or +02:00"),
    bad("staging", "maintenance", "2026-05-01 14:30Z", "begins like a time"),
    bad("staging", "maintenance", "1.5.2026 14:30", "begins like a time"),
    bad("staging", "maintenance", "14:30", "begins like a time"),
    # Who may enter, who is told
    bad("staging", "accessAdmins", "", "at least one", "--path 'accessAdmins[0]'"),
    bad("production", "accessAdmins", "[]", "at least one"),
    bad("staging", "accessAdmins", '["ada"]', "not an e-mail address or @domain", "--path 'accessAdmins[0]'"),
    bad("staging", "accessAdmins", '["@gmail.com"]', "anybody can have an address", "somebody@gmail.com"),
    bad("staging", "accessViewers", '["@optic.works", "@outlook.com"]', "anybody", "--path 'accessViewers[1]'"),
    bad("staging", "accessEditors", '["ada@optic.works", "ada@OPTIC.works"]', "twice", "rm --path 'accessEditors[1]'"),
    bad("staging", "accessEditors", '["ada@optic"]', "not an e-mail address"),
    bad("staging", "accessEditors", '["@"]', "not an e-mail address"),
    bad("staging", "alertEmails", '["@optic.works"]', "is a domain"),
    bad("staging", "alertEmails", "on-call@optic.works", "not a list"),
    # Backups
    bad("staging", "backupsBucket", "opticworks-backups", "must have staging in it", "opticworks-backups-staging"),
    bad("production", "backupsBucket", "opticworks-backups-staging", "is staging's", "opticworks-backups"),
    bad("staging", "backupsBucket", "Backups_Staging", "small letters"),
    bad("staging", "backupRetentionDays", "0", "from 1 to 3650"),
    bad("staging", "backupLockDays", "35", "less than backupRetentionDays", "backupLockDays 7"),
    bad("staging", "backupLockDays", "36", "less than backupRetentionDays"),
    Bad("staging", "backupLockDays", {"backupRetentionDays": "5"}, "which is 5", "backupLockDays 4"),
    Bad("staging", "backupRetentionDays", {"backupRetentionDays": "1"}, "more than backupLockDays"),
    bad("staging", "r2Endpoint", "x.r2.cloudflarestorage.com", "URL"),
    bad("staging", "r2Endpoint", "https://x.r2.cloudflarestorage.com/bucket", "more than scheme"),
    bad("staging", "r2Endpoint", "https://[x", "not a URL"),
]
IDS = [f"{case.key}-{number}" for number, case in enumerate(BAD)]


def problems(case: Bad, release: Path) -> tuple[Problem, ...]:
    with pytest.raises(SettingsError) as caught:
        load({**configuration(case.environment, release), **case.changes}, case.environment)
    return caught.value.problems


@pytest.mark.parametrize("case", BAD, ids=IDS)
def test_is_refused_by_name(case: Bad, release: Path) -> None:
    """Found at the edge itself, each of these is an outage or an update that stops half way."""
    found = [problem for problem in problems(case, release) if problem.key == case.key]

    assert found, f"no problem is named {case.key}"
    assert any(case.says in problem.rule for problem in found), found
    assert case.fix in " ".join(problem.fix for problem in found)
    assert all(case.environment in problem.fix for problem in found)


@pytest.mark.parametrize("case", BAD, ids=IDS)
def test_shows_no_secret(case: Bad, release: Path) -> None:
    """An error goes to a terminal, a pull request and a log."""
    values = configuration(case.environment, release) | case.changes
    said = " ".join(f"{problem} {problem.fix}" for problem in problems(case, release))

    secrets = [str(values[key]) for key in ALL_SECRETS if len(str(values.get(key, ""))) > len("short")]
    assert not [secret for secret in secrets if secret in said]
    assert "PRIVATE KEY" not in said


def test_a_token_under_the_accounts_key_is_not_printed(release: Path) -> None:
    """The dashboard shows both on one page, and a token opens the account to whoever reads the log."""
    token = "V4l1d" + "Tok3n" * 7

    with pytest.raises(SettingsError, match="cloudflareAccountId") as caught:
        load(configuration("staging", release) | {"cloudflareAccountId": token}, "staging")

    assert token not in str(caught.value)


def test_a_domain_of_its_own_frees_stagings_names(release: Path) -> None:
    """Only names in production's zone can be taken for production's."""
    hosts = {"domain": "opticworks.dev", "storefrontHost": "opticworks.dev", "apiHost": "api.opticworks.dev"}

    assert load(configuration("staging", release) | hosts, "staging").owns_zone


def test_a_missing_environment_is_said_once() -> None:
    """What only follows from it would fill the screen."""
    with pytest.raises(SettingsError) as caught:
        load({}, "pr-12")

    assert not {"metricsHost", "backupsBucket", "databaseName"} & {problem.key for problem in caught.value.problems}


@pytest.mark.parametrize(
    "value",
    ["on", "2026-05-01T14:30Z", "2026-05-01T14:30:15.5+02:00", "back at noon", '{"until": "2026-05-01T14:30Z"}'],
)
def test_maintenance_is_a_time_or_another_text(value: str, release: Path) -> None:
    """Whoever closes the store in a hurry with any word has closed it."""
    assert load(configuration("staging", release) | {"maintenance": value}, "staging").maintenance == value


def test_a_variables_name_is_told_with_the_other_problems(release: Path) -> None:
    """A key in the clear was mended first, and only the next preview said that a variable had to be mended too."""
    values = configuration("staging", release) | {"storefrontVariables": {"SEARCH_SECRET": "abc"}}
    with pytest.raises(SettingsError) as caught:
        load(values, "staging", plaintext=["stripeApiKey"])
    assert [problem.key for problem in caught.value.problems] == ["stripeApiKey", "storefrontVariables.SEARCH_SECRET"]


def test_a_stacks_secret_in_a_variable_is_told_once(release: Path) -> None:
    """The same variable was refused for what it holds and for what it looks like."""
    values = configuration("staging", release) | {"storefrontVariables": {"DB_SECRET": "d" * 43}}
    with pytest.raises(SettingsError) as caught:
        load(values, "staging")
    assert [problem.key for problem in caught.value.problems] == ["storefrontVariables"]
