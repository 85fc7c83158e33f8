"""Every plain resource, made, refreshed, changed, imported and deleted; the calls are those of the real provider."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from localcloud.plugins.cloudflare.resources.zones import covers
from tests.contract.plugins.cloudflare_case import Case
from tests.contract.plugins.cloudflare_cases import CASES
from tests.contract.plugins.cloudflare_shapes import shape
from tests.contract.plugins.cloudflare_stub import Stub, serve_stub
from tests.contract.plugins.driver import Plugin


@pytest.fixture
def stub() -> Iterator[Stub]:
    with serve_stub() as served:
        shape(served)
        yield served


@pytest.mark.parametrize("name", CASES)
def test_a_resource_lives_its_life_by_the_providers_calls(name: str, stub: Stub, cloudflare: Plugin) -> None:
    """A call that differs works here and fails at Cloudflare; a difference that stays hides the one that matters."""
    case = CASES[name]
    preview = cloudflare.create(case.kind, "thing", preview=True, **case.inputs)
    assert stub.requests == [], "a preview calls nothing"
    assert covers(preview.outputs, case.inputs)

    made = cloudflare.create(case.kind, "thing", **case.inputs)
    assert (stub.lines[0], stub.requests[0].body) == case.made
    assert made.id == case.id
    assert covers(made.outputs, case.inputs)
    cloudflare.settled(made, **case.inputs)

    inputs = case.inputs
    if case.changed:
        inputs = inputs | case.changed
        assert not cloudflare.diff(made, inputs).replaces
        made = changed(case, stub, cloudflare, made, inputs)
        cloudflare.settled(made, **inputs)

    if case.import_id:
        found = cloudflare.imported(case.kind, "thing", case.import_id)
        assert found is not None and found.id == made.id
        assert cloudflare.diff(found, inputs).changes == {}

    for property, value in case.replaced_by.items():
        assert cloudflare.diff(made, inputs | {property: value}).replaces == [property]

    stub.requests.clear()
    cloudflare.delete(made)
    assert stub.lines == ([case.ended] if case.ended else [])
    if case.ended:
        assert cloudflare.read(made) is None


def changed(case: Case, stub: Stub, cloudflare: Plugin, made: Any, inputs: dict[str, Any]) -> Any:
    stub.requests.clear()
    cloudflare.update(made, preview=True, **inputs)
    assert stub.requests == []
    made = cloudflare.update(made, **inputs)
    assert (stub.lines[0], stub.requests[0].body) == case.change
    return made
