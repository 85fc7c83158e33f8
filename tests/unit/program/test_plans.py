"""Arithmetic apart from resources: addresses, balancer types, host keys, first boot, retries, alternatives."""

from __future__ import annotations

import base64
import subprocess
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest
import yaml
from cryptography.hazmat.primitives.serialization import load_ssh_private_key
from hypothesis import given
from hypothesis import strategies as st

from components.addresses import AddressPlan
from components.first_boot import LIMIT, user_data
from components.hostkeys import host_key, public_half
from components.load_balancer import fitting_type
from components.preflight import wanted_servers
from components.preflight.availability import Wanted, alternatives, unavailable
from components.preflight.hetzner import Offer
from components.retries import PAUSES, worth_another_try
from components.settings import MAX_INSTANCES, load, smallest_balancer
from tests.unit.configurations import configuration

PLAN = AddressPlan(IPv4Network("10.0.0.0/16"))


def test_addresses_are_those_of_the_plan() -> None:
    assert PLAN.database == IPv4Address("10.0.2.10")
    assert PLAN.redis == IPv4Address("10.0.3.10")
    assert PLAN.balancer == IPv4Address("10.0.4.10")
    assert PLAN.medusa(1) == IPv4Address("10.0.1.11")
    assert PLAN.medusa(150) == IPv4Address("10.0.1.160")


@given(prefix=st.integers(8, 21), block=st.integers(0, 2**13 - 1))
def test_no_two_share_an_address_in_any_range(prefix: int, block: int) -> None:
    """Two servers with one address make both unreachable, now and then."""
    network = IPv4Network((int(IPv4Address("10.0.0.0")) + (block << 11) & ~((1 << (32 - prefix)) - 1), prefix))
    plan = AddressPlan(network)
    subnets = [plan.medusa_subnet, plan.database_subnet, plan.redis_subnet, plan.balancer_subnet]
    taken = [plan.database, plan.redis, plan.balancer, *(plan.medusa(i) for i in range(1, MAX_INSTANCES + 1))]

    assert len(set(taken)) == len(taken)
    assert all(subnet.subnet_of(network) for subnet in subnets)
    assert not any(a.overlaps(b) for a in subnets for b in subnets if a is not b)
    # Hetzner keeps the first address of a range for its gateway.
    assert not {subnet.network_address + 1 for subnet in [network, *subnets]} & set(taken)


@pytest.mark.parametrize("number", [0, -1, 151])
def test_beyond_the_plan_is_an_error_that_says_the_limit(number: int) -> None:
    with pytest.raises(ValueError, match="1 to 150"):
        PLAN.medusa(number)


def test_a_range_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="/21"):
        AddressPlan(IPv4Network("10.0.0.0/22"))


@pytest.mark.parametrize(
    ("targets", "services", "certificates", "expected"),
    [
        (1, 1, 0, "lb11"),
        (25, 5, 10, "lb11"),
        (26, 1, 0, "lb21"),
        (1, 6, 0, "lb21"),
        (1, 1, 11, "lb21"),
        (75, 15, 25, "lb21"),
        (76, 1, 0, "lb31"),
        (150, 30, 50, "lb31"),
    ],
)
def test_balancer_type_holds_targets_services_and_certificates(
    targets: int, services: int, certificates: int, expected: str
) -> None:
    assert smallest_balancer(targets, services, certificates).name == expected


def test_no_balancer_holds_more_than_the_largest() -> None:
    with pytest.raises(ValueError, match="lb31"):
        smallest_balancer(151)


def test_balancer_does_not_shrink_below_what_is_attached() -> None:
    """26 → 1 in one update: Hetzner refuses lb11 while 26 targets are attached, and the update would end there."""
    assert fitting_type(26, 0) == "lb21"
    assert fitting_type(1, 26) == "lb21"
    assert fitting_type(1, 1) == "lb11"
    assert fitting_type(1, 1, "lb31") == "lb31"
    with pytest.raises(ValueError, match="26"):
        fitting_type(1, 26, "lb11")


def test_host_key_is_the_same_every_time_and_no_others() -> None:
    """A key that changed from run to run would change user_data, and a pinned connection would fail."""
    assert host_key("s" * 32, "staging-postgres") == host_key("s" * 32, "staging-postgres")
    keys = {
        host_key(secret, name).public_openssh for secret in ("s" * 32, "t" * 32) for name in ("a", "b", "a-1", "a-10")
    }
    assert len(keys) == 8


def test_host_key_never_changes_between_releases_of_this_program() -> None:
    """Whoever changes the derivation makes every server in the field a stranger."""
    assert host_key("0123456789abcdef0123456789abcdef", "production-postgres").public_openssh == EXPECTED_HOST_KEY


EXPECTED_HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIC2snDj3ujZeyvQzIJmB52fC8Cg57/8U7mKzx2meghZU"


def test_host_key_is_one_that_openssh_reads(tmp_path: Path) -> None:
    key = host_key("s" * 32, "staging-medusa-1")
    file = tmp_path / "key"
    file.write_text(key.private_openssh)
    file.chmod(0o600)

    derived = subprocess.run(["ssh-keygen", "-y", "-f", file], capture_output=True, text=True, check=True).stdout

    assert derived.split()[:2] == key.public_openssh.split()
    assert public_half(key.private_openssh) == key.public_openssh


@given(secret=st.text(min_size=1, max_size=64), name=st.from_regex(r"[a-z][a-z0-9-]{0,62}", fullmatch=True))
def test_host_key_of_any_name_is_well_formed(secret: str, name: str) -> None:
    """The padding of the private file depends on the length of the name."""
    key = host_key(secret, name)

    public = load_ssh_private_key(key.private_openssh.encode(), password=None).public_key()
    assert base64.b64decode(key.public_openssh.split()[1])[-32:] == public.public_bytes_raw()  # type: ignore[union-attr]


def test_host_key_is_not_shown_by_accident() -> None:
    assert "PRIVATE" not in repr(host_key("s" * 32, "x"))


def first_boot() -> dict[str, object]:
    text = user_data("staging-postgres", host_key("s" * 32, "staging-postgres"), "deploy", ["ssh-ed25519 AAAA me"])
    assert text.startswith("#cloud-config\n"), "cloud-init reads the kind of user_data from its first line"
    found: dict[str, object] = yaml.safe_load(text)
    return found


def test_first_boot_lets_deploy_in_and_root_out() -> None:
    config = first_boot()

    assert config["users"][0]["name"] == "deploy"  # type: ignore[index]
    assert config["users"][0]["sudo"] == ["ALL=(ALL) NOPASSWD:ALL"]  # type: ignore[index]
    assert config["disable_root"] is True
    assert config["ssh_pwauth"] is False
    assert ["passwd", "--lock", "root"] in config["runcmd"]  # type: ignore[operator]


def test_first_boot_gives_the_pinned_host_key_and_no_other() -> None:
    config = first_boot()
    key = host_key("s" * 32, "staging-postgres")

    assert config["ssh_deletekeys"] is True
    assert config["ssh_keys"]["ed25519_private"] == key.private_openssh  # type: ignore[index]
    assert config["ssh_keys"]["ed25519_public"].startswith(key.public_openssh)  # type: ignore[index]


def test_first_boot_keeps_user_data_to_root() -> None:
    """user_data holds the private host key, and any process on a server could read it at the metadata address."""
    files = {file["path"]: file["content"] for file in first_boot()["write_files"]}  # type: ignore[attr-defined]

    assert "ip daddr 169.254.169.254 meta skuid != 0" in files["/etc/nftables.conf"]


def test_first_boot_fits_and_says_when_it_does_not() -> None:
    key = host_key("s" * 32, "x")
    assert len(user_data("x", key, "deploy", ["ssh-ed25519 " + "A" * 68] * 20).encode()) < LIMIT
    with pytest.raises(ValueError, match="sshPublicKeys"):
        user_data("x", key, "deploy", ["ssh-rsa " + "A" * 724] * 50)


def test_what_passes_is_tried_again_and_what_does_not_is_not() -> None:
    assert worth_another_try(["error during placement (resource_unavailable, 3fe1)"]) == PAUSES[0]
    assert worth_another_try(["server is locked (locked)", "x"]) == PAUSES[1]
    assert worth_another_try(["invalid input in field 'name' (invalid_input)"]) is None
    assert worth_another_try([]) is None
    assert worth_another_try(["(resource_unavailable)"] * (len(PAUSES) + 1)) is None, "it has to end"


def offer(
    name: str, cores: int, memory: float, location: str = "nbg1", available: bool = True, **kind: object
) -> Offer:
    architecture, dedicated = str(kind.get("architecture", "x86")), bool(kind.get("dedicated", False))
    return Offer(name, location, cores, memory, architecture, dedicated, available)


OFFERS = [
    offer("cx23", 2, 4, available=False),
    offer("cx23", 2, 4, location="hel1"),
    offer("cx33", 4, 8),
    offer("cpx22", 2, 4),
    offer("cpx12", 1, 2),
    offer("cax11", 2, 4, architecture="arm"),
    offer("ccx13", 2, 8, dedicated=True),
]
MEDUSA = Wanted("medusaServerType", "cx23", ("staging-medusa-1", "staging-medusa-2"))


def test_a_type_that_is_sold_out_is_said_with_what_there_is() -> None:
    """Otherwise the first word of it comes after minutes, from the middle of an update, as a 412."""
    (problem,) = unavailable([MEDUSA], "nbg1", OFFERS, {}, "staging")

    assert problem.key == "medusaServerType"
    assert "cpx22, cx33, ccx13" in problem.rule
    assert "hel1" in problem.rule
    assert problem.fix == "pulumi config set medusaServerType cpx22 --stack staging"


def test_servers_that_run_need_no_type_on_sale() -> None:
    """A type that goes off sale must not stop an update that makes none of it."""
    there = {"staging-medusa-1": "cx23", "staging-medusa-2": "cx23"}

    assert unavailable([MEDUSA], "nbg1", OFFERS, there, "staging") == []
    (problem,) = unavailable([MEDUSA], "nbg1", OFFERS, {"staging-medusa-1": "cx23"}, "staging")
    assert "staging-medusa-2" in problem.rule
    assert unavailable([MEDUSA], "nbg1", OFFERS, there | {"staging-medusa-2": "cx33"}, "staging") != []


def test_a_type_that_does_not_exist() -> None:
    (problem,) = unavailable([Wanted("redisServerType", "cx99", ("r",))], "nbg1", OFFERS, {}, "staging")

    assert "is not a server type" in problem.rule
    assert alternatives("cx99", "nbg1", OFFERS)[0] == "cpx22"


def test_for_a_type_that_does_not_exist_the_settings_own_size_is_proposed() -> None:
    """A database with a mistyped type was told to take two cores where it is built for four."""
    database = Wanted("databaseServerType", "cx99", ("staging-postgres",), default="cx33")
    (problem,) = unavailable([database], "nbg1", OFFERS, {}, "staging")
    assert problem.fix == "pulumi config set databaseServerType cx33 --stack staging"

    sold_out = [offer for offer in OFFERS if offer.name != "cx33"]
    sold_out += [offer("cx33", 4, 8, location="hel1"), offer("cpx32", 4, 8)]
    (problem,) = unavailable([database], "nbg1", sold_out, {}, "staging")
    assert problem.fix == "pulumi config set databaseServerType cpx32 --stack staging"


def test_every_servers_setting_has_a_size_to_propose(release: Path) -> None:
    """Without it the database's is proposed by the smallest server's measure."""
    wanted = wanted_servers(load(configuration("staging", release), "staging"))
    assert [group.default for group in wanted] == ["cx23", "cx33", "cx23"]
