"""The language host: what a program sees of the engine, and what its user sees of the program's errors."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from google.protobuf import empty_pb2, struct_pb2
from pulumi.runtime.proto import (
    engine_pb2,
    engine_pb2_grpc,
    language_pb2,
    language_pb2_grpc,
    resource_pb2,
    resource_pb2_grpc,
)

TOOLCHAIN = Path(__file__).resolve().parents[3] / "scripts" / "toolchain"


class Engine(resource_pb2_grpc.ResourceMonitorServicer, engine_pb2_grpc.EngineServicer):
    """As much of the engine as a program without resources talks to; remembers what was logged and exported."""

    def __init__(self) -> None:
        self.logged: list[str] = []
        self.outputs: dict[str, object] = {}
        server = grpc.server(ThreadPoolExecutor(4))
        resource_pb2_grpc.add_ResourceMonitorServicer_to_server(self, server)
        engine_pb2_grpc.add_EngineServicer_to_server(self, server)
        self.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        server.start()
        self.server = server

    def SupportsFeature(self, request: object, context: object) -> resource_pb2.SupportsFeatureResponse:
        return resource_pb2.SupportsFeatureResponse(hasSupport=True)

    def RegisterResource(
        self, request: resource_pb2.RegisterResourceRequest, context: object
    ) -> resource_pb2.RegisterResourceResponse:
        return resource_pb2.RegisterResourceResponse(urn=f"urn:pulumi:dev::p::{request.type}::{request.name}")

    def RegisterResourceOutputs(
        self, request: resource_pb2.RegisterResourceOutputsRequest, context: object
    ) -> empty_pb2.Empty:
        self.outputs = dict(request.outputs)
        return empty_pb2.Empty()

    def SignalAndWaitForShutdown(self, request: object, context: object) -> empty_pb2.Empty:
        return empty_pb2.Empty()

    def GetRootResource(self, request: object, context: object) -> engine_pb2.GetRootResourceResponse:
        return engine_pb2.GetRootResourceResponse()

    def SetRootResource(self, request: object, context: object) -> engine_pb2.SetRootResourceResponse:
        return engine_pb2.SetRootResourceResponse()

    def Log(self, request: engine_pb2.LogRequest, context: object) -> empty_pb2.Empty:
        if request.severity >= engine_pb2.WARNING:
            self.logged.append(request.message)
        return empty_pb2.Empty()


class Host:
    """The host as the engine starts it, for the program in ``folder``."""

    def __init__(self, folder: Path, launcher: Path = TOOLCHAIN / "pulumi-language-python") -> None:
        self.folder = folder
        self.engine = Engine()
        self.process = subprocess.Popen(
            [launcher, self.engine.address], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stdout
        self.port = self.process.stdout.readline().strip()

    def run(self, **config: str) -> language_pb2.RunResponse:
        options = struct_pb2.Struct()
        options.update({"virtualenv": sys.prefix})
        with grpc.insecure_channel(f"127.0.0.1:{self.port}") as channel:
            return language_pb2_grpc.LanguageRuntimeStub(channel).Run(
                language_pb2.RunRequest(
                    project="p",
                    stack="dev",
                    parallel=4,
                    monitor_address=self.engine.address,
                    args=[self.engine.address],
                    config={f"p:{key}": value for key, value in config.items()},
                    info=language_pb2.ProgramInfo(
                        root_directory=str(self.folder),
                        program_directory=str(self.folder),
                        entry_point=".",
                        options=options,
                    ),
                )
            )

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=10)
        self.engine.server.stop(None)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text(
        f"name: p\nruntime:\n  name: python\n  options:\n    virtualenv: '{sys.prefix}' # made by scripts/up\n"
    )
    return tmp_path


@pytest.fixture
def hosts() -> Iterator[list[Host]]:
    started: list[Host] = []
    yield started
    for host in started:
        host.stop()


def start(hosts: list[Host], project: Path, program: str) -> Host:
    (project / "__main__.py").write_text("import pulumi\n" + program)
    hosts.append(Host(project))
    return hosts[-1]


def test_the_program_runs_in_its_folder_with_its_config(hosts: list[Host], project: Path) -> None:
    """A program that ran in the host's own folder found neither its modules nor its templates."""
    (project / "beside.py").write_text("WORD = 'found'")
    host = start(
        hosts,
        project,
        "import os, beside\n"
        "pulumi.export('folder', os.getcwd())\n"
        "pulumi.export('word', beside.WORD)\n"
        "pulumi.export('size', pulumi.Config().require('size'))\n",
    )
    answer = host.run(size="3")
    assert (answer.error, answer.bail) == ("", False), host.engine.logged
    assert host.engine.outputs == {"folder": str(project), "word": "found", "size": "3"}


def test_a_run_error_reaches_the_user_as_it_is_and_once(hosts: list[Host], project: Path) -> None:
    """Settings errors drowned in tracebacks, and were shown twice: by the host and by the engine."""
    host = start(hosts, project, "raise pulumi.RunError('medusaInstances is 0: allowed are 1 to 150.')")
    answer = host.run()
    assert host.engine.logged == ["medusaInstances is 0: allowed are 1 to 150."]
    assert (answer.error, answer.bail) == ("", True)


def test_an_exception_is_shown_from_the_program_on(hosts: list[Host], project: Path) -> None:
    """Twenty frames of runpy and asyncio hid the one line of the program that was wrong."""
    host = start(hosts, project, "def size():\n    return 1 / 0\nsize()\n")
    assert host.run().bail
    (message,) = host.engine.logged
    assert message.startswith("Program failed with an unhandled exception:\nTraceback")
    assert "ZeroDivisionError" in message and f'"{project / "__main__.py"}", line 4' in message
    assert "runpy" not in message and "language_host" not in message


def test_an_exception_in_an_apply_fails_the_program(hosts: list[Host], project: Path) -> None:
    """A wrong output was exported as nothing, and the update went through."""
    host = start(hosts, project, "pulumi.export('x', pulumi.Output.from_input(1).apply(lambda one: one / 0))")
    assert host.run().bail
    assert "ZeroDivisionError" in host.engine.logged[0]


def test_a_program_of_another_environment_is_refused(hosts: list[Host], project: Path, tmp_path: Path) -> None:
    """Started outside the project, the host ran its program with whatever packages it had itself."""
    host = start(hosts, project, "pulumi.export('x', 1)")
    options = struct_pb2.Struct()
    options.update({"virtualenv": "elsewhere"})
    with grpc.insecure_channel(f"127.0.0.1:{host.port}") as channel:
        answer = language_pb2_grpc.LanguageRuntimeStub(channel).Run(
            language_pb2.RunRequest(
                info=language_pb2.ProgramInfo(root_directory=str(project), program_directory=".", options=options)
            )
        )
    assert str(project / "elsewhere") in answer.error
    assert host.engine.outputs == {}


def test_the_installed_sdks_say_which_plugins_are_needed(hosts: list[Host], project: Path) -> None:
    """On a new machine the engine asked for a provider plugin in the middle of an update."""
    host = start(hosts, project, "")
    with grpc.insecure_channel(f"127.0.0.1:{host.port}") as channel:
        packages = (
            language_pb2_grpc.LanguageRuntimeStub(channel)
            .GetRequiredPackages(language_pb2.GetRequiredPackagesRequest())
            .packages
        )
    found = {package.name: package.version for package in packages}
    assert {"hcloud", "command", "cloudflare"} <= found.keys()
    assert all(version.startswith("v") for version in found.values())


def test_it_ends_quietly_when_it_is_told_to(project: Path) -> None:
    """Every failed update ended with a KeyboardInterrupt traceback of the host."""
    (project / "__main__.py").write_text("")
    host = Host(project)
    host.process.send_signal(signal.SIGINT)
    out, err = host.process.communicate(timeout=10)
    host.engine.server.stop(None)
    assert (out, err, host.process.returncode) == ("", "", 0)


def test_it_ends_when_the_engine_is_gone(project: Path) -> None:
    """A CLI that was killed left a host behind each time."""
    (project / "__main__.py").write_text("")
    launcher = TOOLCHAIN / "pulumi-language-python"
    engine = subprocess.Popen(
        [sys.executable, "-c", f"import subprocess; p = subprocess.Popen(['{launcher}', 'x']); print(p.pid); p.wait()"],
        cwd=project, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert engine.stdout
    pid, port = sorted((int(engine.stdout.readline()), int(engine.stdout.readline())))
    host = pid if Path(f"/proc/{pid}/cmdline").exists() and b"language_host" in command(pid) else port
    engine.kill()
    engine.wait()
    watch = os.pidfd_open(host)
    try:
        ready, _, _ = select.select([watch], [], [], 10)
    finally:
        os.close(watch)
    assert ready, "the host still runs 10 s after its engine was killed"


def command(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def test_a_copy_serves_every_checkout(
    hosts: list[Host], project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The host beside the CLI lay in one checkout; when that was deleted, all the others stopped working."""
    folder = tmp_path_factory.mktemp("bin")
    for name in ("pulumi-language-python", "language_host.py"):
        shutil.copy2(TOOLCHAIN / name, folder)
    (project / "__main__.py").write_text("import pulumi\npulumi.export('x', 'y')")
    hosts.append(Host(project, folder / "pulumi-language-python"))
    assert not hosts[0].run().bail
    assert hosts[0].engine.outputs == {"x": "y"}


def test_a_missing_environment_is_said_in_one_line(project: Path) -> None:
    """Before scripts/up had run, the engine said only "could not read plugin: exit status 127"."""
    (project / "Pulumi.yaml").write_text("name: p\nruntime:\n  name: python\n  options:\n    virtualenv: .venv\n")
    result = subprocess.run([TOOLCHAIN / "pulumi-language-python", "x"], cwd=project, capture_output=True, text=True)
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1 and ".venv" in result.stderr and "scripts/up" in result.stderr
