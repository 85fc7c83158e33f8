"""A role as one file: the runtime, the role's folder rendered, and its variables, in a zip archive that Python runs.

Pure: no resource, no network. The same folder and variables give the same bytes on every machine, whatever its file
modes, time zone, checkout path or zlib: members are sorted, stored uncompressed and carry one fixed date.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import stat
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

# The first date that a zip archive can hold.
EPOCH = (1980, 1, 1, 0, 0, 0)
IGNORED = {"__pycache__"}


class BundleError(Exception):
    """A role's folder cannot be rendered; the message names the file and says why."""


@dataclass(frozen=True)
class Member:
    mode: int
    content: bytes


@dataclass(frozen=True)
class Bundle:
    """The members by name, and their digest (SHA-256 over names, modes and contents, in hex)."""

    name: str
    members: Mapping[str, Member]
    digest: str

    def to_bytes(self) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
            for path, member in sorted(self.members.items()):
                info = zipfile.ZipInfo(path, EPOCH)
                info.create_system = 3  # Unix: the upper half of external_attr is a file mode
                info.external_attr = (stat.S_IFREG | member.mode) << 16
                archive.writestr(info, member.content)
        return buffer.getvalue()

    def write(self, directory: Path) -> Path:
        """Write the archive below ``directory`` under a name that its content decides; returns the path."""
        path = directory / f"{self.name}-{self.digest[:16]}.pyz"
        content = self.to_bytes()
        if path.is_file() and path.read_bytes() == content:
            return path
        directory.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=directory, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(temporary, path)
        return path


def bundle(name: str, runtime: Path, folder: Path, variables: Mapping[str, Any]) -> Bundle:
    """Render ``folder`` with ``variables`` and pack it with the runtime.

    In the archive the folder is the package ``role`` and the runtime ``components.bootstrap``, so that a role's modules
    import the runtime by the same name as in the repository and each other relatively.
    """
    if not (folder / "main.py").is_file():
        raise BundleError(f"{folder} holds no main.py with a function apply(host)")
    members = {
        "__main__.py": Member(0o644, entry(name).encode()),
        "components/__init__.py": Member(0o644, b""),
        "role/variables.json": Member(0o644, variables_json(variables)),
        "role/__init__.py": Member(0o644, b""),
    }
    for path, content in read_tree(runtime).items():
        members[f"components/bootstrap/{path}"] = content
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )
    for path, member in read_tree(folder).items():
        if path.endswith(".j2"):
            members[f"role/{path[:-3]}"] = Member(member.mode, render(environment, path, member.content, variables))
        else:
            members[f"role/{path}"] = member
    return Bundle(name, members, digest_of(members))


def entry(name: str) -> str:
    return (
        "import sys\n"
        "from components.bootstrap.run import main\n"
        "from role.main import apply\n"
        f"sys.exit(main({name!r}, apply))\n"
    )


def variables_json(variables: Mapping[str, Any]) -> bytes:
    try:
        return (json.dumps(variables, sort_keys=True, indent=1, ensure_ascii=False) + "\n").encode()
    except TypeError as error:
        raise BundleError(f"a variable is no JSON value: {error}") from None


def render(environment: jinja2.Environment, path: str, source: bytes, variables: Mapping[str, Any]) -> bytes:
    try:
        return environment.from_string(source.decode()).render(variables).encode()
    except jinja2.TemplateError as error:
        line = f" line {error.lineno}" if isinstance(error, jinja2.TemplateSyntaxError) else ""
        raise BundleError(f"the template {path}{line}: {error}") from None


def read_tree(folder: Path) -> dict[str, Member]:
    """Files below ``folder`` by relative path. Of the mode only "executable by its owner" counts, as in git."""
    found: dict[str, Member] = {}
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or IGNORED & set(path.parts):
            continue
        mode = 0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644
        found[path.relative_to(folder).as_posix()] = Member(mode, path.read_bytes())
    return found


def digest_of(members: Mapping[str, Member]) -> str:
    digest = hashlib.sha256()
    for path, member in sorted(members.items()):
        digest.update(f"{path}\0{member.mode:o}\0{len(member.content)}\0".encode())
        digest.update(member.content)
    return digest.hexdigest()
