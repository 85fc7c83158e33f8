"""Write ``tables.json``: the resources' properties as the installed Python SDK (pulumi_cloudflare) has them.

    python -m localcloud.plugins.cloudflare.generate > tables.json && mv tables.json localcloud/plugins/cloudflare/

To be run when the SDK's version changes; a test holds the file against the SDK. One line a resource or type. A kind is
``string``, ``integer``, ``number``, ``boolean``, ``any`` or ``#Type``; ``[kind]`` is a list, ``{kind}`` a map. Behind a
property's name, ``!`` says that it is a required input and ``-`` that it is an output alone.
"""

from __future__ import annotations

import collections.abc
import importlib
import inspect
import json
import re
import sys
import typing
from typing import Any

from localcloud.plugins.cloudflare.functions import FUNCTIONS
from localcloud.plugins.cloudflare.resources import NAMES

_PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean"}


class Tables:
    """Collects resources and the types that they lead to."""

    def __init__(self) -> None:
        self.sdk: Any = importlib.import_module("pulumi_cloudflare")
        self.types: dict[str, dict[str, str]] = {}
        self._kinds: Any = importlib.import_module("pulumi._types")

    def resource(self, name: str) -> dict[str, Any]:
        """Properties, and the outputs that the SDK marks secret."""
        module = importlib.import_module(f"pulumi_cloudflare.{_snake(name)}")
        resource, arguments = getattr(module, name), getattr(module, f"{name}Args")
        secrets = re.search(r"additional_secret_outputs=(\[[^]]*])", inspect.getsource(resource))
        return {
            "properties": self._properties(arguments, self._kinds.resource_types(resource)),
            "secrets": json.loads(secrets.group(1)) if secrets else [],
        }

    def function(self, name: str) -> dict[str, str]:
        """What a function returns, its arguments among it."""
        result = getattr(self.sdk, name[0].upper() + name[1:] + "Result")
        kinds = self._kinds.resource_types(result)
        return {name: self._kind(kinds[name]) for name in sorted(kinds)}

    def _properties(self, arguments: Any, outputs: dict[str, Any]) -> dict[str, str]:
        inputs = self._kinds.input_type_types(arguments) if arguments else {}
        required = _required(self._kinds, arguments) if arguments else set()
        found = {f"{name}!" if name in required else name: self._kind(inputs[name]) for name in sorted(inputs)}
        return found | {f"{name}-": self._kind(outputs[name]) for name in sorted(outputs) if name not in inputs}

    def _kind(self, hint: Any) -> str:
        if hint in _PLAIN:
            return _PLAIN[hint]
        origin = typing.get_origin(hint)
        if origin is typing.Union:
            return self._kind(typing.get_args(hint)[0])
        if origin is collections.abc.Sequence:
            return f"[{self._kind(typing.get_args(hint)[0])}]"
        if origin is collections.abc.Mapping:
            return f"{{{self._kind(typing.get_args(hint)[1])}}}"
        if inspect.isclass(hint) and hint.__module__.startswith("pulumi_cloudflare"):
            return "#" + self._type(hint.__name__.removesuffix("Args"))
        return "any"

    def _type(self, name: str) -> str:
        if name not in self.types:
            self.types[name] = {}  # a type may lead to itself
            arguments = getattr(self.sdk, f"{name}Args", None)
            outputs = getattr(self.sdk.outputs, name, None)
            kinds = self._kinds.output_type_types(outputs) if outputs else {}
            self.types[name] = self._properties(arguments, kinds)
        return name


def _required(kinds: Any, arguments: Any) -> set[str]:
    names = kinds.input_type_py_to_pulumi_names(arguments)
    parameters = inspect.signature(arguments.__init__).parameters.values()
    return {names[p.name] for p in parameters if p.name in names and p.default is inspect.Parameter.empty}


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


def text() -> str:
    """The file's content."""
    tables = Tables()
    resources = {name: tables.resource(name) for name in NAMES}
    functions = {name: tables.function(name) for name in FUNCTIONS}
    blocks = [
        f'"{title}": {{\n' + ",\n".join(f'"{name}": {json.dumps(lines[name])}' for name in sorted(lines)) + "\n}"
        for title, lines in (("resources", resources), ("functions", functions), ("types", tables.types))
    ]
    return "{\n" + ",\n".join(blocks) + "\n}\n"


if __name__ == "__main__":
    sys.stdout.write(text())
