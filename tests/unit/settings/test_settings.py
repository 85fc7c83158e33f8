"""Right configurations: what they become, and that files, defaults and the operations guide agree."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from pydantic.alias_generators import to_camel

from components.settings import KEYS, Environment, Settings, SettingsError, StripeMode, load
from tests.unit.configurations import ACCOUNT, SECRETS, configuration

ROOT = Path(__file__).parents[3]
ENVIRONMENTS = [environment.value for environment in Environment]


def project() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())
    return found


def stack(name: str) -> dict[str, Any]:
    """The settings in a stack's file, without namespace."""
    found = yaml.safe_load((ROOT / f"Pulumi.{name}.yaml").read_text())["config"]
    return {
        key.removeprefix("opticworks-store:"): value
        for key, value in found.items()
        if key.startswith("opticworks-store:") and not (isinstance(value, dict) and "secure" in value)
    }


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_strings_become_what_they_mean(environment: str, release: Path) -> None:
    found = load(configuration(environment, release) | {"medusaInstances": "3"}, environment)

    assert found.environment is Environment(environment)
    assert found.medusa_instances == 3
    assert found.network_range == ipaddress.IPv4Network("10.0.0.0/16")
    assert found.ssh_allowed_cidrs == (ipaddress.IPv4Network("203.0.113.0/24"),)
    assert found.protect is (environment != "local")
    assert found.stripe_mode is (StripeMode.LIVE if environment == "production" else StripeMode.TEST)
    assert found.backend_release == release
    assert found.load_balancer_type is None
    assert found.database_password.get_secret_value() == "d" * 43


def test_settings_cannot_change_and_show_no_secret(release: Path) -> None:
    found = load(configuration("staging", release), "staging")

    with pytest.raises(ValidationError):
        found.medusa_instances = 9
    for key in SECRETS:
        assert configuration("staging", release)[key] not in f"{found!r} {found} {found.model_dump_json()}"


def test_names_and_aliases(release: Path) -> None:
    """The guide says `ssh medusa-prod`."""
    found = load(configuration("production", release), "production")

    assert (found.prefix, found.alias_suffix, found.network_zone) == ("production", "prod", "eu-central")


def test_the_stacks_name_is_the_environment_by_default(release: Path) -> None:
    values = {key: value for key, value in configuration("production", release).items() if key != "environment"}
    for key in ("stripeMode", "databaseName"):
        del values[key]

    found = load(values, "production")

    assert found.environment is Environment.PRODUCTION
    assert found.stripe_mode is StripeMode.LIVE
    assert found.database_name == "medusa-production"


def test_ssh_from_anywhere_when_it_is_meant(release: Path) -> None:
    values = configuration("production", release) | {"sshAllowedCidrs": '["0.0.0.0/0"]', "sshFromAnywhere": "true"}

    assert load(values, "production").ssh_from_anywhere


def test_relative_paths_start_at_the_project(tmp_path: Path, release: Path) -> None:
    (tmp_path / "medusa-x.tar.zst").touch()
    values = configuration("staging", release) | {"backendRelease": "medusa-x.tar.zst"}

    assert load(values, "staging", project=tmp_path).backend_release == tmp_path / "medusa-x.tar.zst"


def test_other_namespaces_are_not_ours(release: Path) -> None:
    load(configuration("staging", release) | {"hcloud:token": "x", "cloudflare:apiToken": "y"}, "staging")


def test_every_setting_is_described_in_the_project_file() -> None:
    """`pulumi config` and editors read Pulumi.yaml; a key that is only in the code cannot be found."""
    assert set(project()["config"]) == set(KEYS)
    for name, declared in project()["config"].items():
        assert declared["description"], name
        assert declared.get("secret", False) is KEYS[name].secret, name
        assert ("type" in declared) is not KEYS[name].secret, name


def test_defaults_are_the_project_files() -> None:
    """Two defaults for one key would make `pulumi up` and the operators' commands disagree."""
    for attribute, field in Settings.model_fields.items():
        declared = project()["config"][to_camel(attribute)]["default"]
        if field.is_required() or field.default is None:
            assert declared == "", attribute
        elif isinstance(field.default, tuple):
            assert declared == [], attribute
        elif KEYS[to_camel(attribute)].secret:
            assert declared == "", attribute
        else:
            assert str(declared) == str(field.default), attribute


def test_names_of_the_public_side(release: Path) -> None:
    """The guide's names, and those beside them that a stack does not set."""
    production = load(configuration("production", release), "production")
    staging = load(configuration("staging", release), "staging")
    local = load(configuration("local", release), "local")

    assert (production.metrics_host, production.status_host) == ("metrics.optic.works", "status.optic.works")
    assert (staging.metrics_host, staging.status_host) == ("metrics-staging.optic.works", "status-staging.optic.works")
    assert (local.metrics_host, local.status_host) == ("metrics.store.localhost", "status.store.localhost")
    assert production.admin_url == "https://api.optic.works/app"
    assert local.storefront_url == "https://store.localhost:8443"
    assert production.images_url == "https://optic.works/cdn-cgi/imagedelivery/Vi7wi5KSItxGFsWRG2Us6Q/production"
    assert load(configuration("local", release) | {"cloudflareImages": "false"}, "local").images_url is None


def test_who_owns_the_zone(release: Path) -> None:
    """Two owners of one zone undo each other's rules; none at all leaves its API open to everybody."""
    own = {"domain": "opticworks.dev", "storefrontHost": "opticworks.dev", "apiHost": "api.opticworks.dev"}
    alone = load(configuration("staging", release) | own, "staging")

    assert load(configuration("production", release), "production").owns_zone
    assert not load(configuration("staging", release), "staging").owns_zone
    assert load(configuration("local", release), "local").owns_zone
    assert alone.owns_zone
    assert (alone.metrics_host, alone.status_host) == ("metrics.opticworks.dev", "status.opticworks.dev")


def test_each_environment_has_a_bucket_of_its_own(release: Path) -> None:
    """They share the account: a lifecycle rule of staging's would delete production's dumps."""
    found = {name: load(configuration(name, release), name) for name in ENVIRONMENTS}

    assert found["production"].backups_bucket == found["local"].backups_bucket == "opticworks-backups"
    assert found["staging"].backups_bucket == "opticworks-backups-staging"
    assert found["staging"].r2_endpoint == f"https://{ACCOUNT}.r2.cloudflarestorage.com"
    values = configuration("local", release) | {"r2Endpoint": "http://127.0.0.1:8472/"}
    assert load(values, "local").r2_endpoint == "http://127.0.0.1:8472"


def test_variables_and_secrets_of_the_storefront(release: Path) -> None:
    """As Pulumi hands them over; `config set --path` makes numbers of texts that look like them."""
    values = configuration("staging", release) | {
        "storefrontVariables": '{"REGION": "de", "PAGE_SIZE": 24, "BETA": true}',
        "storefrontSecrets": '{"SEARCH_KEY": "not-to-be-shown"}',
    }
    found = load(values, "staging")

    assert found.storefront_variables == {"REGION": "de", "PAGE_SIZE": "24", "BETA": "true"}
    assert found.storefront_secrets["SEARCH_KEY"].get_secret_value() == "not-to-be-shown"
    assert "not-to-be-shown" not in f"{found!r} {found.model_dump_json()}"
    with pytest.raises(SettingsError, match="storefrontSecrets: must be stored encrypted"):
        load(values, "staging", plaintext=["storefrontSecrets"])


def test_visits_are_split_by_version(release: Path) -> None:
    """As Pulumi hands it over; YAML has a number or a text there."""
    old = "0f2ac74b-498b-4802-8cb6-8387c421e279"
    for written, share in (("90", 90), ('"90"', 90), ("99.5", 99.5), ("100", 100)):
        values = configuration("staging", release) | {"storefrontVersions": f'{{"{old}": {written}}}'}
        assert load(values, "staging").storefront_versions == {old: share}
    assert load(configuration("staging", release), "staging").storefront_versions == {}


def test_production_carries_stagings_names(release: Path) -> None:
    values = configuration("production", release) | {
        "stagingStorefrontHost": "staging.optic.works",
        "stagingApiHost": "api-staging.optic.works",
        "stagingOriginSecret": "s" * 43,
        "originSecretPrevious": "q" * 43,
    }
    found = load(values, "production")

    assert found.staging_api_host == "api-staging.optic.works"
    assert found.staging_origin_secret is not None and found.origin_secret_previous is not None
    assert load(configuration("production", release), "production").staging_origin_secret is None


GUIDE = {
    "staging": ("staging.optic.works", "api-staging.optic.works", "medusa-staging", "test"),
    "production": ("optic.works", "api.optic.works", "medusa-production", "live"),
}
"""Storefront, API, database and Stripe mode, as the operations guide's tables have them."""


@pytest.mark.parametrize("environment", GUIDE)
def test_stack_files_are_the_guides_tables(environment: str) -> None:
    found = stack(environment)

    assert (found["storefrontHost"], found["apiHost"], found["databaseName"], found["stripeMode"]) == GUIDE[environment]
    assert found["protect"] is True


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_stack_files_lack_only_what_their_owner_knows(environment: str, release: Path) -> None:
    needed = configuration(environment, release)
    own = {key: needed[key] for key in (*SECRETS, "backendRelease")}
    own |= {key: needed[key] for key in ("cloudflareAccountId", "imagesAccountHash", "storefrontBundle")}
    people = () if environment == "local" else ("sshAllowedCidrs", "accessAdmins")
    allowed = {key: needed[key] for key in people}

    found = load({**stack(environment), **own, **allowed}, environment)

    assert found.environment == environment


@given(value=st.one_of(st.text(max_size=60), st.integers(), st.booleans(), st.lists(st.text(max_size=9), max_size=3)))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("key", KEYS)
def test_any_value_is_taken_or_refused_by_name(key: str, value: object, release: Path) -> None:
    """Whatever is in a stack file, a person gets an answer that names the key, never a traceback."""
    try:
        found = load({**configuration("staging", release), key: value}, "staging")
    except SettingsError as error:
        assert key in {problem.key for problem in error.problems}
        assert str(error)
    else:
        assert isinstance(found, Settings)
