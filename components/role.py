"""A server's role: a folder of steps, rendered, copied to the server and run there whenever it has to be."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
from pulumi_command import remote

from components.role_bundle import Bundle, BundleError, bundle

RUNTIME = Path(__file__).parent / "bootstrap"
# Relative to the project: the same on every machine that runs the program, so that no path shows up as a difference.
OUTPUT = Path(".local/bootstrap")
TIMEOUT = "20m"


@dataclass
class RoleArgs:
    """What a role needs to run on a server.

    ``folder`` holds ``main.py`` with ``apply(host)``; its ``*.j2`` files are rendered with ``variables``, which must
    not be secret (they lie in files that are not). ``secrets`` travel by standard input. ``server_id``: a new server
    is a new run. ``connection``: as user ``deploy``, with the host key pinned.
    """

    connection: pulumi.Input[remote.ConnectionArgs]
    folder: Path
    server_id: pulumi.Input[str]
    variables: Mapping[str, pulumi.Input[Any]] = field(default_factory=dict)
    secrets: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)


class Role(pulumi.ComponentResource):
    """Runs again exactly when the rendered content, a variable, a secret or the server itself changes.

    ``done`` resolves when the server is what the role says; depend on it (or on the component).
    """

    done: pulumi.Output[str]
    digest: pulumi.Output[str]

    def __init__(self, name: str, args: RoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("opticworks:index:Role", name, None, opts)
        packed = not_secret(name, args.variables).apply(lambda variables: pack(name, args.folder, variables))
        self.digest = packed.apply(lambda content: content.digest)
        # In the home itself: parents of a remote path are not made by every version of the provider, and a path below
        # an existing directory is read differently for files and directories. One file has one meaning.
        remote_path = self.digest.apply(lambda digest: f".bootstrap-{name}-{digest[:16]}.pyz")
        copy = remote.CopyToRemote(
            f"{name}-copy",
            connection=args.connection,
            source=packed.apply(lambda content: pulumi.FileAsset(str(content.write(OUTPUT)))),
            remote_path=remote_path,
            triggers=[args.server_id],
            opts=pulumi.ResourceOptions(
                parent=self, protect=False, custom_timeouts=pulumi.CustomTimeouts(create=TIMEOUT, update=TIMEOUT)
            ),
        )
        run = remote.Command(
            f"{name}-run",
            connection=args.connection,
            create=remote_path.apply(lambda path: command(name, path)),
            # A changed secret changes the input and so runs the command; neither a hash nor a trigger gives it away.
            stdin=secret_json(args.secrets),
            triggers=[args.server_id],
            add_previous_output_in_env=False,
            logging=remote.Logging.STDOUT_AND_STDERR,
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=False,
                depends_on=[copy],
                custom_timeouts=pulumi.CustomTimeouts(create=TIMEOUT, update=TIMEOUT),
            ),
        )
        self.done = run.id
        self.register_outputs({"digest": self.digest, "done": self.done})


def command(name: str, path: str) -> str:
    """The shell line that runs a role and then removes what earlier contents of the same role left in the home."""
    gone = f"{path} is not on this server any more (was it rebuilt?): pulumi up --replace '**::{name}-copy'"
    return (
        f'{{ test -f {path} || {{ echo "{gone}" >&2; exit 1; }}; }} && '
        f"chmod 600 {path} && sudo -n /usr/bin/python3 -I -B {path} && "
        f"find . -maxdepth 1 -name '.bootstrap-{name}-????????????????.pyz' ! -name '{path}' -delete"
    )


def secret_json(values: Mapping[str, pulumi.Input[str]]) -> pulumi.Output[str]:
    """The values as one JSON object, secret in the state even if none of them was marked so."""
    text = pulumi.Output.json_dumps(dict(values), sort_keys=True)
    mark: pulumi.Output[str] = pulumi.Output.secret("")
    return pulumi.Output.all(text, mark).apply(lambda both: str(both[0]))


def pack(name: str, folder: Path, variables: Mapping[str, Any]) -> Bundle:
    try:
        return bundle(name, RUNTIME, folder, variables)
    except BundleError as error:
        raise pulumi.RunError(f"role {name}: {error}") from None


def not_secret(name: str, variables: Mapping[str, pulumi.Input[Any]]) -> pulumi.Output[dict[str, Any]]:
    """The variables together; an error if one is secret, since they end up in files that are no secret."""
    together: pulumi.Output[dict[str, Any]] = pulumi.Output.all(**variables)

    async def refuse() -> bool:
        if not await together.is_secret():
            return True
        outputs: dict[str, pulumi.Output[Any]] = {key: pulumi.Output.from_input(v) for key, v in variables.items()}
        secret = sorted([key for key, output in outputs.items() if await output.is_secret()])
        raise pulumi.RunError(f"role {name}: {', '.join(secret)} is secret: pass it in secrets, not in variables.")

    checked: pulumi.Output[bool] = pulumi.Output.from_input(asyncio.ensure_future(refuse()))
    return pulumi.Output.all(together, checked).apply(lambda both: dict(both[0]))
