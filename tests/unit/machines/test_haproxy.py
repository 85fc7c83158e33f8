"""The load balancer's configuration says what the API's objects say."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from localcloud.machines import haproxy
from localcloud.machines.interface import HealthCheck, LoadBalancerSpec, Service, Target

CHECK = HealthCheck("http", 8001, interval=7, timeout=4, retries=3, path="/health?x=a b", domain="api.example")
WEB = Service("http", 80, 8000, False, CHECK)
SPEC = LoadBalancerSpec(
    4, "lb", "round_robin", 10_000, IPv4Address("198.18.1.9"), 1, IPv4Address("10.0.4.10"), (WEB,),
    (Target("server:1", IPv4Address("10.0.1.1"), True), Target("server:2", IPv4Address("10.0.1.2"), True)),
)  # fmt: skip


def render(spec: LoadBalancerSpec, folder: Path = Path("/x")) -> str:
    return haproxy.render(spec, socket=folder / "s.sock", state=folder / "state", certificates=folder / "certs")


@pytest.mark.parametrize(
    ("codes", "matching", "failing"),
    [
        (("2??", "3??"), ["200", "204", "301", "399"], ["404", "500", "20", "2000"]),
        (("200",), ["200"], ["201", "2000"]),
        (("2*", "404"), ["2", "200", "404"], ["403", "500"]),
        (("*",), ["200", "503"], []),
    ],
)
def test_status_codes_with_wildcards(codes: tuple[str, ...], matching: list[str], failing: list[str]) -> None:
    # Incident: "2??" taken as a regular expression also matches "2" and lets a broken target pass.
    pattern = haproxy.status_pattern(codes)
    assert all(re.search(pattern, code) for code in matching)
    assert not any(re.search(pattern, code) for code in failing)


def test_health_check_is_exactly_that_of_the_service() -> None:
    # Incident: the local balancer checks every two seconds, the real one every fifteen.
    text = render(SPEC)
    assert "check port 8001 inter 7s fall 3 rise 3" in text
    assert "timeout check 4s" in text
    assert 'http-check send meth GET uri "/health?x=a b" ver HTTP/1.1 hdr Host "api.example"' in text
    assert r'expect rstatus "^(2..|3..)\$"' in text


def test_algorithm_protocols_and_sessions() -> None:
    # Incident: a service that is shown as sticky or PROXY-protocol in the API and is not.
    sticky = replace(WEB, sticky_sessions=True, cookie_name="SID", cookie_lifetime=60, proxyprotocol=True)
    text = render(replace(SPEC, algorithm="least_connections", services=(sticky,)))
    assert "balance leastconn" in text and "send-proxy" in text
    assert "cookie SID insert indirect nocache maxlife 60s" in text
    assert "cookie server_1-10_0_1_1" in text
    assert "bind :80\n" in text and "bind" not in render(replace(SPEC, services=()))
    raw = Service("tcp", 5432, 5432, False, HealthCheck("tcp", 5432, 15, 10, 3))
    text = render(replace(SPEC, services=(raw,)))
    assert "mode tcp" in text and "forwardfor" not in text and "httpchk" not in text


def test_tls_check_and_response_text() -> None:
    # Incident: a health check by HTTPS or body text that is accepted by the API and not made.
    text = render(
        replace(SPEC, services=(replace(WEB, health_check=replace(CHECK, tls=True, response='say "ok" $x')),))
    )
    assert "check-ssl verify none check-sni api.example" in text
    assert r'http-check expect string "say \"ok\" \$x"' in text


@pytest.mark.skipif(shutil.which("haproxy") is None, reason="haproxy is not installed")
@pytest.mark.parametrize("response", ["", 'say "ok" $x \\ #'])
def test_haproxy_takes_the_configuration(tmp_path: Path, response: str) -> None:
    # Incident: a quote in a health check's text makes a file that HAProxy refuses for ever.
    services = (
        replace(WEB, health_check=replace(CHECK, response=response, tls=True), sticky_sessions=True),
        Service("tcp", 5432, 5432, True, HealthCheck("tcp", 5432, 15, 10, 3)),
    )
    path = tmp_path / "haproxy.cfg"
    path.write_text(render(replace(SPEC, services=services), tmp_path))
    done = subprocess.run(["haproxy", "-c", "-f", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_state_keeps_known_targets_and_starts_new_ones_stopped() -> None:
    # Incident: at every change of targets all of them are taken for healthy until the next check.
    known = "1\n# ...\n3 service_80 1 server_1-10_0_1_1 10.0.1.1 2 0 1 1 99 6 3 4 6 0 0 0 - 8000 - 0 0 - - 0\n"
    lines = haproxy.initial_state(SPEC, known).splitlines()
    assert lines[0] == "1" and lines[1].startswith("# be_id be_name")
    assert lines[2] == known.splitlines()[2]
    words = lines[3].split()
    assert words[3] == "server_2-10_0_1_2" and words[5] == "0" and words[12] == "2"
    assert len(words) == len(haproxy.STATE_COLUMNS.split())
