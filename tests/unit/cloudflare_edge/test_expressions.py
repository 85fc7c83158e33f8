"""The rules' expression language."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.cloudflare.edge.messages import Headers, Request
from localcloud.cloudflare.edge.rules.evaluate import holds, value
from localcloud.cloudflare.edge.rules.fields import FIELDS, Context
from localcloud.cloudflare.edge.rules.functions import FUNCTIONS
from localcloud.cloudflare.edge.rules.parser import parse
from localcloud.cloudflare.edge.rules.syntax import ExpressionError


def context(**changes: Any) -> Context:
    request = Request(
        method="POST", scheme="https", host="api.localhost", authority="api.localhost", path="/store/Auth.JSON",
        query="a=1&b=2&a=3", client_ip="127.0.0.9", http_version="2", body=None, ray="abc",
        headers=Headers([(b"cookie", b"sid=7; x=y"), (b"accept", b"a"), (b"accept", b"B"), (b"user-agent", b"curl/8")]),
    )  # fmt: skip
    for name, one in changes.items():
        setattr(request, name, one)
    return Context(request, "localhost")


TRUE = [
    'http.host eq "api.localhost"',
    'http.host == "api.localhost" && ssl',
    '(http.request.method in {"POST" "PUT"} and not http.request.uri.path contains "admin")',
    'starts_with(http.request.uri.path, "/store") and ends_with(lower(http.request.uri.path), ".json")',
    'http.request.uri.path.extension in {"json"}',
    "ip.src in {10.0.0.0/8 127.0.0.0/8} and not ip.src in {::1/128}",
    "ip.src eq 127.0.0.9",
    'http.request.uri.path matches "(?i)auth\\\\.json$"',
    'http.request.uri.path matches r"^/store/\\w+\\."',
    'http.request.full_uri wildcard "https://*.LOCALHOST/store/*"',
    'not http.request.full_uri strict wildcard "https://*.LOCALHOST/*"',
    'any(http.request.headers["accept"][*] eq "B")',
    'not all(http.request.headers["accept"][*] eq "B")',
    'any(lower(http.request.headers["Accept"][*])[*] contains "b") or true',
    'http.request.cookies["sid"][0] eq "7"',
    'http.request.uri.args["a"][1] eq "3"',
    'len(http.request.headers["missing"]) ne 0',
    'not http.request.headers["missing"][0] eq "x"',
    'http.request.headers["missing"][0] ne "x"',
    'concat("a", 1, true) eq "a1true"',
    'substring(http.host, 0, 3) eq "api"',
    'regex_replace(http.request.uri.path, "^/store/(.+)$", "/x/${1}") eq "/x/Auth.JSON"',
    'wildcard_replace(http.host, "*.localhost", "${1}.example") eq "api.example"',
    'remove_query_args(http.request.uri.query, "a") eq "b=2"',
    'lookup_json_string("{\\"a\\":{\\"b\\":\\"c\\"}}", "a", "b") eq "c"',
    'cf.zone.name eq "localhost" xor ssl eq false',
    "http.request.timestamp.sec gt 1000 and http.request.timestamp.sec in {1000..99999999999}",
    "true or false and false",
    "not false and true",
]


@pytest.mark.parametrize("expression", TRUE)
def test_it_holds(expression: str) -> None:
    """A rule that reads otherwise here than at Cloudflare passes its test and fails in production."""
    assert holds(parse(expression), context())


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ('http.hots eq "a"', "unknown field 'http.hots'"),
        ('lowercase(http.host) eq "a"', "unknown function 'lowercase'"),
        ("http.host eq", "expected a value"),
        ('http.host eq "a" and', "expected a value"),
        ('(http.host eq "a"', "expected ')'"),
        ('http.host in {"a"', "expected a value of the set or '}'"),
        ('http.host matches "("', "no regular expression"),
        ("lower() eq 1", "takes 1 to 1 arguments"),
        ('http.host eq "a" ?', "unexpected '?'"),
        ('http.host eq "a" "b"', "expected 'the end'"),
        ("ip.src eq 999.1.1.1", "999.1.1.1"),
        ("not " * 200 + "true", "nested too deeply"),
        ("(" * 2000 + "true", "nested too deeply"),
        ('http.host eq "' + "a" * 5000 + '"', "at most 4096"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(expression: str, message: str) -> None:
    """`pulumi up` would end in a rule that never holds, and nobody would know."""
    with pytest.raises(ExpressionError, match="at character") as caught:
        parse(expression)
    assert message in str(caught.value)


@given(st.text(alphabet=st.sampled_from(list('abehlnostx."[](){}*!=<>~&|^,\\ 0123456789:/$r#\n')), max_size=60))
def test_no_text_breaks_the_parser(text: str) -> None:
    """An upload of nonsense would end in a traceback instead of error 20127."""
    try:
        node = parse(text)
    except ExpressionError:
        return
    value(node, context())


ATOMS = st.sampled_from(
    [*FIELDS, '"x"', "7", "true", "1.2.3.4", 'http.request.headers["a"][*]', 'http.request.uri.args["a"][0]']
)
CALLS = st.builds(
    lambda name, arguments: f"{name}({', '.join(arguments)})",
    st.sampled_from(sorted(FUNCTIONS)),
    st.lists(ATOMS, max_size=3),
)
COMPARISONS = st.builds(
    lambda left, operator, right: f"{left} {operator} {right}",
    ATOMS | CALLS,
    st.sampled_from(["eq", "ne", "lt", "ge", "contains"]),
    st.sampled_from(['"x"', "7", "true", "1.2.3.4"]),
)


@given(COMPARISONS | CALLS)
def test_no_expression_breaks_a_request(expression: str) -> None:
    """A value of an unexpected type would answer a customer with 500."""
    try:
        node = parse(expression)
    except ExpressionError:
        return
    assert holds(node, context()) in (True, False)


TREES = st.recursive(
    st.sampled_from([("true", True), ("false", False)]),
    lambda inner: st.one_of(
        st.builds(lambda one: (f"not ({one[0]})", not one[1]), inner),
        st.builds(lambda a, b: (f"({a[0]}) and ({b[0]})", a[1] and b[1]), inner, inner),
        st.builds(lambda a, b: (f"({a[0]}) || ({b[0]})", a[1] or b[1]), inner, inner),
        st.builds(lambda a, b: (f"({a[0]}) xor ({b[0]})", a[1] != b[1]), inner, inner),
    ),
    max_leaves=12,
)


@given(TREES)
def test_logic_is_logic(tree: tuple[str, bool]) -> None:
    """A limit that holds for the wrong half of the requests."""
    assert holds(parse(tree[0]), context()) is tree[1]


@given(st.lists(st.sampled_from(["true", "false", "and", "or", "xor", "not"]), min_size=1, max_size=9))
def test_precedence_is_not_and_xor_or(words: list[str]) -> None:
    """`a or b and c` read from the left would let through what was to be blocked."""
    python = {"true": "True", "false": "False", "xor": "!="}
    text = " ".join(words)
    try:
        found = holds(parse(text), context())
    except ExpressionError:
        return
    if "xor" in words:  # Python has no xor between `and` and `or`: split by hand
        parts = [[part.strip() for part in one.split("xor")] for one in text.split(" or ")]
        expected = any(sum(bool(eval(_python(part))) for part in one) % 2 for one in parts)
    else:
        expected = bool(eval(" ".join(python.get(word, word) for word in words)))
    assert found is expected


def _python(text: str) -> str:
    return text.replace("true", "True").replace("false", "False")


@given(st.text(max_size=40).filter(lambda text: "\r" not in text))
def test_strings_are_read_as_they_were_written(text: str) -> None:
    """A secret with a quote or a backslash in it would be another secret at the origin."""
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    assert value(parse(f'concat("{quoted}", "")'), context()) == text
