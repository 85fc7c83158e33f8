"""The questions that find a token's missing permissions, asked of a cloud that heeds permissions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from components.preflight import questions
from components.preflight.permissions import RULES, needed
from components.settings import Settings, load
from localcloud.cloudflare.accounts.groups import ACCOUNT, GROUPS, ZONE
from localcloud.cloudflare.app import create_app
from localcloud.plugins.cloudflare.provider import make
from tests.contract.cloudflare.serving import TOKEN, remembering
from tests.contract.listening import listening
from tests.contract.plugins.driver import Failed, serve
from tests.unit.configurations import configuration, tiny_release

GROUP_OF = {
    "Zone → DNS → Edit": ("DNS",),
    "Zone → SSL and Certificates → Edit": ("SSL and Certificates",),
    "Zone → Zone Settings → Edit": ("Zone Settings",),
    RULES: ("Transform Rules", "Zone Transform Rules", "Cache Settings", "Zone WAF", "Dynamic URL Redirects"),
    "Zone → Health Checks → Edit": ("Health Checks",),
    "Account → Notifications → Edit": ("Notifications",),
    "Account → Workers Scripts → Edit": ("Workers Scripts",),
    "Account → Workers KV Storage → Edit": ("Workers KV Storage",),
    "Account → Workers R2 Storage → Edit": ("Workers R2 Storage",),
    "Account → Account API Tokens → Edit": ("Account API Tokens",),
    "Account → Access: Apps and Policies → Edit": ("Access: Apps and Policies",),
    "Account → Access: Organizations, Identity Providers, and Groups → Edit": (
        "Access: Organizations, Identity Providers, and Groups",
    ),
    "Account → Access: Service Tokens → Edit": ("Access: Service Tokens",),
    "Account → Cloudflare Images → Edit": ("Cloudflare Images",),
}
"""By the dashboard's name: the API's names of the groups that give it, without Read and Write."""


@dataclass
class Served:
    """A cloud in this process with the zone optic.works, nothing behind it."""

    url: str
    account: str
    zone: str

    def token(self, without: tuple[str, ...]) -> str:
        """A token with every permission but those."""
        groups = [group for group in GROUPS if str(group["name"]).rsplit(" ", 1)[0] not in without]

        def policy(scope: str, resource: str) -> dict[str, Any]:
            ids = [{"id": group["id"]} for group in groups if group["scopes"] == [scope]]
            return {"effect": "allow", "permission_groups": ids, "resources": {resource: "*"}}

        policies = [policy(ACCOUNT, f"{ACCOUNT}.{self.account}"), policy(ZONE, f"{ZONE}.{self.zone}")]
        answer = httpx.post(
            f"{self.url}/accounts/{self.account}/tokens",
            json={"name": f"without {without}", "policies": policies},
            headers={"Authorization": f"Bearer {TOKEN}"},
            trust_env=False,
        )
        return str(answer.raise_for_status().json()["result"]["value"])


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    made, zone = remembering(tmp_path_factory.mktemp("cloudflare"), "optic.works")
    with listening(create_app(made)) as url:
        yield Served(f"{url}/client/v4", made.account_id, zone)


@pytest.fixture(scope="module")
def settings(cloud: Served, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    values = configuration("production", tiny_release(tmp_path_factory.mktemp("release")))
    return load(values | {"cloudflareAccountId": cloud.account}, "production")


def refused(cloud: Served, settings: Settings, token: str) -> set[str]:
    """Names of the permissions whose question that token may not ask."""
    found = set()
    with serve(make, "cloudflare") as plugin:
        plugin.configure(apiToken=token, baseUrl=cloud.url)
        for permission in needed(settings, cloud.zone):
            try:
                plugin.invoke(permission.question.function, **permission.question.arguments)
            except Failed as error:
                if questions.refused(error):
                    found.add(permission.name)
                else:
                    assert questions.absent(error), f"{permission.name}: {error}"
    return found


def test_whoever_may_do_everything_is_refused_nothing(cloud: Served, settings: Settings) -> None:
    """A question that the cloud does not know would stop every preview."""
    assert {permission.name for permission in needed(settings, cloud.zone)} == set(GROUP_OF)
    assert refused(cloud, settings, TOKEN) == set()
    assert refused(cloud, settings, cloud.token(without=())) == set()


@pytest.mark.parametrize("name", GROUP_OF)
def test_the_permission_that_is_missing_is_the_one_that_is_named(name: str, cloud: Served, settings: Settings) -> None:
    """Told of another one, its owner gives the token more and more, and it still does not work."""
    assert refused(cloud, settings, cloud.token(without=GROUP_OF[name])) == {name}
