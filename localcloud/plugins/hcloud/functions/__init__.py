"""The functions of the plugin (``get…``), by token."""

from __future__ import annotations

from collections.abc import Callable

from localcloud.plugins.base.values import Properties
from localcloud.plugins.hcloud.api import Api
from localcloud.plugins.hcloud.functions.catalogue import get_server_types
from localcloud.plugins.hcloud.functions.existing import get_load_balancers, get_servers

CloudFunction = Callable[[Api, Properties], Properties]

FUNCTIONS: dict[str, CloudFunction] = {
    "hcloud:index/getServerTypes:getServerTypes": get_server_types,
    "hcloud:index/getServers:getServers": get_servers,
    "hcloud:index/getLoadBalancers:getLoadBalancers": get_load_balancers,
}
