"""What commands print: captured, and shown line by line while they run."""

from __future__ import annotations

import threading

from localcloud.plugins.base.operations import Call

STDOUT = "PULUMI_COMMAND_STDOUT"
STDERR = "PULUMI_COMMAND_STDERR"
LOGGING = ("stdout", "stderr", "stdoutAndStderr", "none")


class Capture:
    """Collects both streams of a command. ``logging`` chooses which of them the engine shows; None means both."""

    def __init__(self, call: Call, logging: str | None) -> None:
        self._call = call
        self._shown = {
            "stdout": logging in (None, "stdout", "stdoutAndStderr"),
            "stderr": logging in (None, "stderr", "stdoutAndStderr"),
        }
        self._parts: dict[str, list[bytes]] = {"stdout": [], "stderr": []}
        self._both: list[bytes] = []
        self._line = b""
        self._lock = threading.Lock()

    def feed(self, stream: str, data: bytes) -> None:
        """Take what a stream (``stdout`` or ``stderr``) printed."""
        with self._lock:
            self._parts[stream].append(data)
            self._both.append(data)
            if not self._shown[stream]:
                return
            *lines, self._line = (self._line + data).split(b"\n")
            for line in lines:
                self._show(line)

    def finish(self) -> None:
        """Show the last line if it had no newline."""
        with self._lock:
            if self._line:
                self._show(self._line)
                self._line = b""

    def text(self, stream: str) -> str:
        """A stream as the output has it: without its last newline."""
        return _text(self._parts[stream]).removesuffix("\n")

    def both(self) -> str:
        """Both streams as they came, for error messages."""
        return _text(self._both)

    def _show(self, line: bytes) -> None:
        self._call.status("info", line.rstrip(b"\r").decode(errors="replace"))


def previous(inputs: dict[str, object], outputs: dict[str, object]) -> dict[str, str]:
    """Variables with what the last run printed, unless ``addPreviousOutputInEnv`` is false or it printed nothing."""
    if inputs.get("addPreviousOutputInEnv") is False:
        return {}
    found = {STDOUT: outputs.get("stdout"), STDERR: outputs.get("stderr")}
    return {name: str(value) for name, value in found.items() if value}


def quoted(command: str) -> str:
    """A command in double quotes with escapes, on one line."""
    return '"' + command.encode("unicode_escape").decode().replace('"', '\\"').replace("\\'", "'") + '"'


def _text(parts: list[bytes]) -> str:
    return b"".join(parts).decode(errors="replace")
