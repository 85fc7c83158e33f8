"""Access: who gets in, and that nobody gets in by an empty list or another stack's group."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi

from components.admin_access import AdminAccess, AdminAccessArgs, Level
from tests.unit.edge_components.declared import ACCOUNT, API, METRICS, assert_below, children
from tests.unit.monitor import Recording, Secret, recorded, unmarked


def access(
    admins: Sequence[str] = ("ada@optic.works",), editors: Sequence[str] = (), viewers: Sequence[str] = ()
) -> Recording:
    def declare() -> None:
        members = {Level.ADMIN: admins, Level.EDITOR: editors, Level.VIEWER: viewers}
        made = AdminAccess("access", AdminAccessArgs(ACCOUNT, "staging", API, METRICS, members))
        pulumi.export("secret", made.client_secret)

    return recorded(declare)


def test_addresses_and_domains_are_told_apart() -> None:
    """@optic.works taken for an address would let nobody in, an address taken for a domain everybody."""
    there = access(("ada@optic.works", "@optic.works"))
    assert_below(there, "access")
    assert there.named("access-admin-group").inputs["includes"] == [
        {"email": {"email": "ada@optic.works"}},
        {"emailDomain": {"domain": "optic.works"}},
    ]


def test_a_level_without_members_has_no_group() -> None:
    """Access refuses a group that includes nobody, in the middle of an update."""
    names = {group.inputs["name"] for group in access().of("ZeroTrustAccessGroup")}
    assert names == {"staging-admin"}
    all_three = access(editors=["@optic.works"], viewers=["vi@optic.works"]).of("ZeroTrustAccessGroup")
    assert {group.inputs["name"] for group in all_three} == {"staging-admin", "staging-editor", "staging-viewer"}


def test_every_name_has_the_environment() -> None:
    """Two stacks share the account, and people in its dashboard must see which one they change."""
    for resource in children(access()):
        assert resource.inputs["name"].startswith("staging-"), resource.name


def test_both_pages_take_all_levels_and_programs_in_a_fixed_order() -> None:
    there = access(editors=["@optic.works"], viewers=["vi@optic.works"])
    domains = {one.inputs["domain"]: one.inputs for one in there.of("ZeroTrustAccessApplication")}
    assert domains.keys() == {f"{API}/app", METRICS}
    for application in domains.values():
        assert application["type"] == "self_hosted" and application["sessionDuration"]
        assert [policy["precedence"] for policy in application["policies"]] == [1, 2, 3, 4]
    decisions = {one.inputs["name"]: one.inputs["decision"] for one in there.of("ZeroTrustAccessPolicy")}
    assert decisions == {
        "staging-admin": "allow",
        "staging-editor": "allow",
        "staging-viewer": "allow",
        "staging-programs": "non_identity",
    }


def test_nobody_is_let_in_without_a_login() -> None:
    """`everyone` or `bypass` opens the admin to the world, and looks much like the rest."""
    for policy in access().of("ZeroTrustAccessPolicy"):
        assert policy.inputs["decision"] in ("allow", "non_identity")
        assert all(set(rule) <= {"group", "serviceToken"} for rule in policy.inputs["includes"])


def test_the_programs_secret_stays_secret() -> None:
    there = access()
    assert isinstance(there.exports["secret"], Secret)
    assert there.named("access-token").secret_outputs == ("clientSecret",)
    assert not any("a-client-secret" in value for one in there.resources for _, value in unmarked(one.inputs))
