"""What may go wrong, told to a person: what happened, and the command that gets them further. Never a traceback.

Exit codes of every command: 0 all is well; 1 the thing looked at is not well (an unhealthy instance, a failed step);
2 the command was called wrongly; 3 it could not look (no stack, not up, no daemon, a missing tool).
"""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes, the same for all commands."""

    OK = 0
    UNWELL = 1
    USAGE = 2
    CANNOT = 3


class OperatorError(Exception):
    """An expected failure.

    `message` names the thing and its value; `advice` says what to do next, as commands where there are any;
    `code` is the process's exit code; `detail` is what a tool said, shown indented (never a secret).
    """

    def __init__(self, message: str, *, advice: str = "", detail: str = "", code: Exit = Exit.CANNOT) -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice
        self.detail = detail
        self.code = code


class UsageProblem(OperatorError):
    """The command was called with something it cannot take."""

    def __init__(self, message: str, *, advice: str = "") -> None:
        super().__init__(message, advice=advice, code=Exit.USAGE)
