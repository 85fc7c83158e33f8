"""One instance: from a server that boots to a target that serves, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pulumi
from pulumi_command import local, remote

from components.backend.bootstrap import origin
from components.backend.release import Release
from components.load_balancer import LoadBalancer
from components.role import Role, RoleArgs
from components.server import Server

BOOTSTRAP = Path(__file__).parent / "bootstrap"
ORIGIN_SECRETS = (origin.CURRENT, origin.PREVIOUS)
DRAIN = "python3 components/backend/drain_instance.py"
"""Relative to the project: the command is kept in the state and runs on whichever machine runs the update."""


@dataclass(frozen=True)
class InstanceArgs:
    server: Server
    load_balancer: LoadBalancer
    release: Release
    environment: pulumi.Output[str]
    """Medusa's environment as a JSON object, secret."""
    private_key: pulumi.Output[str]
    """What the drain script logs in with, secret."""
    origin_secrets: Sequence[pulumi.Input[str]]
    """What the edge's requests carry; see BackendArgs."""


class Instance(pulumi.ComponentResource):
    """`installed`: the release is unpacked here. `serve` starts it and joins the balancer, when its turn has come.

    `joined`, after `serve`: the load balancer sends customers.
    """

    installed: pulumi.Resource
    joined: pulumi.CustomResource

    def __init__(self, name: str, args: InstanceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("opticworks:index:Instance", name, None, opts)
        self._name = name
        self._args = args
        server, release = args.server, args.release
        self.role = Role(
            f"{name}-role",
            RoleArgs(
                connection=server.connection,
                folder=BOOTSTRAP,
                server_id=server.id,
                variables={
                    "instance": server.name,
                    "address": server.private_ip,
                    "balancer": args.load_balancer.private_ip,
                },
                # In the role and nowhere else: a rotation runs it again, which restarts nothing.
                secrets=dict(zip(ORIGIN_SECRETS, args.origin_secrets, strict=False)),
            ),
            # The proxy binds the private address, and other servers are reached through it.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[server.ready]),
        )
        archive = f".release-{release.digest}.tar.zst"
        copy = remote.CopyToRemote(
            f"{name}-release",
            connection=server.connection,
            source=pulumi.FileAsset(str(release.path)),
            remote_path=archive,
            triggers=[server.id],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[server.ready], custom_timeouts=timeouts("20m")),
        )
        self.installed = self.command(
            "install",
            f'sudo -n store-release install "$HOME/{archive}" {release.digest} {release.sha256}',
            triggers=[server.id],
            depends_on=[self.role, copy],
        )

    def command(
        self,
        part: str,
        line: str,
        *,
        triggers: Sequence[pulumi.Input[str]],
        depends_on: Sequence[pulumi.Resource],
        stdin: pulumi.Output[str] | None = None,
        show: bool = True,
    ) -> remote.Command:
        """A command on this instance; run again when its line, its input or a trigger changes."""
        return remote.Command(
            f"{self._name}-{part}",
            connection=self._args.server.connection,
            create=line,
            stdin=stdin,
            triggers=list(triggers),
            add_previous_output_in_env=False,
            logging=remote.Logging.STDOUT_AND_STDERR if show else remote.Logging.STDERR,
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(depends_on), custom_timeouts=timeouts("15m")),
        )

    def serve(self, *, after: Sequence[pulumi.Resource], others: bool) -> remote.Command:
        """Start the release once `after` is done, then join; `others`: there are instances to send customers to."""
        args = self._args
        # The role's digest is a comment to the shell: a changed unit runs the line again, which restarts if it must.
        line = pulumi.Output.concat(
            f"sudo -n store-release activate {args.release.digest}{' --drain' if others else ''} # role ",
            self.role.digest.apply(lambda digest: digest[:12]),
        )
        activated = self.command(
            "serve",
            line,  # type: ignore[arg-type]
            triggers=[args.server.id],
            depends_on=[self.installed, *after],
            stdin=args.environment,
        )
        target = args.load_balancer.target(
            f"{self._name}-target",
            args.server,
            pulumi.ResourceOptions(parent=self, depends_on=[activated]),
        )
        # An update that ends while the newest instance is still being looked at would call it done too early.
        self.joined = self.command(
            "joined",
            "sudo -n store-drain --joined --seconds 120",
            triggers=[args.server.id, target.id],
            depends_on=[target],
        )
        self._drain_on_leave(self.joined)
        self.register_outputs({"release": args.release.digest})
        return activated

    def _drain_on_leave(self, joined: pulumi.Resource) -> None:
        """Deleted first of all of the instance's resources: customers finish, then target and server go.

        Made and changed, it does nothing. `server.id` as a trigger: a replaced server is another one to drain.
        """
        server = self._args.server
        local.Command(
            f"{self._name}-drain",
            create=":",
            delete=DRAIN,
            environment={
                "STORE_HOST": server.public_ipv4,
                "STORE_USER": str(server.connection.user),
                "STORE_HOST_KEY": server.host_key_public,
                "STORE_SERVER_ID": server.id,
                "STORE_SERVER_NAME": server.name,
            },
            stdin=self._args.private_key,
            triggers=[server.id],
            add_previous_output_in_env=False,
            logging=local.Logging.STDOUT_AND_STDERR,
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[joined], delete_before_replace=True, custom_timeouts=timeouts("5m")
            ),
        )


def timeouts(each: str) -> pulumi.CustomTimeouts:
    return pulumi.CustomTimeouts(create=each, update=each, delete=each)
