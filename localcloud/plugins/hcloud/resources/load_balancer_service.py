"""A service of a load balancer: a port it listens on. Its id is ``BALANCER__PORT``."""

from __future__ import annotations

from localcloud.plugins.base.errors import ProviderError
from localcloud.plugins.base.values import Properties, Value
from localcloud.plugins.hcloud.api import Api, Json, is_code
from localcloud.plugins.hcloud.common import one_of, without_nones
from localcloud.plugins.hcloud.resource import CloudResource, Made
from localcloud.plugins.hcloud.schema import Field

_PORTS = {"http": 80, "https": 443}
_PROTOCOL = one_of("http", "https", "tcp")


def _idle(value: Value) -> str | None:
    return None if 30 <= value <= 300 else f"expected timeout_idle to be in the range (30 - 300), got {value}"


HTTP = (
    Field("stickySessions", "bool", computed=True),
    Field("cookieName", computed=True),
    Field("cookieLifetime", "int", computed=True),
    Field("certificates", "set", "int", computed=True),
    Field("redirectHttp", "bool", computed=True),
    Field("timeoutIdle", "int", computed=True, check=_idle),
)
HEALTH_CHECK_HTTP = (
    Field("domain"),
    Field("path"),
    Field("response"),
    Field("tls", "bool"),
    Field("statusCodes", "list"),
)
HEALTH_CHECK = (
    Field("protocol", required=True, check=_PROTOCOL),
    Field("port", "int", required=True),
    Field("interval", "int", required=True),
    Field("timeout", "int", required=True),
    Field("retries", "int", required=True),
    Field("http", "object", HEALTH_CHECK_HTTP, computed=True),
)


class LoadBalancerService(CloudResource):
    """``hcloud_load_balancer_service``: the API fills in what the program leaves out, and it stays so."""

    token = "hcloud:index/loadBalancerService:LoadBalancerService"
    fields = (
        Field("loadBalancerId", required=True, replace=True),
        Field("protocol", required=True, replace=True, check=_PROTOCOL),
        Field("listenPort", "int", computed=True, replace=True),
        Field("destinationPort", "int", computed=True),
        Field("proxyprotocol", "bool", computed=True),
        Field("http", "object", HTTP, computed=True),
        Field("healthCheck", "object", HEALTH_CHECK, computed=True),
    )

    def make(self, api: Api, inputs: Properties, made: Made) -> None:
        balancer, protocol = inputs["loadBalancerId"], inputs["protocol"]
        if not balancer.isdigit():
            raise ProviderError(f"invalid load balancer id {balancer!r}: expected a number")
        port = inputs.get("listenPort") or _PORTS.get(protocol, 0)
        body = {
            "protocol": protocol,
            "listen_port": port,
            "destination_port": inputs.get("destinationPort") or None,
            "proxyprotocol": inputs.get("proxyprotocol") or None,
            "http": _http(inputs.get("http")),
            "health_check": _health_check(inputs.get("healthCheck")),
        }
        path = f"/load_balancers/{balancer}/actions/add_service"
        # Another service that is just being deleted may still hold the port.
        answer = api.retry(lambda: api.post(path, without_nones(body)), lambda error: is_code(error, "service_error"))
        made(f"{balancer}__{port}")
        api.wait([answer["action"]])

    def look(self, api: Api, id: str, state: Properties) -> tuple[str, Properties] | None:
        found = _find(api, id)
        if found is None:
            return None
        balancer, service = found
        attributes: Properties = {
            "loadBalancerId": str(balancer),
            "protocol": service["protocol"],
            "listenPort": service["listen_port"],
            "destinationPort": service["destination_port"],
            "proxyprotocol": service["proxyprotocol"],
            "healthCheck": health_check_attributes(service["health_check"]),
        }
        if service["protocol"] != "tcp":
            attributes["http"] = http_attributes(service.get("http") or {})
        return f"{balancer}__{service['listen_port']}", attributes

    def change(self, api: Api, id: str, state: Properties, new: Properties, changed: set[str]) -> None:
        found = _find(api, id)
        if found is None:
            return
        balancer, service = found
        body = {
            "listen_port": service["listen_port"],
            "protocol": new["protocol"],
            "proxyprotocol": bool(new.get("proxyprotocol")),
            "destination_port": new.get("destinationPort") or None,
            # What the API filled in before goes with what the program says of the block.
            "http": _http((state.get("http") or {}) | (new.get("http") or {})) if new["protocol"] != "tcp" else None,
            "health_check": _health_check(new.get("healthCheck")),
        }
        api.act(f"/load_balancers/{balancer}/actions/update_service", without_nones(body))

    def remove(self, api: Api, id: str, state: Properties) -> None:
        found = _find(api, id)
        if found is None:
            return
        balancer, service = found
        try:
            body = {"listen_port": service["listen_port"]}
            api.act(f"/load_balancers/{balancer}/actions/delete_service", body)
        except ProviderError as error:
            if not is_code(error, "not_found"):
                raise


def _find(api: Api, id: str) -> tuple[int, Json] | None:
    balancer, _, port = id.partition("__")
    if not balancer.isdigit() or not port.isdigit():
        return None
    found = api.find(f"/load_balancers/{balancer}", "load_balancer")
    for service in found["services"] if found else []:
        if service["listen_port"] == int(port):
            return int(balancer), service
    return None


def _http(block: Properties | None) -> Json | None:
    if not block:
        return None
    return without_nones(
        {
            "sticky_sessions": bool(block.get("stickySessions")),
            "cookie_name": block.get("cookieName") or None,
            "cookie_lifetime": block.get("cookieLifetime") or None,
            "certificates": block.get("certificates") or None,
            "redirect_http": bool(block.get("redirectHttp")),
            "timeout_idle": block.get("timeoutIdle") or None,
        }
    )


def http_attributes(http: Json) -> Properties:
    """The http block of a service."""
    return without_nones(
        {
            "stickySessions": http.get("sticky_sessions") or None,
            "cookieName": http.get("cookie_name") or None,
            "cookieLifetime": http.get("cookie_lifetime") or None,
            "certificates": http.get("certificates") or None,
            "redirectHttp": bool(http.get("redirect_http")),
            "timeoutIdle": http.get("timeout_idle") or None,
        }
    )


def _health_check(block: Properties | None) -> Json | None:
    if not block:
        return None
    body = {name: block.get(name) for name in ("protocol", "port", "interval", "timeout", "retries")}
    if http := block.get("http"):
        body["http"] = without_nones(
            {
                "domain": http.get("domain"),
                "path": http.get("path"),
                "response": http.get("response"),
                "tls": bool(http.get("tls")),
                "status_codes": http.get("statusCodes") or None,
            }
        )
    return without_nones(body)


def health_check_attributes(check: Json) -> Properties:
    """The health check of a service."""
    found = {name: check[name] for name in ("protocol", "port", "interval", "timeout", "retries")}
    http = check.get("http")
    if not http:
        return found
    shown = {
        "domain": http.get("domain") or None,
        "path": http.get("path") or None,
        "response": http.get("response") or None,
        "tls": bool(http.get("tls")),
        "statusCodes": http.get("status_codes") or None,
    }
    return found | {"http": without_nones(shown)}
