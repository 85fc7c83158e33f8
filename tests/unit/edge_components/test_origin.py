"""What the load balancer shows to the edge: the same certificate at each run, and a new one before the old one goes."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network

import pulumi
from cryptography import x509
from pydantic import SecretStr

from components.addresses import AddressPlan
from components.load_balancer import LoadBalancer, LoadBalancerArgs
from components.network import Network, NetworkArgs
from components.origin_certificate import OriginCertificate, OriginCertificateArgs, signing_request
from components.server import Site
from components.ssh_access import SshAccess, SshAccessArgs
from tests.unit.configurations import private_key
from tests.unit.edge_components.declared import API, assert_below, ec_key
from tests.unit.monitor import Recording, Secret, recorded, unmarked


def certificate() -> Recording:
    args = OriginCertificateArgs("production", API, SecretStr(ec_key()))
    return recorded(lambda: OriginCertificate("origin", args))


def test_the_signing_request_is_the_same_at_each_run() -> None:
    """An ECDSA signature is random as a rule: then every `up` would replace the certificate."""
    first, second = certificate(), certificate()
    assert first.named("origin-signed").inputs["csr"] == second.named("origin-signed").inputs["csr"]
    request = x509.load_pem_x509_csr(first.named("origin-signed").inputs["csr"].encode())
    assert request.is_signature_valid


def test_a_long_host_name_makes_a_request_too() -> None:
    """A common name has at most 64 characters, a host name 253."""
    host = ".".join(["a" * 60] * 3)
    assert x509.load_pem_x509_csr(signing_request(ec_key(), host).encode()).is_signature_valid


def test_what_is_signed_is_an_ecc_certificate_for_the_api() -> None:
    there = certificate()
    assert_below(there, "origin")
    signed = there.named("origin-signed").inputs
    assert signed["hostnames"] == [API] and signed["requestType"] == "origin-ecc"
    assert signed["requestedValidity"] == 5475, "days; others than the API's own are refused"


def test_the_new_certificate_is_there_before_the_old_one_goes() -> None:
    """Deleted first, it is refused while the balancer uses it; with a fixed name the second one is refused."""
    there = certificate()
    for name in ("origin-signed", "origin-uploaded"):
        assert not there.named(name).delete_before_replace
    assert "name" not in there.named("origin-uploaded").inputs
    assert there.named("origin-uploaded").inputs["labels"]["environment"] == "production"


def test_the_private_key_is_in_no_plain_input() -> None:
    there = certificate()
    assert there.named("origin-uploaded").inputs["privateKey"] == Secret(ec_key())
    assert not any("PRIVATE KEY" in value for one in there.resources for _, value in unmarked(one.inputs))


def balancer(certificate_id: pulumi.Input[int]) -> Callable[[], None]:
    def declare() -> None:
        plan = AddressPlan(IPv4Network("10.0.0.0/16"))
        network = Network("network", NetworkArgs("staging", plan, "eu-central", []))
        access = SshAccess("access", SshAccessArgs("staging", SecretStr(private_key()), SecretStr("h" * 43), []))
        site = Site("staging", "nbg1", network, access)
        LoadBalancer("lb", LoadBalancerArgs(site, IPv4Address("10.0.4.10"), "lb11", certificate_id=certificate_id))

    return declare


def test_the_balancer_speaks_tls_only() -> None:
    """On port 80 requests with the origin's secret and customers' passwords would go through the internet in plain."""
    (service,) = recorded(balancer(pulumi.Output.from_input(77))).of("LoadBalancerService")
    assert (service.inputs["protocol"], service.inputs["listenPort"], service.inputs["destinationPort"]) == (
        "https",
        443,
        8000,
    )
    assert service.inputs["http"] == {"certificates": [77]}
    check = service.inputs["healthCheck"]
    assert (check["protocol"], check["port"], check["http"]["path"]) == ("http", 8000, "/health")


def test_a_service_may_be_replaced_where_the_balancer_may_not() -> None:
    """A protected service could not become another one, and the first `up` with the edge would fail."""
    (service,) = recorded(balancer(77)).of("LoadBalancerService")
    assert service.protect is False and service.delete_before_replace
