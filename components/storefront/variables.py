"""What a storefront's Worker is told: names that the program fills, free names, and what is no plain variable."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from components.storefront.limits import FREE, PAID, VARIABLE

OURS = frozenset(
    {
        "ASSETS",
        "CF_VERSION_METADATA",
        "IMAGES_URL",
        "MAINTENANCE",
        "MEDUSA_BACKEND_URL",
        "MEDUSA_PUBLISHABLE_KEY",
        "ORIGIN_SECRET",
        "PASS_SECRET",
        "PASS_SECRET_PREVIOUS",
        "STATUS_HOST",
        "STORE_STATE",
    }
)
"""Names that the program binds itself, whether or not it does so in this stack."""
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
# Names that say that their value is secret, unless they say that it is public. worker/build/bundle.mjs has the same.
SECRET_NAME = re.compile(r"SECRET|PASSWORD|PASSWD|PRIVATE|CREDENTIAL|(?:^|_)TOKEN(?:_|$)|API_?KEY|ACCESS_?KEY", re.I)
PUBLIC_NAME = re.compile(r"PUBLISHABLE|(?:^|_)PUBLIC(?:_|$)", re.I)
# Forms of well-known credentials: private keys, Stripe, AWS, GitHub, Slack, a user's password in an address, JWTs.
SECRET_VALUE = re.compile(
    r"PRIVATE KEY-----|\b[sr]k_(?:live|test)_|whsec_|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{20}|\bxox[abpr]-"
    r"|[a-z]://[^/\s:@]+:[^/\s@]+@|\beyJ[A-Za-z0-9_-]{10,}\.eyJ"
)


@dataclass(frozen=True)
class Wrong:
    """One variable that cannot be bound; `plain` is whether it stands among the plain ones."""

    name: str
    rule: str
    plain: bool
    secret: bool = False
    """Whether it is wrong for what it holds: among the secrets it is right."""


def looks_secret(name: str, value: str) -> bool:
    """Whether `value`, under that name, would lie open in a plain variable."""
    if SECRET_VALUE.search(value):
        return True
    return bool(value) and bool(SECRET_NAME.search(name)) and not PUBLIC_NAME.search(name)


def wrong(variables: Mapping[str, str], secrets: Collection[str], *, paid: bool) -> Iterator[Wrong]:
    """What cannot be: by name only where it is a secret."""
    for name in (*variables, *secrets):
        plain = name in variables
        if not NAME.fullmatch(name):
            yield Wrong(name, "is no name of a variable: letters, digits and _, no digit first", plain)
        elif name in OURS:
            yield Wrong(name, "is bound by the program itself", plain)
    for name in variables.keys() & set(secrets):
        yield Wrong(name, "stands among the plain variables and among the secrets", True)
    for name, value in variables.items():
        if looks_secret(name, value):
            rule = "looks like a secret, and a plain variable is open to whoever reads the dashboard"
            yield Wrong(name, rule, True, secret=True)
        if (size := len(value.encode())) > VARIABLE:
            yield Wrong(name, f"is {size} bytes, and a variable has at most {VARIABLE}", True)
    limit = PAID if paid else FREE
    count = len(OURS) + len(variables) + len(secrets)
    if count > limit.variables:
        yield Wrong(
            "", f"{count} variables and secrets with the program's own; {limit.name} takes {limit.variables}", True
        )
