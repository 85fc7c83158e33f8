"""Services of a load balancer: what is filled in when left out, and what must hold."""

from __future__ import annotations

from typing import Any

from localcloud.hetzner.errors import ApiError, invalid, limit_exceeded
from localcloud.hetzner.load_balancers.models import ServiceChange
from localcloud.hetzner.routing import Call
from localcloud.hetzner.store import Row

LISTEN_PORTS = {"http": 80, "https": 443}
HTTP: Row = {
    "cookie_name": "HCLBSTICKY",
    "cookie_lifetime": 300,
    "timeout_idle": 50,
    "certificates": [],
    "redirect_http": False,
    "sticky_sessions": False,
}
CHECK_HTTP: Row = {"domain": "", "path": "/", "response": "", "status_codes": ["2??", "3??"], "tls": False}
CHECK: Row = {"interval": 15, "timeout": 10, "retries": 3}


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def merged(current: Row | None, change: ServiceChange, path: str = "") -> Row:
    """The service after ``change``: what is not said stays as it is, or gets the API's default. Raises 422."""
    said = change.model_dump()
    old = current or {}
    protocol: str = said["protocol"] or old["protocol"]
    listen = said["listen_port"] or old.get("listen_port") or LISTEN_PORTS.get(protocol)
    destination = said["destination_port"] or old.get("destination_port") or (80 if protocol != "tcp" else None)
    if listen is None:
        raise invalid(f"{path}listen_port", "Missing data for required field.")
    if destination is None:
        raise invalid(f"{path}destination_port", "Missing data for required field.")
    proxy = said["proxyprotocol"]
    service: Row = {
        "protocol": protocol,
        "listen_port": listen,
        "destination_port": destination,
        "proxyprotocol": old.get("proxyprotocol", False) if proxy is None else proxy,
        "health_check": _check(old.get("health_check"), said["health_check"] or {}, protocol, destination),
    }
    if protocol != "tcp":
        service["http"] = {**HTTP, **old.get("http", {}), **_given(said["http"] or {})}
        if protocol == "http":
            if service["http"]["redirect_http"]:
                raise invalid(f"{path}http.redirect_http", "is only available if protocol is https")
            service["http"]["certificates"] = []
    elif said["http"] and any(value not in (None, False, []) for value in said["http"].values()):
        raise invalid(f"{path}http", "is only available for protocols http and https")
    return service


def _check(old: Row | None, said: Row, protocol: str, destination: int) -> Row:
    kind = said.get("protocol") or (old or {}).get("protocol") or ("tcp" if protocol == "tcp" else "http")
    check = {
        "protocol": kind,
        "port": destination,
        **CHECK,
        **{key: value for key, value in (old or {}).items() if key != "http"},
        **{key: value for key, value in _given(said).items() if key != "http"},
    }
    check["protocol"] = kind
    if kind == "http":
        check["http"] = {**CHECK_HTTP, **((old or {}).get("http") or {}), **_given(said.get("http") or {})}
    return check


def check_services(call: Call, balancer: Row, path: str = "") -> None:
    """Raise an error if services and certificates go neither with each other nor with the balancer's type."""
    kind = call.cloud.catalogue.load_balancer_type(balancer["load_balancer_type"])
    if len(balancer["services"]) > kind["max_services"]:
        text = f"load balancer type {kind['name']} can have at most {kind['max_services']} services"
        raise limit_exceeded("load_balancer_services", text)
    used: dict[int, int] = {}
    certificates: set[int] = set()
    for service in balancer["services"]:
        ports = [service["listen_port"]]
        options = service.get("http") or {}
        if options.get("redirect_http"):
            ports.append(80)
        for port in ports:
            if port in used:
                raise ApiError("source_port_already_used", f"source port {port} is already in use", status=412)
            used[port] = service["listen_port"]
        for number in options.get("certificates", ()):
            if call.tx.get("certificate", number) is None:
                raise invalid(f"{path}http.certificates", f"certificate with ID '{number}' not found")
            certificates.add(number)
    if len(certificates) > kind["max_assigned_certificates"]:
        text = f"load balancer type {kind['name']} can have {kind['max_assigned_certificates']} certificates at most"
        raise limit_exceeded("load_balancer_certificates", text)
