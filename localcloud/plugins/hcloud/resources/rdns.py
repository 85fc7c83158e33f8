"""A reverse DNS entry. Its id is ``PREFIX-OWNER-ADDRESS``, the prefix telling the owner's kind."""

from __future__ import annotations

import ipaddress

from localcloud.plugins.base.errors import ProviderError
from localcloud.plugins.base.operations import Failure
from localcloud.plugins.base.values import Properties
from localcloud.plugins.hcloud.api import Api, Json, is_code
from localcloud.plugins.hcloud.common import check_ip
from localcloud.plugins.hcloud.resource import CloudResource, Made
from localcloud.plugins.hcloud.schema import Field

_OWNERS = {
    "s": ("serverId", "/servers", "server"),
    "p": ("primaryIpId", "/primary_ips", "primary_ip"),
    "f": ("floatingIpId", "/floating_ips", "floating_ip"),
    "l": ("loadBalancerId", "/load_balancers", "load_balancer"),
}


def _same_ip(old: object, new: object) -> bool:
    try:
        return ipaddress.ip_address(str(old)) == ipaddress.ip_address(str(new))
    except ValueError:
        return False


class Rdns(CloudResource):
    """``hcloud_rdns``: of exactly one owner."""

    token = "hcloud:index/rdns:Rdns"
    framework = True
    fields = (
        *(Field(owner, "int", replace=True) for owner, _, _ in _OWNERS.values()),
        Field("ipAddress", required=True, replace=True, check=check_ip, same=_same_ip),
        Field("dnsPtr", required=True),
    )

    def validate(self, inputs: Properties) -> list[Failure]:
        names = [owner for owner, _, _ in _OWNERS.values()]
        if sum(inputs.get(name) is not None for name in names) != 1:
            return [Failure("", f"exactly one of these attributes must be configured: [{','.join(names)}]")]
        return []

    def make(self, api: Api, inputs: Properties, made: Made) -> None:
        for prefix, (owner, path, kind) in _OWNERS.items():
            if (number := inputs.get(owner)) is None:
                continue
            if api.find(f"{path}/{number}", kind) is None:
                raise ProviderError(f"{kind} with id '{number}' not found")
            body = {"ip": inputs["ipAddress"], "dns_ptr": inputs["dnsPtr"]}
            api.act(f"{path}/{number}/actions/change_dns_ptr", body)
            made(f"{prefix}-{number}-{ipaddress.ip_address(inputs['ipAddress'])}")

    def look(self, api: Api, id: str, state: Properties) -> tuple[str, Properties] | None:
        owner, path, kind, number, ip = _parse(id)
        found = api.find(f"{path}/{number}", kind)
        pointer = _pointer(found, ip) if found else None
        return None if pointer is None else (id, {owner: number, "ipAddress": ip, "dnsPtr": pointer})

    def change(self, api: Api, id: str, state: Properties, new: Properties, changed: set[str]) -> None:
        if "dnsPtr" in changed:
            _, path, _, number, ip = _parse(id)
            api.act(f"{path}/{number}/actions/change_dns_ptr", {"ip": ip, "dns_ptr": new["dnsPtr"]})

    def remove(self, api: Api, id: str, state: Properties) -> None:
        _, path, _, number, ip = _parse(id)
        try:
            api.act(f"{path}/{number}/actions/change_dns_ptr", {"ip": ip, "dns_ptr": None})
        except ProviderError as error:
            if not is_code(error, "not_found"):
                raise


def _parse(id: str) -> tuple[str, str, str, int, str]:
    prefix, _, rest = id.partition("-")
    number, _, ip = rest.partition("-")
    if prefix not in _OWNERS or not number.isdigit() or check_ip(ip):
        raise ProviderError(
            f"unexpected id {id!r} of an rdns entry, expected $RESOURCE_PREFIX-$RESOURCE_ID-$IP_ADDRESS"
        )
    return (*_OWNERS[prefix], int(number), ip)


def _pointer(owner: Json, ip: str) -> str | None:
    """The entry for an address: servers and balancers keep it with each family, others in a list."""
    entries = list(owner.get("dns_ptr") or [])
    for family in ("ipv4", "ipv6"):
        net = (owner.get("public_net") or {}).get(family) or {}
        pointer = net.get("dns_ptr")
        entries += pointer if isinstance(pointer, list) else [{"ip": net.get("ip"), "dns_ptr": pointer}]
    for entry in entries:
        if entry.get("ip") and entry.get("dns_ptr") and _same_ip(entry["ip"], ip):
            return str(entry["dns_ptr"])
    return None
