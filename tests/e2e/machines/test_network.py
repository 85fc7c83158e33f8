"""Private networks, firewalls and volumes are what the API says they are."""

from __future__ import annotations

from ipaddress import IPv4Network

from localcloud.machines.interface import FirewallRule, NetworkSpec, VolumeSpec
from tests.e2e.machines.lab import NETWORK, Lab, until

SERVE = "systemd-run -q --unit=web python3 -m http.server 80 -d /etc/ssh"


def opens(lab: Lab, server: object, target: str) -> bool:
    return lab.ssh(server, f"curl -s -o /dev/null -m 2 http://{target}/; echo $?") == "0"  # type: ignore[arg-type]


def test_private_network_routes_by_its_gateway_and_interfaces_survive_a_reboot(lab: Lab) -> None:
    # Incident: a database that lost its private address at a reboot is up, healthy, and reachable by nobody.
    one = lab.create("net-one", private="10.0.1.1")
    two = lab.create("net-two", private="10.0.2.1")
    lab.ssh(two, SERVE)
    assert opens(lab, one, "10.0.2.1")
    link = lab.ssh(two, "ip -o link show enp7s0; ip -o -4 addr show enp7s0; ip route show dev enp7s0")
    assert "mtu 1450" in link and "inet 10.0.2.1/32" in link and "10.0.0.0/16 via 10.0.0.1" in link
    before = lab.ssh(two, "nft add table inet own; cat /proc/sys/kernel/random/boot_id")
    lab.machines.reboot(two.id)
    until(lambda: lab.ssh(two, "cat /proc/sys/kernel/random/boot_id", check=False) not in ("", before), "reboot")
    assert lab.ssh(two, "nft list tables") == "", "rules of the boot before are gone, as on a real machine"
    lab.ssh(two, SERVE)
    assert opens(lab, one, "10.0.2.1")
    lab.ssh(one, "ping -c1 -W2 10.0.0.1")
    lab.machines.detach_network(two.id, NETWORK.id)
    assert not opens(lab, one, "10.0.2.1")
    assert "enp7s0" not in lab.ssh(two, "ip -o link")


def test_networks_with_the_same_range_never_meet(lab: Lab) -> None:
    # Incident: two projects use 10.0.0.0/16; one's servers answer the other's health checks.
    other = NetworkSpec(2, IPv4Network("10.0.0.0/16"))
    lab.machines.create_network(other)
    here = lab.create("here", private="10.0.5.1")
    there = lab.create("there")
    lab.machines.attach_network(there.id, lab.nic(there, "10.0.5.2", other))
    lab.ssh(there, "ping -c1 -W2 10.0.0.1")
    assert "100% packet loss" in lab.ssh(here, "ping -c1 -W1 10.0.5.2", check=False)
    lab.machines.detach_network(there.id, other.id)
    lab.machines.delete_network(other.id)


def test_routes_of_a_network_lead_over_a_server(lab: Lab) -> None:
    # Incident: a route set in the console that nothing honours: the VPN behind the gateway server is unreachable.
    gateway = lab.create("gateway", private="10.0.6.1")
    client = lab.create("client", private="10.0.6.2")
    lab.ssh(gateway, "ip addr add 10.99.0.1/32 dev lo")
    target = IPv4Network("10.99.0.0/24")
    via = lab.nic(gateway, "10.0.6.1").ip
    lab.machines.update_network(NetworkSpec(1, NETWORK.ip_range, ((target, via),), "store"))
    lab.ssh(client, f"ip route add {target} via 10.0.0.1 dev enp7s0; ping -c1 -W2 10.99.0.1")
    lab.machines.update_network(NETWORK)
    assert "100% packet loss" in lab.ssh(client, "ping -c1 -W1 10.99.0.1", check=False)


def test_firewall_filters_public_traffic_and_leaves_private_traffic_alone(lab: Lab) -> None:
    # Incident: someone relies on the provider's firewall for private ports, which it does not filter.
    server = lab.create("walled", private="10.0.7.1")
    client = lab.create("outside", private="10.0.7.2")
    lab.ssh(server, SERVE)
    address = str(server.public_ipv4)
    assert opens(lab, client, address)
    ssh = FirewallRule("in", "tcp", ("0.0.0.0/0", "::/0"), "22")
    lab.machines.set_firewall(server.id, [ssh])
    assert not opens(lab, client, address) and opens(lab, client, "10.0.7.1")
    assert "100% packet loss" in lab.ssh(client, f"ping -c1 -W1 {address}", check=False)
    lab.ssh(server, "apt-get update -q", timeout=60)
    web = FirewallRule("in", "tcp", (f"{client.public_ipv4}/32",), "80-81")
    lab.machines.set_firewall(server.id, [ssh, web, FirewallRule("in", "icmp", ("0.0.0.0/0",))])
    assert opens(lab, client, address)
    lab.ssh(client, f"ping -c1 -W2 {address}")
    lab.machines.set_firewall(client.id, [ssh, FirewallRule("out", "tcp", ("198.18.0.0/16",), "443")])
    assert not opens(lab, client, address), "with a rule outwards, everything else outwards is dropped"
    assert lab.ssh(client, "curl -sf http://169.254.169.254/hetzner/v1/metadata/instance-id") == str(client.id)
    lab.machines.set_firewall(client.id, None)
    assert opens(lab, client, address)


def test_volume_is_a_block_device_that_comes_back_and_grows(lab: Lab) -> None:
    # Incident: a database starts on an empty directory, since its volume was not there when file systems were mounted.
    server = lab.create("disk", private="10.0.8.1")
    device = "/dev/disk/by-id/scsi-0HC_Volume_7"
    lab.machines.create_volume(VolumeSpec(7, 10, "ext4"))
    lab.machines.attach_volume(7, server.id)
    assert lab.ssh(server, f"blockdev --getsize64 {device}") == str(10 * 1024**3)
    lab.ssh(server, f"mkdir /data; echo '{device} /data ext4 discard,defaults 0 2' >> /etc/fstab; mount /data")
    lab.ssh(server, "echo kept > /data/file; sync")
    lab.machines.power_off(server.id)
    lab.machines.power_on(server.id)
    lab.await_ssh(server)
    assert lab.ssh(server, "cat /data/file; findmnt -no FSTYPE /data") == "kept\next4"
    lab.machines.resize_volume(7, 11)
    # Unmounted: growing it in use needs a capability that not every host can hand to a machine (CAP_SYS_RESOURCE).
    lab.ssh(server, f"umount /data; e2fsck -fp {device}; resize2fs {device} && mount /data")
    assert int(lab.ssh(server, "df -B1 --output=size /data | tail -1")) > 10.5 * 1024**3
    lab.ssh(server, "umount /data")
    lab.machines.detach_volume(7)
    assert lab.ssh(server, f"ls {device}", check=False) == ""
    other = lab.create("disk-two")
    lab.machines.attach_volume(7, other.id, automount=True)
    assert lab.ssh(other, "cat /mnt/HC_Volume_7/file") == "kept"
    lab.machines.delete_server(other.id)
    lab.machines.create_volume(VolumeSpec(8, 10, "xfs"))
    lab.machines.attach_volume(8, server.id)
    assert lab.ssh(server, "blkid -o value -s TYPE /dev/disk/by-id/scsi-0HC_Volume_8") == "xfs"
    for volume in (7, 8):
        lab.machines.detach_volume(volume)
        lab.machines.delete_volume(volume)
