"""How the program and its operators get into servers: as `deploy`, by key, to a host whose key is known beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_hcloud as hcloud
from pulumi_command import remote
from pydantic import SecretStr

from components.first_boot import user_data
from components.hostkeys import HostKey, host_key, public_half
from components.labels import labels
from components.secrets import secret

USER: Final = "deploy"
PORT: Final = 22


@dataclass(frozen=True)
class SshAccessArgs:
    environment: str
    private_key: SecretStr
    """What the program itself connects with; OpenSSH ed25519."""
    host_key_secret: SecretStr
    """What servers' host keys are derived from."""
    operators: tuple[str, ...] = ()
    """Public keys of people, beside the program's own."""


def authorized_keys(environment: str, private_key: SecretStr, operators: Sequence[str]) -> tuple[str, ...]:
    """Lines of `deploy`'s authorized_keys: the program's own key first, then people's."""
    own = f"{public_half(private_key.get_secret_value())} {environment}-deploy"
    return tuple(dict.fromkeys([own, *operators]))


class SshAccess(pulumi.ComponentResource):
    """The key that Hetzner Cloud puts into new servers, and the connections made with it.

    The uploaded key is the stack's own and no person's: a fingerprint can be uploaded to a project once only. Without
    any key Hetzner would make a root password and mail it.
    """

    ssh_key: hcloud.SshKey

    def __init__(self, name: str, args: SshAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("opticworks:index:SshAccess", name, None, opts)
        self._args = args
        public = public_half(args.private_key.get_secret_value())
        self._authorized_keys = authorized_keys(args.environment, args.private_key, args.operators)
        self.ssh_key = hcloud.SshKey(
            f"{name}-key",
            name=f"{args.environment}-deploy",
            public_key=public,
            labels=labels(args.environment),
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        self.register_outputs({"user": USER, "publicKey": public})

    def host_key(self, server_name: str) -> HostKey:
        return host_key(self._args.host_key_secret.get_secret_value(), server_name)

    def user_data(self, server_name: str) -> pulumi.Output[str]:
        """First-boot script of that server; a secret as a whole, for it holds the private host key."""
        return secret(user_data(server_name, self.host_key(server_name), USER, self._authorized_keys))

    def connection(self, server_name: str, host: pulumi.Input[str]) -> remote.ConnectionArgs:
        """SSH to that server at that address.

        `dial_error_limit=-1`: a server that still boots is dialled until the resource's own timeout ends it (by
        default pulumi-command gives up after ten refusals, without a pause between them).
        """
        return remote.ConnectionArgs(
            host=host,
            port=PORT,
            user=USER,
            private_key=secret(self._args.private_key),
            host_key=self.host_key(server_name).public_openssh,
            dial_error_limit=-1,
            per_dial_timeout=15,
        )
