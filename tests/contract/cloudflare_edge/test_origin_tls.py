"""Origins over TLS: whose certificates are taken, what is told when there is no answer, which requests come again."""

from __future__ import annotations

import asyncio
import datetime
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from localcloud.cloudflare import assemble
from localcloud.cloudflare.certificates import authority
from localcloud.cloudflare.edge.snapshot import Zone
from tests.contract.cloudflare.serving import Served, serve
from tests.contract.cloudflare_edge.conftest import Running
from tests.contract.cloudflare_edge.origin import Origin, behind, serving

HOST = "api.localhost"
ZONE = Zone("zone", "localhost", {"ssl": "strict"})
PEM = serialization.Encoding.PEM
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass
class Issuer:
    """The embedded cloud's own ``POST /certificates``."""

    api: Served

    @property
    def trusted(self) -> tuple[str, ...]:
        with self.api.cloud.store.transaction() as tx:
            return assemble.snapshot(tx, self.api.account).origin_authorities

    def issue(self, key: Key, names: list[str], kind: str = "origin-ecc") -> str:
        """A certificate for names of a zone of the account."""
        request = x509.CertificateSigningRequestBuilder().subject_name(_name(names[0])).sign(key, hashes.SHA256())
        sent = {"csr": request.public_bytes(PEM).decode(), "hostnames": names, "request_type": kind}
        return str(self.api.result("POST", "/certificates", {**sent, "requested_validity": 90})["certificate"])

    def expired(self, key: Key, name: str) -> str:
        """What the same authority signed, and is over since yesterday."""
        with self.api.cloud.store.transaction() as tx:
            own, signer = authority.ensure(tx)
        return _signed(key, name, own.subject, signer, days=-1)


@pytest.fixture
def issuer(tmp_path: Path) -> Iterator[Issuer]:
    with serve(tmp_path / "api", zones=("localhost.test",)) as api:
        yield Issuer(api)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _signed(key: Key, name: str, issuer: x509.Name, signer: Key, days: int = 30) -> str:
    end = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days)
    made = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - datetime.timedelta(days=60))
        .not_valid_after(end)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(signer, hashes.SHA256())
    )
    return made.public_bytes(PEM).decode()


def listener(folder: Path, key: Key, certificate: str, asked: list[str | None] | None = None) -> ssl.SSLContext:
    """A context as HAProxy has it: HTTP/2 before HTTP/1.1. ``asked`` collects the names that clients ask for."""
    file = folder / "origin.pem"
    private = key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(private + certificate.encode())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    context.set_alpn_protocols(["h2", "http/1.1"])
    if asked is not None:
        context.sni_callback = lambda connection, name, _: asked.append(name)
    return context


@pytest.mark.parametrize("kind", ["origin-ecc", "origin-rsa"])
async def test_a_certificate_of_the_origin_authority_is_taken_at_an_address(
    edge: Running, issuer: Issuer, tmp_path: Path, kind: str
) -> None:
    """Full (strict) would answer 526 to every customer though the balancer has just the certificate it should have."""
    key: Key = ec.generate_private_key(ec.SECP256R1())
    if kind == "origin-rsa":
        key = rsa.generate_private_key(65537, 2048)
    names = ["api.store.localhost.test", "*.localhost.test"]
    certificate = await asyncio.to_thread(issuer.issue, key, names, kind)
    asked: list[str | None] = []
    zone = Zone("zone", "localhost.test", {"ssl": "strict"})
    async with serving(ssl=listener(tmp_path, key, certificate, asked)) as origin:
        sent = behind(origin, zone=zone, host="api.store.localhost.test", authorities=issuer.trusted)
        await edge.service.apply(sent)
        async with edge.client("api.store.localhost.test") as client:
            response = await client.get("/a", headers={"x-forwarded-for": "203.0.113.7"})
    assert (response.status_code, response.text) == (200, "from the origin")
    assert asked == ["api.store.localhost.test"]
    line, fields = origin.requests[0]
    assert line == "GET /a"
    assert fields["cf-connecting-ip"] == "127.0.0.1"
    assert fields["x-forwarded-for"] == "203.0.113.7, 127.0.0.1"
    assert fields["x-forwarded-proto"] == "https"
    assert fields["cf-visitor"] == '{"scheme":"https"}'
    assert fields["cf-ray"] == response.headers["cf-ray"]
    assert fields["cdn-loop"] == "cloudflare; loops=1"


@pytest.mark.parametrize("wrong", ["expired", "another host", "self-signed", "unknown authority"])
async def test_no_other_certificate_is(edge: Running, issuer: Issuer, tmp_path: Path, wrong: str) -> None:
    """Whoever sits between the edge and the origin reads every password, and nobody notices an expired certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = await asyncio.to_thread(issuer.issue, key, ["other.localhost.test"])
    if wrong == "expired":
        certificate = await asyncio.to_thread(issuer.expired, key, HOST)
    elif wrong == "self-signed":
        certificate = _signed(key, HOST, _name(HOST), key)
    elif wrong == "unknown authority":
        certificate = _signed(key, HOST, _name("Elsewhere"), ec.generate_private_key(ec.SECP256R1()))
    async with serving(ssl=listener(tmp_path, key, certificate)) as origin, edge.client(HOST) as client:
        await edge.service.apply(behind(origin, zone=ZONE, authorities=issuer.trusted))
        response = await client.get("/")
        assert (response.status_code, response.text.split("\n")[0]) == (526, "error code: 526")
        # Full, without strict, asks for a certificate, and for none in particular.
        await edge.service.apply(behind(origin, zone=Zone("zone", "localhost", {"ssl": "full"})))
        assert (await client.get("/")).status_code == 200


async def test_each_way_of_having_no_answer_is_told_apart(edge: Running) -> None:
    """Whoever is on call would look for the fault on the wrong side."""

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with serving() as plain, edge.client(HOST) as client:
        await edge.service.apply(behind(Origin(1), zone=ZONE))
        assert (await client.get("/")).status_code == 521
        await edge.service.apply(behind(Origin(server.sockets[0].getsockname()[1]), zone=ZONE))
        assert (await client.get("/")).status_code == 525
        await edge.service.apply(behind(plain, zone=ZONE, address="203.0.113.9"))
        assert (await client.get("/")).status_code == 523
        await edge.service.apply(behind(plain, zone=ZONE, address="nobody.localhost", kind="CNAME"))
        assert (await client.get("/")).status_code == 530
    server.close()


async def test_a_plain_request_goes_to_a_plain_port(edge: Running) -> None:
    """A redirect to TLS that the origin makes itself would never be seen."""
    async with serving() as plain, edge.client(HOST, scheme="http") as client:
        await edge.service.apply(behind(plain, zone=ZONE))
        assert (await client.get("/")).text == "from the origin"


async def test_a_connection_that_ends_as_a_request_goes_out_loses_no_idempotent_one(edge: Running) -> None:
    """Each deploy of the proxy, which ends idle connections, would show some customers an error page."""
    told: list[bytes] = []

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers a connection's first request, and ends it as the second comes."""
        head = await reader.readuntil(b"\r\n\r\n")
        size = [line for line in head.split(b"\r\n") if line.startswith(b"content-length")]
        told.append(head.split(b" ")[0] + await reader.readexactly(int(size[0].split()[1]) if size else 0))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        await reader.read(1)
        writer.close()

    server = await asyncio.start_server(once, "127.0.0.1", 0)
    origin = Origin(server.sockets[0].getsockname()[1])
    await edge.service.apply(behind(origin))
    async with edge.client(HOST, scheme="http") as client:
        await asyncio.gather(*(client.get("/") for _ in range(5)))
        for method, content in (("GET", b""), ("HEAD", b""), ("PUT", b"once"), ("DELETE", b"")):
            assert (await client.request(method, "/", content=content)).status_code == 200, method
        assert (await client.post("/", content=b"pay")).status_code == 520
    assert told[-3:] == [b"HEAD", b"PUTonce", b"DELETE"]
    server.close()
