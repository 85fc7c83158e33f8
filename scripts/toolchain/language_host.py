"""A Python language host on the SDK's own gRPC classes: runs the program that the engine asks for, in this process.

Started by ``pulumi-language-python`` in the program's virtual environment; prints the port it serves on and ends when
the engine that started it does. It needs nothing but the SDK, and imports nothing of the repository it lies in: a copy
lies beside each Pulumi CLI that was built from source, and serves every checkout on the machine.

What a program may raise, and what its user sees:

- ``pulumi.RunError``: its message, as it is.
- anything else: the message "Program failed with an unhandled exception", and the traceback from ``__main__.py`` on.
"""

from __future__ import annotations

import asyncio
import contextvars
import json
import logging
import os
import runpy
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from importlib import metadata
from pathlib import Path

import grpc
import pulumi
from google.protobuf import empty_pb2
from pulumi.runtime import reset_options, run_in_stack, set_all_config
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

MESSAGE_LIMIT = 400 * 1024 * 1024
"""Bytes; the engine's own limit for one gRPC message."""


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """The calls that the engine makes for a program; those of code generation and packing answer "unimplemented"."""

    def Handshake(
        self, request: language_pb2.LanguageHandshakeRequest, context: grpc.ServicerContext
    ) -> language_pb2.LanguageHandshakeResponse:
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=metadata.version("pulumi"))

    def Cancel(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> empty_pb2.Empty:
        return empty_pb2.Empty()

    def About(self, request: language_pb2.AboutRequest, context: grpc.ServicerContext) -> language_pb2.AboutResponse:
        return language_pb2.AboutResponse(executable=sys.executable, version=sys.version.split()[0])

    def GetRequiredPackages(
        self, request: language_pb2.GetRequiredPackagesRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetRequiredPackagesResponse:
        """The provider plugins that the installed SDKs ask for: the engine installs those that are missing."""
        return language_pb2.GetRequiredPackagesResponse(packages=list(required_plugins()))

    def GetProgramDependencies(
        self, request: language_pb2.GetProgramDependenciesRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetProgramDependenciesResponse:
        """Every installed distribution: for ``pulumi about``."""
        installed = sorted({(item.name, item.version) for item in metadata.distributions()})
        return language_pb2.GetProgramDependenciesResponse(
            dependencies=[language_pb2.DependencyInfo(name=name, version=version) for name, version in installed]
        )

    def InstallDependencies(
        self, request: language_pb2.InstallDependenciesRequest, context: grpc.ServicerContext
    ) -> Iterator[language_pb2.InstallDependenciesResponse]:
        yield language_pb2.InstallDependenciesResponse(stdout=b"scripts/up installs this project's dependencies.\n")

    def Run(self, request: language_pb2.RunRequest, context: grpc.ServicerContext) -> language_pb2.RunResponse:
        wrong = wrong_environment(request.info)
        if wrong:
            return language_pb2.RunResponse(error=wrong)
        return contextvars.copy_context().run(run_program, request)


def wrong_environment(info: language_pb2.ProgramInfo) -> str:
    """A sentence if the program names another virtual environment than the one that this process runs in, else ""."""
    if "virtualenv" not in info.options.fields:
        return ""
    asked = Path(info.root_directory, info.options.fields["virtualenv"].string_value)
    if asked.resolve() == Path(sys.prefix).resolve():
        return ""
    return f"The program's virtual environment is {asked}, not {sys.prefix}: run pulumi in {info.root_directory}."


def required_plugins() -> Iterator[plugin_pb2.PackageDependency]:
    """What each installed SDK asks for in its ``pulumi-plugin.json``, which every provider's SDK carries."""
    for folder in dict.fromkeys(sys.path):
        for path in sorted(Path(folder or ".").glob("*/pulumi-plugin.json")):
            plugin = json.loads(path.read_text())
            if plugin.get("resource") and "version" in plugin:
                yield plugin_pb2.PackageDependency(
                    name=plugin.get("name", path.parent.name.removeprefix("pulumi_")),
                    kind="resource",
                    version="v" + plugin["version"].removeprefix("v"),
                    server=plugin.get("server", ""),
                )


def run_program(request: language_pb2.RunRequest) -> language_pb2.RunResponse:
    """Runs the program once. An error is logged to the engine and the response only bails: so it is shown once."""
    reset_options(
        project=request.project,
        stack=request.stack,
        root_directory=request.info.root_directory,
        parallel=request.parallel,
        engine_address=request.args[0] if request.args else "",
        monitor_address=request.monitor_address,
        preview=request.dryRun,
        organization=request.organization or "organization",
    )
    set_all_config(dict(request.config), list(request.configSecretKeys))
    # Nobody awaits what a failed program left unfinished, and asyncio would tell users so.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)

    main = entry_point(request.info)
    loop = asyncio.new_event_loop()
    loop.set_default_executor(ThreadPoolExecutor(max_workers=max(request.parallel, 1) * 4))
    try:
        loop.run_until_complete(run_in_stack(lambda: execute(main, Path(request.pwd or main.parent))))
    except pulumi.RunError as error:
        pulumi.log.error(str(error))
    except grpc.RpcError as error:
        # An engine that shuts down takes its monitor away first: it knows why, and says so itself.
        if error.code() != grpc.StatusCode.UNAVAILABLE:
            pulumi.log.error(f"The engine refused a call of the program: {error.details()}")
    except BaseException as error:
        pulumi.log.error("Program failed with an unhandled exception:\n" + user_traceback(error, main))
    else:
        return language_pb2.RunResponse()
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
            with suppress(BaseException):
                loop.run_until_complete(task)
        loop.close()
        sys.stdout.flush()
        sys.stderr.flush()
    return language_pb2.RunResponse(bail=True)


def entry_point(info: language_pb2.ProgramInfo) -> Path:
    """The file to run: ``__main__.py`` of the program's folder unless ``main`` of Pulumi.yaml names a file."""
    path = Path(info.program_directory, info.entry_point or ".")
    return path / "__main__.py" if path.is_dir() else path


def execute(main: Path, folder: Path) -> None:
    """Runs the program's file as ``python FILE`` in ``folder`` would, with its own folder first on the path."""
    if not main.is_file():
        raise pulumi.RunError(f"There is no program at {main}.")
    os.chdir(folder)
    if str(main.parent) not in sys.path:
        sys.path.insert(0, str(main.parent))
    sys.argv = [str(main)]
    try:
        runpy.run_path(str(main), run_name="__main__")
    except SystemExit as exit_:
        if exit_.code not in (None, 0):
            raise pulumi.RunError(f"The program ended itself: {exit_.code}") from None


def user_traceback(error: BaseException, main: Path) -> str:
    """The traceback from the program's own file on; all of it if that file is not part of it."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename != str(main):
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(error), error, trace or error.__traceback__))


def serve() -> None:
    """Serves until SIGINT or SIGTERM, or until the engine is gone without having sent one."""
    # Before anything is said: an engine that is killed right after it has read the port would be taken for init.
    engine = os.getppid()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    # A call that is not implemented is an answer, not an incident for stderr, which the engine shows to users.
    logging.getLogger("grpc").setLevel(logging.CRITICAL)

    server = grpc.server(
        ThreadPoolExecutor(max_workers=4),
        options=[("grpc.max_receive_message_length", MESSAGE_LIMIT), ("grpc.max_send_message_length", MESSAGE_LIMIT)],
    )
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(LanguageHost(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)

    while not stop.wait(timeout=1) and os.getppid() == engine:
        pass
    # Threads of the program's own may still be at work; nobody waits for their result.
    os._exit(0)


if __name__ == "__main__":
    serve()
