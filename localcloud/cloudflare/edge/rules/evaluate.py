"""The value of an expression about a request; a value that is not there makes every comparison false."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from localcloud.cloudflare.edge.rules import functions
from localcloud.cloudflare.edge.rules.fields import FIELDS, Context
from localcloud.cloudflare.edge.rules.syntax import Call, Compare, Field, In, Index, Literal, Logic, Match, Node, Not

ORDER: dict[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq, "ne": operator.ne, "lt": operator.lt, "le": operator.le, "gt": operator.gt, "ge": operator.ge,
    "contains": operator.contains,
}  # fmt: skip


class Each(list[Any]):
    """Every element of an array (``[*]``): what is done with it is done with each."""


def holds(node: Node, context: Context) -> bool:
    """Whether a rule's expression is true."""
    return value(node, context) is True


def value(node: Node, context: Context) -> Any:
    """The value of an expression; None where there is none."""
    match node:
        case Literal():
            return node.value
        case Field():
            return FIELDS[node.name](context)
        case Index():
            return _index(value(node.base, context), node.key)
        case Call():
            return _call(node.function, [value(argument, context) for argument in node.arguments])
        case Not():
            return value(node.operand, context) is not True
        case Logic():
            return _logic(node, context)
        case Compare():
            return _compare(node.operator, value(node.left, context), node.right.value)
        case Match():
            search = node.pattern.fullmatch if node.whole else node.pattern.search
            return _each(value(node.left, context), lambda one: isinstance(one, str) and search(one) is not None)
        case In():
            return _each(
                value(node.left, context), lambda one: one is not None and any(_within(one, i) for i in node.items)
            )


def _logic(node: Logic, context: Context) -> bool:
    left = value(node.left, context) is True
    if node.operator == "and":
        return left and value(node.right, context) is True
    if node.operator == "or":
        return left or value(node.right, context) is True
    return left is not (value(node.right, context) is True)


def _each(found: Any, test: Any) -> Any:
    return Each(test(one) for one in found) if isinstance(found, Each) else test(found)


def _compare(name: str, left: Any, right: Any) -> Any:
    if isinstance(left, Each):
        return Each(_compare(name, one, right) for one in left)
    if left is None:
        return name == "ne"
    if type(left) is not type(right):
        return name == "ne"
    if name == "contains" and not isinstance(left, str):
        return False  # a part is looked for in text alone
    return bool(ORDER[name](left, right))


def _within(one: Any, item: Any) -> bool:
    if isinstance(item, tuple):
        return isinstance(one, int) and item[0] <= one <= item[1]
    if isinstance(item, str | int):
        return type(one) is type(item) and one == item
    return not isinstance(one, str | int | list | dict) and one.version == item.version and one in item


def _index(base: Any, key: str | int | None) -> Any:
    if base is None:
        return Each() if key is None else None
    if isinstance(base, Each) and key is not None:
        return Each(_index(one, key) for one in base)
    if key is None:
        return Each(base.values() if isinstance(base, dict) else base)
    if isinstance(base, dict):
        return base.get(key.lower() if isinstance(key, str) and key not in base else key)
    return base[key] if isinstance(base, list) and isinstance(key, int) and key < len(base) else None


def _call(name: str, arguments: list[Any]) -> Any:
    if name in functions.ELEMENTWISE and arguments and isinstance(arguments[0], Each):
        return Each(_call(name, [one, *arguments[1:]]) for one in arguments[0])
    if any(argument is None for argument in arguments) and name != "concat":
        return False if name in ("any", "all", "has_key", "has_value", "starts_with", "ends_with") else None
    if name == "concat":
        arguments = ["" if argument is None else argument for argument in arguments]
    function: Callable[..., Any] = functions.FUNCTIONS[name][0]
    try:
        return function(*arguments)
    except (TypeError, AttributeError, ValueError):
        return None  # of another type than the function takes: no value
