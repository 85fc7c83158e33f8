"""The cloudflare plugin's tables and descriptions, against the published SDK that programs use."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from localcloud.plugins.cloudflare import generate
from localcloud.plugins.cloudflare.document import document
from localcloud.plugins.cloudflare.functions import FUNCTIONS
from localcloud.plugins.cloudflare.naming import wire
from localcloud.plugins.cloudflare.provider import CloudflareProvider
from localcloud.plugins.cloudflare.resource import CloudflareResource
from localcloud.plugins.cloudflare.resources import NAMES, make_all
from localcloud.plugins.cloudflare.tables import token

# The SDK warns of its own old resources whenever one looks at all of it.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
RESOURCES = make_all(lambda call: None)  # type: ignore[arg-type, return-value]


def test_the_tables_are_those_of_the_installed_sdk() -> None:
    """An input that the stand-in does not know would be refused; an output it lacks would be None in the program."""
    committed = Path(generate.__file__).with_name("tables.json").read_text()
    assert committed == generate.text(), f"the SDK has changed: {generate.__doc__}"


def test_the_version_is_the_sdks() -> None:
    import pulumi_cloudflare

    document = Path(pulumi_cloudflare.__file__).with_name("pulumi-plugin.json").read_text()
    assert f'"version": "{CloudflareProvider.version}"' in document


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.about.name)
def test_a_description_speaks_of_properties_that_there_are(resource: CloudflareResource) -> None:
    """A misspelled property to replace on would change in place what cannot be."""
    about, known = resource.about, resource.properties
    named = about.plain | about.stable | about.unsent | about.query | set(about.defaults) | set(about.names)
    named |= set(about.kept) | {path.split(".")[0] for path in (*about.unordered, *about.same, *about.texts)}
    named |= about.replace if about.replace != "all" else frozenset()
    named |= set(re.findall(r"{(\w+)}", about.collection + resource.item)) - {"id", "scope"}
    assert named <= set(known), named - set(known)
    assert all(known[name].output for name in about.stable)


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.about.name)
def test_an_import_id_has_the_parts_that_the_sdk_documents(resource: CloudflareResource) -> None:
    """Ids written down for the real plugin must work here, and the other way round."""
    module = importlib.import_module(f"pulumi_cloudflare.{generate._snake(resource.about.name)}")
    example = re.search(r"\$ pulumi import \S+ example '(.*)'", Path(str(module.__file__)).read_text())
    if example is None:
        return  # not importable there
    # The account or zone that a scope is of is one part of the form, and two words with a slash in the SDK's.
    documented = re.sub(r"{[^}]*}", "x", example.group(1)).count("/")
    assert resource.about.import_id.count("/") == documented, example.group(1)


def test_tokens_are_the_sdks() -> None:
    for name in NAMES:
        module = importlib.import_module(f"pulumi_cloudflare.{generate._snake(name)}")
        assert token(name) in Path(str(module.__file__)).read_text()
    import pulumi_cloudflare

    for function in FUNCTIONS:
        assert hasattr(pulumi_cloudflare, generate._snake(function))


@pytest.mark.parametrize(
    ("owner", "name", "expected"),
    [
        ("DnsRecord", "zoneId", "zone_id"),
        ("ZeroTrustAccessGroup", "includes", "include"),
        ("ZeroTrustAccessApplication", "serviceAuth401Redirect", "service_auth_401_redirect"),
        ("NotificationPolicyFilters", "healthCheckIds", "health_check_id"),
        ("NotificationPolicyFilters", "newStatuses", "new_status"),
        ("NotificationPolicyFilters", "zones", "zones"),
        ("NotificationPolicyMechanisms", "emails", "email"),
        ("RulesetRuleActionParameters", "sMaxage", "s-maxage"),
        ("RulesetRuleActionParametersEdgeTtl", "statusCodeTtls", "status_code_ttl"),
        ("R2CustomDomain", "minTls", "minTLS"),
        ("R2BucketLockRuleCondition", "maxAgeSeconds", "maxAgeSeconds"),
        ("ImageVariant", "neverRequireSignedUrls", "neverRequireSignedURLs"),
        ("WorkerVersionModule", "contentBase64", "content_base64"),
    ],
)
def test_names_on_the_wire(owner: str, name: str, expected: str) -> None:
    """Pulumi's plurals and capitals are not the API's: a name that is off is silently ignored there."""
    assert wire(owner, name) == expected


def test_the_package_schema_names_nested_types_as_the_sdk_does() -> None:
    """`pulumi import` writes programs from it: a wrong name would be a program that does not run."""
    import pulumi_cloudflare

    found = document(RESOURCES)
    for name in found["types"]:
        word = name.rsplit(":", 1)[1]
        assert hasattr(pulumi_cloudflare, f"{word}Args") or hasattr(pulumi_cloudflare.outputs, word)
    zone = found["resources"][token("DnsRecord")]["inputProperties"]["zoneId"]
    assert zone == {"type": "string", "willReplaceOnChanges": True}
