"""What the secrets' commands do, apart from how they are typed and shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scripts.operator.engine import PROJECT, Engine, project_values
from scripts.operator.errors import OperatorError, UsageProblem
from scripts.operator.secrets.catalogue import PEM, SECRETS, Secret, find

if TYPE_CHECKING:
    from components.settings import Problem


@dataclass(frozen=True)
class State:
    """One secret and how it stands: "set", "missing", "not needed" or "exposed" (in the file, but not encrypted).

    "not needed": it is not set, and a stack can do without; `check` says where one cannot.
    """

    secret: Secret
    state: str


@dataclass(frozen=True)
class Generated:
    """Keys that were made, keys that were there already, and secrets that a person must still set."""

    made: tuple[str, ...]
    kept: tuple[str, ...]
    by_hand: tuple[Secret, ...]


def states(engine: Engine) -> list[State]:
    """How every secret stands. No secret is decrypted for this."""
    config = engine.config()
    found = []
    for secret in SECRETS:
        entry = config.get(f"{PROJECT}:{secret.key}")
        # The project's own default for a secret is an empty text: that is none.
        there = entry is not None and entry.get("value") != ""
        encrypted = bool(entry and entry.get("secret"))
        absent = "not needed" if secret.optional else "missing"
        found.append(State(secret, absent if not there else "set" if encrypted else "exposed"))
    return found


def generate(engine: Engine, rotate: Iterable[str] = ()) -> Generated:
    """Make every secret that is missing and can be made, and those in `rotate` anew. Nothing else is touched."""
    again = {key: _rotatable(engine, key) for key in rotate}
    made, kept, by_hand = [], [], []
    for state in states(engine):
        secret, maker = state.secret, state.secret.maker(engine.stack)
        if secret.key not in again and state.state != "missing":
            if state.state != "not needed":
                kept.append(secret.key)
        elif maker is None:
            by_hand.append(secret)
        else:
            engine.set_secret(secret.key, maker())
            made.append(secret.key)
    return Generated(tuple(made), tuple(kept), tuple(by_hand))


def rotate(engine: Engine, key: str) -> list[str]:
    """Make `key` anew and keep the value before as the one that is accepted beside it; the commands that come next.

    Nobody is refused on the way: both values are valid until the previous one is removed.
    """
    secret = _known(key)
    if not secret.previous:
        advice = secret.rotation or f"scripts/store secrets generate --rotate {key} -s {engine.stack}"
        raise UsageProblem(f"{key} has no previous value that stays valid", advice=advice)
    values = project_values(engine.config(show_secrets=True))
    current, before = values.get(key), values.get(secret.previous)
    if not current or secret.make is None:
        raise OperatorError(f"{key} is not set", advice=f"scripts/store secrets generate -s {engine.stack}")
    if before and before != current:
        # What the edge still sends may be that one: a second rotation now would have it refused.
        raise OperatorError(
            f"a rotation of {key} is going on: {secret.previous} is set",
            advice=" && ".join(_end_of_rotation(engine, secret)),
        )
    # In this order: interrupted between the two, the command can be given again.
    engine.set_secret(secret.previous, current)
    engine.set_secret(key, secret.make())
    steps = [f"pulumi up -s {engine.stack}"]
    if key == "originSecret" and _shares_zone(engine.stack, values):
        # Production's rules send staging's secret.
        copy = (
            f"pulumi config get {key} -s {engine.stack} | scripts/store secrets set stagingOriginSecret -s production"
        )
        steps += [copy, "pulumi up -s production"]
    return [*steps, *_end_of_rotation(engine, secret)[1:]]


def _end_of_rotation(engine: Engine, secret: Secret) -> list[str]:
    up = f"pulumi up -s {engine.stack}"
    return [up, f"pulumi config rm {secret.previous} -s {engine.stack}", up]


def _shares_zone(stack: str, values: Mapping[str, str]) -> bool:
    environment = values.get("environment") or stack
    return environment != "production" and values.get("domain") == values.get("productionDomain")


def set_value(engine: Engine, key: str, value: str) -> None:
    """Store a value that a person gave, without the line end that Enter and echo add; a PEM always ends in one."""
    secret = _known(key)
    if key == "storefrontSecrets":
        raise UsageProblem(
            "storefrontSecrets holds secrets by name",
            advice=f"pulumi config set --secret --path 'storefrontSecrets.NAME' -s {engine.stack}",
        )
    value = value.rstrip("\r\n")
    if not value.strip():
        raise UsageProblem(f"{key}: the value is empty", advice=f"pipe it in: scripts/store secrets set {key} < FILE")
    engine.set_secret(key, value + "\n" if secret.key in PEM else value)


def how_to_set(secret: Secret, stack: str) -> str:
    """Where a person finds the value, and the command that stores it."""
    mode = "live" if stack == "production" else "test"
    where = secret.obtain.format(mode=mode)
    return f"{where}; then scripts/store secrets set {secret.key} -s {stack}"


def check(engine: Engine) -> tuple[Problem, ...]:
    """What is wrong with the stack's settings and secrets by the program's own rules; no secret's value is in it."""
    from components.settings import SettingsError, load

    exposed = [state.secret.key for state in states(engine) if state.state == "exposed"]
    values = project_values(engine.config(show_secrets=True))
    try:
        load(values, engine.stack, plaintext=exposed, project=engine.root)
    except SettingsError as error:
        return error.problems
    return ()


def _known(key: str) -> Secret:
    secret = find(key)
    if secret is None:
        names = ", ".join(secret.key for secret in SECRETS)
        raise UsageProblem(f"{key} is not a secret of this program", advice=f"one of: {names}")
    return secret


def _rotatable(engine: Engine, key: str) -> Secret:
    secret = _known(key)
    if secret.rotation:
        raise UsageProblem(f"{key} is not rotated by itself", advice=secret.rotation)
    if secret.maker(engine.stack) is None:
        raise UsageProblem(f"{key} cannot be made here", advice=how_to_set(secret, engine.stack))
    return secret
