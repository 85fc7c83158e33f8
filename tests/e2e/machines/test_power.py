"""Power off is power off, and what a server has stays with it."""

from __future__ import annotations

from dataclasses import replace

from localcloud.machines.interface import VolumeSpec
from tests.e2e.machines.lab import Lab, until


def test_power_actions_do_what_they_say(lab: Lab) -> None:
    # Incident: a machine that is "off" still answers pings, so that a failover never happens in the rehearsal.
    server = lab.create("power", private="10.0.1.1")
    peer = lab.create("peer", private="10.0.1.2")
    lab.ssh(server, "echo synced > /root/file; sync")
    lab.machines.shutdown(server.id)
    until(lambda: not lab.machines.is_running(server.id), "soft shutdown")
    for address in (str(server.public_ipv4), "10.0.1.1"):
        assert "100% packet loss" in lab.ssh(peer, f"ping -c1 -W1 {address}", check=False)
    lab.machines.power_on(server.id)
    lab.machines.power_on(server.id)
    lab.await_ssh(server)
    assert lab.ssh(server, "cat /root/file") == "synced"
    lab.ssh(peer, "ping -c1 -W2 10.0.1.1")
    lab.machines.power_off(server.id)
    assert not lab.machines.is_running(server.id)
    lab.machines.update_server(replace(server, memory_gib=8.0, name="power-renamed"))
    lab.machines.power_on(server.id)
    lab.await_ssh(server)
    assert int(lab.ssh(server, "awk '/MemTotal/ {print $2}' /proc/meminfo")) == 8 * 1024 * 1024
    lab.ssh(server, "systemd-run --quiet --no-block poweroff")
    until(lambda: not lab.machines.is_running(server.id), "poweroff from inside")


def test_a_server_that_is_still_going_down_is_started_again(lab: Lab) -> None:
    # Incident: shutdown, then at once power on: the start is taken for done since the machine is still there.
    server = lab.create("again")
    before = lab.ssh(server, "cat /proc/sys/kernel/random/boot_id")
    lab.machines.shutdown(server.id)
    until(lambda: "stopping" in lab.ssh(server, "systemctl is-system-running", check=False)
          or lab.ssh(server, "true; echo up", check=False) != "up", "going down")  # fmt: skip
    lab.machines.power_on(server.id)
    until(lambda: lab.ssh(server, "cat /proc/sys/kernel/random/boot_id", check=False) not in ("", before), "new boot")


def test_rebuild_keeps_address_network_and_volume_and_nothing_of_the_disk(lab: Lab) -> None:
    # Incident: a rebuilt database server comes back without its private address or its data.
    server = lab.create("rebuilt", private="10.0.3.1")
    lab.machines.create_volume(VolumeSpec(3, 10, "ext4"))
    lab.machines.attach_volume(3, server.id)
    lab.ssh(server, "touch /root/old; mount /dev/disk/by-id/scsi-0HC_Volume_3 /mnt && touch /mnt/kept; umount /mnt")
    lab.machines.rebuild_server(replace(server, image="debian-12"))
    lab.await_ssh(server)
    assert lab.ssh(server, ". /etc/os-release; echo $VERSION_ID; ls /root") == "12"
    assert "10.0.3.1/32" in lab.ssh(server, "ip -o -4 addr show enp7s0")
    assert lab.ssh(server, "mount /dev/disk/by-id/scsi-0HC_Volume_3 /mnt; ls /mnt/kept") == "/mnt/kept"


def test_snapshot_makes_servers_that_are_new_servers_with_the_old_files(lab: Lab) -> None:
    # Incident: a server made of a snapshot has the other's host key and machine id, and does not run its user data.
    server = lab.create("golden")
    lab.ssh(server, "echo baked > /etc/baked; rm /etc/motd /usr/bin/zstd; cloud-init status --wait; sync")
    key = lab.ssh(server, "cat /etc/ssh/ssh_host_ed25519_key.pub; cat /etc/machine-id")
    assert 0.2 < lab.machines.create_image(server.id, "snapshot-5") < 2
    assert lab.machines.image_available("snapshot-5") and not lab.machines.image_available("snapshot-6")
    user_data = "#cloud-config\nruncmd: ['touch /root/ran']\n"
    copy = lab.create("copy", image="snapshot-5", user_data=user_data)
    assert (
        lab.ssh(copy, "cat /etc/baked; hostname; cloud-init status --wait >/dev/null; ls /root") == "baked\ncopy\nran"
    )
    assert lab.ssh(copy, "ls /usr/bin/zstd", check=False) == ""
    assert lab.ssh(copy, "cat /etc/ssh/ssh_host_ed25519_key.pub; cat /etc/machine-id") != key
    lab.machines.delete_image("snapshot-5")
    assert not lab.machines.image_available("snapshot-5")
    assert lab.ssh(copy, "cat /etc/baked") == "baked"


def test_a_machine_of_no_role_is_small(lab: Lab) -> None:
    # Incident: a laptop that runs the store's ten servers has no memory left for its editor.
    server = lab.create("small")
    lab.ssh(server, "cloud-init status --wait")
    kib = int(lab.ssh(server, "cat /proc/[0-9]*/smaps_rollup 2>/dev/null | awk '/^Pss:/ {s += $2} END {print s}'"))
    assert kib < 40 * 1024


def test_root_password_is_set_in_the_running_machine(lab: Lab) -> None:
    # Incident: the console's "reset password" answers a password that does not open the server.
    server = lab.create("locked")
    before = lab.ssh(server, "getent shadow root")
    lab.machines.set_root_password(server.id, "correct horse")
    after = lab.ssh(server, "getent shadow root")
    assert before != after and ":$" in after
