"""What a Worker cannot be told, found before anything is declared."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from components.storefront import problems
from components.storefront.variables import looks_secret, wrong
from tests.unit.storefront.folders import composed


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("STRIPE_SECRET_KEY", "x"),
        ("SENTRY_AUTH_TOKEN", "x"),
        ("api_key", "x"),
        ("DB_PASSWORD", "x"),
        ("ANYTHING", "sk_" + "live_abc"),
        ("ANYTHING", "-----BEGIN EC " + "PRIVATE KEY-----"),
        ("DATABASE_URL", "postgres://medusa:hunter2@10.0.2.10/medusa"),
        ("NEXT_PUBLIC_STRIPE", "rk_" + "test_abc"),
    ],
)
def test_secrets_are_seen(name: str, value: str) -> None:
    """A plain variable is shown in the dashboard and told by the API."""
    assert looks_secret(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NEXT_PUBLIC_STRIPE_KEY", "pk_test_abc"),
        ("STRIPE_PUBLISHABLE_KEY", "pk_live_abc"),
        ("NEXT_PUBLIC_MAPS_API_KEY", "AIza"),
        ("SHOP_NAME", "OpticWorks"),
        ("TOKENIZER", "on"),
        ("PASSWORD", ""),
        ("SEARCH_URL", "https://search.example/?q=a@b"),
    ],
)
def test_what_is_public_passes(name: str, value: str) -> None:
    assert not looks_secret(name, value)


def test_what_cannot_be_bound() -> None:
    variables = {"1ST": "x", "MEDUSA_BACKEND_URL": "x", "LONG": "x" * 5121, "BOTH": "x"}
    found = {(one.name, one.rule.split(",")[0]) for one in wrong(variables, ["BOTH", "PASS_SECRET"], paid=True)}
    assert found == {
        ("1ST", "is no name of a variable: letters"),
        ("MEDUSA_BACKEND_URL", "is bound by the program itself"),
        ("PASS_SECRET", "is bound by the program itself"),
        ("LONG", "is 5121 bytes"),
        ("BOTH", "stands among the plain variables and among the secrets"),
    }
    many = {f"V{number}": "x" for number in range(60)}
    assert [one.rule for one in wrong(many, [], paid=False)] == [
        "71 variables and secrets with the program's own; Workers Free takes 64"
    ]
    assert list(wrong(many, [], paid=True)) == []


@dataclass
class Given:
    storefront_bundle: Path
    workers_paid: bool = True


def test_each_problem_names_its_setting_and_a_command(tmp_path: Path) -> None:
    assert list(problems(Given(composed(tmp_path / "b")), "local", tmp_path)) == []
    (bundle,) = problems(Given(Path("nowhere")), "staging", tmp_path)
    assert str(bundle) == "storefrontBundle = nowhere: is not there"
    assert bundle.fix.startswith('pulumi config set storefrontBundle "$(scripts/store storefront build')
    assert bundle.fix.endswith(" --stack staging")
