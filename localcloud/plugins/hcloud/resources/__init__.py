"""The resource types of the plugin."""

from __future__ import annotations

from localcloud.plugins.hcloud.resource import CloudResource
from localcloud.plugins.hcloud.resources.certificates import Certificate, ManagedCertificate, UploadedCertificate
from localcloud.plugins.hcloud.resources.firewall import Firewall
from localcloud.plugins.hcloud.resources.firewall_attachment import FirewallAttachment
from localcloud.plugins.hcloud.resources.load_balancer import LoadBalancer
from localcloud.plugins.hcloud.resources.load_balancer_network import LoadBalancerNetwork
from localcloud.plugins.hcloud.resources.load_balancer_service import LoadBalancerService
from localcloud.plugins.hcloud.resources.load_balancer_target import LoadBalancerTarget
from localcloud.plugins.hcloud.resources.network import Network
from localcloud.plugins.hcloud.resources.network_route import NetworkRoute
from localcloud.plugins.hcloud.resources.network_subnet import NetworkSubnet
from localcloud.plugins.hcloud.resources.placement_group import PlacementGroup
from localcloud.plugins.hcloud.resources.primary_ip import PrimaryIp
from localcloud.plugins.hcloud.resources.rdns import Rdns
from localcloud.plugins.hcloud.resources.server import Server
from localcloud.plugins.hcloud.resources.server_network import ServerNetwork
from localcloud.plugins.hcloud.resources.snapshot import Snapshot
from localcloud.plugins.hcloud.resources.ssh_key import SshKey
from localcloud.plugins.hcloud.resources.volume import Volume
from localcloud.plugins.hcloud.resources.volume_attachment import VolumeAttachment

RESOURCES: tuple[type[CloudResource], ...] = (
    Certificate,
    Firewall,
    FirewallAttachment,
    LoadBalancer,
    LoadBalancerNetwork,
    LoadBalancerService,
    LoadBalancerTarget,
    ManagedCertificate,
    Network,
    NetworkRoute,
    NetworkSubnet,
    PlacementGroup,
    PrimaryIp,
    Rdns,
    Server,
    ServerNetwork,
    Snapshot,
    SshKey,
    UploadedCertificate,
    Volume,
    VolumeAttachment,
)
