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
from tests.unit.configurations import SECRETS, configuration

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
    known = ("sshAllowedCidrs", "cloudflareAccountId", "imagesAccountHash", "accessAdmins", "storefrontBundle")
    allowed = {} if environment == "local" else {key: needed[key] for key in known}

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
