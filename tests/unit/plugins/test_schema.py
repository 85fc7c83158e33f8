"""The plugins' tables of properties, against the published SDKs that programs use."""

from __future__ import annotations

import importlib
import inspect
from typing import Any

import pulumi
import pulumi._types
import pytest

from localcloud.plugins.base.values import UNKNOWN
from localcloud.plugins.command.copy import CopyFile, CopyToRemote
from localcloud.plugins.command.inferred import InferredResource
from localcloud.plugins.command.local import LocalCommand
from localcloud.plugins.command.remote import RemoteCommand
from localcloud.plugins.hcloud.document import document
from localcloud.plugins.hcloud.functions import FUNCTIONS
from localcloud.plugins.hcloud.resource import CloudResource
from localcloud.plugins.hcloud.resources import RESOURCES
from localcloud.plugins.hcloud.schema import Field


def sdk(token: str) -> tuple[Any, Any]:
    """The SDK's resource class and its arguments' class."""
    package, module, name = token.split(":")
    path = f"pulumi_{package}" if "index" in module else f"pulumi_{package}.{module}"
    found = importlib.import_module(f"{path}.{snake(name)}")
    # A nested type of the same name takes the plain one.
    return getattr(found, name), getattr(found, f"{name}InitArgs", None) or getattr(found, f"{name}Args")


def snake(name: str) -> str:
    return "".join("_" + char.lower() if char.isupper() else char for char in name).lstrip("_")


def names_of_inputs(arguments: Any) -> set[str]:
    return set(pulumi._types.input_type_py_to_pulumi_names(arguments).values())


def names_of_outputs(resource: Any) -> set[str]:
    return {
        getattr(member.fget, "_pulumi_name", name)
        for name, member in inspect.getmembers(resource)
        if isinstance(member, property) and name not in ("id", "urn", "pulumi_resource_name", "pulumi_resource_type")
    }


@pytest.mark.parametrize("kind", RESOURCES, ids=lambda kind: kind.__name__)
def test_an_hcloud_resource_has_the_sdks_properties(kind: type[CloudResource]) -> None:
    """An input that the stand-in does not know would be refused; an output it lacks would be None in the program."""
    resource, arguments = sdk(kind.token)
    assert {field.name for field in kind.fields if not field.output} == names_of_inputs(arguments)
    assert {field.name for field in kind.fields} == names_of_outputs(resource)


@pytest.mark.parametrize("kind", RESOURCES, ids=lambda kind: kind.__name__)
def test_and_the_same_of_them_are_required(kind: type[CloudResource]) -> None:
    _, arguments = sdk(kind.token)
    parameters = inspect.signature(arguments.__init__).parameters.values()
    names = pulumi._types.input_type_py_to_pulumi_names(arguments)
    required = {names[p.name] for p in parameters if p.name in names and p.default is inspect.Parameter.empty}
    assert {field.name for field in kind.fields if field.required} - {"name"} == required


@pytest.mark.parametrize("kind", [LocalCommand, RemoteCommand, CopyToRemote, CopyFile], ids=lambda kind: kind.__name__)
def test_a_command_resource_has_the_sdks_inputs(kind: type[InferredResource]) -> None:
    _, arguments = sdk(kind.token)
    assert {item.name for item in kind.inputs} == names_of_inputs(arguments)


def test_every_function_is_one_of_the_sdk() -> None:
    import pulumi_hcloud

    for token in FUNCTIONS:
        assert hasattr(pulumi_hcloud, snake(token.rsplit(":", 1)[1])), token


INNER = (
    Field("id", "int", required=True),
    Field("on", "bool", default=True),
    Field("ip", computed=True),
    Field("mac", output=True),
)


@pytest.mark.parametrize(
    ("field", "old", "new", "expected"),
    [
        (Field("x"), "", None, {}),
        (Field("x"), None, "", {}),
        (Field("x"), "a", None, {"x": "delete"}),
        (Field("x", computed=True), "a", None, {}),
        (Field("x", computed=True), "a", "b", {"x": "update"}),
        (Field("x", "bool", default=False), None, False, {}),
        (Field("x", "bool", default=False), True, False, {"x": "update"}),
        (Field("x", "bool", default=True), None, None, {}),
        (Field("x", "bool", default=True), None, False, {"x": "add"}),
        (Field("x", "int"), 0, None, {}),
        (Field("x", "int"), None, UNKNOWN, {"x": "add"}),
        (Field("x", "set"), ["b", "a"], ["a", "b"], {}),
        (Field("x", "list"), ["b", "a"], ["a", "b"], {"x[0]": "update", "x[1]": "update"}),
        (Field("x", "map"), {"a": "b"}, {}, {"x.a": "delete"}),
        (Field("x", "map"), {}, None, {}),
        (Field("x", stored=str.upper), "A", "a", {}),
        (Field("x", same=lambda old, new: True), "A", "b", {}),
        (Field("x", "set", INNER), [{"id": 1, "ip": "i", "mac": "m", "on": True}], [{"id": 1}], {}),
        (Field("x", "set", INNER), [{"id": 1, "on": True}], [{"id": 1, "on": False}], {"x[0].on": "delete"}),
        (Field("x", "object", INNER), {"id": 1, "ip": "i"}, {"id": 2}, {"x.id": "update"}),
    ],
)
def test_what_counts_as_a_difference(field: Field, old: Any, new: Any, expected: dict[str, str]) -> None:
    """These are the rules by which the provider's own plans come about."""
    assert field.changes(old, new) == expected


@pytest.mark.parametrize(
    ("field", "given", "expected"),
    [
        (Field("x", "int"), "42", 42),
        (Field("x"), 42, "42"),
        (Field("x", "bool"), "true", True),
        (Field("x", "set", "int"), ["1", 2], [1, 2]),
        (Field("x", "int"), UNKNOWN, UNKNOWN),
        (Field("x", "set", INNER), [{"id": "7"}], [{"id": 7}]),
    ],
)
def test_values_take_the_kind_of_their_property(field: Field, given: Any, expected: Any) -> None:
    """A resource's id is text, and most properties that take one want a number."""
    assert field.coerce(given) == expected


@pytest.mark.parametrize(
    ("field", "given", "words"),
    [
        (Field("x", "int"), "a", "whole number"),
        (Field("x", "int"), True, "whole number"),
        (Field("x", "bool"), "yes", "boolean"),
        (Field("x", "map"), ["a"], "object"),
        (Field("x", "list"), "a", "list"),
        (Field("x", "set", INNER), [{"on": True}], "missing id"),
        (Field("x", "set", INNER), [{"id": 1, "off": True}], "unknown property 'off'"),
    ],
)
def test_values_that_cannot_be_are_explained(field: Field, given: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        field.coerce(given)


def test_the_package_schema_names_nested_types_as_the_sdk_does() -> None:
    """`pulumi import` writes programs from it: a wrong name would be a program that does not run."""
    import pulumi_hcloud.outputs

    found = document(RESOURCES)
    for token, nested in found["types"].items():
        kind = getattr(pulumi_hcloud.outputs, token.rsplit(":", 1)[1])
        assert set(nested["properties"]) == names_of_outputs(kind)
    assert found["resources"]["hcloud:index/network:Network"]["inputProperties"]["ipRange"] == {
        "type": "string",
        "willReplaceOnChanges": True,
    }
