"""What a run says: one line for each change, progress for long steps, and a last line ``N changed, M ok``."""

from __future__ import annotations

import sys
from collections.abc import Iterable


class Failure(Exception):
    """A step could not be done. ``problem`` says what is wrong, ``fix`` what a person can do about it."""

    def __init__(self, problem: str, fix: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.fix = fix


class Report:
    """Counts and prints. Every text passes through :meth:`redact`, so that no secret reaches a log by accident."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self.changed_count = 0
        self.ok_count = 0
        self.step = "start"
        # Shorter values would blot out ordinary words; the settings refuse secrets that short anyway.
        self._secrets = sorted({value for value in secrets if len(value) >= 6}, key=len, reverse=True)

    def hide(self, secret: str) -> None:
        """Redact one more value, for example a password that was made on this server."""
        self._secrets = sorted({*self._secrets, secret}, key=len, reverse=True)

    def redact(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "[secret]")
        return text

    def begin(self, step: str) -> None:
        """Name the step that is being done; a failure is reported under this name."""
        self.step = step

    def progress(self, what: str) -> None:
        self._print(f"...      {what}")

    def note(self, what: str) -> None:
        """Something worth knowing that is neither a change nor a failure."""
        self._print(f"note     {self.step}: {what}")

    def changed(self, what: str) -> bool:
        self.changed_count += 1
        self._print(f"changed  {self.step}: {what}")
        return True

    def ok(self) -> bool:
        """The step found everything as it is to be; returns False, which is what "did it change?" is answered with."""
        self.ok_count += 1
        return False

    def summary(self) -> None:
        self._print(f"{self.changed_count} changed, {self.ok_count} ok")

    def failed(self, failure: Failure) -> None:
        lines = [f'FAILED at step "{self.step}": {failure.problem}']
        if failure.fix:
            lines.append(f"What to do: {failure.fix}")
        print(self.redact("\n".join(lines)), file=sys.stderr, flush=True)

    def _print(self, line: str) -> None:
        print(self.redact(line), flush=True)
