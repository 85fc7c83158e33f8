"""The HAProxy configuration of a load balancer, as text. Pure: nothing here touches the host."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from localcloud.machines.interface import HealthCheck, LoadBalancerSpec, Service, Target

STATE_COLUMNS = (
    "be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight "
    "srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state "
    "bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr "
    "srv_agent_addr srv_agent_port"
)
"""Columns of HAProxy's server state file, version 1."""


def backend_name(service: Service) -> str:
    return f"service_{service.listen_port}"


def server_name(target: Target) -> str:
    """A target's name in every backend; its address is part of it, so that a moved target is a new one."""
    key = re.sub(r"[^A-Za-z0-9]", "_", target.key)
    return f"{key}-{str(target.ip).replace('.', '_')}"


def quoted(text: str) -> str:
    """A word of the configuration that may hold anything."""
    return '"' + re.sub(r'([\\"$])', r"\\\1", text).replace("\n", " ") + '"'


def status_pattern(codes: Iterable[str]) -> str:
    """Regular expression for status codes in which ``?`` is one character and ``*`` any number."""
    parts = [re.escape(code).replace(r"\?", ".").replace(r"\*", ".*") for code in codes]
    return f"^({'|'.join(parts)})$"


def _check_lines(check: HealthCheck) -> list[str]:
    if check.protocol == "tcp":
        return ["option tcp-check"]
    host = f" hdr Host {quoted(check.domain)}" if check.domain else ""
    lines = [
        "option httpchk",
        f"http-check send meth GET uri {quoted(check.path or '/')} ver HTTP/1.1{host}",
        f"http-check expect rstatus {quoted(status_pattern(check.status_codes or ('2??', '3??')))}",
    ]
    if check.response:
        lines.append(f"http-check expect string {quoted(check.response)}")
    return lines


def _server_line(service: Service, target: Target) -> str:
    check, name = service.health_check, server_name(target)
    words = [
        f"server {name} {target.ip}:{service.destination_port} check port {check.port} inter {check.interval}s",
        f"fall {check.retries} rise {check.retries}",
    ]
    if check.protocol == "http" and check.tls:
        words.append("check-ssl verify none" + (f" check-sni {check.domain}" if check.domain else ""))
    if service.proxyprotocol:
        words.append("send-proxy")
        if check.port == service.destination_port:
            words.append("check-send-proxy")
    if service.sticky_sessions and service.protocol != "tcp":
        words.append(f"cookie {name}")
    return " ".join(words)


def _frontend(service: Service, certificates: Path) -> list[str]:
    bind = f"bind :{service.listen_port}"
    if service.protocol == "https":
        bind += f" ssl crt {certificates}/{service.listen_port}/ alpn h2,http/1.1"
    lines = [f"frontend listen_{service.listen_port}", bind, f"default_backend {backend_name(service)}"]
    if service.protocol == "tcp":
        return [*lines, "mode tcp", "timeout client 1h"]
    return [
        *lines,
        "mode http",
        f"timeout client {service.timeout_idle}s",
        f"timeout http-keep-alive {service.timeout_idle}s",
        "option forwardfor",
        f"http-request set-header X-Forwarded-Proto {'https' if service.protocol == 'https' else 'http'}",
        f"http-request set-header X-Forwarded-Port {service.listen_port}",
    ]


def _redirect() -> list[str]:
    return ["frontend redirect_80", "mode http", "bind :80", "timeout client 50s",
            "http-request redirect scheme https code 301"]  # fmt: skip


def _backend(spec: LoadBalancerSpec, service: Service) -> list[str]:
    http = service.protocol != "tcp"
    lines = [
        f"backend {backend_name(service)}",
        f"mode {'http' if http else 'tcp'}",
        f"balance {'leastconn' if spec.algorithm == 'least_connections' else 'roundrobin'}",
        f"timeout server {f'{service.timeout_idle}s' if http else '1h'}",
        f"timeout check {service.health_check.timeout}s",
        *_check_lines(service.health_check),
    ]
    if http and service.sticky_sessions:
        lines.append(
            f"cookie {service.cookie_name} insert indirect nocache maxlife {service.cookie_lifetime}s"
            f" attr {quoted(f'Max-Age={service.cookie_lifetime}')}"
        )
    return [*lines, *(_server_line(service, target) for target in spec.targets)]


def render(spec: LoadBalancerSpec, *, socket: Path, state: Path, certificates: Path) -> str:
    """The whole configuration; a service that is not there has no listener."""
    sections = [
        [
            "global",
            f"maxconn {spec.max_connections}",
            f"stats socket {socket} mode 600 level admin expose-fd listeners",
            f"server-state-file {state}",
            # Connections of a removed target may end by themselves, but not keep an old process for ever.
            "hard-stop-after 15m",
            # Where the host allows fewer open files than the type has connections, serve as many as it allows.
            "no strict-limits",
            "user nobody",
            "group nogroup",
        ],
        [
            "defaults",
            "load-server-state-from-file global",
            f"maxconn {spec.max_connections}",
            "timeout connect 5s",
            "timeout tunnel 1h",
            "retries 3",
            "option redispatch",
            "option dontlognull",
        ],
    ]
    for service in sorted(spec.services, key=lambda one: one.listen_port):
        sections += [_frontend(service, certificates), _backend(spec, service)]
    if any(service.protocol == "https" and service.redirect_http for service in spec.services):
        sections.append(_redirect())
    text = "\n\n".join("\n    ".join(lines) for lines in sections)
    return f"# Load balancer {spec.id}\n{text}\n"


def initial_state(spec: LoadBalancerSpec, current: str) -> str:
    """A server state file in which targets keep the health they have, and new ones get no traffic before a good check.

    ``current`` is the running process's own state (empty when there is none).
    """
    known: Mapping[tuple[str, str], str] = {
        (words[1], words[3]): line
        for line in current.splitlines()
        if len(words := line.split()) > 4 and not line.startswith("#")
    }
    lines = ["1", f"# {STATE_COLUMNS}"]
    for number, service in enumerate(sorted(spec.services, key=lambda one: one.listen_port)):
        for place, target in enumerate(spec.targets):
            name, backend = server_name(target), backend_name(service)
            # Stopped, never checked, one good check short of up: the first one that succeeds brings it in.
            fresh = (
                f"{number + 1} {backend} {place + 1} {name} {target.ip} 0 0 1 1 0 1 0 "
                f"{max(service.health_check.retries - 1, 0)} 6 0 0 0 - {service.destination_port} - 0 0 - - 0"
            )
            lines.append(known.get((backend, name), fresh))
    return "\n".join(lines) + "\n"
