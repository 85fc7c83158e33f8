"""Pages, sorting, names and label selectors: a client that lists must see everything once."""

from __future__ import annotations

import json

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from localcloud.hetzner.errors import ApiError
from localcloud.hetzner.selectors import matches, parse
from tests.contract.hetzner.serving import TOKEN, Served

WORDS = st.from_regex(r"[a-z0-9]([a-z0-9._-]{0,5}[a-z0-9])?", fullmatch=True)
LABELS = st.dictionaries(WORDS, st.one_of(st.just(""), WORDS), max_size=4)


def _groups(api: Served, count: int) -> list[str]:
    names = [f"group-{number:02}" for number in range(count)]
    for name in names:
        api.post("/placement_groups", {"name": name, "type": "spread", "labels": {"n": name}})
    return names


def test_following_next_page_finds_everything_once(api: Served) -> None:
    """A page lost or seen twice: servers forgotten by a clean-up, or deleted twice."""
    names = _groups(api, 23)
    found: list[str] = []
    page: int | None = 1
    while page:
        answer = api.get(f"/placement_groups?page={page}&per_page=5")
        found += [one["name"] for one in answer["placement_groups"]]
        page = answer["meta"]["pagination"]["next_page"]
    assert found == names


def test_pages_tell_where_they_are(api: Served) -> None:
    """Clients stop by last_page, next_page or the Link header; all three must agree."""
    _groups(api, 5)
    response = api.http.get("/v1/placement_groups?page=2&per_page=2&label_selector=n")
    assert response.json()["meta"]["pagination"] == {
        "page": 2, "per_page": 2, "previous_page": 1, "next_page": 3, "last_page": 3, "total_entries": 5,
    }  # fmt: skip
    links = {rel: httpx.URL(link["url"]).params for rel, link in response.links.items()}
    assert {rel: params["page"] for rel, params in links.items()} == {"prev": "1", "next": "3", "last": "3"}
    assert all(params["label_selector"] == "n" for params in links.values())


def test_a_page_past_the_end_is_empty_and_an_empty_list_has_one_page(api: Served) -> None:
    """Clients that ask one page too many must end, not fail."""
    answer = api.get("/placement_groups?page=9")
    assert answer["placement_groups"] == [] and answer["meta"]["pagination"]["last_page"] == 1


@pytest.mark.parametrize("query", ["per_page=51", "per_page=0", "page=0", "page=x", "sort=color", "sort=name:up"])
def test_bad_parameters_are_named(api: Served, query: str) -> None:
    """Silently taking 51 for 50 would hide the client's mistake until the real cloud refuses it."""
    status, code, error = api.error("GET", f"/placement_groups?{query}")
    assert (status, code) == (422, "invalid_input")
    assert error["details"]["fields"][0]["name"] == query.partition("=")[0]


def test_sorting_by_several_fields(api: Served) -> None:
    """Newest image first is how clients choose one."""
    names = _groups(api, 3)
    shown = api.get("/placement_groups?sort=created&sort=name:desc")["placement_groups"]
    by_rule = sorted(
        sorted(names, reverse=True), key=lambda name: next(o["created"] for o in shown if o["name"] == name)
    )
    assert [one["name"] for one in shown] == by_rule


def test_filter_by_name_is_exact(api: Served) -> None:
    """get_by_name of `group-0` must not find `group-00`."""
    _groups(api, 2)
    assert api.get("/placement_groups?name=group-0")["placement_groups"] == []
    assert len(api.get("/placement_groups?name=group-01")["placement_groups"]) == 1


@pytest.mark.parametrize(
    ("selector", "chosen"),
    [
        ("env=prod", {"a"}),
        ("env==prod", {"a"}),
        ("env!=prod", {"b", "c"}),
        ("env", {"a", "b"}),
        ("!env", {"c"}),
        ("env in (prod, test)", {"a", "b"}),
        ("env notin (prod)", {"b", "c"}),
        ("env,!old", {"a"}),
        ("env = prod , team!=x", {"a"}),
        ("env=", set()),
        ("example.org/tier=front", {"c"}),
        ("", {"a", "b", "c"}),
    ],
)
def test_selectors_choose(api: Served, selector: str, chosen: set[str]) -> None:
    """A selector understood differently puts a firewall on the wrong servers."""
    for name, labels in {
        "a": {"env": "prod"}, "b": {"env": "test", "old": ""}, "c": {"example.org/tier": "front"},
    }.items():  # fmt: skip
        api.post("/placement_groups", {"name": name, "type": "spread", "labels": labels})
    found = api.http.get("/v1/placement_groups", params={"label_selector": selector}).json()["placement_groups"]
    assert {one["name"] for one in found} == chosen


@pytest.mark.parametrize(
    "selector", ["=", "a=b=c", "a in", "a in (", "a in b", "a,,b", "a,", ",a", "a b", "!", "a==b,=c"]
)
def test_malformed_selectors_are_refused(selector: str) -> None:
    """An ignored half of a selector selects too much."""
    with pytest.raises(ApiError) as refused:
        parse(selector)
    assert refused.value.code == "invalid_input"


@given(labels=LABELS, key=WORDS, values=st.lists(WORDS, min_size=1, max_size=3))
@example(labels={}, key="in", values=["notin"])
@settings(max_examples=200, deadline=None)
def test_each_operator_is_the_negation_of_its_counterpart(labels: dict[str, str], key: str, values: list[str]) -> None:
    """Cleaning up by `!keep` while keeping by `keep` must never hit the same server, nor miss one."""

    def selects(selector: str) -> bool:
        return matches(parse(selector), labels)

    listed = ",".join(values)
    assert selects(key) != selects(f"!{key}") and selects(key) == (key in labels)
    assert selects(f"{key}={values[0]}") != selects(f"{key}!={values[0]}")
    assert selects(f"{key} in ({listed})") != selects(f"{key} notin ({listed})")
    assert selects(f"{key} in ({listed})") == any(selects(f"{key}={value}") for value in values)
    everything = ",".join(f"{one}={value}" if value else one for one, value in labels.items())
    assert selects(everything)


@given(text=st.text(alphabet="ab=!,() in not", max_size=12))
@settings(max_examples=300, deadline=None)
def test_any_text_is_a_selector_or_refused(text: str) -> None:
    """Garbage must end in 422, never in a 500 or an endless loop."""
    try:
        matches(parse(text), {"a": "b"})
    except ApiError as refused:
        assert refused.code == "invalid_input"


@pytest.mark.parametrize(
    "labels",
    [{"": "x"}, {"-a": "x"}, {"a": "x-"}, {"a" * 64: "x"}, {"a": "x" * 64}, {"hetzner.cloud/a": "x"}, {"UP.x/a": ""},
     {"a/b/c": "x"}, {"a": 1}],
)  # fmt: skip
def test_bad_labels_are_refused(api: Served, labels: dict[str, str]) -> None:
    """What is stored here must be storable in the real cloud."""
    status, code, error = api.error("POST", "/placement_groups", {"name": "x", "type": "spread", "labels": labels})
    assert (status, code) == (422, "invalid_input") and "labels" in json.dumps(error["details"])


def test_actions_are_asked_for_by_id_and_all_are_on_one_page(api: Served) -> None:
    """hcloud-go asks for 25 ids at once without per_page and takes a missing one for an error."""
    server = api.server()
    for _ in range(15):
        for name in ("poweroff", "poweron"):
            api.done(api.post(f"/servers/{server}/actions/{name}"))
    ids = [one["id"] for one in api.get(f"/servers/{server}/actions?per_page=50")["actions"]]
    query = "&".join(f"id={one}" for one in ids[:30])
    assert {one["id"] for one in api.get(f"/actions?{query}&page=1&sort=status&sort=id")["actions"]} == set(ids[:30])
    assert api.error("GET", "/actions")[1] == "deprecated_api_endpoint"


def test_unauthorized_requests_are_told_apart(api: Served) -> None:
    """No token and a wrong token are different mistakes; an unknown route is none of them."""
    for headers, message in (
        ({}, "token is required"),
        ({"Authorization": "Bearer x"}, "the token you have provided is invalid"),
    ):
        answer = httpx.get(f"{api.url}/v1/servers", headers=headers, trust_env=False)
        assert (answer.status_code, answer.json()["error"]["message"]) == (401, message)
        assert answer.json()["error"]["code"] == "unauthorized"
    assert httpx.get(f"{api.url}/v1/nothing", trust_env=False).status_code == 404
    assert httpx.get(f"{api.url}/v1/servers", headers={"Authorization": f"Bearer {TOKEN}"}, trust_env=False).is_success
    assert api.error("PUT", "/servers")[:2] == (405, "method_not_allowed")
    bad = api.http.post("/v1/servers", content=b"{", headers={"Content-Type": "application/json"})
    assert (bad.status_code, bad.json()["error"]["code"]) == (400, "json_error")
