"""Variants, the health check and the notification: what plans and ownership leave of them."""

from __future__ import annotations

import pulumi_cloudflare as cloudflare

from components.images import VARIANTS, Images, ImagesArgs
from components.watch import Watch, WatchArgs
from tests.unit.edge_components.declared import ACCOUNT, API, ZONE, assert_below, children
from tests.unit.monitor import Recording, recorded


def images(declared: bool) -> Recording:
    return recorded(lambda: Images("images", ImagesArgs(ACCOUNT, declared)))


def test_variants_are_the_account_owners() -> None:
    """Ids are the account's: staging's variants would be production's, and its destroy would break every picture."""
    assert children(images(declared=False)) == []


def test_the_four_variants() -> None:
    there = images(declared=True)
    assert_below(there, "images")
    options = {one.inputs["imageVariantId"]: one.inputs["options"] for one in there.of("ImageVariant")}
    assert options.keys() == {"thumbnail", "card", "product", "hero"} == VARIANTS.keys()
    assert options["hero"] == {"width": 1600, "height": 900, "fit": "cover", "metadata": "none"}
    assert all(one["metadata"] == "none" for one in options.values()), "a photo tells where it was taken"


def test_the_provider_is_none_that_loses_variants() -> None:
    """Up to Terraform's 5.22 a refresh forgot their ids, and the next update failed: they exist already.

    Those versions told of an output `variant` as well; it is the id's place that they got wrong.
    """
    assert not hasattr(cloudflare.ImageVariant, "variant")
    for variant in images(declared=True).of("ImageVariant"):
        assert variant.delete_before_replace, "and should one be replaced after all: its id is taken until then"


def watch(plan: str, *emails: str) -> Recording:
    return recorded(lambda: Watch("watch", WatchArgs(ACCOUNT, ZONE, "staging", plan, API, emails)))


def test_free_has_no_health_check() -> None:
    """Declared anyway, the API refuses it in the middle of an update."""
    assert children(watch("free", "oncall@optic.works")) == []


def test_the_health_check_names_its_regions_and_looks_through_the_edge() -> None:
    """Regions that Cloudflare chose are a change at each run."""
    there = watch("pro", "oncall@optic.works")
    assert_below(there, "watch")
    check = there.named("watch-health").inputs
    assert check["checkRegions"] == ["WEU", "ENAM"]
    assert (check["type"], check["address"], check["httpConfig"]["path"]) == ("HTTPS", API, "/health")
    assert check["httpConfig"]["expectedCodes"] == ["200"] and check["httpConfig"]["port"] == 443
    assert check["consecutiveFails"] == 2 and check["interval"] == 60
    assert check["name"].replace("-", "").replace("_", "").isalnum(), "the API takes nothing else in a name"


def test_the_health_check_trusts_public_authorities() -> None:
    """At the load balancer it meets a certificate of Origin CA, and is "TLS untrusted" for ever."""
    check = watch("pro").named("watch-health").inputs
    assert check["address"] == API
    assert check["httpConfig"]["allowInsecure"] is False, "an edge certificate that ran out is an outage"


def test_people_are_told_by_e_mail() -> None:
    """An empty list of pagers comes back as none, which the provider takes for a change (its #7342)."""
    policy = watch("business", "oncall@optic.works", "ryan@optic.works").named("watch-notification").inputs
    assert policy["mechanisms"] == {"emails": [{"id": "oncall@optic.works"}, {"id": "ryan@optic.works"}]}
    assert policy["alertType"] == "health_check_status_notification"
    assert policy["filters"]["healthCheckIds"], "without it every check of the account is told"


def test_without_addresses_there_is_no_notification() -> None:
    """A policy that tells nobody is refused."""
    assert [one.kind for one in children(watch("pro"))] == ["Healthcheck"]
