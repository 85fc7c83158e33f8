"""One of every resource, wired by ids as programs do it. The stack's configuration changes some of them."""

from pathlib import Path

import pulumi
import pulumi_command as command
import pulumi_hcloud as hcloud

config = pulumi.Config()
changed = config.get_bool("changed") or False
HERE = Path(__file__).parent


def number(resource: pulumi.CustomResource) -> pulumi.Output[int]:
    return resource.id.apply(int)


def after(*resources: pulumi.Resource) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions(depends_on=list(resources))


key = hcloud.SshKey("operator", public_key=(HERE / "key.pub").read_text())
network = hcloud.Network("net", ip_range="10.0.0.0/16")
subnet = hcloud.NetworkSubnet(
    "web", network_id=number(network), type="cloud", network_zone="eu-central", ip_range="10.0.1.0/24"
)
route = hcloud.NetworkRoute(
    "route", network_id=number(network), destination="192.168.5.0/24", gateway="10.0.1.5", opts=after(subnet)
)
group = hcloud.PlacementGroup("spread", type="spread")
address = hcloud.PrimaryIp("web", type="ipv4", location="nbg1")
firewall = hcloud.Firewall(
    "ssh",
    rules=[
        hcloud.FirewallRuleArgs(
            direction="in", protocol="tcp", port="2222" if changed else "22", source_ips=["0.0.0.0/0", "::/0"]
        )
    ],
)
server = hcloud.Server(
    "web",
    server_type="cx33" if changed else "cx23",
    image="debian-13",
    location="nbg1",
    ssh_keys=[key.id],
    user_data=pulumi.Output.secret("#cloud-config\npassword: hunter2\n"),
    labels={"role": "web"},
    placement_group_id=number(group),
    public_nets=[hcloud.ServerPublicNetArgs(ipv4=number(address))],
    keep_disk=True,
    opts=pulumi.ResourceOptions(ignore_changes=["user_data"]),
)
attachment = hcloud.FirewallAttachment("ssh", firewall_id=number(firewall), server_ids=[number(server)])
place = hcloud.ServerNetwork("web", server_id=number(server), subnet_id=subnet.id, ip="10.0.1.10")
volume = hcloud.Volume("data", size=20 if changed else 10, location="nbg1", format="ext4")
mounted = hcloud.VolumeAttachment("data", volume_id=number(volume), server_id=number(server))
balancer = hcloud.LoadBalancer("web", load_balancer_type="lb21" if changed else "lb11", location="nbg1")
balancer_place = hcloud.LoadBalancerNetwork(
    "web", load_balancer_id=number(balancer), subnet_id=subnet.id, ip="10.0.1.20"
)
service = hcloud.LoadBalancerService(
    "http",
    load_balancer_id=balancer.id,
    protocol="http",
    destination_port=8000,
    health_check=hcloud.LoadBalancerServiceHealthCheckArgs(
        protocol="http",
        port=8000,
        interval=3,
        timeout=2,
        retries=2,
        http=hcloud.LoadBalancerServiceHealthCheckHttpArgs(path="/health", status_codes=["200"]),
    ),
)
target = hcloud.LoadBalancerTarget(
    "web",
    type="server",
    load_balancer_id=number(balancer),
    server_id=number(server),
    use_private_ip=True,
    opts=after(place, balancer_place, service),
)
pointer = hcloud.Rdns("web", server_id=number(server), ip_address=server.ipv4_address, dns_ptr="web.example.com")
# A busy server refuses a snapshot at once: the provider does not wait for it.
snapshot = hcloud.Snapshot(
    "web",
    server_id=number(server),
    description="changed" if changed else "first",
    opts=after(attachment, place, mounted, pointer),
)
certificate = hcloud.UploadedCertificate(
    "web", certificate=(HERE / "certificate.pem").read_text(), private_key=(HERE / "certificate.key").read_text()
)
run = command.local.Command(
    "run", create=f"echo {changed}", stdin=pulumi.Output.secret("hunter3"), triggers=[server.id], opts=after(target)
)
types = hcloud.get_server_types()
pulumi.export("address", server.ipv4_address)
pulumi.export("printed", run.stdout)
pulumi.export("types", len(types.server_types))
