"""From the values of a stack's configuration to `Settings`, or to all that is wrong with them."""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from components.settings import edge_checks  # noqa: F401  (its checks join CHECKS)
from components.settings.checks import CHECKS, UNSET, Finding, equal_secrets
from components.settings.derived import derived, follows_from_wrong, likely
from components.settings.errors import Problem, SettingsError, shown, told
from components.settings.keys import PROJECT
from components.settings.kinds import BadItem
from components.settings.model import KEYS, Settings

READERS: dict[str, TypeAdapter[Any]] = {
    attribute: TypeAdapter(hint)
    for attribute, hint in get_type_hints(Settings, include_extras=True).items()
    if attribute in Settings.model_fields
}

PROVIDERS = ("hcloud:token", "cloudflare:apiToken", "cloudflare:apiKey")
"""Keys of other namespaces that open an account to whoever reads the stack file."""


def load(
    values: Mapping[str, object],
    stack: str,
    *,
    plaintext: Collection[str] = (),
    project: Path | None = None,
) -> Settings:
    """Check a stack's configuration and return it.

    `values`: keys with or without the project's namespace, as Pulumi hands them over (strings, JSON for lists) or as
    YAML holds them; keys of other namespaces are left alone. An empty string counts as not set. `plaintext`: keys
    whose value is stored unencrypted. `project`: the folder that relative paths start from (default: the current one).

    Raises SettingsError with every problem found, not only the first.
    """
    return _Loading(values, stack, plaintext, project or Path.cwd()).run()


class _Loading:
    def __init__(self, values: Mapping[str, object], stack: str, plaintext: Collection[str], project: Path) -> None:
        own = {_bare(key): value for key, value in values.items() if _is_own(key)}
        self.given = {key: value for key, value in own.items() if value is not None and value != ""}
        self.stack = stack
        self.plaintext = {_bare(key) for key in plaintext if _is_own(key)}
        self.bare_tokens = [key for key in PROVIDERS if key in plaintext and values.get(key)]
        self.project = project
        self.known: dict[str, Any] = {"stack": stack}

    def run(self) -> Settings:
        problems = [*self._unknown_keys(), *self._fields(), *self._plain_secrets(), *self._between_fields()]
        if problems:
            raise SettingsError(self.stack, problems)
        # Every value is read already; reading it again would find networks and paths where strings are expected.
        return Settings.model_construct(**{name: value for name, value in self.known.items() if name != "stack"})

    def fix(self, key: str, value: str = "") -> str:
        """The command that sets `key`; without a value it asks for one, so that a secret stays out of the history."""
        about = KEYS[key]
        if value == UNSET:
            return f"pulumi config rm {key} --stack {self.stack}"
        if about.named:
            kind = " --secret" if about.secret else ""
            name, _, content = (value or about.example).partition(" ")
            return f"pulumi config set{kind} --path '{key}.{name}' {content} --stack {self.stack}".replace("  ", " ")
        if about.generated:
            generate = f"scripts/store secrets generate -s {self.stack}"
            return f"pulumi config rm {key} --stack {self.stack} && {generate}" if key in self.given else generate
        if about.secret:
            return f"pulumi config set --secret {key} --stack {self.stack}"
        if about.many:
            return f"pulumi config set --path '{key}[0]' {value or about.example} --stack {self.stack}"
        return f"pulumi config set {key} {value or about.example} --stack {self.stack}"

    def _fix_of(self, key: str, wrong: object) -> str:
        """The command that mends a list without losing what is right in it; "" when `key` is no list."""
        if isinstance(wrong, BadItem) and wrong.surplus:
            return f"pulumi config rm --path '{key}[{wrong.index}]' --stack {self.stack}"
        if isinstance(wrong, BadItem):
            return f"pulumi config set --path '{key}[{wrong.index}]' {KEYS[key].example} --stack {self.stack}"
        if KEYS[key].many or KEYS[key].named:
            return f"pulumi config rm {key} --stack {self.stack} && {self.fix(key)}"
        return ""

    def _unknown_keys(self) -> Iterator[Problem]:
        """A mistyped key would otherwise be a setting that silently does nothing."""
        for key in self.given:
            if key in KEYS:
                continue
            near = difflib.get_close_matches(to_camel(key), KEYS, n=1, cutoff=0.6)
            rule = f"is not a setting; did you mean {near[0]}?" if near else "is not a setting"
            yield Problem(key, None, rule, f"pulumi config rm {shlex.quote(key)} --stack {self.stack}")

    def _fields(self) -> Iterator[Problem]:
        for attribute, field in Settings.model_fields.items():
            key = to_camel(attribute)
            about = KEYS[key]
            if key not in self.given:
                default = derived(attribute, self.known)
                if default is not None or not field.is_required():
                    self.known[attribute] = field.get_default() if default is None else default
                elif not follows_from_wrong(attribute, self.known):
                    yield Problem(key, None, f"is not set; it {about.rule}", self._fix(attribute))
                continue
            value = self.given[key]
            try:
                self.known[attribute] = self._read(attribute, value)
            except ValidationError as error:
                wrong = error.errors()[0].get("ctx", {}).get("error", "is not such a value")
                visible = None if about.secret or about.hidden else shown(value)
                fix = self._fix_of(key, wrong) or self._fix(attribute)
                yield Problem(key, visible, f"{about.rule}; it {told(str(wrong))}", fix)

    def _read(self, attribute: str, value: object) -> Any:
        found = READERS[attribute].validate_python(value)
        return self.project / found if isinstance(found, Path) else found

    def _fix(self, attribute: str) -> str:
        """The command that sets it, with what the stack most likely wants."""
        return self.fix(to_camel(attribute), likely(attribute, self.known))

    def _plain_secrets(self) -> Iterator[Problem]:
        rule = "must be stored encrypted; treat what is in the stack file now as known to others"
        for key in KEYS:
            if KEYS[key].secret and key in self.plaintext and key in self.given:
                yield Problem(key, None, rule, self.fix(key))
        for key in self.bare_tokens:
            yield Problem(key, None, rule, f"pulumi config set --secret {key} --stack {self.stack}")

    def _between_fields(self) -> Iterator[Problem]:
        for attributes, check in CHECKS:
            if not all(attribute in self.known for attribute in attributes):
                continue
            for found in check(self.known):
                finding = Finding(*found)
                yield Problem(finding.key, self._shown(finding.key), finding.rule, self._mended(finding))
        for attribute, other in equal_secrets(self.known):
            rule = f"must not be the same as {to_camel(other)}"
            key = to_camel(attribute)
            instead = "" if Settings.model_fields[attribute].is_required() else UNSET
            yield Problem(key, None, rule, self.fix(key, instead))

    def _shown(self, key: str) -> str | None:
        about = KEYS[key.partition(".")[0]]
        return None if about.secret or about.hidden or key not in self.given else shown(self.given[key])

    def _mended(self, finding: Finding) -> str:
        return finding.fix.format(stack=self.stack) if finding.fix else self.fix(finding.key, finding.instead)


def _is_own(key: str) -> bool:
    return ":" not in key or key.startswith(f"{PROJECT}:")


def _bare(key: str) -> str:
    return key.removeprefix(f"{PROJECT}:")
