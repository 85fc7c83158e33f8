"""What is wrong with a bundle, told like what is wrong with a setting."""

from __future__ import annotations

BUILD = "scripts/store storefront build --app PATH/TO/storefront"


class BundleError(ValueError):
    """`value` breaks `rule`; `fix` is a command, or a sentence where only the app's owner can mend it."""

    def __init__(self, value: str, rule: str, fix: str = BUILD) -> None:
        super().__init__(f"{value}: {rule}; what to do: {fix}")
        self.value = value
        self.rule = rule
        self.fix = fix
