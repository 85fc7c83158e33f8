"""Load balancers balance, tell the truth about health, and change without dropping anyone."""

from __future__ import annotations

import http.client
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from localcloud.machines.interface import Certificate, HealthCheck, LoadBalancerSpec, ServerSpec, Service, Target
from tests.e2e.machines.lab import NETWORK, Lab, until

BACKEND = """\
import http.server, os, time, socket
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        if self.path.startswith("/slow"):
            time.sleep(2)
        bad = self.path == "/health" and os.path.exists("/tmp/sick")
        heads = ("Host", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Port")
        body = (socket.gethostname() + "|" + self.client_address[0] + "|" +
                "|".join(str(self.headers.get(name)) for name in heads)).encode()
        self.send_response(503 if bad else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words): pass
http.server.ThreadingHTTPServer(("0.0.0.0", 8000), Handler).serve_forever()
"""
CHECK = HealthCheck(
    "http", 8000, interval=3, timeout=2, retries=1, path="/health", domain="shop", status_codes=("2??",)
)
WEB = Service("http", 80, 8000, False, CHECK)


def target(server: ServerSpec, address: str) -> Target:
    return Target(f"server:{server.id}", IPv4Address(address), private=True)


@pytest.fixture(scope="module")
def backends(lab: Lab) -> list[ServerSpec]:
    found = []
    for number in (1, 2):
        server = lab.create(f"web-{number}", private=f"10.0.1.{number}")
        lab.ssh(
            server, f"cat > /root/serve.py <<'END'\n{BACKEND}END\nsystemd-run -q --unit=serve python3 /root/serve.py"
        )
        found.append(server)
    return found


@pytest.fixture
def balancer(lab: Lab, backends: list[ServerSpec]) -> Iterator[LoadBalancerSpec]:
    spec = LoadBalancerSpec(
        id=1, name="lb", algorithm="round_robin", max_connections=1000,
        public_ipv4=lab.machines.public_ipv4_pool[200], network_id=NETWORK.id, private_ip=IPv4Address("10.0.4.10"),
        services=(WEB,), targets=tuple(target(one, f"10.0.1.{at + 1}") for at, one in enumerate(backends)),
    )  # fmt: skip
    lab.machines.apply_load_balancer(spec)
    yield spec
    lab.machines.delete_load_balancer(spec.id)


def get(spec: LoadBalancerSpec, path: str = "/", port: int = 80) -> tuple[int, str]:
    connection = http.client.HTTPConnection(str(spec.public_ipv4), port, timeout=5)
    try:
        connection.request("GET", path, headers={"Host": "api.example"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def healthy(lab: Lab, spec: LoadBalancerSpec, count: int) -> None:
    until(lambda: list(lab.machines.health(spec.id).values()).count("healthy") == count, f"{count} healthy")


def test_balances_over_private_addresses_with_the_headers_of_hetzner(lab: Lab, balancer: LoadBalancerSpec) -> None:
    # Incident: the backend sees the wrong client or scheme, and makes links to http://10.0.1.1:8000.
    healthy(lab, balancer, 2)
    answers = [get(balancer) for _ in range(10)]
    names = Counter(body.split("|")[0] for _, body in answers)
    assert names == {"web-1": 5, "web-2": 5}
    _, source, host, client, scheme, port = answers[0][1].split("|")
    assert (source, host, scheme, port) == ("10.0.4.10", "api.example", "http", "80")
    assert client.startswith("198.19."), "the host, by its leg"
    assert lab.machines.metrics(balancer.id)["open_connections"] >= 0


def test_health_is_the_truth_and_a_new_target_gets_nothing_before_it_is_healthy(
    lab: Lab, balancer: LoadBalancerSpec, backends: list[ServerSpec]
) -> None:
    # Incident: a server that is still installing takes customers' requests for the first seconds.
    lab.ssh(backends[1], "touch /tmp/sick")
    keys = [one.key for one in balancer.targets]
    until(lambda: lab.machines.health(balancer.id)[keys[1], 80] == "unhealthy", "sick is unhealthy")
    assert {get(balancer)[1].split("|")[0] for _ in range(6)} == {"web-1"}
    lab.ssh(backends[1], "rm /tmp/sick")
    healthy(lab, balancer, 2)
    lab.ssh(backends[1], "touch /tmp/sick")
    lab.machines.apply_load_balancer(replace(balancer, targets=balancer.targets[:1]))
    lab.machines.apply_load_balancer(balancer)
    assert lab.machines.health(balancer.id)[keys[1], 80] in ("unknown", "unhealthy")
    assert {get(balancer)[1].split("|")[0] for _ in range(6)} == {"web-1"}
    assert lab.machines.health(balancer.id)[keys[0], 80] == "healthy", "who was healthy stays so through a change"
    lab.ssh(backends[1], "rm /tmp/sick")
    healthy(lab, balancer, 2)
    lab.machines.power_off(backends[0].id)
    until(lambda: lab.machines.health(balancer.id)[keys[0], 80] == "unhealthy", "off is unhealthy")
    assert {get(balancer)[1].split("|")[0] for _ in range(4)} == {"web-2"}
    lab.machines.power_on(backends[0].id)
    lab.await_ssh(backends[0])
    lab.ssh(backends[0], "systemd-run -q --unit=serve python3 /root/serve.py")
    healthy(lab, balancer, 2)


def test_changes_under_load_lose_no_request(lab: Lab, balancer: LoadBalancerSpec) -> None:
    # Incident: scaling down in the middle of the day fails the carts that were on the server that goes.
    healthy(lab, balancer, 2)
    failures: list[object] = []
    done, count = threading.Event(), Counter[int]()

    def load() -> None:
        while not done.is_set():
            try:
                status, _ = get(balancer)
                count[status] += 1
                if status != 200:
                    failures.append(status)
            except OSError as error:
                failures.append(error)

    slow: list[tuple[int, str]] = []
    threads = [threading.Thread(target=load) for _ in range(4)]
    threads += [threading.Thread(target=lambda: slow.append(get(balancer, "/slow"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    one = replace(balancer, targets=balancer.targets[:1])
    for spec in (one, balancer, one):
        lab.machines.apply_load_balancer(spec)
        time.sleep(0.3)
    done.set()
    for thread in threads:
        thread.join()
    assert failures == [] and count[200] > 100
    assert [status for status, _ in slow] == [200] * 4
    assert {body.split("|")[0] for _, body in slow} == {"web-1", "web-2"}


def test_services_come_and_go_with_tls_redirect_and_sticky_sessions(
    lab: Lab, balancer: LoadBalancerSpec, tmp_path: Path
) -> None:
    # Incident: a port without a service answers, or a certificate change needs a new load balancer.
    key, pem = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=api.example", "-keyout", str(key), "-out", str(pem)],
        check=True, capture_output=True,
    )  # fmt: skip
    certificate = Certificate(1, pem.read_text(), key.read_text())
    secure = Service(
        "https", 443, 8000, False, CHECK, sticky_sessions=True, redirect_http=True, certificates=(certificate,)
    )
    raw = Service("tcp", 8000, 8000, False, HealthCheck("tcp", 8000, 3, 2, 1))
    picky = Service("http", 81, 8000, False, replace(CHECK, path="/", response="web-1|"))
    lab.machines.apply_load_balancer(replace(balancer, services=(secure, raw, picky)))
    until(lambda: "unknown" not in lab.machines.health(balancer.id).values(), "all are checked")
    keys = [one.key for one in balancer.targets]
    assert lab.machines.health(balancer.id) == {
        (key, port): "unhealthy" if (key, port) == (keys[1], 81) else "healthy"
        for key in keys
        for port in (443, 8000, 81)
    }
    assert get(balancer)[0] == 301
    assert get(balancer, port=8000)[0] == 200
    address = str(balancer.public_ipv4)
    curl = ["curl", "-s", "-i", "--cacert", str(pem), "--resolve", f"api.example:443:{address}", "-c",
            str(tmp_path / "jar"), "-b", str(tmp_path / "jar"), "https://api.example/"]  # fmt: skip
    answers = [subprocess.run(curl, capture_output=True, text=True, check=True).stdout for _ in range(4)]
    assert "set-cookie: HCLBSTICKY=" in answers[0].lower().replace("hclbsticky", "HCLBSTICKY")
    assert len({answer.splitlines()[-1].split("|")[0] for answer in answers}) == 1
    assert "|https|443" in answers[0]
    lab.machines.apply_load_balancer(replace(balancer, services=()))
    with pytest.raises(OSError, match="refused"):
        get(balancer)
