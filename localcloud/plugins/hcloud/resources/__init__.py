"""The resource types of the plugin, by token."""

from __future__ import annotations

from localcloud.plugins.hcloud.resource import CloudResource
from localcloud.plugins.hcloud.resources.network import Network
from localcloud.plugins.hcloud.resources.server import Server
from localcloud.plugins.hcloud.resources.ssh_key import SshKey

RESOURCES: tuple[type[CloudResource], ...] = (Network, Server, SshKey)
