"""`scripts/store ssh`: the command line."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path
from typing import Annotated

import typer

from scripts.operator import output
from scripts.operator.engine import Engine, local_home
from scripts.operator.errors import Exit, OperatorError
from scripts.operator.options import DEFAULT_STACK, AsJson, ConfigFile, Stack
from scripts.operator.process import Command, merged_environment
from scripts.operator.ssh import config, hosts, session

GUIDE_IDENTITY = "~/.ssh/opticworks"


def register(app: typer.Typer) -> None:
    """Join the command to `scripts/store`. What follows HOST belongs to the server, options and all."""
    app.command(
        "ssh",
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "allow_interspersed_args": False},
    )(ssh)


def ssh(
    context: typer.Context,
    host: Annotated[str | None, typer.Argument(help="A server, e.g. medusa-prod. None: list them.")] = None,
    stack: Stack = DEFAULT_STACK,
    config_file: ConfigFile = None,
    identity: Annotated[
        Path | None, typer.Option("--identity", "-i", help="Your own private key, instead of the stack's.", exists=True)
    ] = None,
    print_config: Annotated[bool, typer.Option("--config", help="Print a block for ~/.ssh/config instead.")] = False,
    as_json: AsJson = False,
) -> None:
    """A shell on a server, or one COMMAND run there; the exit code is the command's.

    The server's host key is the one that the stack made: no question is asked, and an impostor is refused. Options of
    this command go before HOST.

    Example: scripts/store ssh -s production medusa-prod sudo journalctl -u medusa -f
    """
    engine = Engine(stack, config_file)
    known = hosts.from_outputs(engine.outputs())
    if print_config:
        path = local_home() / "ssh" / f"{stack}.known_hosts"
        config.write_known_hosts(known.values(), path)
        print(config.block(known.values(), path, str(identity or GUIDE_IDENTITY)), end="")
    elif host is None:
        _list(known, as_json)
    else:
        chosen = hosts.pick(known, host)
        key = None if identity else session.stack_key(engine)
        with session.credentials([chosen], key, identity) as files:
            code = _attached(session.ssh_command(chosen, files, context.args))
        if code == 255:
            raise _unreachable(chosen, stack)
        raise typer.Exit(code)


def _list(known: dict[str, hosts.Host], as_json: bool) -> None:
    if as_json:
        output.as_json({h.alias: {"address": h.address, "user": h.user, "port": h.port} for h in known.values()})
    else:
        rows = [(h.alias, h.address, h.private_address, h.user) for h in known.values()]
        output.console().print(output.table(("host", "address", "private", "user"), rows))


def _attached(command: Command) -> int:
    """Run with our terminal. An interrupt is for what runs over there; we wait, so that the key file goes away."""
    # A handler, unlike SIG_IGN, is not inherited by ssh.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    hangup = {number: signal.signal(number, _leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        process = subprocess.Popen(command.argv, env=merged_environment(command.environment))
        try:
            return process.wait()
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
    except FileNotFoundError as error:
        raise OperatorError("ssh is not installed", advice="apt-get install openssh-client") from error
    finally:
        signal.signal(signal.SIGINT, before)
        for number, handler in hangup.items():
            signal.signal(number, handler)


def _leave(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)


def _unreachable(host: hosts.Host, stack: str) -> OperatorError:
    return OperatorError(
        f"{host.alias} ({host.address}:{host.port}) could not be logged in to (or the command there ended with 255)",
        advice=f"scripts/store status -s {stack} says whether it runs; sshAllowedCidrs must hold your address; "
        "ssh's own words are above",
        code=Exit.CANNOT,
    )
