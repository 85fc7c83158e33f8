"""The role's archive: the same bytes everywhere, and a new digest exactly when something in it changed."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from components.role import RUNTIME
from components.role_bundle import Bundle, BundleError, bundle


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "bootstrap"
    path.mkdir()
    (path / "main.py").write_text("def apply(host):\n    print(host.asset('a.conf'), host.variable('size'))\n")
    (path / "a.conf.j2").write_text("size {{ size }}\n")
    return path


def pack(folder: Path, **variables: object) -> Bundle:
    return bundle("x", RUNTIME, folder, variables or {"size": 3})


def test_same_bytes_whatever_the_checkout(folder: Path, tmp_path: Path) -> None:
    """Bytes that differ between a laptop and CI would run every role again, for nothing."""
    first = pack(folder).to_bytes()
    other = tmp_path / "elsewhere"
    other.mkdir()
    for name in ("a.conf.j2", "main.py"):
        (other / name).write_bytes((folder / name).read_bytes())
        os.utime(other / name, (time.time() - 1e6,) * 2)
        os.chmod(other / name, 0o600)
    (other / "__pycache__").mkdir()
    (other / "__pycache__" / "main.pyc").write_bytes(b"\0")
    assert bundle("x", RUNTIME, other, {"size": 3}).to_bytes() == first


@pytest.mark.parametrize("change", ["content", "name", "mode", "variable", "runtime"])
def test_digest_changes_with(folder: Path, tmp_path: Path, change: str) -> None:
    """A change that does not change the digest never reaches the server."""
    before, variables, runtime = pack(folder), {"size": 3}, RUNTIME
    if change == "content":
        (folder / "main.py").write_text("def apply(host): pass\n")
    elif change == "name":
        (folder / "a.conf.j2").rename(folder / "b.conf.j2")
    elif change == "mode":
        (folder / "main.py").chmod(0o755)
    elif change == "variable":
        variables = {"size": 4}
    else:
        runtime = tmp_path / "runtime"
        runtime.mkdir()
        (runtime / "__init__.py").write_text("# changed\n")
    assert bundle("x", runtime, folder, variables).digest != before.digest


def test_templates_are_rendered_and_lose_their_suffix(folder: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(pack(folder).to_bytes())) as archive:
        assert archive.read("role/a.conf") == b"size 3\n"
        assert "role/a.conf.j2" not in archive.namelist()


def test_a_variable_that_is_missing_stops_the_program(folder: Path) -> None:
    """Jinja's default renders nothing: `listen_addresses = ''` would go unnoticed until the first connection."""
    with pytest.raises(BundleError, match=r"a\.conf\.j2.*'size' is undefined"):
        bundle("x", RUNTIME, folder, {"other": 1})


def test_a_folder_without_steps_and_a_broken_template_are_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"holds no main\.py"):
        bundle("x", RUNTIME, tmp_path / "nowhere", {})
    (folder / "a.conf.j2").write_text("{% if %}")
    with pytest.raises(BundleError, match=r"a\.conf\.j2 line 1"):
        pack(folder)


def test_written_once_under_a_name_of_its_content(folder: Path, tmp_path: Path) -> None:
    packed = pack(folder)
    path = packed.write(tmp_path / "out")
    assert path.name == f"x-{packed.digest[:16]}.pyz"
    path.write_bytes(b"cut off")
    assert packed.write(tmp_path / "out").read_bytes() == packed.to_bytes()
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_python_runs_it_on_the_standard_library_alone(folder: Path, tmp_path: Path) -> None:
    """A server has no package index: an import from outside would only fail there. -S takes site-packages away."""
    path = pack(folder).write(tmp_path / "out")
    probe = (
        "import sys, importlib, zipfile; sys.path.insert(0, sys.argv[1]); "
        "names = [n[:-3].replace('/', '.') for n in zipfile.ZipFile(sys.argv[1]).namelist()"
        " if n.startswith('components/bootstrap/') and n.endswith('.py')]; "
        "[importlib.import_module(n.removesuffix('.__init__')) for n in names]; print(len(names))"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", probe, path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 10


@pytest.mark.parametrize("role", ["database", "cache", "backend"])
def test_roles_import_nothing_from_outside(role: str) -> None:
    """The same, for the roles' own modules."""
    import ast

    folder = RUNTIME.parent / role / "bootstrap"
    # Packages of the folder itself go to the server with it.
    allowed = set(sys.stdlib_module_names) | {path.parent.name for path in folder.glob("*/__init__.py")}
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            for name in names:
                assert name.split(".")[0] in allowed or name.startswith("components.bootstrap"), f"{path}: {name}"
